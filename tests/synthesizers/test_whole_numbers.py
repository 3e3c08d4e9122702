"""Whole numbers of 64 bits pass through no float."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import fabula as fb

_IDS = [2**60 + 1, 2**60 + 3, 2**60 + 7, 2**53 + 1]


def _table(numbers: list[int | None], kind: pa.DataType) -> pa.Table:
    x = np.random.default_rng(1).normal(size=len(numbers))
    return pa.table({"id": pa.array(numbers, kind), "x": x})


@pytest.mark.parametrize("kind", [pa.int64(), pa.uint64()])
def test_long_ids_with_missing_ones_come_back_exactly(kind: pa.DataType) -> None:
    numbers = [None if at % 9 == 0 else _IDS[at % 4] for at in range(300)]
    fitted = fb.fit(_table(numbers, kind), seed=1)
    assert set(fitted.sample(300).column("id").to_pylist()) == {*_IDS, None}
    given = fitted.sample(20, given={"id": _IDS[1]})
    assert set(given.column("id").to_pylist()) == {_IDS[1]}


def test_unsigned_numbers_next_to_their_limit_come_back_exactly() -> None:
    numbers: list[int | None] = [2**64 - 1 - at % 4 for at in range(300)]
    fitted = fb.fit(_table(numbers, pa.uint64()), seed=1)
    assert set(fitted.sample(300).column("id").to_pylist()) == set(numbers)


def test_a_first_spec_states_exact_bounds() -> None:
    numbers = [2**60 + 1 + at * at * 10**12 for at in range(99)]
    spec = fb.infer(_table([*numbers, None], pa.int64())).spec
    column = spec.tables["data"].columns["id"]
    assert (column.min, column.max) == (numbers[0], numbers[-1])


def test_decimals_beyond_64_bits_keep_every_place(tmp_path: Path) -> None:
    """From a file, as repeated values, and as ones that differ; `init` writes them as text."""
    rng = np.random.default_rng(4)
    few = [Decimal(f"{10**20 + 7 * at}.{at + 11}") for at in range(5)]
    many = [
        f"{rng.integers(10**17, 10**18)}{rng.integers(100, 999)}.{at % 90 + 10}"
        for at in range(300)
    ]
    path = tmp_path / "amounts.csv"
    lines = [f"{few[at % 5]},{many[at]},{rng.normal():.3f}\n" for at in range(300)]
    path.write_text("few,many,x\n" + "".join(lines))
    made = fb.fit(path, seed=1, rounds=5).sample(300, seed=1)
    assert set(made.column("few").to_pylist()) == set(few)
    values = made.column("many").to_pylist()
    assert min(map(Decimal, many)) <= min(values)
    assert max(values) <= max(map(Decimal, many))
    assert len({value % 1 for value in values}) > 20
    first = fb.generate(fb.infer(path).spec, seed=1)["amounts"]
    texts = first.column("many").to_pylist()
    assert all(re.fullmatch(r"[1-9]\d{20}\.\d\d", text) for text in texts)
