"""What an assistant may not do: leave its folder, run code, reach a network, ask for too much.

Whoever writes the arguments of a tool is a language model that may repeat what a stranger wrote.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fabula.errors import UsageError
from fabula.io.destinations import destination_of, names_file
from fabula.io.names import scheme_of
from fabula.io.run_files import plain_name
from fabula.planning.plan import Plan
from fabula.spec.tables import DatasetSpec

_CODE = ("function", "program")
"""Kinds of columns and checks that run code."""
_FILES = ("file", "path", "ca_file")
"""Parameters of specs that name files."""
_HERE = ("fake", "local", "default")
"""Models that answer on this machine."""


@dataclass(frozen=True)
class Bounds:
    """What a server allows.

    Attributes:
        max_rows: Rows of all tables that one call may make.
        max_seconds: Seconds that one call may take.
        max_answer: Characters of an answer.
        max_bytes: Bytes of one file that is written.
        allow_model: Let specs ask language models over the network.
    """

    max_rows: int = 100_000
    max_seconds: int = 120
    max_answer: int = 20_000
    max_bytes: int = 1 << 30
    allow_model: bool = False


def within(root: Path, name: str) -> Path:
    """The path of a file or folder below the root, through no link.

    Raises:
        UsageError: The name leads elsewhere.
    """
    text = name.rstrip("/").removeprefix("./") or "."
    try:
        if scheme_of(name) or re.match(r"~|[A-Za-z]:", name):
            raise ValueError
        path = root if text == "." else root / plain_name(text)
    except ValueError as exc:
        raise _outside(name) from exc
    parts = [path, *path.parents]
    if any(part.is_symlink() for part in parts[: parts.index(root)]):
        raise _outside(name)
    return path


def data_within(root: Path, name: str) -> Path:
    """The path of data below the root: a file or a folder of files, and no database.

    Raises:
        UsageError: It leads elsewhere, is a database, or holds a link.
    """
    path = within(root, name)
    target = destination_of(path)
    if target is not None and target.entry.schemes:
        raise UsageError(
            f"`{name}` is a database, and assistants read files",
            code="usage.outside",
            hint="give a CSV, Parquet or JSON Lines file, or a folder of them",
        )
    if path.is_dir() and any(item.is_symlink() for item in path.rglob("*")):
        raise _outside(name)
    return path


def folder_within(root: Path, name: str) -> Path:
    """The path of a folder to write to.

    Raises:
        UsageError: It leads elsewhere, or is named like a file or is the root itself.
    """
    path = within(root, name)
    if path == root or names_file(path):
        raise UsageError(
            f"`{name}` is not the name of a folder",
            code="usage.output",
            hint="give a new folder, such as `out`",
        )
    return path


def check_spec(spec: DatasetSpec, root: Path, bounds: Bounds) -> None:
    """Refuse a spec that runs code, reads elsewhere, or names endpoints.

    Raises:
        UsageError: It does.
    """
    for name, value in _entries(spec.model_dump(mode="python")):
        if name == "kind" and value in _CODE:
            raise UsageError(
                f"the spec has a `{value}`, and assistants run no code",
                code="usage.code",
                hint="use `expr` with SQL, or run `fabula generate` yourself",
            )
        if name == "file" and isinstance(value, str) and ".py" in value:
            raise UsageError(
                "the spec names a Python file, and assistants run no code",
                code="usage.code",
                hint="run `fabula generate` yourself",
            )
        is_path = name in _FILES and isinstance(value, str) and value
        if is_path and not (name == "file" and "/" not in value and "." not in value):
            data_within(root, str(value))
    for name, model in spec.models.items():
        settings = {} if isinstance(model, str) else model.model_dump(exclude_defaults=True)
        provider = model if isinstance(model, str) else str(settings.get("provider", ""))
        if not bounds.allow_model and not (_is_here(provider) and settings.keys() <= _PLAIN):
            raise _no_model(name)


_PLAIN = {"provider", "name", "temperature", "max_tokens", "top_p", "top_k"}
"""Settings of a model that lead nowhere."""


def check_plan(plan: Plan, bounds: Bounds) -> None:
    """Refuse a plan of too many rows, and one that asks a model over the network.

    Raises:
        UsageError: It does.
    """
    rows = sum(table.rows for table in plan.tables)
    if rows > bounds.max_rows:
        raise UsageError(
            f"the plan has {rows:,} rows, and at most {bounds.max_rows:,} are allowed",
            code="usage.too-many",
            hint="ask for fewer rows, or run `fabula generate` yourself",
        )
    for call in plan.calls:
        named = plan.spec.models.get(call.model, call.model)
        provider = named if isinstance(named, str) else named.provider
        if not bounds.allow_model and not _is_here(provider):
            raise _no_model(call.model)


def _is_here(provider: str) -> bool:
    return re.split("[:?]", provider)[0] in _HERE


def _entries(value: Any) -> Iterator[tuple[str, Any]]:
    """Every name of a mapping in a value, at any depth, with what it holds."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield str(name), item
            yield from _entries(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _entries(item)


def _outside(name: str) -> UsageError:
    return UsageError(
        f"`{name[:200]}` leads out of the folder that assistants may use",
        code="usage.outside",
        hint="give a path below it, such as `data/people.csv`",
    )


def _no_model(name: str) -> UsageError:
    return UsageError(
        f"the language model `{name[:100]}` is not on this machine, and the server allows no other",
        code="usage.model",
        hint="use the model `local` or `fake`, or start `fabula mcp --allow-model`",
    )
