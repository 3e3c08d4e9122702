"""`mask` and columns that tell rows apart: keys, addresses of their people, ids, references."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, ip_address
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import fabula as fb
from fabula.errors import SpecError
from fabula.privacy.codes import Codes
from fabula.privacy.secret import Secret
from fabula.synthesizers.pii.shapes import outlines
from tests.privacy.conftest import customers, orders, write_csv


def test_a_reference_that_a_sample_misses_is_told_by_the_name_of_the_key() -> None:
    people, placed = customers(50), orders(30, people=50)
    strange = placed["customer_id"].to_pylist()
    strange[:10] = range(900, 910)  # keys of rows that the sample of the parent lacks
    placed = placed.set_column(1, "customer_id", pa.array(strange))
    masked = fb.mask({"customers": people, "orders": placed}).tables
    pairs = dict(
        zip(people["customer_id"].to_pylist(), masked["customers"]["customer_id"].to_pylist(),
            strict=True)
    )  # fmt: skip
    for old, new in zip(strange, masked["orders"]["customer_id"].to_pylist(), strict=True):
        assert pairs.get(old, new) == new
        assert old != new


def _clients(rows: int = 200) -> pa.Table:
    """People whose key looks like postcodes and like placeholders, with a whole address."""
    people = customers(rows).drop_columns(["customer_id", "postcode", "sex"])
    people = people.add_column(0, "client_no", pa.array([str(1_000 + 11 * n) for n in range(rows)]))
    people = people.add_column(
        1, "zip", pa.array([f"{n % 90 + 10}{n % 7:03}" for n in range(rows)])
    )
    people = people.set_column(
        people.column_names.index("city"), "city", pa.array(["Xanthi", "Bree"] * (rows // 2))
    )
    return people.append_column("country", pa.array(["Greece", "Shire"] * (rows // 2)))


def test_a_key_that_looks_like_postcodes_or_placeholders_stays_unique_and_tells_people(
    key: Path,
) -> None:
    """1111, 2222 … are ids of people here; typed or as texts of a CSV."""
    people = _clients()
    assert "1110" in people["client_no"].to_pylist()
    for table in (
        people,
        people.set_column(0, "client_no", people["client_no"].cast(pa.int64())),
        people.set_column(0, "client_no", pa.array([str(n) for n in range(1_111, 1_311)])),
    ):
        masked = fb.mask(table, key_file=key)
        new = masked.table["client_no"].to_pylist()
        assert len(set(new)) == len(new)
        assert not set(new) & set(table["client_no"].to_pylist())
        assert masked.card["tables"]["data"]["person"] == "client_no"


def test_the_town_and_country_of_a_replaced_address_are_replaced_with_it(key: Path) -> None:
    masked = fb.mask(_clients(40), key_file=key, locale=["de"]).table
    assert masked["born"][0].as_py()[4::3] == "--"  # dates that all differ are dates
    assert set(masked["country"].to_pylist()) == {"Deutschland"}
    assert not {"Xanthi", "Bree"} & set(masked["city"].to_pylist())


@pytest.mark.parametrize(
    ("column", "told"),
    [
        ({"client_no": "replace: postcode"}, "different"),
        ({"order_no": "replace: url"}, "distinguishes rows"),
        ({"note": "replace"}, "free text"),
    ],
)
def test_an_action_that_makes_unique_values_equal_or_scrambles_prose_is_refused(
    column: dict[str, str], told: str
) -> None:
    people = _clients().append_column("order_no", pa.array([f"A-{n}-{n % 7}" for n in range(200)]))
    people = people.append_column(
        "note", pa.array([f"call her about the parcel {n} on Monday please" for n in range(200)])
    )
    with pytest.raises(SpecError, match=told):
        fb.mask(people, columns=column)


def test_national_ids_that_would_become_the_same_are_refused_before_anything_is_written(
    key: Path, tmp_path: Path
) -> None:
    """Few days and few numbers after them: two people move to the same birthday."""
    numbers = [
        f"{n % 28 + 1:02}0{n // 28 % 3 + 1}9{n // 84 % 2}-{2_000 + n // 168:04}"
        for n in range(4_000)
    ]
    people = pa.table({"person_id": list(range(4_000)), "cpr": numbers})
    actions = {"cpr": "replace: national_id"}
    path = write_csv(people, tmp_path / "people.csv")
    with pytest.raises(SpecError, match="new national ids") as caught:
        fb.mask(path, columns=actions, person="person_id", key_file=key, output=tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert "people.cpr=replace: code" in str(caught.value)
    new = fb.mask(people, columns={"cpr": "replace: code"}, person="person_id", key_file=key).table[
        "cpr"
    ]
    assert len(new.unique()) == 4_000


def test_views_of_texts_are_masked_as_texts_and_stay_views(key: Path) -> None:
    people = customers(60)
    views = pa.table({
        name: column.cast(pa.string_view()) if pa.types.is_string(column.type) else column
        for name, column in zip(people.column_names, people.columns, strict=True)
    })  # fmt: skip
    masked, plain = (fb.mask(table, key_file=key).table for table in (views, people))
    assert masked.schema.types == views.schema.types
    assert masked.to_pylist() == plain.to_pylist()


def test_people_of_one_name_alone_leave_the_notes(key: Path) -> None:
    """A title and a last name, or a single word, is the whole name that a note may have."""
    names = ["Mr. Keller", "Anna Brown", "Madonna", "Dr. Moreau", "Clara Field", "Ines Vogt"] * 5
    notes = [f"Met {name.split()[-1]} about the parcel" for name in names]
    table = pa.table({"id": range(len(names)), "name": names, "note": notes})
    asked = {"name": "replace: name", "note": "notes: confirmed"}
    made = fb.mask(table, person="id", columns=asked, key_file=key).table
    for old, new in zip(names, made["note"].to_pylist(), strict=True):
        assert old.split()[-1] not in new


def test_how_many_names_depend_on_the_other_rows_is_said(key: Path) -> None:
    """A new name that a real person has is another one; without that person it stays."""
    key.write_text(f"fabula-mask-key-1 {'5c' * 32}\n", encoding="ascii")
    table = customers(3_000)
    some = table.slice(0, 300)
    whole, part = (fb.mask(each, key_file=key) for each in (table, some))
    kept = [name for name in table.column_names if name not in ("name", "email")]
    assert whole.table.slice(0, 300).select(kept).equals(part.table.select(kept))
    names = zip(whole.table["name"].to_pylist(), part.table["name"].to_pylist(), strict=False)
    differ = sum(one != other for one, other in names)
    (told,) = re.findall(r"about ([\d.]+) % of new names", " ".join(whole.card["notes"]))
    assert 0 < differ < 300 * 3 * float(told) / 100


@pytest.mark.parametrize("detail", ["key", "code"])
def test_unique_addresses_of_networks_stay_addresses_and_unique(detail: str) -> None:
    drawn = np.random.default_rng(4).integers(0, 2**32, 3_000).tolist()
    addresses = [*(str(IPv4Address(n)) for n in drawn), "8.8.8.8", "2001:db8::1", "fe80::2"]
    others = ["999.1.1.1", "01.22.3.4", "12:30:45", "AB-12"]
    codes = Codes(Secret(b"k" * 32), "hits.ip", detail)
    new = codes.encrypt(pa.array([*addresses, *others])).to_pylist()
    assert len(set(new)) == len({*addresses, *others})
    assert all(ip_address(text).version for text in new[: len(addresses)])
    assert outlines(pa.array(new[-4:])).to_pylist() == [
        "999.9.9.9", "99.99.9.9", "99:99:99", "AA-99",
    ]  # fmt: skip
    assert codes.encrypt(pa.array([others[0], *addresses[5:9]])).to_pylist() == [new[-4], *new[5:9]]


def test_handles_keep_their_sign_in_columns_and_notes(key: Path) -> None:
    names = [name.replace(" ", ".").lower() for name in customers(60)["name"].to_pylist()]
    handles = [f"@{name}" if row % 3 else None for row, name in enumerate(names)]
    notes = [f"Asked @{name} to call" for name in names]
    table = pa.table({"customer_id": range(60), "handle": handles, "note": notes})
    columns = {"handle": "replace: username", "note": "notes: confirmed"}
    new = fb.mask(table, person="customer_id", columns=columns, key_file=key).table.to_pylist()
    for row, (old, made) in enumerate(zip(names, new, strict=True)):
        if row % 3:
            assert re.fullmatch(r"@[\w.]+", made["handle"])
            assert made["note"] == f"Asked {made['handle']} to call"
            assert old not in made["handle"]
        else:
            assert made["handle"] is None
