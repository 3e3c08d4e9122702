"""`fabula fit` and `fabula sample`: from a file to a synthesizer to rows."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from fabula.io.tables import as_table
from tests.synthesizers.tables import shoppers
from tests.synthesizers.test_advice import curved
from tests.synthesizers.test_parity import staff


@pytest.fixture
def fitted(run, tmp_path):
    """A folder with `shoppers.parquet` and `shoppers.fabula`."""
    pq.write_table(shoppers(600), tmp_path / "shoppers.parquet")
    ended = run("fit", "shoppers.parquet", "-o", "shoppers.fabula", "--holdout-output", "kept.csv")
    assert ended.code == 0, ended.err
    return tmp_path, ended


def test_fit_writes_a_file_and_tells_what_it_learned(fitted):
    """The card names what was left out; the holdout is written on request."""
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


@pytest.mark.slow
def test_shares_of_a_sample_are_together_the_rows_of_one_call(run, fitted):
    """A share is a file of its own; readers refuse the folder as long as one is missing."""
    folder, _ = fitted
    command = ["sample", "shoppers.fabula", "-n", "150000"]
    assert run(*command, "-o", "whole.parquet").code == 0
    for number, rows in ((1, 65_536), (3, 18_928)):
        ended = run(*command, "-o", "rows", "--blocks", f"{number}/3")
        assert f"({rows:,} rows)" in ended.err
    ended = run("show", "rows")
    assert (ended.code, "`--blocks 2/3`" in ended.err) == (2, True)
    assert run(*command, "-o", "rows", "--blocks", "2/3").code == 0
    assert run(*command, "-o", "rows", "--blocks", "2/3").code == 2
    whole = as_table(folder / "whole.parquet")
    assert as_table(folder / "rows").equals(whole)
    for number in range(1, 6):  # there are three blocks
        assert run(*command, "-o", "many", "--blocks", f"{number}/5").code == 0
    assert as_table(folder / "many").equals(whole)
    ended = run("merge", "many")
    assert (ended.code, "fabula show many" in ended.err) == (2, True)


@pytest.mark.usefixtures("fitted")
@pytest.mark.parametrize("other", [["-n", "99"], ["--seed", "1"], ["--given", "plan=free"]])
def test_shares_of_different_samples_are_refused_by_name(run, other):
    command = ["sample", "shoppers.fabula", "-n", "100", "--format", "csv"]
    assert run(*command, "-o", "rows", "--blocks", "1/2").code == 0
    assert run(*command, *other, "-o", "there", "--blocks", "2/2").code == 0
    refused = [run(*command, *other, "-o", "rows", "--blocks", "2/2")]
    (moved,) = Path("there").iterdir()
    (own,) = Path("rows").iterdir()
    moved.rename(Path("rows") / moved.name)
    refused += [run("show", "rows"), run("merge", "rows")]
    for ended in refused:
        assert (ended.code, "error[source.shares-differ]" in ended.err) == (2, True)
        assert f"`{own.name}`" in ended.err
        assert f"`{moved.name}`" in ended.err


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["-o", "rows.parquet", "--blocks", "1/2"], "usage.blocks"),
        (["--blocks", "1/2"], "usage.blocks"),
        (["-o", "postgresql://x/y", "--blocks", "1/2"], "usage.blocks"),
        (["-o", "rows", "--blocks", "0/2"], "usage.blocks"),
        (["-o", "rows", "--blocks", "3/2"], "usage.blocks"),
        (["-o", "rows", "--blocks", "1/2", "--parity", "plan~active"], "usage.option"),
        (["--address", "auto"], "usage.executor"),
    ],
)
@pytest.mark.usefixtures("fitted")
def test_a_share_that_cannot_be_made_is_refused(run, options, code):
    ended = run("sample", "shoppers.fabula", *options)
    assert (ended.code, ended.out) == (2, "")
    assert f"error[{code}]" in ended.err


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
        (["--given", "plan"], "has no `=`"),
        (["--share", "plan=team"], "is not a share of a value"),
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
    """Three rows; an unknown option."""
    (shop.parent / "few.csv").write_text("a,b\n1,2\n3,4\n5,6\n", encoding="utf-8")
    ended = run("fit", "few.csv", "-o", "few.fabula")
    assert ended.code == 2
    assert "too few to learn from" in ended.err
    pq.write_table(pa.table({"a": list(range(100))}), shop.parent / "a.parquet")
    ended = run("fit", "a.parquet", "-o", "a.fabula", "--option", "round=3")
    assert "did you mean `rounds`?" in ended.err
    assert "has no `=`" in run("fit", "a.parquet", "-o", "a.fabula", "--option", "x").err


def test_both_parts_of_the_rows_are_written_and_known_again(run, tmp_path):
    """The documented commands, with the files of another fit planted at the end."""
    pq.write_table(shoppers(300), tmp_path / "shoppers.parquet")
    parts = ["--training-output", "train.csv", "--holdout-output", "kept.parquet"]
    ended = run("fit", "shoppers.parquet", "-o", "m.fabula", *parts, "--model", "copula")
    assert ended.code == 0, ended.err
    assert "Wrote `train.csv` (240 rows that were learned from)" in ended.err
    run("sample", "m.fabula", "-n", "300", "-o", "made.csv")
    evaluate = ["evaluate", "made.csv", "--sections", "diversity", "--model", "m.fabula"]
    known = run(*evaluate, "--real", "train.csv", "--holdout", "kept.parquet")
    assert known.code == 0, known.err
    assert "warning" not in known.out + known.err
    whole = run(*evaluate, "--real", "shoppers.parquet", "--holdout", "kept.parquet")
    assert "warning" not in whole.out + whole.err
    swapped = run(*evaluate, "--real", "kept.parquet", "--holdout", "train.csv")
    assert "warning: The holdout is the rows that the model learned from" in swapped.out
    as_json = run(*evaluate, "--real", "made.csv", "--format", "json")
    assert "warning: The real table lacks `note`" in as_json.err


def test_parts_that_can_not_be_written_are_refused_or_named(run, shop, tmp_path):
    pq.write_table(shoppers(100), tmp_path / "a.parquet")
    fit = ["fit", "a.parquet", "-o", "m.fabula", "--model", "copula"]
    assert "usage.same-file" in run(*fit, "--holdout-output", "a.parquet").err
    ended = run(*fit, "--holdout", "0", "--holdout-output", "kept.csv")
    assert "`kept.csv` was not written: no row was held out" in ended.err
    run("generate", str(shop), "-o", "out")
    ended = run("fit", "out", "-o", "m", "--training-output", "t.csv")
    assert ended.code == 2
    assert "related tables are learned from all rows" in ended.err


@pytest.mark.parametrize("several", [False, True])
def test_fit_warns_of_personal_columns_with_reason_and_confidence(run, tmp_path, several):
    """As `--sensitive` column or found by value, in one table and in a folder of tables."""
    people = pa.table(
        {
            "c1": [f"ann.smith{n}@mail.org" for n in range(40)],
            "ward": [f"ward {n % 4}" for n in range(40)],
            "x": [n % 7 for n in range(40)],
        }
    )
    data, where = "people.parquet", ""
    if several:
        data, where = "folder", "people."
        (tmp_path / "folder").mkdir()
        pq.write_table(
            pa.table({"y": [n % 5 for n in range(40)]}), tmp_path / "folder/other.parquet"
        )
    pq.write_table(people, tmp_path / ("folder/people.parquet" if several else data))
    command = ["fit", data, "-o", "made.fabula", "--option", "rounds=5"]
    ended = run(*command, "--sensitive", f"{where}ward")
    assert ended.code == 0, ended.err
    assert "have the form of an e-mail; confidence 1.00)" in ended.err
    assert "ward: codes, newly generated (named as sensitive)" in ended.err
    named = f"`{where}c1`, `{where}ward`"
    assert f"warning: personal details in 2 columns, not reproduced: {named}" in ended.err
    ended = run(*command, "--overwrite", "--sensitive", "wart")
    assert ended.code == 2
    assert "wart" in ended.err


def test_rates_of_groups_are_made_equal_and_the_cost_is_told(run, tmp_path):
    """Equal rates by group, and what a model of the outcome loses."""
    pa.csv.write_csv(staff(), tmp_path / "staff.csv")
    assert run("fit", "staff.csv", "-o", "staff.fabula").code == 0
    ended = run("sample", "staff.fabula", "-n", "400", "--parity", "hired~sex", "-o", "out.csv")
    assert ended.code == 0
    assert "A model of hired reaches AUC" in ended.err
    assert pa.csv.read_csv(tmp_path / "out.csv").num_rows == 400
    assert run("sample", "staff.fabula", "--rate", "10%").code == 2


def test_the_command_prints_advice_and_fits_nothing(run, tmp_path):
    pa.csv.write_csv(curved(90), tmp_path / "curves.csv")
    ended = run("fit", "curves.csv", "--advise", "--format", "json")
    assert ended.code == 0, ended.err
    told = json.loads(ended.out)
    assert "with 90 rows, chance moves these figures" in told["notes"]
    assert "hint: fit it with `fabula fit curves.csv" in ended.err
    assert not list(tmp_path.glob("*.fabula"))


def test_options_that_advice_has_no_use_for_are_refused(run, tmp_path):
    pa.csv.write_csv(curved(90), tmp_path / "curves.csv")
    for given, told in (
        (("--advise", "--epsilon", "1"), "`--epsilon` has no meaning with `--advise`"),
        (("--format", "json"), "`--format` is for `--advise`"),
        ((), "add `-o curves.fabula`"),
    ):
        ended = run("fit", "curves.csv", *given)
        assert ended.code == 2
        assert told in ended.err
