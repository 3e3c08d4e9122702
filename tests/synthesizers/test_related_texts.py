"""Related tables whose times are texts and whose rows tell of people."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fabula.synthesizers.multitable.database import RelationalSynthesizer, fit_tables
from tests.synthesizers.codecs.test_prose import NOUNS, note_of

FIRST = ("Anna", "John", "Mary", "Paul", "Linda", "Michael", "Sarah")
LAST = ("Smith", "Jones", "Brown", "Walker", "Hill", "Cooper")


def shop_files() -> dict[str, pa.Table]:
    """Customers and their orders as files without types have them: times are texts."""
    rng = np.random.default_rng(4)
    people = 120
    names = [
        f"{a} {b}"
        for a, b in zip(*(rng.choice(names, people) for names in (FIRST, LAST)), strict=True)
    ]
    orders: list[tuple[int, str, str]] = []
    for customer in range(1, people + 1):
        day = np.datetime64("2024-01-01") + int(rng.integers(0, 60))
        for _ in range(int(rng.integers(1, 6))):
            sent = day + int(rng.integers(1, 4))
            orders.append((customer, _german(day), _german(sent)))
            day = day + int(rng.integers(5, 10))
    customer, placed, sent = zip(*orders, strict=True)
    return {
        "customers": pa.table({"customer_id": range(1, people + 1), "contact_name": names}),
        "orders": pa.table(
            {
                "order_id": range(1, len(orders) + 1),
                "customer_id": customer,
                "placed": placed,
                "sent": sent,
            }
        ),
    }


def test_times_as_texts_keep_their_pace_and_people_get_other_names(tmp_path):
    """Gaps of 5 to 9 days, 1 to 3 days until it is sent, all written as in the file."""
    real = shop_files()
    model = fit_tables(real, seed=1)
    made = model.sample(seed=2)
    orders = made["orders"].to_pydict()
    placed, sent = (
        np.array([dt.datetime.strptime(text, "%d.%m.%Y") for text in orders[name]], "M8[D]")
        for name in ("placed", "sent")
    )
    assert set((sent - placed).astype(int)) == {1, 2, 3}
    same = np.diff(orders["customer_id"]) == 0
    gaps = np.diff(placed).astype(int)[same]
    assert ((gaps >= 5) & (gaps <= 9)).mean() > 0.95
    names = made["customers"].column("contact_name")
    assert names.null_count == 0
    assert len(set(names.to_pylist()) & set(real["customers"]["contact_name"].to_pylist())) <= 3
    model.save(tmp_path / "shop.fabula")
    again = RelationalSynthesizer.load(tmp_path / "shop.fabula").sample(seed=2)
    assert all(again[name].equals(table) for name, table in made.items())


def test_details_are_made_even_of_tables_too_small_to_learn():
    """Nine employees get names and telephone numbers, and days of about the same years."""
    people = {
        "employee_id": range(1, 10),
        "first_name": [*FIRST, "Ben", "Eve"],
        "phone": [f"(206) 555-98{number}" for number in range(51, 60)],
        "hired": [f"199{year}-05-01" for year in range(1, 10)],
    }
    tables = {"employees": pa.table(people), "customers": shop_files()["customers"]}
    model = fit_tables(tables)
    made = model.sample()["employees"]
    assert made.column_names == ["employee_id", "first_name", "phone", "hired"]
    assert pc.all(pc.match_substring_regex(made["phone"], r"^\(\d{3}\) \d{3}-\d{4}$")).as_py()
    assert pc.all(pc.match_substring_regex(made["hired"], r"^199\d-\d\d-\d\d$|^2000-")).as_py()
    assert "9 rows are too few" in model.card()


def _german(day: np.datetime64) -> str:
    return ".".join(reversed(str(day).split("-")))


def test_texts_of_children_follow_their_parents_values():
    """Notes of accounts of two kinds; the kind stands in the parent alone."""
    rng = np.random.default_rng(7)
    accounts, notes = 150, 600
    kinds = rng.choice([*NOUNS], accounts)
    account = rng.integers(0, accounts, notes)
    real = {
        "accounts": pa.table({"account_id": range(1, accounts + 1), "kind": kinds}),
        "notes": pa.table(
            {
                "note_id": range(1, notes + 1),
                "account_id": account + 1,
                "note": [note_of(kind, 20, rng) for kind in kinds[account]],
            }
        ),
    }
    model = fit_tables(real, seed=1)
    assert "note: free text, newly written" in model.card()
    made = model.sample(seed=2)
    texts = made["notes"].column("note").to_pylist()
    assert not set(texts) & set(real["notes"]["note"].to_pylist())
    kind_of = dict(zip(*made["accounts"].to_pydict().values(), strict=True))
    agree = [
        max(NOUNS, key=lambda kind: sum(map(text.lower().count, NOUNS[kind]))) == kind_of[key]
        for key, text in zip(made["notes"]["account_id"].to_pylist(), texts, strict=True)
    ]
    assert np.mean(agree) > 0.9
