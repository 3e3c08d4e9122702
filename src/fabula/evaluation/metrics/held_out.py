"""Holdout rows that the real table contains, too: found as whole rows, and taken out of it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fabula.errors import UsageError
from fabula.evaluation.metrics.result import noise
from fabula.relationships.common_types import alike, comparable
from fabula.streams import mix, name_key

Tables = Mapping[str, pa.Table]

FEWEST = 5
"""Rows of a holdout, at least, that tell copies from chance."""


def apart(
    real: Tables, holdout: Tables
) -> tuple[dict[str, pa.Table], dict[str, pa.Table], dict[str, str]]:
    """Real tables without the rows of the holdout, what holdout is left, and a note by table.

    Nothing is said by a holdout that is part of the real table: each of its rows equals a real
    one. A few equal rows by chance, no more than the real table repeats its own, stay.
    A holdout of hardly any rows is left out.

    Args:
        real: The real tables by name; those of the whole file may hold the holdout, too.
        holdout: The held-back rows of some of them.

    Raises:
        UsageError: Every real row is in the holdout.
    """
    left, held, notes = dict(real), dict(holdout), {}
    for name, rows in holdout.items():
        shared = [column for column in rows.column_names if column in real[name].column_names]
        keys = _row_keys(real[name].select(shared), rows.select(shared)) if shared else None
        if keys is None:
            continue
        taken = _matched(*keys)
        if not taken.any() or not _meant(*keys, int(taken.sum())):
            continue
        if taken.all():
            del held[name]
            notes[name] = "Every real row is in the holdout, too: it is measured without one."
            continue
        left[name] = real[name].filter(pa.array(~taken))
        notes[name] = _said(int(taken.sum()), rows.num_rows)
    if holdout and not held:
        raise UsageError(
            "every real row is in the holdout, too, so there is nothing to compare with",
            code="evaluate.holdout-is-real",
            hint="pass the rows that the synthesizer learned from as `real`, and rows that it "
            "never saw as `holdout`",
        )
    for name, rows in list(held.items()):
        if 0 < rows.num_rows < FEWEST:
            del held[name]
            told = "1 row" if rows.num_rows == 1 else f"{rows.num_rows} rows"
            few = f"A holdout of {told} is too small: the table is measured without one."
            notes[name] = " ".join(filter(None, [notes.get(name), few]))
    return left, held, notes


def published(made: Tables, real: Tables, holdout: Tables) -> dict[str, str]:
    """A warning for each synthetic table that holds rows of the holdout, beyond chance.

    They equal no real row, and no distance to the real table reveals them.

    Args:
        made: The synthetic tables.
        real: The real tables, rows of the holdout taken out: as many of their rows equal one of
            the holdout by chance.
        holdout: The held-back rows of some of them.
    """
    warnings = {}
    for name, rows in holdout.items():
        shared = [
            column for column in rows.column_names
            if column in made[name].column_names and column in real[name].column_names
        ]  # fmt: skip
        equal = []
        for table in (made[name], real[name]):
            keys = _row_keys(table.select(shared), rows.select(shared)) if shared else None
            equal.append(np.isin(*keys) if keys else np.zeros(table.num_rows, dtype=bool))
        found, chance = (float(each.mean()) if len(each) else 0.0 for each in equal)
        if found > chance + noise(chance, len(equal[0]), len(equal[1])):
            warnings[name] = (
                f"{int(equal[0].sum()):,} of the {len(equal[0]):,} synthetic rows equal a row of "
                "the holdout: they are real, and metrics that look for copies of the real table "
                "miss them."
            )
    return warnings


def _said(taken: int, of: int) -> str:
    if taken == of:
        rows = "The holdout's row is" if of == 1 else f"All {of:,} rows of the holdout are"
        return f"{rows} in the real table, too, and taken out of it."
    return (
        f"{taken:,} of the {of:,} rows of the holdout are in the real table, too, and taken out "
        "of it. If the synthesizer learned from them, they are not a holdout."
    )


def _meant(real: NDArray[np.uint64], held: NDArray[np.uint64], taken: int) -> bool:
    """Whether more rows are equal than chance explains, by how often real rows repeat."""
    if taken == len(held):
        return True
    _, codes, counts = np.unique(real, return_inverse=True, return_counts=True)
    repeats = float((counts[codes] > 1).mean())
    return taken / len(held) > repeats + noise(repeats, len(held), len(real))


def _matched(real: NDArray[np.uint64], held: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Which real rows the holdout has, each of its rows standing for one of them."""
    kinds, codes = np.unique(np.concatenate([real, held]), return_inverse=True)
    mine, theirs = codes[: len(real)], codes[len(real) :]
    wanted = np.bincount(theirs, minlength=len(kinds))
    order = np.argsort(mine, kind="stable")
    starts = np.searchsorted(mine[order], np.arange(len(kinds)))
    rank = np.empty(len(real), dtype=np.int64)
    rank[order] = np.arange(len(real)) - starts[mine[order]]
    found: NDArray[np.bool_] = rank < wanted[mine]
    return found


def _row_keys(
    real: pa.Table, held: pa.Table
) -> tuple[NDArray[np.uint64], NDArray[np.uint64]] | None:
    """A 64-bit hash of each row's values, in both tables alike; None without a column."""
    keys = np.zeros(real.num_rows + held.num_rows, dtype=np.uint64)
    used = False
    for name in real.column_names:
        parts, _ = alike(name, {"real": real[name], "holdout": held[name]}, "real")
        both = comparable(parts["real"], parts["holdout"])
        if both is None:
            continue
        used = True
        encoded = both.combine_chunks().dictionary_encode()
        codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64) + 1
        keys = mix(keys ^ mix(codes.astype(np.uint64) + np.uint64(name_key(name))))
    return (keys[: real.num_rows], keys[real.num_rows :]) if used else None
