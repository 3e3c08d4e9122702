"""A person with several rows is the same in all of them: one address, one country, one age."""

from __future__ import annotations

import random
import re
import uuid
from collections import defaultdict
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from faker import Faker

import fabula as fb
from fabula.fakers.locales import load_locale

COUNTRIES = {
    "de_DE": ("Germany", "de", "+49"),
    "fr_FR": ("France", "fr", "+33"),
    "es_ES": ("Spain", "es", "+34"),
    "it_IT": ("Italy", "it", "+39"),
}
PEOPLE, ORDERS = 80, 1_600
OF_PEOPLE = ("ship_to", "ship_street", "ship_zip", "ship_city", "ship_country", "phone", "mail",
             "born", "tier")  # fmt: skip


def orders_of(people: list[dict], count: int = ORDERS) -> pa.Table:
    """Orders of some people, whose amounts depend on the country."""
    rng = random.Random(2)
    rows = []
    for number in range(count):
        person = rng.choice(people)
        low = 500 if person.get("ship_country") == "Germany" else 0
        rows.append({"order": number, **person, "amount": low + rng.randrange(300)})
    return pa.Table.from_pylist(rows)


@pytest.fixture(scope="module")
def real():
    """Orders of eighty people, most of whom live in a town of their own."""
    rng, people = random.Random(1), []
    for number in range(PEOPLE):
        code = list(COUNTRIES)[number % len(COUNTRIES)]
        country, _, calling = COUNTRIES[code]
        fake = Faker(code)
        fake.seed_instance(number)
        people.append(
            {
                "ship_to": f"{fake.first_name()} {fake.last_name()}",
                "ship_street": fake.street_address(),
                "ship_zip": fake.postcode(),
                "ship_city": fake.city(),
                "ship_country": country,
                "phone": f"{calling} {rng.randrange(10**8, 10**9)}",
                "mail": fake.email(),
                "born": fake.date_between_dates(date(1946, 1, 1), date(2007, 12, 31)),
                "tier": rng.choice(["free", "plus", "pro"]),
            }
        )
    return orders_of(people)


@pytest.fixture(scope="module")
def model(real, tmp_path_factory):
    """The orders, learned, saved and loaded."""
    path = tmp_path_factory.mktemp("orders") / "orders.fabula"
    fb.fit(real, seed=1, rounds=20).save(path)
    return fb.load_synthesizer(path)


@pytest.fixture(scope="module")
def made(model):
    """New orders."""
    return model.sample(ORDERS, seed=3)


def told_by(table: pa.Table, key: str) -> dict[str, dict[str, set]]:
    """The values of each column for each person."""
    found: dict = defaultdict(lambda: defaultdict(set))
    for row in table.to_pylist():
        for name, value in row.items():
            found[row[key]][name].add(value)
    return found


@pytest.mark.slow
def test_all_rows_of_a_person_tell_the_same(real, made):
    people = told_by(made, "ship_to")
    assert len(people) == len(told_by(real, "ship_to"))
    for name in OF_PEOPLE:
        assert all(len(told[name]) == 1 for told in people.values()), name
    assert len(pc.unique(made["amount"])) > 100


@pytest.mark.slow
def test_the_address_of_a_person_is_one_whole(made):
    of_country = {country: (code, calling) for country, code, calling in COUNTRIES.values()}
    for row in made.to_pylist():
        code, calling = of_country[row["ship_country"]]
        places = [place for place in load_locale(code).places if place.city == row["ship_city"]]
        assert places, row
        assert any(re.fullmatch(place.postcodes, row["ship_zip"]) for place in places), row
        assert row["phone"].startswith(f"{calling} "), row


def test_nobody_real_and_no_word_for_rare_towns_comes_out(real, made):
    for name in ("ship_to", "ship_street", "ship_zip", "phone", "mail"):
        assert set(real[name].to_pylist()).isdisjoint(made[name].to_pylist()), name
    assert "other" not in made["ship_city"].to_pylist()


def test_what_depends_on_a_person_still_does(made):
    german = pc.equal(made["ship_country"], "Germany")
    amounts = [made.filter(rows)["amount"] for rows in (german, pc.invert(german))]
    assert pc.quantile(amounts[0], 0.1)[0].as_py() > pc.quantile(amounts[1], 0.9)[0].as_py()


@pytest.mark.slow
def test_people_stay_the_same_in_every_block_and_with_every_number_of_workers(model):
    made = model.sample(70_000, seed=3, workers=2)
    assert made.slice(0, 100).equals(model.sample(70_000, seed=3).slice(0, 100))
    people = told_by(made.slice(65_000), "ship_to")
    assert all(len(told["ship_country"]) == 1 for told in people.values())
    assert set(people) <= set(told_by(made.slice(0, 60_000), "ship_to"))


@pytest.mark.slow
def test_rows_of_a_country_that_is_asked_for_are_of_people_who_live_there(model):
    made = model.sample(300, given={"ship_country": "Spain"}, seed=1)
    assert set(made["ship_country"].to_pylist()) == {"Spain"}
    assert all(phone.startswith("+34 ") for phone in made["phone"].to_pylist())
    people = told_by(made, "ship_to").values()
    assert all(len(told[name]) == 1 for told in people for name in OF_PEOPLE)
    shared = model.sample(400, shares={"ship_country": {"Italy": 0.7}}, seed=1)
    assert pc.sum(pc.equal(shared["ship_country"], "Italy")).as_py() == 280
    assert all(len(told["ship_country"]) == 1 for told in told_by(shared, "ship_to").values())


