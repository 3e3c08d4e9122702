"""The records of a run's result: in its folder, or beside its one file."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fabula.io.formats import names_file
from fabula.io.names import file_stem
from fabula.io.places import write_text
from fabula.runs.parts import Lost

MANIFEST, REJECTS = "manifest.json", "rejects.jsonl"


def is_file(output: Path) -> bool:
    """Whether a run's output is meant to be one file: `houses.csv`."""
    return names_file(output) and not output.is_dir()


def record(output: Path, name: str) -> Path:
    """`out/manifest.json` of a folder, `houses.csv.manifest.json` of a file."""
    return output.with_name(f"{output.name}.{name}") if is_file(output) else output / name


def write_records(output: Path, manifest: Mapping[str, Any], lost: Sequence[Lost]) -> None:
    """Write the lost rows, if any, functions that models wrote, and last the manifest."""
    if lost:
        lines = (json.dumps(dataclasses.asdict(row), ensure_ascii=False) for row in lost)
        write_text(record(output, REJECTS), "".join(line + "\n" for line in lines))
    else:
        record(output, REJECTS).unlink(missing_ok=True)
    for stem, source in programs_of(manifest).items():
        write_text(record(output, f"{stem}.py"), source + "\n")
    text = json.dumps(manifest, indent=2, ensure_ascii=False)
    write_text(record(output, MANIFEST), text + "\n")


def programs_of(manifest: Mapping[str, Any]) -> dict[str, str]:
    """The functions that models wrote for columns, by the stem of the file that keeps them."""
    return {
        file_stem(column): source
        for model in manifest.get("models", {}).values()
        for column, source in model.get("programs", {}).items()
    }


def read_manifest(output: Path) -> dict[str, Any] | None:
    """The manifest of a run that is over, else None."""
    try:
        manifest = json.loads(record(output, MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return manifest if isinstance(manifest, dict) and "tables" in manifest else None


def read_rejects(output: Path) -> list[Lost]:
    """The lost rows of a run; none where nothing was lost."""
    try:
        lines = record(output, REJECTS).read_text(encoding="utf-8").split("\n")
    except FileNotFoundError:
        return []
    return [Lost(**json.loads(line)) for line in lines if line]
