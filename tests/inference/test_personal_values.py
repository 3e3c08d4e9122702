"""A spec inferred from data lists no personal value, whatever its column is called."""

from __future__ import annotations

import random

import pyarrow as pa
import pytest
from mimesis import Person
from mimesis.locales import Locale

import fabula as fb
from fabula.kinds.choice import Choice


def test_people_in_a_column_without_a_telling_name_are_not_listed():
    person, rng = Person(Locale.EN, seed=4), random.Random(4)
    names = [person.full_name() for _ in range(15)]
    phones = [int(f"49151{rng.randrange(10**8):08}") for _ in range(15)]
    spec = fb.infer(pa.table({"c1": names * 20, "c2": phones * 20}))
    text = spec.to_yaml()
    assert "person" in text
    assert not any(name in text for name in names)
    assert not any(str(phone) in text for phone in phones)


@pytest.mark.parametrize("state", ["{}{}", "STATE OF {}{}"])
def test_states_keep_the_way_they_are_written(state: str) -> None:
    """Generated addresses write them out, so others are listed."""
    states = [state.format(one, other) for one in "ABCDEF" for other in "LMNOPQ"]
    table = pa.table({"state": states * 20, "city": [f"Town {at % 150}" for at in range(720)]})
    column = fb.infer({"sales": table}).spec.tables["sales"].columns["state"]
    assert isinstance(column, Choice)
    assert set(column.values) == set(states)
