"""A fitted table samples rows like the real ones, repeats itself, keeps what is asked."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from dataclasses import replace

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet
import pytest

import fabula as fb
from fabula.errors import CheckError, PrerequisiteError, SourceError, UsageError
from fabula.evaluation.metrics import detection, pairs, shapes
from fabula.evaluation.metrics.frames import prepare
from fabula.streams import BLOCK_ROWS
from fabula.synthesizers import catalogue
from tests.synthesizers.tables import shoppers

REAL = shoppers(4_000)


@pytest.fixture(scope="module")
def model():
    """A synthesizer of made-up shoppers."""
    return fb.fit(REAL, seed=1)


def test_rows_look_like_the_real_ones(model):
    """Trees can hardly tell them apart; pairs of columns go together as they did."""
    frames = prepare(model.sample(4_000), REAL.drop(["id"]), seed=0)
    assert detection.detection(frames).value < 0.56
    assert shapes.shapes(frames).value > 0.97
    assert pairs.pairs(frames).value > 0.95


def repeated(rows):
    """How many rows occur among the real ones, keys and texts aside."""
    names = ["plan", "age", "spent", "active", "joined"]
    real = {tuple(row.values()) for row in REAL.select(names).to_pylist()}
    return sum(tuple(row.values()) in real for row in rows.select(names).to_pylist())


def test_no_row_and_no_identifier_is_copied(model):
    """Rows that agree by chance are no more than among people who were never seen."""
    made = model.sample(4_000)
    assert not set(made["id"].to_pylist()) & set(REAL["id"].to_pylist())
    expected = repeated(shoppers(4_000, seed=9))
    assert repeated(made) <= expected + 5 * np.sqrt(expected)


def test_a_planted_row_does_not_come_back():
    """Its label is rare, its numbers are extremes."""
    canary = REAL.slice(0, 1).to_pylist()[0] | {"plan": "zaphod", "spent": 1e6, "age": 142}
    planted = pa.concat_tables([REAL, pa.Table.from_pylist([canary], REAL.schema)])
    made = fb.fit(planted, holdout=0, seed=1).sample(20_000)
    assert "zaphod" not in made["plan"].unique().to_pylist()
    assert pc.max(made["spent"]).as_py() < 1_000
    assert pc.max(made["age"]).as_py() <= 90


def test_the_same_seed_gives_the_same_rows_whatever_the_number_of_workers(model):
    """Fit and sample repeat themselves; a block needs no other block."""
    other = fb.fit(REAL, seed=1, workers=1)
    n = BLOCK_ROWS + 10
    rows = model.sample(n, seed=5)
    assert other.sample(n, seed=5, workers=2).equals(rows)
    assert model.sampler(seed=5).block(1, BLOCK_ROWS, 10).equals(rows.slice(BLOCK_ROWS))
    assert not model.sample(n, seed=6).equals(rows)


@pytest.mark.slow
def test_a_saved_synthesizer_samples_the_same_rows(model, tmp_path):
    """In another process, too; the file holds no pickle, no label of a key, no note."""
    path = tmp_path / "model.fabula"
    model.save(path)
    loaded = fb.load_synthesizer(path)
    assert loaded.sample(500, seed=3).equals(model.sample(500, seed=3))
    assert loaded.card() == model.card()
    assert loaded.holdout is None
    code = (
        "import sys, fabula as fb; from fabula.io.write import write_table;"
        "t = fb.load_synthesizer(sys.argv[1]).sample(500, seed=3);"
        "write_table(__import__('pathlib').Path(sys.argv[2]), t, t.schema, 'parquet')"
    )
    out = tmp_path / "rows.parquet"
    subprocess.run([sys.executable, "-c", code, str(path), str(out)], check=True)
    assert pa.parquet.read_table(out).equals(model.sample(500, seed=3))
    again = tmp_path / "again.fabula"
    model.save(again)
    assert again.read_bytes() == path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        assert {name.rpartition(".")[2] for name in archive.namelist()} <= {"json", "npy", "arrow"}


def test_damaged_files_are_refused(model, tmp_path):
    """Another file, a cut one, and one whose bytes were changed."""
    path = tmp_path / "model.fabula"
    model.save(path)
    whole = path.read_bytes()
    for content in (b"", b"a,b\n1,2\n", whole[: len(whole) // 2]):
        path.write_bytes(content)
        with pytest.raises(SourceError, match="can't be read as a synthesizer"):
            fb.load_synthesizer(path)
    with pytest.raises(SourceError, match="there is no file"):
        fb.load_synthesizer(tmp_path / "none.fabula")


def test_a_file_whose_parts_do_not_fit_is_refused(model, tmp_path):
    """Its checksums hold, but it names another model's parts."""
    path, other = tmp_path / "model.fabula", tmp_path / "other.fabula"
    model.save(path)
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(other, "w") as changed:
        for name in archive.namelist():
            data = archive.read(name)
            if name == "model.json":
                data = data.replace(b'"model": "boosted"', b'"model": "mixture"', 1)
            changed.writestr(name, data)
    with pytest.raises(SourceError, match="can't be read as a synthesizer"):
        fb.load_synthesizer(other)


