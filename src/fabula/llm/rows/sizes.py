"""The number of rows per call: fewer after cut replies, more after complete ones."""

from __future__ import annotations

CUT_SHARE = 0.4
"""Cut calls of one size after which calls become smaller; one good call is assumed."""
GROW_AFTER = 4
"""Consecutive complete replies of one size before the next size is tried."""
LONGEST_WAIT = 256


class CallSize:
    """The size of the next call, starting at its maximum, `most`.

    One cut reply in ten is a server fault that smaller calls would not fix; mostly cut replies are
    a model's limit. So calls are halved depending on the share of cut replies, and doubled again
    after a few complete ones. Each failed attempt to grow delays the next one.
    """

    def __init__(self, most: int) -> None:
        self.rows = most
        self._most = most
        self._grow_after = GROW_AFTER
        self._whole = 0
        self._cut = 0

    def came_whole(self, asked: int) -> None:
        """Record a call of `rows` rows with a complete reply."""
        if asked != self.rows:
            return  # requested before the size changed, or the last rows of a job
        self._whole += 1
        if self._whole >= self._grow_after and self.rows < self._most:
            self._change(min(self._most, 2 * self.rows))
        elif self._whole >= GROW_AFTER and self.rows == self._most:
            self._grow_after = GROW_AFTER

    def was_cut(self, asked: int) -> None:
        """Record a call of `rows` rows with a cut reply."""
        if asked > self.rows:
            return
        self._cut += 1
        if self._cut >= CUT_SHARE * (self._whole + self._cut + 1):
            if not self._whole:
                self._grow_after = min(LONGEST_WAIT, 2 * self._grow_after)
            self._change(max(1, asked // 2))

    def is_too_long(self, asked: int, *, rows: int) -> None:
        """Record that a call was refused for its length; `rows` is tried next."""
        if asked >= self.rows:
            self._grow_after = LONGEST_WAIT
            self._change(max(1, min(self.rows, rows)))

    def _change(self, rows: int) -> None:
        self.rows = rows
        self._whole = self._cut = 0
