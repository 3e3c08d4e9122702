"""A masking that is killed continues where it was, to the same bytes."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import fabula as fb
from tests.privacy.conftest import customers, write_csv

ROWS = 2_000

_SCRIPT = """
import os, signal, sys
from pathlib import Path
from fabula.privacy.files import csv_bytes, json_bytes, parquet, writing
from fabula.privacy.mask import write
from fabula.privacy.preparing import prepare

source, out, key, note, last = sys.argv[1:]
csv_bytes.CsvSource.blocks.__defaults__ = (0, 20_000)
json_bytes.JsonFile.blocks.__defaults__ = (0, 40_000)
writing._JOURNALLED, writing._PART_BLOCKS = 30_000, 2
parquet.ArrowSource.block_rows = 200
seen = []

def stop(name, rows, of):
    seen.append(rows)
    if len(seen) == int(last):
        os.kill(os.getpid(), signal.SIGKILL)

columns = {"note": note} if note else {}
write(prepare([Path(source)], key_file=key, columns=columns), Path(out), progress=stop)
print(seen[0])
"""


def _file(folder: Path, ending: str, *, notes: bool) -> Path:
    table = customers(ROWS).drop_columns(["iban", "card"])
    if notes:
        told = [f"Called {name} about the parcel, mail {mail}" for name, mail in zip(
            table["name"].to_pylist(), table["email"].to_pylist(), strict=True)]  # fmt: skip
        table = table.append_column("note", pa.array(told))
    path = folder / f"people.{ending}"
    if ending == "csv":
        return write_csv(table, path)
    if ending == "parquet":
        pq.write_table(table, path)
    else:
        lines = (json.dumps({"is": row, "tags": [1]}) for row in table.to_pylist())
        path.write_text("\n".join(lines), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("ending", "notes"),
    [("csv", False), ("csv", True), ("jsonl", False), ("parquet", False), ("parquet", True)],
)
@pytest.mark.slow
def test_a_masking_that_is_killed_goes_on_to_the_same_bytes(
    tmp_path: Path, key: Path, ending: str, notes: bool
) -> None:
    """SIGKILL at half; then the same call in another process."""
    source, note = _file(tmp_path, ending, notes=notes), "notes: confirmed" if notes else ""
    whole, out = tmp_path / "whole", tmp_path / "out"

    def mask(folder: Path, last: int) -> subprocess.CompletedProcess[str]:
        arguments = [source, folder, key, note, last]
        return subprocess.run(
            [sys.executable, "-c", _SCRIPT, *map(str, arguments)],
            capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip

    assert mask(whole, 10**6).returncode == 0
    assert mask(out, 8).returncode == -signal.SIGKILL
    assert not (out / source.name).exists()
    again = mask(out, 10**6)
    assert again.returncode == 0, again.stderr
    assert int(again.stdout) >= 400  # it did not begin again
    made = {path.relative_to(out): path for path in out.rglob("*") if path.is_file()}
    assert set(made) == {path.relative_to(whole) for path in whole.rglob("*") if path.is_file()}
    for name, path in made.items():
        assert path.read_bytes() == (whole / name).read_bytes(), name
    card = json.loads((out / "card.json").read_text())
    assert card["tables"]["people"]["rows"] == ROWS


@pytest.mark.slow
def test_another_key_or_a_changed_file_begins_again(tmp_path: Path, key: Path) -> None:
    source, out = _file(tmp_path, "csv", notes=False), tmp_path / "out"
    arguments = [str(source), str(out), str(key), "", "8"]
    subprocess.run([sys.executable, "-c", _SCRIPT, *arguments], check=False, timeout=120)
    assert (out / ".people.csv.masking").exists()
    source.write_bytes(source.read_bytes().replace(b"user7@", b"user7x@"))
    fb.mask([source], output=out, key_file=key, overwrite=True)
    fb.mask([source], output=tmp_path / "whole", key_file=key)
    assert (out / "people.csv").read_bytes() == (tmp_path / "whole" / "people.csv").read_bytes()
