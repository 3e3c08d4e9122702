"""Files and specs that claim more than they are: one clear error, within 5 s of CPU and 500 MB."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fabula.errors import FabulaError
from fabula.io.csv_layout import unique_names
from fabula.io.sources import read_source
from fabula.io.tables import as_table

SECONDS, MEGABYTES = 10, 500
"""Twice the promise in CPU seconds, since a busy machine counts more of them."""
COMMAND = "import sys; from fabula.cli.main import main; sys.exit(main(sys.argv[1:]))"
WATCHED = """
import json, resource, subprocess, sys
run = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
told = run.stderr.decode()
print(json.dumps([run.returncode, told, used.ru_utime + used.ru_stime, used.ru_maxrss]))
"""
"""Runs a command from a small process: a child's peak counts the memory of who starts it."""


def cost(*words: str, folder: Path) -> tuple[int, str]:
    """The exit code and message of a command that keeps to its time and memory."""
    run = [sys.executable, "-c", WATCHED, sys.executable, "-c", COMMAND, *words]
    watched = subprocess.run(run, cwd=folder, capture_output=True, check=True)
    code, told, seconds, kilobytes = json.loads(watched.stdout)
    assert seconds < SECONDS, told
    assert kilobytes / 1024 < MEGABYTES, told
    return code, told


def gzipped(path: Path, start: bytes, piece: bytes, times: int) -> None:
    with gzip.open(path, "wb", 1) as file:
        file.write(start)
        for _ in range(times):
            file.write(piece)


@pytest.fixture(scope="module")
def bombs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of files of a few MB that stand for gigabytes."""
    folder = tmp_path_factory.mktemp("bombs")
    gzipped(folder / "rows.csv.gz", b"a,b\n", b"1,aaaaaaaaaaaaaaaaaaaaaaaaaa\n" * 10**5, 150)
    gzipped(folder / "cell.csv.gz", b"a,b\n1,", b"a" * 10**6, 300)
    gzipped(folder / "rows.jsonl.gz", b"", b'{"a":1,"b":"aaaaaaaaaaaaaaaa"}\n' * 10**5, 120)
    names = ",".join(f"c{number}" for number in range(100_000))
    (folder / "wide.csv").write_text(f"{names}\n{names}\n{names}\n")
    (folder / "same.csv").write_text(",".join("a" * 100_000) + "\n1" * 3)
    (folder / "wide.json").write_text(json.dumps([dict.fromkeys(names.split(",")[:30_000], 1)]))
    wide = {name: [1] for name in names.split(",")[:10_001]}
    pq.write_table(pa.table(wide), folder / "wide.parquet")
    (folder / "table.zip").write_bytes(b"PK\x03\x04" + bytes(100))
    few = pa.DictionaryArray.from_arrays(np.zeros(12_000_000, np.int8), ["x" * 1000])
    pq.write_table(pa.table({"a": few}), folder / "rows.parquet", row_group_size=len(few))
    return folder


BOMBS = ["rows.csv.gz", "cell.csv.gz", "rows.jsonl.gz", "wide.csv", "same.csv", "wide.json",
         "wide.parquet", "table.zip"]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", BOMBS)
def test_a_file_that_is_a_bomb_is_one_clear_error(name: str, bombs: Path) -> None:
    code, told = cost("show", name, folder=bombs)
    assert code == 2
    assert told.count("error[") == 1
    assert name.partition(".")[0] in told


@pytest.mark.slow
def test_rows_that_a_file_only_claims_get_no_memory(bombs: Path) -> None:
    """Twelve gigabytes of text from 1.5 MB."""
    code, told = cost("export", "rows.parquet", "-o", "x.csv", folder=bombs)
    assert code == 2
    assert "it claims 12,000,000 rows" in told


def test_honest_files_are_read(tmp_path: Path) -> None:
    """Data packs to a tenth; constants do better, and a small file may be all constant."""
    rng = np.random.default_rng(1)
    numbers = "".join(f"{number},x,2024-01-01\n" for number in rng.integers(0, 99, 300_000))
    gzipped(tmp_path / "a.csv.gz", b"a,b,c\n", numbers.encode(), 1)
    gzipped(tmp_path / "b.csv.gz", b"a,b,c\n", b"1,x,2024-01-01\n" * 10**6, 1)
    assert as_table(tmp_path / "a.csv.gz").num_rows == 300_000
    assert as_table(tmp_path / "b.csv.gz").num_rows == 10**6
    pq.write_table(pa.table({"a": np.zeros(2_000_000)}), tmp_path / "c.parquet")
    assert as_table(tmp_path / "c.parquet").num_rows == 2_000_000


def test_many_columns_of_one_name_are_numbered_at_once() -> None:
    names, notes = unique_names(["a"] * 10_000)
    assert names[:3] == ["a", "a_2", "a_3"]
    assert len(set(names)) == 10_000
    assert len(notes) == 9_999


@pytest.mark.parametrize("size", [10**7, 2**40, -5])
def test_a_parquet_footer_that_claims_rows_is_no_fault_of_ours(size: int, tmp_path: Path) -> None:
    """The footer's bytes are varied where it has the number of rows."""
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"a": [1, 2, 3]}), path)
    data = bytearray(path.read_bytes())
    for at in range(len(data) - 200, len(data) - 8):
        changed = bytes(data[:at]) + (size % 2**64).to_bytes(8, "little") + bytes(data[at + 8 :])
        path.write_bytes(changed)
        try:
            as_table(path)
        except (FabulaError, pa.ArrowException, OSError):
            continue


PROVIDERS = ["faker.binary", "faker.tar", "faker.json", "faker.csv"]


@pytest.mark.slow
@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_provider_of_endless_values_is_named_with_its_place(
    provider: str, tmp_path: Path
) -> None:
    pytest.importorskip("faker")
    columns = {"x": {"kind": "provider", "name": provider, "size": 1_000_000}}
    spec = {"tables": {"t": {"n": 10_000, "columns": columns}}}
    (tmp_path / "s.json").write_text(json.dumps(spec))
    code, told = cost("generate", "s.json", "-o", "out", folder=tmp_path)
    assert code == 2
    assert "tables.t.columns.x" in told
    assert f"`{provider}`" in told


def test_a_zip_of_data_is_told_apart_from_a_table(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"PK\x03\x04")
    with pytest.raises(FabulaError, match="an archive"):
        read_source(tmp_path / "a.csv")
