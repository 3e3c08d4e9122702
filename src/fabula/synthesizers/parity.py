"""Bias repair: sampled outcomes are as frequent in every group of people as in any other."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from fabula.errors import UsageError, column_hint
from fabula.io.arrays import array_of
from fabula.synthesizers.synthesizer import Synthesizer

Cell = tuple[Any, ...]

_FORM = re.compile(
    r"\s*([^~|=]+?)\s*(?:=\s*([^~|=]+?)\s*)?~\s*([^~|=]+?)\s*(?:\|\s*([^~|=]+?)\s*)?"
)
_MOST_LABELS = 30


@dataclass(frozen=True)
class Parity:
    """Which rates become equal.

    Attributes:
        outcome: The column of the outcome.
        group: The column of the groups.
        within: A column within whose labels rates become equal (conditional parity); else over all.
        target: The share that the label `positive` has in every group; else its share over all.
        positive: The label that `target` is about.
    """

    outcome: str
    group: str
    within: str | None = None
    target: float | None = None
    positive: str | None = None

    @property
    def cell(self) -> list[str]:
        """The columns that tell a row's group, the strata first."""
        return [*([self.within] if self.within else []), self.group]

    @classmethod
    def read(cls, text: str, target: float | None = None) -> Parity:
        """`hired~sex`, `hired~sex|department`, `hired=yes~sex`.

        Raises:
            UsageError: The text has another form, or a target lacks its label.
        """
        found = _FORM.fullmatch(text)
        if found is None:
            raise UsageError(
                f"`{text}` does not name an outcome and a group",
                code="parity.form",
                hint="write `OUTCOME~GROUP`, such as `hired~sex`, or `hired~sex|department`",
            )
        outcome, positive, group, within = found.groups()
        if target is not None and positive is None:
            raise UsageError(
                "a target rate is of one label, and none is named",
                code="parity.target",
                hint=f"write `{outcome}=LABEL~{group}`",
            )
        if target is not None and not 0 <= target <= 1:
            raise UsageError(
                f"a target rate lies between 0 and 1, and {target:g} does not",
                code="parity.target",
            )
        return cls(outcome, group, within, target, positive)


@dataclass(frozen=True)
class Repaired:
    """Rows whose outcomes are equally frequent in all groups.

    Attributes:
        rows: The rows.
        before: The share of each outcome by group, as the synthesizer draws it.
        after: The same in `rows`.
        parity: What was asked for.
    """

    rows: pa.Table
    before: Mapping[Cell, Mapping[Any, float]]
    after: Mapping[Cell, Mapping[Any, float]]
    parity: Parity

    def lines(self) -> Iterator[str]:
        """The rates of each group, before and after."""
        for cell, shares in self.after.items():
            told = ", ".join(
                f"{label} {100 * self.before[cell].get(label, 0.0):.1f} % → {100 * share:.1f} %"
                for label, share in shares.items()
            )
            yield f"{' · '.join(map(str, cell))}: {told}"


def sample_with_parity(
    model: Synthesizer[pa.Table], rows: int, parity: Parity, *, seed: int = 0
) -> Repaired:
    """Draw rows in which an outcome does not depend on the group, within each stratum.

    Demographic parity by design: how many rows each group has stays as it is drawn, and in each
    the outcomes have the shares that they have in all groups together. Every row is drawn given its
    group and outcome, so that its other columns go with both.

    Args:
        model: The synthesizer.
        rows: How many rows.
        parity: Which rates become equal.
        seed: The same seed gives the same rows.

    Raises:
        UsageError: A column does not exist, or has too many labels.
    """
    names = parity.cell
    _must_have(model.schema.names, parity)
    plain = pa.concat_tables(model.blocks(rows, seed=seed))
    cells, outcomes = _judged(plain, parity)
    before = _shares(cells, outcomes)
    wanted = _wanted(cells, outcomes, parity)
    parts = []
    for at, ((cell, label), count) in enumerate(wanted.items()):
        given = dict(zip(names, cell, strict=True)) | {parity.outcome: label}
        parts.append(pa.concat_tables(model.blocks(count, given=given, seed=seed + 31 * at + 1)))
    made = pa.concat_tables(parts)
    made = made.take(array_of(np.random.default_rng(seed).permutation(made.num_rows)))
    after = _shares(_cells(made, names), made.column(parity.outcome).to_pylist())
    return Repaired(made, before, {cell: after[cell] for cell in sorted(after, key=str)}, parity)


