"""Runs a workflow for each JSON file in a directory: listener.py DIR WORKFLOW

An example of an event listener over clients/python. A file holds the parameters
of a run. Writers write it under another name first and rename it to NAME.json,
so that it is whole. When its run is durable it is moved to DIR/done, and to
DIR/refused, with the reason beside it, where it can have none. Killed in between,
the listener finds the file again; its name is the run's key, so it gets the same
run. It looks again and again and needs no inotify, so DIR may be on a network
disk.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from pathlib import Path

from cdktr import Principal


def handle(principal: Principal, file: Path, workflow: str) -> None:
    try:
        params = json.loads(file.read_text())
    except ValueError as e:
        return put(file, "refused", f"not JSON: {e}")
    if not isinstance(params, dict):
        return put(file, "refused", "not a JSON object")
    result = principal.run_workflow(workflow, params, key=file.name)
    if result.success:
        print(file.name, result.payload, flush=True)
        put(file, "done")
    elif result.error and result.error.code in ("bad_request", "too_large", "conflict", "not_found"):
        put(file, "refused", result.error)
    else:  # the principal is away, or takes no work now: the file stays
        print(f"{file.name}: {result.error}; trying again", file=sys.stderr, flush=True)


def put(file: Path, where: str, reason: str = "") -> None:
    there = file.parent / where
    there.mkdir(exist_ok=True)
    if reason:
        print(f"{file.name}: {reason}", file=sys.stderr, flush=True)
        (there / (file.name + ".reason")).write_text(reason + "\n")
    file.replace(there / file.name)


def main() -> None:
    parser = argparse.ArgumentParser(description="Runs a workflow for each JSON file in a directory.")
    parser.add_argument("dir", type=Path)
    parser.add_argument("workflow")
    parser.add_argument("--interval", type=float, default=0.5, help="seconds between looks (default: 0.5)")
    args = parser.parse_args()
    stop = threading.Event()
    for sig in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sig, lambda *_: stop.set())
    with Principal(attempts=5) as principal:  # a stop waits no longer than its tries
        while not stop.is_set():
            for file in sorted(args.dir.glob("*.json")):
                if stop.is_set():
                    break
                handle(principal, file, args.workflow)
            stop.wait(args.interval)


if __name__ == "__main__":
    main()
