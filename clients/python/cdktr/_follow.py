"""Following: the history is the truth, and the live stream says what is new.

A message of the stream is taken only where it continues what was given out; else
the history is read from there. So it does not matter what the stream drops,
doubles or delays.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Optional

import zmq

from ._connection import Failure, Lost
from .types import LogRecord

if TYPE_CHECKING:
    from ._principal import Principal

SILENCE_MS = 3000  # a mark comes each second
REREADS = 8  # a message may be there a moment before the history shows what came before it


def records(
    principal: Principal,
    run: Optional[str],
    workflow: Optional[str],
    task: Optional[str],
    stream: Optional[str],
    grep: Optional[str],
    after: Optional[int],
) -> Iterator[LogRecord]:
    if run is not None:
        there = principal.call("run.get", run=run).unwrap()
        run, workflow = there["run"], there["workflow"]
    wanted = {"run": run, "workflow": workflow, "task": task, "stream": stream, "grep": grep}
    follower = Follower(principal, wanted)
    if after is not None:
        follower.seen = after
    elif run is None:
        follower.seen = principal.call("status").unwrap()["pos"]
    while True:
        yield from follower.listen()
        if follower.ended:
            return


class Follower:
    """Invariant: every record up to `seen` was given out, and none above it."""

    def __init__(self, principal: Principal, wanted: dict[str, Optional[str]]) -> None:
        self.principal = principal
        self.wanted = wanted
        self.seen = 0
        self.ended = False
        self.events = 0  # the position of the newest event that was heard of
        self.epoch = ""  # of the last message
        run, workflow = wanted["run"], wanted["workflow"]
        pattern = workflow is not None and any(c in workflow for c in "*?")
        # The stream does not know patterns: then it only says that there is news.
        self.direct = not pattern and wanted["grep"] is None
        self.scope = "run" if run else "workflow" if workflow and not pattern else "all"
        self.topics = ["mark", {"run": f"log/{workflow}/{run}/", "workflow": f"log/{workflow}/", "all": "log/"}[self.scope]]
        if run:
            self.topics.append(f"event/{workflow}/{run}/")

    def listen(self) -> Iterator[LogRecord]:
        """Uses one subscription until it breaks, or the run has ended."""
        live = self.principal.call("status").unwrap()["live"]
        try:
            place = self.principal._finder.find()
        except Lost:
            time.sleep(0.05)
            return
        with place.socket(self.principal._context, zmq.SUB) as sub:
            for topic in self.topics:
                sub.subscribe(topic)
            sub.connect(place.beside(live))
            yield from self.settle()
            while not self.ended and sub.poll(SILENCE_MS):
                yield from self.take(json.loads(sub.recv_multipart()[1]))

    def settle(self) -> Iterator[LogRecord]:
        """Gives out what the history has. All lines of a run are in it before the
        run ends, so it must be asked for the end first."""
        run = self.wanted["run"]
        ended = run is not None and self.principal.call("run.wait", run=run, timeout_ms=1).unwrap()["ended"]
        yield from self.history()
        self.ended = ended

    def history(self) -> Iterator[LogRecord]:
        more, after = True, self.seen
        while more:
            page = self.principal.call("logs.query", by_pos=True, after=after, **self.wanted).unwrap()
            after = max(after, page["pos"])
            self.seen = after
            yield from page["records"]
            more = page["more"]

    def take(self, message: dict[str, Any]) -> Iterator[LogRecord]:
        anew = self.epoch not in ("", message["epoch"])
        self.epoch = message["epoch"]
        lines = message.get("records")
        if anew or lines is None:
            # A mark, or an event of the run that is followed.
            events = message.get("events", message["pos"])
            if anew or message.get("lines", 0) > self.seen or self.wanted["run"] and events > self.events:
                self.events = max(self.events, events)
                yield from self.settle()
            return
        last = message["pos"] + len(lines) - 1
        before = message.get("before", {}).get(self.scope, last)
        for n in range(REREADS):
            if last <= self.seen or self.direct and before <= self.seen:
                break
            if n:
                time.sleep(0.002 * 2**n)
            yield from self.history()
        else:
            return  # the next mark tells what is missing
        new = lines[max(0, self.seen + 1 - message["pos"]) :]
        if last > self.seen:
            self.seen = last
            yield from (r for r in new if self.asked_for(r))

    def asked_for(self, record: dict[str, Any]) -> bool:
        return all(self.wanted[name] in (None, record[name]) for name in ("run", "workflow", "task", "stream"))
