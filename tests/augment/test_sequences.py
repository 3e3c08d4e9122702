"""Columns that continue by rule, and quotas of classes."""

from __future__ import annotations

import uuid
from collections import Counter
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabula.augment.class_balance import levelling
from fabula.augment.sequences import continued


def after(name: str, values: list[Any], n: int = 2, *, first: bool = False) -> list[Any] | None:
    kind = pa.array(values).type
    rule = continued(name, kind, values, first=first, seed=0)
    return None if rule is None else rule(n)


@pytest.mark.parametrize(
    ("name", "values", "more"),
    [
        ("id", [5, 6, 9], [10, 11]),
        ("order_no", [10, 20, 30], [40, 50]),
        ("code", ["A9", "A10", "A11"], ["A12", "A13"]),
        ("note", [None, None], [None, None]),
        ("country", ["SE"] * 5, ["SE", "SE"]),
        ("price", [3, 1, 2], None),
        ("size", [1, 2, 3], None),
        ("id", [1, 1, 2], None),
        ("id", [1, None, 3], None),
        ("name", ["Ada", "Bo"], None),
        ("code", ["A1", "B2"], None),
    ],
)
def test_only_sure_columns_go_on(name: str, values: list[Any], more: list[Any] | None) -> None:
    """What merely looks like counting is left to the model."""
    assert after(name, values) == more


def test_the_first_column_may_count_under_any_name() -> None:
    assert after("patient", [1, 2, 3], first=True) == [4, 5]


def test_identifiers_stay_identifiers_and_repeat_by_seed() -> None:
    values = [str(uuid.UUID(int=place, version=4)) for place in range(3)]
    made = after("ref", values, 3)
    assert made is not None
    assert made == after("ref", values, 3)
    assert len({str(uuid.UUID(item)) for item in made} - set(values)) == 3


@given(st.lists(st.sampled_from("abc"), min_size=1), st.integers(0, 60))
def test_no_class_gets_a_row_while_another_has_fewer(values: list[str], n: int) -> None:
    """The quotas add up, and end as level as they can."""
    dealt = levelling(values, n)
    assert len(dealt) == n
    total = Counter(values) + Counter(dealt)
    grown = set(dealt)
    if grown:
        assert max(total[value] for value in grown) <= min(total.values()) + 1
