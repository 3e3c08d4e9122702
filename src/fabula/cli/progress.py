"""Progress on stderr: bars on a terminal, occasional lines elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from fabula.cli.console import Talk, has_colour
from fabula.render import amounts

if TYPE_CHECKING:
    from fabula.types import Progress

PATIENCE = 30.0
"""Seconds between two lines about the same table, without bars."""


@contextmanager
def progress(
    talk: Talk, *, resumes: bool = False, unit: str = "row", lines: bool = True
) -> Iterator[Progress | None]:
    """What a run is to call with a table's name, rows done and rows asked.

    If it `resumes`, rows that are done at a table's first call are kept from an earlier run. `unit`
    is what is counted. Without `lines`, nothing is said where there are no bars.
    """
    if talk.quiet or not talk.progress:
        yield None
    elif sys.stderr.isatty():
        with _bars(resumes, unit) as watch:
            yield watch
    else:
        yield _Lines(talk, resumes, unit) if lines else None


@contextmanager
def still(talk: Talk, doing: str) -> Iterator[None]:
    """Say every half minute that work without a count goes on, where there are no bars."""
    if talk.quiet or not talk.progress or sys.stderr.isatty():
        yield
        return
    over, started = threading.Event(), time.monotonic()

    def tell() -> None:
        while not over.wait(PATIENCE):
            talk.say(f"still {doing}  {amounts.duration(time.monotonic() - started)}")

    thread = threading.Thread(target=tell, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def counted(watch: Progress | None, name: str, asked: int) -> Progress | None:
    """A callback for a job that counts from zero, shown under `name`.

    Replies from the ledger count like new ones, so the first number doesn't reveal earlier runs.
    """
    if watch is None:
        return None
    watch(name, 0, asked)
    return lambda _, done, __: watch(name, done, asked)


class _Lines:
    """One line when a table is done, and one every half minute until then."""

    def __init__(self, talk: Talk, resumes: bool, unit: str) -> None:
        self._talk, self._resumes, self._unit = talk, resumes, unit
        self._lock = threading.Lock()
        self._started: dict[str, float] = {}
        self._spoke: dict[str, float] = {}
        self._over: set[str] = set()

    def __call__(self, table: str, done: int, asked: int) -> None:
        now = time.monotonic()
        with self._lock:
            started = self._started.setdefault(table, now)
            waited = now - self._spoke.setdefault(table, now)
            if self._resumes and now == started and 0 < done < asked:
                self._talk.say(continuing(done, asked, self._unit))
            if table in self._over or (done < asked and waited < PATIENCE):
                return
            self._spoke[table] = now
            if done >= asked:
                self._over.add(table)
        rows = amounts.count(asked, self._unit)
        rows = f"{done:,} of {rows}" if done < asked else rows
        self._talk.say(f"{table}  {rows}  {amounts.duration(now - started)}")


def continuing(done: int, asked: int, unit: str = "row") -> str:
    """The message of a run that continues an earlier one."""
    return f"Continuing: {done:,} of {amounts.count(asked, unit)} kept"


@contextmanager
def _bars(resumes: bool, unit: str) -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, TaskID, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    console = Console(stderr=True, no_color=not has_colour(sys.stderr), highlight=False)
    columns = [
        TextColumn("{task.description}", markup=False),
        TextColumn("{task.completed:,.0f}/{task.total:,.0f}", justify="right"),
        BarColumn(),
        TimeRemainingColumn(elapsed_when_finished=True),
    ]
    lock, tasks = threading.Lock(), dict[str, TaskID]()
    with Bars(*columns, console=console) as bars:

        def watch(table: str, done: int, asked: int) -> None:
            with lock:
                if table not in tasks:
                    if resumes and 0 < done < asked:
                        bars.print(continuing(done, asked, unit))
                    tasks[table] = bars.add_task(table, total=asked)
            bars.update(tasks[table], completed=done, total=asked)

        yield watch