def test_frames_come_back_in_their_library():
    """Pandas in, pandas out, with its types and without its index; polars likewise."""
    frame = REAL.drop(["note"]).to_pandas()
    frame["plan"] = frame["plan"].astype("category")
    made = fb.fit(frame[frame.index % 2 == 0]).sample(50)
    assert isinstance(made, pd.DataFrame)
    assert made.dtypes.to_dict() == frame.dtypes.to_dict()
    rows = pl.DataFrame(REAL.drop(["note"])).with_columns(pl.col("plan").cast(pl.Categorical))
    sampled = fb.fit(rows).sample(50)
    assert isinstance(sampled, pl.DataFrame)
    assert sampled.schema == rows.schema


def test_every_row_holds_what_is_given(model):
    """A value, several, a range, a gap, and all of them together."""
    rows = model.sample(
        300, given={"plan": ["pro", "team"], "age": "30..40", "joined": "2024-01-01..", "active": 1}
    )
    assert rows.num_rows == 300
    assert set(rows["plan"].to_pylist()) <= {"pro", "team"}
    assert set(rows["active"].to_pylist()) == {True}
    assert pc.all(
        pc.and_(pc.greater_equal(rows["age"], 30), pc.less_equal(rows["age"], 40))
    ).as_py()
    assert str(pc.min(rows["joined"]).as_py()) >= "2024-01-01"
    assert model.sample(50, given={"age": None})["age"].null_count == 50


def test_what_is_given_changes_the_other_columns(model):
    """As it does among real rows: the mean of each group within five standard errors."""
    for plan in ("free", "pro", "team"):
        real = REAL.filter(pc.equal(REAL["plan"], plan))["age"].drop_null().to_numpy()
        made = model.sample(2_000, given={"plan": plan})["age"].drop_null().to_numpy()
        error = real.std() * np.sqrt(1 / len(real) + 1 / len(made))
        assert abs(real.mean() - made.mean()) < 5 * error


def test_a_small_table_keeps_what_a_label_does_to_a_count():
    """Of 300 rows, one label in three doubles a count; most of the difference comes back."""
    kept = []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        kind = rng.choice(["a", "b", "c"], 300, p=[0.5, 0.3, 0.2])
        count = rng.poisson(np.where(kind == "b", 8, 4))
        real = pa.table({"kind": kind, "count": count, "side": rng.choice(["u", "v"], 300)})
        made = fb.fit(real, holdout=0).sample(4_000)
        differences = [
            table.filter(pc.equal(table["kind"], "b"))["count"].to_numpy().mean()
            - table.filter(pc.not_equal(table["kind"], "b"))["count"].to_numpy().mean()
            for table in (made, real)
        ]
        kept.append(differences[0] / differences[1])
    assert 0.7 < np.mean(kept) < 1.2


def test_shares_are_met_exactly(model):
    """Rebalancing: within a row of what was asked, the rest as it falls."""
    rows = model.sample(1_000, shares={"plan": {"team": 0.5, "pro": 0.25}})
    counts = {item["values"]: item["counts"] for item in rows["plan"].value_counts().to_pylist()}
    assert counts == {"team": 500, "pro": 250, "free": 250}
    assert rows["plan"].slice(0, 100).unique().to_pylist() != ["team"]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"given": {"plan": "gold"}}, "never occurs"),
        ({"given": {"plann": "pro"}}, "there is no column"),
        ({"given": {"note": "x"}}, "free text"),
        ({"given": {"id": 3}}, "is a key"),
        ({"shares": {"plan": {"free": 0.9, "pro": 0.4}}}, "add up to at most 1"),
        ({"shares": {"plan": {"free": 1}, "active": {"true": 1}}}, "shares of 2 columns"),
        ({"shares": {"plan": {"free": float("nan")}}}, "add up to at most 1, not nan"),
        ({"shares": {"plan": {"free": "half"}}}, "add up to at most 1, not half"),
        ({"shares": {"plan": 0.5}}, "must be a mapping"),
        ({"shares": {"plan": {"free": 0.5}}, "given": {"plan": "pro"}}, "is given, and has shares"),
        ({"given": "plan=pro"}, "must be a mapping"),
        ({"given": {"plan": []}}, "empty list"),
        ({"workers": 0}, "`workers` must be a whole number from 1 on"),
    ],
)
def test_what_can_not_be_asked_says_why(model, asked, message):
    """In bounded time."""
    with pytest.raises(UsageError, match=message):
        model.sample(200, **asked)


