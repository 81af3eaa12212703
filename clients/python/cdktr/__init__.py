"""Trigger, watch and query CDKTR workflows from Python.

    from cdktr import Principal

    with Principal() as principal:
        run = principal.run_workflow("etl.daily", {"day": "2026-01-02"}, key="2026-01-02").unwrap()
        for record in principal.follow_logs(run):
            print(record["task"], record.get("message"))
        print(principal.wait(run).unwrap())
"""

from ._connection import Error, Failure
from ._principal import Principal, Result

__all__ = ["Error", "Failure", "Principal", "Result"]
