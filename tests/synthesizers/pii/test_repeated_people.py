"""What is personal never comes back as a label, however often it repeats."""

from __future__ import annotations

import datetime as dt
import random

import numpy as np
import polars
import pyarrow as pa
import pytest
from mimesis import Address, Finance, Person
from mimesis.locales import Locale

import fabula as fb
from fabula.errors import UsageError
from fabula.io.tables import as_table
from fabula.pii.check_digits import is_card, with_card_check

PEOPLE, ORDERS = 30, 900
NAMES = (
    "ship_to", "c1", "Kunde", "Empfänger", "destinataire", "cliente", "beneficiario", "odbiorca",
    "mottaker", "recipient",
)  # fmt: skip


@pytest.fixture(scope="module")
def people():
    """Thirty people: name, street, e-mail, phone and card."""
    person, address, rng = Person(Locale.EN, seed=9), Address(Locale.EN, seed=9), random.Random(9)
    return {
        "name": [person.full_name() for _ in range(PEOPLE)],
        "street": [address.address() for _ in range(PEOPLE)],
        "email": [f"{n}{person.email()}" for n in range(PEOPLE)],
        "phone": [int(f"49151{rng.randrange(10**8):08}") for _ in range(PEOPLE)],
        "card": [
            int(with_card_check(f"5{rng.randrange(10**14):014}0")) for _ in range(PEOPLE)
        ],
    }  # fmt: skip


@pytest.fixture(scope="module")
def orders(people):
    """Orders of these people, their details under names that tell nothing."""
    who = np.random.default_rng(1).integers(0, PEOPLE, ORDERS)
    columns = {
        f"{name}{kind}": pa.array([values[at] for at in who])
        for name, (kind, values) in zip(NAMES, [*people.items(), *people.items()], strict=True)
    }
    return pa.table({"order": np.arange(ORDERS), **columns})


@pytest.fixture(scope="module")
def model(orders):
    """The orders, learned."""
    return fb.fit(orders, seed=1, rounds=5)


def test_no_real_person_comes_out_of_orders_that_repeat_them(orders, model):
    made = model.sample(ORDERS, seed=2)
    for name in orders.column_names[1:]:
        real = set(orders[name].to_pylist())
        assert real.isdisjoint(made[name].to_pylist()), name
        assert made.schema.field(name).type == orders.schema.field(name).type


def test_as_many_people_come_out_as_went_in_and_copies_of_a_column_agree(orders, model):
    made = model.sample(ORDERS, seed=2)
    names = [name for name in orders.column_names if name.endswith("name")]
    assert len(set(made[names[0]].to_pylist())) == PEOPLE
    assert made[names[0]].equals(made[names[1]])
    cards = next(name for name in orders.column_names if name.endswith("card"))
    assert all(is_card(str(card)) for card in made[cards].to_pylist())


def test_no_real_person_is_in_the_saved_file(model, people, tmp_path):
    import zipfile

    model.save(tmp_path / "m.fabula")
    with zipfile.ZipFile(tmp_path / "m.fabula") as archive:
        held = b"".join(archive.read(name) for name in archive.namelist())
    for values in people.values():
        assert not any(str(value).encode() in held for value in values)
    again = fb.load_synthesizer(tmp_path / "m.fabula")
    assert again.sample(50, seed=3).equals(model.sample(50, seed=3))


def test_the_card_says_what_was_found_and_why(model):
    assert "known first name" in str(model.card())
    assert len(model.personal) == 2 * 5


def test_copies_of_a_personal_column_of_another_table_do_not_come_out():
    person, address, company = (kind(Locale.EN, seed=4) for kind in (Person, Address, Finance))
    firms = [f"{company.company().split()[0]} {person.last_name()}" for _ in range(60)]
    rng = np.random.default_rng(2)
    who = rng.integers(0, 60, 400)
    customers = pa.table(
        {
            "id": np.arange(60),
            "companyName": firms,
            "contact": [person.full_name() for _ in firms],
            "address": [address.address() for _ in firms],
        }
    )
    orders = pa.table(
        {
            "id": np.arange(400),
            "customer_id": who,
            "shipName": customers["companyName"].take(pa.array(who)),
            "shipAddress": customers["address"].take(pa.array(who)),
            "freight": np.round(rng.lognormal(2, 1, 400), 2),
        }
    )
    made = fb.fit({"customers": customers, "orders": orders}, rounds=5).sample(seed=1)
    for column in ("companyName", "contact", "address"):
        real = set(customers[column].to_pylist())
        for table in made.values():
            for name in table.column_names:
                assert real.isdisjoint(table[name].to_pylist()), name


