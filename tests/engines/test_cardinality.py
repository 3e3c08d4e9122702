"""How many children each parent has, across blocks, and whose they are."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from fabula.engines.cardinality import Cardinality
from fabula.spec.tables import PerParent
from fabula.streams import BLOCK_ROWS
from tests.engines.builders import five_sigma_mean, five_sigma_share, made_tables, numbers

KEY = {"kind": "key"}
TO_PARENTS = {"kind": "reference", "to": "parents"}


def children(per_parent: dict[str, Any], parents: int) -> np.ndarray:
    """Children of each parent."""
    table = made_tables(
        {
            "parents": {"n": parents, "columns": {"id": KEY}},
            "children": {
                "per_parent": {"of": "parents", **per_parent},
                "columns": {"id": KEY, "parent": TO_PARENTS},
            },
        }
    )["children"]
    assert table["id"].to_pylist() == list(range(1, table.num_rows + 1))
    return np.bincount(numbers(table, "parent"), minlength=parents + 1)[1:]


def test_a_fixed_number_of_children_is_exact() -> None:
    assert (children({"fixed": 3}, 1_000) == 3).all()


def test_no_children_at_all() -> None:
    assert children({"fixed": 0}, 10).sum() == 0


@pytest.mark.parametrize(
    ("per_parent", "law"),
    [
        ({"poisson": 10}, stats.poisson(10)),
        ({"uniform": [2, 5]}, stats.randint(2, 6)),
        ({"min": 1, "max": 4}, stats.randint(1, 5)),
        ({"zipf": 1.5, "max": 20}, stats.zipfian(1.5, 20)),
        ({"binomial": {"trials": 6, "p": 0.3}}, stats.binom(6, 0.3)),
    ],
)
def test_children_follow_their_distribution(per_parent: dict[str, Any], law: Any) -> None:
    counts = children(per_parent, 20_000)
    for k in range(int(counts.max()) + 1):
        p = float(law.pmf(k))
        assert abs((counts == k).mean() - p) < five_sigma_share(p, 20_000), k


def test_bounds_cut_the_distribution_of_children() -> None:
    """A declared minimum and maximum hold, without a heap at the bounds."""
    counts = children({"poisson": 2, "min": 1, "max": 3}, 20_000)
    law = stats.poisson(2)
    inside = law.pmf([1, 2, 3]) / law.pmf([1, 2, 3]).sum()
    for k, p in zip((1, 2, 3), inside, strict=True):
        assert abs((counts == k).mean() - p) < five_sigma_share(p, 20_000)
    assert set(counts) == {1, 2, 3}


def test_a_continuous_distribution_of_children_is_rounded() -> None:
    counts = children({"normal": {"mean": 10, "std": 2}, "min": 0}, 20_000)
    assert abs(counts.mean() - 10) < five_sigma_mean(2.1, 20_000)


@pytest.mark.parametrize("parents", [0, 1, 2])
def test_few_parents(parents: int) -> None:
    assert children({"fixed": 4}, parents).tolist() == [4] * parents


@pytest.mark.parametrize("parents", [BLOCK_ROWS - 1, BLOCK_ROWS, BLOCK_ROWS + 1, 200_000])
def test_children_cross_blocks_of_parents_and_of_their_own(parents: int) -> None:
    """Counts hold where blocks meet."""
    counts = children({"min": 0, "max": 2}, parents)
    assert len(counts) == parents
    assert counts.max() == 2
    assert abs(counts.mean() - 1) < five_sigma_mean(np.sqrt(2 / 3), parents)


@given(
    counts=st.lists(st.integers(0, 7), max_size=40),
    start=st.integers(0, 100),
    rows=st.integers(1, 50),
)
def test_any_window_of_children_belongs_to_the_right_parents(
    counts: list[int], start: int, rows: int
) -> None:
    """Windows are made alone, in any order."""
    drawn = np.array(counts, dtype=float)
    cardinality = Cardinality(PerParent(of="p", max=9), len(counts), lambda _, size: drawn[:size])
    owners = np.repeat(np.arange(len(counts)), counts)
    places = np.concatenate([np.arange(count) for count in counts] or [np.arange(0)])
    assert cardinality.rows == len(owners)
    if start < len(owners):
        rows = min(rows, len(owners) - start)
        found = cardinality.parents_of(start, rows)
        assert found[0].tolist() == owners[start : start + rows].tolist()
        assert found[1].tolist() == places[start : start + rows].tolist()


def test_parents_that_are_lost_have_no_children() -> None:
    """No orphans where a row check drops parents."""
    tables = made_tables(
        {
            "parents": {
                "n": 100_000,
                "columns": {"id": KEY, "x": {"kind": "uniform"}},
                "checks": [{"kind": "row", "sql": "x > 0.3", "repair": "drop"}],
            },
            "driven": {
                "per_parent": {"of": "parents", "fixed": 2},
                "columns": {"parent": TO_PARENTS, "x": {"kind": "expr", "sql": "parent.x"}},
            },
            "free": {"n": 50_000, "columns": {"parent": TO_PARENTS}},
            "skewed": {"n": 50_000, "columns": {"parent": {**TO_PARENTS, "skew": 1.2}}},
            "weighted": {"n": 50_000, "columns": {"parent": {**TO_PARENTS, "weights": "x"}}},
            "single": {"n": 60_000, "columns": {"parent": {**TO_PARENTS, "unique": True}}},
        }
    )
    parents = tables["parents"]
    assert 69_000 < parents.num_rows < 71_000
    known = set(parents["id"].to_pylist())
    for name in ("driven", "free", "skewed", "weighted", "single"):
        assert set(tables[name]["parent"].to_pylist()) <= known, name
    assert tables["driven"].num_rows == 2 * parents.num_rows
    assert numbers(tables["driven"], "x").min() > 0.3
    written = parents.select(["id", "x"]).rename_columns(["parent", "x"])
    twice = tables["driven"].group_by(["parent", "x"]).aggregate([([], "count_all")])
    assert twice.select(["parent", "x"]).sort_by("parent").equals(written.sort_by("parent"))
