"""Trees leave out what a few rows make stand out, so that an attacker learns less of them."""

from __future__ import annotations

import numpy as np

from fabula.synthesizers.models.boosted.odds import LOSS, PACKED
from fabula.synthesizers.models.boosted.training import Growth, Rows, boost


def grown(*, alone: float, few: int, right: int) -> int:
    """Trees over rows half of which answer yes, but for a few of another code."""
    answers = np.concatenate([np.arange(400) % 2, np.arange(few) < right]).astype(np.uint8)
    codes = np.repeat([0, 1], [400, few]).astype(np.uint8)
    rows = Rows(
        len(answers), codes[None], np.array([2]), np.array([False]), np.array([5.0]),
        answers, np.zeros(len(answers), np.int32), PACKED, LOSS,
    )  # fmt: skip
    return len(boost(rows, Growth(rounds=3, alone=alone))[0])


def test_what_few_rows_make_stand_out_is_left_out() -> None:
    # 17 of 24 answer yes: the slope of their leaf is 17 / 2 - 7 / 2 = 5
    assert grown(alone=0.0, few=24, right=17) == 3
    assert grown(alone=6.0, few=24, right=17) == 0


def test_what_many_rows_have_in_common_stays() -> None:
    assert grown(alone=6.0, few=80, right=57) == 3
