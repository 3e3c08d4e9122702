"""Checks of a row against the row that a reference points at."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet
import pytest

import fabula as fb
from fabula.checks.evaluate import evaluate
from fabula.errors import CheckError, SpecError
from fabula.spec.tables import DatasetSpec
from tests.checks.test_table_checks import KEY, NUMBER, failed, spec_of


def lines(**changes: Any) -> tuple[DatasetSpec, dict[str, pa.Table]]:
    """Orders with lines that look at their order's row, as a file would hold them."""
    tables = {
        "orders": {"id": [1, 2, 3], "currency": ["EUR", "USD", "EUR"], "total": [7.5, 4.0, None]},
        "lines": {"order_id": [1, 1, 2], "currency": ["EUR", "EUR", "USD"], "qty": [1, 2, 4],
                  "price": [1.5, 3.0, 1.0], "sent_by": [2, 2, 1]},
    }  # fmt: skip
    for place, values in changes.items():
        table, column = place.split("__")
        tables[table][column] = values
    total = {"kind": "aggregate", "column": "total", "of": "lines.qty * price", "function": "sum",
             "by": "order_id", "empty": "missing"}  # fmt: skip
    reference = {"kind": "reference", "to": "orders"}
    spec = spec_of(
        orders={"columns": {"id": KEY, "currency": NUMBER, "total": NUMBER}, "checks": [total]},
        lines={
            "columns": dict.fromkeys(["sent_by", "order_id"], reference)
            | dict.fromkeys(["currency", "qty", "price"], NUMBER),
            "checks": [{"kind": "row", "sql": "currency = order_id.currency"}],
        },
    )
    return spec, {name: pa.table(columns) for name, columns in tables.items()}


def test_a_row_check_compares_with_the_row_that_a_reference_points_at() -> None:
    assert evaluate(*lines()).passed
    message = failed(*lines(lines__currency=["EUR", "CHF", "USD"]))["row"]
    assert message == "1 of 3 rows break the rule: currency = order_id.currency"


def test_an_aggregate_combines_products_by_one_of_two_references() -> None:
    message = failed(*lines(orders__total=[7.5, 4.5, 0.0]))["aggregate"]
    assert "2 of 3 rows break the rule: `total` = sum of `lines.qty * price` by `order_id`" in (
        message
    )
    assert "`id` 2 says 4.5, not 4.0, 3 says 0.0, not None" in message


SHOP = """
fabula: 1
name: shop
tables:
  orders:
    n: 40
    columns:
      id: {kind: key}
      placed: {kind: datetime, start: 2020-01-01, end: 2024-01-01}
  lines:
    n: 90
    columns:
      order_id: {kind: reference, to: orders}
      shipped: {kind: datetime, start: order_id.placed, within: 3d}
    checks:
      - {kind: row, sql: "shipped >= order_id.placed"}
"""


def test_a_check_of_a_parents_row_is_judged_in_a_run_and_on_its_files(tmp_path: Path) -> None:
    (tmp_path / "shop.yaml").write_text(SHOP)
    made = fb.generate(tmp_path / "shop.yaml", seed=1)
    assert [check.message for check in made.checks] == [
        "all 90 rows satisfy the rule: shipped >= order_id.placed"
    ]
    tables = {"orders": made["orders"], "lines": made["lines"]}
    assert fb.validate(tmp_path / "shop.yaml", data=tables).passed
    late = SHOP.replace("shipped >=", "shipped <")
    (tmp_path / "late.yaml").write_text(late)
    with pytest.raises(CheckError, match="90 of 90 rows break the rule"):
        fb.generate(tmp_path / "late.yaml", seed=1)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("order_id.placed", "order_id.plased", "`order_id.plased`, which no column defines"),
        ('placed"}', 'placed", repair: drop}', "`repair: drop` can't repair"),
    ],
)
def test_a_check_of_a_parents_row_is_refused_where_it_can_not_be_judged(
    old: str, new: str, said: str, tmp_path: Path
) -> None:
    check = '- {kind: row, sql: "shipped >= order_id.placed"}'
    (tmp_path / "shop.yaml").write_text(SHOP.replace(check, check.replace(old, new)))
    with pytest.raises(SpecError, match=re.escape(said)):
        fb.plan(tmp_path / "shop.yaml")
