"""Places name nobody: rare countries stay, and rare towns join others of the same country."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from faker import Faker

import fabula as fb

ROWS = 3_000


def names_of(count: int) -> list[str]:
    """Different full names."""
    fake = Faker("en_US")
    fake.seed_instance(1)
    found: dict[str, None] = {}
    while len(found) < count:
        found[f"{fake.first_name()} {fake.last_name()}"] = None
    return list(found)


def towns_of(locale: str, count: int) -> list[str]:
    """Different towns."""
    fake = Faker(locale)
    fake.seed_instance(2)
    found: dict[str, None] = {}
    while len(found) < count:
        found[fake.city()] = None
    return list(found)


@pytest.fixture(scope="module", params=[0, 600])
def model(request):
    """Four hundred towns of two countries, most of them rare; orders of nobody or of 600 people."""
    rng = np.random.default_rng(3)
    towns = [(town, "Germany") for town in towns_of("de_DE", 200)]
    towns += [(town, "USA") for town in towns_of("en_US", 200)]
    shares = 1 / np.tile(np.arange(1, 201), 2)
    home = rng.choice(400, request.param or ROWS, p=shares / shares.sum())
    who = rng.integers(0, request.param, ROWS) if request.param else np.arange(ROWS)
    columns = {
        "town": [towns[home[at]][0] for at in who],
        "country": [towns[home[at]][1] for at in who],
        "x": rng.random(ROWS),
    }
    if request.param:
        names = names_of(request.param)
        columns["client"] = [names[at] for at in who]
    return towns, fb.fit(pa.table(columns), seed=1, rounds=5)


def test_rare_towns_join_others_of_the_same_country(model):
    towns, fitted = model
    made = fitted.sample(ROWS, seed=2)
    assert "rare ones in" in fitted.card().columns["town"]
    assert "join others of the same `country`" in fitted.card().columns["town"]
    pairs = set(zip(made["town"].to_pylist(), made["country"].to_pylist(), strict=True))
    assert pairs <= set(towns)
    assert 20 < len(pairs) < 400


@pytest.mark.parametrize("people", [False, True])
@pytest.mark.parametrize(
    "labels",
    [
        ["Germany", "France", "Iceland", "Malta", "Peru", "Chad"],
        ["de", "fr", "is", "mt", "pe", "td"],
        ["EUR", "CHF", "ISK", "USD", "PEN", "XAF"],
        ["Bayern", "Hessen", "Bremen", "Saarland", "Berlin", "Hamburg"],
    ],
)
def test_rare_countries_states_and_currencies_stay_and_a_label_that_is_none_does_not(
    people, labels
):
    rng = np.random.default_rng(4)
    values = [labels[0]] * 300 + [labels[1]] * 200 + labels[2:] * 10 + ["Mr Canary"] * 2
    order = rng.permutation(len(values))
    table = {"c1": [values[at] for at in order], "x": rng.random(len(values))}
    if people:  # each label of the last four is of one person
        names = names_of(len(values))
        table["client"] = [
            names[at % 50 if at < 500 else 50 + labels.index(values[at])]
            if values[at] in labels else names[-1]
            for at in order
        ]  # fmt: skip
    fitted = fb.fit(pa.table(table), seed=1, rounds=5, holdout=0)
    made = set(fitted.sample(4_000, seed=2)["c1"].to_pylist())
    assert set(labels) <= made
    assert "Mr Canary" not in made


def test_a_column_that_becomes_other_is_warned_of():
    names, rng = names_of(60), np.random.default_rng(6)
    who = rng.integers(0, 60, 900)
    table = pa.table(
        {
            "client": [names[at] for at in who],
            "project": [f"project {'abcdefghij'[at % 10]}{'klmnop'[at // 10]}" for at in who],
            "x": rng.random(900),
        }
    )
    card = str(fb.fit(table, seed=1, rounds=5).card())
    assert "warning: `project`: 100 % of its rows become `other`, as few people have each" in card


def test_a_country_without_a_common_town_never_has_one_of_another_country():
    """Its rows have `other` where no town of it is told; the card says so."""
    rng = np.random.default_rng(8)
    towns = ["Berlin", "Hamburg", "Paris", "Lyon", *towns_of("en_US", 9)]
    countries = ["Germany", "Germany", "France", "France", *["Malta"] * 9]
    home = np.concatenate([rng.integers(0, 4, 950), np.repeat(np.arange(4, 13), 2)])
    table = {
        "line": [countries[at][:2] + str(rng.integers(0, 2)) for at in home],
        "town": [towns[at] for at in home],
        "country": [countries[at] for at in home],
    }
    fitted = fb.fit(pa.table(table), seed=1, rounds=5, holdout=0, protect=8)
    assert any("`other` where no label is told" in told for told in fitted.card().exact)
    made = fitted.sample(4_000, seed=2)
    known = dict(zip(towns, countries, strict=True))
    pairs = set(zip(made["town"].to_pylist(), made["country"].to_pylist(), strict=True))
    assert ("other", "Malta") in pairs
    assert all(known[town] == country for town, country in pairs if town != "other")
