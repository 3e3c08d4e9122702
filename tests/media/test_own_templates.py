"""Documents by the user's own templates, in Typst and in HTML."""

from __future__ import annotations

from pathlib import Path

import pytest

import fabula as fb
from tests.media.test_documents import document

OWN = """#import "fabula.typ": *
#set page(width: 200pt, height: auto)
#text(14pt, value("name"))
#value("id")
"""


def test_an_own_template_prints_columns_and_a_change_of_it_is_another_run(tmp_path: Path) -> None:
    own = tmp_path / "mine.typ"
    own.write_text(OWN, encoding="utf-8")
    (record,) = document(tmp_path, ["Ada"], template=str(own))
    assert {name for name, item in record["fields"].items() if item["printed"]} >= {"id", "name"}
    own.write_text(OWN.replace("14pt", "15pt"), encoding="utf-8")
    with pytest.raises(fb.FabulaError, match="of another spec"):
        fb.generate(str(tmp_path / "spec.json"), output=tmp_path / "out")
    own.write_text('#panic("no")', encoding="utf-8")
    with pytest.raises(fb.FabulaError, match="can't be compiled"):
        fb.generate(str(tmp_path / "spec.json"), output=tmp_path / "other")


def test_an_own_page_of_html_escapes_values(tmp_path: Path) -> None:
    own = tmp_path / "mine.html"
    own.write_text(
        "<p>{{ name }}</p>{% for line in lines %}{{ line }}{% endfor %}", encoding="utf-8"
    )
    (record,) = document(tmp_path, ["<b>{{ 7 * 7 }}</b>"], template=str(own), format="html")
    page = (tmp_path / "out" / record["files"][0]["path"]).read_text(encoding="utf-8")
    assert page == "<p>&lt;b&gt;{{ 7 * 7 }}&lt;/b&gt;</p>"


def test_names_that_an_own_page_has_wrong_are_told_and_its_truth_says_what_it_prints(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    own = tmp_path / "mine.html"
    own.write_text("{{ fields.name }}{{ nmae }}{% if size %}{% endif %}", encoding="utf-8")
    (record,) = document(tmp_path, ["A & B"], template=str(own), format="html")
    assert record["unknown"] == ["nmae"]
    assert "the template prints `nmae` (documents: 1)" in caplog.text
    printed = {name: item["printed"] for name, item in record["fields"].items()}
    assert (printed["id"], printed["name"]) == ("", "A & B")
