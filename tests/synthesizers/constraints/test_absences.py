"""A column that is missing exactly where another one says so is so in every sampled row."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

import fabula as fb


@pytest.fixture(scope="module")
def real() -> pa.Table:
    """Accounts: only closed ones have a day of closing, a fee and a grade."""
    rng = np.random.default_rng(1)
    size = 900
    state = rng.choice(["open", "closed", "void"], size, p=[0.3, 0.6, 0.1])
    there = state == "closed"
    opened = np.datetime64("2021-01-01") + rng.integers(0, 700, size)
    nowhere = rng.random(size) < 0.4

    def only(values: np.ndarray, gone: np.ndarray) -> pa.Array:
        return pa.array(values, mask=gone)

    return pa.table(
        {
            "state": state,
            "opened": opened,
            "closed": only(opened + rng.integers(1, 30, size), ~there),
            "fee": only(rng.gamma(2, 20, size).round(2), ~there),
            "grade": only(rng.choice(list("ABC"), size), ~there),
            "depth": only(rng.normal(50, 3, size).round(1), nowhere),
            "width": only(rng.normal(9, 3, size).round(1), nowhere),
        }
    )


def _broken(rows: pa.Table) -> dict[str, int]:
    """Rows in which a column is missing, or not, against its rule."""
    gone = pc.not_equal(rows["state"], "closed")
    rules = dict.fromkeys(("closed", "fee", "grade"), gone)
    rules["width"] = rows["depth"].is_null()
    return {
        name: int(pc.sum(pc.xor(rows[name].is_null(), rule)).as_py())
        for name, rule in rules.items()
    }


@pytest.mark.parametrize("model", ["boosted", "copula"])
def test_gaps_stand_exactly_where_the_real_ones_do(real: pa.Table, model: str, tmp_path) -> None:
    """By labels and by other gaps, alongside an order of two times; a saved model knows it, too."""
    assert not any(_broken(real).values())
    fitted = fb.fit(real, seed=1, model=model)
    told = str(fitted.card())
    for name in ("closed", "fee", "grade"):
        assert f"{name}: missing exactly where state is " in told
    assert "width: missing exactly where depth is" in told
    fitted.save(tmp_path / "accounts.fabula")
    for rows in (
        fitted.sample(2_000, seed=3),
        fb.load_synthesizer(tmp_path / "accounts.fabula").sample(2_000, seed=3),
    ):
        assert not any(_broken(rows).values())
        days = pc.days_between(rows["opened"], rows["closed"])
        assert 1 <= pc.min(days).as_py() <= pc.max(days).as_py() < 30


def test_values_that_were_asked_for_decide_the_gaps(real: pa.Table) -> None:
    """Closed accounts have a day of closing."""
    rows = fb.fit(real, seed=1).sample(300, seed=2, given={"state": "closed"})
    assert rows.num_rows == 300
    assert not rows["closed"].null_count


def test_only_what_may_have_a_value_is_filled_in(real: pa.Table) -> None:
    """An open account has no fee to fill in."""
    holes = real.set_column(
        3, "fee", pc.if_else(pa.array(np.arange(900) < 200), pa.scalar(None), real["fee"])
    )
    filled = fb.fit(real, seed=1).impute(holes)
    assert filled["fee"].is_null().equals(real["fee"].is_null())


def test_gaps_of_a_few_other_rows_are_no_rule() -> None:
    """One closed account without a fee is enough."""
    rng = np.random.default_rng(2)
    state = rng.choice(["open", "closed"], 600)
    gone = (state == "open") | (np.arange(600) == 0)
    fee = pa.array(rng.gamma(2, 20, 600).round(2), mask=gone)
    state[0] = "closed"
    told = str(fb.fit(pa.table({"state": state, "fee": fee}), seed=1, holdout=0).card())
    assert "missing exactly" not in told
