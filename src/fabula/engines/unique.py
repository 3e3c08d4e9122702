"""Columns whose values may not repeat, drawn so that they can't, and the rest redrawn until so."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fabula.engines.block import Array, Engine
from fabula.engines.expressions import evaluate
from fabula.engines.kinds.choice import pick, value_array
from fabula.errors import CheckError
from fabula.fakers.people import People
from fabula.fakers.regex import compile_pattern
from fabula.io.arrays import array_of, numbers_of
from fabula.kinds.base.columns import AbstractColumn
from fabula.kinds.base.sql import quoted
from fabula.kinds.choice import Choice
from fabula.kinds.pattern import Pattern
from fabula.kinds.person import Person
from fabula.kinds.uniform import Uniform
from fabula.planning.plan import ColumnPlan, TablePlan
from fabula.streams import Permutation

_ROUNDS = 40

FIXED = ("key", "uuid", "sequence")
"""Kinds whose values never repeat."""

Attempts = dict[int, NDArray[np.int64]]
"""The attempt of each row of a block, for blocks that hold redrawn rows."""


def distinct_engine(column: ColumnPlan, *, rows: int, seed: int, table: str) -> Engine | None:
    """An engine that gives each row another of its numbered values; None if it has no numbers.

    Raises:
        CheckError: There are fewer values than rows.
    """
    spec = column.spec
    if spec.capacity() < rows:
        raise _too_few((column.name,), int(spec.capacity()), rows, table)
    if isinstance(spec, Choice):
        values = value_array(column)
        weights = spec.weights or (1.0,) * len(values)
        last = {value: i for i, value in enumerate(values.to_pylist()) if weights[i] > 0}
        usable = np.array([i for value, i in last.items() if value is not None])
        order = Permutation(len(usable), seed, table, column.name)
        return lambda block: pick(values, usable[order(block.unique_numbers)])
    if isinstance(spec, Uniform) and spec.decimals is not None and not column.sql:
        size, value = stepped(spec)
        steps = Permutation(min(size, 2**64 - 1), seed, table, column.name)
        return lambda block: value(steps(block.unique_numbers))
    if isinstance(spec, Pattern):
        pattern = compile_pattern(spec.regex)
        if pattern.has_index and pattern.size is not None:
            places = Permutation(min(pattern.size, 2**62), seed, table, column.name)
            return lambda block: pattern.at(places(block.unique_numbers))
    if isinstance(spec, Person) and spec.field in ("email", "username"):
        field = spec.field
        people = People(spec.locale)
        return lambda block: people.draw_unique(
            lambda part: block.rng(f"{spec.who}:{part}"), block.unique_numbers, field
        )
    return None


def stepped(spec: Uniform) -> tuple[int, Callable[[NDArray[np.int64]], Array]]:
    """How many values a uniform column of some decimals has, and the one at each place."""
    ends = spec.grid_ends()
    assert ends is not None
    first, last = ends
    scale = 10.0 ** (spec.decimals or 0)

    def value(places: NDArray[np.int64]) -> Array:
        values = places + np.int64(first)
        return array_of(values / scale if spec.decimals else values)

    return last - first + 1, value


def distinct_groups(
    plan: TablePlan, distinct: Collection[str]
) -> list[tuple[Collection[str], list[tuple[str, ...]]]]:
    """Groups that may not repeat and need redraws, with the columns to draw again together.

    Args:
        plan: The table.
        distinct: Columns that are distinct, or filled by a model, in some other way.
    """
    done = {name for name, item in plan.columns.items() if item.spec.never_repeats} | set(distinct)
    groups: list[tuple[str, ...]] = [(n,) for n, item in plan.columns.items() if item.spec.unique]
    groups += [group for group in (plan.spec.primary_key, *plan.spec.unique) if group]
    found: list[tuple[Collection[str], list[tuple[str, ...]]]] = []
    for group in dict.fromkeys(groups):
        drawn = {name for name in group if not is_bound(plan, name)}
        counted = any(getattr(plan.columns[name].spec, "within", None) in group for name in group)
        if not drawn or counted or done & set(group):
            continue
        columns, together = companions(plan, drawn), [group]
        for other in [item for item in found if columns & set(item[0])]:
            found.remove(other)
            columns, together = columns | set(other[0]), other[1] + together
        found.append((columns, together))
    return found


def is_bound(plan: TablePlan, name: str) -> bool:
    """Whether a column is a reference whose counts or pairs are settled."""
    link = plan.references.get(name)
    return link is not None and (link.driver or bool(link.within) or link.spec.unique)


def companions(plan: TablePlan, names: Collection[str]) -> set[str]:
    """Columns that are only ever drawn together with these: correlated, or of one person."""
    people = {_person(plan.columns[name].spec) for name in names} - {None}
    alike = {name for name, item in plan.columns.items() if _person(item.spec) in people}
    groups = [set(group.columns) for group in plan.spec.correlations]
    return set(names).union(alike, *(group for group in groups if group & set(names)))


def _person(spec: AbstractColumn) -> tuple[str, Any] | None:
    return (spec.who, spec.locale) if isinstance(spec, Person) else None


def find_redraws(
    groups: Sequence[Sequence[str]],
    make: Callable[[int, NDArray[np.int64] | None], Mapping[str, Array]],
    *,
    table: str,
    blocks: int,
) -> Attempts:
    """Which rows must be drawn again, and how often, so that no combination repeats.

    Args:
        groups: Columns whose combinations may not repeat; rows with a null are left alone.
        make: Makes the groups' columns of a block, given the attempt of each row.
        table: The table's name, for errors.
        blocks: Number of blocks.

    Raises:
        CheckError: Repetitions remain after many attempts; says how many values there are.
    """
    attempts: Attempts = {}
    if not blocks:
        return attempts
    hashes = [_hashes(groups, make(block, None)) for block in range(blocks)]
    ends = np.cumsum([part.shape[1] for part in hashes])
    for _ in range(_ROUNDS):
        repeated = _repeated(np.concatenate(hashes, axis=1))
        if not len(repeated):
            return attempts
        for block in np.unique(np.searchsorted(ends, repeated, side="right")).tolist():
            size = hashes[block].shape[1]
            start = int(ends[block]) - size
            rows = repeated[(repeated >= start) & (repeated < ends[block])] - start
            tries = attempts.setdefault(block, np.zeros(size, dtype=np.int64))
            tries[rows] += 1
            hashes[block] = _hashes(groups, make(block, tries))
    whole = np.concatenate(hashes, axis=1)
    counts = [len(_repeated(whole[i : i + 1])) for i in range(len(groups))]
    worst, total = int(np.argmax(counts)), whole.shape[1]
    raise _too_few(groups[worst], total - counts[worst], total, table)


def _hashes(groups: Sequence[Sequence[str]], values: Mapping[str, Array]) -> NDArray[np.int64]:
    """A hash of each row's combination, above 0, by group; 0 where a part is null."""
    wanted: dict[str, str] = {}
    for i, group in enumerate(groups):
        names = ", ".join(quoted(name) for name in group)
        known = " AND ".join(f"{quoted(name)} IS NOT NULL" for name in group)
        wanted[str(i)] = f"CASE WHEN {known} THEN (hash({names}) >> 2) + 1 ELSE 0 END"
    part = {name: values[name] for group in groups for name in group}
    rows = len(next(iter(part.values())))
    results = evaluate(wanted, part, rows, where="")
    return np.stack([numbers_of(results[place]) for place in wanted])


def _repeated(hashes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rows whose hash is in an earlier row of the same group."""
    found = []
    for group in hashes:
        order = np.argsort(group, kind="stable")
        rows = order[np.flatnonzero(np.diff(group[order]) == 0) + 1]
        found.append(rows[group[rows] != 0])
    return np.unique(np.concatenate(found))


def _too_few(names: Sequence[str], places: int, rows: int, table: str) -> CheckError:
    listed = " and ".join(f"`{name}`" for name in names)
    return CheckError(
        f"only {places:,} distinct values of {listed} were found for {rows:,} rows",
        code="plan.too-few-values",
        where=f"tables.{table}",
        hint="ask for fewer rows, or allow more values",
    )
