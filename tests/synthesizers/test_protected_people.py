"""Rarity counted in people that a column tells apart."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

import fabula as fb
from fabula.errors import UsageError


def crews() -> pa.Table:
    """Rows of 300 crews, of which one has a label of its own on twenty of them."""
    rng = np.random.default_rng(1)
    crew = np.append(rng.integers(0, 300, 1_500), np.full(20, 7))
    label = np.where(np.arange(1_520) < 1_500, rng.choice(["a", "b", "c"], 1_520), "theirs")
    return pa.table(
        {"crew": [f"k{number:03d}" for number in crew], "label": label, "x": rng.normal(size=1_520)}
    )


def test_a_label_of_one_person_never_comes_back():
    drawn = fb.fit(crews(), holdout=0, seed=1, protect_by="crew").sample(2_000, seed=1)
    assert set(drawn["label"].to_pylist()) == {"a", "b", "c"}
    assert not set(drawn["crew"].to_pylist()) & set(crews()["crew"].to_pylist())


@pytest.mark.parametrize(
    ("data", "options", "told"),
    [
        (crews(), {"protect_by": "team"}, "names `team`"),
        ({"one": crews(), "two": crews()}, {"protect_by": "crew"}, "of one table"),
    ],
)
def test_a_column_that_can_not_tell_people_apart_is_refused(data, options, told):
    with pytest.raises(UsageError, match=told):
        fb.fit(data, **options)


def test_labels_of_one_person_each_are_not_drawn_where_they_have_many_rows():
    """A desk of twelve rows of one customer is not a label of many, and its sample ends."""
    rng = np.random.default_rng(1)
    first = ["Ada", "Bea", "Carl", "Dora", "Emil", "Fay", "Gus", "Hanna", "Ida", "Jon"]
    last = ["Klein", "Wolf", "Berger", "Huber", "Frank", "Lang"]
    names = [f"{one} {other}" for other in last for one in first]
    desks = [f"desk {a}{b}" for a in "abcdefghij" for b in "uvwxyz"]
    tables = {
        "customers": pa.table({"customer_id": np.arange(1, 61), "name": names}),
        "invoices": pa.table({
            "invoice_id": np.arange(720), "customer_id": np.repeat(np.arange(1, 61), 12),
            "desk": np.repeat(desks, 12), "total": rng.gamma(2, 20, 720).round(2),
        }),
    }  # fmt: skip
    made = fb.fit(tables, seed=1, rounds=5).sample(seed=2)["invoices"]
    assert made.num_rows == 720
    assert not set(made["desk"].to_pylist()) & set(desks)
