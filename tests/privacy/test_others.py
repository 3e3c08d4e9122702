"""Columns of people other than the row's person: doctors, shippers, contacts."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import fabula as fb
from tests.privacy.conftest import customers

DOCTORS = ("Gregory House", "Lisa Cuddy", "James Wilson", "Allison Cameron", "Eric Foreman")


def _patients(rows: int = 60) -> pa.Table:
    return customers(rows).select(["customer_id", "name", "email", "sex"])


def _doctors_agree(old: list[str], new: list[str]) -> None:
    assert len(set(zip(old, new, strict=True))) == len(set(old)) == len(set(new))
    assert not set(old) & set(new)


@pytest.mark.parametrize("column", ["doctor_name", "shipper", "treatedBy.name"])
@pytest.mark.parametrize("family_doctor", [False, True])
def test_another_person_in_a_row_stays_one_person_in_all_rows(
    column: str, family_doctor: bool, key: Path
) -> None:
    patients = _patients()
    rng = np.random.default_rng(3)
    who = np.repeat(np.arange(60), 3)
    doctor = who % 5 if family_doctor else rng.integers(0, 5, len(who))
    visits = pa.table(
        {
            "visit_id": pa.array(range(9_000, 9_000 + len(who))),
            "customer_id": patients["customer_id"].take(pa.array(who)),
            column: pa.array([DOCTORS[at] for at in doctor]),
        }
    )
    columns = {f"visits.{column}": "replace: name"}
    data = {"patients": patients, "visits": visits}
    masked = fb.mask(data, key_file=key, columns=columns)
    new = masked.tables["visits"][column].to_pylist()
    _doctors_agree(visits[column].to_pylist(), new)
    assert not set(new) & set(masked.tables["patients"]["name"].to_pylist())
    reason = masked.card["tables"]["visits"]["columns"][column]["reason"]
    assert reason.startswith("people of their own")


def test_details_of_another_person_in_nested_json_agree(tmp_path: Path, key: Path) -> None:
    rows = [
        {
            "patient": {"id": f"P-{n:05}", "name": row["name"], "email": row["email"]},
            "doctor": {
                "name": (name := f"Dr. {DOCTORS[n % 5]}" if n % 2 else DOCTORS[n % 5]),
                "email": f"{name.split()[-1].lower()}@clinic.test",
            },
        }
        for n, row in enumerate(_patients().to_pylist())
    ]
    real, made = tmp_path / "p.json", tmp_path / "out.json"
    real.write_text(json.dumps(rows), encoding="utf-8")
    fb.mask([real], output=made, key_file=key)
    new = json.loads(made.read_text("utf-8"))
    names = [row["doctor"]["name"].removeprefix("Dr. ") for row in new]
    _doctors_agree([row["doctor"]["name"].removeprefix("Dr. ") for row in rows], names)
    _doctors_agree([r["doctor"]["email"] for r in rows], [r["doctor"]["email"] for r in new])
    assert len({row["patient"]["name"] for row in new}) == len(rows)


def test_a_contact_of_each_person_is_not_the_person(key: Path) -> None:
    table = _patients(100)
    contacts = pa.array(customers(200)["name"].to_pylist()[100:])
    table = table.append_column("emergency_contact", contacts)
    new = fb.mask(table, key_file=key).table
    assert not any(
        a == b
        for a, b in zip(new["name"].to_pylist(), new["emergency_contact"].to_pylist(), strict=True)
    )


def test_the_name_of_a_rows_own_person_still_follows_the_person(key: Path) -> None:
    """Spellings, repeats in other tables and shared first names make nobody another person."""
    patients = _patients()
    who = np.repeat(np.arange(60), 2)
    visits = pa.table(
        {
            "visit_id": pa.array(range(9_000, 9_000 + len(who))),
            "customer_id": patients["customer_id"].take(pa.array(who)),
            "customer_name": pa.array(
                [
                    name.upper() if at % 2 else f"Mr. {name}"
                    for at, name in enumerate(patients["name"].take(pa.array(who)).to_pylist())
                ]
            ),
        }
    )
    masked = fb.mask({"patients": patients, "visits": visits}, key_file=key).tables
    names = dict(zip(*(masked["patients"][c].to_pylist() for c in ("customer_id", "name")),
                     strict=True))  # fmt: skip
    for row in masked["visits"].to_pylist():
        assert names[row["customer_id"]].lower() in row["customer_name"].lower()


def test_the_national_id_of_a_doctor_is_the_same_in_the_rows_of_all_patients(key: Path) -> None:
    ids = [f"{n + 10:02}0{n + 1}9{n}-{2_000 + n:04}" for n in range(5)]
    doctor = [n % 5 for n in range(60)]
    table = _patients().append_column("doctor_name", pa.array([DOCTORS[n] for n in doctor]))
    table = table.append_column("doctor_cpr", pa.array([ids[n] for n in doctor]))
    actions = {"doctor_cpr": "replace: national_id", "doctor_name": "replace: name"}
    new = fb.mask(table, columns=actions, key_file=key).table
    _doctors_agree(table["doctor_cpr"].to_pylist(), new["doctor_cpr"].to_pylist())


def test_visits_with_details_of_their_doctors_are_told_by_the_patient(key: Path) -> None:
    """The e-mail of a doctor makes visits no people: dates move with the patient."""
    patients = _patients()
    who, days = np.repeat(np.arange(60), 3), np.tile([0, 10, 30], 60)
    doctor = [DOCTORS[n] for n in np.random.default_rng(4).integers(0, 5, len(who))]
    visits = pa.table(
        {
            "visit_id": pa.array(range(9_000, 9_000 + len(who))),
            "customer_id": patients["customer_id"].take(pa.array(who)),
            "day": pa.array(np.datetime64("2024-03-01") + days),
            "doctor_first_name": pa.array([name.split()[0] for name in doctor]),
            "doctor_last_name": pa.array([name.split()[1] for name in doctor]),
            "doctor_email": pa.array([f"{name[:3].lower()}@clinic.test" for name in doctor]),
        }
    )
    masked = fb.mask({"patients": patients, "visits": visits}, key_file=key)
    assert masked.card["tables"]["visits"]["person"] == "customer_id"
    new = masked.tables["visits"]
    moved = new["day"].to_numpy() - visits["day"].to_numpy()
    assert (moved.reshape(-1, 3) == moved.reshape(-1, 3)[:, :1]).all()
    for column in ("doctor_first_name", "doctor_last_name", "doctor_email"):
        pairs = set(zip(doctor, new[column].to_pylist(), strict=True))
        assert len(pairs) == len(DOCTORS)


def test_orders_of_one_email_are_of_one_person(key: Path) -> None:
    emails = [f"user{n % 30}@mail.test" for n in range(120)]
    orders = pa.table({"order_id": range(5_000, 5_120), "email": emails})
    new = fb.mask(orders, key_file=key).table
    _doctors_agree(emails, new["email"].to_pylist())


def test_people_who_are_told_by_their_name_get_names_and_leave_the_notes(key: Path) -> None:
    names = [customers(60)["name"].to_pylist()[n % 60] for n in range(180)]
    doctors = [DOCTORS[n] for n in np.random.default_rng(5).integers(0, 5, len(names))]
    pairs = zip(names, doctors, strict=True)
    notes = [f"{one} was seen in the morning by {two}." for one, two in pairs]
    visits = {"patient_name": names, "doctor_name": doctors, "note": notes}
    table = pa.table({"visit_id": range(9_000, 9_180), **visits})
    actions = {"note": "notes: confirmed", "doctor_name": "replace: name"}
    new = fb.mask(table, columns=actions, key_file=key).table
    _doctors_agree(doctors, new["doctor_name"].to_pylist())
    for row in new.to_pylist():
        assert (
            row["note"] == f"{row['patient_name']} was seen in the morning by {row['doctor_name']}."
        )


def _employees(*columns: str) -> tuple[pa.Table, list[int | None]]:
    """Employees of whom all but five have one of those five as a manager; and each one's row."""
    people = customers(60).select(["customer_id", "name", "email"])
    boss = [None if row < 5 else row % 5 for row in range(60)]
    first, last = (
        pa.array([str(name).split()[at] for name in people["name"].to_pylist()]) for at in (0, -1)
    )
    own = {"employee_id": people["customer_id"], "name": people["name"], "email": people["email"],
           "first_name": first, "last_name": last}  # fmt: skip
    made = {name: own[name] for name in columns if not name.startswith("manager")}
    for name in columns:
        if name.startswith("manager"):
            of = own["employee_id" if name == "manager_id" else name.removeprefix("manager_")]
            made[name] = of.take(pa.array(boss, pa.int64()))
    return pa.table(made), boss


