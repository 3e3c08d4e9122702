"""A release from a file to its verdict: each gate passes a good release and fails on a fault."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

import fabula as fb
from fabula.errors import SourceError, SpecError, UsageError
from fabula.evaluation.release_folder import Release
from fabula.evaluation.releases import evaluate_release
from fabula.planning.sources import held_rows

ROWS = 2_000
SPEC = """\
fabula: 1
name: release
tables:
  patients:
    kind: source
    file: {file}
    synthesize: [diagnosis, cost]
    quasi: [age, sex]
    {more}
    columns: {{email: drop}}
"""


def patients(rows: int = ROWS, seed: int = 8) -> pa.Table:
    """Patients whose cost follows from diagnosis and age."""
    rng = np.random.default_rng(seed)
    age = rng.integers(20, 70, rows)
    sex = np.array(["F", "M"])[rng.integers(0, 2, rows)]
    ill = rng.random(rows) < (age - 15) / 80
    cost = np.round(rng.lognormal(5, 0.3, rows) * np.where(ill, 4, 1), 2)
    return pa.table(
        {
            "email": pa.array([f"ann{n}@mail.test" for n in range(rows)]),
            "age": pa.array(age),
            "sex": pa.array(sex),
            "beds": pa.array(rng.integers(1, 5, rows)),
            "diagnosis": pa.array(np.where(ill, "flu", np.where(age > 40, "ache", "none"))),
            "cost": pa.array(cost),
        }
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a release."""
    folder = tmp_path_factory.mktemp("release")
    pa.csv.write_csv(patients(), folder / "patients.csv")
    _generate(folder, "out")
    return folder


def _generate(folder: Path, name: str, more: str = "holdout: 0.2") -> Path:
    spec = folder / f"{name}.yaml"
    spec.write_text(SPEC.format(file=folder / "patients.csv", more=more))
    fb.generate(spec, output=folder / name)
    return folder / name


def _released(folder: Path, **changed: pa.Array) -> Release:
    """The release, with columns replaced by others."""
    release = Release.of(folder)
    assert release is not None
    rows = release.rows
    for name, values in changed.items():
        rows = rows.set_column(rows.column_names.index(name), name, values)
    return Release(release.folder, release.name, release.source, rows, release.manifest)


def _failed(release: Release) -> set[str]:
    return {gate.metric for gate in evaluate_release(release).gates if gate.passed is False}


@pytest.mark.slow
def test_a_good_release_passes_all_gates(made: Path) -> None:
    report = evaluate_release(_released(made / "out"))
    assert report.passed
    assert {gate.metric for gate in report.judged} >= {
        "quality.shapes", "quality.pairs", "privacy.closer_to_training",
        "privacy.guessed_diagnosis", "privacy.guessed_cost", "privacy.singled_out",
        "bias.rate_diagnosis_by_sex",
    }  # fmt: skip


@pytest.mark.parametrize("action", ["keep", "generalise", "replace", "redact"])
def test_no_outsider_knows_the_postcode_of_a_new_person(made: Path, action: str) -> None:
    """Without `quasi` in the spec, names tell quasi-identifiers, and replaced columns are none."""
    known = _released(made / "out")
    rows = known.rows.append_column("postcode", known.rows["age"].cast(pa.string()))
    manifest = copy.deepcopy(known.manifest)
    columns = manifest["masking"]["tables"]["patients"]["columns"]
    columns["postcode"] = {"action": action}
    source = known.source.model_copy(update={"quasi": []})
    release = Release(known.folder, known.name, source, rows, manifest)
    is_real = action in ("keep", "generalise")
    assert release.quasi == ["age", "sex", *["postcode"] * is_real]


def test_kept_columns_are_real_and_in_order(made: Path) -> None:
    release = _released(made / "out")
    kept = ["age", "sex", "beds"]
    assert release.rows.select(kept).equals(release.real.select(kept))
    assert release.rows.column_names == ["age", "sex", "beds", "diagnosis", "cost"]
    assert release.real.num_rows + release.held.num_rows == ROWS


def test_the_same_people_are_kept_out_each_time(made: Path) -> None:
    source = _released(made / "out").source
    first = held_rows(source).column("email").to_pylist()
    assert len(first) == 400
    assert first == held_rows(source).column("email").to_pylist()


def _real_values(release: Release) -> dict[str, pa.Array]:
    return {name: release.real.column(name) for name in ("diagnosis", "cost")}


