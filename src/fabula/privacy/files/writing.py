"""The files of a masking: each is written under a temporary name, and a killed run continues it.

A journal beside the temporary file tells, every few blocks, how much was read and written. It holds
two numbers and the fingerprint of the masking, and nothing of the data.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from fabula.errors import SinkError
from fabula.io.places import replacing, sink_error, write_text
from fabula.privacy.files.csv_bytes import CsvSource
from fabula.privacy.files.parquet import ArrowSource
from fabula.privacy.masking import Counts

_JOURNALLED = 64 << 20
"""Bytes after which the journal is written again."""

Told = Callable[[], None]
"""Hears when a block is written."""


class Maker(Protocol):
    """Makes new columns, block by block."""

    @property
    def counts(self) -> Counts:
        """What happened so far."""

    def mask(self, block: pa.Table) -> dict[str, pa.Array]:
        """The new values of each column that changes."""


@dataclass(frozen=True)
class _Journal:
    """How far a file was written."""

    fingerprint: str
    read: int
    written: int
    counts: dict[str, object]


def write_csv(
    source: CsvSource,
    target: Path,
    masker: Maker,
    dropped: Sequence[str],
    *,
    fingerprint: str,
    told: Told,
) -> None:
    """Mask a CSV file, from where an earlier run of the same masking was stopped.

    Args:
        source: The file.
        target: The file to write; `.gz` is compressed.
        masker: Makes the new columns.
        dropped: Columns to leave out.
        fingerprint: Tells whether an earlier run was of the same masking; empty where none can be.
        told: Hears when a block is written.

    Raises:
        SourceError: A row can't be read.
        SinkError: The place can't be written.
    """
    if target.suffix == ".gz":
        with replacing(target) as temporary, pa.output_stream(temporary, compression="gzip") as out:
            out.write(source.header(dropped))
            for block, _ in source.blocks():
                out.write(block.written(masker.mask(block.table()), dropped))
                told()
        return
    partial, journal = _beside(target, "masking"), _beside(target, "masking.json")
    start = _started(partial, journal, fingerprint)
    try:
        if not start:
            partial.unlink(missing_ok=True)  # a link of that name would lead elsewhere
        with partial.open("r+b" if start else "xb") as file:
            if start:
                file.truncate(start.written)
                file.seek(start.written)
                masker.counts.__dict__.update(start.counts)
                told()
            else:
                file.write(source.header(dropped))
            noted = file.tell()
            for block, read in source.blocks(start.read if start else 0):
                file.write(block.written(masker.mask(block.table()), dropped))
                told()
                if fingerprint and file.tell() - noted > _JOURNALLED:
                    file.flush()
                    os.fsync(file.fileno())
                    noted = file.tell()
                    entry = _Journal(fingerprint, read, noted, asdict(masker.counts))
                    write_text(journal, json.dumps(asdict(entry)))
            file.flush()
            os.fsync(file.fileno())
        partial.replace(target)
    except OSError as exc:
        raise sink_error(exc, target) from exc
    journal.unlink(missing_ok=True)


def write_parquet(
    source: ArrowSource, target: Path, masker: Maker, dropped: Sequence[str], told: Told
) -> None:
    """Mask a Parquet file; an unfinished one is begun again.

    Raises:
        SinkError: The place can't be written.
    """
    schema = source.masked_schema(dropped)
    with replacing(target) as temporary, pq.ParquetWriter(temporary, schema) as out:
        for block in source.tables(source.names):
            out.write_table(source.masked(block, masker.mask(block), dropped))
            told()


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


def _started(partial: Path, journal: Path, fingerprint: str) -> _Journal | None:
    """How far an earlier run of the same masking came."""
    try:
        entry = _Journal(**json.loads(journal.read_text(encoding="utf-8")))
        found = partial.lstat()
        ours = entry.fingerprint == fingerprint and found.st_size >= entry.written
    except (OSError, ValueError, TypeError):
        return None
    return entry if fingerprint and ours and stat.S_ISREG(found.st_mode) else None


def _beside(target: Path, ending: str) -> Path:
    return target.with_name(f".{target.name}.{ending}")
