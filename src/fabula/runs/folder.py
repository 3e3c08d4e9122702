"""The run folder: what is kept on disk, and how a killed run finds it again.

::

    out/
    ├── run.json                 first: which run this is
    ├── customers.parquet        a table of one part
    ├── orders/part-00000.parquet …
    ├── products.code.py         a column's function that a model wrote, if any
    ├── rejects.jsonl            lost rows, if any
    ├── model-calls.jsonl        which call to a model brought which rows, if any
    ├── manifest.json            last: the run is over
    └── .fabula/                 while it runs: a lock, and one record for each finished part

A part's files take their names before its record does, so a record proves its files.
"""

from __future__ import annotations

import glob
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow as pa

from fabula.engines.made import MadeBlock
from fabula.errors import SinkError, SourceError
from fabula.io.formats import Format, written_formats
from fabula.io.locks import FolderLock
from fabula.io.names import file_stem
from fabula.io.places import (
    make_folder,
    remove_leftovers,
    replacing,
    sha256_of,
    sink_error,
    write_json,
    write_text,
)
from fabula.io.read import TableRows, typed
from fabula.io.run_files import MANIFEST, check_unchanged, damaged, inside, read_object
from fabula.io.write import WrittenFile
from fabula.runs.belongings import (
    FILES,
    RUN,
    STATE,
    read_identity,
    read_part,
    recorded,
    remove_run,
    state_files,
)
from fabula.runs.part_files import PartFiles
from fabula.runs.parts import Call, Layout, Lost, PartRecord
from fabula.runs.records import CALLS, REJECTS, read_manifest, write_records
from fabula.runs.shares.share import SHARE, is_share

_ANSWERED = "answered.json"

Put = Callable[[WrittenFile, Path], None]
"""Puts a file that was written elsewhere at a path."""
FindPart = Callable[[Layout, int, Callable[[str], int]], tuple[PartRecord, Put] | None]
"""Finds a part that was made elsewhere; it is told how often a table was drawn again."""


