"""Writing files: whole or not at all, each format right to the byte."""

from __future__ import annotations

import csv
import datetime as dt
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest

import fabula as fb
from fabula.errors import FabulaError, SinkError, UsageError
from fabula.io.formats import Format, format_of, written_formats
from fabula.io.names import file_stem
from fabula.io.places import remove_leftovers, replacing, write_text
from fabula.io.write import write_table, writing

WILD = pa.table(
    {
        'a,"b': pa.array([1, None], pa.int64()),
        "class": ['x "q", y\nz', None],
        "é": ["", "🙂"],
        "d": pa.array(["p", None]).dictionary_encode(),
        "ts": pa.array([dt.datetime(2024, 1, 1, 3, 4, 5), None], pa.timestamp("us")),
        "day": [dt.date(2024, 1, 1), None],
        "f": [float("nan"), 1.5],
        "b": [True, None],
        "l": [[1, 2], None],
        "s": [{"u": "v"}, None],
    }
)


def test_json_lines_keep_nulls_and_dates_in_iso_form(tmp_path: Path) -> None:
    """Formats: JSON Lines; NaN has no place in JSON."""
    write_table(tmp_path / "t.jsonl", WILD, WILD.schema, "jsonl")
    first, second = map(json.loads, (tmp_path / "t.jsonl").read_text().splitlines())
    assert first == {
        'a,"b': 1,
        "class": 'x "q", y\nz',
        "é": "",
        "d": "p",
        "ts": "2024-01-01T03:04:05",
        "day": "2024-01-01",
        "f": None,
        "b": True,
        "l": [1, 2],
        "s": {"u": "v"},
    }
    assert list(second) == WILD.column_names
    assert set(second.values()) == {None, "🙂", 1.5}


def test_csv_follows_rfc_4180(tmp_path: Path) -> None:
    """Any CSV reader sees the same fields; nested values are JSON text."""
    write_table(tmp_path / "t.csv", WILD, WILD.schema, "csv")
    with (tmp_path / "t.csv").open(newline="", encoding="utf-8") as file:
        header, first, second = csv.reader(file, strict=True)
    assert header == WILD.column_names
    assert first[:4] == ["1", 'x "q", y\nz', "", "p"]
    assert first[-2:] == ["[1,2]", '{"u":"v"}']
    assert second[1:4] == ["", "🙂", ""]


@pytest.mark.parametrize("file_format", written_formats())
def test_blocks_of_any_size_and_tables_without_rows_are_written(
    tmp_path: Path, file_format: Format
) -> None:
    """(N = 0); the same blocks give the same bytes, with a true hash and size."""
    empty = write_table(tmp_path / "e", [], WILD.schema, file_format)
    assert empty.rows == 0
    blocks = [WILD, WILD.slice(0, 0), WILD.slice(1)]
    first = write_table(tmp_path / "t", blocks, WILD.schema, file_format)
    assert first.rows == 3
    assert first.bytes == (tmp_path / "t").stat().st_size
    assert write_table(tmp_path / "t", blocks, WILD.schema, file_format) == first


def test_blocks_may_bring_different_dictionaries(tmp_path: Path) -> None:
    """Dictionary columns in all formats."""
    blocks = [pa.table({"d": pa.array(v).dictionary_encode()}) for v in (["a", "b"], ["c", "a"])]
    for file_format in written_formats():
        write_table(tmp_path / "t", blocks, blocks[0].schema, file_format)
        content = (tmp_path / "t").read_bytes()
        assert all(value in content for value in (b"a", b"b", b"c"))
    write_table(tmp_path / "t", blocks, blocks[0].schema, "parquet")
    assert pa.parquet.read_table(tmp_path / "t")["d"].to_pylist() == ["a", "b", "c", "a"]


def test_a_failure_leaves_the_old_file_as_it_was(tmp_path: Path) -> None:
    """Whole or not at all."""
    path = tmp_path / "t.parquet"
    write_table(path, WILD, WILD.schema, "parquet")
    before = path.read_bytes()

    def fail() -> None:
        with writing(path, WILD.schema, "parquet") as file:
            file.write(WILD)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert path.read_bytes() == before
    assert [item.name for item in tmp_path.iterdir()] == ["t.parquet"]