@pytest.mark.parametrize(
    "columns",
    [
        ("name", "manager_name"),
        ("employee_id", "name", "manager_name", "manager_id"),
        ("employee_id", "email", "name", "manager_name"),
        ("employee_id", "email", "name", "manager_name", "manager_id"),
        ("employee_id", "email", "first_name", "last_name", "manager_first_name",
         "manager_last_name", "manager_email"),
        ("email", "name", "manager_email", "manager_name"),
    ],
)  # fmt: skip
def test_a_manager_has_the_same_new_name_as_in_the_managers_own_row(
    columns: tuple[str, ...], key: Path
) -> None:
    table, boss = _employees(*columns)
    new = fb.mask(table, key_file=key).table.to_pylist()
    for row, other in enumerate(boss):
        for name in (c for c in columns if c.startswith("manager")):
            of = "employee_id" if name == "manager_id" else name.removeprefix("manager_")
            assert new[row][name] == (None if other is None else new[other][of])
    assert not {row[columns[0]] for row in new} & {*table[columns[0]].to_pylist()}


def test_two_employees_of_one_name_are_not_taken_for_one_manager(key: Path) -> None:
    table, boss = _employees("employee_id", "email", "name", "manager_name")
    names = table["name"].to_pylist()
    names[1] = names[0]
    managers = [None if other is None else names[other] for other in boss]
    place = table.column_names.index("name")
    table = table.set_column(place, "name", pa.array(names))
    table = table.set_column(place + 1, "manager_name", pa.array(managers))
    masked = fb.mask(table, key_file=key)
    new = masked.table.to_pylist()
    assert new[0]["name"] != new[1]["name"]
    assert {
        new[row]["manager_name"] for row, other in enumerate(boss) if other in (0, 1)
    }.isdisjoint({new[0]["name"], new[1]["name"]})
    assert (
        "1 name belongs to several people, and can't tell whose row is whose"
        in (masked.card["notes"])
    )
