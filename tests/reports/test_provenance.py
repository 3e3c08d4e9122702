"""Where each value of a row came from: the calls, the code, the parent's row."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import fabula as fb
from fabula.errors import SourceError
from fabula.llm.client.user_dirs import home
from fabula.reports.provenance import origins
from fabula.testing.calls import Call
from fabula.testing.server import ChatServer

SPEC = """
fabula: 1
models: {default: openai-compatible:tiny}
tables:
  tickets:
    n: 6
    columns:
      id: {kind: key}
      town: {kind: choice, values: [Wien, Oslo, Rom]}
      note: {kind: text, prompt: "Complain about {{ town }} as customer {{ id }}."}
"""


def answer(call: Call) -> str:
    """A text that repeats its prompt's customer; customer 3 gets none, customer 5 a late one."""
    prompt = call.prompt
    if "customer 3." in prompt or ("customer 5." in prompt and "problem" not in prompt.lower()):
        return ""
    return f"The trams are late, says {prompt.rpartition('customer ')[2].partition('.')[0]}."


@pytest.fixture
def run(tmp_path: Path) -> fb.Dataset:
    """Six rows of a scripted model; the third is lost."""
    with ChatServer(answer) as server:
        spec = SPEC.replace(
            "openai-compatible:tiny",
            f"{{provider: 'openai-compatible', name: tiny, base_url: '{server.url}'}}",
        )
        file = tmp_path / "tickets.yaml"
        file.write_text(spec)
        return fb.generate(file, output=tmp_path / "run", max_rejects=2)


def test_each_cell_leads_to_the_prompt_and_reply_that_brought_it(run: fb.Dataset) -> None:
    """Rows after a lost one keep their own prompts."""
    rows = run.to_dicts()
    assert 3 not in [row["id"] for row in rows]
    for number, row in enumerate(rows, 1):
        found = origins(run, "tickets", number)
        last = found["note"].calls[-1]
        assert last.reply == row["note"]
        asked = last.messages[-1][1]
        assert f"Complain about {row['town']} as customer {row['id']}." in asked
        assert found["note"].model == "default"
        assert (last.cost, last.model != "") == (0.0, True)
        assert found["town"].stream.endswith("column town, block 0")
        assert found["town"].calls == ()


def test_an_opened_run_tells_the_same_as_a_fresh_one(run: fb.Dataset) -> None:
    again = fb.Dataset.open(run.folder)
    assert origins(again, "tickets", 4) == origins(run, "tickets", 4)


def test_rows_asked_twice_show_every_attempt(run: fb.Dataset) -> None:
    rows = run.to_dicts()
    numbers = {row["id"]: number for number, row in enumerate(rows, 1)}
    calls = origins(run, "tickets", numbers[5])["note"].calls
    assert len(calls) == 2
    assert calls[0].reply == ""
    assert calls[1].reply == rows[numbers[5] - 1]["note"]


def test_what_the_ledger_lacks_is_told(run: fb.Dataset) -> None:
    shutil.rmtree(home())
    told = origins(run, "tickets", 1)["note"]
    assert told.calls == ()
    assert "not in the ledger of this machine" in told.note


def test_prompts_stay_in_the_private_home_and_out_of_the_run(run: fb.Dataset) -> None:
    """A run may be handed on; what models were told may hold what was left out of it."""
    for file in run.folder.rglob("*"):
        if file.is_file() and file.name != "manifest.json":
            assert b"Complain about" not in file.read_bytes().replace(b"Complain about {{", b"")
    assert (home() / "ledger.sqlite").stat().st_mode & 0o077 == 0


def test_a_damaged_record_of_calls_is_named(run: fb.Dataset) -> None:
    (run.folder / "model-calls.jsonl").write_text("{}\n")
    with pytest.raises(SourceError, match=r"model-calls\.jsonl"):
        origins(fb.Dataset.open(run.folder), "tickets", 1)


def test_a_fake_model_sent_no_prompt(tmp_path: Path) -> None:
    spec = SPEC.replace("openai-compatible:tiny", "fake")
    run = fb.generate(spec, output=tmp_path / "run")
    told = origins(run, "tickets", 1)["note"]
    assert told.fake
    assert told.note == "a fake model made it up: no prompt was sent"
    assert not (tmp_path / "run" / "model-calls.jsonl").exists()
