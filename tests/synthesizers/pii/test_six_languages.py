"""Orders that repeat thirty people, in six languages and twenty kinds of columns."""

from __future__ import annotations

import random

import numpy as np
import pyarrow as pa
import pytest
from faker import Faker

import fabula as fb

PEOPLE, ORDERS = 30, 900
NAMES = (
    "c1", "ship_to", "Kunde", "Empfänger", "destinataire", "acheteur", "cliente", "beneficiario",
    "destinatario", "titolare", "odbiorca", "klient", "recipient", "billing", "who", "wer", "nom",
    "numero", "valor", "dane",
)  # fmt: skip
"""Names of columns that don't tell what is in them."""


def kinds(fake: Faker, rng: random.Random) -> list:
    """Twenty ways to name a person, as texts and as whole numbers."""
    return [
        lambda: f"{fake.first_name()} {fake.last_name()}",
        lambda: f"{fake.last_name()}, {fake.first_name()}",
        lambda: f"{fake.first_name()[0]}. {fake.last_name()}",
        fake.first_name,
        fake.last_name,
        fake.street_address,
        lambda: fake.address().replace("\n", ", "),
        fake.email,
        fake.phone_number,
        lambda: int(f"49151{rng.randrange(10**8):08}"),
        lambda: f"0151{rng.randrange(10**8):08}",
        lambda: fake.credit_card_number("visa16"),
        lambda: int(fake.credit_card_number("visa16")),
        fake.iban,
        fake.ssn,
        fake.user_name,
        fake.company,
        fake.ipv4,
        fake.uuid4,
        fake.license_plate,
    ]


@pytest.mark.slow
@pytest.mark.parametrize("code", ["en_US", "de_DE", "fr_FR", "es_ES", "it_IT", "pl_PL"])
def test_nobody_real_comes_out_of_orders(code):
    fake, rng = Faker(code), random.Random(5)
    fake.seed_instance(5)
    who = pa.array(np.random.default_rng(1).integers(0, PEOPLE, ORDERS))
    columns = {}
    for name, make in zip(NAMES, kinds(fake, rng), strict=True):
        values: dict = {}
        while len(values) < PEOPLE:
            values[make()] = None
        columns[name] = pa.array(list(values)).take(who)
    amounts = np.random.default_rng(2).lognormal(3, 1, ORDERS).round(2)
    orders = pa.table({"order": np.arange(ORDERS), **columns, "amount": amounts})
    made = fb.fit(orders, seed=1, rounds=5).sample(3 * ORDERS, seed=2)
    for name in set(NAMES) & set(made.column_names):
        assert set(orders[name].to_pylist()).isdisjoint(made[name].to_pylist()), name
