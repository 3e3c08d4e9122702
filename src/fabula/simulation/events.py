"""Event tables: rows that rules add, with keys made for them and references to who took part."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fabula.errors import CheckError, did_you_mean
from fabula.io.arrays import array_of
from fabula.simulation.agents import Agents
from fabula.simulation.columns import Role, when
from fabula.simulation.faults import ModelFault, declaration_error
from fabula.simulation.members import Members, Surroundings
from fabula.simulation.moves import ends, texts_alone
from fabula.simulation.populations import Population, amounts, as_array

KEY = "id"
_VALUES: dict[Any, tuple[pa.DataType, str, Any]] = {
    int: (pa.int64(), "iu", np.int64),
    float: (pa.float64(), "iuf", np.float64),
    bool: (pa.bool_(), "b", np.bool_),
    str: (pa.string(), "UO", object),
    dt.datetime: (pa.timestamp("us"), "iuf", np.float64),
    when: (pa.timestamp("us"), "", None),
    "money": (pa.decimal128(18, 2), "iu", np.int64),
}
"""The types of value columns, the numpy kinds that they take, and what keeps them until they are
drained; times are in seconds."""
_COUNTED = int, "money"
_AS_KEPT = int, float
"""Types whose values a table has as they were added."""
MOST_SECONDS = 6.0e10
"""Seconds from the world's start that a time may be away: 1,900 years."""
FIRST_ROWS, PIECE_ROWS = 1 << 12, 1 << 16
"""Rows that a table collects at first and at most before they become a part of it."""


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