def test_rare_labels_that_are_many_do_not_eat_a_column():
    rng = np.random.default_rng(3)
    labels = pa.array([f"town {chr(97 + n % 26)}{chr(97 + n // 26)}" for n in range(400)])
    drawn = labels.take(pa.array(rng.integers(0, 400, 3_000)))
    table = pa.table({"town": drawn, "x": rng.random(3_000)})
    planted = pa.table({"town": [f"canary {chr(97 + n)}" for n in range(20)], "x": rng.random(20)})
    model = fb.fit(pa.concat_tables([table, planted]), seed=1, rounds=5, holdout=0)
    made = model.sample(6_000, seed=1)["town"].to_pylist()
    assert made.count("other") <= 0.2 * len(made)
    assert not any(label.startswith("canary") for label in made)
    assert "rows or more" in model.card().columns["town"]


@pytest.mark.parametrize("told_by", ["email", "patient_id"])
def test_rare_labels_are_counted_in_people_and_not_in_rows(told_by):
    rng = np.random.default_rng(7)
    who = rng.integers(0, 60, 1_500)
    person = Person(Locale.EN, seed=9)
    ids = [f"{n}{person.email()}" if told_by == "email" else 10_000 + 131 * n for n in range(60)]
    labels = np.array(["flu", "cold"])[rng.integers(0, 2, 1_500)].astype(object)
    labels[who == 7] = "a rare illness"  # one person in about 25 rows
    table = pa.table(
        {told_by: pa.array([ids[at] for at in who]), "illness": labels.tolist(), "x": who % 5}
    )
    model = fb.fit(table, seed=1, rounds=5, holdout=0)
    made = model.sample(3_000, seed=1)
    assert set(made["illness"].to_pylist()) == {"flu", "cold"}
    assert set(ids).isdisjoint(made[told_by].to_pylist())
    told = model.card().columns["illness"]
    assert told == f"2 labels, rare ones in {(who == 7).sum()} rows hidden" + (
        f" (counted in people, by {told_by})"
    )


def test_rare_labels_of_visits_are_counted_in_patients():
    rng = np.random.default_rng(7)
    who = rng.integers(0, 60, 800)
    person = Person(Locale.EN, seed=9)
    patients = pa.table({"id": np.arange(60), "name": [person.full_name() for _ in range(60)]})
    labels = np.array(["flu", "cold"])[rng.integers(0, 2, 800)].astype(object)
    labels[who == 7] = "a rare illness"
    visits = pa.table({"id": np.arange(800), "patient_id": who, "illness": labels.tolist()})
    made = fb.fit({"patients": patients, "visits": visits}, rounds=5).sample(seed=1)
    assert set(made["visits"]["illness"].to_pylist()) == {"flu", "cold"}


def test_sensitive_columns_are_replaced_whatever_they_hold():
    rng = np.random.default_rng(5)
    wards = pa.array([f"ward {letter}" for letter in "abcdef"]).take(
        pa.array(rng.integers(0, 6, 300))
    )
    table = pa.table(
        {
            "ward": wards,
            "room": rng.integers(100, 112, 300),
            "dose": rng.random(300),
            "x": rng.integers(0, 5, 300),
        }
    )
    plain = fb.fit(table, rounds=5)
    assert set(plain.sample(300)["ward"].to_pylist()) <= set(wards.to_pylist())
    model = fb.fit(table, sensitive=["ward", "room", "dose"], rounds=5)
    made = model.sample(300, seed=1)
    assert set(wards.to_pylist()).isdisjoint(made["ward"].to_pylist())
    assert model.personal == ("ward", "room")
    assert "named as sensitive" in model.card().columns["room"]
    assert "named as sensitive" in model.card().left_out["dose"]
    assert "dose" not in made.column_names
    with pytest.raises(UsageError, match="`sensitive` names `wad`") as wrong:
        fb.fit(table, sensitive=["wad"])
    assert wrong.value.hint == "did you mean `ward`?"
    two = {"stays": table, "other": pa.table({"y": rng.integers(0, 9, 60)})}
    made = fb.fit(two, sensitive=["stays.ward"], rounds=5).sample(seed=1)
    assert set(wards.to_pylist()).isdisjoint(made["stays"]["ward"].to_pylist())
    with pytest.raises(UsageError, match="no column `wad`"):
        fb.fit(two, sensitive=["stays.wad"])


