"""Runs the command line inside a test, against a scripted server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from fabula.cli.main import main
from fabula.testing import ChatServer


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


Run = Callable[..., Ended]


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test writes where it was started."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def fabula(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Run:
    """Run `fabula` in an empty folder; a server given is what `openai:…` means."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setenv("NO_COLOR", "1")

    def run(*arguments: str, server: ChatServer | None = None) -> Ended:
        if server is not None:
            monkeypatch.setenv("OPENAI_BASE_URL", server.url)
            monkeypatch.setenv("OPENAI_API_KEY", "a-key")
            arguments = (*arguments, "--model", "openai:any")
        capfd.readouterr()
        code = main(list(arguments))
        printed = capfd.readouterr()
        return Ended(code, printed.out, printed.err)

    return run
