"""Real, synthetic and held-back rows brought into one form that every metric reads.

Columns are matched by name, types follow the real table, categories get codes that are shared
by all frames, and a missing value is its own state: NaN in numbers, code 0 in categories.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.errors import SourceError
from fabula.evaluation.metrics.differences import FEW, few, one_label, shared_columns, void
from fabula.io.arrays import is_text
from fabula.io.notes import notes_of
from fabula.pii import find_in_table
from fabula.pii.kinds import BLURRED, TITLES
from fabula.relationships.column_names import is_key_name
from fabula.relationships.common_types import alike, kind_of, labelled, plain
from fabula.streams import stream

Family: TypeAlias = Literal["number", "moment", "category", "text", "key", "other"]
Array: TypeAlias = NDArray[Any]

TEXT_SHARE, TEXT_DISTINCT = 0.5, 20
"""Strings of which more than this share, and more than this many, differ are text."""

NAMES_DISTINCT, NAMES_ROWS = 100, 10
"""So are more than that many strings, most rows of which have one that few other rows have:
names."""

LARGEST = 1e100
"""Numbers beyond count as this much, so that their squares can be added up."""

LONG_TEXT = 60
"""Strings that are longer than this on average are text, too."""


@dataclass(frozen=True)
class Column:
    """One column that all frames have.

    Attributes:
        name: Its name.
        family: How it is measured.
        levels: The labels of a category; code `i + 1` stands for `levels[i]`.
        whole: Whether a number has no decimals.
    """

    name: str
    family: Family
    levels: tuple[str, ...] = ()
    whole: bool = False


@dataclass(frozen=True)
class Frame:
    """The rows of one table: floats for numbers and moments, codes for everything else."""

    rows: int
    values: Mapping[str, Array]
    texts: Mapping[str, pa.ChunkedArray]

    def __getitem__(self, name: str) -> Array:
        return self.values[name]

    def take(self, index: NDArray[np.int64]) -> Frame:
        """Some of the rows, in the order of `index`."""
        values = {name: values[index] for name, values in self.values.items()}
        texts = {name: values.take(pa.array(index)) for name, values in self.texts.items()}
        return Frame(len(index), values, texts)


@dataclass(frozen=True)
class Frames:
    """The frames of one comparison.

    Attributes:
        columns: What all of them have in common.
        synthetic: The rows under test.
        real: The rows that the synthetic ones should be like; None when there are none.
        holdout: Real rows that the synthesizer never saw.
        seed: Decides every sample.
        notes: What was left out or changed, in sentences.
        tables: The tables as they came, `real`, `synthetic` and `holdout`.
    """

    columns: tuple[Column, ...]
    synthetic: Frame
    real: Frame | None
    holdout: Frame | None
    seed: int
    notes: tuple[str, ...] = ()
    tables: Mapping[str, pa.Table] = field(default_factory=dict)

    def of(self, *families: Family) -> list[Column]:
        """The columns of some families."""
        return [column for column in self.columns if column.family in families]

    @cached_property
    def measured(self) -> list[Column]:
        """The columns that have a distribution: numbers, moments and categories."""
        return self.of("number", "moment", "category")

    def column(self, name: str) -> Column | None:
        """A column by its name."""
        return next((column for column in self.columns if column.name == name), None)

    @cached_property
    def truth(self) -> Frame:
        """The real rows, where a metric can't do without them."""
        if self.real is None:
            raise SourceError(
                "this metric compares with real data, and none was given",
                code="evaluate.no-real",
                hint="pass the real table: `fabula evaluate SYNTHETIC --real REAL`",
            )
        return self.real

    @cached_property
    def halves(self) -> tuple[Frame, Frame]:
        """Two sets of real rows whose distance is the baseline: real and holdout, or halves."""
        if self.holdout is not None:
            return self.truth, self.holdout
        if self.truth.rows == 1:
            return self.truth, self.truth
        order = self.rng("halves").permutation(self.truth.rows)
        middle = len(order) // 2
        return self.truth.take(order[:middle]), self.truth.take(order[middle:])

    @property
    def compared(self) -> str:
        """What the baseline of `halves` is called."""
        return "holdout" if self.holdout is not None else "real halves"

    def rng(self, purpose: str) -> np.random.Generator:
        """The random stream of one purpose."""
        return stream(self.seed, "metrics", purpose, 0)

    def sample(self, frame: Frame, most: int, purpose: str) -> Frame:
        """At most `most` rows of a frame, drawn by seed; all of them if there are no more."""
        if frame.rows <= most:
            return frame
        index = np.sort(self.rng(purpose).choice(frame.rows, most, replace=False))
        return frame.take(index)


