"""The verbs."""

from __future__ import annotations

import json
import os
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Generic, Optional, TypeVar, Union

import zmq

from . import _follow
from ._connection import Connection, Context, Error, Failure, Finder, Lost, Place
from .types import Agent, LogRecord, Pong, Run, Workflow

T = TypeVar("T")

# Queries may take so long, by the protocol; all else is answered at once.
QUERY_SECONDS = 30.0
QUERIES = {"logs.query", "events.query", "run.list"}

# They change nothing: a principal that is too busy for them is asked again.
READS = QUERIES | {"ping", "status", "workflow.list", "workflow.get", "run.get", "run.wait", "agent.list"}

MAX_MESSAGE = 4 << 20

WAIT_SECONDS = 20.0  # the principal waits no longer in one request


@dataclass(frozen=True)
class Result(Generic[T]):
    """What came of a request: a payload, or the error."""

    success: bool
    error: Optional[Error] = None
    payload: Optional[T] = None

    def unwrap(self) -> T:
        """The payload; raises Failure where there is none."""
        if self.error is not None:
            raise Failure(self.error)
        assert self.payload is not None
        return self.payload


class Principal:
    """A principal, over restarts of it. Any number of threads may use it.

    Without arguments it is found as the commands find it: at
    CDKTR_PRINCIPAL_HOST and CDKTR_PRINCIPAL_PORT where one is set, else by
    principal.json in CDKTR_APP_DATA_DIRECTORY (~/.cdktr). `keys` is a directory
    of keys (CDKTR_KEYS, or keys in the data directory), or a join file as
    `cdktr-principal grant` prints it, which names the principal too.

    One try takes `timeout` seconds. While the principal is away there are at
    most `attempts` of them; then the error has the code `away`.
    """

    def __init__(
        self,
        host: Optional[str] = None,
        port: Optional[int] = None,
        keys: Union[str, Path, None] = None,
        *,
        data: Union[str, Path, None] = None,
        timeout: Optional[float] = None,
        attempts: Optional[int] = None,
    ) -> None:
        env = os.environ
        self._timeout = timeout or int(env.get("CDKTR_DEFAULT_ZMQ_TIMEOUT_MS") or 3000) / 1000
        self._attempts = attempts or int(env.get("CDKTR_RETRY_ATTEMPTS") or 20)
        self._finder = Finder(host, port, keys, data)
        self._context: Context = zmq.Context()
        self._lock = threading.Lock()
        self._idle: list[Connection] = []

    def __enter__(self) -> Principal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends it. No call may be under way in another thread."""
        self._drop_idle()
        self._context.destroy(linger=0)

    def ping(self) -> Result[Pong]:
        """The principal's version and time."""
        return self.call("ping")

    def list_workflows(self) -> Result[list[Workflow]]:
        """All workflows, by id; those whose file does not load have errors."""
        return self._all("workflow.list", "workflows")

    def run_workflow(self, workflow: str, params: Optional[Mapping[str, object]] = None, key: Optional[str] = None) -> Result[str]:
        """Starts a run, once over all retries, and gives its id when it is durable.

        The same key with the same parameters gives the same run, for 7 days: a
        caller that may crash gives one that belongs to its event.
        """
        result = self.call("run.trigger", workflow=workflow, params=dict(params or {}), key=key or uuid.uuid4().hex)
        return Result(result.success, result.error, result.payload and result.payload["run"])

    def wait(self, run: str, timeout: Optional[float] = None) -> Result[str]:
        """Waits for the end of a run and gives its status: COMPLETED, FAILED,
        CRASHED or CANCELLED. After `timeout` seconds the error is `timeout`,
        and the run goes on."""
        end = None if timeout is None else time.monotonic() + timeout
        while True:
            left = WAIT_SECONDS if end is None else max(0.001, min(WAIT_SECONDS, end - time.monotonic()))
            result = self.call("run.wait", run=run, timeout_ms=int(1000 * left) or 1)
            if result.payload is None or result.payload["ended"]:
                return Result(result.success, result.error, result.payload and result.payload["status"])
            if end is not None and time.monotonic() >= end:
                return Result(False, Error(f"run {run} has not ended within {timeout:g} s", "timeout"))

    def query_logs(
        self,
        run: Optional[str] = None,
        workflow: Optional[str] = None,
        task: Optional[str] = None,
        stream: Optional[str] = None,
        grep: Optional[str] = None,
        since: Union[str, datetime, None] = None,
        until: Union[str, datetime, None] = None,
        last: Optional[int] = None,
    ) -> Result[list[LogRecord]]:
        """The log records that are asked for, in order of time. `workflow` is a
        pattern with * and ?, `grep` a regular expression (RE2), `since` is
        inclusive, `until` exclusive, `last` keeps the newest so many. All of
        them are held in memory."""
        return self._all(
            "logs.query", "records",
            run=run, workflow=workflow, task=task, stream=stream, grep=grep, since=instant(since), until=instant(until), last=last,
        )  # fmt: skip

    def get_recent_workflow_statuses(self, workflow: Optional[str] = None, last: int = 10) -> Result[list[Run]]:
        """The newest runs, the newest last. `workflow` is a pattern."""
        return self._all("run.list", "runs", workflow=workflow, last=last)

    def get_registered_agents(self) -> Result[list[Agent]]:
        """All agents, by name, with what they run."""
        return self._all("agent.list", "agents")

    def follow_logs(
        self,
        run: Optional[str] = None,
        workflow: Optional[str] = None,
        task: Optional[str] = None,
        stream: Optional[str] = None,
        grep: Optional[str] = None,
        after: Optional[int] = None,
    ) -> Iterator[LogRecord]:
        """Gives log records as they come, each once and none left out, over any
        loss of the connection and restart of the principal. Of a run it gives
        all, and ends after the last; else what comes from now on, without end.
        `after` is a position of the history to begin after, 0 for its beginning.
        Raises Failure."""
        return _follow.records(self, run, workflow, task, stream, grep, after)

    def call(self, op: str, **fields: Any) -> Result[Any]:
        """Any operation of the protocol. Fields that are None are left out. A
        request may reach the principal twice; all operations bear that, but for
        run.trigger without `key` and run.retry without `after`."""
        try:
            return Result(True, None, self._ask(op, fields))
        except Failure as e:
            return Result(False, e.error)

    def _all(self, op: str, name: str, **fields: Any) -> Result[list[Any]]:
        """What is on all pages of a query."""
        items: list[Any] = []
        try:
            while True:
                page = self._ask(op, fields)
                items += page[name]
                fields["cursor"] = page.get("cursor")
                if not page.get("more", fields["cursor"]):
                    return Result(True, None, items)
        except Failure as e:
            return Result(False, e.error)

    def _ask(self, op: str, fields: Mapping[str, Any]) -> Any:
        request = {"v": 1, "id": uuid.uuid4().hex, "op": op, **{k: v for k, v in fields.items() if v is not None}}
        try:
            body = json.dumps(request).encode()
        except (TypeError, ValueError) as e:
            raise Failure(Error(f"{op}: {e}", "bad_request")) from e
        if len(body) > MAX_MESSAGE:
            raise Failure(Error(f"{op}: the request has {len(body)} bytes, the limit is {MAX_MESSAGE}", "too_large"))
        patience = self._timeout + (QUERY_SECONDS if op in QUERIES else 0)
        patience += request.get("timeout_ms", 0) / 1000 + request.get("wait_ms", 0) / 1000
        budget = self._timeout * self._attempts
        start, why = time.monotonic(), "no answer"
        while True:
            try:
                reply = json.loads(self._exchange(body, patience))
                if reply["ok"]:
                    return reply.get("result")
                error = Error(reply["error"]["message"], reply["error"]["code"])
                if error.code != "unavailable" or op not in READS or time.monotonic() - start >= budget:
                    raise Failure(error)
            except Lost as e:
                why = str(e)
            if time.monotonic() - start >= budget:
                address = self._finder.api or self._finder.data
                raise Failure(Error(f"cannot reach the principal of {address} (tried for {budget:g} s): {why}", "away"))
            time.sleep(0.05)

    def _exchange(self, body: bytes, patience: float) -> bytes:
        with self._lock:
            connection = self._idle.pop() if self._idle else None
        if connection is None:
            connection = Connection(self._context, self._finder.find())
        try:
            reply = connection.exchange(body, self._timeout, patience, lambda: self._moved(connection.place))
        except BaseException:
            connection.close()
            self._drop_idle()  # they have lost the same principal
            raise
        with self._lock:
            self._idle.append(connection)
        return reply

    def _moved(self, place: Place) -> bool:
        try:
            return self._finder.find() != place
        except (Lost, Failure):
            return True

    def _drop_idle(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()


def instant(t: Union[str, datetime, None]) -> Optional[str]:
    """An instant as the wire has it. One without a zone is local."""
    if isinstance(t, datetime):
        return t.astimezone(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return t