class RunFolder:
    """A run's output folder, held by this process; it is the `Store` of a run on disk.

    Args:
        path: The folder; made when it is missing.
        identity: What `run.json` says: the fingerprint of everything that decides the bytes.
        formats: File formats by table, the main one first.
        fresh: Forget what an earlier, equal run left.
        overwrite: Replace what another run left; files of no run are never touched.
        also: Names of files that the run writes besides its tables.
        escape_formulas: Put `'` before cells of CSV that a spreadsheet would run.

    Raises:
        SinkError: The folder contains something else, is in use, or can't be written.
        SourceError: The records of the run in it are damaged, or name files elsewhere.
    """

    def __init__(
        self,
        path: Path,
        identity: Mapping[str, Any],
        formats: Mapping[str, Sequence[Format]],
        *,
        fresh: bool = False,
        overwrite: bool = False,
        also: Iterable[str] = (),
        escape_formulas: bool = False,
    ) -> None:
        self.path = path
        self.files = PartFiles(path, formats, escape_formulas)
        self.found: FindPart | None = None
        _check_owner(path, identity, overwrite=overwrite)
        make_folder(inside(path, STATE))
        self._lock = FolderLock(inside(path, f"{STATE}/lock"), owner=path)
        try:
            past = _check_owner(path, identity, overwrite=overwrite)
            if past and (fresh or past["fingerprint"] != identity["fingerprint"]):
                same = past["fingerprint"] == identity["fingerprint"]
                remove_run(path, () if same else self._written(also))
            for place in (STATE, *map(file_stem, formats)):
                remove_leftovers(inside(path, place))
            remove_leftovers(path)
            if self.manifest is None:
                write_json(path / RUN, identity)
        except BaseException:
            self._lock.release()
            raise

    @property
    def manifest(self) -> dict[str, Any] | None:
        """The manifest of the run when it is over, else None."""
        return read_manifest(self.path)

    def finished(self, layout: Layout, part: int) -> PartRecord | None:
        """The record of a part whose files are all there, as they were written.

        A part that another machine made is taken from there.

        Raises:
            SourceError: A file was changed since.
        """
        record = self._finished(layout, part)
        if record is None and self.found is not None:
            there = self.found(layout, part, self.attempt)
            if there is not None:
                record, put = there
                self.take(layout, record, put)
        return record

    def _finished(self, layout: Layout, part: int) -> PartRecord | None:
        record = read_part(self._record(layout.table, part))
        if record is None:
            return None
        try:
            files = [(inside(self.path, file.name), file.sha256) for file in record.files]
        except SourceError:
            return None
        if not all(path.is_file() for path, _ in files):
            return None
        for path, sha256 in files:
            check_unchanged(path, sha256)
        return record

    def check_files(self) -> None:
        """Make sure that every file of the run that is there is as it was recorded.

        Raises:
            SourceError: One was changed.
        """
        for name, sha256 in recorded(self.path).items():
            if (path := inside(self.path, name)).exists():
                check_unchanged(path, sha256)

    def keep(
        self, layout: Layout, part: int, attempt: int, blocks: Iterable[MadeBlock]
    ) -> PartRecord:
        """Write a part in each of its table's formats, then its record."""
        record = self.files.write(layout, part, attempt, blocks)
        write_text(self._record(layout.table, part), record.to_json())
        return record

    def rewrite(
        self, table: str, schema: pa.Schema, change: Callable[[pa.Table], pa.Table]
    ) -> list[WrittenFile]:
        """Write the parts of a table again, changed; all of its files.

        A part's record goes first, so that a killed run makes the part once more.

        Raises:
            SinkError: A part can't be written.
        """
        files: list[WrittenFile] = []
        for note in sorted((self.path / STATE).glob(f"{glob.escape(file_stem(table))}-*.json")):
            record = read_part(note)
            if record is None or record.table != table:
                continue
            note.unlink()
            record = self.files.rewrite(record, schema, change)
            write_text(note, record.to_json())
            files += record.files
        return files

    def take(self, layout: Layout, record: PartRecord, put: Put) -> None:
        """Keep a part that was written elsewhere.

        Raises:
            SourceError: Its record names other files than those of the part.
        """
        paths = self.files.of(layout, record.part).values()
        names = [path.relative_to(self.path).as_posix() for path in paths]
        if names != [file.name for file in record.files]:
            raise damaged(self.path, f"part {record.part} of `{layout.table}` has other files")
        for file, path in zip(record.files, paths, strict=True):
            make_folder(path.parent)
            with replacing(path) as temporary:
                put(file, temporary)
        write_text(self._record(layout.table, record.part), record.to_json())

    def receive(
        self,
        layout: Layout,
        record: PartRecord,
        files: Mapping[str, bytes],
        _blocks: Sequence[MadeBlock],
    ) -> None:
        """Keep a part that another process wrote: here, where it brings no files."""
        if files:
            self.take(layout, record, lambda file, place: _write_bytes(place, files[file.name]))
        else:
            write_text(self._record(layout.table, record.part), record.to_json())

    def read_part(self, layout: Layout, part: int) -> Iterator[pa.Table]:
        """The rows of a part, piece by piece."""
        for batch in self.files.read(layout, [part]).to_batches():
            yield typed(pa.Table.from_batches([batch]), layout.schema)

    def read(self, layout: Layout) -> TableRows:
        """All rows of a table, read when they are asked for."""
        return self.read_parts(layout, range(layout.parts))

    def read_parts(self, layout: Layout, parts: Iterable[int]) -> TableRows:
        """The rows of some parts, read when they are asked for."""
        return self.files.read(layout, parts)

    def attempt(self, table: str) -> int:
        return self._counts("attempts.json").get(table, 0)

    def draw_again(self, table: str, attempt: int) -> None:
        state = {**self._counts("attempts.json"), table: attempt}
        write_text(self.path / STATE / "attempts.json", json.dumps(state))

    def answered(self) -> dict[str, int]:
        """Rows of each table that models had filled when an unfinished run noted it last."""
        return {} if self.manifest else self._counts(_ANSWERED)

    def note_answered(self, rows: Mapping[str, int]) -> None:
        """Note how many rows models have filled; replies themselves are in the ledger."""
        note = self.path / STATE / _ANSWERED
        if any(rows.values()) or note.exists():  # a run that made nothing leaves the folder free
            write_text(note, json.dumps(rows))

    def lossy(self) -> set[str]:
        """Tables whose parts, as far as they are kept, lost rows."""
        parts = map(read_part, state_files(self.path))
        return {part.table for part in parts if part and part.rejected}

    def note_files(self, names: Iterable[str]) -> None:
        """Note, before the manifest does, which other files of the run are there."""
        hashes = {name: sha256_of(self.path / name) for name in names}
        write_text(self.path / STATE / FILES, json.dumps(hashes))

    def reopen(self, tables: Iterable[str]) -> None:
        """Make an ended run unfinished again: the parts of `tables` are forgotten."""
        (self.path / MANIFEST).unlink(missing_ok=True)
        for table in tables:
            for path in (self.path / STATE).glob(f"{glob.escape(file_stem(table))}-*.json"):
                path.unlink()

    def finish(
        self,
        manifest: Mapping[str, Any],
        lost: Sequence[Lost],
        also: Iterable[str] = (),
        *,
        calls: Sequence[Call] = (),
        forget: bool,
    ) -> None:
        """Write the lost rows, the calls and, last, the manifest, with the hashes of `also`."""
        write_records(self.path, manifest, lost, also, calls)
        if forget:
            for path in state_files(self.path):
                path.unlink()

    def close(self) -> None:
        """Let go of the folder; an empty state folder goes too."""
        self._lock.release()
        with suppress(OSError):  # it is not empty
            if not state_files(self.path):
                (self.path / STATE / "lock").unlink(missing_ok=True)
                (self.path / STATE).rmdir()

    def _record(self, table: str, part: int) -> Path:
        return self.path / STATE / f"{file_stem(table)}-{part:05d}.json"

    def _counts(self, name: str) -> dict[str, int]:
        """A note of whole numbers by table; none if it is missing or damaged."""
        noted = read_object(self.path / STATE / name) or {}
        return {table: count for table, count in noted.items() if type(count) is int}

    def _written(self, also: Iterable[str]) -> list[str]:
        """Patterns of the files that this run writes."""
        stems = [glob.escape(file_stem(table)) for table in self.files.formats]
        tables = [
            f"{stem}{place}.{ending}"
            for stem in stems
            for place in ("", "/part-[0-9]*")
            for ending in written_formats()
        ]
        return [*tables, REJECTS, CALLS, *map(glob.escape, also)]


def _write_bytes(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def _check_owner(
    path: Path, identity: Mapping[str, Any], *, overwrite: bool
) -> dict[str, Any] | None:
    """The `run.json` of the run that the folder belongs to, when this run may continue in it."""
    try:
        names = {item.name for item in path.iterdir()} if path.is_dir() else set()
    except OSError as exc:
        raise sink_error(exc, path) from exc
    if not {name for name in names if name != STATE and not is_share(name)}:
        return None
    past = read_identity(path)
    if past is None:
        raise SinkError(
            f"`{path}` contains files that are not from a run",
            code="sink.exists",
            where=str(path),
            hint="choose another folder",
        )
    if past["fingerprint"] == identity["fingerprint"] or overwrite:
        return past
    if names <= {RUN, STATE} and not state_files(path):
        return None  # the other run ended before it made anything
    finished = any((path / name).is_file() for name in (MANIFEST, SHARE))
    state = "a finished" if finished else "an unfinished"
    raise SinkError(
        f"`{path}` holds {state} run of another spec",
        code="sink.exists",
        where=str(path),
        hint="choose another folder, or pass --overwrite",
    )
