"""Sequences that count the rows of each parent."""

from __future__ import annotations

import pytest

import fabula as fb
from fabula.errors import SpecError

LINES = """
fabula: 1
name: shop
seed: 3
tables:
  orders:
    n: 30000
    columns:
      id: {kind: key}
  lines:
    per_parent: {of: orders, poisson: 3}
    primary_key: [order_id, line_no]
    columns:
      order_id: {kind: reference, to: orders}
      line_no:  {kind: sequence, within: order_id}
      due:      {kind: sequence, start: 2026-01-01, step: 7d, within: order_id}
"""


def test_each_parents_rows_count_from_the_start_over_any_block() -> None:
    """90,000 lines are two blocks; a parent's rows may lie in both."""
    lines = fb.generate(LINES).table("lines").to_pandas()
    assert len(lines) > 65_536
    groups = lines.groupby("order_id")
    assert (lines["line_no"] == groups.cumcount() + 1).all()
    due = lines["due"].astype("datetime64[s]")
    days = (due - due.min()).dt.days
    assert (days == (lines["line_no"] - 1) * 7).all()


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("within: order_id}\n      due", "within: order}\n      due", "not the reference that"),
        ("line_no:  {kind: sequence", "line_no:  {unique: true, kind: sequence", "starts again"),
        ("per_parent: {of: orders, poisson: 3}", "n: 40", "not the reference that `per_parent`"),
    ],
)
def test_what_can_not_be_counted_within_is_told(old: str, new: str, told: str) -> None:
    """Another column, a unique one, and rows that follow from no parent."""
    with pytest.raises(SpecError, match=told):
        fb.generate(LINES.replace(old, new))


def test_a_preview_counts_its_few_rows() -> None:
    """Its rows follow from no parent."""
    assert fb.preview(LINES, n=4)["lines"].num_rows == 4
