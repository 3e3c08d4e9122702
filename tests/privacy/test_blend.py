"""`blend`: real rows stay, synthetic ones differ from them, and the test tells what it brings."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

import fabula as fb
from fabula.errors import SinkError, UsageError
from fabula.privacy.hybrid.drawing import are_among, balanced
from fabula.privacy.hybrid.smote import smote
from fabula.privacy.hybrid.trial import MEASURES, Trial, average_precision
from fabula.render.amounts import percent


def patients(rows: int = 600, seed: int = 6) -> pa.Table:
    """Patients with a key, of whom few have a rare illness."""
    rng = np.random.default_rng(seed)
    dose = np.round(rng.normal(50, 10, rows), 1)
    return pa.table(
        {
            "case_id": pa.array(np.arange(1_000, 1_000 + rows)),
            "stay": pa.array(rng.integers(1, 60, rows)),
            "dose": pa.array(dose),
            "ill": pa.array(np.where(dose + rng.normal(0, 5, rows) > 65, "rare", "common")),
        }
    )


def test_real_rows_come_first_and_unchanged() -> None:
    real = patients()
    made = fb.blend(real, rows_per_real=0.5)
    assert made.table.slice(0, 600).drop_columns(["origin"]).equals(real)
    assert made.table.column("origin").to_pylist() == ["real"] * 600 + ["synthetic"] * 300


@pytest.mark.parametrize(
    ("wish", "rows"),
    [({}, 600), ({"synthetic_share": 0.2}, 150), ({"rows_per_real": 0.333}, 200)],
)
def test_both_numbers_are_printed(wish: dict[str, float], rows: int) -> None:
    made = fb.blend(patients(), **wish)  # type: ignore[arg-type]
    assert made.table.num_rows == 600 + rows
    share = rows / (600 + rows)
    assert f"{rows / 600:.3g} synthetic per real row, {percent(share)}" in made.report()


def test_no_synthetic_row_equals_a_real_one_and_no_key_occurs_twice() -> None:
    rng = np.random.default_rng(1)
    real = pa.table(
        {
            "case_id": pa.array(np.arange(400)),
            "sex": pa.array(np.array(["F", "M"])[rng.integers(0, 2, 400)]),
            "age": pa.array(rng.integers(20, 60, 400)),
            "score": pa.array(rng.integers(0, 8, 400)),
        }
    )
    made = fb.blend(real).table
    synthetic = made.filter(pa.array([o == "synthetic" for o in made["origin"].to_pylist()]))
    assert not are_among(synthetic, real, ["sex", "age", "score"]).any()
    assert len(set(made.column("case_id").to_pylist())) == made.num_rows


def test_a_table_whose_rows_are_all_taken_is_refused() -> None:
    real = pa.table({"a": ["x", "y"] * 100, "b": ["u", "u", "v", "v"] * 50})
    with pytest.raises(UsageError, match="differ from every real row"):
        fb.blend(real)


@pytest.mark.slow
def test_labels_become_equally_frequent() -> None:
    made = fb.blend(patients(300), balance="ill")
    labels = made.table.column("ill").to_pylist()
    assert labels.count("rare") == labels.count("common") == 300
    assert "ill: rare " in made.report()


@pytest.mark.slow
def test_a_table_with_free_text_is_tested_on_what_was_learned() -> None:
    """Synthetic rows lack the column, and a warning says so."""
    words = [
        "late",
        "early",
        "nice",
        "driver",
        "traffic",
        "rain",
        "smooth",
        "clean",
        "quick",
        "slow",
        "dog",
        "card",
        "music",
    ]
    rng = np.random.default_rng(3)
    notes = [" ".join(rng.choice(words, 12)) for _ in range(600)]
    real = patients().append_column("note", pa.array(notes))
    made = fb.blend(real, balance="ill", confirmed=["note", "case_id"])
    assert made.trial is not None
    assert any("`note` can't be learned" in each for each in made.warnings)
    assert made.table.column("note").slice(0, 600).to_pylist() == notes


def test_a_label_gets_the_share_that_is_asked_for() -> None:
    labels = {"rare": 20, "middle": 180, "common": 800}
    found = balanced(labels, 200, {"rare": 0.1})
    assert sum(found.values()) == 200
    assert (20 + found["rare"]) / 1200 == pytest.approx(0.1, abs=0.001)
    assert balanced({"a": 1, "b": 9}, 8, {}) == {"a": 8}


def test_synthetic_rows_keep_a_condition() -> None:
    made = fb.blend(patients(), rows_per_real=0.2, only="dose > 60 AND stay < 30").table
    rows = [row for row in made.to_pylist() if row["origin"] == "synthetic"]
    assert len(rows) == 120
    assert all(row["dose"] > 60 and row["stay"] < 30 for row in rows)


def test_identifying_columns_are_masked_or_confirmed() -> None:
    mails = pa.array([f"ann{n}@mail.test" for n in range(600)])
    real = patients().append_column("email", mails)
    with pytest.raises(UsageError, match="`case_id`, `email` identify people"):
        fb.blend(real)
    kept = fb.blend(real, rows_per_real=0.1, confirmed=["email", "case_id"]).table
    assert kept.column("email").to_pylist()[:600] == mails.to_pylist()
    masked = fb.blend(real, rows_per_real=0.1, mask=True)
    assert not set(masked.table.column("email").to_pylist()) & set(mails.to_pylist())
    assert masked.provenance["masked"]


def test_csv_rows_stay_to_the_byte(tmp_path: Path) -> None:
    path, out = tmp_path / "real.csv", tmp_path / "out.csv"
    pa.csv.write_csv(patients(), path)
    text = path.read_text().replace("common", '"common"').replace("\n", "\r\n")
    path.write_bytes(text.encode())
    fb.blend(path, rows_per_real=0.1, output=out)
    before, after = path.read_bytes().split(b"\r\n"), out.read_bytes().split(b"\r\n")
    assert after[0] == before[0] + b",origin"
    assert after[1:601] == [line + b",real" for line in before[1:601]]
    table = pa.csv.read_csv(out)
    assert table.column("origin").to_pylist()[600:] == ["synthetic"] * 60
    told = json.loads((tmp_path / "out.csv.provenance.json").read_text())
    assert told["tables"]["real"] == {"real": [0, 600], "synthetic": [600, 660]}
    assert told["learned_from"] == 480


def test_the_original_is_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "real.csv"
    pa.csv.write_csv(patients(), path)
    with pytest.raises(SinkError, match="is the original"):
        fb.blend(path, rows_per_real=0.1, output=path, overwrite=True)


def test_children_of_synthetic_parents_are_synthetic(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    wards = pa.table({"ward_id": pa.array(np.arange(1, 81)), "beds": pa.array(
        rng.integers(4, 40, 80))})  # fmt: skip
    stays = pa.table(
        {
            "stay_id": pa.array(np.arange(1, 401)),
            "ward_id": pa.array(rng.integers(1, 81, 400)),
            "days": pa.array(rng.integers(1, 30, 400)),
        }
    )
    for name, table in {"wards": wards, "stays": stays}.items():
        pq.write_table(table, tmp_path / f"{name}.parquet")
    made = fb.blend(tmp_path, output=tmp_path / "out").tables
    keys = made["wards"].column("ward_id").to_pylist()
    assert len(set(keys)) == len(keys) > 80
    origin = dict(zip(keys, made["wards"].column("origin").to_pylist(), strict=True))
    rows = made["stays"].to_pylist()
    assert all(origin[row["ward_id"]] == row["origin"] for row in rows)
    assert made["stays"].slice(0, 400).drop_columns(["origin"]).equals(stays)
    assert pq.read_table(tmp_path / "out" / "stays.parquet").num_rows == len(rows)


@pytest.mark.parametrize(
    ("blend", "word"),
    [
        ((0.80, 0.81, 0.82, 0.80, 0.81), "helps"),
        ((0.71, 0.69, 0.70, 0.72, 0.68), "no difference"),
        ((0.60, 0.61, 0.59, 0.60, 0.60), "hurts"),
    ],
)
def test_the_verdict_says_helps_no_difference_or_hurts(blend: tuple[float, ...], word: str) -> None:
    real = (0.70, 0.70, 0.71, 0.70, 0.69)
    scores = {
        way: {measure: values if measure != "Brier score" else (0.1,) * 5 for measure in MEASURES}
        for way, values in (("real only", real), ("blend", blend))
    }
    assert Trial("ill", "rare", 100, scores).verdict == word


@pytest.mark.slow
def test_a_law_that_the_synthesizer_finds_helps_a_model_of_few_rows() -> None:
    """Whether a shop is taxed never changes; six rows a shop are too few for boosted trees."""
    rng = np.random.default_rng(0)
    shop = rng.integers(0, 80, 500)
    real = pa.table(
        {
            "shop": [f"s{number}" for number in shop],
            "size": np.round(rng.normal(size=500), 2),
            "taxed": np.where((rng.random(80) < 0.5)[shop], "yes", "no"),
        }
    )
    trial = fb.blend(real, target="taxed", rows_per_real=8).trial
    assert trial is not None
    assert trial.verdict == "helps"
    mean, half = trial.difference("AUC")
    assert mean - half > 0.2


@pytest.mark.slow
def test_rows_whose_law_the_synthesizer_cannot_learn_hurt() -> None:
    """Parity of four bits: no pair of columns says anything, and real rows alone are enough."""
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 2, (1_200, 8))
    odd = bits[:, :4].sum(axis=1) % 2
    real = pa.table(
        {f"b{at}": np.where(bits[:, at], "on", "off") for at in range(8)}
        | {"odd": np.where(odd, "yes", "no")}
    )
    trial = fb.blend(real, target="odd", rows_per_real=3).trial
    assert trial is not None
    assert trial.verdict == "hurts"
    mean, half = trial.difference("AUC")
    assert mean + half < -0.2


def test_average_precision_counts_ties_together() -> None:
    truth = np.array([True, False, True, False])
    assert average_precision(truth, np.array([0.9, 0.8, 0.7, 0.1])) == pytest.approx(
        (1 + 2 / 3) / 2
    )
    assert average_precision(truth, np.full(4, 0.5)) == pytest.approx(0.5)


def test_smote_rows_lie_between_two_of_the_minority() -> None:
    rng = np.random.default_rng(0)
    rows = np.column_stack([rng.normal(size=50), rng.integers(0, 3, 50)])
    made = smote(rows, np.array([False, True]), 200)
    assert made[:, 0].min() >= rows[:, 0].min()
    assert made[:, 0].max() <= rows[:, 0].max()
    assert set(made[:, 1]) <= {0.0, 1.0, 2.0}


@pytest.mark.parametrize(
    ("wish", "told"),
    [
        ({"synthetic_share": 1.0}, "must lie between 0 and 1"),
        ({"synthetic_share": 0.5, "rows_per_real": 1}, "both say how many rows"),
        ({"rows_per_real": -1}, "must be above 0"),
        ({"balance": "illl"}, "there is no column `illl`"),
        ({"balance": "dose"}, "labels"),
        ({"balance": {"ill": {"rarest": 0.1}}}, "no real row has the label `rarest`"),
        ({"balance": {"ill": {"rare": 1.2}}}, "add up to 1.2"),
        ({"origin": "ill"}, "has a column `ill` already"),
        ({"only": "dose > 1000", "rows_per_real": 0.1}, "fit `dose > 1000`"),
    ],
)
def test_wrong_wishes_are_refused_in_words(wish: dict[str, object], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        fb.blend(patients(), **wish)  # type: ignore[arg-type]
