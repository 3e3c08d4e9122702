"""Birth dates that all differ in training differ in samples, too."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa
import pytest

import fabula as fb
from fabula.synthesizers.codecs.number_cells import apart

PEOPLE = 200


@pytest.mark.parametrize("as_text", [False, True])
def test_birth_dates_that_differ_do_so_in_samples(as_text: bool) -> None:
    days = np.random.default_rng(1).permutation(20_000)[:PEOPLE]
    births = [dt.date(1945, 1, 1) + dt.timedelta(days=int(day)) for day in days]
    table = pa.table({
        "birth_date": [f"{day:%d.%m.%Y}" for day in births] if as_text else births,
        "height": np.random.default_rng(2).normal(170, 9, PEOPLE).round(),
    })  # fmt: skip
    model = fb.fit(table, seed=1)
    for seed in range(5):  # 200 of 20,000 days would meet by chance in 63 % of all samples
        made = model.sample(PEOPLE, seed=seed)["birth_date"].to_pylist()
        assert len(set(made)) == PEOPLE


def test_whole_numbers_differ_as_far_as_there_is_room() -> None:
    rng = np.random.default_rng(1)
    crowded = apart(np.zeros(12), lambda rows: rng.integers(0, 3, len(rows)).astype(float), (0, 9))
    assert set(crowded) == set(range(10))
    assert len(crowded) == 12
