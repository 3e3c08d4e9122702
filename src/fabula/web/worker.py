"""The process behind the editor: it checks specs, previews them, and makes runs.

It reads one job a line as JSON, and answers with lines of JSON: progress, then a result or an
error. So the page stays small and answers while a spec is planned, code that a spec runs with the
user's permission has a process of its own, and nobody is asked for permission in a terminal. When
its input ends, or says so, the job under way is interrupted, as by Ctrl-C.
"""

from __future__ import annotations

import _thread
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from queue import SimpleQueue
from typing import IO, Any

from fabula.errors import CheckError, FabulaError, PartialRunError, RunInterrupted
from fabula.web.cells import cell

STOP = "stop"
_TOLD_EVERY = 0.2
"""Seconds between two reports of progress of a table."""

Say = Callable[[Mapping[str, Any]], None]


def main() -> None:
    """Do jobs until the input ends."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # functions of the user may print

    def say(values: Mapping[str, Any]) -> None:
        out.write(json.dumps(values, ensure_ascii=True, default=str) + "\n")
        out.flush()

    jobs: SimpleQueue[dict[str, Any] | None] = SimpleQueue()
    busy = threading.Event()
    threading.Thread(target=_listen, args=(sys.stdin, jobs, busy), daemon=True).start()
    while (job := jobs.get()) is not None:
        busy.set()
        try:
            say({"result": _JOBS[job["do"]](job, say)})
        except KeyboardInterrupt:
            stopped = RunInterrupted("stopped", code="run.interrupted", hint="start it again")
            say({"error": stopped.to_dict()})
        except FabulaError as error:
            say({"error": error.to_dict()})
        except Exception as exc:  # whatever it is, the page says it
            message = f"{type(exc).__name__}: {exc}"
            say({"error": {"code": "internal", "message": message, "hint": "please report this"}})
        finally:
            busy.clear()


def _listen(source: IO[str], jobs: SimpleQueue[Any], busy: threading.Event) -> None:
    for line in source:
        job = json.loads(line)
        if job != STOP:
            jobs.put(job)
        elif busy.is_set():
            _thread.interrupt_main()
    jobs.put(None)
    if busy.is_set():
        _thread.interrupt_main()


def _parsed(job: Mapping[str, Any]) -> Any:
    from fabula.functions.named import CodeOf
    from fabula.kinds.base.code import found_by
    from fabula.llm.client.permission import grant
    from fabula.spec.loading import parse_spec

    grant(job.get("variables", ()), code=job.get("code", ()))
    with found_by(CodeOf(Path(job["file"]))):
        return parse_spec(job["text"], file=job["file"])


def _check(job: Mapping[str, Any], _say: Say) -> dict[str, Any]:
    """What a spec would make: its tables with their columns, and the models it asks."""
    from fabula import api

    spec = _parsed(job)
    api.validate(spec)
    columns = [column for table in spec.tables.values() for column in table.columns.values()]
    asks = [column for column in columns if hasattr(type(column), "model_fields")
            and "model" in type(column).model_fields]  # fmt: skip
    return {
        "tables": {name: [table.n, len(table.columns)] for name, table in spec.tables.items()},
        "asks": len(asks),
    }


def _preview(job: Mapping[str, Any], _say: Say) -> dict[str, Any]:
    """A few rows of each table as cells, and what does not hold for them."""
    from fabula import api

    failed = ""
    try:
        dataset = api.preview(_parsed(job), job["n"], model=job.get("model") or None)
    except (CheckError, PartialRunError) as error:
        if error.dataset is None:
            raise
        dataset, failed = error.dataset, error.message
    tables = {}
    for name in dataset:
        rows = dataset.to_arrow(name)
        shown = [[vars(cell(value)) for value in row.values()] for row in rows.to_pylist()]
        tables[name] = {"columns": rows.column_names, "rows": shown}
    return {"tables": tables, "failed": failed, "fake": bool(dataset.manifest.get("fake"))}


def _generate(job: Mapping[str, Any], say: Say) -> dict[str, Any]:
    """Make a run, telling of its progress."""
    from fabula import api

    told: dict[str, float] = {}

    def watch(table: str, done: int, asked: int) -> None:
        now = time.monotonic()
        if done >= asked or now - told.get(table, 0.0) >= _TOLD_EVERY:
            told[table] = now
            say({"table": table, "done": done, "asked": asked})

    dataset = api.generate(
        _parsed(job),
        job.get("n"),
        output=job["output"],
        model=job.get("model") or None,
        max_cost=job.get("max_cost"),
        progress=watch,
    )
    return {"folder": str(dataset.folder)}


_JOBS: Mapping[str, Callable[[Mapping[str, Any], Say], dict[str, Any]]] = {
    "check": _check, "preview": _preview, "generate": _generate,
}  # fmt: skip

if __name__ == "__main__":
    main()