def _constant(release: Release) -> dict[str, pa.Array]:
    return {"diagnosis": pa.array(["flu"] * release.rows.num_rows)}


def _shuffled(release: Release) -> dict[str, pa.Array]:
    rng = np.random.default_rng(0)
    return {
        name: release.rows.column(name).take(pa.array(rng.permutation(release.rows.num_rows)))
        for name in ("diagnosis", "cost")
    }


def _unique_ages(release: Release) -> dict[str, pa.Array]:
    return {"age": pa.array(np.arange(release.rows.num_rows))}


def _biased(release: Release) -> dict[str, pa.Array]:
    pairs = zip(*(release.rows.column(n).to_pylist() for n in ("sex", "diagnosis")), strict=True)
    return {"diagnosis": pa.array(["none" if sex == "F" else told for sex, told in pairs])}


@pytest.mark.parametrize(
    ("fault", "gates"),
    [
        (_real_values, {"privacy.exact_copies", "privacy.guessed_diagnosis", "privacy.guessed_cost",
                        "privacy.closer_to_training"}),
        (_constant, {"quality.shapes"}),
        (_shuffled, {"quality.pairs"}),
        (_unique_ages, {"privacy.singled_out"}),
        (_biased, {"bias.rate_diagnosis_by_sex"}),
    ],
)  # fmt: skip
def test_a_planted_fault_fails_its_gate(
    made: Path, fault: Callable[[Release], dict[str, pa.Array]], gates: set[str]
) -> None:
    release = _released(made / "out")
    broken = _released(made / "out", **fault(release))
    assert gates <= _failed(broken)


@pytest.mark.slow
def test_a_release_can_be_k_anonymous(made: Path) -> None:
    folder = _generate(made, "coarse", "k: 8")
    release = _released(folder)
    groups = release.rows.group_by(["age", "sex"]).aggregate([([], "count_all")])
    assert min(groups.column("count_all").to_pylist()) >= 8
    report = evaluate_release(release)
    assert report.scores["privacy.smallest_group"] >= 8
    assert "Generalise: age, sex." in report.tables[0].notes
    alone = _released(folder, age=pa.array(np.arange(release.rows.num_rows)))
    assert "privacy.smallest_group" in _failed(alone)


@pytest.mark.slow
def test_two_releases_of_the_same_people_are_intersected(made: Path) -> None:
    coarse = _generate(made, "first", "k: 8")
    report = evaluate_release(_released(coarse), earlier=coarse)
    assert report.scores["privacy.joined_k"] >= 8
    fine = _generate(made, "fine", "k: 3")
    scores = evaluate_release(_released(fine), earlier=coarse).scores
    assert scores["privacy.joined_k"] <= scores["privacy.smallest_group"]
    places = np.arange(_released(coarse).rows.num_rows)
    crossing = _released(coarse, age=pa.array(places // 40))
    gates = {g.metric: g.passed for g in evaluate_release(crossing, earlier=coarse).gates}
    assert (gates["privacy.smallest_group"], gates["privacy.joined_k"]) == (True, False)


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ("quasi: [sex, age]\n    k: 3", "quasi"),
        ("quasi: [age]\n    k: 3\n    sensitive: [sex]\n    l: 2", "sensitive"),
        ("generalise: {sex: 1}", "generalise"),
        ("synthesize: [sex]", "synthesize"),
        ("synthesize: [cost]\n    parity: cost~sex", "parity"),
    ],
)
def test_a_column_that_a_release_needs_is_not_dropped(tmp_path: Path, more: str, what: str) -> None:
    """`validate` refuses it, before anything is learned."""
    pa.csv.write_csv(patients(60), tmp_path / "p.csv")
    spec = (
        f"fabula: 1\ntables:\n  p:\n    kind: source\n    file: {tmp_path}/p.csv\n    {more}\n"
        "    columns: {email: drop, sex: drop}\n"
    )
    with pytest.raises(SpecError, match=f"says `sex: drop`, and `{what}` needs the column"):
        fb.validate(spec)


