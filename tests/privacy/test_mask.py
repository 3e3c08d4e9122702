"""`mask`: what changes, what stays, what agrees."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import fabula as fb
from fabula.errors import SpecError, UsageError
from fabula.pii.check_digits import is_account, is_card
from fabula.privacy.secret import Secret
from tests.privacy.conftest import ROWS, csv_rows, customers, orders, write_csv


def _column(rows: Sequence[dict[str, str]], name: str) -> list[str]:
    return [row[name] for row in rows]


@pytest.mark.slow
def test_no_whole_original_of_a_personal_column_is_left(shop: Path, tmp_path: Path) -> None:
    fb.mask(shop, output=tmp_path / "out")
    before, after = csv_rows(shop / "customers.csv"), csv_rows(tmp_path / "out" / "customers.csv")
    for column in ("name", "email", "phone", "street", "card", "iban", "born"):
        assert not set(_column(before, column)) & set(_column(after, column)) or column == "born"
        assert all(
            a != b for a, b in zip(_column(before, column), _column(after, column), strict=True)
        )


def test_without_a_kept_key_no_word_of_a_name_is_an_original(shop: Path, tmp_path: Path) -> None:
    fb.mask(shop, output=tmp_path / "out")
    words = {
        word
        for row in csv_rows(shop / "customers.csv")
        for word in re.findall(r"[a-z]{2,}", row["name"].lower())
    }
    for row in csv_rows(tmp_path / "out" / "customers.csv"):
        assert not words & set(re.findall(r"[a-z]{2,}", row["name"].lower()))
        local = row["email"].partition("@")[0]
        assert not words & set(re.findall(r"[a-z]{2,}", local))


def test_a_full_name_of_the_data_is_nobodys_new_name(key: Path) -> None:
    table = customers(4_000).select(["customer_id", "name", "email"])
    new = fb.mask(table, person="customer_id", key_file=key).table
    assert not set(table["name"].to_pylist()) & set(new["name"].to_pylist())


def test_the_same_key_gives_the_same_people_in_other_files_orders_and_blocks(
    tmp_path: Path, key: Path
) -> None:
    table = customers()
    fb.mask(write_csv(table, tmp_path / "monday.csv"), key_file=key, output=tmp_path / "1.csv")
    turned = table.take(pa.array(range(ROWS - 1, -1, -1)))
    pq.write_table(turned, tmp_path / "tuesday.parquet", row_group_size=37)
    fb.mask(tmp_path / "tuesday.parquet", key_file=key, output=tmp_path / "2.parquet")
    first = csv_rows(tmp_path / "1.csv")
    second = pq.read_table(tmp_path / "2.parquet").to_pylist()[::-1]
    for column in ("customer_id", "name", "email", "phone", "street", "born", "card", "iban"):
        assert _column(first, column) == [str(row[column]) for row in second]


def test_another_key_gives_other_people(key: Path) -> None:
    table = customers()
    one = fb.mask(table, key_file=key).table
    other = fb.mask(table).table
    for column in ("customer_id", "email", "phone", "card", "iban"):
        assert not set(one[column].to_pylist()) & set(other[column].to_pylist())
    same = pc.sum(pc.equal(one["name"], other["name"])).as_py()
    assert same <= 3  # by chance, about one full name of 100,000 is the same


def test_new_people_are_the_same_in_every_version(tmp_path: Path) -> None:
    """Word lists and ciphers may not change without being noticed: people keep keys for years."""
    path = tmp_path / "k"
    path.write_text(f"fabula-mask-key-1 {'5c' * 32}\n", encoding="ascii")
    path.chmod(0o600)
    new = fb.mask(customers(), key_file=path).table
    text = json.dumps(new.to_pylist(), default=str)
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == "5d9344758ffc8d38"


def test_name_email_sex_and_address_of_a_row_agree(key: Path) -> None:
    new = fb.mask(customers(), key_file=key).table.to_pylist()
    from fabula.fakers.locales import load_locale

    female = {name.text for name in load_locale("en").first[0]}
    for row in new:
        first, last = row["name"].split(" ", 1)
        local = re.sub(r"\d+@.*", "", row["email"])
        assert local.endswith(re.sub("[^a-z]", "", last.lower()))
        assert local[0] == first[0].lower()
        assert (first in female) == (row["sex"] == "female")


def test_references_and_dates_agree_across_tables(shop: Path, tmp_path: Path) -> None:
    fb.mask(shop, output=tmp_path / "out")
    before, after = (
        ({row["customer_id"]: row for row in csv_rows(folder / "customers.csv")},
         csv_rows(folder / "orders.csv"))
        for folder in (shop, tmp_path / "out")
    )  # fmt: skip
    pairs = dict(zip(before[0], after[0], strict=True))
    shifts: dict[str, set[int]] = {}
    for old, new in zip(before[1], after[1], strict=True):
        assert pairs[old["customer_id"]] == new["customer_id"]
        moved = date.fromisoformat(new["placed"]) - date.fromisoformat(old["placed"])
        shifts.setdefault(old["customer_id"], set()).add(moved.days)
        assert old["total"] == new["total"]
    for old, new_key in pairs.items():
        born = date.fromisoformat(after[0][new_key]["born"]) - date.fromisoformat(
            before[0][old]["born"]
        )
        shifts.setdefault(old, set()).add(born.days)
    assert all(len(days) == 1 and -364 <= min(days) <= -7 for days in shifts.values())
    assert all(min(days) % 7 == 0 for days in shifts.values())
    assert len({min(days) for days in shifts.values()}) > 40


def test_a_table_that_knows_people_by_their_email_is_joined(tmp_path: Path, key: Path) -> None:
    """Whatever their keys look like: 1111 and 9999 are not placeholders there."""
    folder = tmp_path / "in"
    folder.mkdir()
    people = customers()
    people = people.set_column(0, "customer_id", pa.array(range(1000, 1000 + len(people))))
    write_csv(people, folder / "customers.csv")
    letters = pa.table(
        {
            "recipient": [text.upper() for text in people["email"].to_pylist()[:200]],
            "full_name": people["name"].slice(0, 200),
        }
    )
    write_csv(letters, folder / "letters.csv")
    fb.mask(folder, output=tmp_path / "out", key_file=key)
    names = _column(csv_rows(tmp_path / "out" / "customers.csv"), "name")[:200]
    assert _column(csv_rows(tmp_path / "out" / "letters.csv"), "full_name") == names


def test_an_email_of_two_people_joins_neither(tmp_path: Path, key: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    people = customers()
    shared = people["email"].to_pylist()
    shared[1] = shared[0]
    people = people.set_column(2, "email", pa.array(shared))
    write_csv(people, folder / "customers.csv")
    letters = {"recipient": shared[:50], "full_name": people["name"].slice(0, 50)}
    write_csv(pa.table(letters), folder / "letters.csv")
    masked = fb.mask(folder, output=tmp_path / "out", key_file=key)
    assert any("1 e-mail belongs to several" in note for note in masked.card["notes"])
    customer = _column(csv_rows(tmp_path / "out" / "customers.csv"), "name")
    letter = _column(csv_rows(tmp_path / "out" / "letters.csv"), "full_name")
    assert not {customer[0], customer[1]} & {letter[0], letter[1]}
    assert customer[2:50] == letter[2:]


def test_check_digits_stay_right_and_unique_stays_unique() -> None:
    table = customers(3_000)
    new = fb.mask(table).table
    assert all(map(is_card, new["card"].to_pylist()))
    assert all(map(is_account, new["iban"].to_pylist()))
    for column in ("customer_id", "email", "phone", "card", "iban"):
        assert len(set(new[column].to_pylist())) == len(set(table[column].to_pylist()))


def test_nulls_placeholders_types_capitals_and_order_of_names_stay() -> None:
    people = customers(60)
    names = people["name"].to_pylist()
    names[:5] = ["MÜLLER, ANNA", "smith, bob", "Dr. Eve Jones", None, "N/A"]
    table = people.set_column(1, "name", pa.array(names))
    new = fb.mask(table).table
    assert new.schema == table.schema
    upper, lower, titled, gap, nobody = new["name"].to_pylist()[:5]
    assert re.fullmatch(r"[^a-z,]+, [^a-z,]+", upper)
    assert re.fullmatch(r"[^A-Z,]+, [^A-Z,]+", lower)
    assert titled.startswith("Dr. ")
    assert titled != "Dr. Eve Jones"
    assert gap is None
    assert nobody == "N/A"


def test_a_sensitive_column_that_is_kept_must_be_confirmed() -> None:
    with pytest.raises(SpecError) as caught:
        fb.mask(customers(), columns={"city": "keep", "street": "keep"})
    assert [v.code for v in caught.value.violations] == ["mask.sensitive-kept"] * 2
    assert caught.value.violations[0].hint == '`--column "data.street=keep: confirmed"` keeps it'
    kept = fb.mask(customers(), columns={"city": "keep: confirmed"}).table
    assert kept["city"] == customers()["city"]


def test_a_lossy_action_on_a_key_is_refused_before_anything_is_written(
    shop: Path, tmp_path: Path
) -> None:
    with pytest.raises(SpecError, match="makes different keys equal") as caught:
        fb.mask(shop, columns={"customers.customer_id": "redact"}, output=tmp_path / "out")
    assert caught.value.code == "mask.lossy-key"
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({"nome": "drop"}, "did you mean `name`?"),
        ({"name": "mask"}, "the actions are"),
        ({"name": "replace: emial"}, "did you mean `email`?"),
        ({"balance": "generalise: 0"}, "write `generalise: 10`"),
        ({"balance": "shift"}, "=redact"),
    ],
)
def test_a_wrong_action_names_the_right_one(columns: dict[str, str], told: str) -> None:
    with pytest.raises((SpecError, UsageError)) as caught:
        fb.mask(customers(), columns=columns)
    assert told in str(caught.value)


def test_values_can_be_generalised_blanked_and_dropped() -> None:
    actions = {
        "balance": "generalise: 100", "postcode": "generalise: 3", "born": "generalise: year",
        "name": "redact", "city": "drop",
    }  # fmt: skip
    table = customers()
    new = fb.mask(table, columns=actions).table
    assert set(new["balance"].to_pylist()) <= {100.0 * n for n in range(10)}
    assert all(
        new_code == old[:3] + re.sub(r"\w", "*", old[3:])
        for new_code, old in zip(
            new["postcode"].to_pylist(), table["postcode"].to_pylist(), strict=True
        )
    )
    assert all(text.endswith("-01-01") for text in new["born"].to_pylist())
    assert set(new["name"].to_pylist()) == {"[redacted]"}
    assert "city" not in new.column_names


def test_a_date_of_another_form_is_blanked_and_counted() -> None:
    table = customers()
    born = table["born"].to_pylist()
    born[3] = "12 March of 1970"
    table = table.set_column(table.column_names.index("born"), "born", pa.array(born))
    masked = fb.mask(table, columns={"born": "shift"})
    assert masked.table["born"][3].as_py() is None
    assert masked.card["tables"]["data"]["columns"]["born"]["blanked"] == 1


def test_places_move_into_a_ring_and_always_alike() -> None:
    rng = np.random.default_rng(3)
    table = pa.table(
        {
            "email": [f"p{n}@x.test" for n in range(100)],
            "latitude": np.repeat(50 + rng.random(50).round(5), 2),
            "longitude": np.repeat(8 + rng.random(50).round(5), 2),
        }
    )
    actions = {"latitude": "jitter: 2km", "longitude": "jitter: 2km"}
    new = fb.mask(table, columns=actions).table
    old_lat, old_lon, lat, lon = (
        np.asarray(each[name]) for each in (table, new) for name in ("latitude", "longitude")
    )
    north = (lat - old_lat) * 111.32
    east = (lon - old_lon) * 111.32 * np.cos(np.radians(old_lat))
    assert ((np.hypot(north, east) > 0.99) & (np.hypot(north, east) < 2.01)).all()
    assert (lat[::2] == lat[1::2]).all()


def test_the_card_tells_everything_and_quotes_nothing(
    shop: Path, tmp_path: Path, key: Path
) -> None:
    fb.mask(shop, output=tmp_path / "out", key_file=key)
    text = (tmp_path / "out" / "card.json").read_text(encoding="utf-8")
    card = json.loads(text)
    assert card["promise"] == "keyed"
    assert card["key"] == Secret.of_file(key).fingerprint
    assert card["tables"]["customers"]["columns"]["name"]["action"] == "replace"
    assert card["tables"]["orders"]["person"] == "customer_id"
    assert "anonym" not in text.replace("pseudonym", "")
    for row in csv_rows(shop / "customers.csv"):
        assert row["name"] not in text
        assert row["email"] not in text


def test_notes_tell_the_new_person_in_the_same_spelling(key: Path) -> None:
    table = customers(60)
    notes = [f"{name.upper()} called, see {email}." for name, email in
             zip(table["name"].to_pylist(), table["email"].to_pylist(), strict=True)]  # fmt: skip
    table = table.append_column("note", pa.array(notes))
    with pytest.raises(SpecError, match="there is no detector"):
        fb.mask(table, columns={"note": "notes"}, key_file=key)
    new = fb.mask(table, columns={"note": "notes: confirmed"}, key_file=key).table.to_pylist()
    for row in new:
        assert row["note"] == f"{row['name'].upper()} called, see {row['email']}."


@pytest.mark.parametrize("nobody", [None, "N/A", ""])
def test_rows_without_a_key_have_their_new_name_in_their_notes(
    nobody: str | None, key: Path
) -> None:
    """Such rows are told by their details, so rows of one name have one new name, in notes too."""
    names = customers(40)["name"].to_pylist()
    names[4] = names[8] = names[0]
    data = {
        "customer_id": [nobody if row % 4 == 0 else f"C-{row:05}" for row in range(40)],
        "name": names,
        "note": [f"Met {name} today; wrote to third@party.test" for name in names],
    }
    masked = fb.mask(
        pa.table(data), person="customer_id", columns={"note": "notes: confirmed"}, key_file=key
    ).table.to_pylist()
    third = {row["note"].rpartition(" ")[2] for row in masked}
    assert len(third) == 1
    assert third != {"third@party.test"}
    for row in masked:
        assert row["note"] == f"Met {row['name']} today; wrote to {min(third)}"
    assert len({row["name"] for row in masked}) == len(set(names))
    assert {row["customer_id"] for row in masked[::4]} == {nobody}


def test_free_text_nested_values_and_bytes_are_redacted_unless_confirmed() -> None:
    table = customers(40).select(["customer_id", "email"])
    sentence = pa.array([f"Please call client {n} back on Monday" for n in range(40)])
    nested = pa.array([{"who": "Ann Smith"}] * 40)
    table = table.append_column("note", sentence).append_column("more", nested)
    table = table.append_column("raw", pa.array([b"Ann"] * 40))
    new = fb.mask(table).table
    assert set(new["note"].to_pylist()) == {"[redacted]"}
    assert new["more"].null_count == new["raw"].null_count == 40
    with pytest.raises(SpecError, match="nested values or bytes, and is kept"):
        fb.mask(table, columns={"more": "keep"})


@pytest.mark.parametrize(
    ("column", "action"),
    [("spent", "replace: name"), ("spent", "generalise: month"), ("seen", "jitter"),
     ("seen", "replace"), ("n", "replace: email"), ("n", "notes: confirmed")],
)  # fmt: skip
def test_an_action_that_does_not_suit_the_type_is_refused(column: str, action: str) -> None:
    table = pa.table(
        {
            "email": [f"p{n}@x.test" for n in range(20)],
            "spent": [n / 4 for n in range(20)],
            "seen": pa.array([date(2024, 1, 1 + n) for n in range(20)]),
            "n": list(range(20)),
        }
    )
    with pytest.raises(SpecError) as caught:
        fb.mask(table, columns={column: action})
    assert caught.value.code == "mask.wrong-type"


def test_cards_that_are_numbers_keep_their_check_digit() -> None:
    table = customers(50)
    numbers = table["card"].cast(pa.int64())
    table = table.set_column(table.column_names.index("card"), "card", numbers)
    new = fb.mask(table).table
    assert new.schema == table.schema
    assert all(is_card(str(number)) for number in new["card"].to_pylist())


def test_a_small_table_of_orders_alone_needs_no_person() -> None:
    table = orders().select(["order_id", "total"])
    assert fb.mask(table).table.equals(table)


def test_a_first_name_of_nobody_is_somebodys_last_name_with_an_accent() -> None:
    """Words of originals recur in no place and spelling, also not as a part of a double name."""
    names = [f"{first} {last}" for first in ("Ana", "Eva", "Iker", "Luz")
             for last in ("Martín", "Juan", "Sofía", "Tomás", "José", "Simón")]  # fmt: skip
    table = pa.table({"name": names * 20, "id": range(480)})
    masked = fb.mask(table, columns={"name": "replace: name"}, locale=["es"])
    words = {"ana", "eva", "iker", "luz", "martin", "juan", "sofia", "tomas", "jose", "simon"}
    plain = (
        "".join(c for c in unicodedata.normalize("NFKD", text.lower()) if c.isascii())
        for text in masked.table["name"].to_pylist()
    )
    assert not words & {word for text in plain for word in text.split()}


def test_codes_of_goods_that_look_like_plates_stay_in_a_table_without_people() -> None:
    table = pa.table({"sku": [f"RAU-{n}" for n in range(1_000, 1_060)], "price": range(60)})
    assert fb.mask(table).table == table


def test_of_a_row_that_is_too_few_to_tell_personal_columns_are_blanked_and_it_is_said() -> None:
    masked = fb.mask({"name": ["Anna Müller"], "email": ["a@b.test"], "plan": ["basic"]})
    assert masked.table.to_pylist() == [
        {"name": "[redacted]", "email": "[redacted]", "plan": "basic"}
    ]
    assert "`data` has too few rows to tell what is personal by its values" in masked.card["notes"]
