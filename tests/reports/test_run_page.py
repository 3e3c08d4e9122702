"""The report of a run as one HTML file."""

from __future__ import annotations

import pytest

from fabula import api
from fabula.errors import CheckError
from fabula.reports.profile import profile
from fabula.reports.run_page import run_page
from tests.render.markup import Page

SPEC = {
    "name": "shop <script>alert(1)</script>",
    "tables": {
        "orders": {
            "n": 200,
            "columns": {
                "id": {"kind": "key"},
                "<b>bold</b>": {"kind": "choice", "values": ["<i>a</i>", "b & c"]},
                "total": {"kind": "normal", "mean": 50, "std": 9, "nulls": 0.1},
            },
            "checks": [{"kind": "row", "sql": "total < 1000", "name": "small <em>"}],
        }
    },
}


def page_of(spec, folder) -> str:
    dataset = api.generate(spec, output=folder)
    return run_page(dataset, profile(folder))


def test_a_report_needs_no_network_and_no_script(tmp_path):
    """Well-formed, nothing executed, far below 5 MB; it names the files alongside it alone."""
    text = page_of(SPEC, tmp_path / "out")
    page = Page(text)
    assert page.open == []
    assert page.asked == ["data:,", "./orders.parquet"]
    assert (tmp_path / "out" / "orders.parquet").exists()
    assert not {"script", "img", "iframe"} & page.tags
    assert "url(" not in text
    assert len(text) < 100_000


def test_data_is_text_never_markup(tmp_path):
    """Names, values and rules from a spec can't break the page."""
    page = page_of(SPEC, tmp_path / "out")
    assert "<script>alert" not in page
    assert "<b>bold" not in page
    assert "<i>a" not in page
    assert "b &amp; c" in page
    assert "&lt;b&gt;bold&lt;/b&gt;" in page


def test_a_report_says_what_the_run_says(tmp_path):
    """Rows, checks and profiles are all there."""
    page = page_of(SPEC, tmp_path / "out")
    assert "every check holds" in page
    assert "orders: 200 rows" in page
    assert page.count('<svg viewBox="0 0 120 26"') == 2
    assert "fake model" not in page


def test_a_failed_run_is_not_dressed_up(tmp_path):
    """The verdict, the failed rule and fake words are said plainly."""
    failing = {
        "tables": {
            "t": {
                "n": 5,
                "columns": {"id": {"kind": "key"}, "word": {"kind": "llm"}},
                "checks": [{"kind": "row", "sql": "id < 3"}],
            }
        }
    }
    with pytest.raises(CheckError) as caught:
        api.generate(failing, output=tmp_path / "out", model="fake")
    page = run_page(caught.value.dataset, profile(tmp_path / "out"))
    assert "some checks do not hold" in page
    assert '<span class="chip fail">FAIL</span>' in page
    assert "Made with a fake model" in page
    assert "<h2>Models</h2>" in page


SHOP = {
    "tables": {
        "people": {"n": 5, "columns": {"id": {"kind": "key"}}},
        "orders": {
            "n": 9,
            "columns": {
                "id": {"kind": "key"},
                "who": {"kind": "reference", "to": "people"},
                "before": {"kind": "reference", "to": "orders"},
            },
        },
    }
}


def test_a_report_shows_which_table_points_at_which(tmp_path):
    """Tables are boxes, foreign keys lines; a key to its own table is marked."""
    page = page_of(SHOP, tmp_path / "out")
    assert "orders.who leads to people" in page
    assert "before ↺" in page
    assert "Tables and their keys" not in page_of(SPEC, tmp_path / "one")


def test_a_report_shows_rows_that_were_lost(tmp_path):
    """A few of them with their reason, and the file that has all."""
    spec = {
        "tables": {
            "t": {
                "n": 8,
                "columns": {"id": {"kind": "key"}},
                "checks": [{"kind": "row", "sql": "id <> 3", "repair": "drop"}],
            }
        }
    }
    dataset = api.generate(spec, output=tmp_path / "out", max_rejects=1)
    page = run_page(dataset, profile(tmp_path / "out"))
    assert '<td class="one-line">t 2</td>' in page
    assert "./rejects.jsonl" in Page(page).asked


def test_the_report_of_one_file_names_the_files_beside_it(tmp_path):
    """A run whose output is one file has its records next to it."""
    dataset = api.generate(SPEC, output=tmp_path / "it's #1.csv")
    page = Page(run_page(dataset, profile(tmp_path / "it's #1.csv")))
    assert page.asked == ["data:,", "./it%27s%20%231.csv"]
