"""Networks learn rare labels of a column with many of them as one."""

from __future__ import annotations

import numpy as np

from fabula.synthesizers.model import CellColumn
from fabula.synthesizers.models.deep.pooling import MOST, Pooling


def _columns(missing: bool) -> tuple[CellColumn, ...]:
    counts = np.random.default_rng(1).permutation(np.arange(1, 1_001))
    return (
        CellColumn("few", np.array([30, 20], np.int64), ordered=False, missing=False),
        CellColumn("many", counts, ordered=False, missing=missing),
        CellColumn("number", np.ones(600, np.int64), ordered=True, missing=False),
    )


def test_labels_come_back_as_often_as_in_training() -> None:
    """Frequent labels and gaps stay; bounds of 5σ for the rare ones, drawn from one cell."""
    for missing in (False, True):
        columns, rng = _columns(missing), np.random.default_rng(2)
        pooling = Pooling(columns)
        assert [column.cells for column in pooling.pooled] == [2, MOST + 1 + missing, 600]
        assert [column.counts.sum() for column in pooling.pooled] == [
            column.counts.sum() for column in columns
        ]
        many = np.repeat(np.arange(1_000), columns[1].counts)
        codes = np.column_stack([many % 2, many, many % 600]).astype(np.int32)
        opened = pooling.opened(pooling.closed(codes), rng)
        assert (opened[:, [0, 2]] == codes[:, [0, 2]]).all()
        rare = np.isin(many, np.flatnonzero(pooling.cells[1] == MOST))
        assert (opened[~rare] == codes[~rare]).all()
        counts = np.bincount(opened[rare, 1], minlength=1_000)
        wanted = np.bincount(many[rare], minlength=1_000)
        assert (np.abs(counts - wanted) <= 5 * np.sqrt(2 * wanted) + 5).all()


def test_a_rare_label_can_be_asked_for() -> None:
    pooling = Pooling(_columns(False))
    wanted = int(np.flatnonzero(pooling.cells[1] == MOST)[7])
    asked = {1: (np.arange(1_000) == wanted).astype(float)}
    weights = pooling.weights(asked)[1]
    assert (weights > 0).nonzero()[0].tolist() == [MOST]
    drawn = np.full((50, 3), MOST, np.int32)
    drawn[:, [0, 2]] = 0
    assert set(pooling.opened(drawn, np.random.default_rng(1), asked)[:, 1]) == {wanted}


def test_columns_of_few_labels_stay_as_they_are() -> None:
    pooling = Pooling(_columns(False)[:1])
    assert not pooling.cells
    assert pooling.told == ""
