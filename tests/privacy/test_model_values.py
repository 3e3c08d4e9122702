"""A language model fills a masked column: nothing of the real column leaves this machine."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import fabula as fb
from fabula.testing import Call, ChatServer
from tests.acceptance.builders import as_reply, asked_rows, at
from tests.privacy.conftest import customers

ROWS = 24


def test_no_real_value_is_in_a_prompt_a_retry_the_ledger_or_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The model sees new people and confirmed columns; its first answers are refused."""
    monkeypatch.chdir(tmp_path)
    people = customers(ROWS)
    secrets = [f"ward {n}-{n * 7919 % 997} with Dr Quillfeather{n}" for n in range(ROWS)]
    people = people.append_column("story", pa.array(secrets))
    pq.write_table(people, "people.parquet")
    asked: list[int] = []

    def answer(call: Call) -> str:
        asked.append(asked_rows(call))
        text = "x" if len(asked) <= 2 else "A new story about somebody"
        return as_reply(*({"story": f"{text} {n}"} for n in range(asked[-1])))

    with ChatServer(answer) as server:
        spec = {
            "models": {"default": at(server).model_dump(mode="json", exclude_none=True)},
            "tables": {
                "people": {
                    "kind": "source",
                    "file": "people.parquet",
                    "columns": {
                        "balance": "keep",
                        "sex": {"keep": "confirmed"},
                        "story": {"kind": "llm", "type": "str", "pattern": "A new .*"},
                    },
                }
            },
        }
        made = fb.generate(spec, output="out").to_arrow()
    assert len(server.calls) > 2  # some were asked again
    assert all(text.startswith("A new") for text in made["story"].to_pylist())
    assert made["name"][0].as_py() in json.dumps([call.body for call in server.calls],
                                                  ensure_ascii=False)  # fmt: skip
    ledger = Path(os.environ["FABULA_HOME"])
    places = [*ledger.rglob("*"), *Path("out").rglob("*")]
    texts = {str(path): path.read_bytes() for path in places if path.is_file()}
    texts["requests"] = json.dumps([call.body for call in server.calls]).encode()
    texts["plain"] = json.dumps([call.body for call in server.calls], ensure_ascii=False).encode()
    for column in ("name", "email", "phone", "street", "card", "iban", "story"):
        for value in people[column].to_pylist():
            for place, text in texts.items():
                assert value.encode() not in text, (column, place)


def test_a_detector_is_chosen_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """A language model finds the third party that no table knows."""
    people = customers(ROWS)
    notes = [f"{name} came with Zebulon Quark today." for name in people["name"].to_pylist()]
    people = people.append_column("note", pa.array(notes))

    def answer(call: Call) -> str:
        del call
        return json.dumps({"rows": [{"words": "Zebulon Quark", "kind": "person"}]})

    with ChatServer(answer) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("OPENAI_API_KEY", "k")
        columns = {"note": "notes", "sex": "keep: confirmed"}
        masked = fb.mask(people, columns=columns, detector="openai:m").table
    assert server.calls
    assert not any("Quark" in text for text in masked["note"].to_pylist())
