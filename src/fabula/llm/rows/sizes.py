"""How many rows one call asks for: fewer when replies are cut, more again when they come whole."""

from __future__ import annotations

CUT_SHARE = 0.4
"""Calls of one size that may be cut before calls become smaller; one good call is assumed."""
GROW_AFTER = 4
"""Whole replies in a row of calls of one size before the next size is tried."""
LONGEST_WAIT = 256


class CallSize:
    """The size of the next call, at first and at most `most`.

    One cut reply in ten is a fault of the server, and smaller calls would not cure it; most of
    them cut is a limit of the model. So calls are halved by the share that was cut, and doubled
    again after a few whole replies. Each failed attempt to grow makes the next one wait longer.
    """

    def __init__(self, most: int) -> None:
        self.rows = most
        self._most = most
        self._grow_after = GROW_AFTER
        self._whole = 0
        self._cut = 0

    def came_whole(self, asked: int) -> None:
        """Note a call of that many rows whose reply was not cut."""
        if asked != self.rows:
            return  # asked before the size changed, or the last rows of a job
        self._whole += 1
        if self._whole >= self._grow_after and self.rows < self._most:
            self._change(min(self._most, 2 * self.rows))
        elif self._whole >= GROW_AFTER and self.rows == self._most:
            self._grow_after = GROW_AFTER

    def was_cut(self, asked: int) -> None:
        """Note a call of that many rows whose reply was cut."""
        if asked > self.rows:
            return
        self._cut += 1
        if self._cut >= CUT_SHARE * (self._whole + self._cut + 1):
            if not self._whole:
                self._grow_after = min(LONGEST_WAIT, 2 * self._grow_after)
            self._change(max(1, asked // 2))

    def is_too_long(self, asked: int, *, rows: int) -> None:
        """Note that a call of that many rows was refused for its length; `rows` is tried next."""
        if asked >= self.rows:
            self._grow_after = LONGEST_WAIT
            self._change(max(1, min(self.rows, rows)))

    def _change(self, rows: int) -> None:
        self.rows = rows
        self._whole = self._cut = 0