@pytest.mark.parametrize("n", [-1, 2.5, "7", None])
def test_a_number_of_rows_is_a_whole_one(model, n):
    with pytest.raises(UsageError, match="`n` must be a whole number from 0 on"):
        model.sample(n)


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"holdout": "x"}, "usage.share"),
        ({"protect": -3}, "usage.protect"),
        ({"protect": "a"}, "usage.protect"),
        ({"model": None}, "usage.unknown-synthesizer"),
        ({"domain": {"age": "18..90"}}, "privacy.domain"),
    ],
)
def test_wrong_arguments_of_a_fit_are_told(wrong, code):
    """A domain without a budget would learn without the privacy that it stands for."""
    with pytest.raises(UsageError) as told:
        fb.fit(REAL, **wrong)
    assert told.value.code == code


def test_gaps_are_filled_given_the_rest_of_the_row(model):
    """Known values stay; ages of each plan come from that plan's ages."""
    filled = model.impute(REAL)
    assert filled["age"].null_count == 0
    known = REAL["age"].is_valid()
    assert filled["age"].filter(known).equals(REAL["age"].filter(known))
    assert filled.drop(["age"]).equals(REAL.drop(["age"]))
    gaps = pc.and_(REAL["age"].is_null(), pc.equal(REAL["plan"], "team"))
    ages = filled["age"].filter(gaps).to_numpy()
    assert abs(ages.mean() - 50) < 5 * 9 / np.sqrt(len(ages)) + 1


@pytest.mark.slow
def test_rules_of_a_spec_hold_in_every_row():
    """Constraints are kept; an impossible one is named in bounded time."""
    spec = {
        "tables": {
            "rows": {
                "n": 1,
                "columns": {"age": {"kind": "uniform", "min": 0, "max": 99}},
                "checks": [{"kind": "row", "sql": "age IS NULL OR age >= 35"}],
            }
        }
    }
    model = fb.fit(REAL, spec=spec)
    assert pc.min(model.sample(500)["age"]).as_py() >= 35
    assert "age" in str(model.card())
    spec["tables"]["rows"]["checks"] = [{"kind": "row", "sql": "age > 500"}]
    with pytest.raises(CheckError, match="age > 500"):
        fb.fit(REAL.drop(["joined"]).filter(REAL["age"].is_valid()), spec=spec).sample(10)


def test_holdout_and_card_tell_how_it_was_made(model):
    """The rows kept out are real ones, for `evaluate`."""
    assert model.holdout.num_rows == 800
    assert model.card().rows == 3_200
    assert "free text" in model.card().left_out["note"]
    assert "boosted" in str(model.card())
    assert fb.fit(REAL, holdout=0).holdout is None


def test_progress_ends_with_all_rows():
    """Rows learned start from 0, never fall, and reach all of them."""
    seen = []
    fb.fit(REAL, progress=lambda *told: seen.append(told))
    assert seen[0] == ("fit", 0, 3_200)
    assert seen[-1] == ("fit", 3_200, 3_200)
    assert [done for _, done, _ in seen] == sorted(done for _, done, _ in seen)


def test_unknown_models_and_options_are_refused(monkeypatch):
    """With the closest name; a missing extra names the command that brings it."""
    with pytest.raises(UsageError, match="there is no synthesizer") as wrong:
        fb.fit(REAL, model="bosted")
    assert wrong.value.hint == "did you mean `boosted`?"
    with pytest.raises(UsageError, match="has no option `round`"):
        fb.fit(REAL, round=3)
    gan = replace(catalogue.SYNTHESIZERS["gan"], learner="fabula.no_such_module")
    monkeypatch.setitem(catalogue.SYNTHESIZERS._entries, "gan", gan)
    with pytest.raises(PrerequisiteError, match="needs the extra `deep`"):
        fb.fit(REAL, model="gan")


def test_a_fault_while_rows_are_drawn_is_not_called_a_damaged_file(model, tmp_path, monkeypatch):
    """A file that was read without a fault is complete; a model just fitted has no file."""

    def broken(*_: object) -> None:
        raise IndexError("index 7 is out of bounds")

    model.save(tmp_path / "model.fabula")
    loaded = fb.load_synthesizer(tmp_path / "model.fabula")
    monkeypatch.setattr(type(model._model), "sample", broken)
    with pytest.raises(SourceError, match=r"no rows can be drawn .* index 7") as caught:
        loaded.sample(5)
    assert caught.value.code == "synthesizer.failed"
    assert "Fabula may have a bug" in caught.value.hint
    with pytest.raises(IndexError):
        model.sample(5)
