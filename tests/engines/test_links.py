"""Foreign keys that resolve, pairs that never repeat, trees, cycles, composite keys."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from fabula.engines.distinct_pairs import DistinctAcross, DistinctWithin
from fabula.errors import CheckError
from tests.engines.builders import five_sigma_share, made_tables, numbers

KEY = {"kind": "key"}
X = {"kind": "uniform", "min": 0, "max": 100}


def to(table: str, **rest: Any) -> dict[str, Any]:
    return {"kind": "reference", "to": table, **rest}


def parents(n: int, **columns: Any) -> dict[str, Any]:
    return {"n": n, "columns": {"id": KEY, **columns}}


def assert_resolves(tables: dict[str, Any], child: str, column: str, parent: str, key: str) -> None:
    known = set(tables[parent][key].to_pylist())
    assert set(tables[child][column].drop_null().to_pylist()) <= known


@pytest.mark.parametrize("n", [0, 1, 65_535, 65_536, 65_537, 200_000])
def test_foreign_keys_resolve_at_any_size(n: int) -> None:
    """No orphans, at the edges of blocks either."""
    tables = made_tables({"p": parents(1_000), "c": {"n": n, "columns": {"p": to("p"), "x": X}}})
    assert tables["c"].num_rows == n
    assert tables["c"]["p"].null_count == 0
    assert_resolves(tables, "c", "p", "p", "id")


@pytest.mark.parametrize(
    "key",
    [
        {"kind": "key", "start": 1_000, "step": 7},
        {"kind": "key", "start": -5, "step": -2},
        {"kind": "uuid"},
        {"kind": "sequence", "start": 10, "step": 10},
        {"kind": "pattern", "regex": "[A-Z]{3}-[0-9]{3}", "unique": True},
    ],
)
def test_any_identifying_column_can_be_referred_to(key: dict[str, Any]) -> None:
    """Keys with start and step, uuids, sequences, unique texts."""
    tables = made_tables(
        {
            "p": {"n": 70_000, "columns": {"code": key, "x": X}},
            "c": {
                "n": 1_000,
                "columns": {"p": to("p.code"), "x": {"kind": "expr", "sql": "p.x"}},
            },
        }
    )
    assert tables["p"].schema.field("code").type == tables["c"].schema.field("p").type
    values = dict(zip(tables["p"]["code"].to_pylist(), tables["p"]["x"].to_pylist(), strict=True))
    assert len(values) == 70_000
    assert [values[code] for code in tables["c"]["p"].to_pylist()] == tables["c"]["x"].to_pylist()


def test_plain_references_are_drawn_evenly() -> None:
    tables = made_tables({"p": parents(20), "c": {"n": 100_000, "columns": {"p": to("p")}}})
    shares = np.bincount(numbers(tables["c"], "p"), minlength=21)[1:] / 100_000
    assert np.abs(shares - 0.05).max() < five_sigma_share(0.05, 100_000)


@pytest.mark.parametrize(("size", "exponent"), [(50, 1.1), (7, 0.5), (100_000, 1.3), (100_000, 1)])
def test_skewed_references_follow_the_zipf_law(size: int, exponent: float) -> None:
    """Frequencies by rank; the head is a table, the tail an integral."""
    n = 200_000
    tables = made_tables(
        {"p": parents(size), "c": {"n": n, "columns": {"p": to("p", skew=exponent)}}}
    )
    counts = np.sort(np.bincount(numbers(tables["c"], "p"), minlength=size + 1)[1:])[::-1]
    weights = np.arange(1, size + 1) ** -float(exponent)
    law = weights / weights.sum()
    for rank in range(3):
        assert abs(counts[rank] / n - law[rank]) < five_sigma_share(law[rank], n)
    if size <= 50:
        assert np.abs(counts / n - law).max() < five_sigma_share(law[0], n)
    else:
        tail = int((np.bincount(numbers(tables["c"], "p"), minlength=size + 1) > 0).sum())
        assert abs(tail - (1 - (1 - law) ** n).sum()) < 5 * np.sqrt(tail)


def test_the_tail_of_a_large_zipf_law_has_its_share() -> None:
    """Ranks beyond the table."""
    n = 200_000
    ranks = numbers(
        made_tables(
            {"t": {"n": n, "columns": {"x": {"kind": "zipf", "exponent": 0.8, "max": 1_000_000}}}}
        )["t"],
        "x",
    )
    weights = np.arange(1, 1_000_001) ** -0.8
    cdf = np.cumsum(weights) / weights.sum()
    for edge in (10, 65_536, 65_537, 100_000, 500_000):
        p = float(cdf[edge - 1])
        assert abs((ranks <= edge).mean() - p) < five_sigma_share(p, n)
    assert ranks.max() <= 1_000_000


def test_references_by_weight_follow_the_parents_column() -> None:
    """Parents of weight 0 or none have no children."""
    weight = {"kind": "choice", "values": [0, 1, 5, None, -3]}
    tables = made_tables(
        {"p": parents(40, w=weight), "c": {"n": 100_000, "columns": {"p": to("p", weights="w")}}}
    )
    weights = np.nan_to_num(np.array(tables["p"]["w"].to_pylist(), dtype=float)).clip(0)
    law = weights / weights.sum()
    shares = np.bincount(numbers(tables["c"], "p"), minlength=41)[1:] / 100_000
    assert (shares[law == 0] == 0).all()
    assert np.abs(shares - law).max() < five_sigma_share(law.max(), 100_000)


def test_weights_that_are_all_zero_are_an_error() -> None:
    zero = {"kind": "constant", "value": 0}
    tables = {"p": parents(5, w=zero), "c": {"n": 5, "columns": {"p": to("p", weights="w")}}}
    with pytest.raises(CheckError) as caught:
        made_tables(tables)
    assert caught.value.code == "engine.no-weight"
    assert caught.value.message == "no row of `p` has a `w` above 0 as its weight"
    assert caught.value.hint == "make `p.w` positive, or leave out `weights`"


def test_one_to_one_takes_every_parent_once() -> None:
    tables = made_tables(
        {"p": parents(70_000), "c": {"n": 70_000, "columns": {"p": to("p", unique=True)}}}
    )
    assert sorted(tables["c"]["p"].to_pylist()) == list(range(1, 70_001))


def test_one_to_one_with_too_few_written_parents_is_an_error() -> None:
    """Parents that a check drops can't be referred to."""
    lossy = {**parents(100, x=X), "checks": [{"kind": "row", "sql": "x > 50", "repair": "drop"}]}
    with pytest.raises(CheckError) as caught:
        made_tables({"p": lossy, "c": {"n": 100, "columns": {"p": to("p", unique=True)}}})
    assert caught.value.code == "engine.too-few-parents"
    assert "for 100 rows that must differ" in caught.value.message
    assert caught.value.hint == "ask for fewer rows, or generate more parents"


