"""Triangular numbers: parameters that must agree."""

from __future__ import annotations

import pytest

from fabula.errors import CheckError
from tests.engines.builders import drawn, violation


def test_a_mode_outside_the_bounds_is_refused() -> None:
    column = {"kind": "triangular", "min": 2, "mode": 9, "max": 5}
    found = violation({"t": {"n": 3, "columns": {"x": column}}})
    assert found.message == "`mode` must lie between `min` and `max`"


def test_a_mode_outside_the_bounds_of_its_row_is_refused_naming_the_row() -> None:
    column = {"kind": "triangular", "min": 0, "mode": "id * 2", "max": 5}
    with pytest.raises(CheckError, match=r"column `x`, row 3 \(min 0, mode 6, max 5\)"):
        drawn(column, 3, id={"kind": "key"})


def test_equal_bounds_give_their_value() -> None:
    assert set(drawn({"kind": "triangular", "min": 4, "mode": 4, "max": 4}, 9)) == {4.0}
