"""Numbers of things that come in several rows each, and labels that only look like people."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from fabula.pii import find
from fabula.synthesizers.fitting import fit


@pytest.mark.parametrize("name", ["nr", "id", "firm"])
def test_numbers_of_few_rows_each_are_newly_made(name: str) -> None:
    """As labels all of them are rare, and the column would be empty."""
    rng = np.random.default_rng(2)
    firms = rng.choice(9_000, 300, replace=False) + 1_000
    level = rng.normal(0, 1, 300)
    table = pa.table(
        {
            name: np.repeat(firms, 8),
            "year": np.tile(np.arange(1980, 1988), 300),
            "wage": (np.repeat(level, 8) + rng.normal(0, 0.3, 2_400)).round(3),
        }
    )
    made = fit(table, seed=1).sample(2_000, seed=1)[name]
    assert made.null_count == 0
    assert not set(made.to_pylist()) & set(firms.tolist())
    assert 100 < len(made.unique()) < 600


@pytest.mark.parametrize(
    "labels",
    [
        ["heinz28", "heinz32", "heinz41", "hunts32"],
        ["little effect", "modest loss", "major loss", "net gain"],
    ],
)
def test_labels_of_goods_and_of_effects_are_not_people(labels: list[str]) -> None:
    assert find(pa.array(labels * 100), "choice") is None


@pytest.mark.parametrize(
    ("texts", "kind"),
    [
        (["anna berg", "karl jansson", "eva holm"], "name"),
        (["asmith12", "bjones7", "cmiller3"], "username"),
    ],
)
def test_people_in_lower_case_are_still_found(texts: list[str], kind: str) -> None:
    found = find(pa.array(texts * 100), "handled_by")
    assert found is not None
    assert found.kind == kind
