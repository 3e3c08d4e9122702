"""Populations: the tables of agents, declared once, alive while their world runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.errors import SourceError
from fabula.io.arrays import array_of, is_text, numbers_of, text_array
from fabula.simulation.agents import Agents
from fabula.simulation.columns import CENTS, Role
from fabula.simulation.faults import ModelFault, declared_at
from fabula.simulation.members import Members, Surroundings
from fabula.simulation.moves import Account, texts_alone, within
from fabula.streams import mix, name_key

LINE = 64
"""Bytes of a line of the processor's cache."""
END = "_end"
"""What the name of a column's last values ends in."""


class Population(Members):
    """A table of agents or things; made by `World.population`.

    In rules `population.all`, or the population itself, is a view of all of them.
    """

    def __init__(
        self, world: Surroundings, name: str, key: str | None, roles: Mapping[str, Role]
    ) -> None:
        super().__init__(world, name, key, roles)
        self.declared_at = declared_at(3)
        self.is_packed = False
        self.packed: NDArray[Any] = np.empty(0)

    def take_rows(self, table: pa.Table) -> None:
        """Take the rows that the spec made."""
        self.table = table
        self.roles = {**{name: Role(None) for name in table.column_names}, **self.roles}
        names = table.column_names
        self.key_column = self.key_column or ("id" if "id" in names else names[0])
        keys = table.column(self.key_column).combine_chunks()
        if keys.null_count or _repeat(keys):
            raise self._bad(self.key_column, "is the key, and repeats or is missing in some rows")
        if bad := [name for name in names if name in RESERVED]:
            raise self._bad(bad[0], "has a name that views use; rename it in the file or spec")
        self.identity = _identity(keys, self.table_name)
        self._first_key = _first_of_row(keys)

    def begin(self, populations: Mapping[str, Population]) -> None:
        """Start every column from the rows."""
        for name, role in self.roles.items():
            if isinstance(role.start, Population):
                self.targets[name] = role.start
            elif parent := populations.get(str(getattr(role.start, "to", "")).partition(".")[0]):
                self.targets[name] = parent
        self.columns = {name: self._started(name, role) for name, role in self.roles.items()}
        if self.is_packed:
            self._pack()
        self.views, self.grouped = {}, {}
        for name, values in self.columns.items():
            self.views[name] = values.view()
            self.views[name].setflags(write=False)
        self.accounts = {
            name: Account(int(self.columns[name].sum()))
            for name, role in self.roles.items()
            if role.conserved
        }

    def _pack(self) -> None:
        """Keep each agent's numbers next to each other, where rules of one agent find them."""
        numbers = {name: v for name, v in self.columns.items() if v.dtype.kind in "iufb"}
        kinds = {name: values.dtype for name, values in numbers.items()}
        self.packed = _aligned(len(self), {"row": np.int64, "identity": np.uint64, **kinds})
        self.packed["row"], self.packed["identity"] = np.arange(len(self)), self.identity
        for name, values in numbers.items():
            self.packed[name] = values
            self.columns[name] = self.packed[name]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name in self.views:
            return self.views[name]
        return getattr(self.all, name)

    def __setattr__(self, name: str, values: Any) -> None:
        if name in RESERVED or name.startswith("_"):
            object.__setattr__(self, name, values)
        else:
            setattr(self.all, name, values)

    @property
    def all(self) -> Agents:
        """All of them."""
        return Agents(self, None, unique=True)

    def at(self, rows: NDArray[np.int64]) -> Agents:
        """Those of some row numbers, in that order.

        Raises:
            ModelFault: One is not a row: -1 is a reference that is missing.
        """
        given = np.asarray(rows, dtype=np.int64)
        if not within(given, 0, len(self) - 1):
            raise ModelFault(
                f"a row number of `{self.table_name}` is not in 0 … {len(self) - 1}",
                "leave out references that are missing: `a[a.column >= 0]`",
            )
        return Agents(self, given, unique=False)

    def where(self, mask: NDArray[np.bool_]) -> Agents:
        """Those for whom a condition holds."""
        return self.all[mask]

    def taken(self, column: str) -> int:
        """All that was taken from a conserved column so far."""
        return self.account_of(column).taken

    def arrived(self, column: str) -> int:
        """All that arrived in a conserved column so far."""
        return self.account_of(column).arrived

    def written(self, rows: slice) -> pa.Table:
        """Some rows of the table: as they were made, with the last values of what changed."""
        table = self.table[rows]
        for name, role in self.roles.items():
            if role.money and name in table.column_names:
                place = table.schema.get_field_index(name)
                start = np.rint(as_numpy(table.column(name).combine_chunks()) * CENTS)
                table = table.set_column(place, name, amounts(start.astype(np.int64)))
            if role.changes or role.conserved:
                table = table.append_column(name + END, self.shown(name, self.columns[name][rows]))
        return table.combine_chunks()

    def keys_shown(self) -> dict[str, str]:
        """The table whose key each column of the table has, its own key first."""
        found = {self.key_column: self.table_name}
        for name, target in self.targets.items():
            shown = {name: name in self.table.column_names, name + END: self.roles[name].changes}
            found |= {column: target.table_name for column, is_there in shown.items() if is_there}
        return found

    def key_range(self) -> list[int]:
        """The least and the greatest key; none if there is no row, or keys are texts."""
        keys = self.table.column(self.key_column)
        ends = pc.min_max(keys).as_py() if pa.types.is_integer(keys.type) and len(self) else {}
        return [*ends.values()]

    def shown(self, column: str, values: NDArray[Any]) -> pa.Array:
        """A column's values as the tables have them."""
        if column in self.targets:
            most = len(self.targets[column])
            if values.size and not -1 <= values.min() <= values.max() < most:
                raise self._bad(column, f"was given a row number that is not in 0 … {most - 1}")
            return self.targets[column].keys(values)
        if self.roles[column].money:
            return amounts(values)
        there = column in self.table.column_names
        kind = self.table.schema.field(column).type if there else None
        return as_array(values, getattr(kind, "value_type", kind))  # labels are texts

    def _started(self, name: str, role: Role) -> NDArray[Any]:
        """A column before the first step."""
        if isinstance(role.start, Population):
            return np.full(len(self), -1, dtype=np.int64)
        if role.start is not None and role.drawn is None:
            return self._constant(name, role)
        if name not in self.table.column_names:
            raise self._bad(name, "is not in the file")
        column = self.table.column(name).combine_chunks()
        if parent := self.targets.get(name):
            found = pc.index_in(column, parent.table.column(parent.key_column).combine_chunks())
            return np.asarray(np.nan_to_num(as_numpy(found), nan=-1), np.int64)
        values = as_numpy(column)
        if not (role.money or role.conserved):
            return _wide(values) if role.changes else values
        if values.dtype.kind not in "iuf" or np.isnan(values).any():
            raise self._bad(name, "is a quantity, and not a number in every row")
        quantities = np.rint(values * CENTS) if role.money else values
        if (quantities != np.floor(quantities)).any():
            raise self._bad(name, "is conserved, and not a whole number")
        if role.conserved and len(quantities) and float(quantities.min()) < 0:
            raise self._bad(name, "is conserved, and starts below 0")
        return quantities.astype(np.int64)

    def _constant(self, name: str, role: Role) -> NDArray[Any]:
        """A column that starts from one value."""
        start: Any = role.start
        counted = role.money or role.conserved
        if np.ndim(start) or (counted and not isinstance(start, int | float | np.number)):
            raise self._bad(name, f"starts from {start!r:.40}, and not from one value of its kind")
        if role.money:
            start = round(float(start) * CENTS, 6)  # 0.29 * 100 is not 29
        if counted and (not np.isfinite(start) or start != int(start)):
            what = "cents" if role.money else "units"
            raise self._bad(name, f"starts from {role.start}, and not from whole {what}")
        if role.conserved and start < 0:
            raise self._bad(name, "is conserved, and starts below 0")
        start = int(start) if counted else start
        kind = object if isinstance(start, str) else None  # or texts are cut to its length
        return np.full(len(self), start, dtype=kind)

    def _bad(self, name: str, why: str) -> SourceError:
        file, line = self.declared_at
        return SourceError(
            f"`{self.table_name}.{name}` {why}",
            code="simulation.column",
            where=f"populations.{self.table_name}.{name}",
            file=file,
            line=line,
        )


