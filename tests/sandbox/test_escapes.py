"""Programs that reach for what is not theirs: refused in the sandbox, successful without it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fabula.sandbox.run import Limits, run
from tests.sandbox.attacks import ESCAPES
from tests.sandbox.naive import notes_of, run_naively

EXECUTE = "fabula.sandbox.source:execute"
LIMITS = Limits(seconds=10)


@pytest.mark.parametrize("attack", ESCAPES)
def test_an_escape_is_refused(attack: str, world: dict[str, Any]) -> None:
    source = ESCAPES[attack]
    before = sorted(Path(world["home"]).iterdir())

    outcome = run(EXECUTE, {"source": source, "values": world}, limits=LIMITS)

    assert not outcome.notes.get("done"), outcome
    assert Path(world["secret"]).read_text() == "a secret"
    assert sorted(Path(world["home"]).iterdir()) == before
    assert Path(f"/proc/{world['victim']}/stat").read_text().split()[2] == "S"


@pytest.mark.parametrize("attack", ESCAPES)
def test_an_escape_succeeds_without_the_sandbox(
    attack: str, world: dict[str, Any], tmp_path: Path
) -> None:
    """The same text in plain Python does what it says, so the test above can fail."""
    done = run_naively(ESCAPES[attack], world, tmp_path / "home")
    assert notes_of(done).get("done"), done.stderr
