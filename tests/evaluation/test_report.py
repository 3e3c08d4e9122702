"""The report says the same as a page, as JSON and as Markdown, and blocks what must not pass."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pyarrow as pa
import pytest

from fabula.errors import GateError, SourceError, UsageError
from fabula.evaluation.evaluate import evaluate
from fabula.evaluation.gates import read_gates
from fabula.spec.loading import parse_spec
from tests.evaluation.metrics.people import people
from tests.render.markup import Page

REAL, MADE = people(300, seed=1), people(300, seed=2)
TVS = """\
fabula: 1
name: tvs
tables:
  tvs:
    n: 10
    columns:
      size: {kind: uniform, min: 30, max: 80}
      price: {kind: uniform, min: 100, max: 4000}
      tv_type: {kind: choice, values: [OLED, QLED]}
    checks:
      - {kind: row, sql: "price > 0"}
      - {kind: correlation, columns: [size, price], at_least: 0.9}
"""


def test_the_page_asks_for_nothing_and_needs_no_script() -> None:
    """The report is one offline page."""
    html = evaluate(MADE, real=REAL, target="hired", protected=["sex"], gates=True).to_html()
    page = Page(html)
    assert page.open == []
    assert page.asked == ["data:,"]
    assert "script" not in page.tags
    assert "url(" not in html
    assert "@import" not in html


def test_every_link_on_the_page_leads_somewhere() -> None:
    """Tiles, gates, sentences and details lead to sections, metrics and columns."""
    tables = {"few": MADE.select(["income"]), "people": MADE}
    real = {"few": REAL.select(["income"]), "people": REAL}
    report = evaluate(tables, real=real, protected=["sex"], target="hired", gates=["default"])
    page = Page(report.to_html())
    assert {"quality", "bias", "t1-quality.shapes"} <= page.leads <= set(page.places)
    assert len(page.places) == len(set(page.places))
    assert not Page(report._repr_html_()).places


def test_what_fails_leads_and_what_passes_folds() -> None:
    """Failing metrics stand in the open with the columns that explain them."""
    shifted = MADE.set_column(
        MADE.column_names.index("income"), "income", [np.asarray(MADE["income"]) * 3]
    )
    html = evaluate(shifted, real=REAL, gates=["quality.missing<=50%"]).to_html()
    quality = html[html.index('id="quality"') :]
    leading, folded = quality.split('<details class="fold">', 1)
    assert "quality.shapes" in leading
    assert "Distribution of income" in leading
    assert "quality.missing" not in leading
    assert folded.startswith("<summary>")
    assert "1 gate passed" in html
    calm = evaluate(MADE, real=REAL, sections=["diversity"]).to_html()
    assert '<details class="fold" open>' in calm


def test_a_metric_that_only_a_gate_fails_leads_too() -> None:
    html = evaluate(MADE, real=REAL, gates=["quality.shapes>=0.999"]).to_html()
    leading = html[html.index('id="quality"') :].partition('<details class="fold">')[0]
    assert "quality.shapes" in leading
    assert "gate ≥ 1.00" in leading


def test_nothing_from_data_becomes_markup() -> None:
    evil = "<script>alert(1)</script>\"'&"
    names = ["<img src=x onerror=alert(2)>", "plain"]
    columns = [[evil, "b"] * 30, np.arange(60) * 1.5]
    table = pa.table(columns, names=names)
    html = evaluate(table, real=table, protected=[names[0]], quasi=names).to_html()
    assert "<script" not in html
    assert "<img" not in html
    assert Page(html).open == []
    markdown = evaluate(table, real=table, protected=[names[0]]).to_markdown()
    assert "<script" not in markdown
    assert "<img" not in markdown


def test_no_real_row_is_on_the_page_or_in_the_json() -> None:
    """Aggregates only."""
    report = evaluate(MADE, real=REAL, target="hired", protected=["sex"])
    for text in (report.to_html(), report.to_json(), report.to_markdown()):
        assert not re.search(r"Ada\d Number", text)
        incomes = {f"{value:.2f}" for value in REAL["income"].to_pylist()}
        assert len(incomes & set(re.findall(r"\d+\.\d\d", text))) < 30


def test_labels_that_few_real_people_have_are_pooled() -> None:
    rare = pa.table({"job": ["clerk"] * 60 + ["astronaut"] * 2, "n": np.arange(62) * 0.7})
    html = evaluate(rare, real=rare).to_html()
    assert "clerk" in html
    assert "astronaut" not in html


def test_a_hundred_columns_make_at_most_five_megabytes() -> None:
    rng = np.random.default_rng(0)
    columns = {f"number_{at}": rng.normal(size=200) for at in range(60)}
    columns |= {f"label_{at}": rng.choice([f"v{i}" for i in range(12)], 200) for at in range(40)}
    table = pa.table(columns)
    report = evaluate(table, real=table, sections=["diversity"])
    assert len(report.to_html().encode()) < 5e6
    assert len(report.charts()) == 102


def test_json_has_every_number_and_is_valid() -> None:
    report = evaluate(MADE, real=REAL, gates=["quality.shapes>=0.9"])
    found = json.loads(report.to_json())
    assert found["scores"] == pytest.approx(report.scores)
    metric = found["tables"][0]["metrics"][0]
    assert {"key", "value", "direction", "baseline", "sentence", "source"} <= set(metric)
    assert found["passed"] is True


def test_gates_block_and_name_what_failed() -> None:
    """A failed gate ends in an error with exit code 1."""
    report = evaluate(REAL, real=REAL, gates=["quality.shapes>=0.9", "privacy.exact_copies<=1%"])
    assert not report.passed
    assert [gate.passed for gate in report.gates] == [True, False]
    with pytest.raises(GateError, match=r"exact copies 100 %, must be ≤ 1\.0 %") as caught:
        report.raise_for_gates()
    assert caught.value.exit_code == 1
    assert "Not releasable" in report.to_html()
    assert "NOT RELEASABLE" in report.to_markdown()


def test_gates_are_read_in_every_form() -> None:
    report = evaluate(MADE, real=REAL, gates={"quality.shapes": 0.5, "quality.wasserstein": 9})
    assert [gate.rule for gate in report.gates] == ["≥ 0.50", "≤ 9.00"]
    assert read_gates(["default"]) is True
    own = evaluate(MADE, real=REAL, gates=["quality.pairs"])
    assert own.gates[0].rule == "≥ 0.85"
    assert len(evaluate(MADE, real=REAL, gates=True).gates) > 10


@pytest.mark.parametrize(
    ("gates", "code"),
    [
        (["shapes>=0.9"], "evaluate.gate"),
        (["quality.shapes>>0.9"], "evaluate.gate"),
        (["quality.shapes>=1.2.3"], "evaluate.gate"),
        (["quality.shape>=0.9"], "evaluate.unknown-metric"),
        (["quality.wasserstein"], "evaluate.gate"),
        (["privacy.membership<=0.55"], "evaluate.no-holdout"),
    ],
)
def test_a_gate_that_can_not_be_held_is_an_error(gates: list[str], code: str) -> None:
    with pytest.raises(UsageError) as caught:
        evaluate(MADE, real=REAL, gates=gates)
    assert caught.value.code == code
    assert caught.value.hint


def test_charts_are_svg_files(tmp_path: Path) -> None:
    """The scatter by group is written without a language model."""
    sizes = np.repeat([43, 50, 55, 65, 77], 20)
    types = np.tile(["OLED", "QLED"], 50)
    price = sizes * np.where(types == "QLED", 24.0, 12.0) + np.arange(100)
    tvs = pa.table({"size": sizes, "price": price, "tv_type": types})
    evaluate(tvs, real=tvs).write_charts(tmp_path)
    assert not list(tmp_path.glob("*.png"))
    names = {path.name for path in tmp_path.iterdir()}
    assert {"scatter.svg", "pairs.svg", "distribution.price.svg"} <= names
    for path in tmp_path.iterdir():
        ElementTree.fromstring(path.read_text(encoding="utf-8"))
    scatter = (tmp_path / "scatter.svg").read_text(encoding="utf-8")
    assert "OLED" in scatter
    assert "QLED" in scatter
    assert scatter.count("<circle") >= 90
    assert "price" in scatter


def test_charts_are_png_files_where_that_is_asked(tmp_path: Path) -> None:
    pytest.importorskip("resvg_py", reason="the extra `charts` is not installed")
    evaluate(MADE, real=REAL, sections=["quality"]).write_charts(tmp_path, png=True)
    names = {path.stem for path in tmp_path.glob("*.svg")}
    pictures = {path.stem: path.read_bytes() for path in tmp_path.glob("*.png")}
    assert set(pictures) == names
    assert all(content.startswith(b"\x89PNG") for content in pictures.values())
    assert min(map(len, pictures.values())) > 2_000


def test_a_spec_brings_its_rules_into_the_report() -> None:
    """Each rule with its value, pass or fail, and offending rows."""
    rows = pa.table({"size": [40.0, 50.0, 60.0], "price": [900.0, -5.0, 100.0],
                     "tv_type": ["OLED", "QLED", "OLED"]})  # fmt: skip
    report = evaluate(rows, spec=parse_spec(TVS))
    assert [check.passed for check in report.checks] == [False, False]
    assert report.checks.results[0].failing == 1
    assert not report.passed
    assert "price &gt; 0" in report.to_html()
    with pytest.raises(Exception, match="2 of 2 checks failed"):
        report.raise_for_gates()


def test_one_table_keeps_the_checks_of_a_spec_of_one_table_whatever_its_name() -> None:
    rows = pa.table({"size": [40.0], "price": [-5.0], "tv_type": ["QLED"]})
    named = evaluate({"rows": rows}, spec=parse_spec(TVS)).checks
    assert [check.failing for check in named] == [1, 1]
    with pytest.raises(SourceError, match="the data has no table") as error:
        evaluate({"x": rows, "y": rows}, spec=parse_spec(TVS))
    assert error.value.hint == "give a mapping of table names to tables, or a folder"


def test_several_tables_are_matched_by_name() -> None:
    real = {"people": REAL, "more": people(80, seed=5)}
    made = {"people": MADE, "more": people(70, seed=6)}
    report = evaluate(made, real=real, target="hired", sections=["quality"])
    assert "people.quality.shapes" in report.scores
    assert "more.quality.shapes" in report.scores
    assert Page(report.to_html()).open == []
    with pytest.raises(SourceError, match="no table `more`"):
        evaluate(made, real={"people": REAL, "mor": REAL})


def test_frames_of_every_library_are_taken() -> None:
    pandas, polars = pytest.importorskip("pandas"), pytest.importorskip("polars")
    made = pandas.DataFrame({"a": [1.5, 2.5, 3.5] * 10, "c": ["x", "y", None] * 10})
    real = polars.DataFrame({"a": [1.5, 2.5, 4.5] * 10, "c": ["x", "y", None] * 10})
    report = evaluate(made, real=real, holdout={"a": [1.0, 2.0], "c": ["x", "y"]})
    assert report.scores["quality.missing"] == 0
    with pytest.raises(UsageError, match="did you mean `a`"):
        evaluate(made, real=real, target="aa")


def test_a_report_shows_itself() -> None:
    report = evaluate(MADE, real=REAL, holdout=people(200, seed=3))
    assert re.match(r"Report\(quality \d/\d, privacy \d/\d, diversity \d/\d\) — ", repr(report))
    assert repr(report).endswith("300 synthetic vs 300 real, 200 holdout")
    assert "<table>" in report._repr_html_()
    assert "# Synthetic data report: passed" in report.to_markdown()


def test_without_bounds_the_page_claims_nothing() -> None:
    """No verdict is neither a failure, nor that all is well."""
    page = evaluate(pa.table({"q": [f"text {n}" for n in range(20)]})).to_html()
    assert "No number has a bound" in page
    assert "All numbers within bounds" not in page
    assert '<span class="chip ">no verdict</span>' in page


def test_a_column_that_points_into_its_own_table_is_a_key_and_no_number():
    """New identifiers take nothing from the shapes, and links are judged as links."""
    rng = np.random.default_rng(1)
    above = [None, *(int(rng.integers(1, max(2, at // 3))) for at in range(2, 401))]

    def staff(first: int) -> pa.Table:
        boss = [None if one is None else one + first for one in above]
        ids = np.arange(1, 401) + first
        return pa.table({"id": ids, "manager_id": pa.array(boss), "pay": rng.normal(9, 1, 400)})

    report = evaluate(staff(5_000), real=staff(0))
    found = {result.key: result.value for result in report.tables[0].results}
    assert found["quality.shapes"] > 0.9
    assert found["quality.detection"] < 0.7
    assert found["quality.foreign_keys"] == 1