def test_the_share_of_rows_without_parent_is_met() -> None:
    """A nullable reference, and the parent's values with it."""
    tables = made_tables(
        {
            "p": parents(10, x=X),
            "c": {
                "n": 50_000,
                "columns": {"p": to("p", nulls=0.2), "x": {"kind": "expr", "sql": "p.x"}},
            },
        }
    )
    missing = tables["c"]["p"].is_null().to_numpy()
    assert abs(missing.mean() - 0.2) < five_sigma_share(0.2, 50_000)
    assert np.array_equal(tables["c"]["x"].is_null().to_numpy(), missing)


def test_an_empty_parent_leaves_nullable_references_empty() -> None:
    tables = made_tables({"p": parents(0), "c": {"n": 5, "columns": {"p": to("p", nulls=0.1)}}})
    assert tables["c"]["p"].to_pylist() == [None] * 5


def test_an_empty_parent_of_a_required_reference_is_an_error() -> None:
    with pytest.raises(CheckError) as caught:
        made_tables({"p": parents(0), "c": {"n": 5, "columns": {"p": to("p")}}})
    assert caught.value.code == "engine.empty-parent"
    assert caught.value.message == "`c.p` needs a row of `p`, which has none"
    assert caught.value.hint == "give `p` at least one row"


@pytest.mark.parametrize("key", [KEY, {"kind": "uuid"}])
@pytest.mark.parametrize("repair", ["fail", "resample"])
def test_a_reference_to_the_own_table_is_a_tree(key: dict[str, Any], repair: str) -> None:
    """Self-reference with roots, no loops, values of the parent row agree."""
    columns = {
        "id": key,
        "boss": to("t", nulls=0.1),
        "pay": X,
        "boss_pay": {"kind": "expr", "sql": "boss.pay"},
        "y": X,
    }
    check = {"kind": "row", "sql": "y >= 0" if repair == "fail" else "y > 20", "repair": repair}
    table = made_tables({"t": {"n": 70_000, "columns": columns, "checks": [check]}})["t"]
    rows = {row: i for i, row in enumerate(table["id"].to_pylist())}
    bosses = table["boss"].to_pylist()
    assert bosses[0] is None
    assert all(boss is None or rows[boss] < i for i, boss in enumerate(bosses))
    roots = sum(boss is None for boss in bosses) / 70_000
    assert abs(roots - 0.1) < five_sigma_share(0.1, 70_000)
    pay = table["pay"].to_pylist()
    expected = [None if boss is None else pay[rows[boss]] for boss in bosses]
    assert table["boss_pay"].to_pylist() == expected


