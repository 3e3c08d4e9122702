"""Imports inside the package go one way: a module may import its own layer and those below.

Rooms of one layer may import each other as long as no circle arises, and no circle of modules
arises anywhere. Imports inside functions and under `TYPE_CHECKING` count too: laziness hides the
price of an import, not its direction.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from pathlib import Path

PACKAGE = "fabula"

LAYERS = (
    ("cli",),
    ("testing", "extending"),
    ("assistants", "spark"),
    ("api", "web"),
    ("reports",),
    ("evaluation",),
    ("runs",),
    ("inference.infer", "inference.people", "inference.row_rules"),
    (
        "engines",
        "media",
        "synthesizers",
        "codegen",
        "augment",
        "describing",
        "topics",
        "training",
        "review",
        "privacy",
        "checks",
        "simulation",
    ),
    ("planning",),
    ("inference",),
    ("render",),
    ("evaluation.metrics",),
    ("schemas",),
    ("dedup", "relationships", "databases", "hub", "lake"),
    ("functions",),
    ("llm",),
    ("llm.rows",),
    ("llm.providers",),
    ("llm.cache", "testing.fake"),
    ("llm.json_schema",),
    ("llm.client",),
    ("media.probing",),
    ("media.typesetting",),
    ("media.catalogue", "media.places"),
    ("io", "pii", "sandbox"),
    ("spec",),
    ("kinds",),
    ("fakers",),
    ("lookup",),
    ("render.amounts",),
    ("extensions", "extras", "options", "streams", "telemetry", "types", "errors"),
)
"""Rooms of the package from the top layer to the bottom one.

A room inside a room, such as `llm.client`, has a layer of its own where it is listed.
"""

USERS = "templates"
"""A folder of models as users write them, which no module imports."""
FACE = ("__init__", "__main__")
"""Modules at the package's top that show the rest to users, and so may import anything."""

_LEVELS = {room: number for number, layer in enumerate(LAYERS) for room in layer}


def problems(root: Path) -> list[str]:
    """Every import that goes up, every circle, every module without a layer."""
    source = root / "src" / PACKAGE
    paths = {module_of(path, source): path for path in sorted(source.rglob("*.py"))}
    found: list[str] = []
    rooms: dict[str, dict[str, str]] = {}
    modules: dict[str, dict[str, str]] = {}
    for module, path in paths.items():
        room = room_of(module)
        if module in FACE or room == USERS:
            continue
        if room not in _LEVELS:
            found.append(f"{path.relative_to(root)}: `{room}` has no place in LAYERS")
            continue
        for line, target in imports_of(path, source, paths):
            place = f"{path.relative_to(root)}:{line}"
            if target != module:
                modules.setdefault(module, {}).setdefault(target, place)
            other = room_of(target)
            if other == room:
                continue
            if _LEVELS.get(other, -1) < _LEVELS[room]:
                found.append(f"{place}: {room} may not import {other}")
            elif _LEVELS[other] == _LEVELS[room]:
                rooms.setdefault(room, {}).setdefault(other, place)
    return [*found, *_circle(rooms), *_circle(modules)]


def _circle(imports: Mapping[str, Mapping[str, str]]) -> list[str]:
    """The imports of one circle, if there is any."""
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        # The sorter lists predecessors first: each name is imported by the one before it.
        return [
            f"{imports[part][target]}: {part} imports {target}, which closes a circle"
            for target, part in pairwise(error.args[1])
        ]
    return []


def module_of(path: Path, source: Path) -> str:
    """A file as its module below the package: `llm.client.chat`; a package as its own name."""
    parts = path.relative_to(source).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)


def room_of(module: str) -> str:
    """The listed room that a module stands in, or the outermost folder."""
    inner = ".".join(module.split(".")[:2])
    return inner if inner in _LEVELS else module.partition(".")[0]


def imports_of(path: Path, source: Path, known: Mapping[str, Path]) -> Iterator[tuple[int, str]]:
    """The line and the module of each import of our own code in one file.

    The bare package counts as the module `__init__`, which nothing below the face may import.
    """
    package = (PACKAGE, *path.relative_to(source).parts[:-1])
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name.split(".") for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            module = [*above, *(node.module.split(".") if node.module else ())]
            names = [[*module, alias.name] for alias in node.names]
        else:
            continue
        for first, *rest in names:
            if first != PACKAGE:
                continue
            whole, outer = ".".join(rest), ".".join(rest[:-1])
            yield node.lineno, whole if whole in known else outer or whole or "__init__"
