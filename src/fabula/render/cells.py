"""Progress in a notebook: below the cell, how far each table is, and the time that is left."""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from fabula.render import amounts
from fabula.types import Progress, ProgressLike

PATIENCE, PAUSE = 1.0, 0.3
"""Seconds before progress shows for the first time, and between two updates."""


def watched(progress: ProgressLike) -> Progress | None:
    """What a call reports its progress to: the caller's function, or a notebook's cell."""
    if progress is None and in_notebook():
        return CellProgress()
    return progress or None


def in_notebook() -> bool:
    """Whether this process runs the cells of a notebook."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return hasattr(shell, "kernel")


@dataclass
class _Count:
    begun: float
    first: int
    done: int = 0
    asked: int = 0
    now: float = 0.0

    def state(self) -> str:
        """`3 min left`, or how long it took."""
        took = self.now - self.begun
        if self.done >= self.asked:
            return amounts.duration(took)
        if self.done <= self.first:
            return ""
        left = took * (self.asked - self.done) / (self.done - self.first)
        return f"{amounts.duration(left)} left"


@dataclass
class CellProgress:
    """A `Progress` that shows below the cell that runs; calls may come from any thread."""

    _counts: dict[str, _Count] = field(default_factory=dict)
    _next: float = field(default_factory=lambda: time.monotonic() + PATIENCE)
    _cell: Any = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, table: str, done: int, asked: int) -> None:
        now = time.monotonic()
        with self._lock:
            count = self._counts.setdefault(table, _Count(now, done))
            count.done, count.asked, count.now = done, asked, now
            if now < self._next and (self._cell is None or done < asked):
                return
            self._next = now + PAUSE
            self._show()

    def _show(self) -> None:
        from IPython.display import display  # only where a notebook has loaded it

        from fabula.render.pages import fragment  # only notebooks need templates

        rows = [
            (name, count.done, count.asked, count.state()) for name, count in self._counts.items()
        ]
        shown = {
            "text/html": fragment("progress.html", rows=rows),
            "text/plain": "\n".join(
                f"{name}  {done:,}/{asked:,}  {state}" for name, done, asked, state in rows
            ),
        }
        if self._cell is None:
            self._cell = display(shown, raw=True, display_id=True)  # type: ignore[no-untyped-call]
        else:
            self._cell.update(shown, raw=True)