def test_releases_of_two_files_are_intersected_by_person(tmp_path: Path) -> None:
    """Each person has three visits in a file, half of them in both files."""
    rng = np.random.default_rng(2)
    for name, first in (("spring", 0), ("autumn", 100)):
        visits = pa.table(
            {
                "visitor": np.repeat(np.arange(first, first + 200), 3),
                "age": np.repeat(rng.integers(20, 70, 200), 3),
                "ward": rng.choice(["eyes", "heart"], 600),
            }
        )
        pa.csv.write_csv(visits, tmp_path / f"{name}.csv")
        (tmp_path / f"{name}.yaml").write_text(
            f"fabula: 1\ntables:\n  visits:\n    kind: source\n"
            f"    file: {tmp_path / name}.csv\n    quasi: [age, ward]\n    k: 5\n"
            "    person: visitor\n    holdout: 0.1\n    columns: {visitor: drop}\n"
        )
        fb.generate(tmp_path / f"{name}.yaml", output=tmp_path / name)
    report = evaluate_release(_released(tmp_path / "autumn"), earlier=tmp_path / "spring")
    (joined,) = [r for r in report.tables[0].results if r.key == "privacy.joined_k"]
    assert joined.value is not None
    assert joined.value < report.scores["privacy.smallest_group"]
    assert joined.passed is False


@pytest.mark.slow
def test_a_group_that_shares_a_sensitive_value_fails_its_gate(made: Path) -> None:
    folder = _generate(made, "diverse", "k: 8\n    sensitive: [beds]\n    l: 2")
    release = _released(folder)
    assert "privacy.told_by_group_beds" not in _failed(release)
    shared = _released(folder, beds=pc.index_in(release.rows.column("sex"), pa.array(["F"])))
    assert "privacy.told_by_group_beds" in _failed(shared)


@pytest.mark.slow
def test_k_counts_people_where_a_person_has_several_rows(tmp_path: Path) -> None:
    visits = pa.concat_tables([patients(300)] * 4)
    pa.csv.write_csv(visits, tmp_path / "patients.csv")
    folder = _generate(tmp_path, "out", "k: 6\n    person: email")
    release = _released(folder)
    assert release.people is not None
    whose = release.rows.append_column("who", release.real.column("email"))
    groups = whose.group_by(["age", "sex"]).aggregate([("who", "count_distinct")])
    assert min(groups.column("who_count_distinct").to_pylist()) >= 6
    report = evaluate_release(release)
    assert report.scores["privacy.smallest_group"] >= 6
    told = "Made coarser until k = 6: age, sex. k counts people (`email`)."
    assert told in report.tables[0].notes
    assert 4 * len(set(release.held.column("email").to_pylist())) == release.held.num_rows
    ages = pa.array(release.people // 5)
    assert "privacy.smallest_group" in _failed(_released(folder, age=ages))


@pytest.mark.slow
def test_a_release_makes_the_rates_of_a_learned_outcome_equal(tmp_path: Path) -> None:
    """Costs follow the repaired outcome, and the real one is still learned from."""
    rows, rng = patients(), np.random.default_rng(5)
    women = pc.equal(rows.column("sex"), "F").to_numpy()
    hired = rng.random(ROWS) < np.where(women, 0.2, 0.6)
    cost = np.round(rng.lognormal(5, 0.2, ROWS) * np.where(hired, 10, 1), 2)
    rows = rows.set_column(5, "cost", pa.array(cost))
    rows = rows.set_column(4, "diagnosis", pa.array(np.where(hired, "yes", "no")))
    pa.csv.write_csv(rows, tmp_path / "patients.csv")
    folder = _generate(tmp_path, "out", "parity: diagnosis~sex")
    release = _released(folder)
    made = {n: release.rows.column(n).to_numpy() for n in ("sex", "diagnosis", "cost")}
    shares = [(made["diagnosis"][made["sex"] == sex] == "yes").mean() for sex in "FM"]
    assert abs(shares[0] - shares[1]) < 1e-3
    medians = [np.median(made["cost"][made["diagnosis"] == told]) for told in ("yes", "no")]
    assert medians[0] > 4 * medians[1]
    report = evaluate_release(release)
    assert report.scores["bias.parity_diagnosis_by_sex"] < 1e-3
    assert report.scores["bias.rate_diagnosis_by_sex"] > 0.1
    assert 0.5 < report.scores["quality.utility"] < 1
    assert not [g for g in report.gates if g.metric.startswith("bias.") and g.passed is False]
    assert "bias.parity_diagnosis_by_sex" in _failed(_released(folder, **_real_values(release)))


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("parity: diagnosis~age:sex", "has no column `age:sex`"),
        ("parity: diagnosis", "does not name an outcome and a group"),
        ("parity: beds~sex", "`beds` is not learned"),
        ("parity: diagnosis~cost", "`cost` is learned, and groups are of real people"),
        ("rate: 0.3", "`rate` is a rate of `parity`"),
        ("parity: diagnosis~sex\n    rate: 0.3", "a target rate is of one label"),
    ],
)
def test_a_parity_that_can_not_be_is_refused_before_rows_are_made(
    tmp_path: Path, more: str, said: str
) -> None:
    pa.csv.write_csv(patients(200), tmp_path / "patients.csv")
    with pytest.raises(fb.FabulaError, match=said):
        _generate(tmp_path, "out", more)


