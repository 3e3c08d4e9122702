"""Columns that repeat a key repeat the new one, in as many rows as the real one."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

import fabula as fb
from fabula.errors import UsageError

N = 300
IDS = [f"{'abcdefghij'[at % 10]}{'klmnop'[at % 6]}bot{at:03d}" for at in range(N)]
AGES = np.random.default_rng(0).integers(20, 60, N)


def equal(table: pa.Table, first: str, second: str) -> float:
    """The share of the rows in which two columns are equal as texts."""
    both = (table.column(name).cast(pa.string()) for name in (first, second))
    return float(pc.mean(pc.equal(*both)).as_py())


def test_a_column_that_repeats_a_key_of_one_table_repeats_the_new_one(tmp_path) -> None:
    """Numbers and texts, also where the copy is of another type."""
    number = np.random.default_rng(1).permutation(9_000)[:N] + 1_000
    table = pa.table({
        "number": number, "old_number": number, "text": number.astype(str),
        "id": IDS, "old_id": IDS, "age": AGES,
    })  # fmt: skip
    model = fb.fit(table, seed=1, rounds=5)
    made = model.sample(200, seed=2)
    pairs = (("number", "old_number"), ("number", "text"), ("id", "old_id"))
    assert [equal(made, *pair) for pair in pairs] == [1, 1, 1]
    assert not set(made["old_id"].to_pylist()) & set(IDS)
    assert made.schema.field("text").type == pa.string()
    assert "old_id: repeats `id`" in str(model.card())
    model.save(tmp_path / "model.fabula")
    assert fb.load_synthesizer(tmp_path / "model.fabula").sample(200, seed=2).equals(made)
    with pytest.raises(UsageError, match="repeats `id`"):
        model.sample(3, given={"old_id": IDS[0]})


def test_a_column_that_repeats_the_key_of_a_related_table_has_as_many_other_values(
    tmp_path,
) -> None:
    """Two in a hundred differ, and have values of their own form."""
    logins = [f"x{text[1:]}" if at % 50 == 7 else text for at, text in enumerate(IDS)]
    rng = np.random.default_rng(2)
    tables = {
        "people": pa.table({"person_id": IDS, "old_id": logins, "age": AGES}),
        "orders": pa.table({"order_id": np.arange(900), "person_id": rng.choice(IDS, 900)}),
    }
    model = fb.fit(tables, seed=1, rounds=5)
    made = model.sample(4.0, seed=2)
    assert 0.96 < equal(made["people"], "person_id", "old_id") < 0.995
    assert "old_id: repeats `person_id` in 98.0 % of the rows" in str(model.card())
    model.save(tmp_path / "model")
    assert fb.load_synthesizer(tmp_path / "model").sample(4.0, seed=2) == made
