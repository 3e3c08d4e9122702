"""Rows whose key no parent has, keys that repeat, and pairs of parents that differ."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from fabula.errors import UsageError
from fabula.io.frames import handed_back
from fabula.synthesizers.fitting import fit
from fabula.synthesizers.multitable.orphans import orphans
from fabula.synthesizers.synthesizer import load_synthesizer


def rng() -> np.random.Generator:
    return np.random.default_rng(3)


def orders(kind: pa.DataType) -> dict[str, pa.Table]:
    """500 orders of 200 customers; 15 customers do not exist, and two customers share a key."""
    names = [f"C-{at:05d}" if pa.types.is_string(kind) else at for at in range(1, 900)]
    customers = [*names[:199], names[0]]
    buyers = [names[at] for at in rng().integers(0, 199, 500)]
    buyers[:15] = names[600:615]
    return {
        "customers": pa.table({"customer_id": pa.array(customers, kind), "age": [30, 40] * 100}),
        "orders": pa.table({"order_id": np.arange(500), "customer_id": pa.array(buyers, kind)}),
    }


@pytest.mark.parametrize("kind", [pa.int64(), pa.string()], ids=str)
@pytest.mark.parametrize("asked", ["drop", "keep"])
def test_orphans_are_left_out_or_kept_as_asked(
    asked: str, kind: pa.DataType, tmp_path: Path
) -> None:
    """Kept ones have a key that is neither a new parent's nor a real one."""
    real = orders(kind)
    fitted = fit(real, orphans=asked, seed=1)
    card = fitted.card()
    told = "a sample has the same share of them" if asked == "keep" else "rows were not learned"
    assert "15 of 500 rows" in card
    assert told in card
    assert "customers.customer_id: 1 of 200 rows repeat the key of another row" in card
    fitted.save(tmp_path / "m")
    made = load_synthesizer(tmp_path / "m").sample(seed=2)
    lost = orphans(made, fitted.keys.foreign[0])
    assert lost.sum() == (15 if asked == "keep" else 0)
    keys = pa.concat_arrays([part.combine_chunks() for part in (
        real["orders"]["customer_id"], real["customers"]["customer_id"])])  # fmt: skip
    assert not pc.any(pc.is_in(made["orders"]["customer_id"], value_set=keys)).as_py()
    assert len(made["customers"]["customer_id"].unique()) == 200


@pytest.mark.parametrize("with_users", [True, False])
def test_orphans_of_composite_keys_keep_their_share(with_users: bool) -> None:
    """Loans are numbered within users; payments point at both, some at no loan."""
    user = np.repeat(np.arange(1, 101), 3)
    at = rng().integers(0, 300, 500)
    number = at % 3 + 1
    number[:25] = 99
    tables = {
        "users": pa.table({"user_id": np.arange(1, 101)}),
        "loans": pa.table({"user_id": user, "loan_number": np.tile([1, 2, 3], 100)}),
        "payments": pa.table(
            {"payment_id": np.arange(500), "user_id": user[at], "loan_number": number}
        ),
    }
    if not with_users:
        del tables["users"]
    fitted = fit(tables, orphans="keep", seed=1)
    key = next(key for key in fitted.keys.foreign if len(key.columns) == 2)
    made = fitted.sample(seed=2)
    assert orphans(made, key).sum() == 25
    assert made["payments"].num_rows == 500
    assert not any(column.null_count for column in made["payments"].columns)


def test_missing_values_where_the_frame_had_none_come_back_as_missing() -> None:
    """A pandas column of plain whole numbers or truth values can't hold a gap."""
    pandas = pytest.importorskip("pandas")
    back = handed_back(pandas.DataFrame({"n": [1, 2], "yes": [True, False]}))
    made = back(pa.table({"n": [1, None], "yes": [None, True]}))
    assert made["n"].isna().tolist() == [False, True]
    assert made["yes"].isna().tolist() == [True, False]


def test_rows_that_keys_run_out_for_are_told(caplog: pytest.LogCaptureFixture) -> None:
    """Forty students and eight courses that stay as they are have 320 pairs at most."""
    pairs = [(student, course) for student in range(40) for course in range(8)]
    tables = {
        "students": pa.table({"student_id": np.arange(40)}),
        "courses": pa.table({"course_id": np.arange(8)}),
        "enrolments": pa.table(
            dict(zip(("student_id", "course_id"), zip(*pairs, strict=True), strict=True))
        ),
    }
    fitted = fit(tables, keep=("students", "courses"), seed=1)
    assert fitted.sample(seed=2)["enrolments"].num_rows == 320
    assert not caplog.messages
    made = fitted.sample(2.0, seed=2)["enrolments"]
    assert caplog.messages == [
        f"`enrolments`: {made.num_rows} of 640 rows were made: no other combination of"
        " `student_id`, `course_id` is left"
    ]


