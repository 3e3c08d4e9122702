"""Synthesizers that an earlier Fabula wrote are read, and draw rows."""

from __future__ import annotations

from pathlib import Path

import fabula as fb

EARLIER = Path(__file__).parent / "earlier"


def test_a_table_of_an_earlier_file_draws_rows() -> None:
    rows = fb.load_synthesizer(EARLIER / "customers.fabula").sample(20)
    assert rows.column_names == ["id", "city", "age"]
    assert set(rows["city"].to_pylist()) <= {"a", "b", "c"}
    assert set(rows["age"].to_pylist()) <= set(range(18, 80))


def test_related_tables_of_an_earlier_folder_keep_keys_and_the_form_of_times() -> None:
    tables = fb.load_synthesizer(EARLIER / "shop.fabula").sample()
    orders = tables["orders"]
    assert set(orders["customer_id"].to_pylist()) <= set(tables["customers"]["id"].to_pylist())
    assert all(len(text) == len("21/05/2024 15:50") for text in orders["at"].to_pylist())
