"""Results whose rows are read like a list of dicts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, overload

from fabula.render.results import Result


class RowSequence(Sequence[dict[str, Any]], Result):
    """A result that is a sequence of its rows."""

    rows: tuple[dict[str, Any], ...]

    @overload
    def __getitem__(self, place: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[dict[str, Any], ...]: ...
    def __getitem__(self, place: int | slice) -> Any:
        return self.rows[place]

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)
