"""The hint of a failed command holds: typed again, it continues and completes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fabula.review.notes import ReviewNotes
from fabula.testing import Call, ChatServer, Reply
from tests.acceptance import texts
from tests.acceptance.conftest import Run
from tests.acceptance.kinds import thing
from tests.acceptance.test_matrix_again import Sick, things

N = 6
COMMANDS: dict[str, tuple[str, ...]] = {
    "generate": ("generate", "6 rows of things: name, price", "-o", "things.csv"),
    "generate a folder": ("generate", "6 rows of things: name, price", "-o", "out/"),
    "generate with a review": (
        "generate",
        "6 rows of things: name, price",
        "--review",
        "notes.json",
        "-o",
        "things.csv",
    ),
    "extend": ("extend", "old.csv", "-n", "6"),
    "pairs": ("pairs", "name → story", "-n", "6", "--prompt", "things", "-o", "pairs.jsonl"),
    "describe": ("describe", "things.jsonl"),
    "extract": ("extract", "texts.csv", "--schema", "name str, price float"),
}


def honest(call: Call, _: int) -> str:
    return texts.honest(call)


def stories() -> Callable[[Call, int], str]:
    """Pairs of words, unlike any other."""
    write = things()
    return lambda call, most: re.sub(r'"price": ([\d.]+)', r'"story": "tale \1"', write(call, most))


@pytest.fixture
def inputs(fabula: Run) -> Run:
    """The command line, with the files that verbs read alongside it."""
    made = [thing(number) for number in range(N)]
    Path("old.csv").write_text("name,price\nOld,1.5\nOlder,9999.0\nOldest,5.5\n")
    notes = ReviewNotes(("name", "price"), ("name the colour",), (thing(9_000),))
    Path("notes.json").write_text(notes.to_json())
    Path("things.jsonl").write_text("\n".join(map(json.dumps, made)))
    Path("texts.csv").write_text("text\n" + "\n".join(map(texts.told, made)))
    return fabula


@pytest.mark.parametrize("verb", COMMANDS)
def test_a_failed_command_completes_when_it_is_typed_again(verb: str, inputs: Run) -> None:
    """Not paying again for what was good, and with files of the first run in its way."""
    command = COMMANDS[verb]
    good: Callable[..., Any] = honest if command[0] in ("describe", "extract") else things()
    good = stories() if verb == "pairs" else good
    sick = Sick(Reply("sorry no rows", as_text=True), good)
    with ChatServer(sick) as server:
        failed = inputs(*command, server=server)
        assert failed.code == 4, failed.err
        sick.well, paid = True, len(server.calls)
        again = inputs(*command, server=server)
    assert again.code == 0, again.err
    assert paid < len(server.calls)
    assert len(sick.answered) == len(set(sick.answered))
