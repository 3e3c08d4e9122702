"""What a page shows: runs, specs, data files and reports, found under one target."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from fabula.errors import SourceError, UsageError
from fabula.io.run_files import MANIFEST
from fabula.io.sources import read_tables
from fabula.reports.runs import RunEntry, find_runs
from fabula.review.filling import Sheets
from fabula.runs.dataset import Dataset
from fabula.runs.records import read_manifest, record
from fabula.web.desk import Desk, is_spec
from fabula.web.rows import Rows

_ID_BYTES = 6


@dataclass
class Place:
    """One run, or one data file or folder of files.

    Attributes:
        path: Where it is.
        is_run: Whether it is a run, with a manifest.
        sheets: Its tables as they are reviewed, once somebody looked at them.
    """

    path: Path
    is_run: bool
    sheets: dict[str, Sheets] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Its part of an address; says nothing of folders."""
        return hashlib.blake2b(str(self.path).encode(), digest_size=_ID_BYTES).hexdigest()

    @property
    def name(self) -> str:
        """What it is called: the run's name, or the file's."""
        return str(self.manifest.get("name") or self.path.name)

    def __post_init__(self) -> None:
        manifest = record(self.path, MANIFEST)  # another run in the same folder has another
        self.stamp = manifest.stat().st_mtime_ns if self.is_run and manifest.is_file() else 0

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

    @property
    def folder(self) -> Path | None:
        """Where files that rows point at are; None for data that is one file."""
        return self.path if self.path.is_dir() else None

    def close(self) -> None:
        """Let go of its files."""
        for rows in vars(self).get("tables", {}).values():
            rows.close()


@dataclass
class Places:
    """Everything under a target.

    Attributes:
        target: What was asked for.
        places: What can be opened, by its part of an address.
        listed: The target's runs where it is a folder or a spec, newest first.
        page: A page that is shown as it is, such as a report.
        desk: The specs that can be edited and run, where the target is a folder or a spec.
    """

    target: Path
    places: dict[str, Place] = field(default_factory=dict)
    listed: tuple[RunEntry, ...] = ()
    page: Path | None = None
    desk: Desk | None = None

    @property
    def only(self) -> Place | None:
        """The place, where the target is one."""
        return None if self.desk or self.page else next(iter(self.places.values()))

    def place(self, key: str) -> Place:
        """A place by its part of an address; a run that ended since is found.

        Raises:
            UsageError: There is none.
        """
        if key not in self.places and self.desk:
            self.refresh()
        if key not in self.places:
            raise UsageError(f"there is nothing at `{key}`", code="view.place",
                             hint="go back to the first page")  # fmt: skip
        return self.places[key]

    def refresh(self) -> None:
        """Look for the runs of the folder again."""
        if self.desk is None:
            return
        self.listed = tuple(find_runs(self.desk.folder))
        found = [Place(Path(run.folder), is_run=True) for run in self.listed if run.started]
        for place in found:
            known = self.places.get(place.id)
            if known is None or known.stamp != place.stamp:
                if known is not None:
                    known.close()
                self.places[place.id] = place

    def close(self) -> None:
        """Let go of all files, and stop runs under way."""
        if self.desk is not None:
            self.desk.close()
        for place in self.places.values():
            place.close()


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
    """What a target holds: a run, a folder of runs or specs, a spec, data, or a report.

    Raises:
        SourceError: There is no such file or folder, or nothing in it to show.
    """
    path = Path(target)
    if path.suffix.lower() in (".html", ".htm") and path.is_file():
        return Places(path, page=path)
    if path.is_file() and (path.suffix.lower() in (".yaml", ".yml") or is_spec(path)):
        return _with_desk(Places(path, desk=Desk(path.parent, path)))
    if read_manifest(path) is not None:
        place = Place(path, is_run=True)
        return Places(path, {place.id: place})
    if path.is_dir():
        found = _with_desk(Places(path, desk=Desk(path)))
        if found.desk and (found.listed or found.desk.specs):
            return found
    try:
        read_tables(path)
    except SourceError as error:
        raise SourceError(
            f"there is nothing to show in `{path}`: {error.message}",
            code="view.nothing",
            where=str(path),
            hint="give a data file, a spec, a run, or a folder of them: `fabula view out/`",
        ) from error
    place = Place(path, is_run=False)
    return Places(path, {place.id: place})


def _with_desk(places: Places) -> Places:
    places.refresh()
    return places
