"""The examples of docstrings are run, each with the names of its own module."""

from __future__ import annotations

import doctest
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from fabula.extending import registers

SOURCE = Path(__file__).parents[2] / "src"
MODULES = sorted(
    ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__")
    for path in SOURCE.rglob("*.py")
    if ">>> " in path.read_text(encoding="utf-8")
)


@pytest.fixture
def same_registers() -> Iterator[None]:
    """What an example registers is gone after it."""
    kept = [(register, set(register.builtin())) for register in registers()]
    yield
    for register, names in kept:
        for name in register._entries.keys() - names:
            del register._entries[name], register._sources[name]


@pytest.mark.usefixtures("same_registers")
@pytest.mark.parametrize("name", MODULES)
def test_examples_of_docstrings_run(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = doctest.testmod(import_module(name))
    assert found.attempted
    assert not found.failed
