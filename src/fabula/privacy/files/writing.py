"""The files of a masking: each is written under a temporary name, and a killed run continues it.

A journal beside the temporary file tells, every few blocks, how much was read and written, and what
was counted. It holds the fingerprint of the masking, and nothing of the data.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from fabula.errors import SinkError
from fabula.io.names import file_stem
from fabula.io.places import make_folder, replacing, sink_error, write_text
from fabula.privacy.files.csv_bytes import CsvBlock, CsvSource
from fabula.privacy.files.footers import Footer
from fabula.privacy.files.json_bytes import JsonBlock, JsonSource
from fabula.privacy.files.parquet import ArrowSource
from fabula.privacy.files.sources import Source
from fabula.privacy.masking import Counts

_JOURNALLED = 64 << 20
"""Bytes after which the journal is written again."""

_PART_BLOCKS = 16
"""Blocks of a Parquet file after which the journal is written again."""


class Maker(Protocol):
    """Makes new columns, block by block."""

    @property
    def counts(self) -> Counts:
        """What happened so far."""

    @property
    def spans(self) -> dict[str, list[pa.Table]]:
        """The places that were written into notes, by column."""

    def mask(self, block: pa.Table) -> dict[str, pa.Array]:
        """The new values of each column that changes."""


@dataclass(frozen=True)
class Work:
    """What is done to the rows of one file.

    Attributes:
        sources: Its tables: the rows, and the lists in them.
        maskers: Make the new columns of each table.
        dropped: The columns of each table to leave out.
        fingerprint: Tells whether an earlier run was of the same masking; empty if none can be.
        told: Hears when a block is written.
    """

    sources: Mapping[str, Source]
    maskers: Mapping[str, Maker]
    dropped: Mapping[str, Sequence[str]]
    fingerprint: str
    told: Callable[[], None]

    def write(self, target: Path) -> None:
        """Mask the file, from where an earlier run of the same masking was stopped.

        Args:
            target: The file to write; text in `.gz` is compressed.

        Raises:
            SourceError: A row can't be read.
            SinkError: The place can't be written.
        """
        ((name, source), *_) = self.sources.items()
        if isinstance(source, ArrowSource):
            self._parquet(source, self.maskers[name], target, self.dropped[name])
            return
        text: _Text = (
            _Csv(source, self.maskers[name], self.dropped[name])
            if isinstance(source, CsvSource)
            else _Json(self)
        )
        if target.suffix != ".gz":
            self._text(text, target)
            return
        with replacing(target) as temporary, pa.output_stream(temporary, compression="gzip") as out:
            out.write(text.head())
            read = 0
            for block, read in text.blocks(0):  # noqa: B007  (the last one is used)
                out.write(text.masked(block))
                self.told()
            out.write(text.tail(read))

    def _text(self, text: _Text, target: Path) -> None:
        partial, journal = _beside(target, "masking"), _Journal(target, self)
        begun = journal.read(partial)
        try:
            if not begun:
                partial.unlink(missing_ok=True)  # a link of that name would lead elsewhere
            with partial.open("r+b" if begun else "xb") as file:
                start = 0
                if begun:
                    start, written = begun
                    file.truncate(written)
                    file.seek(written)
                    self.told()
                else:
                    file.write(text.head())
                noted, read = file.tell(), start
                for block, read in text.blocks(start):
                    file.write(text.masked(block))
                    self.told()
                    if self.fingerprint and file.tell() - noted > _JOURNALLED:
                        _reach_disk(file)
                        noted = file.tell()
                        journal.write(read, noted)
                file.write(text.tail(read))
                _reach_disk(file)
            partial.replace(target)
        except OSError as exc:
            raise sink_error(exc, target) from exc
        journal.remove()

    def _parquet(
        self, source: ArrowSource, masker: Maker, target: Path, dropped: Sequence[str]
    ) -> None:
        schema, journal = source.masked_schema(dropped), _Journal(target, self)
        partial = _beside(target, "masking")
        begun = journal.read(partial)
        footer = journal.footer
        try:
            if not begun:
                partial.unlink(missing_ok=True)  # a link of that name would lead elsewhere
            with partial.open("r+b" if begun else "xb") as file:
                done, written = begun or (0, 0)
                file.truncate(written)
                file.seek(written)
                self.told()
                blocks = islice(source.tables(source.names), done, None)
                for first in blocks:
                    part = chain([first], islice(blocks, _PART_BLOCKS - 1))
                    made = (source.masked(b, masker.mask(b), dropped) for b in part)
                    footer.append(file, schema, map(self._heard, made))
                    done += _PART_BLOCKS
                    if self.fingerprint:
                        _reach_disk(file)
                        journal.write(done, file.tell())
                footer.close(file, schema)
                _reach_disk(file)
            partial.replace(target)
        except OSError as exc:
            raise sink_error(exc, target) from exc
        journal.remove()

    def _heard(self, table: pa.Table) -> pa.Table:
        self.told()
        return table


class _Text(Protocol):
    """A text that is masked block by block."""

    def head(self) -> bytes: ...
    def blocks(self, start: int) -> Iterator[tuple[Any, int]]: ...
    def masked(self, block: Any) -> pa.Buffer: ...
    def tail(self, read: int) -> bytes: ...


@dataclass(frozen=True)
class _Csv:
    source: CsvSource
    masker: Maker
    dropped: Sequence[str]

    def head(self) -> bytes:
        return self.source.header(self.dropped)

    def blocks(self, start: int) -> Iterator[tuple[CsvBlock, int]]:
        return self.source.blocks(start)

    def masked(self, block: CsvBlock) -> pa.Buffer:
        return block.written(self.masker.mask(block.table()), self.dropped)

    def tail(self, read: int) -> bytes:
        del read
        return b""


class _Json:
    def __init__(self, work: Work) -> None:
        self._levels = {
            source.level: (source, work.maskers[name])
            for name, source in work.sources.items()
            if isinstance(source, JsonSource)
        }
        self._file = self._levels[""][0].file
        self._dropped = {
            source.level: work.dropped[name]
            for name, source in work.sources.items()
            if isinstance(source, JsonSource)
        }

    def head(self) -> bytes:
        return self._file.head

    def blocks(self, start: int) -> Iterator[tuple[JsonBlock, int]]:
        return self._file.blocks(start)

    def masked(self, block: JsonBlock) -> pa.Buffer:
        new = {
            level: masker.mask(source.of(block))
            for level, (source, masker) in self._levels.items()
            if not level or level in block.levels
        }
        return block.written(new, self._dropped)

    def tail(self, read: int) -> bytes:
        return self._file.tail(read or len(self._file.head))


class _Journal:
    """How far a file was written, and what the maskers counted and wrote into notes until then.

    Attributes:
        footer: That of the row groups written to a Parquet file so far.
    """

    def __init__(self, target: Path, work: Work) -> None:
        self._path, self._work = _beside(target, "masking.json"), work
        self._spans = _beside(target, "masking.spans")
        self.footer = Footer()

    def read(self, partial: Path) -> tuple[int, int] | None:
        """What an earlier run of the same masking read and wrote; None if it can't continue."""
        maskers = self._work.maskers
        try:
            entry = json.loads(self._path.read_text(encoding="utf-8"))
            read, written, found = int(entry["read"]), int(entry["written"]), partial.lstat()
            ours = entry["fingerprint"] == self._work.fingerprint and found.st_size >= written
            if not self._work.fingerprint or not ours or stat.S_ISLNK(found.st_mode):
                return None
            spans = {
                (name, column): pq.read_table(
                    self._spans / f"{file_stem(f'{name}.{column}')}.parquet"
                )
                for name, columns in entry["spans"].items()
                for column in columns
            }
            self.footer = Footer(b64decode(entry["footer"]))
            for name, counts in entry["counts"].items():
                maskers[name].counts.__dict__.update(counts)
        except (OSError, ValueError, TypeError, KeyError, pa.ArrowException):
            return None
        for (name, column), table in spans.items():
            known = pc.less(table.column("row"), maskers[name].counts.rows)
            maskers[name].spans[column] = [table.filter(known)]
        return read, written

    def write(self, read: int, written: int) -> None:
        """Note that so many bytes or blocks are read, and so many bytes written."""
        maskers = self._work.maskers
        write_spans(self._spans, maskers)
        entry = {
            "fingerprint": self._work.fingerprint,
            "read": read,
            "written": written,
            "counts": {name: asdict(masker.counts) for name, masker in maskers.items()},
            "spans": {name: list(masker.spans) for name, masker in maskers.items()},
            "footer": b64encode(self.footer.to_bytes()).decode(),
        }
        write_text(self._path, json.dumps(entry))

    def remove(self) -> None:
        """Forget a file that is finished."""
        self._path.unlink(missing_ok=True)
        _remove(self._spans)


