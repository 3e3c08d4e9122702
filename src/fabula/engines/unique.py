"""Columns whose values may not repeat, drawn so that they can't, and the rest redrawn until so."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from fabula.engines.block import Array, Block, Engine
from fabula.engines.choices import pick, value_array
from fabula.engines.expressions import evaluate
from fabula.errors import CheckError
from fabula.io.arrays import array_of, numbers_of
from fabula.io.sql import quoted
from fabula.planning.kinds import capacity
from fabula.planning.plan import ColumnPlan
from fabula.spec.numbers import Uniform
from fabula.spec.words import Choice, Pattern, Person
from fabula.streams import Permutation
from fabula.words.people import People
from fabula.words.regex import compile_pattern

_ROUNDS = 40

Attempts = dict[int, NDArray[np.int64]]
"""The attempt of each row of a block, for blocks that hold redrawn rows."""


def distinct_engine(column: ColumnPlan, *, seed: int, table: str) -> Engine | None:
    """An engine that gives each row another of its numbered values; None if it has no numbers."""
    spec = column.spec
    if isinstance(spec, Choice):
        values = value_array(column)
        weights = spec.weights or (1.0,) * len(values)
        usable = np.array([i for i, weight in enumerate(weights) if weight > 0])
        order = Permutation(len(usable), seed, table, column.name)
        return lambda block: pick(values, usable[order(block.row_numbers)])
    if isinstance(spec, Uniform) and spec.decimals is not None and not column.sql:
        scale = 10.0**spec.decimals
        first = int(np.ceil(float(spec.min) * scale - 1e-9))
        steps = Permutation(int(capacity(spec)), seed, table, column.name)
        whole = spec.decimals == 0

        def number(block: Block) -> Array:
            values = steps(block.row_numbers) + first
            return array_of(values if whole else values / scale)

        return number
    if isinstance(spec, Pattern):
        pattern = compile_pattern(spec.regex)
        if pattern.has_index and pattern.size is not None:
            places = Permutation(min(pattern.size, 2**62), seed, table, column.name)
            return lambda block: pattern.at(places(block.row_numbers))
    if isinstance(spec, Person) and spec.field in ("email", "username"):
        field = spec.field
        people = People(spec.locale)
        return lambda block: people.draw_unique(
            lambda part: block.rng(f"{spec.who}:{part}"), block.row_numbers, field
        )
    return None


def find_redraws(
    group: Sequence[str],
    make: Callable[[int, NDArray[np.int64] | None], Mapping[str, Array]],
    *,
    table: str,
    blocks: int,
) -> Attempts:
    """Which rows must be drawn again, and how often, so that no combination repeats.

    Args:
        group: Columns whose combination may not repeat; rows with a null are left alone.
        make: Makes the group's columns of a block, given the attempt of each row.
        table: The table's name, for errors.
        blocks: Number of blocks.

    Raises:
        CheckError: Repetitions remain after many attempts; says how many values there are.
    """
    attempts: Attempts = {}
    hashes = [_hashes(group, make(block, None)) for block in range(blocks)]
    ends = np.cumsum([len(part) for part in hashes])
    for _ in range(_ROUNDS):
        repeated = _repeated(np.concatenate(hashes) if hashes else np.empty(0, np.int64))
        if not len(repeated):
            return attempts
        for block in np.unique(np.searchsorted(ends, repeated, side="right")).tolist():
            start = int(ends[block]) - len(hashes[block])
            rows = repeated[(repeated >= start) & (repeated < ends[block])] - start
            tries = attempts.setdefault(block, np.zeros(len(hashes[block]), dtype=np.int64))
            tries[rows] += 1
            hashes[block] = _hashes(group, make(block, tries))
    total = int(ends[-1])
    names = " and ".join(f"`{name}`" for name in group)
    raise CheckError(
        f"only {total - len(repeated):,} distinct values of {names} were found for {total:,} rows",
        code="plan.too-few-values",
        where=f"tables.{table}",
        hint="ask for fewer rows, or allow more values",
    )


def _hashes(group: Sequence[str], values: Mapping[str, Array]) -> NDArray[np.int64]:
    """A 64-bit hash of each row's combination, 0 where a part is null."""
    names = ", ".join(quoted(name) for name in group)
    known = " AND ".join(f"{quoted(name)} IS NOT NULL" for name in group)
    sql = f"CASE WHEN {known} THEN hash({names}) >> 1 ELSE 0 END"
    part = {name: values[name] for name in group}
    rows = len(part[group[0]])
    return numbers_of(evaluate({"hash": sql}, part, rows, where="")["hash"])


def _repeated(hashes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rows whose hash stands in an earlier row."""
    order = np.argsort(hashes, kind="stable")
    same = np.flatnonzero(np.diff(hashes[order]) == 0) + 1
    rows = order[same]
    return np.sort(rows[hashes[rows] != 0])