def test_leftovers_of_killed_processes_are_removed_and_nothing_else(tmp_path: Path) -> None:
    """(kill -9)."""
    keep = [".hidden", ".a.b.tmp", "x.tmp", ".note.12.txt"]
    for name in (*keep, ".t.parquet.123.tmp"):
        (tmp_path / name).touch()
    remove_leftovers(tmp_path)
    assert sorted(item.name for item in tmp_path.iterdir()) == sorted(keep)


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("file/below.csv", "sink.no-folder"),
        ("gone/below.csv", "sink.missing"),
        ("folder", "sink.no-file"),
        ("x" * 300, "sink.name"),
    ],
)
def test_a_place_that_can_not_be_written_is_named(tmp_path: Path, path: str, code: str) -> None:
    """Each cause has its own code and hint."""
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    with pytest.raises(SinkError) as caught:
        write_text(tmp_path / path, "x")
    assert (caught.value.code, caught.value.exit_code) == (code, 2)
    assert caught.value.hint


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="mounting needs root")
def test_full_and_read_only_disks_are_named(tmp_path: Path) -> None:
    """A real full disk, and a real read-only one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("this machine can't mount")
    try:
        for file_format in written_formats():
            rows = pa.table({"a": [os.urandom(500).hex() for _ in range(2000)]})
            with pytest.raises(SinkError) as caught:
                write_table(disk / "t", rows, rows.schema, file_format)
            assert caught.value.code == "sink.full"
            assert list(disk.iterdir()) == []
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        with pytest.raises(SinkError) as caught:
            write_text(disk / "t", "x")
        assert caught.value.code == "sink.read-only"
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="changing the user needs root")
def test_a_folder_of_another_user_is_named(tmp_path: Path) -> None:
    """Permissions."""
    code = (
        "import os, pathlib, sys; from fabula.io.places import write_text;"
        "from fabula.errors import SinkError; os.setuid(65534)\n"
        "try: write_text(pathlib.Path(sys.argv[1]), 'x')\n"
        "except SinkError as error: print(error.code)"
    )
    tmp_path.chmod(0o755)
    shown = subprocess.run(
        [sys.executable, "-c", code, "/etc/fabula-test"], capture_output=True, text=True, check=True
    )
    assert shown.stdout.strip() == "sink.denied"


def test_interrupts_pass_through(tmp_path: Path) -> None:
    """Ctrl-C while writing leaves nothing behind."""

    def interrupt() -> None:
        with replacing(tmp_path / "t") as temporary:
            temporary.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupt()
    assert list(tmp_path.iterdir()) == []


def test_table_names_make_safe_and_distinct_file_names() -> None:
    """(unicode names): no path leaves the folder, no table hides the manifest."""
    names = ["orders", "größe", "a/b", "../../etc/passwd", ".hidden", "manifest", "Rejects", "CON"]
    names += ["a%2Fb", "a b", "x.", "", "run", "%72un"]
    stems = [file_stem(name) for name in names]
    assert stems[:2] == ["orders", "größe"]
    assert len(set(stems)) == len(names)
    for stem in stems:
        assert stem
        assert "/" not in stem
        assert "\\" not in stem
        assert not stem.startswith(".")
        assert stem.lower() not in ("manifest", "rejects", "run", "con")


def test_unknown_formats_are_named() -> None:
    """Errors: did you mean."""
    with pytest.raises(UsageError) as caught:
        format_of(Path("t.parqet"))
    assert caught.value.hint == "did you mean `parquet`?"


@pytest.mark.parametrize("address", ["ftp://me:secret@host/db", "gopher://bucket/rows"])
def test_an_address_is_refused_where_files_are_read_and_written(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is left behind, and a password in it is not repeated."""
    monkeypatch.chdir(tmp_path)
    calls: list[Callable[[], object]] = [
        lambda: fb.generate("id key", 3, output=address),
        lambda: fb.generate("id key", 3).write(address),
        lambda: fb.export({"a": ["x"]}, address, user="a", assistant="a"),
        lambda: fb.fit({"a": list(range(60))}).save(address),
        lambda: fb.evaluate(address),
    ]
    for call in calls:
        with pytest.raises(FabulaError, match=f"`{address.partition(':')[0]}://…` is an") as caught:
            call()
        assert "secret" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["rows.avro", "rows.orc", "rows.yaml"])
def test_a_file_of_a_format_that_is_not_written_becomes_no_folder(
    name: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="there is no file format"):
        fb.generate("id key", 3, output=tmp_path / name)
    assert list(tmp_path.iterdir()) == []
