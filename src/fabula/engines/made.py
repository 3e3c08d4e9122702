"""What making a block of a table gives, and the interface that runs rely on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import pyarrow as pa


@dataclass(frozen=True)
class RejectedRow:
    """One row that was asked for and lost.

    Attributes:
        row: The row's number in its table, from 0.
        reason: Why, in words.
        raw: What the model sent, where a model made it.
        attempt: Tries made.
    """

    row: int
    reason: str
    raw: str = ""
    attempt: int = 0


@dataclass(frozen=True)
class RowsCall:
    """A call to a language model: the columns and the rows (from 0) that it asked for.

    `key` finds its prompt and its reply in the ledger.
    """

    columns: tuple[str, ...]
    rows: tuple[int, ...]
    key: str


@dataclass(frozen=True)
class CheckTally:
    """How one row-level check went in a block: rows checked, broken at first, repaired."""

    check: int
    rows: int
    broken: int
    repaired: int
    examples: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class MadeBlock:
    """A block of finished rows: those kept, in the plan's schema, those lost, and check results.

    `masked` is what masking did to the values of a real file, by what was done and column;
    `calls` are those to language models whose replies are kept.
    """

    table: pa.Table
    rejected: tuple[RejectedRow, ...] = ()
    tallies: tuple[CheckTally, ...] = ()
    masked: Mapping[str, Any] = field(default_factory=dict)
    calls: tuple[RowsCall, ...] = ()


class TableMaker(Protocol):
    """Makes one table, block by block, in any order, from any thread."""

    @property
    def rows(self) -> int: ...
    @property
    def blocks(self) -> int: ...
    @property
    def schema(self) -> pa.Schema: ...
    @property
    def asks(self) -> bool:
        """Whether language models fill its rows."""
        ...

    def settle(self, attempt: int) -> None:
        """Take a drawing of the whole table as the current one, for tables that build on it."""
        ...

    def make(self, block: int, *, attempt: int = 0) -> MadeBlock:
        """Make one block; the same arguments give the same bytes."""
        ...
