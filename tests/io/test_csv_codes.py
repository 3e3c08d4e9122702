"""Codes of digits stay text; whole numbers stay whole numbers."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

import fabula as fb
from fabula.errors import SourceError
from fabula.io.sources import read_source


def _read(folder: Path, content: str | bytes) -> pa.Table:
    path = folder / "data.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    rows = read_source(path)
    return rows if isinstance(rows, pa.Table) else rows.to_table()


@pytest.mark.parametrize(
    "codes",
    [
        ["00501", "02139", "10001"],
        ["0x1F", "0x20", "0xA1"],
        ["12E4", "13E5", "70E9"],
        ["004.1", "250.0", "038.9"],
        ["10000000000000000001", "99999999999999999999", "10000000000000000003"],
        ["-9300000000000000001", "12", "13"],
    ],
)
@pytest.mark.parametrize("quote", ["", '"'])
def test_codes_of_digits_stay_text(tmp_path: Path, codes: list[str], quote: str) -> None:
    rows = "".join(f"{quote}{code}{quote},{at}\n" for at, code in enumerate(codes))
    table = _read(tmp_path, f"code,n\n{rows}NA,7\n,8\n")
    assert table.column("code").to_pylist() == [*codes, None, None]
    assert table.schema.field("n").type == pa.int64()


def test_numbers_beside_codes_stay_numbers(tmp_path: Path) -> None:
    table = _read(tmp_path, "zip,x,y,z\n00501,0.5,-0.25,1e+19\n02139,1.5,0,2.5e+19\n")
    assert [str(kind) for kind in table.schema.types] == ["string", "double", "double", "double"]


def test_unsigned_numbers_of_64_bits_are_exact(tmp_path: Path) -> None:
    table = _read(tmp_path, "n\n18446744073709551615\n9223372036854775809\nNA\n")
    assert table.schema.field("n").type == pa.uint64()
    assert table.column("n").to_pylist() == [2**64 - 1, 2**63 + 1, None]


@pytest.mark.parametrize("missing", ["\\N", "-", "NA", "None"])
def test_a_sign_of_a_missing_number_leaves_a_column_of_numbers(
    tmp_path: Path, missing: str
) -> None:
    table = _read(tmp_path, f"n,day\n1,2024-01-05\n{missing},{missing}\n3,2024-01-06\n")
    assert table.schema.types == [pa.int64(), pa.date32()]
    assert table.column("n").to_pylist() == [1, None, 3]


def test_a_header_in_another_encoding_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="line 1") as caught:
        _read(tmp_path, b"id,Gr\xf6\xdfe\n1,2\n3,4\n")
    assert caught.value.code == "source.encoding"


def test_codes_keep_their_form_in_samples(tmp_path: Path) -> None:
    path = tmp_path / "stores.csv"
    zips = ["00501", "02139", "10001", "98101"]
    rows = [f"{zips[at % 4]},{at:010d},{20_200_101_000_000_000_000 + at * 7}" for at in range(200)]
    path.write_text("\n".join(["zip,account,stamp", *rows]))
    sample = fb.fit(str(path), seed=1).sample(100)
    assert set(sample.column("zip").to_pylist()) <= set(zips)
    assert all(len(text) == 10 for text in sample.column("account").to_pylist())
    assert all(len(text) == 20 for text in sample.column("stamp").to_pylist())


def test_a_first_spec_lists_codes_as_they_are_written(tmp_path: Path) -> None:
    path = tmp_path / "stores.csv"
    path.write_text("\n".join(["dept,n", *(f"{at % 4:02d},{at}" for at in range(200))]))
    spec = fb.infer(str(path)).spec
    assert set(spec.tables["stores"].columns["dept"].values) == {"00", "01", "02", "03"}
