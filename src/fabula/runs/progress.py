"""Counts rows as they are made and tells whoever watches."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping

from fabula.types import Progress

NOTE_EVERY = 2.0
"""Seconds between two notes of what models have answered."""


class Tracker:
    """Rows done of each table; every method may be called from any thread."""

    def __init__(self, watch: Progress | None) -> None:
        self._watch = watch
        self._lock = threading.Lock()
        self._asked: dict[str, int] = {}
        self._done: dict[str, int] = {}
        self._under_way: dict[str, int] = {}
        self._safe: dict[str, int] = {}
        self._before: Mapping[str, int] = {}
        self._note: Callable[[Mapping[str, int]], None] | None = None
        self._noted = 0.0

    def resume(self, before: Mapping[str, int], note: Callable[[Mapping[str, int]], None]) -> None:
        """Continue from the rows that models filled in an earlier run, and `note` such counts."""
        self._before, self._note = before, note

    @property
    def safe(self) -> int:
        """Rows of all tables that a stop now does not lose: in finished parts, or answered."""
        with self._lock:
            return sum(self._safe.values()) + sum(self._under_way.values())

    def start(self, table: str, done: int, asked: int) -> None:
        """A table begins, with the rows that are kept from earlier."""
        with self._lock:
            self._asked[table], self._done[table] = asked, done
            self._safe[table] = done
            self._tell(table)

    def kept(self, table: str, rows: int) -> None:
        """A part is written."""
        with self._lock:
            self._safe[table] += rows

    def made(self, table: str, rows: int) -> None:
        """A block is done; what models reported for it is part of it."""
        with self._lock:
            self._done[table] += rows
            self._under_way[table] = 0
            self._tell(table)

    def answered(self, table: str, rows: int) -> None:
        """Models have now filled that many rows of the block under way, for some columns."""
        with self._lock:
            self._under_way[table] = rows
            self._tell(table)
            now = time.monotonic()
            if self._note is not None and now - self._noted >= NOTE_EVERY:
                self._noted = now
                self._note(self._under_way)

    def stopped(self) -> None:
        """The run ends early: note what `safe` says, also what came since the last note."""
        with self._lock:
            if self._note is not None:
                self._note(self._under_way)

    def _tell(self, table: str) -> None:
        if self._watch and table in self._asked:
            done = self._done[table] + self._under_way.get(table, 0)
            done = max(done, self._before.get(table, 0))  # known replies need only be read
            self._watch(table, min(done, self._asked[table]), self._asked[table])