def test_years_that_are_numbered_within_a_parent_end_with_the_last_real_one(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Teams that stay as they are have no seasons in the future, however many are asked for."""
    tables = {
        "teams": pa.table({"team_id": np.arange(20)}),
        "standings": pa.table(
            {
                "team_id": np.repeat(np.arange(20), 8),
                "year": np.tile(np.arange(2000, 2008), 20),
                "wins": rng().integers(0, 80, 160),
            }
        ),
    }
    made = fit(tables, keep=("teams",), seed=1).sample(2.0, seed=2)["standings"]
    assert pc.max(made["year"]).as_py() == 2007
    assert made.num_rows == 160
    assert "160 of 320 rows were made" in caplog.text


def test_what_is_asked_of_orphans_must_be_known() -> None:
    """Neither `drop` nor `keep`."""
    with pytest.raises(UsageError, match="`orphans` must be `drop` or `keep`"):
        fit(orders(pa.int64()), orphans="resample")


@pytest.mark.parametrize("teams", [2, 3, 12])
def test_parents_that_differ_in_every_row_do_so_again(teams: int) -> None:
    """No team plays against itself, however few there are."""
    home = rng().integers(0, teams, 300)
    away = (home + rng().integers(1, teams, 300)) % teams
    tables = {
        "teams": pa.table({"team_id": np.arange(teams)}),
        "games": pa.table({"game_id": np.arange(300), "home_team_id": home, "away_team_id": away}),
    }
    fitted = fit(tables, seed=1)
    assert len(fitted.keys.foreign) == 2
    assert "never the parent of `games." in fitted.card()
    games = fitted.sample(seed=2)["games"]
    assert games.num_rows == 300
    assert not pc.any(pc.equal(games["home_team_id"], games["away_team_id"])).as_py()


def test_a_primary_key_of_three_foreign_keys_does_not_repeat() -> None:
    """Also where no pair of them is different in each row."""
    triples = np.unique(rng().integers(0, 8, (220, 3)), axis=0)
    names = ("student", "course", "term")
    tables = {f"{name}s": pa.table({f"{name}_id": np.arange(8)}) for name in names}
    tables["grades"] = pa.table(
        {f"{name}_id": triples[:, at] for at, name in enumerate(names)}
        | {"grade": rng().integers(1, 7, len(triples))}
    )
    fitted = fit(tables, seed=1)
    assert fitted.keys.primary["grades"] == ("student_id", "course_id", "term_id")
    made = fitted.sample(seed=2)["grades"]
    keys = made.select([f"{name}_id" for name in names])
    assert keys.group_by(keys.column_names).aggregate([]).num_rows == made.num_rows == len(triples)


def test_one_to_one_stays_one_to_one() -> None:
    """A child whose primary key is its foreign key never comes twice under one parent."""
    tables = {
        "people": pa.table({"person_id": np.arange(100), "age": rng().integers(18, 90, 100)}),
        "passports": pa.table({"person_id": np.arange(0, 100, 2), "pages": [32, 48] * 25}),
    }
    fitted = fit(tables, seed=1)
    for scale in (0.33, 1.0, 2.5):
        made = fitted.sample(scale, seed=2)["passports"]
        assert made.num_rows == round(scale * 50)
        assert len(made["person_id"].unique()) == made.num_rows


def test_a_spec_states_the_keys_of_several_tables(tmp_path: Path) -> None:
    """Checks of the spec, which samples of several tables do not keep, are told."""
    number = rng().permutation(200) + 5_000
    tables = {
        "people": pa.table({"nr": number, "age": rng().integers(18, 80, 200)}),
        "calls": pa.table({"call": np.arange(400), "who": rng().choice(number, 400)}),
    }
    spec = tmp_path / "calls.yaml"
    spec.write_text("""
fabula: 1
name: calls
tables:
  people:
    n: 1
    columns: {nr: {kind: key}, age: {kind: uniform, min: 18, max: 80}}
    checks: [{kind: row, sql: age >= 18}]
  calls: {n: 1, columns: {call: {kind: key}, who: {kind: reference, to: people}}}
""")
    assert not fit(tables, seed=1).keys.foreign
    fitted = fit(tables, spec=spec, seed=1)
    (key,) = fitted.keys.foreign
    assert (key.name, key.target) == ("calls.who", "people.nr")
    assert "people: 1 of the spec's checks are not kept" in fitted.card()
    assert not orphans(fitted.sample(seed=2), key).any()
