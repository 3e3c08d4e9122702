"""Descriptions of rows are counted in sorted columns, as every row by itself would be."""

from __future__ import annotations

import numpy as np

from fabula.evaluation.metrics.attacks import Predicate, _Ordered
from fabula.evaluation.metrics.frames import Column, Frame

HOLDS = {"=": np.equal, "<": np.less_equal, ">": np.greater_equal}


def test_a_description_counts_ties_and_missing_values_as_a_look_at_each_row_does() -> None:
    rng = np.random.default_rng(7)
    amounts = rng.integers(0, 9, 300).astype(float)
    amounts[rng.random(300) < 0.2] = np.nan
    frame = Frame(300, {"amount": amounts, "label": rng.integers(0, 4, 300)}, {})
    ordered = _Ordered(frame, [Column("amount", "number"), Column("label", "category")])
    for operator, holds in HOLDS.items():
        for amount in (-1.0, 0.0, 4.0, 8.0, 10.0, np.nan):
            for label in range(5):
                predicate: Predicate = (("amount", operator, amount), ("label", "=", float(label)))
                fits = np.isnan(amounts) if np.isnan(amount) else holds(amounts, amount)
                expected = int((fits & (frame["label"] == label)).sum())
                assert ordered.count(predicate) == expected, predicate
