"""`mask` and files: bytes that stay, stopped runs, places that are not free, results in memory."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import fabula as fb
from fabula.errors import SinkError, UsageError
from fabula.privacy.files.csv_bytes import CsvSource
from fabula.privacy.mask import prepare, write
from tests.privacy.conftest import csv_rows, customers, orders, write_csv


def test_kept_columns_stay_to_the_byte(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    header = 'id,"email",  amount ,note of the row\r\n'
    lines = [f'{n:04},"p{n}@mail.test",  1.{n}0 ,"a ""b"", c"\r\n' for n in range(40)]
    path.write_bytes(("\ufeff" + header + "".join(lines)).encode())
    actions = {"note of the row": "keep: confirmed", "id": "keep: confirmed"}
    fb.mask(path, columns=actions, output=tmp_path / "out.csv")
    new = (tmp_path / "out.csv").read_bytes().decode().removeprefix("\ufeff")
    assert new.startswith(header)
    for old, line in zip(lines, new.removeprefix(header).splitlines(keepends=True), strict=True):
        start, email, end = re.split(r'"([^"]*@[^"]*)"', line)
        assert (start, end) == tuple(old.split(f'"{old.split(chr(34))[1]}"', 1))
        assert email not in old


@pytest.mark.slow
@pytest.mark.parametrize("size", [1_000, 50_000])
def test_the_size_of_blocks_changes_no_byte(tmp_path: Path, key: Path, size: int) -> None:
    masking = prepare(write_csv(customers(), tmp_path / "people.csv"), key_file=key)
    source = masking.sources["people"]
    assert isinstance(source, CsvSource)
    whole, cut = (
        b"".join(
            bytes(block.written(masking.masker("people").mask(block.table()), []))
            for block, _ in source.blocks(size=each)
        )
        for each in (1 << 30, size)
    )
    assert whole == cut


@pytest.mark.slow
def test_a_killed_masking_continues_to_the_same_bytes(
    tmp_path: Path, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fabula.privacy.files import csv_bytes, writing

    source = write_csv(customers(4_000), tmp_path / "people.csv")
    fb.mask(source, key_file=key, output=tmp_path / "whole.csv")
    monkeypatch.setattr(csv_bytes.CsvSource.blocks, "__defaults__", (0, 20_000))
    monkeypatch.setattr(writing, "_JOURNALLED", 10_000)
    seen: list[int] = []

    def stop(_: str, rows: int, __: int) -> None:
        seen.append(rows)
        if len(seen) == 9:
            raise KeyboardInterrupt

    masking = prepare(source, key_file=key)
    with pytest.raises(KeyboardInterrupt):
        write(masking, tmp_path / "out.csv", progress=stop)
    assert not (tmp_path / "out.csv").exists()
    again: list[int] = []
    masked = write(
        prepare(source, key_file=key), tmp_path / "out.csv",
        progress=lambda _, rows, __: again.append(rows),
    )  # fmt: skip
    assert again[0] > 500
    assert (tmp_path / "out.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert masked.card["tables"]["people"]["rows"] == 4_000
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


@pytest.mark.slow
def test_originals_and_finished_outputs_are_never_overwritten_unasked(
    shop: Path, tmp_path: Path
) -> None:
    with pytest.raises(SinkError, match="is the original"):
        fb.mask(shop, output=shop)
    fb.mask(shop, output=tmp_path / "out")
    with pytest.raises(SinkError, match="exists"):
        fb.mask(shop, output=tmp_path / "out")
    fb.mask(shop, output=tmp_path / "out", overwrite=True)


@pytest.mark.parametrize("make", ["symlink_to", "hardlink_to"])
def test_a_planted_link_leads_a_masking_nowhere(make: str, tmp_path: Path) -> None:
    """It has the name under which a file of the masking is written."""
    source = write_csv(customers(60), tmp_path / "people.csv")
    out, victim = tmp_path / "out", tmp_path / "victim.txt"
    out.mkdir()
    victim.write_text("mine")
    getattr(out / ".people.csv.masking", make)(victim)
    fb.mask(source, output=out)
    assert victim.read_text() == "mine"
    assert len(csv_rows(out / "people.csv")) == 60
    assert not (out / "people.csv").is_symlink()


def test_an_unfinished_file_lets_a_masking_replace_no_other(tmp_path: Path) -> None:
    source = write_csv(customers(60), tmp_path / "people.csv")
    out = tmp_path / "out"
    out.mkdir()
    (out / "people.csv").write_text("mine")
    (out / ".people.csv.masking").touch()
    with pytest.raises(SinkError, match="exists"):
        fb.mask(source, output=out)
    assert (out / "people.csv").read_text() == "mine"


def test_masked_tables_in_memory_are_written_with_their_card(tmp_path: Path) -> None:
    masked = fb.mask({"customers": customers(60), "orders": orders(60)})
    masked.write(tmp_path / "out")
    for name, table in masked.tables.items():
        assert pq.read_table(tmp_path / "out" / f"{name}.parquet").equals(table)
    card = json.loads((tmp_path / "out" / "card.json").read_text(encoding="utf-8"))
    assert card["tables"]["orders"]["file"] == "orders.parquet"
    with pytest.raises(UsageError, match="there are 2 masked tables"):
        masked.write(tmp_path / "one.csv")


def test_masked_files_are_not_written_twice(tmp_path: Path) -> None:
    masked = fb.mask(write_csv(customers(60), tmp_path / "p.csv"), output=tmp_path / "out.csv")
    assert masked.report().startswith("p  60 rows, people by `customer_id`\n")
    with pytest.raises(UsageError, match="are in files"):
        masked.write(tmp_path / "again.csv")


def test_a_file_that_ends_within_a_quote_is_refused(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text('email\na@b.test\n"c@d.test\n', encoding="utf-8")
    with pytest.raises(fb.FabulaError) as caught:
        fb.mask(tmp_path / "p.csv", output=tmp_path / "out.csv")
    assert caught.value.code == "source.bad-row"
    assert not (tmp_path / "out.csv").exists()


def test_a_table_without_rows_keeps_its_header(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("name,email\n", encoding="utf-8")
    fb.mask(tmp_path / "p.csv", output=tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_text(encoding="utf-8") == "name,email\n"


def test_amounts_of_which_some_are_whole_are_no_codes(tmp_path: Path, key: Path) -> None:
    table = customers()
    paid = [f"{n * 7 / 100:.10g}" for n in range(1, table.num_rows + 1)]
    assert {"7", "0.07"} <= {*paid}
    write_csv(table.append_column("paid", [paid]), tmp_path / "people.csv")
    made = fb.mask(tmp_path / "people.csv", key_file=key, output=tmp_path / "out.csv")
    assert made.card["tables"]["people"]["columns"]["paid"]["action"] == "keep"
    assert [row["paid"] for row in csv_rows(tmp_path / "out.csv")] == paid


def test_the_card_of_a_masking_into_a_database_is_in_the_working_folder(
    tmp_path: Path, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write_csv(customers(), tmp_path / "people.csv")
    monkeypatch.chdir(tmp_path)
    made = fb.mask(source, key_file=key, output="sqlite:///crm.db")
    assert made.card["destination"]["card"] == "crm.db.card.json"
    card = json.loads((tmp_path / "crm.db.card.json").read_text())
    assert card["tables"]["people"]["columns"]["name"]["action"] == "replace"
