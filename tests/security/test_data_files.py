"""Data files from strangers."""

from __future__ import annotations

import gzip
import json
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import fabula as fb
from fabula.errors import FabulaError
from fabula.fakers.linear import linear_pattern
from fabula.io.sources import read_source
from fabula.spec.reading import read_data

DEEP = {
    "objects": '{"a":' * 3000 + "1" + "}" * 3000,
    "lists": '{"a":' + "[" * 3000 + "]" * 3000 + "}",
    "behind closing brackets in a string": '{"b":"' + "]" * 3000 + '","a":' + "[" * 3000
    + "]" * 3000 + "}",
}  # fmt: skip


@pytest.mark.parametrize("ending", ["jsonl", "json", "jsonl.gz"])
@pytest.mark.parametrize("kind", DEEP)
def test_deep_json_is_refused_with_its_line(kind: str, ending: str, tmp_path: Path) -> None:
    path, text = tmp_path / f"d.{ending}", DEEP[kind]
    if ending == "json":
        text = f"[{text}]"
    data = f'{{"a": 1}}\n{text}\n'.encode() if "jsonl" in ending else text.encode()
    path.write_bytes(gzip.compress(data) if ending.endswith("gz") else data)
    with pytest.raises(FabulaError, match="nested") as caught:
        read_source(path)
    assert caught.value.line == (2 if "jsonl" in ending else None)


@pytest.mark.parametrize("ending", ["jsonl", "json"])
def test_wide_json_and_brackets_in_texts_are_read(ending: str, tmp_path: Path) -> None:
    row = {"a": [[number] for number in range(200)], "b": "[{" * 200 + '"', "c": {"d": {"e": 1}}}
    path = tmp_path / f"d.{ending}"
    path.write_text(json.dumps(row) + "\n" if ending == "jsonl" else json.dumps([row, row]))
    rows = read_source(path)
    assert (rows if isinstance(rows, pa.Table) else rows.to_table())["b"][0].as_py() == row["b"]


FEW = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@FEW
@given(text=st.text(max_size=200) | st.binary(max_size=200).map(lambda raw: raw.decode("latin-1")))
def test_no_text_of_a_spec_is_a_fault_of_ours(text: str) -> None:
    with suppress(FabulaError):
        read_data(text)


@FEW
@given(data=st.binary(max_size=300), ending=st.sampled_from(["csv", "json", "jsonl", "parquet"]))
def test_no_bytes_of_a_data_file_are_a_fault_of_ours(
    data: bytes, ending: str, tmp_path: Path
) -> None:
    path = tmp_path / f"f.{ending}"
    path.write_bytes(data)
    with suppress(FabulaError):
        assert read_source(path).schema is not None


@FEW
@given(
    content=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
            st.sampled_from(["tables", "files", "path", "fingerprint", "passed", "t", "name"]),
            inner, max_size=4),
        max_leaves=12,
    )
)  # fmt: skip
@pytest.mark.parametrize("name", ["manifest.json", "run.json"])
def test_no_record_of_a_run_is_a_fault_of_ours(name: str, content: object, tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text('{"fingerprint": "x", "tables": {}}')
    (tmp_path / name).write_text(json.dumps(content))
    for use in (fb.Dataset.open, lambda folder: fb.generate("a key", n=1, output=folder)):
        with suppress(FabulaError):
            use(tmp_path)


@FEW
@given(pattern=st.text(alphabet=r"ab[]^\\wdsuZ0-9(){}|*+?.", max_size=20), text=st.text(max_size=9))
def test_no_pattern_is_a_fault_of_ours(pattern: str, text: str) -> None:
    with suppress(ValueError):
        linear_pattern(pattern).fullmatch(text)
