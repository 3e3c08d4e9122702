"""Event tables: rows that rules add, with keys made for them and references to who took part."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fabula.errors import did_you_mean
from fabula.simulation.agents import Agents
from fabula.simulation.columns import Role, when
from fabula.simulation.faults import ModelFault, declaration_error
from fabula.simulation.members import Members, Surroundings
from fabula.simulation.populations import Population, amounts

KEY = "id"
_VALUES: dict[Any, tuple[pa.DataType, str]] = {
    int: (pa.int64(), "iu"),
    float: (pa.float64(), "iuf"),
    bool: (pa.bool_(), "b"),
    str: (pa.string(), "UO"),
    dt.datetime: (pa.timestamp("us"), "iuf"),
}
"""The types of value columns, and the numpy kinds that they take; times are in seconds."""


class Rows:
    """Rows that were just added to an event table; other events may refer to them."""

    __slots__ = ("event", "numbers")

    def __init__(self, event: EventTable, numbers: NDArray[np.int64]) -> None:
        self.event, self.numbers = event, numbers

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, chosen: NDArray[Any]) -> Rows:
        picked = np.asarray(chosen)
        if picked.dtype == bool and picked.shape != (len(self),):
            raise ModelFault(f"a condition of {picked.size} values chooses among {len(self)} rows")
        return Rows(self.event, self.numbers[picked])


class EventTable:
    """A table of events; made by `World.event`.

    Attributes:
        name: The table's name.
        columns: The type of each column: a population or event table that it refers to, `when`,
            `int`, `float`, `bool`, `str`, `datetime` (given in seconds from the world's start), or
            an amount of money.
        count: Rows so far.
        waiting: Rows that are not drained yet.
        sums: The sum so far of each column of whole numbers and money.
    """

    def __init__(self, world: Surroundings, name: str, columns: Mapping[str, Any]) -> None:
        self.world, self.name = world, name
        self.columns = {column: self._kind(column, kind) for column, kind in columns.items()}
        self.count = self.waiting = 0
        self.sums: dict[str, int] = {}
        self._added: list[tuple[dict[str, Any], int, dt.datetime]] = []
        self.begin()

    def begin(self) -> None:
        """Forget every row."""
        self.count, self.waiting, self._added = 0, 0, []
        vars(self).pop("schema", None)
        self.sums = {name: 0 for name, kind in self.columns.items() if kind in (int, "money")}

    @property
    def parents(self) -> dict[str, str]:
        """The tables that it refers to, by column."""
        found = {}
        for column, kind in self.columns.items():
            if isinstance(kind, Population | EventTable):
                found[column] = kind.table_name if isinstance(kind, Population) else kind.name
        return found

    def sum(self, column: str) -> int:
        """The sum of a column of whole numbers, or of money in cents, over the whole run."""
        if column not in self.sums:
            raise ModelFault(
                f"`{self.name}` has no column of whole numbers `{column}`",
                did_you_mean(column, self.sums),
            )
        return self.sums[column]

    def add(self, **values: Any) -> Rows:
        """Add rows: agents, rows of other events, arrays, or one value for all.

        Returns:
            The rows, for other events to refer to.

        Raises:
            ModelFault: A column is missing or unknown, or has another length or type.
        """
        asked = {name for name, kind in self.columns.items() if kind is not when}
        if wrong := values.keys() ^ asked:
            name = min(wrong)
            problem = "lacks a value for" if name in asked else "has no column"
            raise ModelFault(f"`{self.name}` {problem} `{name}`", f"it takes {', '.join(asked)}")
        sizes = {name: len(value) for name, value in values.items() if _many(value)}
        size = max(sizes.values(), default=1)
        if wrong_sizes := [f"`{name}` {count}" for name, count in sizes.items() if count != size]:
            longest = next(name for name, count in sizes.items() if count == size)
            raise ModelFault(
                f"`{self.name}`: {', '.join(wrong_sizes)} values, and `{longest}` {size}",
                "give one value per row, such as `order=order[ok]`",
            )
        read = {name: self._read(name, value, size) for name, value in values.items()}
        for name in self.sums:
            self.sums[name] += int(read[name].sum())
        first = self.count
        self.count += size
        self.take_in(read, size)
        return Rows(self, np.arange(first, self.count))

    def take_in(self, columns: dict[str, NDArray[Any]], size: int) -> None:
        """Keep rows that are counted and checked."""
        self.waiting += size
        if size:
            self._added.append((columns, size, self.world.clock.at(self.world.step)))

    def check_takes(self, population: Members) -> None:
        """Make sure that a row is a reference to a population and a quantity.

        Raises:
            ModelFault: It is something else.
        """
        kinds = [kind for kind in self.columns.values() if kind is not when]
        if len(kinds) != 2 or population not in kinds or not {int, "money"} & {*kinds}:
            raise ModelFault(
                f"`{self.name}` can't record arrivals",
                f"declare it with a reference to {population.table_name} and an `int`",
            )

    @cached_property
    def schema(self) -> pa.Schema:
        """The types of the table."""
        fields = [(name, self._arrow_type(kind)) for name, kind in self.columns.items()]
        return pa.schema([(KEY, pa.int64()), *fields])

    def drained(self) -> pa.Table | None:
        """The rows since the last call; None if there are none."""
        if not self.waiting:
            return None
        columns: list[pa.Array] = [pa.array(np.arange(self.count - self.waiting, self.count) + 1)]
        for name, kind in self.columns.items():
            if kind is when:
                moments = np.array([at for _, _, at in self._added], dtype="datetime64[us]")
                columns.append(pa.array(moments.repeat([rows for _, rows, _ in self._added])))
                continue
            values = [added[name] for added, _, _ in self._added]
            whole = np.concatenate(values) if len(values) > 1 else values[0]
            if kind is dt.datetime:
                start = np.datetime64(self.world.clock.start, "us")
                whole = start + np.rint(whole * 1e6).astype("timedelta64[us]")
            columns.append(_shown(kind, whole))
        self.waiting, self._added = 0, []
        return pa.Table.from_arrays(columns, schema=self.schema)

    def _kind(self, column: str, kind: Any) -> Any:
        if isinstance(kind, Role) and kind.money:
            return "money"
        if column == KEY or column.startswith("_"):
            raise declaration_error(f"a column can't be called `{column}`", f"events.{self.name}")
        if kind is when or kind in _VALUES or isinstance(kind, Population | EventTable):
            return kind
        raise declaration_error(
            f"`{kind!r:.80}` is not the type of an event's column",
            f"events.{self.name}.{column}",
            "use a population, an event, int, float, bool, str, datetime, `when` or `money(0)`",
        )

    def _read(self, name: str, value: Any, size: int) -> NDArray[Any]:
        """A column's values, one per row, as they are kept until the step ends."""
        kind = self.columns[name]
        if isinstance(kind, Population | EventTable):
            of: Any = value.population if isinstance(value, Agents) else kind
            of = value.event if isinstance(value, Rows) else of
            if of is not kind:
                raise ModelFault(
                    f"`{self.name}.{name}` refers to {_name(kind)}, not to {_name(of)}"
                )
            if isinstance(value, Agents | Rows):
                return value.rows if isinstance(value, Agents) else value.numbers
            rows = np.broadcast_to(np.asarray(value), (size,))
            least, most = (rows.min(), rows.max()) if size else (0, 0)
            if rows.dtype.kind != "i" or least < -1 or (size and most >= _size(kind)):
                raise ModelFault(f"`{self.name}.{name}` is not a row number of {_name(kind)}")
            return rows
        values = np.asarray(value)
        number, kinds = (pa.int64(), "iu") if kind == "money" else _VALUES[kind]
        if values.dtype.kind not in kinds:
            whole = "whole cents" if kind == "money" else str(number)
            raise ModelFault(f"`{self.name}.{name}` takes {whole}, and {values.dtype} was given")
        return np.broadcast_to(values, (size,))

    def _arrow_type(self, kind: Any) -> pa.DataType:
        if kind is when:
            return pa.timestamp("us")
        if isinstance(kind, EventTable):
            return pa.int64()
        if isinstance(kind, Population):
            field: pa.Field = kind.table.schema.field(kind.key_column)
            return field.type
        return pa.decimal128(18, 2) if kind == "money" else _VALUES[kind][0]


def _many(value: Any) -> bool:
    return isinstance(value, Agents | Rows | list | tuple) or np.ndim(value) > 0


def _name(of: Population | EventTable) -> str:
    return of.table_name if isinstance(of, Population) else of.name


def _size(kind: Population | EventTable) -> int:
    return len(kind) if isinstance(kind, Population) else kind.count


def _shown(kind: Any, values: NDArray[Any]) -> pa.Array:
    if isinstance(kind, Population):
        return kind.keys(values)
    if isinstance(kind, EventTable):
        return pa.array(values + 1, mask=values < 0)
    if kind == "money":
        return amounts(values)
    return pa.array(values, _VALUES[kind][0])
