"""The report of a run as one HTML file."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from fabula import api
from fabula.errors import CheckError
from fabula.reports.profile import profile
from fabula.reports.run_page import run_page

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


class Seen(HTMLParser):
    """Tags that are open, and addresses that the page names."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.addresses: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.addresses += [value for name, value in attrs if name in ("src", "href", "srcset")]
        if tag not in ("meta", "rect"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag != "rect":
            assert self.open.pop() == tag


def page_of(spec, folder) -> str:
    dataset = api.generate(spec, output=folder)
    return run_page(dataset, profile(folder))


def test_a_report_needs_no_network_and_no_script(tmp_path):
    """Well-formed, nothing fetched, nothing executed, far below 5 MB."""
    page = page_of(SPEC, tmp_path / "out")
    seen = Seen()
    seen.feed(page)
    assert seen.open == []
    assert seen.addresses == []
    assert not {"script", "link", "img", "iframe"} & seen.tags
    assert "url(" not in page
    assert len(page) < 100_000


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
    assert page.count("<svg") == 2
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
    assert '<td class="fail">FAIL</td>' in page
    assert "Made with a fake model" in page
    assert "<h2>Models</h2>" in page
