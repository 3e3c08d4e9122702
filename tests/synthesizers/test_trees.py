"""Rows that point at rows of their own table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from fabula.errors import UsageError
from fabula.relationships.keys import ForeignKey
from fabula.synthesizers.fitting import fit
from fabula.synthesizers.multitable.foreign_keys import row_links
from fabula.synthesizers.synthesizer import load_synthesizer
from fabula.synthesizers.trees import Trees, depths

BOSS = ForeignKey("staff", ("manager_id",), "staff", ("employee_id",))


def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def test_depth_counts_the_rows_above_and_tells_circles() -> None:
    """Roots point nowhere or at themselves; rows in a circle and below it have no depth."""
    assert depths(np.array([-1, 0, 1, 3, 3, 6, 5, 5])).tolist() == [0, 1, 2, 0, 1, -1, -1, -1]
    assert depths(np.arange(1_000) - 1).tolist() == list(range(1_000))


@pytest.mark.parametrize("size", [1, 2, 3, 50, 1_000])
def test_a_forest_of_any_size_has_roots_and_no_circle(size: int) -> None:
    """A small one leaves levels out, and still has a root."""
    real = np.array([-1, *(at // 2 for at in range(199))])
    trees, level = Trees.of(real)
    assert trees.about == "a forest of 8 levels with 0.5 % roots"
    above = trees.grown(rng().choice(level, size), rng().random(size), rng())
    assert (depths(above) >= 0).all()
    assert 1 <= (above < 0).sum() <= max(1, round(0.02 * size))


def test_pairs_stay_pairs_and_webs_stay_webs() -> None:
    """Spouses point at each other; friends point anywhere but at themselves."""
    spouses = np.array([1, 0, 3, 2, -1, -1] * 20) + np.repeat(np.arange(20) * 6, 6)
    spouses[np.tile([4, 5], 20) + np.repeat(np.arange(20) * 6, 2)] = -1
    trees, level = Trees.of(spouses)
    assert trees.form == "pairs"
    above = trees.grown(level, rng().random(120), rng())
    linked = np.flatnonzero(above >= 0)
    assert len(linked) == 80
    assert (above[above[linked]] == linked).all()
    friends = (np.arange(100) + rng().integers(1, 100, 100)) % 100
    trees, level = Trees.of(friends)
    assert trees.form == "web"
    above = trees.grown(level, rng().random(100), rng())
    assert (above != np.arange(100)).all()
    assert (above >= 0).sum() >= 95


def staff(kind: pa.DataType) -> pa.Table:
    """Employees with long ids and a boss each, but for two; the boss of bosses earns most."""
    ids = np.array([f"{1_790_000_000_000_000_684 + at * 4_194_065}" for at in range(300)])
    if pa.types.is_string(kind):
        ids = np.array([f"{at:032x}" for at in rng().integers(2**62, size=300)])
    above = np.array([-1, -1, *((at - 2) // 4 for at in range(2, 300))])
    mixed = rng().permutation(300)
    bosses = pa.array(ids).take(pa.array(np.maximum(above, 0), mask=above < 0))
    pay = 9_000 - 1_500 * depths(above) + rng().normal(0, 100, 300)
    table = pa.table({"employee_id": pa.array(ids).cast(kind), "manager_id": bosses.cast(kind)})
    return table.append_column("pay", pa.array(pay.round())).take(mixed)


@pytest.mark.parametrize("kind", [pa.int64(), pa.uint64(), pa.string()], ids=str)
@pytest.mark.parametrize("model", ["boosted", "copula"])
def test_a_single_table_that_points_at_itself_stays_a_forest(
    kind: pa.DataType, model: str, tmp_path: Path
) -> None:
    """No orphan, no circle, as deep, as many roots; pay still follows from the depth."""
    real = staff(kind)
    fitted = fit(real, model=model, seed=1)
    assert "newly generated as a forest of 5 levels with 0.7 % roots" in str(fitted.card())
    fitted.save(tmp_path / "staff.fabula")
    made = load_synthesizer(tmp_path / "staff.fabula").sample(300, seed=2)
    assert made.schema.types == real.schema.types
    here, there = (depths(row_links({"staff": table}, BOSS)) for table in (made, real))
    assert np.bincount(here).tolist() == np.bincount(there).tolist()
    assert np.corrcoef(here, made["pay"])[0, 1] < (-0.8 if model == "boosted" else -0.3)
    assert not set(made["employee_id"].to_pylist()) & set(real["employee_id"].to_pylist())
    with pytest.raises(UsageError, match="points at `employee_id`, which is newly generated"):
        fitted.sample(1, given={"manager_id": 3})


def test_gaps_beside_a_boss_are_filled_and_the_boss_stays() -> None:
    """A root has no boss, which is not a gap to fill."""
    real = staff(pa.int64())
    gaps = real.set_column(2, "pay", pa.array(real["pay"].to_numpy(), mask=rng().random(300) < 0.2))
    filled = fit(real, seed=1).impute(gaps)
    assert filled["manager_id"].equals(real["manager_id"])
    assert not filled["pay"].null_count


def test_bosses_that_do_not_exist_are_told() -> None:
    """A few orphans are learned as roots, and the card says how many."""
    real = staff(pa.int64())
    bosses = real["manager_id"].to_pylist()
    bosses[:3] = [5, 6, 7]
    card = str(fit(real.set_column(1, "manager_id", pa.array(bosses)), seed=1).card())
    assert "manager_id: 3 of 300 values are not in `employee_id` and were learned as roots" in card


def test_keys_of_any_name_are_told_by_values_that_point_at_them() -> None:
    """Long numbers that another column repeats identify their rows."""
    drawn = np.random.default_rng(3)
    ids = 10**18 + drawn.choice(10**12, 400, replace=False)
    above = [None, *(int(ids[drawn.integers(0, at // 4 + 1)]) for at in range(399))]
    known = pa.table({"emp": ids, "boss": above, "pay": drawn.normal(3_000, 400, 400).round()})
    rows = fit(known, seed=1).sample(300, seed=2).to_pydict()
    assert {*rows["boss"]} - {None} <= {*rows["emp"]}
    assert not {*rows["emp"]} & {*ids.tolist()}
