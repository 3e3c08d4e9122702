"""What populations are to the views and tables that use them: values, keys and accounts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fabula.errors import did_you_mean
from fabula.io.arrays import array_of, numbers_of
from fabula.simulation.clock import Clock
from fabula.simulation.columns import Role
from fabula.simulation.faults import ModelFault
from fabula.simulation.moves import Account, Arrival, Whole


class Surroundings(Protocol):
    """What populations see of their world."""

    clock: Clock
    step: int

    def schedule(self, arrival: Arrival) -> None:
        """Let a quantity come at its step."""

    def ranks(self, identity: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """When each agent comes, in this rule and step."""


class Members:
    """The values of a population.

    Attributes:
        world: The world that it lives in.
        table_name: The table's name.
        key_column: The column that identifies a row.
        roles: Its columns by name.
        table: The rows as they were made.
        columns: The values that rules see: numbers, texts, and row numbers for references.
        accounts: What moved in and out of each conserved column.
        identity: The number that each agent's draws are keyed by.
        targets: The population that a column refers to, by column.
        views: The columns as rules see them: the same arrays all through a run.
        grouped: Members by group, for draws from a group; by the columns that say so.
    """

    def __init__(
        self, world: Surroundings, name: str, key: str | None, roles: Mapping[str, Role]
    ) -> None:
        self.world, self.table_name, self.roles = world, name, dict(roles)
        self.key_column = key or ""
        self.table = pa.table({})
        self._first_key: int | None = None  # of keys that count up by one
        self.columns: dict[str, NDArray[Any]] = {}
        self.accounts: dict[str, Account] = {}
        self.identity = np.empty(0, dtype=np.uint64)
        self.targets: dict[str, Members] = {}
        self.views: dict[str, NDArray[Any]] = {}
        self.grouped: dict[tuple[int, int], Any] = {}

    def __len__(self) -> int:
        return len(self.identity)

    def account_of(self, column: str) -> Account:
        """The account of a conserved column.

        Raises:
            ModelFault: There is no such column.
        """
        if column not in self.accounts:
            hint = did_you_mean(column, self.accounts) or f"write `{column}=conserved(…)`"
            raise ModelFault(f"`{self.table_name}` has no conserved column `{column}`", hint)
        return self.accounts[column]

    def is_fixed(self, values: Any) -> bool:
        """Whether some values are a column, as rules see it, that never changes."""
        found = [name for name, view in self.views.items() if view is values]
        return any(not (self.roles[name].changes or self.roles[name].conserved) for name in found)

    def move(self, column: str, rows: Whole, change: Whole, *, unique: bool) -> None:
        """Add to a conserved column, without an account."""
        values = self.columns[column]
        if not len(rows):
            return
        if unique:
            values[rows] += change
        elif not change.ndim and len(rows) > len(values) // 4:
            values += np.bincount(rows, minlength=len(values)) * change
        else:
            np.add.at(values, rows, change)

    def keys(self, rows: NDArray[np.int64]) -> pa.Array:
        """The keys of row numbers; missing for -1."""
        missing = rows < 0 if len(rows) and int(rows.min()) < 0 else None
        if self._first_key is not None:
            made = rows + self._first_key
            return array_of(made, missing=missing)
        known = self.table.column(self.key_column).combine_chunks()
        if known.type == pa.int64():
            return array_of(numbers_of(known)[rows], missing=missing)
        return known.take(array_of(rows, missing=missing))