def test_a_cycle_with_a_nullable_side_resolves_both_ways() -> None:
    """Circular foreign keys."""
    tables = made_tables(
        {
            "teams": {"n": 100, "columns": {"id": KEY, "lead": to("people")}},
            "people": {"n": 70_000, "columns": {"id": KEY, "team": to("teams", nulls=0.1)}},
        }
    )
    assert_resolves(tables, "teams", "lead", "people", "id")
    assert_resolves(tables, "people", "team", "teams", "id")


def test_a_cycle_of_tables_that_both_lose_rows_resolves_both_ways() -> None:
    """Circular foreign keys, with repair."""
    check = {"kind": "row", "sql": "x > 20", "repair": "drop"}
    tables = made_tables(
        {
            "a": {"n": 900, "columns": {"id": KEY, "b": to("b"), "x": X}, "checks": [check]},
            "b": {
                "n": 900,
                "columns": {"id": KEY, "a": to("a", nulls=0.1), "x": X},
                "checks": [check],
            },
        }
    )
    assert tables["a"].num_rows < 900
    assert_resolves(tables, "a", "b", "b", "id")
    assert_resolves(tables, "b", "a", "a", "id")


@pytest.mark.parametrize("driven", [True, False])
@pytest.mark.parametrize("how", ["primary_key", "unique"])
def test_a_link_table_repeats_no_pair(driven: bool, how: str) -> None:
    """Many to many and composite keys."""
    size = {"per_parent": {"of": "s", "min": 0, "max": 20}} if driven else {"n": 30_000}
    distinct = {"primary_key": ["s", "c"]} if how == "primary_key" else {"unique": [["s", "c"]]}
    tables = made_tables(
        {
            "students": parents(3_000),
            "courses": parents(20),
            "links": {"columns": {"s": to("students"), "c": to("courses")}, **size, **distinct},
        }
    )
    links = tables["links"]
    assert links.group_by(["s", "c"]).aggregate([]).num_rows == links.num_rows
    assert_resolves(tables, "links", "s", "students", "id")
    assert_resolves(tables, "links", "c", "courses", "id")
    shares = np.bincount(numbers(links, "c"), minlength=21)[1:] / links.num_rows
    assert np.abs(shares - 0.05).max() < five_sigma_share(0.05, links.num_rows)


def test_a_full_link_table_holds_every_pair() -> None:
    """As many rows as there are pairs, and three-way keys."""
    tables = made_tables(
        {
            "p": parents(7),
            "full": {
                "n": 343,
                "columns": {"a": to("p"), "b": to("p"), "c": to("p")},
                "primary_key": ["a", "b", "c"],
            },
            "driven": {
                "per_parent": {"of": "a", "fixed": 49},
                "columns": {"a": to("p"), "b": to("p"), "c": to("p")},
                "primary_key": ["a", "b", "c"],
            },
        }
    )
    for name in ("full", "driven"):
        rows = {tuple(row.values()) for row in tables[name].to_pylist()}
        assert len(rows) == tables[name].num_rows == 343


@pytest.mark.slow
@given(
    sizes=st.lists(st.integers(1, 12), min_size=1, max_size=3), seed=st.integers(), name=st.text()
)
def test_combinations_over_a_table_never_repeat(sizes: list[int], seed: int, name: str) -> None:
    cells = int(np.prod(sizes))
    columns = DistinctAcross(sizes, seed, "t", name)(np.arange(cells))
    assert len(set(zip(*(column.tolist() for column in columns), strict=True))) == cells
    assert all(col.min() >= 0 and col.max() < n for col, n in zip(columns, sizes, strict=True))


@given(
    sizes=st.lists(st.integers(1, 12), min_size=1, max_size=2),
    parent=st.integers(0, 2**40),
    seed=st.integers(),
)
def test_combinations_within_a_parent_never_repeat(
    sizes: list[int], parent: int, seed: int
) -> None:
    cells = int(np.prod(sizes))
    places = np.arange(cells)
    columns = DistinctWithin(sizes, seed, "t", "x")(np.full(cells, parent), places)
    assert len(set(zip(*(column.tolist() for column in columns), strict=True))) == cells


def test_combinations_of_huge_tables_stay_in_range_and_spread() -> None:
    """More combinations than a 64-bit number counts."""
    size = 5_000_000
    columns = DistinctAcross([size] * 3, 1, "t", "x")(np.arange(20_000))
    assert len(set(zip(*(column.tolist() for column in columns), strict=True))) == 20_000
    for column in columns:
        assert stats.kstest(column / size, stats.uniform.cdf).pvalue > 1e-6
