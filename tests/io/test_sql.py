"""Check digits in SQL expressions. C2.2."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pytest

import fabula as fb
from fabula.io.sql import without_bar


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("luhn('7992739871')", "79927398713"),
        ("luhn('453957876362148')", "4539578763621486"),
        ("iban('DE', '370400440532013000')", "DE89370400440532013000"),
        ("iban('GB', 'NWBK60161331926819')", "GB29NWBK60161331926819"),
        ("iban('FR', '20041010050500013M02606')", "FR1420041010050500013M02606"),
    ],
)
def test_check_digits_are_those_of_the_standards(sql: str, expected: str) -> None:
    """Card numbers (Luhn) and IBANs."""
    data = fb.preview({"tables": {"t": {"n": 1, "columns": {"x": {"kind": "expr", "sql": sql}}}}})
    assert data["t"]["x"].to_pylist() == [expected]


def test_made_card_numbers_pass_the_luhn_check() -> None:
    spec = {
        "tables": {
            "cards": {
                "n": 500,
                "columns": {
                    "digits": {"kind": "pattern", "regex": r"4\d{14}", "drop": True},
                    "card": {"kind": "expr", "sql": "luhn(digits)"},
                },
            }
        }
    }
    for number in fb.generate(spec)["cards"]["card"].to_pylist():
        doubled = [int(d) * (2 if i % 2 else 1) for i, d in enumerate(reversed(number))]
        assert sum(d - 9 if d > 9 else d for d in doubled) % 10 == 0


def test_no_connection_shows_the_progress_bar_that_notebooks_switch_on() -> None:
    with duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar = true")
        without_bar(connection)
        found = connection.execute("SELECT current_setting('enable_progress_bar')").fetchone()
    assert found == (False,)
    package = Path(fb.__file__).parent
    opened = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if re.search(r"duckdb\.connect\(", path.read_text(encoding="utf-8"))
        and "without_bar(" not in path.read_text(encoding="utf-8")
    }
    assert opened == set()
