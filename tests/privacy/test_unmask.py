"""`unmask`: the key and the map lead back, and nothing else does."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import fabula as fb
from fabula.cli.main import main
from fabula.errors import FabulaError
from fabula.privacy.secret import new_key
from tests.privacy.conftest import customers, orders, write_csv

ACTIONS = {"postcode": "generalise: 2", "phone": "redact"}


@pytest.fixture
def masked(tmp_path: Path, key: Path) -> Path:
    """A folder with masked tables, their map, and the real ones in `crm`."""
    (tmp_path / "crm").mkdir()
    write_csv(customers(), tmp_path / "crm" / "customers.csv")
    pq.write_table(orders(), tmp_path / "crm" / "orders.parquet")
    rows = (
        {"who": {"mail": f"u{n}@mail.test"}, "phones": [f"+44 20 7946 0{n:03}"]} for n in range(99)
    )
    (tmp_path / "crm" / "calls.jsonl").write_text("\n".join(map(json.dumps, rows)))
    places = {"output": tmp_path / "out", "map": tmp_path / "m"}
    fb.mask([tmp_path / "crm"], key_file=key, columns=ACTIONS, **places)
    return tmp_path


@pytest.mark.slow
def test_every_changed_value_comes_back(masked: Path, key: Path) -> None:
    done = fb.unmask([masked / "out"], output=masked / "real", map=masked / "m", key_file=key)
    for name in ("customers.csv", "calls.jsonl"):
        assert (masked / "real" / name).read_bytes() == (masked / "crm" / name).read_bytes()
    made = pq.read_table(masked / "real" / "orders.parquet")
    assert made.equals(orders().replace_schema_metadata(None))
    assert not any(done.left.values())
    assert done.restored["customers"] > 400


@pytest.mark.slow
def test_some_rows_in_another_order_are_enough_and_changed_values_stay(
    masked: Path, key: Path
) -> None:
    with (masked / "out" / "customers.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    some = [list(row) for row in (rows[7], rows[300], rows[2])]
    some[1][header.index("name")] = "Somebody Else"
    stranger = ["9" * 9 if name == "customer_id" else "" for name in header]
    path = masked / "customers.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header, *some, stranger])
    done = fb.unmask(path, output=masked / "some.csv", map=masked / "m", key_file=key)
    with (masked / "some.csv").open(newline="") as file:
        found = list(csv.DictReader(file))
    assert [row["customer_id"] for row in found] == ["8", "301", "3", "9" * 9]
    assert found[1]["name"] == "Somebody Else"
    assert found[0]["email"] == "user7@mail.test"
    assert done.left["customers"] == 1


@pytest.mark.slow
def test_another_key_a_changed_or_a_cut_map_lead_nowhere(
    masked: Path, key: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.key"
    new_key(other)
    sealed = (masked / "m").read_bytes()
    last = len(sealed) - 36
    for data, with_key, told in [
        (sealed, other, "another key"),
        (sealed[:90] + bytes([sealed[90] ^ 1]) + sealed[91:], key, "another key, or was changed"),
        (sealed[:last], key, "cut off"),
        (b"name,email\n", key, "not a map"),
    ]:
        (masked / "bad").write_bytes(data)
        with pytest.raises(FabulaError, match=told):
            fb.unmask([masked / "out"], output=masked / "x", map=masked / "bad", key_file=with_key)
        assert not (masked / "x").exists()


def test_a_map_tells_nothing_without_the_key_and_is_its_owners_alone(masked: Path) -> None:
    sealed = (masked / "m").read_bytes()
    assert (masked / "m").stat().st_mode & 0o077 == 0
    for text in (b"mail.test", b"customers", b"customer_id", *[
            name.encode() for name in customers()["name"].to_pylist()]):  # fmt: skip
        assert text not in sealed


@pytest.mark.slow
def test_a_map_needs_a_key_that_is_kept(masked: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = str(masked / "crm")
    assert main(["mask", data, "-o", str(masked / "o"), "--map", str(masked / "m2")]) == 3
    assert "--new-key" in capsys.readouterr().err
    assert not (masked / "o").exists()
    assert main(["unmask", data, "--map", str(masked / "m"), "-o", str(masked / "o")]) == 3


@pytest.mark.slow
def test_the_verbs_lead_there_and_back(
    masked: Path, key: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    real, out, back = masked / "crm" / "customers.csv", masked / "a.csv", masked / "b.csv"
    options = ["--key-file", str(key), "--map", str(masked / "n")]
    assert main(["mask", str(real), "-o", str(out), *options]) == 0
    assert main(["unmask", str(out), "-o", str(back), *options]) == 0
    assert back.read_bytes() == real.read_bytes()
    assert "real again" in capsys.readouterr().err
