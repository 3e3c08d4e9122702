"""One protocol for the results of all verbs: a line, a report, HTML for notebooks, a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import fabula as fb
from fabula.errors import SinkError

SPEC = "name person.name, age int 18..90"
PEOPLE = pa.table({"age": list(range(100)), "city": ["Wien", "Oslo"] * 50})
TEXTS = {"text": ["card declined", "can't log in", "refund please", "reset my password"] * 5}


def reviewed(folder: Path) -> Any:
    sheet = folder / "sheet.csv"
    fb.review_export(PEOPLE, sheet, n=2)
    return fb.review_import([sheet], PEOPLE, output=folder / "reviewed.csv")


def scanned(folder: Path) -> Any:
    (folder / "new.csv").write_text("n\n1\n", encoding="utf-8")
    return fb.scan(
        folder / "new.csv", against=pa.table({"mail": [f"u{n}@m.test" for n in range(60)]})
    )


RESULTS: dict[str, Callable[[Path], Any]] = {
    "generate": lambda _: fb.generate(SPEC, 3),
    "preview": lambda _: fb.preview(SPEC, 3),
    "plan": lambda _: fb.plan(SPEC, 3),
    "validate": lambda _: fb.validate(SPEC, {"name": ["Ada"], "age": [30]}),
    "evaluate": lambda _: fb.evaluate(PEOPLE),
    "fit": lambda _: fb.fit(PEOPLE),
    "fit, several tables": lambda _: fb.fit(
        {
            "people": pa.table({"id": range(60), "age": range(60)}),
            "orders": pa.table({"id": range(120), "people_id": [n // 2 for n in range(120)]}),
        }
    ),
    "balance_plan": lambda _: fb.balance_plan(TEXTS, topics=2),
    "balance": lambda _: fb.balance(TEXTS, topics=2, model="fake"),
    "pairs": lambda _: fb.pairs("product name → description", 2, model="fake"),
    "export": lambda folder: fb.export(PEOPLE, folder / "rows.csv"),
    "review_import": reviewed,
    "mask": lambda _: fb.mask(PEOPLE, columns={"age": "keep", "city": "keep"}),
    "scan": scanned,
}


@pytest.fixture(params=RESULTS)
def result(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    return RESULTS[request.param](tmp_path)


def test_a_result_shows_itself(result: Any) -> None:
    """In full, in a notebook, and in a few lines."""
    assert result.report().strip()
    assert "<" in result._repr_html_()
    assert " object at 0x" not in repr(result)
    assert len(repr(result).splitlines()) <= 20


def test_a_result_is_written_where_it_is_told(result: Any, tmp_path: Path) -> None:
    place = tmp_path / "new" / ("rows.csv" if is_data(result) else "report.html")
    result.write(place)
    assert place.exists()
    if place.is_file() and (start := place.read_bytes()[:15]).startswith(b"<"):
        assert start == b"<!doctype html>"  # a page of its own: on phones and in the dark as well


def test_a_place_that_cannot_be_written_is_an_error_of_ours(result: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SinkError):
        result.write(
            tmp_path / "file" / "rows.csv" if is_data(result) else tmp_path / "file/r.html"
        )


def is_data(result: Any) -> bool:
    return type(result).__name__ in ("Dataset", "Pairs", "Reviewed", "Balanced", "Masked")
