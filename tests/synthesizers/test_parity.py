"""`sample --parity`: outcomes are equally frequent in all groups, and the rest goes with them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

import fabula as fb
from fabula.errors import UsageError
from fabula.synthesizers.parity import Parity, sample_with_parity
from fabula.synthesizers.synthesizer import Synthesizer


def staff(rows: int = 1_500) -> pa.Table:
    """Applicants: men are hired more often, and the sales department hires more often."""
    rng = np.random.default_rng(3)
    sex = np.array(["F", "M"])[rng.integers(0, 2, rows)]
    team = np.array(["sales", "law"])[rng.integers(0, 2, rows)]
    skill = rng.normal(0, 1, rows)
    odds = 0.2 + 0.3 * (sex == "M") + 0.2 * (team == "sales") + 0.1 * np.clip(skill, -1, 1)
    return pa.table(
        {
            "sex": pa.array(sex),
            "team": pa.array(team),
            "skill": pa.array(np.round(skill, 2)),
            "hired": pa.array(np.where(rng.random(rows) < odds, "yes", "no")),
        }
    )


@pytest.fixture(scope="module")
def model() -> Synthesizer[pa.Table]:
    """A synthesizer of applicants."""
    return fb.fit(staff(), holdout=0)


def _rate(table: pa.Table, **where: str) -> float:
    rows = [r for r in table.to_pylist() if all(r[k] == v for k, v in where.items())]
    return sum(row["hired"] == "yes" for row in rows) / len(rows)


def test_rates_become_those_of_all_groups_together(model: Synthesizer[pa.Table]) -> None:
    plain = model.sample(2_000, seed=1)
    made = sample_with_parity(model, 2_000, Parity.read("hired~sex"), seed=1)
    assert _rate(plain, sex="M") - _rate(plain, sex="F") > 0.2
    assert abs(_rate(made.rows, sex="M") - _rate(made.rows, sex="F")) < 0.002
    assert _rate(made.rows) == pytest.approx(_rate(plain), abs=0.002)
    assert made.rows.num_rows == 2_000
    assert made.rows.column("sex").to_pylist().count("F") == plain["sex"].to_pylist().count("F")


def test_rates_become_equal_within_each_stratum(model: Synthesizer[pa.Table]) -> None:
    made = sample_with_parity(model, 2_000, Parity.read("hired~sex|team"), seed=1).rows
    for team in ("sales", "law"):
        assert abs(_rate(made, sex="M", team=team) - _rate(made, sex="F", team=team)) < 0.005
    assert _rate(made, team="sales") - _rate(made, team="law") > 0.1


def test_rates_move_to_a_target(model: Synthesizer[pa.Table]) -> None:
    made = sample_with_parity(model, 1_000, Parity.read("hired=yes~sex", 0.6)).rows
    assert [round(_rate(made, sex=sex), 2) for sex in "FM"] == [0.6, 0.6]


def test_other_columns_go_with_the_outcome(model: Synthesizer[pa.Table]) -> None:
    rows = sample_with_parity(model, 4_000, Parity.read("hired~sex"), seed=2).rows.to_pylist()
    skill = {told: np.mean([r["skill"] for r in rows if r["hired"] == told]) for told in
             ("yes", "no")}  # fmt: skip
    assert skill["yes"] > skill["no"] + 0.1


@pytest.mark.parametrize(
    ("text", "rate", "told"),
    [
        ("hired", None, "does not name an outcome and a group"),
        ("hired~sex", 0.5, "none is named"),
        ("hired=yes~sex", 1.5, "lies between 0 and 1"),
        ("hired=maybe~sex", 0.5, "is never `maybe`"),
        ("hired~sexx", None, "has no column `sexx`"),
        ("skill~sex", None, "are too many"),
    ],
)
def test_wrong_wishes_are_refused(
    model: Synthesizer[pa.Table], text: str, rate: float | None, told: str
) -> None:
    with pytest.raises(UsageError, match=told):
        sample_with_parity(model, 500, Parity.read(text, rate))
