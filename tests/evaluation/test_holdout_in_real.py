"""The whole file as `real`, with the holdout that fitting kept out of it: a copy still fails."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

import fabula as fb
from fabula.errors import GateError, UsageError
from fabula.evaluation.report_text import report_text
from tests.evaluation.metrics.people import people

WHOLE = people(500, seed=1)
ORDER = np.random.default_rng(3).permutation(500)
TRAIN, HELD = WHOLE.take(np.sort(ORDER[100:])), WHOLE.take(ORDER[:100])


def notes(report: fb.Report) -> str:
    return " ".join(note for table in report.tables for note in table.notes)


def test_training_rows_fail_the_gates_of_the_documented_call() -> None:
    report = fb.evaluate(TRAIN, real=WHOLE, holdout=HELD, sections=["privacy"], gates=True)
    failed = {gate.metric for gate in report.gates if not gate.passed}
    assert {"privacy.exact_copies", "privacy.near_copies", "privacy.membership"} <= failed
    assert "All 100 rows of the holdout are in the real table, too, and taken out" in notes(report)
    assert report.tables[0].rows["real"] == 400
    assert "taken out" in report.to_html()
    assert "taken out" in json.loads(report.to_json())["tables"][0]["notes"][0]


def test_the_whole_file_scores_as_the_training_rows_do() -> None:
    made = people(400, seed=9)
    whole = fb.evaluate(made, real=WHOLE, holdout=HELD)
    train = fb.evaluate(made, real=TRAIN, holdout=HELD)
    assert whole.scores == train.scores
    assert "Unrealistic" not in whole.to_markdown()


def test_holdout_rows_are_found_whatever_form_they_have() -> None:
    """Columns in another order, whole numbers as floats, labels as dictionaries, text dates."""
    days = pc.add(pa.scalar(np.datetime64("2024-01-01", "s")), WHOLE["id"].cast("duration[s]"))
    whole = WHOLE.append_column("day", days)
    held = whole.take(ORDER[:100])
    for name, values in (
        ("id", held["id"].cast("float64")),
        ("sex", held["sex"].dictionary_encode()),
        ("day", held["day"].cast("string")),
    ):
        held = held.set_column(held.column_names.index(name), name, values)
    held = held.select(sorted(held.column_names, reverse=True))
    report = fb.evaluate(whole, real=whole, holdout=held, sections=["privacy"])
    assert "All 100 rows" in notes(report)


def test_rows_that_repeat_are_taken_out_as_often_as_the_holdout_has_them() -> None:
    real = pa.table({"a": [1.5] * 60 + [float(at) for at in range(40)]})
    report = fb.evaluate(real, real=real, holdout=pa.table({"a": [1.5] * 10 + [3.0]}))
    assert report.tables[0].rows["real"] == 89


def test_a_holdout_that_is_only_partly_in_the_real_rows_is_named() -> None:
    held = pa.concat_tables([HELD.slice(0, 40), people(60, seed=5)])
    report = fb.evaluate(people(200, seed=9), real=WHOLE, holdout=held)
    assert "40 of the 100 rows of the holdout are in the real table" in notes(report)


def test_rows_that_are_equal_by_chance_stay() -> None:
    rng = np.random.default_rng(0)
    real, held, made = (
        pa.table({"a": rng.integers(0, 40, n), "b": rng.integers(0, 40, n)})
        for n in (1_000, 400, 400)
    )
    report = fb.evaluate(made, real=real, holdout=held)
    assert report.tables[0].rows["real"] == 1_000
    assert "taken out" not in notes(report)


def test_a_holdout_that_is_the_real_table_is_refused() -> None:
    with pytest.raises(UsageError) as caught:
        fb.evaluate(TRAIN, real=WHOLE, holdout=WHOLE)
    assert caught.value.code == "evaluate.holdout-is-real"


def test_tables_are_parted_each_and_a_table_that_both_share_has_no_holdout() -> None:
    schools = pa.table({"school": ["basic", "middle", "high"], "fee": [1.0, 2.0, 3.0]})
    report = fb.evaluate(
        {"people": TRAIN, "schools": schools},
        real={"people": WHOLE, "schools": schools},
        holdout={"people": HELD, "schools": schools},
        gates=["privacy.exact_copies<=5%"],
    )
    sizes = {table.name: dict(table.rows) for table in report.tables}
    assert sizes["people"] == {"synthetic": 400, "real": 400, "holdout": 100}
    assert sizes["schools"] == {"synthetic": 3, "real": 3}
    assert not report.passed
    assert "measured without one" in notes(report)


def test_a_baseline_that_leaves_no_room_gives_no_verdict_and_its_gate_never_passes() -> None:
    few = pa.table({"a": ["x", "y"] * 60, "b": [1, 1, 2, 2] * 30})
    report = fb.evaluate(few, real=few)
    copies = next(each for each in report.tables[0].results if each.name == "exact_copies")
    assert copies.value == 1
    assert copies.passed is None
    assert "No verdict" in copies.sentence
    assert "99.9 %" not in report.to_markdown()
    with pytest.raises(GateError) as caught:
        fb.evaluate(few, real=few, gates=["privacy.exact_copies"])
    assert caught.value.code == "gate.unmeasured"


def test_a_lookup_table_without_a_verdict_leaves_the_gate_to_the_others() -> None:
    """The exit code is decided by the tables that were judged; one judged nowhere is an error."""
    lookup = pa.table({"code": ["x", "y"] * 60, "rank": [1, 1, 2, 2] * 30})
    for made, passed in ((people(400, seed=9), True), (TRAIN, False)):
        report = fb.evaluate(
            {"people": made, "lookup": lookup},
            real={"people": TRAIN, "lookup": lookup},
            gates=["privacy.exact_copies"],
        )
        assert {gate.table: gate.passed for gate in report.gates} == {
            "people": passed,
            "lookup": None,
        }
        assert report.passed is passed
        assert "not judged" in report.to_markdown()
        assert "not judged" in report.to_html()
        assert ", 1 not judged" in report_text(report)
        assert json.loads(report.to_json())["gates"][1]["passed"] is None
    default = fb.evaluate({"lookup": lookup}, real={"lookup": lookup}, gates=True)
    assert "privacy.exact_copies" in {gate.metric for gate in default.gates if gate.passed is None}


def test_gates_that_hold_nothing_never_pass() -> None:
    with pytest.raises(GateError, match="no metric has a verdict"):
        fb.evaluate(TRAIN, gates=True)
    with pytest.raises(GateError, match=r"`privacy.attribute_inference` gives no verdict"):
        fb.evaluate(
            people(25, 2), real=people(25, 1), holdout=people(25, 3), sections=["privacy"],
            gates=["privacy.attribute_inference"],
        )  # fmt: skip


@pytest.mark.parametrize("rows", [1, 3, 8])
def test_copies_fail_however_small_the_holdout_is(rows: int) -> None:
    """A bound that no value can miss is not a pass, and a tiny holdout is left out."""
    report = fb.evaluate(
        TRAIN.slice(0, 100), real=WHOLE, holdout=HELD.slice(0, rows), sections=["privacy"],
        gates=True,
    )  # fmt: skip
    verdicts = {gate.metric: gate.passed for gate in report.gates}
    assert verdicts["privacy.exact_copies"] is verdicts["privacy.near_copies"] is False
    assert verdicts.get("privacy.closer_to_training") is None
    assert ("too small" in notes(report)) is (rows < 5)
