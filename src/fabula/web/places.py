"""What a page shows: runs, data files, and reports, found under one target."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from fabula.errors import SourceError
from fabula.io.sources import read_tables
from fabula.reports.runs import RunEntry, find_runs
from fabula.runs.dataset import Dataset
from fabula.runs.records import read_manifest
from fabula.web.rows import Rows

_ID_BYTES = 6


@dataclass
class Place:
    """One run, or one data file or folder of files.

    Attributes:
        path: Where it is.
        is_run: Whether it is a run, with a manifest.
    """

    path: Path
    is_run: bool

    @property
    def id(self) -> str:
        """Its part of an address; says nothing of folders."""
        return hashlib.blake2b(str(self.path).encode(), digest_size=_ID_BYTES).hexdigest()

    @property
    def name(self) -> str:
        """What it is called: the run's name, or the file's."""
        return str(self.manifest.get("name") or self.path.name)

    @cached_property
    def dataset(self) -> Dataset | None:
        """The run; None for data without one. Its files are read as they are."""
        return Dataset.open(self.path, trusted=True) if self.is_run else None

    @property
    def manifest(self) -> Mapping[str, Any]:
        """The run's record; empty for data without one."""
        return self.dataset.manifest if self.dataset else {}

    @cached_property
    def tables(self) -> Mapping[str, Rows]:
        """Its tables by name.

        Raises:
            SourceError: A file is damaged, or there is none.
        """
        if self.dataset is not None:
            found = {name: self.dataset.rows(name) for name in self.dataset}
        else:
            found = dict(read_tables(self.path))
        return {name: Rows(name, rows) for name, rows in found.items()}

    def close(self) -> None:
        """Let go of its files."""
        for rows in vars(self).get("tables", {}).values():
            rows.close()


@dataclass(frozen=True)
class Places:
    """Everything under a target.

    Attributes:
        target: What was asked for.
        listed: The target's runs where it is a folder of runs, newest first.
        places: What can be opened, by its part of an address.
        page: A page that is shown as it is, such as a report.
    """

    target: Path
    listed: tuple[RunEntry, ...]
    places: Mapping[str, Place]
    page: Path | None = None

    @property
    def only(self) -> Place | None:
        """The place, where the target is one."""
        return None if self.listed or self.page else next(iter(self.places.values()))


def references(place: Place) -> list[tuple[str, str, tuple[str, str]]]:
    """Every foreign key of a run between tables that are there.

    Returns:
        The child, its column, and the parent with its column, which is empty for its key.
    """
    found = []
    for child, table in ((place.manifest.get("spec") or {}).get("tables") or {}).items():
        for column, told in table.get("columns", {}).items():
            parent, _, key = str(told.get("to", "")).partition(".")
            known = child in place.tables and column in place.tables[child].types
            if told.get("kind") == "reference" and known and parent in place.tables:
                found.append((child, column, (parent, key)))
    return found


def places_of(target: str | Path) -> Places:
    """What a target holds: a run, a folder of runs, a data file, a folder of them, or a report.

    Raises:
        SourceError: There is no such file or folder, or nothing in it to show.
    """
    path = Path(target)
    if path.suffix.lower() in (".html", ".htm") and path.is_file():
        return Places(path, (), {}, path)
    if read_manifest(path) is not None:
        place = Place(path, is_run=True)
        return Places(path, (), {place.id: place})
    runs = find_runs(path) if path.is_dir() else []
    if runs:
        places = [Place(Path(run.folder), is_run=True) for run in runs if run.started]
        return Places(path, tuple(runs), {place.id: place for place in places})
    try:
        read_tables(path)
    except SourceError as error:
        raise SourceError(
            f"there is nothing to show in `{path}`: {error.message}",
            code="view.nothing",
            where=str(path),
            hint="give a data file, a run's folder, or a folder of runs: `fabula view out/`",
        ) from error
    place = Place(path, is_run=False)
    return Places(path, (), {place.id: place})
