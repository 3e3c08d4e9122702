"""The runs below a folder, one line each."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fabula.errors import SourceError
from fabula.io.run_files import MANIFEST
from fabula.render import amounts, grid
from fabula.runs.belongings import read_identity, read_part, state_files
from fabula.runs.records import read_manifest

DEPTH = 4
"""Folders below the given one that are searched."""
_BESIDE = f".{MANIFEST}"


@dataclass(frozen=True)
class RunEntry:
    """One run as a line of a list.

    Attributes:
        folder: Where it is.
        name: The spec's name.
        state: `finished`, `failed checks`, `unfinished`, or `damaged`.
        written: Rows written; of an unfinished run those that it keeps so far.
        rejected: Rows lost.
        asked: Rows asked for, where the run is unfinished and says so.
        started: When it began, in ISO form; empty while it is unfinished.
        seconds: How long it took.
    """

    folder: str
    name: str
    state: str
    written: int = 0
    rejected: int = 0
    asked: int = 0
    started: str = ""
    seconds: float = 0.0

    @property
    def rows(self) -> str:
        """How many rows there are, in words."""
        if self.started:
            return amounts.count(self.written)
        return f"{self.written:,} of {amounts.count(self.asked)}" if self.asked else ""

    def to_dict(self) -> dict[str, Any]:
        """The entry as plain values."""
        return asdict(self)


def find_runs(folder: Path) -> list[RunEntry]:
    """The runs in a folder and below it, newest first, unfinished ones at the top.

    Raises:
        SourceError: There is no such folder.
    """
    if not folder.is_dir():
        raise SourceError(f"there is no folder `{folder}`", code="source.missing")
    runs = [_entry(place) for place in _places(folder)]
    return sorted(runs, key=lambda run: run.started or "~", reverse=True)


def runs_text(runs: Sequence[RunEntry]) -> str:
    """The runs as aligned lines."""
    head = ("folder", "name", "state", "rows", "rejected", "started", "time")
    rows = [
        (
            run.folder,
            run.name,
            run.state,
            run.rows,
            amounts.count(run.rejected) if run.started else "",
            run.started.replace("T", " ")[:16],
            amounts.duration(run.seconds) if run.started else "",
        )
        for run in runs
    ]
    sides = (False, False, False, True, True, False, True)
    return "\n".join(grid.lines([head, *rows], right=sides)) if rows else ""


def _places(folder: Path) -> Iterator[Path]:
    """Folders that hold a `run.json`, and runs that are one file; none is searched inside."""
    for place, folders, files in os.walk(folder):
        depth = len(Path(place).relative_to(folder).parts)
        hidden = [name for name in folders if name.startswith(".")]
        found = "run.json" in files
        if found:
            yield Path(place)
        for name in files:
            if not found and name.endswith(_BESIDE):
                yield Path(place) / name.removesuffix(_BESIDE)
        folders[:] = [] if found or depth >= DEPTH else sorted(set(folders) - set(hidden))


def _entry(folder: Path) -> RunEntry:
    try:
        manifest = read_manifest(folder)
        if manifest is None:
            return _unfinished(folder)
        tables = manifest["tables"].values()
        return RunEntry(
            folder=str(folder),
            name=manifest["name"],
            state="finished" if manifest["passed"] else "failed checks",
            written=sum(table["written"] for table in tables),
            rejected=sum(table["rejected"] for table in tables),
            started=manifest["timings"]["started"],
            seconds=manifest["timings"]["seconds"],
        )
    except SourceError:
        return RunEntry(folder=str(folder), name="", state="damaged")


def _unfinished(folder: Path) -> RunEntry:
    """A run that is under way, or was stopped: what its parts so far hold."""
    asked = (read_identity(folder) or {}).get("tables", {})
    kept = [part for note in state_files(folder) if (part := read_part(note))]
    return RunEntry(
        folder=str(folder),
        name="",
        state="unfinished",
        written=sum(part.rows for part in kept),
        asked=sum(asked.values()),
    )
