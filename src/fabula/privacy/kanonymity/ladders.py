"""Ladders: the ways to make a column coarser, from its own values down to a few."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.errors import SourceError, UsageError
from fabula.io.arrays import is_text
from fabula.io.written.time_forms import TimeForm
from fabula.privacy.actions import PERIODS, ColumnAction
from fabula.privacy.coarse import coarser
from fabula.privacy.kanonymity.combinations import Column, Whole, as_numbers

WIDTHS = (1, 2, 5)
FEWEST_BANDS, MOST_BANDS, MOST_WIDTHS = 3, 60, 6
RARE = (0.002, 0.01, 0.05, 0.2)
"""Values of a category with a smaller share of the rows are called `other`."""

OTHER = "other"
POSTCODE = re.compile(r"(?i)(^|_)(zip|zip_?code|post_?code|postal|plz)($|_)")
_CODE = r"^[0-9A-Z][0-9A-Z -]{2,9}$"


@dataclass(frozen=True, eq=False)
class Level:
    """One step of a ladder.

    Attributes:
        told: What it does, in words.
        codes: The new code of each old one; 0 stays the missing value.
        values: The new values; the first is missing.
        bits: Shannon's entropy of the new values over the rows.
    """

    told: str
    codes: Whole
    values: pa.Array
    bits: float


@dataclass(frozen=True, eq=False)
class Ladder:
    """A column's levels, the finest first.

    Attributes:
        column: The column.
        levels: Its levels; the first leaves it as it is.
    """

    column: Column
    levels: tuple[Level, ...]


def ladder_of(column: Column, hierarchy: Path | None = None) -> Ladder:
    """The ladder of a column: by its kind, or by a file that the user has.

    Args:
        column: The column's distinct values.
        hierarchy: A CSV file as ARX has them: a value, and what it becomes level by level.

    Raises:
        SourceError: The file can't be read, or lacks a value.
    """
    first = _level(column, "as it is", column.values)
    proposed = _declared(column, hierarchy) if hierarchy is not None else _proposed(column)
    levels = [first]
    for told, values in proposed:
        level = _level(column, told, values)
        if level.bits < levels[-1].bits - 1e-9:
            levels.append(level)
    return Ladder(column, tuple(levels))


def _level(column: Column, told: str, new: pa.Array) -> Level:
    encoded = new.cast(column.values.type).dictionary_encode()
    codes = np.zeros(len(column.counts), np.int64)
    codes[1:] = np.asarray(pc.fill_null(encoded.indices, -1).to_numpy(), np.int64) + 1
    missing = pa.nulls(1, column.values.type)
    shares = np.bincount(codes, column.counts) / max(1, column.counts.sum())
    shares = shares[shares > 0]
    bits = float(-(shares * np.log2(shares)).sum())
    return Level(told, codes, pa.concat_arrays([missing, encoded.dictionary]), bits)


def _proposed(column: Column) -> Iterator[tuple[str, pa.Array]]:
    values = column.values
    if not len(values):
        return
    if pa.types.is_temporal(values.type) and not pa.types.is_time(values.type):
        yield from _periods(values, None)
        return
    numbers = as_numbers(values)
    texts = is_text(values.type)
    if texts and _are_codes(column.name, values):
        yield from _prefixes(values)
        return
    if numbers is not None:
        yield from _widths(column.name, values, numbers)
        return
    form = TimeForm.of(values, column.counts[1:]) if texts else None
    if form is not None and pa.types.is_temporal(form.type) and not pa.types.is_time(form.type):
        yield from _periods(values, form)
        return
    yield from _without_rare(column)


def _periods(values: pa.Array, form: TimeForm | None) -> Iterator[tuple[str, pa.Array]]:
    for period in PERIODS:
        action = ColumnAction("generalise", period, form=form)
        made = coarser(values, action)
        if form is None or not made.null_count:
            yield f"by {period}", made


def _prefixes(values: pa.Array) -> Iterator[tuple[str, pa.Array]]:
    longest = int(pc.max(pc.utf8_length(values)).as_py())
    for kept in range(longest - 1, 0, -1):
        yield f"first {kept} signs", coarser(values, ColumnAction("generalise", str(kept)))


def _widths(
    name: str, values: pa.Array, numbers: NDArray[np.float64]
) -> Iterator[tuple[str, pa.Array]]:
    """Multiples of 1, 2, 5, 10 …; where these are codes of places, powers of ten."""
    span = float(numbers.max() - numbers.min())
    if not span or not math.isfinite(span):
        return
    known = len(numbers)
    base = 10.0 ** math.floor(math.log10(span / MOST_BANDS))
    steps = (1,) if POSTCODE.search(name) else WIDTHS
    widths = [step * base * 10**power for power in range(8) for step in steps]
    whole = bool((numbers == np.floor(numbers)).all())
    some = [w for w in widths if span / w >= FEWEST_BANDS and (not whole or w >= 2)]
    for width in some[-MOST_WIDTHS:] if known > MOST_BANDS else some:
        floored = np.floor(numbers / width) * width
        decimals = max(0, -math.floor(math.log10(width)))
        if is_text(values.type):
            made = pa.array([f"{each:.{decimals}f}" for each in floored])
        else:
            made = pa.array(np.round(floored, decimals))
        yield f"by {width:g}", made.cast(values.type)


def _without_rare(column: Column) -> Iterator[tuple[str, pa.Array]]:
    if not is_text(column.values.type):
        return
    shares = column.counts[1:] / max(1, column.counts.sum())
    label = OTHER if OTHER not in column.values.to_pylist() else "any other"
    for bound in RARE:
        rare = shares < bound
        if not rare.any() or rare.all():
            continue
        frequent = [v for v, is_rare in zip(column.values.to_pylist(), rare, strict=True)
                    if not is_rare]  # fmt: skip
        kept = ", ".join(frequent[:3]) + (" …" if len(frequent) > 3 else "")
        yield (
            f"below {bound * 100:g} % → {label} ({kept} stay)",
            pc.if_else(pa.array(rare), pa.scalar(label, column.values.type), column.values),
        )


def _are_codes(name: str, values: pa.Array) -> bool:
    """Whether the first characters of values tell regions, as those of postcodes do."""
    if POSTCODE.search(name):
        return bool(pc.all(pc.match_substring_regex(values, _CODE)).as_py())
    digits = pc.all(pc.match_substring_regex(values, r"^[0-9]{3,}$")).as_py()
    return bool(digits) and bool(pc.any(pc.starts_with(values, "0")).as_py())


def _declared(column: Column, path: Path) -> Iterator[tuple[str, pa.Array]]:
    """The levels of a file: `value;level 1;level 2;…`, a value per line."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as exc:
        raise SourceError(
            f"the hierarchy `{path}` can't be read: {exc}", code="source.missing", where=str(path)
        ) from exc
    delimiter = max(";,\t", key=text.partition("\n")[0].count)
    lines = [line for line in csv.reader(text.splitlines(), delimiter=delimiter) if line]
    known: Mapping[str, Sequence[str]] = {line[0].strip(): line[1:] for line in lines}
    depth = min((len(line) for line in known.values()), default=0)
    texts = [str(value).strip() for value in column.values.to_pylist()]
    if unknown := [text for text in texts if text not in known]:
        raise SourceError(
            f"the hierarchy `{path}` lacks {len(unknown):,} values of `{column.name}`, such as"
            f" `{unknown[0]}`",
            code="kanonymity.hierarchy",
            where=str(path),
            hint="add a line for each value",
        )
    for level in range(depth):
        try:
            made = pa.array([known[text][level].strip() for text in texts]).cast(column.values.type)
        except pa.ArrowInvalid as exc:
            raise UsageError(
                f"level {level + 1} of `{path}` does not fit into `{column.name}`, which has"
                f" values of type {column.values.type}",
                code="kanonymity.hierarchy",
                where=column.name,
                hint="write the data as CSV, where every column can hold texts",
            ) from exc
        yield f"level {level + 1} of {path.name}", made