def prepare(
    synthetic: pa.Table,
    real: pa.Table | None = None,
    holdout: pa.Table | None = None,
    *,
    keys: Collection[str] = (),
    seed: int = 0,
) -> Frames:
    """Align tables for comparison.

    Args:
        synthetic: The table under test.
        real: The table that it should be like.
        holdout: Real rows that the synthesizer never saw.
        keys: Columns that identify rows or point at others, and so have no distribution.
        seed: Decides every sample that metrics draw.

    Raises:
        SourceError: A table is empty, the tables share no column, or a shared column contains
            values that can't be compared.
    """
    given = {"synthetic": synthetic, "real": real, "holdout": holdout}
    tables = {name: table for name, table in given.items() if table is not None}
    for name, table in tables.items():
        if table.num_rows == 0:
            raise SourceError(
                f"the {name} table has no rows", code="evaluate.empty", where=f"{name} table"
            )
    leader = "real" if real is not None else "synthetic"
    names, notes = shared_columns(tables, leader)
    notes += [few(name, t.num_rows) for name, t in tables.items() if t.num_rows < FEW]
    notes += [void(frame, names, table) for frame, table in tables.items()]
    notes += [
        f"The {frame} table: {note}." for frame, table in tables.items() for note in notes_of(table)
    ]
    replaced = {} if real is None else _replaced(real, synthetic, names)
    columns: list[Column] = []
    values: dict[str, dict[str, Array]] = {name: {} for name in tables}
    texts: dict[str, dict[str, pa.ChunkedArray]] = {name: {} for name in tables}
    for name in names:
        parts, said = alike(name, {frame: t.column(name) for frame, t in tables.items()}, leader)
        notes += said
        column, coded, said = _coded(name, parts, leader)
        if name in keys and column.family != "other":
            column = Column(name, "key")
        if name in replaced:
            column, coded = Column(name, "key"), _codes(parts)[0]
            said = [f"`{name}` holds {TITLES[replaced[name]]}, and the synthetic table mostly has"
                    " new ones: their distribution is not compared."]  # fmt: skip
        columns.append(column)
        notes += said
        for frame, array in coded.items():
            values[frame][name] = array
            if column.family == "text":
                texts[frame][name] = parts[frame]
    frames = {
        name: Frame(table.num_rows, values[name], texts[name]) for name, table in tables.items()
    }
    return Frames(
        columns=tuple(columns),
        synthetic=frames["synthetic"],
        real=frames.get("real"),
        holdout=frames.get("holdout"),
        seed=seed,
        notes=tuple(filter(None, notes)),
        tables=tables,
    )


def _replaced(real: pa.Table, synthetic: pa.Table, names: Collection[str]) -> dict[str, str]:
    """The kinds of the columns that hold personal details, most of which are new ones.

    A synthesizer replaces them, so they can't be distributed as the real ones are.
    """
    open_ones = [name for name in names if _are_new(real.column(name), synthetic.column(name))]
    if not open_ones:
        return {}
    found, made = find_in_table(real), find_in_table(synthetic)
    pairs = {name: (found.get(name), made.get(name)) for name in open_ones}
    return {name: one.kind for name, (one, other) in pairs.items()
            if one and other and one.kind == other.kind and one.kind not in BLURRED}  # fmt: skip


def _are_new(real: pa.ChunkedArray, synthetic: pa.ChunkedArray) -> bool:
    """Whether most texts, or long whole numbers, are none of the real ones."""
    kinds = {kind_of(values.type) for values in (real, synthetic)}
    if kinds == {"number"}:
        least = pc.min(synthetic).as_py()
        kinds = {"text"} if least is not None and least >= LONG_NUMBER else kinds
    if kinds != {"text"}:
        return False
    met = pc.is_in(labelled(plain(synthetic)), value_set=labelled(plain(real)).unique())
    return bool(pc.mean(met.cast(pa.int8())).as_py() < NEW)


LONG_NUMBER, NEW = 10**5, 0.5


def _coded(
    name: str, parts: Mapping[str, pa.ChunkedArray], leader: str
) -> tuple[Column, dict[str, Array], list[str]]:
    """One column in every frame, with its family."""
    family = _family(name, parts[leader])
    if pa.types.is_null(parts[leader].type):
        family = next(
            (_family(name, part) for part in parts.values() if not _is_void(part)), "other"
        )
    if family == "moment":
        for frame, part in parts.items():
            if not _is_void(part) and _clock(part.type) != _clock(parts[leader].type):
                raise _mismatch(name, part.type, frame, _clock(parts[leader].type))
    if family in ("number", "moment", "key"):
        numbers = {frame: _numbers(name, part, family, frame) for frame, part in parts.items()}
        endless = sum(int(np.isinf(array).sum()) for array in numbers.values())
        said = [f"Infinite values in `{name}` count as missing."] if endless else []
        numbers = {
            frame: np.clip(np.where(np.isfinite(array), array, np.nan), -LARGEST, LARGEST)
            for frame, array in numbers.items()
        }
        filled = numbers[leader][np.isfinite(numbers[leader])]
        whole = bool(len(filled)) and bool((filled == np.floor(filled)).all())
        return Column(name, family, whole=whole), numbers, said
    if family == "other":
        said = [f"`{name}` is of type {parts[leader].type} and is left out."]
        return Column(name, "other"), {}, said
    codes, levels = _codes(parts)
    if family == "text":
        return Column(name, family), codes, []
    used = {frame: set(np.unique(array).tolist()) - {0} for frame, array in codes.items()}
    strange = all(used.values()) and used[leader].isdisjoint(used["synthetic"])
    said = [f"No label of `{name}` in the synthetic table is one of the real table."] * strange
    said += one_label(name, codes, levels)
    return Column(name, family, levels=levels), codes, said


