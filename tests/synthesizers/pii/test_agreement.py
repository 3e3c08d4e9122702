"""What stands in for one person agrees: country, town, postcode, street, phone, name, e-mail."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pytest
from faker import Faker

import fabula as fb
from fabula.fakers.locales import load_locale

COUNTRIES = {
    "de_DE": ("Germany", "+49", "de"),
    "fr_FR": ("France", "+33", "fr"),
    "en_US": ("USA", "+1", "en"),
    "it_IT": ("Italy", "+39", "it"),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Rows of a saved and loaded model of customers of four countries."""
    rows, rng = [], np.random.default_rng(1)
    for code, (country, calling, _) in COUNTRIES.items():
        fake = Faker(code)
        fake.seed_instance(2)
        rows += [
            {
                "name": f"{fake.first_name()} {fake.last_name()}",
                "city": fake.city(),
                "zip": fake.postcode(),
                "street": fake.street_address(),
                "country": country,
                "phone": f"{calling} {rng.integers(100, 999)} {rng.integers(10**6, 10**7)}",
                "email": fake.email(),
            }
            for _ in range(120)
        ]
    model = fb.fit(pa.Table.from_pylist(rows), rounds=5)
    path = tmp_path_factory.mktemp("agreement") / "customers.fabula"
    model.save(path)
    again = fb.load_synthesizer(path).sample(400, seed=1)
    assert again.equals(model.sample(400, seed=1))
    return again.to_pylist()


@pytest.mark.slow
def test_towns_and_postcodes_are_those_of_the_country(made):
    for row in made:
        code = next(code for name, _, code in COUNTRIES.values() if name == row["country"])
        places = [place for place in load_locale(code).places if place.city == row["city"]]
        assert places, row
        assert any(re.fullmatch(place.postcodes, row["zip"]) for place in places), row


@pytest.mark.slow
def test_phones_begin_as_those_of_the_country(made):
    calling = {country: code for country, code, _ in COUNTRIES.values()}
    assert all(row["phone"].startswith(f"{calling[row['country']]} ") for row in made)


@pytest.mark.slow
def test_e_mails_hold_the_last_name(made):
    plain = [row for row in made if row["name"].isascii() and row["name"].count(" ") == 1]
    assert len(plain) > 200
    for row in plain:
        last = re.sub("[^a-z]", "", row["name"].split()[-1].lower())
        assert last in re.sub("[^a-z]", "", row["email"].split("@")[0]), row


@pytest.mark.slow
@pytest.mark.parametrize("whole", [False, True])
def test_postcodes_begin_as_those_of_a_town_that_is_learned_as_a_label(whole, tmp_path):
    """Towns of many rows stay, and their streets and postcodes are new."""
    starts = {"Berlin": 10, "Hamburg": 20, "München": 80, "Köln": 50, "Bremen": 28}
    rng, fake = np.random.default_rng(3), Faker("de_DE")
    fake.seed_instance(3)
    towns = rng.choice(list(starts), 1_000)
    codes = [starts[town] * 1_000 + int(rng.integers(0, 999)) for town in towns]
    table = pa.table(
        {
            "street": [fake.street_address() for _ in towns],
            "postcode": codes if whole else list(map(str, codes)),
            "town": towns.tolist(),
        }
    )
    model = fb.fit(table, seed=1, rounds=5)
    model.save(tmp_path / "m.fabula")
    made = fb.load_synthesizer(tmp_path / "m.fabula").sample(500, seed=2)
    pairs = zip(made["town"].to_pylist(), made["postcode"].to_pylist(), strict=True)
    assert all(str(code).startswith(str(starts[town])) for town, code in pairs)
    assert set(made["postcode"].to_pylist()).isdisjoint(codes if whole else map(str, codes))


@pytest.mark.slow
def test_no_town_lies_in_two_countries_also_where_countries_have_no_locale():
    """Countries that no locale stands for, and pooled ones, have towns of their own."""
    rng = np.random.default_rng(5)
    names = [
        "Germany",
        "USA",
        "United Kingdom",
        "Canada",
        "Chile",
        *(f"{a}{b}istan" for a in "ABCDEF" for b in "aeiou"),
    ]
    shares = np.array([0.25, 0.25, 0.16, 0.12, 0.12, *[0.1 / 30] * 30])
    fake = Faker("en_US")
    fake.seed_instance(5)
    table = pa.table(
        {
            "first_name": [fake.first_name() for _ in range(600)],
            "last_name": [fake.last_name() for _ in range(600)],
            "city": [fake.unique.city() for _ in range(600)],
            "country": rng.choice(names, 600, p=shares),
        }
    )
    made = fb.fit(table, rounds=5).sample(600, seed=1).to_pylist()
    homes: dict[str, set[str]] = {}
    for row in made:
        homes.setdefault(row["city"], set()).add(row["country"])
    assert len({row["country"] for row in made}) > 5
    assert {town: found for town, found in homes.items() if len(found) > 1} == {}


def places_of(rows: int) -> pa.Table:
    """Customers of forty towns; a town tells the country, the region, and whether a state is."""
    rng = np.random.default_rng(5)
    fake = Faker("en_US")
    fake.seed_instance(3)
    towns = list(dict.fromkeys(fake.city() for _ in range(60)))[:40]
    home = rng.integers(0, 40, rows)
    country = np.array(["USA", "Germany", "Chile", "Peru"])[home % 4]
    state = [f"State of {towns[at]}" if at % 4 == 0 or at % 8 == 2 else None for at in home]
    return pa.table(
        {
            "name": [f"{fake.first_name()} {fake.last_name()}" for _ in range(rows)],
            "street": [fake.street_address() for _ in range(rows)],
            "city": [towns[at] for at in home],
            "state": state,
            "depot": np.array(["North", "South", "West"])[home // 4 % 3],
            "country": country,
        }
    )


@pytest.mark.slow
def test_what_follows_from_a_real_town_follows_from_a_new_one(tmp_path):
    """A new town has one country and depot, and always a state or never one."""
    fb.fit(places_of(600), rounds=5, seed=1).save(tmp_path / "m.fabula")
    made = fb.load_synthesizer(tmp_path / "m.fabula").sample(900, seed=2).to_pandas()
    for column in ("country", "depot", "state"):
        assert (made.groupby("city")[column].nunique(dropna=False) == 1).all(), column
    given = made["state"].notna().groupby(made["country"]).mean()
    assert (given["USA"], given["Germany"], given["Peru"]) == (1, 0, 0)
    assert 0.1 < given["Chile"] < 0.9
    assert made["street"].nunique() > 890
