"""`fabula fit` and `fabula sample`: from a file to a synthesizer to rows."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fabula.io.frames import as_table
from tests.synthesizers.tables import shoppers


@pytest.fixture
def fitted(run, tmp_path):
    """A folder with `shoppers.parquet` and `shoppers.fabula`."""
    pq.write_table(shoppers(600), tmp_path / "shoppers.parquet")
    ended = run("fit", "shoppers.parquet", "-o", "shoppers.fabula", "--holdout-output", "kept.csv")
    assert ended.code == 0, ended.err
    return tmp_path, ended


def test_fit_writes_a_file_and_tells_what_it_learned(fitted):
    """C1.1: the card names what was left out; the holdout is written on request."""
    folder, ended = fitted
    assert ended.out == ""
    assert "learned from 480 rows" in ended.err
    assert "note: left out: free text" in ended.err
    assert (folder / "shoppers.fabula").is_file()
    assert as_table(folder / "kept.csv").num_rows == 120


def test_sample_writes_rows_that_hold_what_is_given(run, fitted):
    """The real file is not needed any more."""
    folder, _ = fitted
    (folder / "shoppers.parquet").unlink()
    command = ["sample", "shoppers.fabula", "-n", "200", "-o", "rows.parquet"]
    ended = run(*command, "--given", "plan=pro|team", "--given", "age=20..40")
    assert ended.code == 0, ended.err
    rows = pq.read_table(folder / "rows.parquet")
    assert rows.num_rows == 200
    assert set(rows["plan"].to_pylist()) <= {"pro", "team"}
    assert all(20 <= age <= 40 for age in rows["age"].to_pylist())
    ended = run(*command)
    assert ended.code == 2
    assert "--overwrite" in ended.err


@pytest.mark.usefixtures("fitted")
def test_sample_prints_csv_and_repeats_itself(run):
    """Data on stdout, talk on stderr; the same seed, the same rows."""
    first = run("sample", "shoppers.fabula", "-n", "5", "--seed", "3")
    assert first.code == 0
    assert first.out.splitlines()[0] == '"id","plan","age","spent","active","joined"'
    assert len(first.out.splitlines()) == 6
    assert run("sample", "shoppers.fabula", "-n", "5", "--seed", "3").out == first.out


def test_sample_meets_shares(run, fitted):
    """Rebalancing from the command line."""
    folder, _ = fitted
    shares = ["--share", "plan=team:0.5", "--share", "plan=free:0.5"]
    run("sample", "shoppers.fabula", "-n", "100", "-o", "even.parquet", *shares)
    plans = pq.read_table(folder / "even.parquet")["plan"].to_pylist()
    assert (plans.count("team"), plans.count("free")) == (50, 50)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--given", "plan=gold"], 'given plan="gold" never occurs in training data'),
        (["--given", "plan"], "names no value"),
        (["--share", "plan=team"], "is no share of a value"),
    ],
)
@pytest.mark.usefixtures("fitted")
def test_what_can_not_be_sampled_says_why(run, arguments, message):
    """Nothing is printed on stdout."""
    ended = run("sample", "shoppers.fabula", *arguments)
    assert ended.code == 2
    assert message in ended.err
    assert ended.out == ""


def test_fit_refuses_what_it_can_not_learn(run, shop):
    """C2.3: three rows; an unknown option."""
    (shop.parent / "few.csv").write_text("a,b\n1,2\n3,4\n5,6\n", encoding="utf-8")
    ended = run("fit", "few.csv", "-o", "few.fabula")
    assert ended.code == 2
    assert "too few to learn from" in ended.err
    pq.write_table(pa.table({"a": list(range(100))}), shop.parent / "a.parquet")
    ended = run("fit", "a.parquet", "-o", "a.fabula", "--option", "round=3")
    assert "did you mean `rounds`?" in ended.err
    assert "gives no value" in run("fit", "a.parquet", "-o", "a.fabula", "--option", "x").err
