"""What is personal never comes back as a label, however often it repeats."""

from __future__ import annotations

import random

import numpy as np
import pyarrow as pa
import pytest
from mimesis import Address, Finance, Person
from mimesis.locales import Locale

import fabula as fb
from fabula.errors import UsageError
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
