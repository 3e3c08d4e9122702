"""A spec inferred from data lists no personal value, whatever its column is called."""

from __future__ import annotations

import random

import pyarrow as pa
from mimesis import Person
from mimesis.locales import Locale

import fabula as fb


def test_people_in_a_column_without_a_telling_name_are_not_listed():
    person, rng = Person(Locale.EN, seed=4), random.Random(4)
    names = [person.full_name() for _ in range(15)]
    phones = [int(f"49151{rng.randrange(10**8):08}") for _ in range(15)]
    spec = fb.infer(pa.table({"c1": names * 20, "c2": phones * 20}))
    text = spec.to_yaml()
    assert "person" in text
    assert not any(name in text for name in names)
    assert not any(str(phone) in text for phone in phones)
