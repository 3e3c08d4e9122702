"""Numbers in words, aligned text, rows in a terminal."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pytest

from fabula.render import amounts, grid
from fabula.reports.rows import CELL_ROOM, tables_text


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (amounts.count(1, "row"), "1 row"),
        (amounts.count(5_221, "row"), "5,221 rows"),
        (amounts.size(0), "0 bytes"),
        (amounts.size(999), "999 bytes"),
        (amounts.size(1_000), "1.0 kB"),
        (amounts.size(999_999), "1.0 MB"),
        (amounts.size(254_000_000), "254 MB"),
        (amounts.duration(0), "<0.1 s"),
        (amounts.duration(9.96), "10 s"),
        (amounts.duration(99.6), "2 min"),
        (amounts.duration(7_200), "2.0 h"),
        (amounts.money(0), "0.00 USD"),
        (amounts.money(0.0042), "0.0042 USD"),
        (amounts.money(1234.5), "1,234.50 USD"),
        (amounts.share(0, 9), "0 %"),
        (amounts.share(1, 100_000), "<0.1 %"),
        (amounts.share(99_999, 100_000), "99.9 %"),
        (amounts.share(9, 9), "100 %"),
        (amounts.share(0, 0), "0 %"),
        (amounts.span(900_000, 1_300_000, amounts.large), "900 k–1.3 M"),
        (amounts.span(1.1e6, 1.3e6, amounts.large), "1.1–1.3 M"),
        (amounts.span(3, 3, amounts.large), "3"),
    ],
)
def test_numbers_read_like_words(shown, expected):
    """Small, large and edge values keep what counts."""
    assert shown == expected


def test_columns_align_whatever_the_script():
    """Wide and combining characters count as the columns that they take."""
    rows = [("id", "name"), ("1", "李小龙"), ("22", "Zoë"), ("3", "Zoe\u0308")]
    lines = grid.lines(rows, right=(True, False))
    assert lines == ["id  name", " 1  李小龙", "22  Zoë", " 3  Zoe\u0308"]
    assert [grid.width(text) for text in ("李小龙", "Zoë", "Zoe\u0308")] == [6, 3, 3]


def test_long_and_strange_text_stays_on_its_line():
    """A cell can't break the table, move the cursor or colour the terminal."""
    assert grid.one_line("two\nlines\t\x1b[31mred") == "two lines \\x1b[31mred"
    assert grid.fit("李小龙", 5) == "李小…"
    assert grid.fit("abc", 3) == "abc"


def test_a_preview_has_names_in_the_margin_and_numbers_to_the_right():
    """Floats share their decimals, nulls are visible, midnights are dates."""
    customers = pa.table(
        {
            "id": [1, 2],
            "name": ["Ada", None],
            "since": [dt.datetime(2024, 3, 11), None],
            "loyal": [True, False],
        }
    )
    orders = pa.table({"id": [1, 12], "total": [59.8, 1234.25], "tags": [["a"], []]})
    assert tables_text({"customers": customers, "orders": orders}).splitlines() == [
        "customers  id  name  since       loyal",
        "            1  Ada   2024-03-11  true",
        "            2  null  null        false",
        "orders     id    total  tags",
        '            1    59.80  ["a"]',
        "           12  1234.25  []",
    ]


def test_times_show_what_they_have():
    """Seconds where some value has a time of day, fractions only where one has them."""
    moments = [dt.datetime(2024, 3, 11), dt.datetime(2024, 3, 12, 13, 14, 15)]
    assert "2024-03-11 00:00:00" in tables_text({"t": pa.table({"at": moments})})


def test_columns_that_do_not_fit_follow_below():
    """Nothing is hidden in a narrow terminal."""
    table = pa.table({f"column{at}": [at] for at in range(6)})
    lines = tables_text({"t": table}, room=40).splitlines()
    assert max(map(len, lines)) <= 40
    assert all(f"column{at}" in "".join(lines) for at in range(6))


def test_empty_and_huge_values_are_shown():
    """A table without rows shows its columns; a long text ends in an ellipsis."""
    shown = tables_text({"t": pa.table({"a": pa.array([], pa.int64())})})
    assert shown == "t  a"
    shown = tables_text({"t": pa.table({"a": ["x" * 1000], "b": [1e-9], "c": [float("nan")]})})
    assert "x" * (CELL_ROOM - 1) + "…" in shown
    assert "1e-09" in shown
    assert "nan" in shown
    assert tables_text({}) == ""