def _is_void(part: pa.ChunkedArray) -> bool:
    return bool(pa.types.is_null(part.type))


def _family(name: str, values: pa.ChunkedArray) -> Family:
    """How a column is measured, by its type and by how many values differ."""
    kind = values.type
    if pa.types.is_integer(kind) and _is_key(name, values):
        return "key"
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return "number"
    if pa.types.is_temporal(kind):
        return "moment"
    if pa.types.is_boolean(kind):
        return "category"
    if is_text(kind):
        return "text" if _is_text(values) else "category"
    return "other"


def _is_text(values: pa.ChunkedArray) -> bool:
    """Whether strings are long, or too varied to have a distribution."""
    rows = values.drop_null().value_counts().field("counts").to_numpy()
    if len(rows) > TEXT_DISTINCT and len(rows) > TEXT_SHARE * rows.sum():
        return True
    if len(rows) > NAMES_DISTINCT and rows[rows < NAMES_ROWS].sum() > rows.sum() / 2:
        return True
    return bool(len(rows) and pc.mean(pc.utf8_length(values)).as_py() > LONG_TEXT)


def _is_key(name: str, values: pa.ChunkedArray) -> bool:
    """Whether integers only number the rows: all differ, and they are dense or named so."""
    if values.null_count or len(values) < 3 or pc.count_distinct(values).as_py() < len(values):
        return False
    ends = pc.min_max(values).as_py()
    dense = ends["max"] - ends["min"] < 2 * len(values)
    return bool(is_key_name(name) or (dense and len(values) > 50))


def _numbers(name: str, values: pa.ChunkedArray, family: Family, frame: str) -> NDArray[np.float64]:
    """A column as floats; text is read as the numbers or times that it stands for."""
    kind = values.type
    try:
        if family == "moment" and not pa.types.is_null(kind):
            if not pa.types.is_temporal(kind):
                values = values.cast(pa.timestamp("us"))
            values = _seconds(values)
        elif pa.types.is_boolean(kind):
            values = values.cast(pa.int8())
        numbers: NDArray[np.float64] = (
            values.cast(pa.float64(), safe=False).to_numpy().astype(float, copy=False)
        )
    except pa.ArrowException as exc:
        raise _mismatch(name, kind, frame, f"{family}s") from exc
    return numbers


def _mismatch(name: str, kind: pa.DataType, frame: str, others: str) -> SourceError:
    return SourceError(
        f"column `{name}` holds {kind} in the {frame} table, and {others} in the other",
        code="evaluate.types",
        where=f"{frame}.{name}",
        hint=f"convert `{name}` to the same type in all tables, or leave it out",
    )


def _clock(kind: pa.DataType) -> str:
    """What moments of a type are: dates are not times of day, and a number is neither."""
    for is_kind, what in ((pa.types.is_duration, "durations"), (pa.types.is_time, "times of day")):
        if is_kind(kind):
            return what
    return "numbers" if kind_of(kind) == "number" else "dates"


def _seconds(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Moments and durations as seconds."""
    kind = values.type
    if pa.types.is_date(kind):
        values = values.cast(pa.timestamp("s"))
    elif pa.types.is_time32(kind):
        return pc.divide(values.cast(pa.int32()).cast(pa.float64()), _ticks(kind.unit))
    return pc.divide(
        values.cast(pa.int64()).cast(pa.float64(), safe=False), _ticks(values.type.unit)
    )


def _ticks(unit: str) -> float:
    return {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}[unit]


def _codes(parts: Mapping[str, pa.ChunkedArray]) -> tuple[dict[str, Array], tuple[str, ...]]:
    """Codes that all frames share: 0 is missing, others follow the order of first appearance."""
    chunks = [chunk for part in parts.values() for chunk in labelled(part).chunks]
    encoded = pa.chunked_array(chunks, pa.large_string()).combine_chunks().dictionary_encode()
    codes = pc.fill_null(pc.add(encoded.indices, 1), 0).to_numpy().astype(np.int32)
    ends = np.cumsum([len(part) for part in parts.values()])
    pieces = np.split(codes, ends[:-1])
    return dict(zip(parts, pieces, strict=True)), tuple(encoded.dictionary.to_pylist())


def inner_edges(values: NDArray[np.float64], bins: int) -> NDArray[np.float64]:
    """Where equal bins over the range of some numbers meet.

    Numbers that are large and all but equal get a single bin.
    """
    try:
        edges: NDArray[np.float64] = np.histogram_bin_edges(values, bins)[1:-1]
    except ValueError:
        return np.empty(0)
    return edges
