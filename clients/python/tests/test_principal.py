from __future__ import annotations

import base64
import threading
import unittest
from datetime import datetime, timedelta
from pathlib import Path

from cdktr import Failure, Principal

from .installation import Installation


class Verbs(unittest.TestCase):
    installation: Installation
    principal: Principal

    @classmethod
    def setUpClass(cls) -> None:
        cls.installation = Installation()
        cls.principal = cls.installation.principal()
        cls.principal.ping().unwrap()  # it is there: what is granted before does not know its address

    @classmethod
    def tearDownClass(cls) -> None:
        cls.principal.close()
        cls.installation.end()

    def run_to_end(self, workflow: str, **params: object) -> str:
        run = self.principal.run_workflow(workflow, params).unwrap()
        self.principal.wait(run, timeout=30).unwrap()
        return run

    def test_ping(self) -> None:
        pong = self.principal.ping()
        self.assertTrue(pong.success)
        self.assertIsNone(pong.error)
        self.assertEqual(set(pong.unwrap()), {"version", "time"})

    def test_workflows_are_listed_with_their_mistakes(self) -> None:
        listed = {w["workflow"]: w["errors"] for w in self.principal.list_workflows().unwrap()}
        self.assertEqual(set(listed), {"hello", "fail", "sleep", "bytes", "count", "broken"})
        self.assertEqual(listed["hello"], [])
        self.assertIn("ruun", listed["broken"][0]["message"])

    def test_a_run_and_its_end(self) -> None:
        run = self.principal.run_workflow("hello", {"name": "Ada"}).unwrap()
        self.assertEqual(self.principal.wait(run).payload, "COMPLETED")
        (record,) = self.principal.query_logs(run, stream="stdout").unwrap()
        self.assertEqual((record["message"], record["task"], record["seq"]), ("Hello, Ada!", "greet", 1))
        self.assertEqual(self.principal.wait(self.run_to_end("fail")).payload, "FAILED")

    def test_the_same_key_gives_the_same_run(self) -> None:
        first = self.principal.run_workflow("hello", {"name": "x"}, key="k")
        self.assertEqual(first, self.principal.run_workflow("hello", {"name": "x"}, key="k"))
        other = self.principal.run_workflow("hello", {"name": "y"}, key="k")
        self.assertFalse(other.success)
        self.assertEqual(other.error and other.error.code, "conflict")
        a, b = (self.principal.run_workflow("hello").unwrap() for _ in range(2))
        self.assertNotEqual(a, b)

    def test_a_refusal_says_why(self) -> None:
        result = self.principal.run_workflow("helo")
        self.assertEqual((result.success, result.payload), (False, None))
        self.assertEqual(str(result.error), 'no workflow "helo" (did you mean "hello"?)')
        self.assertEqual(result.error and result.error.code, "not_found")
        with self.assertRaisesRegex(Failure, "did you mean"):
            result.unwrap()
        for code, refused in {
            "unknown_op": self.principal.call("run.stop"),
            "bad_request": self.principal.run_workflow("hello", {"name": object()}),
            "too_large": self.principal.run_workflow("hello", {"name": "x" * (5 << 20)}),
        }.items():
            self.assertEqual(refused.error and refused.error.code, code)

    def test_waiting_has_a_bound(self) -> None:
        run = self.principal.run_workflow("sleep").unwrap()
        result = self.principal.wait(run, timeout=0.05)
        self.assertEqual(result.error and result.error.code, "timeout")
        self.principal.call("run.cancel", run=run).unwrap()
        self.assertEqual(self.principal.wait(run).payload, "CANCELLED")

    def test_all_pages_are_read(self) -> None:
        runs = [self.principal.run_workflow("hello", {"name": f"n{i}"}).unwrap() for i in range(3)]
        for run in runs:
            self.principal.wait(run)
        page = self.principal.call("run.list", workflow="h*", last=3).unwrap()["runs"]
        self.assertEqual([r["run"] for r in page], runs)
        recent = self.principal.get_recent_workflow_statuses("h*", last=3).unwrap()
        self.assertEqual([(r["run"], r["status"]) for r in recent], [(r, "COMPLETED") for r in runs])

    def test_queries_are_narrowed(self) -> None:
        run = self.run_to_end("count", to=3)
        hour = timedelta(hours=1)

        def messages(**by: object) -> list[str]:
            return [r["message"] for r in self.principal.query_logs(run, stream="stdout", **by).unwrap()]  # type: ignore[arg-type]

        self.assertEqual(messages(), ["1", "2", "3"])
        self.assertEqual(messages(last=1), ["3"])
        self.assertEqual(messages(grep="[12]"), ["1", "2"])
        self.assertEqual(messages(since=datetime.now() - hour), ["1", "2", "3"])
        self.assertEqual(messages(until=datetime.now() - hour), [])

    def test_bytes_stay_bytes(self) -> None:
        (record,) = self.principal.query_logs(self.run_to_end("bytes"), stream="stdout").unwrap()
        self.assertEqual(base64.b64decode(record["message_base64"]), b"\xff")

    def test_agents(self) -> None:
        self.run_to_end("hello")
        (agent,) = self.principal.get_registered_agents().unwrap()
        self.assertIn(agent["status"], ("READY", "BUSY"))

    def test_following_a_run_ends_after_its_last_line(self) -> None:
        run = self.principal.run_workflow("count", {"to": 50}).unwrap()
        want = [str(i) for i in range(1, 51)]
        self.assertEqual([r["message"] for r in self.principal.follow_logs(run, stream="stdout")], want)
        again = self.principal.follow_logs(run, stream="stdout", grep=".")
        self.assertEqual([r["message"] for r in again], want)

    def test_following_a_workflow_begins_now_and_goes_on(self) -> None:
        self.run_to_end("hello", name="before")
        follow = self.principal.follow_logs(workflow="hello", stream="stdout")
        got: list[str] = []
        begun = threading.Event()

        def trigger() -> None:
            begun.wait(10)
            for name in "abc":
                self.run_to_end("hello", name=name)

        # The follower begins with its first step, so something must come for it.
        def nudge() -> None:
            while not got:
                self.run_to_end("hello", name="nudge")
            begun.set()

        threads = [threading.Thread(target=t) for t in (trigger, nudge)]
        for t in threads:
            t.start()
        for record in follow:
            got.append(record["message"])
            if record["message"] == "Hello, c!":
                break
        for t in threads:
            t.join()
        self.assertNotIn("Hello, before!", got)
        self.assertEqual([m for m in got if "nudge" not in m], ["Hello, a!", "Hello, b!", "Hello, c!"])

    def test_threads_share_a_principal(self) -> None:
        runs: list[str] = []
        threads = [threading.Thread(target=lambda: runs.append(self.run_to_end("hello"))) for _ in range(8)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(len(set(runs)), 8)

    def test_host_port_and_keys(self) -> None:
        _, _, port = self.principal._finder.find().api.rpartition(":")
        elsewhere = self.installation.dir / "elsewhere"
        with Principal("127.0.0.1", int(port), self.installation.data / "keys", data=elsewhere) as p:
            self.assertTrue(p.ping().success)

    def test_a_join_file_is_all_that_is_needed(self) -> None:
        text = self.installation.command("cdktr-principal", "grant", "ada", "--role", "viewer")
        join = Path(self.installation.dir) / "ada.join"
        join.write_text(text)
        with Principal(keys=join, data=self.installation.dir / "elsewhere") as p:
            self.assertIsNone(p.ping().error)
            refused = p.run_workflow("hello")
            self.assertEqual(refused.error and refused.error.code, "not_allowed")
            run = self.run_to_end("hello", name="Ada")
            self.assertEqual([r["message"] for r in p.follow_logs(run, stream="stdout")], ["Hello, Ada!"])
            self.installation.command("cdktr-principal", "revoke", "ada")
            gone = p.ping()
            self.assertIn(gone.error and gone.error.code, ("not_allowed", "denied"))

    def test_an_unknown_key_is_denied_at_once(self) -> None:
        import zmq.auth

        keys = self.installation.dir / "strange"
        keys.mkdir()
        zmq.auth.create_certificates(keys, "admin")
        with Principal(keys=keys, data=self.installation.data, timeout=5) as p:
            result = p.ping()
        self.assertEqual(result.error and result.error.code, "denied")


class Away(unittest.TestCase):
    def setUp(self) -> None:
        self.installation = Installation()

    def tearDown(self) -> None:
        self.installation.end()

    def test_a_principal_that_is_away_is_waited_for_and_given_up(self) -> None:
        with self.installation.principal(timeout=0.2, attempts=150) as p:
            run = p.run_workflow("hello").unwrap()
            self.installation.kill()
            with self.installation.principal(timeout=0.1, attempts=2) as impatient:
                gone = impatient.ping()
            self.assertEqual(gone.error and gone.error.code, "away")
            self.installation.start()
            self.assertEqual(p.wait(run).payload, "COMPLETED")

    def test_following_over_a_kill_gives_every_line_once(self) -> None:
        with self.installation.principal() as p:
            run = p.run_workflow("count", {"to": 500}).unwrap()
            got: list[str] = []
            for record in p.follow_logs(run, stream="stdout"):
                got.append(record["message"])
                if len(got) == 100:
                    self.installation.kill()
                    self.installation.start()
            self.assertEqual(got, [str(i) for i in range(1, 501)])
            self.assertEqual(p.wait(run).payload, "COMPLETED")


if __name__ == "__main__":
    unittest.main()