def equal_outcomes(rows: pa.Table, parity: Parity, *, seed: int = 0) -> pa.ChunkedArray:
    """The outcomes of rows, as few of them changed as it takes to make the rates equal.

    Args:
        rows: The rows.
        parity: Which rates become equal.
        seed: Decides which outcomes change.

    Raises:
        UsageError: A column does not exist, or has too many labels.
    """
    _must_have(rows.column_names, parity)
    cells, outcomes = _judged(rows, parity)
    labels = {label: at for at, label in enumerate(dict.fromkeys(outcomes))}
    codes = np.array([labels[label] for label in outcomes], np.int64)
    places = {cell: at for at, cell in enumerate(dict.fromkeys(cells))}
    group = np.array([places[cell] for cell in cells], np.int64)
    lacking = np.zeros((len(places), len(labels)), np.int64)
    for (cell, label), count in _wanted(cells, outcomes, parity).items():
        lacking[places[cell], labels[label]] = count
    np.subtract.at(lacking, (group, codes), 1)
    order = np.random.default_rng(seed).permutation(len(codes))
    for at in range(len(places)):
        inside = order[group[order] == at]
        needs = lacking[at]
        spare = [inside[codes[inside] == label][: max(-n, 0)] for label, n in enumerate(needs)]
        codes[np.concatenate(spare)] = np.repeat(np.arange(len(labels)), np.maximum(needs, 0))
    made = pa.array(list(labels), rows.schema.field(parity.outcome).type)
    return pa.chunked_array([made.take(array_of(codes))])


def _must_have(known: list[str], parity: Parity) -> None:
    for name in (*parity.cell, parity.outcome):
        if name not in known:
            raise UsageError(
                f"the table has no column `{name}`",
                code="parity.unknown-column",
                hint=column_hint(name, known),
            )


def _judged(rows: pa.Table, parity: Parity) -> tuple[list[Cell], list[Any]]:
    """The group and the outcome of each row."""
    cells, outcomes = _cells(rows, parity.cell), rows.column(parity.outcome).to_pylist()
    for found in (set(cells), set(outcomes)):
        if len(found) > _MOST_LABELS:
            raise UsageError(
                f"{len(found):,} different values are too many to make rates equal",
                code="parity.labels",
                hint=f"name columns of at most {_MOST_LABELS} categories",
            )
    return cells, outcomes


def _cells(table: pa.Table, names: list[str]) -> list[Cell]:
    return list(zip(*(table.column(name).to_pylist() for name in names), strict=True))


def _shares(cells: list[Cell], outcomes: list[Any]) -> dict[Cell, dict[Any, float]]:
    counts: dict[Cell, dict[Any, float]] = {}
    for cell, label in zip(cells, outcomes, strict=True):
        inside = counts.setdefault(cell, {})
        inside[label] = inside.get(label, 0) + 1
    return {
        cell: {label: n / sum(inside.values()) for label, n in sorted(inside.items(), key=str)}
        for cell, inside in counts.items()
    }


def _wanted(cells: list[Cell], outcomes: list[Any], parity: Parity) -> dict[tuple[Cell, Any], int]:
    """How many rows each group has of each outcome."""
    sizes: dict[Cell, int] = {}
    for cell in cells:
        sizes[cell] = sizes.get(cell, 0) + 1
    strata = [cell[:-1] for cell in cells]
    aims = _shares(strata, outcomes)
    if parity.target is not None:
        labels = {str(label): label for label in set(outcomes)}
        if parity.positive not in labels:
            raise UsageError(
                f"`{parity.outcome}` is never `{parity.positive}`",
                code="parity.target",
                hint=f"its labels are {', '.join(labels)}",
            )
        aims = {s: _moved(aim, labels[parity.positive], parity.target) for s, aim in aims.items()}
    wanted = {}
    for cell in sorted(sizes, key=str):
        aim = aims[cell[:-1]]
        exact = np.array([sizes[cell] * share for share in aim.values()])
        counts = np.floor(exact).astype(int)
        counts[np.argsort(counts - exact, kind="stable")[: sizes[cell] - counts.sum()]] += 1
        wanted.update({(cell, label): int(n) for label, n in zip(aim, counts, strict=True) if n})
    return wanted


def _moved(aim: Mapping[Any, float], label: Any, target: float) -> dict[Any, float]:
    """Shares in which one label has a share of its own, and the others keep their relation."""
    rest = sum(share for other, share in aim.items() if other != label)
    moved = {
        other: share * (1 - target) / rest if rest else 0.0
        for other, share in aim.items()
        if other != label
    }
    return {**moved, label: target}
