"""Registers: built-in entries, a program's own, and those of installed plug-ins."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fabula import extensions
from fabula.errors import UsageError
from fabula.extensions import Register

BROKEN = "raise RuntimeError('no sun')"
WORKING = """
from planets import PLANETS
PLANETS.register("mars", 3390)
"""


@pytest.fixture
def planets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on the path with a register and room for plug-ins; they are found again."""
    code = "from fabula.extensions import Register\nPLANETS = Register('planet', home='planets')\n"
    (tmp_path / "planets.py").write_text(code)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(extensions, "_found", [])
    monkeypatch.setattr(extensions, "_looked", extensions.threading.Event())
    yield tmp_path
    for name in ("planets", "working", "broken"):
        sys.modules.pop(name, None)


def install(folder: Path, name: str, code: str) -> None:
    """A package as pip leaves it: a module and its metadata with an entry point."""
    (folder / f"{name}.py").write_text(code)
    metadata = folder / f"{name}-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(f"[fabula]\n{name} = {name}\n")


def test_a_program_may_define_its_entry_once_more() -> None:
    register: Register[int] = Register("planet", home="fabula.extensions")
    register.register("earth", 1)
    assert register.register("earth", 2) == 2
    assert dict(register) == {"earth": 2}


def test_an_unknown_name_loads_plug_ins_and_a_broken_one_is_told(planets: Path) -> None:
    install(planets, "working", WORKING)
    install(planets, "broken", BROKEN)
    from planets import PLANETS  # type: ignore[import-not-found]

    assert PLANETS["mars"] == 3390
    assert PLANETS.source("mars") == "working"
    failures = {plugin.name: plugin.failure for plugin in extensions.load_plugins()}
    assert failures == {"broken": "RuntimeError: no sun", "working": ""}


def test_a_known_name_is_found_without_a_look_at_plug_ins(planets: Path) -> None:
    install(planets, "broken", BROKEN)
    from planets import PLANETS

    PLANETS.register("earth", 6371)
    assert PLANETS["earth"] == 6371
    assert not extensions._looked.is_set()


def test_a_name_of_somebody_else_is_taken(planets: Path) -> None:
    install(planets, "working", WORKING)
    from planets import PLANETS

    assert "mars" in PLANETS
    with pytest.raises(UsageError, match="already a planet `mars` in `working`"):
        PLANETS.register("mars", 0)


def test_an_entry_that_lacks_a_part_is_refused() -> None:
    register: Register[int] = Register(
        "planet",
        home="fabula.extensions",
        lacks=lambda _, radius: None if radius else "has no radius",
    )
    with pytest.raises(UsageError, match="the planet `vulcan` has no radius"):
        register.register("vulcan", 0)
    assert "vulcan" not in register
