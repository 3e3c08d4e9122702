"""`fabula mask FILE -o …` with no further word, on tables as people find them."""

from __future__ import annotations

import subprocess

import pyarrow as pa
import pyarrow.csv as pc_csv
import pytest

from fabula.fakers.people import People
from fabula.streams import stream
from tests.privacy.conftest import csv_rows


def test_measures_without_people_stay_and_that_nothing_was_replaced_is_said(run, tmp_path):
    """A table without people may have fractions of four decimals; they are measures."""
    lines = [f"{n},{1 + n * 0.13597:.5f},{40 + n * 0.71113:.5f}\n" for n in range(40)]
    (tmp_path / "rates.csv").write_text("year,spent,sold\n" + "".join(lines))
    ended = run("mask", "rates.csv", "-o", "out.csv")
    assert ended.code == 0
    assert (tmp_path / "out.csv").read_bytes() == (tmp_path / "rates.csv").read_bytes()
    assert "degrees of four decimals" in ended.err
    assert "confirmed" not in ended.err
    assert "nothing was replaced: no column looks personal; `--column NAME=ACTION`" in ended.err
    assert "one-off" not in ended.err


def test_codes_that_refer_to_a_table_without_people_stay(run, tmp_path):
    """A key is replaced where its own table replaces it, or no join holds any more."""
    data = tmp_path / "data"
    data.mkdir()
    people = People("en").draw(lambda name: stream(1, "staff", name, 0), 30, ["name", "email"])
    areas = [f"A{n * 37 + 1000}" for n in range(30)]
    tables = {
        "staff": {"staff_id": list(range(100, 130)), **people},
        "areas": {"area_id": areas, "size": list(range(30))},
        "staff_areas": {"staff_id": list(range(100, 130)), "area_id": areas[::-1]},
    }
    for name, columns in tables.items():
        pc_csv.write_csv(pa.table(columns), data / f"{name}.csv")
    ended = run("mask", "data", "-o", "out")
    assert ended.code == 0
    new = {name: csv_rows(tmp_path / "out" / f"{name}.csv") for name in tables}
    for child, parent, key in (("staff_areas", "areas", "area_id"),
                               ("staff_areas", "staff", "staff_id")):  # fmt: skip
        assert {row[key] for row in new[child]} == {row[key] for row in new[parent]}
    assert not {row["staff_id"] for row in new["staff"]} & set(map(str, range(100, 130)))


def test_the_promise_names_what_a_short_list_breaks(run, tmp_path):
    drawn = People("ja").draw(lambda name: stream(7, "c", name, 0), 1_000, ["name"])
    pc_csv.write_csv(pa.table({"customer_id": range(1_000), **drawn}), tmp_path / "real.csv")
    ended = run("mask", "real.csv", "-o", "out.csv")
    assert ended.code == 0
    assert "may be those of the originals" in ended.err
    assert "is one of the originals, but for those that a note names" in ended.err


def test_amounts_with_a_decimal_comma_stay_and_values_in_quotes_are_found(run, tmp_path):
    drawn = People("de").draw(lambda name: stream(3, "p", name, 0), 60, ["name", "email"])
    rows = list(zip(*(drawn[field].to_pylist() for field in ("name", "email")), strict=True))
    lines = [f"'{name}';'{email}';{n * 3},5\n" for n, (name, email) in enumerate(rows)]
    (tmp_path / "kunden.csv").write_text("kunde;mail;umsatz\n" + "".join(lines))
    assert run("mask", "kunden.csv", "-o", "out.csv").code == 0
    new = (tmp_path / "out.csv").read_text().splitlines()[1:]
    assert [line.split(";")[2] for line in new] == [f"{n * 3},5" for n in range(60)]
    assert not [email for _, email in rows if email in "\n".join(new)]


WRITTEN = {
    "e-mail behind a name": lambda row: f"{row['name']} <{row['email']}>",
    "two e-mails": lambda row: f"{row['email']}; info@shop.example",
    "initial behind": lambda row: f"{row['first_name']} {row['last_name'][0]}.",
    "handle": lambda row: f"@{row['username']}",
    "URL": lambda row: "https://net.example/in/{first_name}-{last_name}/".format(**row).lower(),
    "path": lambda row: f"/home/{row['first_name'][0]}{row['last_name']}/docs/report.pdf".lower(),
}


@pytest.mark.parametrize("way", WRITTEN)
def test_people_are_found_in_a_column_of_their_own(way, run, tmp_path):
    fields = ["name", "first_name", "last_name", "email", "username"]
    drawn = pa.table(People("en").draw(lambda name: stream(9, "p", name, 0), 60, fields))
    real = [WRITTEN[way](row) for row in drawn.to_pylist()]
    pc_csv.write_csv(pa.table({"c1": real, "n": range(60)}), tmp_path / "real.csv")
    assert run("mask", "real.csv", "-o", "out.csv").code == 0
    new = [row["c1"] for row in csv_rows(tmp_path / "out.csv")]
    assert not set(new) & set(real)


def test_names_of_columns_that_are_e_mails_are_refused(run, tmp_path):
    """What no action changes would stay without a word."""
    (tmp_path / "by.json").write_text(
        '{"ann@mail.example": {"n": 1}, "bea@mail.example": {"n": 2}}'
    )
    ended = run("mask", "by.json", "-o", "out.json")
    assert ended.code == 2
    assert "error[mask.personal-name]" in ended.err
    assert not (tmp_path / "out.json").exists()
    (tmp_path / "no.csv").write_text("ann@mail.example,1\nbea@mail.example,2\ncy@mail.example,3\n")
    headless = run("mask", "no.csv", "-o", "out.csv")
    for err in (ended.err, headless.err):
        hint = err.partition("hint: ")[2].splitlines()[0]
        subprocess.run(["sh", "-c", hint], check=True, cwd=tmp_path)
    assert (tmp_path / "no-named.csv").read_text().startswith("c1,c2\nann@mail.example,1\n")
    assert run("mask", "by-rows.json", "-o", "out.json").code == 0


def test_paths_and_urls_without_people_stay(run, tmp_path):
    sorts = ["amber-lamp", "oak-table", "mark-iv-chair", "linen-sheets-large", "rose-vase"]
    rows = [(f"https://shop.example/item/{sorts[n % 5]}-{n}", f"img/{n % 7}/part{n}.png")
            for n in range(60)]  # fmt: skip
    pc_csv.write_csv(pa.table(dict(zip(("a", "b"), zip(*rows, strict=True), strict=True))),
                     tmp_path / "real.csv")  # fmt: skip
    assert run("mask", "real.csv", "-o", "out.csv").code == 0
    assert (tmp_path / "out.csv").read_bytes() == (tmp_path / "real.csv").read_bytes()
