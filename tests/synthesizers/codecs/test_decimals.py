"""Numbers keep as many decimals as the real ones have."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from fabula.synthesizers.codecs.fixed_point import Lattice


@pytest.mark.parametrize("decimals", range(13))
def test_up_to_twelve_decimals_are_kept(decimals: int) -> None:
    numbers = np.random.default_rng(decimals).uniform(-900, 900, 500).round(decimals)
    assert Lattice.of(pa.array(numbers)).step == pytest.approx(10.0**-decimals)


def test_floats_of_all_digits_have_no_step() -> None:
    assert Lattice.of(pa.array(np.random.default_rng(0).uniform(-900, 900, 500))).step is None