@pytest.mark.parametrize("frame", ["pandas", "polars", "arrow"])
def test_categories_of_personal_details_are_replaced_and_stay_categories(people, frame):
    """Frames hold texts as categories to save memory, which asks for nothing."""
    who = np.random.default_rng(1).integers(0, PEOPLE, ORDERS)
    texts = {name: pa.array([people[name][at] for at in who]) for name in ("name", "email")}
    texts["plan"] = pa.array(["free", "paid", "none"] * (ORDERS // 3))
    table = pa.table({name: values.dictionary_encode() for name, values in texts.items()})
    given = {"pandas": table.to_pandas, "polars": lambda: polars.from_arrow(table)}.get(frame)
    given = table if given is None else given()
    model = fb.fit(given, seed=1, rounds=5)
    assert model.personal == ("name", "email")
    made = model.sample(2 * ORDERS, seed=2)
    rows = pa.table(made) if frame == "polars" else as_table(made)
    assert all(pa.types.is_dictionary(kind) for kind in rows.schema.types)
    assert not any(column.null_count for column in rows.columns)
    for name in ("name", "email"):
        assert set(people[name]).isdisjoint(rows[name].to_pylist())
    assert set(rows["plan"].to_pylist()) == {"free", "paid", "none"}


def test_categories_that_may_be_names_are_learned_with_a_warning():
    """Products called like people: their owner decides, and the card says what was decided."""
    person = Person(Locale.EN, seed=4)
    lamps = [f"{word} desk lamp" for word in ("Oak", "Steel", "Brass", "Glass", "Paper", "Stone")]
    labels = [person.full_name() for _ in range(5)] + lamps
    values = pa.array([labels[at % len(labels)] for at in range(660)])
    table = pa.table({"item": values.dictionary_encode(), "n": range(660)})
    model = fb.fit(table, rounds=5)
    assert "item" not in model.personal
    assert "`item` may hold names of people" in str(model.card())
    replaced = fb.fit(table, sensitive=["item"], rounds=5)
    assert set(labels).isdisjoint(replaced.sample(100)["item"].to_pylist())


@pytest.mark.parametrize("form", [None, "%d.%m.%Y", "%Y%m%d"])
def test_birth_dates_are_blurred_and_said_to_be_personal(form):
    rng = random.Random(3)
    days = [dt.date(1930, 1, 1) + dt.timedelta(days=rng.randrange(28_000)) for _ in range(600)]
    values = days if form is None else [day.strftime(form) for day in days]
    model = fb.fit(pa.table({"c1": values, "n": range(600)}), seed=1, rounds=5)
    assert model.personal == ("c1",)
    assert "birth dates, drawn evenly within each interval" in model.card().columns["c1"]
    made = model.sample(600, seed=2)["c1"].to_pylist()
    met = sum(value in set(values) for value in made)
    chance = 600 / 28_000
    assert met <= 600 * chance + 5 * (600 * chance) ** 0.5


def test_no_person_of_a_row_that_was_kept_out_comes_out_either():
    """Common names meet by chance: a tenth of these would."""
    rng = np.random.default_rng(7)
    first, last = ["James", "Mary", "John", "Anna"], ["Smith", "Brown", "Jones", "Miller", "Davis"]
    pairs = [f"{given} {family}" for given in first for family in last]
    names = [pairs[at] for at in rng.integers(0, len(pairs), 60)]
    person = Person(Locale.EN, seed=7)
    names += [f"{person.first_name()} {person.last_name()}" for _ in range(600)]
    model = fb.fit(pa.table({"c1": names, "n": range(660)}), seed=1, holdout=0.5, rounds=5)
    assert set(names).isdisjoint(model.sample(5_000, seed=3)["c1"].to_pylist())


@pytest.mark.parametrize(
    "labels",
    [
        ["pherrmann", "gwilms", "qsaeuberlich", "borisstey", "ofritsch"],
        ["Haase", "Wilmsen", "Gieß"],
        ["Helfried", "Tassilo", "Mattias", "Wilfriede"],
        ["cemal6070", "cmuehle44", "mpruschke78"],
    ],
)
def test_few_labels_that_may_be_people_are_named_with_the_way_to_replace_them(labels):
    table = pa.table({"c1": labels * 150, "n": np.arange(150 * len(labels)) % 7})
    model = fb.fit(table, seed=1, rounds=5)
    if "c1" not in model.personal:
        assert f"`c1` may name people: some of its {len(labels)} labels" in str(model.card())
    made = fb.fit(table, seed=1, rounds=5, sensitive=["c1"]).sample(400, seed=2)
    assert set(labels).isdisjoint(made["c1"].to_pylist())


@pytest.mark.parametrize(
    "labels",
    [
        ["red", "green", "dark blue"],
        ["southwest", "southeast", "northwest"],
        ["Setosa", "Versicolor", "Virginica"],
        ["Wife", "Husband", "Own-child", "Unmarried"],
        ["new", "regular", "lost"],
        ["Berlin", "Hamburg", "Bremen"],
        ["gold.pdf", "silver.pdf"],
        ["USR1", "LON2", "GEO3"],
    ],
)
def test_labels_of_everyday_use_are_not_said_to_name_people(labels):
    table = pa.table({"c1": labels * 50, "n": np.arange(50 * len(labels)) % 7})
    assert "may name people" not in str(fb.fit(table, seed=1, rounds=5).card())