@pytest.mark.slow
def test_notes_that_tell_their_author_fail_a_gate(tmp_path: Path) -> None:
    rows, rng = patients(400), np.random.default_rng(3)
    words = [f"{a}{b}" for a in ("mol", "ver", "tin", "sal", "dor") for b in "aeiou"]
    told = pa.array([f"Patient said: {' '.join(rng.choice(words, 8))}." for _ in range(400)])
    pa.csv.write_csv(rows.append_column("note", told), tmp_path / "patients.csv")
    spec = SPEC.format(file=tmp_path / "patients.csv", more="holdout: 0.2")
    (tmp_path / "spec.yaml").write_text(spec.replace("drop}", "drop, note: {notes: confirmed}}"))
    fb.generate(tmp_path / "spec.yaml", output=tmp_path / "out")
    folder = tmp_path / "out"
    release, gate = _released(folder), ["privacy.authorship_note<=10%"]
    assert release.notes == ["note"]
    (result,) = evaluate_release(release, gates=gate).gates
    assert (result.passed, result.value) == (False, "100 %")
    blank = _released(folder, note=pa.array(["[redacted]"] * release.rows.num_rows))
    assert evaluate_release(blank, gates=gate).passed


def test_without_people_kept_out_nothing_is_proved(made: Path) -> None:
    folder = _generate(made, "all", "holdout: 0")
    release = _released(folder)
    assert release.rows.num_rows == ROWS
    with pytest.raises(UsageError, match="nobody was held out"):
        evaluate_release(release)


def test_another_file_under_the_same_name_is_refused(tmp_path: Path) -> None:
    pa.csv.write_csv(patients(400), tmp_path / "patients.csv")
    folder = _generate(tmp_path, "out")
    pa.csv.write_csv(patients(400, seed=9), tmp_path / "patients.csv")
    with pytest.raises(SourceError, match="is not the file that was released"):
        evaluate_release(_released(folder))


def test_the_report_says_pseudonymised_and_never_anonymous_by_itself(made: Path) -> None:
    report = evaluate_release(_released(made / "out"))
    page = report.to_html()
    assert "seudonymised" in page
    assert "Passing gates is evidence, not proof, of anonymity" in page
    assert "Reviewed by" in page
    assert "Kept, and real: age, sex, beds." in report.tables[0].notes
    assert "Drop: email." in report.tables[0].notes
    assert "ann7@mail.test" not in page


def test_the_manifest_says_what_was_learned(made: Path) -> None:
    columns = _released(made / "out").manifest["masking"]["tables"]["patients"]["columns"]
    assert {name: facts["action"] for name, facts in columns.items()} == {
        "email": "drop", "age": "keep", "sex": "keep", "beds": "keep",
        "diagnosis": "synthesize", "cost": "synthesize",
    }  # fmt: skip


def test_a_kept_sensitive_column_must_be_confirmed(tmp_path: Path) -> None:
    pa.csv.write_csv(patients(400), tmp_path / "patients.csv")
    spec = tmp_path / "spec.yaml"
    text = SPEC.format(file=tmp_path / "patients.csv", more="holdout: 0.2")
    spec.write_text(text.replace("email: drop", "email: keep"))
    with pytest.raises(fb.FabulaError, match="contains e-mails, and is kept"):
        fb.generate(spec, output=tmp_path / "out")


def test_unknown_columns_are_named(tmp_path: Path) -> None:
    pa.csv.write_csv(patients(400), tmp_path / "patients.csv")
    spec = tmp_path / "spec.yaml"
    text = SPEC.format(file=tmp_path / "patients.csv", more="holdout: 0.2")
    spec.write_text(text.replace("diagnosis", "diagnoses"))
    with pytest.raises(fb.FabulaError, match="has no column `diagnoses`"):
        fb.generate(spec, output=tmp_path / "out")


def test_rows_of_several_blocks_are_the_same_in_any_order(made: Path) -> None:
    """Another run of the same spec gives the same bytes."""
    again = _generate(made, "again", "holdout: 0.2")
    first = pq.read_table(made / "out" / "patients.parquet")
    assert first.equals(pq.read_table(again / "patients.parquet"))
