"""Masked data hold no whole identifier: by the scan, and by a plain search of the bytes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pc_csv
import pytest

import fabula as fb
from fabula.fakers.people import People
from fabula.privacy.scan import scan
from fabula.privacy.secret import new_key
from fabula.streams import stream
from fabula.synthesizers.pii.sieve import Sieve
from tests.privacy.conftest import customers
from tests.privacy.people_in_notes import sentences
from tests.real_data import real_files, real_table

IDENTIFIERS = {
    "northwind": {
        "customers": ["contactName", "phone", "fax", "address"],
        "employees": ["firstName lastName", "homePhone", "address"],
        "suppliers": ["contactName", "phone", "fax", "address"],
        "orders": ["shipAddress"],
    },
    "chinook": {
        "Customer": ["FirstName LastName", "Address", "Phone", "Fax", "Email"],
        "Employee": ["FirstName LastName", "Address", "Phone", "Fax", "Email"],
        "Invoice": ["BillingAddress"],
    },
    "adult": {"adult": ["name", "email", "phone", "street"]},
    "customers": {"customers": ["name", "email", "phone", "street", "card", "iban"]},
}


def written(table: pa.Table, path: Path) -> Path:
    pc_csv.write_csv(table, path)
    return path


def noted(folder: Path) -> list[Path]:
    """Customers with notes that name their own person, and other customers, in several ways."""
    table = customers(300)
    prose, rng = sentences("en"), np.random.default_rng(3)
    rows = table.to_pylist()
    notes = [
        f"{prose[rng.integers(len(prose))]} {own['name'].upper()} ({own['phone']}) came with "
        f"{other['name']}, {other['email']}. {other['name'].split()[0]} paid by {other['card']}. "
        f"{prose[rng.integers(len(prose))]}"
        for own, other in zip(rows, rows[1:] + rows[:1], strict=True)
    ]
    return [written(table.append_column("note", pa.array(notes)), folder / "customers.csv")]


def adult(folder: Path) -> list[Path]:
    """Adult with identities added."""
    table = real_table("adult_train.csv").slice(0, 500)
    fields = ["name", "email", "phone", "street"]
    drawn = People("en").draw(lambda name: stream(5, "adult", name, 0), table.num_rows, fields)
    for field in fields:
        table = table.append_column(field, drawn[field])
    return [written(table, folder / "adult.csv")]


DATA: dict[str, Callable[[Path], list[Path]]] = {
    "northwind": lambda _: real_files("relational/northwind"),
    "chinook": lambda _: real_files("relational/chinook"),
    "adult": adult,
    "customers": noted,
}


def identifiers(files: list[Path], columns: dict[str, list[str]]) -> Iterator[str]:
    """The whole names, e-mails, numbers and streets of some columns, in small letters."""
    for file in files:
        for named in columns.get(file.stem, ()):
            table = pc_csv.read_csv(file, convert_options=pc_csv.ConvertOptions(
                column_types=dict.fromkeys(named.split(), pa.string())))  # fmt: skip
            parts = [table[name].to_pylist() for name in named.split()]
            yield from {" ".join(values).casefold() for values in zip(*parts, strict=True)
                        if all(values)}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("data", DATA)
@pytest.mark.parametrize("kept", [True, False])
def test_no_whole_identifier_is_left(data: str, kept: bool, tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir()
    files = DATA[data](real)
    if kept:
        new_key(tmp_path / "key")
    columns = {"note": "notes: confirmed"} if data == "customers" else {}
    masked = tmp_path / "masked"
    fb.mask(files, output=masked, columns=columns, key_file=tmp_path / "key" if kept else None)
    report = scan(masked, against=files[0].parent)
    assert report.passed, report.report()
    wanted = set(identifiers(files, IDENTIFIERS[data]))
    assert len(wanted) > 90
    for file in files:
        text = (masked / file.name).read_text(encoding="utf-8").casefold()
        found = {value for value in wanted if value in text}
        assert {v for v in found if re.search(rf"(?<!\w){re.escape(v)}(?!\w)", text)} == set()


@pytest.mark.slow
@pytest.mark.parametrize("kept", [True, False])
def test_a_single_file_is_scanned_with_its_card(kept: bool, tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.mkdir()
    files, output = noted(real), tmp_path / "out.csv"
    if kept:
        new_key(tmp_path / "key")
    columns = {"note": "notes: confirmed"}
    fb.mask(files, output=output, columns=columns, key_file=tmp_path / "key" if kept else None)
    report = scan(output, against=files[0])
    assert report.passed, report.report()
    assert not report.notes
    name = pc_csv.read_csv(files[0])["name"][0].as_py()
    text = output.read_text(encoding="utf-8").splitlines()
    text[1] = f'{text[1][:-1]} and {name}"'
    output.write_text("\n".join(text), encoding="utf-8")
    assert [leak.kind for leak in scan(output, against=files[0]).leaks][:1] == ["name"]


def test_nobody_gets_the_name_of_somebody_whose_letters_are_decomposed(tmp_path: Path) -> None:
    people = People("es").draw(lambda name: stream(5, "real", name, 0), 1000, ["name"])
    apart = pc.utf8_normalize(people["name"], form="NFD")
    new_key(tmp_path / "key")
    masked = fb.mask({"customer_id": list(range(1000)), "name": apart}, key_file=tmp_path / "key")
    assert not set(masked.table["name"].to_pylist()) & set(people["name"].to_pylist())
    sieve = Sieve.of(pc.unique(apart), words=True)
    assert sieve.stops(people["name"]).all()


@pytest.mark.parametrize("locale", ["ko", "zh", "ja"])
def test_names_without_spaces_are_found_and_replaced_whole(locale: str, tmp_path: Path) -> None:
    people = People(locale).draw(lambda name: stream(5, "real", name, 0), 400, ["name"])
    real = [name.replace(" ", "") for name in people["name"].to_pylist()]
    notes = [f"{own} 2 ({other})" for own, other in zip(real, real[1:] + real[:1], strict=True)]
    table = pa.table({"customer_id": list(range(400)), "name": real, "note": notes})
    new_key(tmp_path / "key")
    masked = fb.mask(table, key_file=tmp_path / "key", columns={"note": "notes: confirmed"})
    new = masked.table["name"].to_pylist()
    assert not {name.replace(" ", "") for name in new} & set(real)
    for name, note in zip(new, masked.table["note"].to_pylist(), strict=True):
        assert note.startswith(f"{name.replace(' ', '')} 2 (")
        assert not any(name in note for name in real if len(name) > 2)
    (tmp_path / "clean.txt").write_text("\n".join(new))
    assert not scan(tmp_path / "clean.txt", against=table).leaks
    (tmp_path / "leak.txt").write_text("\n".join(f"{name}, ok" for name in real[:20]))
    assert sum(leak.count for leak in scan(tmp_path / "leak.txt", against=table).leaks) == 20


def test_new_user_names_hold_no_romanised_name_of_anybody(tmp_path: Path) -> None:
    """Japanese lists have fewer surnames than 1,000 customers, whose e-mails join them."""
    drawn = People("ja").draw(lambda name: stream(7, "c", name, 0), 1_000, ["name", "email"])
    table = pa.table({"customer_id": range(1_000), **drawn})
    files = [written(table, tmp_path / "real.csv")]
    new = fb.mask(files, output=tmp_path / "masked.csv")
    assert any("list has too few others" in note for note in new.card["notes"])
    assert scan(tmp_path / "masked.csv", against=files[0]).passed
