"""The run folder: what is kept on disk, and how a killed run finds it again.

::

    out/
    ├── run.json                 first: which run this is
    ├── customers.parquet        a table of one part
    ├── orders/part-00000.parquet …
    ├── products.code.py         a column's function that a model wrote, if any
    ├── rejects.jsonl            lost rows, if any
    ├── manifest.json            last: the run is over
    └── .fabula/                 while it runs: a lock, and one record for each finished part

A part's files take their names before its record does, so a record proves its files.
"""

from __future__ import annotations

import dataclasses
import glob
import json
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from fabula.engines.made import MadeBlock
from fabula.errors import SinkError
from fabula.io.formats import FORMATS, Format
from fabula.io.locks import FolderLock
from fabula.io.names import file_stem
from fabula.io.places import make_folder, remove_leftovers, sink_error, write_text
from fabula.io.read import read_files, typed
from fabula.io.write import writing
from fabula.runs.output import MANIFEST, REJECTS, programs_of, read_manifest, write_records
from fabula.runs.parts import Layout, Lost, PartRecord, Tally

if TYPE_CHECKING:
    import pyarrow.dataset as ds

_RUN = "run.json"
_STATE = ".fabula"
_ANSWERED = "answered.json"
_TYPED: tuple[Format, ...] = ("parquet", "arrow", "jsonl", "csv")
"""Formats by how well they keep the types of columns."""


