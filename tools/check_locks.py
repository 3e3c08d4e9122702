"""The pins in `requirements/` cover what `pyproject.toml` asks for, with hashes, and no address."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

UNLOCKED = frozenset({"vllm"})
"""Extras that no lock takes: vLLM pins another PyTorch than the one that learns tables here."""
PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)")


def problems(root: Path) -> list[str]:
    """Requirements without a fitting pin, pins without a hash, and options such as an index."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    found: list[str] = []
    for name, requirements in locked(project).items():
        path = root / "requirements" / f"{name}.lock"
        lines = path.read_text(encoding="utf-8").splitlines()
        pins: dict[str, list[str]] = {}
        found += [f"{path.name}: holds `{line}`" for line in lines if line.startswith("-")]
        for line, following in zip(lines, [*lines[1:], ""], strict=True):
            if pin := PIN.match(line):
                pins.setdefault(canonicalize_name(pin[1]), []).append(pin[2])
                if "--hash=" not in following:
                    found.append(f"{path.name}: `{pin[1]}` has no hash")
        for text in requirements:
            wanted = Requirement(text)
            versions = pins.get(canonicalize_name(wanted.name), [])
            if not any(wanted.specifier.contains(version) for version in versions):
                found.append(f"{path.name}: nothing pins `{text}`; run `make lock`")
    return found


def locked(project: dict[str, Any]) -> dict[str, list[str]]:
    """The requirements that each lock must pin, by the lock's name."""
    name = project["project"]["name"]
    base: list[str] = project["project"]["dependencies"]
    extras: dict[str, list[str]] = project["project"]["optional-dependencies"]
    groups: dict[str, list[str]] = project["dependency-groups"]
    own = [item for listed in extras.values() for item in listed if Requirement(item).name == name]
    combined = {extra for item in own for extra in Requirement(item).extras}
    together = [item for extra in combined for item in extras[extra]]
    alone = [
        item for extra in extras.keys() - combined - UNLOCKED - {"all"} for item in extras[extra]
    ]
    return {
        "bootstrap": groups["bootstrap"],
        "base": base,
        "all": [*base, *together],
        "dev": [*base, *together, *alone, *groups["dev"]],
    }
