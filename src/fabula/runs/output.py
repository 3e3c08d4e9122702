"""Where the parts of a run's result stand: in its folder, or beside its one file."""

from __future__ import annotations

from pathlib import Path

from fabula.io.formats import ENDINGS


def is_file(output: Path) -> bool:
    """Whether a run's output is meant to be one file: `houses.csv`."""
    return output.suffix.lower() in ENDINGS and not output.is_dir()


def record(output: Path, name: str) -> Path:
    """`out/manifest.json` of a folder, `houses.csv.manifest.json` of a file."""
    return output.with_name(f"{output.name}.{name}") if is_file(output) else output / name