class RunFolder:
    """A run's output folder, held by this process; it is the `Store` of a run on disk.

    Args:
        path: The folder; made when it is missing.
        identity: What `run.json` says: the fingerprint of everything that decides the bytes.
        formats: File formats by table, the main one first.
        fresh: Forget what an earlier, equal run left.
        overwrite: Replace what another run left; files of no run are never touched.

    Raises:
        SinkError: The folder holds something else, is in use, or can't be written.
    """

    def __init__(
        self,
        path: Path,
        identity: Mapping[str, Any],
        formats: Mapping[str, Sequence[Format]],
        *,
        fresh: bool = False,
        overwrite: bool = False,
    ) -> None:
        self.path = path
        self._formats = formats
        _check_owner(path, identity, overwrite=overwrite)
        make_folder(path / _STATE)
        self._lock = FolderLock(path / _STATE / "lock", owner=path)
        try:
            past = _check_owner(path, identity, overwrite=overwrite)
            if past and (fresh or past["fingerprint"] != identity["fingerprint"]):
                self._clear(past)
            for place in (path, path / _STATE, *(path / file_stem(name) for name in formats)):
                remove_leftovers(place)
            if self.manifest is None:
                write_text(path / _RUN, json.dumps(identity, indent=2, ensure_ascii=False) + "\n")
        except BaseException:
            self._lock.release()
            raise

    @property
    def manifest(self) -> dict[str, Any] | None:
        """The manifest of the run when it is over, else None."""
        return read_manifest(self.path)

    def finished(self, layout: Layout, part: int) -> PartRecord | None:
        """The record of a part whose files are all there."""
        try:
            record = PartRecord.from_json(self._record(layout, part).read_text(encoding="utf-8"))
            sizes = [(self.path / file.name).stat().st_size for file in record.files]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return record if sizes == [file.bytes for file in record.files] else None

    def keep(
        self, layout: Layout, part: int, attempt: int, blocks: Iterable[MadeBlock]
    ) -> PartRecord:
        """Write a part in each of its table's formats, then its record."""
        make_folder(self._place(layout))
        tally = Tally(layout, part, attempt)
        with ExitStack() as stack:
            files = [
                stack.enter_context(writing(path, layout.schema, file_format))
                for file_format, path in self._files(layout, part).items()
            ]
            for block in blocks:
                tally.add(block)
                for file in files:
                    file.write(block.table)
        place = self._place(layout).relative_to(self.path)
        record = tally.record(
            tuple(
                dataclasses.replace(file.written, name=(place / file.written.name).as_posix())
                for file in files
                if file.written
            )
        )
        write_text(self._record(layout, part), record.to_json())
        return record

    def read_part(self, layout: Layout, part: int) -> Iterator[pa.Table]:
        """The rows of a part, piece by piece."""
        for batch in self._rows(layout, [part]).to_batches():
            yield typed(pa.Table.from_batches([batch]), layout.schema)

    def read(self, layout: Layout) -> ds.Dataset:
        """All rows of a table, read when they are asked for."""
        return self._rows(layout, range(layout.parts))

    def attempt(self, table: str) -> int:
        """Which drawing of a table is the current one."""
        state = _json(self.path / _STATE / "attempts.json") or {}
        return int(state.get(table, 0))

    def draw_again(self, table: str, attempt: int) -> None:
        """Say, before its parts are made, that a table is drawn again."""
        state = _json(self.path / _STATE / "attempts.json") or {}
        write_text(self.path / _STATE / "attempts.json", json.dumps({**state, table: attempt}))

    def answered(self) -> dict[str, int]:
        """Rows of each table that models had filled when an unfinished run noted it last."""
        return {} if self.manifest else _json(self.path / _STATE / _ANSWERED) or {}

    def note_answered(self, rows: Mapping[str, int]) -> None:
        """Note how many rows models have filled; replies themselves are in the ledger."""
        write_text(self.path / _STATE / _ANSWERED, json.dumps(rows))

    def reopen(self, tables: Iterable[str]) -> None:
        """Make an ended run unfinished again: the parts of `tables` are forgotten."""
        (self.path / MANIFEST).unlink(missing_ok=True)
        for table in tables:
            for path in (self.path / _STATE).glob(f"{glob.escape(file_stem(table))}-*.json"):
                path.unlink()

    def finish(self, manifest: Mapping[str, Any], lost: Sequence[Lost], *, forget: bool) -> None:
        """Write the lost rows and, last, the manifest."""
        write_records(self.path, manifest, lost)
        if forget:
            for path in (self.path / _STATE).glob("*.json"):
                path.unlink()

    def close(self) -> None:
        """Let go of the folder; an empty state folder goes too."""
        self._lock.release()
        records = list((self.path / _STATE).glob("*.json"))
        if not records:
            shutil.rmtree(self.path / _STATE, ignore_errors=True)

    def _place(self, layout: Layout) -> Path:
        return self.path if layout.parts == 1 else self.path / file_stem(layout.table)

    def _files(self, layout: Layout, part: int) -> dict[Format, Path]:
        """A part's path in each format, the main one first."""
        stem = file_stem(layout.table) if layout.parts == 1 else f"part-{part:05d}"
        return {
            file_format: self._place(layout) / f"{stem}.{file_format}"
            for file_format in self._formats[layout.table]
        }

    def _rows(self, layout: Layout, parts: Iterable[int]) -> ds.Dataset:
        """Rows of parts, from the format that keeps types best."""
        best = min(self._formats[layout.table], key=_TYPED.index)
        paths = [self._files(layout, part)[best] for part in parts]
        return read_files(paths, best, layout.schema)

    def _record(self, layout: Layout, part: int) -> Path:
        return self.path / _STATE / f"{file_stem(layout.table)}-{part:05d}.json"

    def _clear(self, past: Mapping[str, Any]) -> None:
        """Remove what an earlier run wrote, and nothing else."""
        programs = [f"{stem}.py" for stem in programs_of(self.manifest or {})]
        written = (*programs, *past.get("outputs", ()))
        for name in (MANIFEST, REJECTS, "report.html", *written):
            (self.path / name).unlink(missing_ok=True)
        for path in (self.path / _STATE).glob("*.json"):
            path.unlink()
        for stem in map(file_stem, past["tables"]):
            for file_format in FORMATS:
                (self.path / f"{stem}.{file_format}").unlink(missing_ok=True)
                for part in (self.path / stem).glob(f"part-[0-9]*.{file_format}"):
                    part.unlink()
            with suppress(OSError):
                (self.path / stem).rmdir()
        (self.path / _RUN).unlink()


def _check_owner(
    path: Path, identity: Mapping[str, Any], *, overwrite: bool
) -> dict[str, Any] | None:
    """The `run.json` of the run that the folder belongs to, when this run may go on in it."""
    try:
        names = {item.name for item in path.iterdir()} if path.is_dir() else set()
    except OSError as exc:
        raise sink_error(exc, path) from exc
    if not names - {_STATE}:
        return None
    past = _json(path / _RUN)
    if past is None or not {"fingerprint", "tables"} <= set(past):
        raise SinkError(
            f"`{path}` holds files that no run made",
            code="sink.exists",
            where=str(path),
            hint="choose another folder",
        )
    if past["fingerprint"] == identity["fingerprint"] or overwrite:
        return past
    if names <= {_RUN, _STATE} and not any((path / _STATE).glob("*.json")):
        return None  # the other run ended before it made anything
    state = "a finished" if (path / MANIFEST).is_file() else "an unfinished"
    raise SinkError(
        f"`{path}` holds {state} run of another spec",
        code="sink.exists",
        where=str(path),
        hint="choose another folder, or pass --overwrite",
    )


def _json(path: Path) -> dict[str, Any] | None:
    """A JSON file's object, or None where there is none."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None
