from __future__ import annotations

import random
import unittest
from typing import Any, Optional, cast

from cdktr import Principal, Result
from cdktr._follow import Follower

LINES = 60


class Story:
    """A history of two workflows, and what the live stream says of it. A line's
    message is its position."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.lines: list[dict[str, Any]] = []
        self.messages: list[dict[str, Any]] = []
        newest = {"all": 0, "w": 0, "v": 0}
        pos = 0
        while pos < LINES:
            w, first, n = rng.choice("wv"), pos + 1, rng.randint(1, 4)
            records = [
                {"workflow": w, "run": "run of " + w, "task": "t", "stream": rng.choice(["stdout", "stderr"]), "message": str(first + i)}
                for i in range(n)
            ]
            before = {"all": newest["all"], "workflow": newest[w], "run": newest[w]}
            pos += n
            newest["all"] = newest[w] = pos
            self.lines += records
            self.messages.append({"epoch": "e", "pos": first, "before": before, "records": records})
            self.messages.append({"epoch": "e", "pos": pos, "lines": pos, "events": 0})

    def call(self, op: str, **fields: Any) -> Result[Any]:
        """The principal's side. A page may be short of what there is."""
        if op == "run.wait":
            return Result(True, None, {"ended": False})
        assert op == "logs.query" and fields["by_pos"], op
        after = fields["after"]
        upto = min(self.durable, after + self.rng.randint(1, 7))
        wanted = {k: fields[k] for k in ("workflow", "run", "task", "stream") if fields[k] is not None}
        page = [r for r in self.lines[after:upto] if wanted.items() <= r.items()]
        return Result(True, None, {"records": page, "more": upto < self.durable, "pos": max(after, upto)})

    durable = 0

    def played(self, wanted: dict[str, Optional[str]]) -> tuple[list[str], list[str]]:
        """What a follower gives out, and what it should, where the stream
        drops, doubles and delays."""
        follower = Follower(cast(Principal, self), wanted)
        got: list[str] = []
        for i, message in enumerate(self.messages):
            # The history is ahead of the stream, often by a part of its next message.
            end = message["pos"] + len(message.get("records", [1])) - 1
            self.durable = max(self.durable, min(len(self.lines), end + self.rng.randint(0, 2)))
            last = i == len(self.messages) - 1  # a mark
            heard = [message] if last else self.rng.choice([[], [message], [message], [message, message], [self.messages[i - 1], message]])
            for m in heard:
                if "records" in m and follower.scope != "all" and m["records"][0]["workflow"] != "w":
                    continue  # of another topic
                got += [r["message"] for r in follower.take(m)]
        asked = {k: v for k, v in wanted.items() if v is not None and k != "grep"}
        return got, [r["message"] for r in self.lines if asked.items() <= r.items()]


class Following(unittest.TestCase):
    def test_every_line_once_whatever_the_stream_does(self) -> None:
        nothing = dict.fromkeys(("run", "workflow", "task", "stream", "grep"))
        for narrowed in ({}, {"workflow": "w"}, {"workflow": "w", "run": "run of w"}, {"stream": "stdout"}, {"grep": "."}):
            for seed in range(40):
                with self.subTest(narrowed=narrowed, seed=seed):
                    got, want = Story(random.Random(seed)).played({**nothing, **narrowed})
                    self.assertEqual(got, want)


if __name__ == "__main__":
    unittest.main()