_PARTIES = Agents, Rows
_NO_ROWS = np.arange(0)


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
        if not columns:
            raise declaration_error("an event has no column", f"events.{name}", "add `at=when`")
        self._timed = [c for c, kind in self.columns.items() if kind is when]
        self._given = {c: None for c in self.columns if c not in self._timed}.keys()
        self.count = self.waiting = 0
        self.sums: dict[str, int] = {}
        self.begin()

    def begin(self) -> None:
        """Forget every row."""
        self.count = self.waiting = 0
        self._filled: list[pa.Table] = []
        self._piece: dict[str, NDArray[Any]] = {}
        self._size = self._used = 0  # rows of the piece
        self._steps: list[tuple[int, int]] = []  # when its rows were added, and how many
        vars(self).pop("schema", None)
        self.sums = {name: 0 for name, kind in self.columns.items() if kind in (int, "money")}

    @property
    def parents(self) -> dict[str, str]:
        """The tables that it refers to, by column."""
        found = {}
        for column, kind in self.columns.items():
            if _refers(kind):
                found[column] = kind.table_name if isinstance(kind, Population) else kind.name
        return found

    def keys_shown(self) -> dict[str, str]:
        """The table whose key each column has, its own key first."""
        return {KEY: self.name, **self.parents}

    def key_range(self) -> list[int]:
        """The least and the greatest key; none if there is no row."""
        return [1, self.count] if self.count else []

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
        if values.keys() != self._given:
            wrong = values.keys() ^ self._given
            name = min(wrong)
            problem = "lacks a value for" if name in self._given else "has no column"
            raise ModelFault(
                f"`{self.name}` {problem} `{name}`", f"it takes {', '.join(self._given)}"
            )
        read = {name: self._read(name, value) for name, value in values.items()}
        given = {len(column) for column in read.values() if column.ndim}
        size = max(given, default=1)
        if len(given) > 1:
            sizes = {name: len(column) for name, column in read.items() if column.ndim}
            wrong_sizes = [f"`{name}` {count}" for name, count in sizes.items() if count != size]
            longest = next(name for name, count in sizes.items() if count == size)
            raise ModelFault(
                f"`{self.name}`: {', '.join(wrong_sizes)} values, and `{longest}` {size}",
                "give one value per row, such as `order=order[ok]`",
            )
        if not size:
            return Rows(self, _NO_ROWS)
        piece, place = self.room(size)
        for name, column in read.items():
            piece[name][place : place + size] = column
        first = self.count
        self.keep(size)
        return Rows(self, np.arange(first, self.count))

    def room(self, size: int) -> tuple[dict[str, NDArray[Any]], int]:
        """Columns with room for some more rows, and the place of the first one."""
        if self._used + size > self._size:
            self._fill()
            if self._size < max(size, PIECE_ROWS):
                self._size = max(size, min(2 * self._size, PIECE_ROWS), FIRST_ROWS)
                self._piece = {
                    name: np.empty(self._size, _kept(self.columns[name])) for name in self._given
                }
        return self._piece, self._used

    def keep(self, size: int) -> None:
        """Count rows that were written into its room."""
        new = slice(self._used, self._used + size)
        self._steps.append((self.world.step, size))
        for name in self.sums:
            self.sums[name] += int(np.add.reduce(self._piece[name][new]))
        self._used += size
        self.count += size
        self.waiting += size

    def check_written(self, rows: int) -> None:
        """Make sure that every row that was added has been written.

        Raises:
            CheckError: Some are missing.
        """
        if rows != self.count:
            raise CheckError(
                f"`{self.name}` has {self.count:,} rows, and {rows:,} were written",
                code="simulation.rows",
                where=self.name,
                hint="rules add rows by `add` alone: leave its other methods and counts be",
            )

    def check_references(self, size: int) -> None:
        """Make sure that rows that were written into its room refer to what is there.

        Raises:
            ModelFault: One does not.
        """
        for name, kind in self.columns.items():
            if _refers(kind):
                self._check_numbers(name, self._piece[name][self._used : self._used + size])

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
        self._fill()
        keys = array_of(np.arange(self.count - self.waiting + 1, self.count + 1))
        rows = pa.concat_tables(self._filled).add_column(0, self.schema.field(KEY), keys)
        self.waiting, self._filled = 0, []
        return rows

    def _fill(self) -> None:
        """Turn the rows of the piece into a table; the same memory then takes the next ones."""
        if not self._used:
            return
        given = {name: self._piece[name][: self._used] for name in self._given}
        if self._size > PIECE_ROWS:  # one large addition, which keeps its memory
            self._piece, self._size = {}, 0
        else:
            given = {
                name: v.copy() if self.columns[name] in _AS_KEPT else v for name, v in given.items()
            }
        times = self._times() if self._timed else None
        shown = [
            times if kind is when else self._shown(kind, given[name])
            for name, kind in self.columns.items()
        ]
        self._filled.append(pa.Table.from_arrays(shown, schema=self.schema.remove(0)))
        self._used, self._steps = 0, []

    def _times(self) -> pa.Array:
        """The time of the step of each row of the piece."""
        steps, counts = zip(*self._steps, strict=True)
        times = np.array([self.world.clock.at(step) for step in steps], "datetime64[us]")
        return array_of(np.repeat(times.view(np.int64), counts), pa.timestamp("us"))

    def _shown(self, kind: Any, values: NDArray[Any]) -> pa.Array:
        """The values of a column as the table has them."""
        if isinstance(kind, Population):
            return kind.keys(values)
        if isinstance(kind, EventTable):
            missing = values < 0 if int(values.min()) < 0 else None
            return array_of(values + 1, missing=missing)
        if kind == "money":
            return amounts(values)
        if kind is dt.datetime:
            start = np.datetime64(self.world.clock.start, "us")
            times = start + np.rint(values * 1e6).astype("timedelta64[us]")
            return array_of(times.view(np.int64), pa.timestamp("us"), missing=np.isnat(times))
        return as_array(values)

    def _kind(self, column: str, kind: Any) -> Any:
        if isinstance(kind, Role) and kind.money:
            return "money"
        if column in {KEY, "self"} or column.startswith("_"):
            raise declaration_error(f"a column can't be called `{column}`", f"events.{self.name}")
        if kind is when or kind in _VALUES or isinstance(kind, Population | EventTable):
            return kind
        raise declaration_error(
            f"`{kind!r:.80}` is not the type of an event's column",
            f"events.{self.name}.{column}",
            "use a population, an event, int, float, bool, str, datetime, `when` or `money(0)`",
        )

    def _read(self, name: str, value: Any) -> NDArray[Any]:
        """A column's values, one a row, as they are kept until the step ends."""
        kind = self.columns[name]
        if isinstance(value, Population):
            value = value.all
        if isinstance(value, _PARTIES):
            of: Any = value.population if isinstance(value, Agents) else value.event
            if of is not kind:
                is_what = f"refers to {_name(kind)}, not" if _refers(kind) else "doesn't refer"
                raise ModelFault(f"`{self.name}.{name}` {is_what} to {_name(of)}")
            return value.rows if isinstance(value, Agents) else value.numbers
        values = np.asarray(value)
        if values.ndim > 1:
            raise ModelFault(f"`{self.name}.{name}` takes one value per row, not {values.shape}")
        if not values.size:  # of whatever type: nothing happened
            return values
        if _refers(kind):
            self._check_numbers(name, values)
            return values
        if kind in _COUNTED and values.dtype == np.int64:
            return values
        number, kinds, _ = _VALUES[kind]
        is_wide = values.dtype == np.uint64 and int(values.max()) >= 2**63
        if values.dtype.kind not in kinds or is_wide:
            whole = "whole cents" if kind == "money" else str(number)
            raise ModelFault(f"`{self.name}.{name}` takes {whole}, and {values.dtype} was given")
        if kind is str and not texts_alone(values):
            raise ModelFault(f"`{self.name}.{name}` takes texts, and something else is among them")
        if kind is dt.datetime and not (np.abs(values) < MOST_SECONDS)[~np.isnan(values)].all():
            raise ModelFault(
                f"`{self.name}.{name}` takes seconds from the world's start, and one is beyond"
                f" {MOST_SECONDS:,.0f}"
            )
        return values

    def _check_numbers(self, name: str, rows: NDArray[Any]) -> None:
        kind = self.columns[name]
        least, most = ends(rows) if rows.size else (0, -1)
        if rows.dtype.kind != "i" or least < -1 or most >= _size(kind):
            raise ModelFault(f"`{self.name}.{name}` is not a row number of {_name(kind)}")

    @staticmethod
    def _arrow_type(kind: Any) -> pa.DataType:
        if isinstance(kind, EventTable):
            return pa.int64()
        if isinstance(kind, Population):
            field: pa.Field = kind.table.schema.field(kind.key_column)
            return field.type
        return _VALUES[kind][0]


def _refers(kind: Any) -> bool:
    return isinstance(kind, Population | EventTable)


def _name(of: Population | EventTable) -> str:
    return of.table_name if isinstance(of, Population) else of.name


def _size(kind: Population | EventTable) -> int:
    return len(kind) if isinstance(kind, Population) else kind.count


def _kept(kind: Any) -> Any:
    """The type of a column's values in memory: references are row numbers."""
    return np.int64 if _refers(kind) else _VALUES[kind][2]