def write_spans(folder: Path, maskers: Mapping[str, Maker]) -> None:
    """Tell which places of notes a masking wrote."""
    for name, masker in maskers.items():
        for column, spans in masker.spans.items():
            make_folder(folder)
            masker.spans[column] = [pa.concat_tables(spans)]
            with replacing(folder / f"{file_stem(f'{name}.{column}')}.parquet") as temporary:
                pq.write_table(masker.spans[column][0], temporary)


def spare_originals(targets: Mapping[str, Path], files: Mapping[str, Path]) -> None:
    """Refuse to write over a file that is read.

    Raises:
        SinkError: A target is its original.
    """
    for name, target in targets.items():
        if target.exists() and target.samefile(files[name]):
            raise SinkError(
                f"`{target}` is the original",
                code="mask.original",
                where=str(target),
                hint="choose another place with `-o`",
            )


def is_unfinished(target: Path) -> bool:
    """Whether a run was stopped while it wrote a file."""
    return _beside(target, "masking").exists()


def _reach_disk(file: Any) -> None:
    file.flush()
    os.fsync(file.fileno())


def _remove(folder: Path) -> None:
    """Remove a folder of ours; a link of its name alone."""
    if folder.is_symlink() or folder.is_file():
        folder.unlink()
    else:
        shutil.rmtree(folder, ignore_errors=True)


def _beside(target: Path, ending: str) -> Path:
    return target.with_name(f".{target.name}.{ending}")
