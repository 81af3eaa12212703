"""What the principal answers: objects as JSON has them. Times are RFC 3339, in
UTC, with milliseconds; what is absent is None."""

from __future__ import annotations

from typing import Optional, TypedDict


class Pong(TypedDict):
    version: str
    time: str


class Problem(TypedDict):
    """A mistake in a workflow file."""

    file: str
    line: int
    column: int
    message: str


class Workflow(TypedDict):
    workflow: str
    name: Optional[str]
    schedule: Optional[str]
    next: Optional[str]
    last_run: Optional[str]
    last_status: Optional[str]
    paused: bool
    errors: list[Problem]


class Run(TypedDict):
    run: str
    workflow: str
    status: str  # PENDING, RUNNING, COMPLETED, FAILED, CRASHED, CANCELLED
    trigger: str
    params: dict[str, str]
    created: Optional[str]
    started: Optional[str]
    ended: Optional[str]


class AgentTask(TypedDict):
    run: str
    task: str
    attempt: int


class Agent(TypedDict):
    agent: str
    status: str  # READY, BUSY, DRAINING, LOST
    slots: int
    running: int
    labels: dict[str, str]
    version: str
    last_seen: Optional[str]
    tasks: list[AgentTask]


class Gap(TypedDict):
    lines: int
    bytes: int


class _LogRecord(TypedDict):
    time: str
    workflow: str
    run: str
    task: str
    attempt: int
    agent: str
    stream: str  # stdout, stderr, system
    seq: int


class LogRecord(_LogRecord, total=False):
    """A line. Exactly one of `message`, `message_base64` (where it is not UTF-8)
    and `gap` (where lines are lost for good) is there."""

    message: str
    message_base64: str
    gap: Gap
    part: int  # of a line longer than 1 MiB
