"""Newly generated columns determine what the real ones determine."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from fabula.synthesizers.multitable.database import RelationalSynthesizer, fit_tables
from fabula.synthesizers.multitable.determinants import Determinant


def _contradictions(table: pa.Table, source: str, target: str) -> int:
    """Rows whose source stands with another target than in the first row that has it."""
    first: dict[object, object] = {}
    pairs = zip(table.column(source).to_pylist(), table.column(target).to_pylist(), strict=True)
    return sum(
        first.setdefault(value, other) != other for value, other in pairs if value is not None
    )


def _shop() -> dict[str, pa.Table]:
    """Orders that mostly go to the client's address, and else to one that a few clients have.

    An address has one recipient and one postcode; towns lie in one state, states in one country.
    """
    rng = np.random.default_rng(5)
    clients, size = 80, 600
    towns = np.array(["Graz", "Linz", "Lyon", "Nice", "Köln", "Bonn", "Ulm", "Lille"])
    state = np.array(["Steiermark", None, "Rhône", "PACA", "NRW", "NRW", None, "Nord"], object)
    country = np.array(["Austria"] * 2 + ["France"] * 2 + ["Germany"] * 3 + ["France"])
    streets = ["Ringstraße", "Rue du Parc", "Hauptstraße", "Avenue Foch", "Bahnhofstraße"]
    town = rng.integers(0, 8, clients + 40)
    address = [f"{streets[at % 5]} {at * 7 % 211 + 1}" for at in range(clients + 40)]
    kinds = ("GmbH", "SARL", "AG", "SA", "KG", "OHG", "SAS", "eG", "Ltd", "Inc", "BV", "NV", "SpA",
             "AB", "AS", "Oy", "ApS", "Corp", "LLC", "SE")  # fmt: skip
    names = ("Bauer", "Petit", "Wolf", "Roux", "Maier", "Blanc")
    company = [f"{name} {kind}" for name in names for kind in kinds]
    postcode = [f"{10_000 + at * 631 % 80_000}" for at in range(clients + 40)]
    client = np.sort(rng.integers(0, clients, size))
    place = np.where(rng.random(size) < 0.1, clients + client // 2, client)
    return {
        "clients": pa.table({
            "client_id": np.arange(clients) + 1,
            "company": company[:clients],
            "address": address[:clients],
            "city": towns[town[:clients]],
            "state": pa.array(state[town[:clients]].tolist()),
            "country": country[town[:clients]],
        }),
        "orders": pa.table({
            "order_id": np.arange(size) + 500,
            "client_id": client + 1,
            "ship_name": [company[at] for at in place],
            "ship_address": [address[at] for at in place],
            "ship_postcode": [postcode[at] for at in place],
            "ship_city": towns[town[place]],
            "pieces": rng.integers(1, 9, size),
        }),
    }  # fmt: skip


@pytest.mark.slow
def test_new_addresses_have_one_recipient_and_new_towns_one_country(tmp_path: Path) -> None:
    model = fit_tables(_shop(), seed=1, rounds=10)
    model.save(tmp_path / "model")
    loaded = RelationalSynthesizer.load(tmp_path / "model")
    for scale, seed in ((1.0, 2), (1.0, 3), (2.0, 4)):
        made = model.sample(scale, seed=seed)
        for table, source, target in (
            ("clients", "city", "state"),
            ("clients", "city", "country"),
            ("clients", "state", "country"),
            ("orders", "ship_address", "ship_name"),
            ("orders", "ship_address", "ship_postcode"),
            ("orders", "ship_postcode", "ship_city"),
            ("orders", "ship_address", "ship_city"),
        ):
            wrong = _contradictions(made[table], source, target)
            assert wrong == 0, (table, source, target, scale, seed)
        assert loaded.sample(scale, seed=seed)["orders"].equals(made["orders"])
    assert "on every row ship_postcode: follows from ship_name, ship_address" in model.card()


def test_what_two_columns_say_by_chance_is_not_kept() -> None:
    rng = np.random.default_rng(6)
    tables = _shop()
    pieces = pa.array(rng.permutation(tables["orders"].column("ship_city").to_pylist()))
    tables["orders"] = tables["orders"].append_column("depot", pieces)
    assert "depot: tells" not in fit_tables(tables, seed=1, rounds=5).card()


def test_a_label_that_stands_for_many_does_not_count_as_missing() -> None:
    made = pa.table({"town": ["A", "A", "A", "B"], "region": ["", "", "other", "X"]})

    def new(rows: np.ndarray, attempt: int) -> pa.Array:
        return pa.array([f"new {attempt}"] * len(rows))

    found = Determinant("town", ("region",)).settled(made, new, np.random.default_rng(0))
    assert found["town"].to_pylist() == ["A", "A", "new 0", "B"]