def test_a_rule_between_a_person_and_an_order_is_kept(real):
    """A row that would break it is that of a new person."""
    free = pc.and_(pc.equal(real["tier"], "free"), pc.greater(real["amount"], 400))
    table = real.select(["ship_to", "tier", "amount"]).filter(pc.invert(free))
    columns = {"tier": {"kind": "choice", "values": ["free", "plus", "pro"]}}
    columns["amount"] = {"kind": "uniform", "min": 0, "max": 900}
    checks = [{"kind": "row", "sql": "tier <> 'free' OR amount <= 400"}]
    spec = {"tables": {"orders": {"n": 9, "columns": columns, "checks": checks}}}
    model = fb.fit(table, spec=spec, seed=1, rounds=20)
    made = model.sample(1_000, seed=2)
    assert all(row["tier"] != "free" or row["amount"] <= 400 for row in made.to_pylist())
    assert all(len(told["tier"]) == 1 for told in told_by(made, "ship_to").values())


def test_towns_of_many_people_stay_labels_that_postcodes_begin_as():
    starts = {"Berlin": 10, "Hamburg": 20, "München": 80, "Köln": 50, "Bremen": 28}
    rng, fake = random.Random(5), Faker("de_DE")
    fake.seed_instance(5)
    people = []
    for number in range(150):
        town = list(starts)[number % 5]
        people.append(
            {
                "name": f"{fake.first_name()} {fake.last_name()}",
                "street": fake.street_address(),
                "postcode": str(starts[town] * 1_000 + rng.randrange(999)),
                "town": town,
            }
        )
    made = fb.fit(orders_of(people, 1_200), seed=1, rounds=10).sample(1_000, seed=1)
    pairs = zip(made["town"].to_pylist(), made["postcode"].to_pylist(), strict=True)
    assert all(code.startswith(str(starts[town])) for town, code in pairs)
    for told in told_by(made, "name").values():
        assert all(len(told[name]) == 1 for name in ("street", "postcode", "town"))


def test_what_changes_from_row_to_row_is_not_held_to_be_the_persons():
    rng, fake = random.Random(6), Faker("en_US")
    fake.seed_instance(6)
    people = [{"name": f"{fake.first_name()} {fake.last_name()}"} for _ in range(60)]
    table = orders_of(people, 1_200)
    state = [rng.choices(["paid", "open"], [0.97, 0.03])[0] for _ in range(1_200)]
    made = fb.fit(table.append_column("state", pa.array(state)), seed=1, rounds=10).sample(
        1_200, seed=1
    )
    several = sum(len(told["state"]) > 1 for told in told_by(made, "name").values())
    assert several > 10


@pytest.mark.slow
def test_people_of_a_table_among_others_tell_the_same_in_all_of_their_rows(real):
    shops = pa.table({"shop_id": np.arange(40), "size": np.arange(40) % 7})
    where = np.random.default_rng(4).integers(0, 40, len(real))
    made = fb.fit({"shops": shops, "orders": real.append_column("shop_id", pa.array(where))},
                  rounds=10).sample(seed=1)["orders"]  # fmt: skip
    people = told_by(made, "ship_to").values()
    assert PEOPLE - 6 <= len(people) <= PEOPLE  # some draw one birth date, which tells the rest
    for name in OF_PEOPLE:
        assert all(len(told[name]) == 1 for told in people), name


def test_no_value_of_a_single_person_is_in_a_rule_of_the_model(real, tmp_path):
    """Twenty rows of one birth date are those of one person."""
    born = real["born"].to_pylist()
    pay = pa.array([20_000 + day.toordinal() % 9_973 for day in born])
    table = real.select(["ship_to", "born", "tier", "amount"]).append_column("pay", pay)
    model = fb.fit(table, seed=1, rounds=5)
    assert "follows from born" not in str(model.card())
    model.save(tmp_path / "m.fabula")
    made = model.sample(2_000, seed=1)
    chance = 2 * len(set(pay.to_pylist())) / 9_973
    met = pc.mean(pc.is_in(made["pay"], value_set=pc.unique(pay)).cast(pa.int8())).as_py()
    assert met < 0.2 + chance


@pytest.mark.parametrize("key", ["number", "code", "uuid", "first and last name"])
def test_people_are_told_by_whatever_tells_them_and_no_number_of_theirs_comes_out(real, key):
    names = pc.unique(real["ship_to"]).to_pylist()
    who = [names.index(name) for name in real["ship_to"].to_pylist()]
    told = {
        "number": {"customer_id": [at + 1 for at in who]},
        "code": {"customer_no": [f"C-{at:04}" for at in who]},
        "uuid": {"patient_id": [str(uuid.UUID(int=at * 7**40)) for at in who]},
        "first and last name": {
            "c1": [names[at].split(" ", 1)[0] for at in who],
            "c2": [names[at].split(" ", 1)[1] for at in who],
        },
    }[key]
    table = real.select(["ship_country", "born", "tier", "amount"])
    for name, values in told.items():
        table = table.append_column(name, pa.array(values))
    model = fb.fit(table, seed=1, rounds=5)
    made = model.sample(ORDERS, seed=2)
    lead = made[next(iter(told))]
    if len(told) > 1:
        lead = pc.binary_join_element_wise(made["c1"], made["c2"], " ")
    else:
        assert set(table[next(iter(told))].to_pylist()).isdisjoint(lead.to_pylist())
    people = told_by(made.append_column("who", lead), "who")
    assert len(people) == PEOPLE
    for name in ("ship_country", "born", "tier"):
        assert all(len(each[name]) == 1 for each in people.values()), name
    assert "0 values" in model.card().columns["born"]
