"""The scan finds real values in any spelling and encoding, and is silent where there are none."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc_csv
import pyarrow.parquet as pq
import pytest

from fabula.errors import GateError, SourceError, UsageError
from fabula.fakers.people import People
from fabula.privacy.notes import Mention
from fabula.privacy.scan import ScanReport, scan
from fabula.privacy.scan.aligned import own_parts
from fabula.privacy.scan.towns import are_towns_by_chance
from fabula.streams import stream
from tests.privacy.planted import EMAIL, LAST, LEAKS, NAME, VICTIM, clean, real, write_clean


@lru_cache
def customers() -> pa.Table:
    return real()


def scanned(folder: Path, **options: object) -> ScanReport:
    return scan(folder, against={"customers": customers()}, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("way", LEAKS)
def test_a_planted_value_is_found(way: str, tmp_path: Path) -> None:
    write_clean(tmp_path)
    LEAKS[way](tmp_path)
    report = scanned(tmp_path)
    assert report.leaks, report.report()
    shown = report.report() + json.dumps(report.to_dict(), ensure_ascii=False)
    assert NAME not in shown
    assert LAST not in shown
    assert EMAIL not in shown


@pytest.mark.parametrize("seed", range(2, 22))
def test_a_clean_folder_is_silent(seed: int, tmp_path: Path) -> None:
    write_clean(tmp_path, seed)
    report = scanned(tmp_path)
    assert report.passed, report.report()


def test_a_new_street_that_is_by_chance_the_persons_old_one_is_no_leak() -> None:
    streets = [
        f"{row} Old Harbour{chr(97 + row // 20)}{chr(97 + row % 20)} Road" for row in range(40)
    ]
    own = [Mention("street", pa.array(streets), pa.array(streets))]
    drawn: list[str | None] = ["9 Mill Lane"] * 40
    drawn[7] = streets[7]
    new = pa.array(drawn)
    assert list(own_parts(new, own, drawn=True)) == []
    assert [kind for kind, *_ in own_parts(new, own)] == ["street"]
    assert [kind for kind, *_ in own_parts(pa.array(streets), own, drawn=True)] == ["street"]


def masked_folder(folder: Path, promise: str, actions: dict[str, str]) -> pa.Table:
    """What a masker leaves: a card, and notes in which it wrote the new names."""
    table = clean()
    notes = [f"Spoke to {name}, Mr or Mrs" for name in table["name"].to_pylist()]
    table = table.set_column(table.column_names.index("note"), "note", pa.array(notes))
    pc_csv.write_csv(table, folder / "customers.csv")
    columns = {name: {"action": actions.get(name, "replace")} for name in table.column_names}
    card = {"promise": promise, "tables": {"customers": {"columns": columns}}}
    (folder / "card.json").write_text(json.dumps(card))
    spans = [{"row": row, "start": 9, "end": len(note) - 11} for row, note in enumerate(notes)]
    (folder / ".written").mkdir()
    pq.write_table(pa.Table.from_pylist(spans), folder / ".written" / "customers.note.parquet")
    return table


def test_what_the_masker_wrote_is_no_alarm_and_what_it_copied_is(tmp_path: Path) -> None:
    table = masked_folder(tmp_path, "keyed", {"note": "notes", "segment": "keep"})
    assert scanned(tmp_path).passed
    notes = table["note"].to_pylist()
    notes[VICTIM] += f" and Mr {LAST}"
    changed = table.set_column(table.column_names.index("note"), "note", pa.array(notes))
    pc_csv.write_csv(changed, tmp_path / "customers.csv")
    (leak,) = scanned(tmp_path).leaks
    assert (leak.place, leak.kind) == (f"row {VICTIM + 1}, column `note`", "name")


def test_a_single_name_of_anybody_breaks_the_promise_of_one_off_masking(tmp_path: Path) -> None:
    table = masked_folder(tmp_path, "one-off", {"note": "notes", "segment": "keep"})
    names = [f"Aaba{'x' * (row % 9)} Oobo" for row in range(table.num_rows)]
    names[90] = f"Aaba {LAST}"
    changed = table.set_column(table.column_names.index("name"), "name", pa.array(names))
    pc_csv.write_csv(changed, tmp_path / "customers.csv")
    (leak,) = scanned(tmp_path).leaks
    assert (leak.place, leak.how) == ("row 91, column `name`", "by itself")


def test_a_column_that_was_kept_by_choice_is_not_searched_and_that_is_said(tmp_path: Path) -> None:
    masked_folder(tmp_path, "keyed", {"email": "keep: confirmed", "note": "notes"})
    (tmp_path / "a.log").write_text(f"mail to {EMAIL}")
    report = scanned(tmp_path)
    assert report.passed
    assert "`customers.email` was kept by choice and was not searched" in report.notes


def test_seven_digits_that_chance_explains_are_a_note_and_no_leak(tmp_path: Path) -> None:
    numbers = range(1_000_000, 1_000_000 + 40_000 * 210, 210)
    (tmp_path / "ids.txt").write_text("\n".join(map(str, numbers)))
    phones = [f"+49 6221 {1_000_000 + n * 61_111}" for n in range(140)]
    report = scan(tmp_path, against={"phone": phones}, sensitive=["phone"])
    assert report.passed, report.report()
    assert any("chance brings about" in note for note in report.notes)


def _phones(seed: int, count: int = 3000) -> list[str]:
    """Phones of one town, in which a third of all numbers is in use."""
    drawn = np.random.default_rng(seed).permutation(10_000)[:count]
    return [f"+44 20 7946 {n:04}" for n in drawn.tolist()]


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_new_numbers_equal_those_of_others_as_often_as_their_space_is_small(
    ending: str, tmp_path: Path
) -> None:
    real, new = _phones(1), _phones(2)
    assert 800 < len({*real} & {*new}) < 1000

    def scanned_with(phones: list[str]) -> ScanReport:
        table, path = pa.table({"phone": phones}), tmp_path / f"customers.{ending}"
        pc_csv.write_csv(table, path) if ending == "csv" else pq.write_table(table, path)
        return scan(tmp_path, against={"customers": pa.table({"phone": real})})

    report = scanned_with(new)
    assert report.passed, report.report()
    assert any("chance brings about" in note for note in report.notes)
    report = scanned_with([*real[:20], *new[20:]])
    assert {leak.count for leak in report.leaks} == {20}
    assert "the old value of its own row" in {leak.how for leak in report.leaks}
    assert not scanned_with(real).passed
    (tmp_path / "a.log").write_text(f"call {real[7]}")
    leaks = scanned_with(new).leaks
    assert {leak.file for leak in leaks} == {"a.log"}


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_digits_of_several_columns_are_no_phone_number(ending: str, tmp_path: Path) -> None:
    """Places of notes, say: `1243,7,220` is the end of no phone, and `124 3 722` is."""
    phones = [f"+49 6221 {n:07}" for n in range(1_243_720, 1_243_770)]
    rows = [(int(phone[-7:-3]), int(phone[-3]), int(phone[-2:])) for phone in phones]
    table = pa.table(dict(zip(("row", "start", "end"), zip(*rows, strict=True), strict=True)))
    path = tmp_path / f"places.{ending}"
    pc_csv.write_csv(table, path) if ending == "csv" else pq.write_table(table, path)
    assert scan(tmp_path, against={"phone": phones}, sensitive=["phone"]).passed
    (tmp_path / "note.txt").write_text("call 124 3 722")
    assert not scan(tmp_path, against={"phone": phones}, sensitive=["phone"]).passed


def test_every_single_name_counts_where_it_is_asked(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(f"dear Mrs {LAST}")
    assert scanned(tmp_path).passed
    assert scanned(tmp_path, every_name=True).leaks[0].how == "by itself"


def test_a_file_that_cannot_be_read_to_its_end_fails_the_scan(tmp_path: Path) -> None:
    LEAKS["gzip"](tmp_path)
    packed = (tmp_path / "a.log.gz").read_bytes()
    (tmp_path / "a.log.gz").write_bytes(packed[:-12])
    report = scanned(tmp_path)
    assert not report.passed
    assert list(report.unread) == ["a.log.gz"]
    with pytest.raises(GateError, match="was not searched"):
        report.raise_for_leaks()


def test_a_scan_of_nothing_sensitive_says_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing in the real data was recognised"):
        scan(tmp_path, against={"n": [1, 2, 3]})
    with pytest.raises(UsageError, match="no column `mial`"):
        scanned(tmp_path, sensitive=["mial"])
    with pytest.raises(SourceError, match="there is no"):
        scanned(tmp_path / "none")


@pytest.mark.parametrize("form", ["json", "parquet", "csv"])
def test_details_inside_objects_and_lists_of_the_real_data_are_sought(
    form: str, tmp_path: Path
) -> None:
    people = customers().slice(0, 50).to_pylist()
    rows = [
        {
            "n": at,
            "person": {"name": row["name"], "more": {"email": row["email"]}},
            "phones": [f"+44 20 7946 {1000 + 37 * at}"],
            "contacts": [{"email": f"contact{at}@kin.test", "fee": 3}],
        }
        for at, row in enumerate(people)
    ]
    file = tmp_path / f"real.{form}"
    if form == "json":
        file.write_text(json.dumps(rows))
    elif form == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), file)
    else:
        texts = [json.dumps({**row, "age": "5" if row["n"] else 5}) for row in rows]
        pc_csv.write_csv(pa.table({"n": range(len(rows)), "all": texts}), file)
    out = tmp_path / "out"
    out.mkdir()
    for leaked in (
        people[3]["email"], rows[4]["phones"][0], rows[5]["contacts"][0]["email"]
    ):  # fmt: skip
        (out / "log.txt").write_text(f"sent to {leaked} today")
        report = scan(out, against=file)
        assert report.leaks, leaked
    (out / "log.txt").write_text("sent to nobody today")
    assert scan(out, against=file).passed


def test_a_table_about_nobody_is_not_said_to_lack_its_real_one(tmp_path: Path) -> None:
    people = {"id": [1, 2, 3], "mail": [f"{n}@shop.example" for n in ("ann", "bea", "cyd")]}
    real = {"people": people, "sizes": {"size": ["S", "M", "L", "XL"]}}
    (tmp_path / "sizes.csv").write_text("size\nS\nM\nL\nXL\n")
    (tmp_path / "people.csv").write_text("id,mail\n1,x@a.example\n2,y@a.example\n")
    notes = scan(tmp_path, against=real, sensitive=["mail"]).notes
    assert [note for note in notes if "without a real table" in note] == [
        "1 table of the output without a real table of as many rows: parts of values, such as"
        " single names, were not searched row by row there"
    ]


def test_new_user_names_begin_as_other_peoples_do_and_not_as_their_own(tmp_path: Path) -> None:
    """With a kept key `s.brown47` may be anyone's; in the row of `s.brown` it is a leak."""
    names = [name.casefold().split() for name in customers()["name"].to_pylist()]
    logins = [f"{name[0][0]}.{name[-1]}" for name in names]
    against = {"customers": pa.table({"id": range(len(names)), "login": logins})}
    columns = {"login": {"action": "replace"}}
    table = {"file": "customers.csv", "rows": len(names), "columns": columns}
    card = {"promise": "keyed", "tables": {"customers": table}}
    (tmp_path / "card.json").write_text(json.dumps(card))
    others = [*logins[1:], logins[0]]
    found = []
    for new in ([f"{text}47061" for text in others], [f"{text}47061" for text in logins], others):
        pc_csv.write_csv(pa.table({"login": new}), tmp_path / "customers.csv")
        found.append(scan(tmp_path, against=against, sensitive=["login"]))
    assert found[0].passed, found[0].report()
    assert [leak.how for leak in found[1].leaks] == ["part of its own person's row"]
    assert [leak.how for leak in found[2].leaks] == ["as it is"]
    (tmp_path / "log.txt").write_text(f"seen {logins[3]}47061")
    leaks = {leak.file: leak.how for leak in scan(tmp_path, against=against).leaks}
    assert leaks["log.txt"] == "at the beginning of a longer one"


