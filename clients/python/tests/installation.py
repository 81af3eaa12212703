"""CDKTR in a directory of its own, on free ports."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from cdktr import Principal

WORKFLOWS = {
    "hello.yml": "params: {name: world}\ntasks: {greet: {run: 'echo \"Hello, $CDKTR_PARAM_NAME!\"'}}",
    "fail.yml": "tasks: {a: {run: 'echo oh >&2; exit 3'}}",
    "sleep.yml": "tasks: {a: {run: 'sleep 600'}}",
    "bytes.yml": "tasks: {a: {run: \"printf '\\\\377\\\\n'\"}}",
    "count.yml": "params: {to: 3}\ntasks: {a: {run: 'i=0; while [ $i -lt $CDKTR_PARAM_TO ]; do i=$((i+1)); echo $i; sleep 0.002; done'}}",
    "broken.yml": "tasks: {a: {ruun: x}}",
}


class Installation:
    def __init__(self) -> None:
        self.dir = Path(tempfile.mkdtemp(prefix="cdktr-python-"))
        self.data = self.dir / "data"
        (self.dir / "workflows").mkdir()
        for name, text in WORKFLOWS.items():
            (self.dir / "workflows" / name).write_text(text)
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("CDKTR_")}
        self.env["CDKTR_APP_DATA_DIRECTORY"] = str(self.data)
        self.env["XDG_CONFIG_HOME"] = str(self.dir / "config")
        self.start()

    def start(self) -> None:
        with (self.dir / "log").open("a") as log:
            self.process = subprocess.Popen(
                ["cdktr-principal", "--with-agent", "--port", "0", "--workflows", "workflows"],
                cwd=self.dir, env=self.env, stdout=log, stderr=log,
            )  # fmt: skip

    def kill(self) -> None:
        """As a crash would; the agent and its tasks live on."""
        self.process.kill()
        self.process.wait()

    def command(self, *args: str) -> str:
        return subprocess.run(args, cwd=self.dir, env=self.env, check=True, capture_output=True, text=True, timeout=30).stdout

    def principal(self, timeout: float = 1.0, attempts: int = 30) -> Principal:
        return Principal(data=self.data, timeout=timeout, attempts=attempts)

    def end(self) -> None:
        """Ends the principal and, by it, the agent."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=30)
        for _ in range(20):  # the agent may still be writing
            shutil.rmtree(self.dir, ignore_errors=True)
            if not self.dir.exists():
                return
            time.sleep(0.05)
