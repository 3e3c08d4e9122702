"""`--batch`: the same rows by the provider's batches, waited for again after a kill."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import fabula as fb
from fabula.errors import BudgetReached, UsageError
from fabula.testing import Call, ChatServer
from tests.acceptance.builders import at
from tests.acceptance.conftest import Run

SPEC = """\
fabula: 1
name: shop
seed: 7
tables:
  products:
    n: 40
    prompt: Items sold by an online shop.
    columns:
      id: {kind: key}
      kind: {kind: choice, values: [dress, shoes, bag]}
      name: {kind: llm, description: product name}
      blurb: {kind: text, prompt: "One line about the {{ kind }} {{ name }}."}
"""


def by_prompt(call: Call) -> str:
    """A reply that depends on the prompt alone."""
    number = sum(map(ord, call.prompt)) % 10_007
    if "One line about" in call.prompt:
        return f"A fine thing of the year {number}."
    known = [line for line in call.prompt.splitlines() if line[:1].isdigit() and ". {" in line]
    rows = [{"row": place, "name": f"Thing {number}-{place}"} for place in range(1, len(known) + 1)]
    return json.dumps({"rows": rows} if len(rows) > 1 else {"name": f"Thing {number}"})


def test_a_batch_gives_the_rows_that_live_calls_give(
    fabula: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Same command with --batch: the same bytes, every request once, and none the next time."""
    Path("shop.yaml").write_text(SPEC, encoding="utf-8")
    with ChatServer(by_prompt) as server:
        monkeypatch.setenv("FABULA_HOME", str(tmp_path / "live"))
        live = fabula("generate", "shop.yaml", "-o", "live.csv", server=server)
        asked = sorted(call.prompt for call in server.calls)
        monkeypatch.setenv("FABULA_HOME", str(tmp_path / "batch"))
        batched = fabula("generate", "shop.yaml", "-o", "batch.csv", "--batch", server=server)
        after = len(server.calls)
        again = fabula("generate", "shop.yaml", "-o", "again.csv", "--batch", server=server)
        assert len(server.calls) == after
    assert (live.code, batched.code, again.code) == (0, 0, 0), batched.err
    assert sorted(call.prompt for call in server.calls[len(asked) :]) == asked
    assert all(call.batched for call in server.calls[len(asked) :])
    assert "requests: completed" in batched.err
    assert Path("live.csv").read_bytes() == Path("batch.csv").read_bytes()
    assert Path("live.csv").read_bytes() == Path("again.csv").read_bytes()


@pytest.mark.usefixtures("fabula")
def test_a_batch_that_was_left_is_waited_for_and_not_handed_in_again() -> None:
    """A run that is stopped while it waits finds its batch again."""
    Path("shop.yaml").write_text(SPEC, encoding="utf-8")

    class Stopped(Exception):
        """What ends a run in its middle."""

    def stop(state: str, requests: int) -> None:
        raise Stopped(f"{requests} {state}")

    with ChatServer(by_prompt) as server:
        spec = fb.load("shop.yaml").model_copy(update={"models": {"default": at(server)}})
        with pytest.raises(Stopped):
            fb.generate(spec, batch=stop)
        made = fb.generate(spec, batch=True)
        prompts = [call.prompt for call in server.calls]
    assert made.num_rows == 40
    assert len(prompts) == len(set(prompts))


def test_a_budget_stops_a_batch_before_it_is_handed_in() -> None:
    with ChatServer(by_prompt) as server:
        spec = fb.resolve("things: name, price").model_copy(
            update={"models": {"default": at(server)}}
        )
        with pytest.raises(BudgetReached):
            fb.generate(spec, n=40, batch=True, max_calls=0)
        assert server.calls == []


def test_a_model_without_batches_is_named() -> None:
    with pytest.raises(UsageError, match="does not support batches"):
        fb.generate("things: name, price", n=2, model="local", batch=True)
