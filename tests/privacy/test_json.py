"""`mask` of JSON and JSON Lines: values by their paths, every other byte as it was."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fabula as fb
from fabula.errors import SourceError
from fabula.privacy.files.json_bytes import JsonFile
from fabula.privacy.files.json_tokens import NotJsonError, tokens_of
from tests.privacy.conftest import customers

ROWS = 120


def _people(rows: int = ROWS) -> list[dict[str, Any]]:
    return [
        {
            "id": 1_000 + n,
            "customer": {
                "name": row["name"],
                "email": row["email"],
                "address": {"street": row["street"], "city": row["city"]},
            },
            "born": row["born"],
            "phones": [row["phone"], None][: n % 3],
            "spent": row["balance"],
            "vip": n % 2 == 0,
            "nothing": None,
            "visits": [{"day": "2024-03-09", "fee": 1.50}] * (n % 3),
        }
        for n, row in enumerate(customers(rows).to_pylist())
    ]


@pytest.fixture
def lines(tmp_path: Path) -> Path:
    """A file of JSON Lines."""
    path = tmp_path / "people.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in _people()), encoding="utf-8")
    return path


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _shape(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _shape(item) for key, item in value.items()}
    return [_shape(item) for item in value] if isinstance(value, list) else type(value)


def test_nested_details_are_new_and_types_nulls_and_order_stay(lines: Path, key: Path) -> None:
    fb.mask([lines], output=lines.with_name("out.jsonl"), key_file=key)
    for old, new in zip(_people(), _rows(lines.with_name("out.jsonl")), strict=True):
        assert _shape(old) == _shape(new)
        assert list(old) == list(new)
        assert old["id"] != new["id"]
        for name in ("name", "email"):
            assert old["customer"][name] != new["customer"][name]
        assert new["customer"]["email"].endswith((".example", "example.com", "example.org",
                                                  "example.net"))  # fmt: skip
        assert old["customer"]["address"] != new["customer"]["address"]
        assert all(a != b for a, b in zip(old["phones"], new["phones"], strict=True) if a)
        assert (old["spent"], old["vip"]) == (new["spent"], new["vip"])
        assert [v["fee"] for v in old["visits"]] == [v["fee"] for v in new["visits"]]


@pytest.mark.slow
def test_bytes_between_values_stay_in_every_form_of_json(tmp_path: Path, key: Path) -> None:
    """Spaces, escapes, the spelling of numbers and keys are those of the file."""
    rows = _people()
    for text in (
        json.dumps(rows, indent=3, ensure_ascii=False),
        json.dumps(rows, separators=(",", ":")),
        "\ufeff" + "\r\n\r\n".join(json.dumps(row, indent=1) for row in rows) + "\r\n",
        json.dumps(rows).replace('"vip"', '"v\\u0069p \\"x\\\\"').replace("true", "1.50e+01"),
    ):
        real, made = tmp_path / "a.json", tmp_path / "out.json"
        real.write_bytes(text.encode())
        fb.mask([real], output=made, key_file=key, overwrite=True)
        old, new = (_VALUE.sub(_without_value, path.read_bytes().decode()) for path in (real, made))
        assert old == new
        assert real.read_bytes() != made.read_bytes()


_VALUE = re.compile(r'("(?:[^"\\]|\\.)*")(\s*:)?|\d+')


def _without_value(found: re.Match[str]) -> str:
    return found[0] if found[2] else ""


def test_lists_follow_the_person_of_their_row(lines: Path, key: Path) -> None:
    out = lines.with_name("out.jsonl")
    masked = fb.mask([lines], output=out, key_file=key)
    assert masked.card["tables"]["people.visits"]["person"] == "id"
    for old, new in zip(_people(), _rows(out), strict=True):
        weeks = _days(old["born"]) - _days(new["born"])
        for before, after in zip(old["visits"], new["visits"], strict=True):
            assert _days(before["day"]) - _days(after["day"]) == weeks


def _days(text: str) -> int:
    import datetime as dt

    return dt.date.fromisoformat(text).toordinal()


@pytest.mark.slow
def test_json_csv_and_another_block_size_give_the_same_people(
    lines: Path, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, again = lines.with_name("out.jsonl"), lines.with_name("again.jsonl")
    fb.mask([lines], output=out, key_file=key)
    monkeypatch.setattr(JsonFile.blocks, "__defaults__", (0, 700))
    fb.mask([lines], output=again, key_file=key)
    assert out.read_bytes() == again.read_bytes()
    flat = {"id": [row["id"] for row in _people()]}
    for name in ("name", "email"):
        flat[name] = [row["customer"][name] for row in _people()]
    masked = fb.mask({"people": pa.table(flat)}, key_file=key).table
    assert masked["name"].to_pylist() == [row["customer"]["name"] for row in _rows(out)]


def test_values_are_dropped_and_blanked_by_their_paths(lines: Path) -> None:
    out = lines.with_name("out.jsonl")
    actions = {
        "customer.name": "drop",
        "people.customer.email": "drop",
        "nothing": "drop",
        "phones": "drop",
        "visits.day": "drop",
        "vip": "redact",
        "born": "redact",
    }
    fb.mask([lines], output=out, columns=actions)
    for old, new in zip(_people(), _rows(out), strict=True):
        assert list(new) == [name for name in old if name != "nothing"]
        assert list(new["customer"]) == ["address"]
        assert new["phones"] == []
        assert new["vip"] is None
        assert new["born"] == "[redacted]" or new["born"] is None
        assert all(list(visit) == ["fee"] for visit in new["visits"])


def test_a_key_that_only_one_late_row_has_is_not_copied(lines: Path) -> None:
    rows = _people()
    rows[-1]["customer"]["ssn"] = "536-22-8726"
    lines.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    out = lines.with_name("out.jsonl")
    fb.mask([lines], output=out)
    assert "536-22-8726" not in out.read_text()


def test_gzipped_and_empty_files_are_masked(lines: Path, tmp_path: Path) -> None:
    packed = tmp_path / "in" / "people.jsonl.gz"
    packed.parent.mkdir()
    packed.write_bytes(gzip.compress(lines.read_bytes()))
    (tmp_path / "in" / "none.json").write_text("[]")
    fb.mask([packed.parent], output=tmp_path / "out")
    made = gzip.decompress((tmp_path / "out" / "people.jsonl.gz").read_bytes()).splitlines()
    assert len(made) == ROWS
    assert (tmp_path / "out" / "none.json").read_text() == "[]"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"a": 1', "brackets"),
        ('{"a": "x\n', "a string does not end"),
        ('{"a": nul}', "a value is not JSON"),
        ('{"a": 1, "a": 2}', "a key twice"),
        ("[1, 2]", "a row is not an object"),
        ('[{"a": 1}', "does not end as it begins"),
        ('{"a": 1}]', "brackets"),
        ('{"a" 1}', "has no key"),
        ("name,email\nx,y\n", "does not begin with an object"),
        ('{"a": "x" "y"}', "side by side"),
        ("{a: 1}", "a key is not a string"),
    ],
)
def test_what_is_not_json_is_refused_and_nothing_is_written(
    tmp_path: Path, text: str, told: str
) -> None:
    path, out = tmp_path / "bad.json", tmp_path / "out.json"
    path.write_text(text)
    with pytest.raises(SourceError, match=told):
        fb.mask([path], output=out)
    assert not out.exists()


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.text(min_size=1, max_size=4), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.dictionaries(st.text(min_size=1, max_size=4), _JSON, max_size=4), max_size=4),
    st.booleans(),
)
def test_every_plain_value_of_any_json_is_found_where_it_stands(
    rows: list[dict[str, Any]], ascii_only: bool
) -> None:
    text = "\n".join(json.dumps(row, ensure_ascii=ascii_only) for row in rows).encode(
        "utf-8", "surrogatepass"
    )
    tokens = tokens_of(text)
    found = [json.loads(text[a:b].decode("utf-8", "surrogatepass"))
             for a, b in zip(tokens.starts, tokens.ends, strict=True)]  # fmt: skip
    assert found == [value for row in rows for value in _leaves(row)]
    assert tokens.count == len(rows)
    _drops(text, rows, lambda number: number % 2 == 0)


def _leaves(value: Any) -> list[Any]:
    inner = value.values() if isinstance(value, dict) else value
    if isinstance(value, dict | list):
        return [leaf for item in inner for leaf in _leaves(item)]
    return [value]


def _drops(text: bytes, rows: list[Any], chosen: Callable[[int], bool]) -> None:
    """Leaving values out leaves JSON behind, with all other values."""
    import numpy as np

    tokens = tokens_of(text)
    gone = np.array([chosen(n) for n in range(len(tokens.starts))], dtype=bool)
    begins, ends = tokens.removed(gone)
    for begin, end in sorted(zip(begins.tolist(), ends.tolist(), strict=True), reverse=True):
        text = text[:begin] + text[end:]
    left = [json.loads(line) for line in text.decode("utf-8", "surrogatepass").split("\n") if line]
    kept = [leaf for row in rows for leaf in _leaves(row)]
    assert [leaf for row in left for leaf in _leaves(row)] == [
        leaf for leaf, lost in zip(kept, gone.tolist(), strict=True) if not lost
    ]


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet='{}[]:,"\\ 1atrue', max_size=14))
def test_a_text_is_taken_for_json_exactly_if_python_takes_it(text: str) -> None:
    """But for several objects one after the other, and keys that come twice."""
    try:
        tokens_of(text.encode())
    except NotJsonError:
        with pytest.raises(ValueError):  # noqa: PT011  (any of json's)
            assert isinstance(json.loads(text), dict) or _raise()
        return
    decoder, at = json.JSONDecoder(), 0
    while at < len(text):
        if text[at] in " ,":
            at += 1
            continue
        found, at = decoder.raw_decode(text, at)
        assert isinstance(found, dict)


def _raise() -> None:
    raise ValueError