def test_a_user_name_is_no_last_name_and_no_end_of_a_sentence(tmp_path: Path) -> None:
    names = ["atkins", *(name.casefold().split()[-1] for name in customers()["name"].to_pylist())]
    logins = ["w.atkins", "s.houston", *(f"{name[-1]}.{name}" for name in names)]
    against = {"people": pa.table({"id": range(len(logins)), "login": logins})}
    text = tmp_path / "notes.txt"
    text.write_text("Ann Watkins took the Wilsons's. Houston called. Saint Leo's, Houston")
    assert scan(text, against=against).passed
    for spelled in ("w.atkins", "W_Atkins", "w atkins", "S.HOUSTON", "s-houston"):
        text.write_text(f"by {spelled} today")
        assert not scan(text, against=against).passed, spelled


@pytest.mark.parametrize("real", ["the list's", "others", "mostly one"])
def test_how_many_towns_are_the_old_ones_by_chance_follows_from_their_frequency(real: str) -> None:
    """A flat bound of 5 % passed 1,000 addresses of which it is impossible for 50 to be equal."""
    rng, rows = np.random.default_rng(6), 1_000
    drawn = People("en").draw(lambda name: stream(6, "t", name, 0), rows, ["city"])["city"]
    towns = np.array(drawn.to_pylist())
    old = {
        "the list's": rng.permutation(towns),
        "others": np.array([f"Town {n}" for n in rng.integers(0, 500, rows)]),
        "mostly one": np.where(rng.random(rows) < 0.8, towns[0], "Town 1"),
    }[real]
    streets = pa.array([f"{n} High Street" for n in range(rows)])
    own = [Mention(kind, values, values)
           for kind, values in (("city", pa.array(old)), ("street", streets))]  # fmt: skip
    for left, passed in ((0, True), (150, False)):
        new = np.where(np.arange(rows) < left, old, towns)
        same = np.flatnonzero(old == new).tolist()
        found = not len(same) or are_towns_by_chance("city", same, 0.0, pa.array(new), own)
        assert found == passed, (left, len(same))
    if real == "others":
        new = np.where(np.arange(rows) < 50, old, towns)
        assert not are_towns_by_chance("city", range(50), 0.0, pa.array(new), own)


def test_orders_of_one_person_tell_once_that_chance_gave_the_old_town(tmp_path: Path) -> None:
    """One of twenty new towns may be the old one: here two of thirty people, of seven orders."""
    drawn = People("en").draw(lambda name: stream(4, "o", name, 0), 30, ["street", "city"])
    rows = np.arange(210) % 30
    old = pa.table({name: values.take(pa.array(rows)) for name, values in drawn.items()})
    columns = {name: {"action": "replace", "detail": name} for name in drawn}
    tables = {"orders": {"file": "orders.csv", "rows": 210, "columns": columns}}
    (tmp_path / "card.json").write_text(json.dumps({"promise": "keyed", "tables": tables}))
    for same, passed in ((2, True), (12, False)):
        towns = [
            town if n < same else "Zwolle"
            for town, n in zip(old["city"].to_pylist(), rows, strict=True)
        ]
        new = pa.table({"street": [f"{n + 900} Rood Road" for n in rows], "city": towns})
        pc_csv.write_csv(new, tmp_path / "orders.csv")
        report = scan(tmp_path, against={"orders": old})
        assert report.passed == passed, report.report()
