"""Where the rows of a masking are: tables in memory, files, folders of files."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from fabula.errors import SourceError, UsageError
from fabula.io.sources import database_of
from fabula.io.tables import as_table, forms_in
from fabula.privacy.files.csv_bytes import CsvSource
from fabula.privacy.files.json_bytes import JsonFile, JsonSource
from fabula.privacy.files.parquet import ArrowSource

if TYPE_CHECKING:
    import pyarrow.dataset as ds

Source = CsvSource | JsonSource | ArrowSource


def sources_of(data: Any) -> tuple[dict[str, Source], dict[str, Path], list[str]]:
    """The tables of data, their files, and what is left out."""
    if isinstance(data, str | os.PathLike):
        data = [data if database_of(data) else Path(data)]
    if isinstance(data, Sequence) and len(data) == 1 and isinstance(data[0], str | os.PathLike):
        data = data[0] if database_of(data[0]) else data
    if not (isinstance(data, Sequence) and data and all(isinstance(p, os.PathLike) for p in data)):
        return (
            {name: ArrowSource(_rows(form, name)) for name, form in forms_in(data).items()},
            {},
            [],
        )
    files: dict[str, Path] = {}
    notes: list[str] = []
    for path in map(Path, data):
        if not path.exists():
            raise SourceError(f"there is no file `{path}`", code="source.missing", where=str(path))
        inside = sorted(path.iterdir()) if path.is_dir() else [path]
        for file in (e for e in inside if not e.name.startswith(".") and not _is_record(e, path)):
            if _maker(file) is None:
                _refuse(file, alone=file == path)
                notes.append(
                    f"`{file.name}` is not masked and not copied:"
                    " only CSV, JSON and Parquet are masked"
                )
                continue
            name = file.name.partition(".")[0]
            if name in files:
                raise UsageError(
                    f"`{files[name]}` and `{file}` are both called `{name}`",
                    code="mask.same-name",
                    hint="rename one of them",
                )
            files[name] = file
    if not files:
        raise SourceError(f"there is no table in `{data[0]}`", code="source.no-table",
                          where=str(data[0]), hint="give CSV, JSON or Parquet files")  # fmt: skip
    sources: dict[str, Source] = {}
    for name, file in files.items():
        if make := _maker(file):
            sources |= {f"{name}.{level}" if level else name: s for level, s in make(file).items()}
    return sources, files, notes


def _rows(form: Any, name: str) -> pa.Table | ds.Dataset:
    """A table in memory, or the rows of a database as they are where they are too many for it."""
    from pyarrow import dataset as ds

    return form if isinstance(form, ds.Dataset) else as_table(form, name=name)


def _is_record(file: Path, given: Path) -> bool:
    """Whether a file in a folder is a record of a masking or a run, such as `card.json`."""
    name = file.name.rpartition(".json")[0].rpartition(".")[2]
    return file != given and file.suffix == ".json" and name in ("card", "manifest", "run")


_CSV, _JSON = (".csv", ".tsv", ".txt"), (".json", ".jsonl", ".ndjson")


def _maker(path: Path) -> Callable[[Path], dict[str, Source]] | None:
    """What reads the tables of a file, the main one called nothing; None if nothing does.

    The content decides before the ending does.
    """
    if not path.is_file():
        return None
    with path.open("rb") as file:
        if file.read(4) == b"PAR1":
            return lambda file: {"": ArrowSource(file)}
    endings = path.suffixes[-2:] if path.suffix == ".gz" else path.suffixes[-1:]
    ending = endings[0].lower() if endings else ""
    if ending in _JSON:
        return _levels
    return (lambda file: {"": CsvSource(file)}) if ending in _CSV else None


def _levels(path: Path) -> dict[str, Source]:
    file = JsonFile(path)
    return {level: JsonSource(file, level) for level in file.levels}


def _refuse(path: Path, *, alone: bool) -> None:
    """Refuse a file that was given by itself and can't be masked."""
    if alone:
        raise SourceError(
            f"`{path}` can't be masked: only CSV, JSON and Parquet are masked",
            code="mask.format",
            where=str(path),
            hint="write its rows as CSV, JSON or Parquet, and mask that file",
        )


def tables_in(sources: Mapping[str, Source], name: str) -> list[str]:
    """A table that has a file, and those that are lists in its rows."""
    lists = [n for n, source in sources.items() if isinstance(source, JsonSource) and source.level]
    return [name, *(each for each in lists if each.startswith(f"{name}."))]


def in_memory(source: Source) -> ArrowSource:
    """A table that is read whole."""
    if isinstance(source, ArrowSource):
        return source
    return ArrowSource(pa.concat_tables(source.tables(source.names)))
