"""Privacy by look-up: what someone learns who knows the quasi-identifiers of real people.

Success on real people is compared with success on people who are not in the table: those who were
held back or, without a holdout, half of the real people, looked up among the other half.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fabula.evaluation.metrics.attacks import ATTACKS, agree, risk, worst
from fabula.evaluation.metrics.frames import Column, Frame, Frames
from fabula.evaluation.metrics.metric import METRICS, Score, metric
from fabula.evaluation.metrics.reidentification import combinations, must_be_shared
from fabula.render.amounts import percent

Keys = NDArray[np.uint64]


@METRICS.add
@metric(
    "privacy.linkage", "linkage by quasi-identifiers", better="lower",
    source="Linkage with an outside table (Sweeney 2002), beyond people who are not in the table",
    form="share", place=82,
)  # fmt: skip
def linkage(frames: Frames, quasi: Sequence[str]) -> Score:
    """How often the row that a person's quasi-identifiers lead to is that person's own.

    One of the rows that fit is taken at random. It counts as the person's own where as many other
    columns agree as tell real people best from people who are not in the table.

    Args:
        frames: The prepared tables.
        quasi: The quasi-identifiers, which the attacker has of every real person.

    Raises:
        UsageError: A quasi-identifier is not a column.
    """
    others = [column for column in frames.measured if column.name not in quasi]
    sides, told = _looked_up(frames, quasi, "linkage")
    if not others or not sides:
        return Score(None, told if others else "Not measured: there are no other columns.")
    n, agreed = sides[0][0].rows, []
    for people, table in sides:
        row = table.take(_one_that_fits(quasi, people, table, frames.rng("linked rows")))
        agreed.append(
            np.sum([agree(each, row[each.name], people[each.name]) for each in others], axis=0)
        )
    hits = [
        np.array([(side >= least).sum() for least in range(1, len(others) + 1)]) for side in agreed
    ]
    at = worst(hits[0] / n, hits[1] / n, n)
    return risk(
        f"{told} The row found has the values of {{real}} of the real people and of {{held}} of"
        f" {_others(frames)} in {at + 1} or more of {len(others)} other columns",
        hits=(int(hits[0][at]), int(hits[1][at])), n=n, tries=len(others),
        details={"quasi": list(quasi), "columns_that_agree": at + 1},
    )  # fmt: skip


@METRICS.add
@metric(
    "privacy.homogeneity", "homogeneity of groups", better="lower",
    source="Homogeneity (Machanavajjhala et al. 2007), beyond people who are not in the table",
    form="share", place=84,
)  # fmt: skip
def homogeneity(frames: Frames, quasi: Sequence[str], confidential: Sequence[str] = ()) -> Score:
    """How often a person's value is the one that most rows with their quasi-identifiers have.

    Args:
        frames: The prepared tables.
        quasi: The quasi-identifiers, which the attacker has of every real person.
        confidential: The columns to guess; by default all others. The worst one counts.

    Raises:
        UsageError: A column does not exist.
    """
    must_be_shared(frames, confidential)
    columns = [
        column
        for column in (frames.columns if confidential else frames.measured)
        if column.name in (confidential or {*frames.synthetic.values} - {*quasi})
    ]
    sides, told = _looked_up(frames, quasi, "homogeneity")
    if not columns or not sides:
        return Score(None, told if columns else "Not measured: there is no column to guess.")
    n = sides[0][0].rows
    hits = [
        np.array([
            agree(each, _typical(each, quasi, people, table), people[each.name]).sum()
            for each in columns
        ])
        for people, table in sides
    ]  # fmt: skip
    at = worst(hits[0] / n, hits[1] / n, n)
    return risk(
        f"{told} What most rows that fit have as `{columns[at].name}` is right for {{real}} of the"
        f" real people and for {{held}} of {_others(frames)}",
        hits=(int(hits[0][at]), int(hits[1][at])), n=n, tries=len(columns),
        details={
            "quasi": list(quasi),
            "columns": {
                each.name: [float(real / n), float(held / n)]
                for each, real, held in zip(columns, *hits, strict=True)
            },
        },
    )  # fmt: skip


def _looked_up(
    frames: Frames, quasi: Sequence[str], purpose: str
) -> tuple[list[tuple[Frame, Frame]], str]:
    """As many real people as others whom a row fits, with the table in which each is looked up.

    The sentence says how many have such a row; without any there are no sides.
    """
    must_be_shared(frames, quasi)
    half, held = frames.halves
    found = [
        (
            people,
            table,
            np.flatnonzero(np.isin(combinations(quasi, people), combinations(quasi, table))),
        )
        for people, table in (
            (frames.truth, frames.synthetic),
            (held, frames.synthetic if frames.holdout is not None else half),
        )
    ]
    n = min(ATTACKS, *(len(fits) for _, _, fits in found))
    listed, share = ", ".join(f"`{name}`" for name in quasi), len(found[0][2]) / frames.truth.rows
    if not n:
        return [], f"Not measured: {listed} fit no row of enough people to compare."
    rng = frames.rng(purpose)
    sides = [
        (people.take(np.sort(rng.choice(fits, n, replace=False))), table)
        for people, table, fits in found
    ]
    return sides, f"{listed} fit a row for {percent(share)} of the real people."


def _others(frames: Frames) -> str:
    return "those who were held back" if frames.holdout is not None else "as many others"


def _one_that_fits(
    quasi: Sequence[str], people: Frame, table: Frame, rng: np.random.Generator
) -> NDArray[np.int64]:
    """For each person, the number of a row that fits, drawn at random."""
    keys = combinations(quasi, table)
    order = np.argsort(keys, kind="stable")
    low, high = (
        np.searchsorted(keys[order], combinations(quasi, people), side)
        for side in ("left", "right")
    )
    picked: NDArray[np.int64] = order[low + (rng.random(people.rows) * (high - low)).astype(int)]
    return picked


def _typical(column: Column, quasi: Sequence[str], people: Frame, table: Frame) -> NDArray[Any]:
    """For each person, the commonest value of the rows that fit; of numbers, the median."""
    keys, values = combinations(quasi, table), table[column.name]
    order = np.lexsort((values, keys))
    keys, values = keys[order], values[order]
    starts = np.flatnonzero(np.append(True, keys[1:] != keys[:-1]))
    groups, ends = keys[starts], np.append(starts[1:], len(keys))
    if column.family in ("number", "moment"):
        best = values[(starts + ends - 1) // 2]
    else:
        changed = (keys[1:] != keys[:-1]) | (values[1:] != values[:-1])
        runs = np.flatnonzero(np.append(True, changed))
        by_length = runs[np.lexsort((np.diff(np.append(runs, len(keys))), keys[runs]))]
        # The last run of a group is its longest.
        best = values[by_length[np.append(keys[by_length][1:] != keys[by_length][:-1], True)]]
    return np.asarray(best[np.searchsorted(groups, combinations(quasi, people))])
