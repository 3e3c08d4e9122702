"""`--dry-run`: every prompt, calls, tokens and cost, and no request."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from pathlib import Path

import pytest

import fabula as fb
from fabula.testing import ChatServer
from tests.acceptance.builders import at, numbered
from tests.acceptance.conftest import Run
from tests.acceptance.kinds import KINDS, Thing, thing

TEMPLATES = sorted(
    file.name
    for file in files("fabula").joinpath("templates").iterdir()
    if file.name.endswith(".yaml")
)
THINGS = "things of a shop: name, price"


@pytest.mark.parametrize("template", TEMPLATES)
def test_every_ready_made_spec_has_a_dry_run(fabula: Run, template: str) -> None:
    """0 requests, 0 files; what models are asked is printed, where they are."""
    with ChatServer() as server:
        assert fabula("init", "--template", template.removesuffix(".yaml")).code == 0
        before = sorted(Path().iterdir())
        ended = fabula("generate", template, "--dry-run", server=server)
        planned = fabula("plan", template, "--prompts", server=server)
    assert ended.code == 0, ended.err
    assert planned.out == ended.out
    assert ended.out.startswith("Order: ")
    assert ("── call 1 · openai:any" in ended.out) == ("Models:" in ended.out)
    assert server.calls == []
    assert sorted(Path().iterdir()) == before


@pytest.mark.usefixtures("fabula")
def test_the_prompts_are_those_that_are_sent() -> None:
    """Same calls, and the same text where no earlier row is shown."""
    noted = fb.Rehearsal()
    with ChatServer(numbered(thing)) as server:
        spec = fb.resolve(THINGS).model_copy(update={"models": {"default": at(server)}})
        fb.rehearse(spec, n=50, rehearsal=noted)
        assert server.calls == []
        fb.generate(spec, n=50)
    assert len(noted.calls) == len(server.calls) == 3
    first = "\n".join(message.content for message in noted.calls[0].request.messages)
    assert first == server.calls[0].prompt
    assert noted.counts == {"openai-compatible:m": 3}
    assert noted.cost == 0  # a server of one's own


def test_a_rehearsal_shows_itself_in_a_notebook() -> None:
    """The last line of a cell tells the calls, the tokens and the cost."""
    shown = repr(fb.rehearse("knights: name, motto", n=3, model="fake"))
    assert re.fullmatch(
        r"Rehearsal\(calls: 1 to fake; about [\d,]+ tokens; about 0\.00 USD\)", shown
    )


@pytest.mark.parametrize("kind", ["rows", "frame"])
def test_python_calls_have_a_dry_run_too(kind: str) -> None:
    """With a rehearsal nothing is called, and stand-ins have the rows' shape."""
    noted = fb.Rehearsal()
    with ChatServer(numbered(thing)) as server:
        made = KINDS[kind](at(server), 30, rehearsal=noted)
    assert server.calls == []
    assert noted.calls
    assert [Thing.model_validate(row) for row in made[:1]]
    assert len(made) == 30


def test_an_extension_has_a_dry_run(fabula: Run) -> None:
    Path("old.csv").write_text("name,price\nOld,1.5\nOlder,2.5\n", encoding="utf-8")
    with ChatServer() as server:
        ended = fabula("extend", "old.csv", "-n", "5", "--dry-run", server=server)
    assert ended.code == 0, ended.err
    assert '{"name": "Old", "price": 1.5}' in ended.out
    assert "Nothing was called." in ended.out
    assert server.calls == []
    assert not Path("old-extended.csv").exists()


def test_rules_are_in_the_prompts_and_a_price_is_told(fabula: Run) -> None:
    """A rule that stand-ins break makes no further call."""
    spec = {
        "fabula": 1,
        "tables": {
            "things": {
                "n": 3,
                "columns": {
                    "price": {"kind": "llm", "type": "float", "min": 0, "max": 5},
                    "note": {"kind": "text", "prompt": "Why {{ price }}?"},
                },
                "checks": [{"kind": "row", "sql": "price > 4.999", "repair": "resample"}],
            }
        },
    }
    Path("spec.json").write_text(json.dumps(spec), encoding="utf-8")
    ended = fabula("generate", "spec.json", "--dry-run", "--model", "openai:gpt-4o-mini")
    assert ended.code == 0, ended.err
    assert "price > 4.999" in ended.out
    assert ended.out.count("── call") == 4
    assert "USD" in ended.out.rpartition("openai:gpt-4o-mini")[2]