def _wide(values: NDArray[Any]) -> NDArray[Any]:
    """Numbers that rules write, with room for larger ones than a file has."""
    kinds = {"i": np.int64, "u": np.int64, "f": np.float64}
    kind = kinds.get(values.dtype.kind) if values.dtype.itemsize < 8 else None
    return values if kind is None else values.astype(kind)


def _aligned(n: int, kinds: Mapping[str, Any]) -> NDArray[Any]:
    """Records that lie in as few lines of the processor's cache as they can."""
    kind = np.dtype([*kinds.items()], align=True)
    size = -(-kind.itemsize // LINE) * LINE
    if size - kind.itemsize <= kind.itemsize // 8:
        places = [kind.fields[name][1] for name in kind.names]  # type: ignore[index,union-attr]
        formats = [*kinds.values()]
        kind = np.dtype(
            {"names": [*kinds], "formats": formats, "offsets": places, "itemsize": size}
        )
    memory = np.empty(n * kind.itemsize + LINE, dtype=np.uint8)
    first = -memory.ctypes.data % LINE
    return memory[first : first + n * kind.itemsize].view(kind)


_KINDS = {
    pa.int32(): "int32",
    pa.int64(): "int64",
    pa.float64(): "float64",
    pa.bool_(): "bool",
    pa.timestamp("us"): "datetime64[us]",
    pa.date32(): "datetime64[D]",
}
"""What numpy calls types; `to_numpy` loads pandas, which costs 30 MB and a third of a second."""
_OWN = (
    "world",
    "declared_at",
    "table_name",
    "key_column",
    "roles",
    "table",
    "columns",
    "accounts",
    "packed",
    "targets",
    "views",
    "grouped",
    "is_packed",
)
RESERVED = frozenset({*dir(Agents), *dir(Population), *_OWN})
"""Names that columns can't have."""


def amounts(cents: NDArray[np.int64]) -> pa.Array:
    """Whole cents as decimals with two places."""
    wide = np.empty((len(cents), 2), dtype=np.int64)
    wide[:, 0] = cents
    np.right_shift(cents, 63, out=wide[:, 1])
    return pa.Array.from_buffers(
        pa.decimal128(18, 2), len(cents), [None, pa.py_buffer(wide.reshape(-1))]
    )


def as_array(values: NDArray[Any], kind: pa.DataType | None = None) -> pa.Array:
    """Values as rules have them, as a table has them: NaN and None are missing values.

    Args:
        values: Numbers, times, texts or other objects.
        kind: The type of other objects.
    """
    if values.dtype.name in {"int32", "int64", "bool"}:
        return array_of(values)
    if values.dtype == np.float64:
        return array_of(values, missing=np.isnan(values))
    if values.dtype == object and texts_alone(values):
        return text_array(values.tolist())
    return pa.array(values, kind if values.dtype == object else None, from_pandas=True)


def as_numpy(column: pa.Array) -> NDArray[Any]:
    """A column as numpy has it: numbers and times as they are, texts as objects."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_decimal(column.type):
        column = column.cast(pa.float64())
    if pa.types.is_integer(column.type) and column.null_count:
        column = column.cast(pa.float64())
    if is_text(column.type):
        return np.array(column.to_pylist(), dtype=object)
    if column.type in _KINDS and (column.type == pa.float64() or not column.null_count):
        kind = _KINDS[column.type]
        return numbers_of(column).astype(kind) if len(column) else np.empty(0, kind)
    return np.array(column.to_numpy(zero_copy_only=False))


def _repeat(keys: pa.Array) -> bool:
    """Whether a key is there twice; whole numbers are sorted: a hash table takes more."""
    if not pa.types.is_integer(keys.type):
        return bool(pc.count_distinct(keys).as_py() != len(keys))
    numbers = np.sort(numbers_of(keys))
    return bool((numbers[1:] == numbers[:-1]).any())


def _first_of_row(keys: pa.Array) -> int | None:
    """The first of keys that count up by one; None for all others."""
    if keys.type != pa.int64() or not len(keys):
        return None
    numbers = numbers_of(keys)
    return int(numbers[0]) if (np.diff(numbers) == 1).all() else None


def _identity(keys: pa.Array, name: str) -> NDArray[np.uint64]:
    """A number for each key that does not depend on its row."""
    if pa.types.is_integer(keys.type):
        numbers = numbers_of(keys).astype(np.uint64)
    else:
        texts = keys.cast(pa.string()).to_pylist()
        numbers = np.array([name_key(str(text)) for text in texts], dtype=np.uint64)
    return mix(numbers + np.uint64(name_key(name)))
