"""`unmask`: masked rows in, the real values out, with the key and the map of their masking."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.errors import PrerequisiteError, SourceError
from fabula.io.arrays import array_of, plain_type
from fabula.io.destinations import names_file
from fabula.io.names import output_path
from fabula.io.places import check_free, make_folder
from fabula.privacy.files.sources import sources_of, tables_in
from fabula.privacy.files.writing import Work
from fabula.privacy.map_file import read_map, write_map
from fabula.privacy.masking import Counts
from fabula.privacy.prepared import Masking
from fabula.privacy.secret import Secret
from fabula.types import Progress

_NEW, _OLD = "new ", "old "


def map_blocks(masking: Masking) -> Iterator[tuple[str, pa.Table]]:
    """New and old values of all columns that a masking changes, by table.

    The masking is gone through again: it gives the same values.
    """
    for name, source in masking.sources.items():
        masker = masking.masker(name)
        for block in source.tables(source.names):
            columns: dict[str, pa.Array] = {}
            for column, new in masker.mask(block).items():
                columns[_NEW + column] = _text(new)
                columns[_OLD + column] = _text(block.column(column))
            if columns:
                yield name, pa.table(columns)


def check_map(masking: Masking, path: Path, *, overwrite: bool = False) -> None:
    """Make sure that the map of a masking can be written, before the masking is.

    Raises:
        PrerequisiteError: The masking's key is discarded.
        SinkError: The file exists.
    """
    if not masking.secret.kept:
        raise PrerequisiteError(
            "a map is useless without the key, which is discarded",
            code="mask.no-key",
            hint="keep the key: add `--new-key FILE`, or `--key-file FILE`",
        )
    check_free(path, overwrite=overwrite)


def save_map(masking: Masking, path: Path) -> None:
    """Write the encrypted map of a masking.

    Raises:
        PrerequisiteError: The extra `mask` is missing.
        SinkError: The file can't be written.
    """
    write_map(path, masking.secret, map_blocks(masking))


@dataclass(frozen=True)
class Unmasked:
    """What an unmasking did.

    Attributes:
        restored: Values that are real again, by table.
        left: Rows that the map does not know, by table.
    """

    restored: Mapping[str, int]
    left: Mapping[str, int]


def unmask(
    data: Path | Sequence[Path],
    *,
    output: str | os.PathLike[str],
    map: str | os.PathLike[str],  # noqa: A002  (the word that users know)
    key_file: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Unmasked:
    """Put the real values back into masked files.

    Rows are found by their table's key, else by their position. A value is put back where the file
    still has the new one; columns that were dropped do not come back.

    Args:
        data: Masked files, or folders of them; some of the rows are enough if they have keys.
        output: The folder, or for one table the file, to write to.
        map: The map that `mask` wrote.
        key_file: The key; by default the file that `FABULA_KEY_FILE` names.
        overwrite: Whether files that are there may be replaced.
        progress: Hears of each table, of its rows that are done, and of about how many it has.

    Raises:
        PrerequisiteError: There is no key or no map, or the extra `mask` is missing.
        SourceError: The map is of another key, or a file can't be read.
        SinkError: The output exists, or can't be written.
    """
    place = output_path(output)
    secret = Secret.find(Path(key_file) if key_file else None)
    if not secret.kept:
        raise PrerequisiteError(
            "unmasking needs the key of the masking",
            code="mask.no-key",
            hint="name its file: `--key-file FILE`, or FABULA_KEY_FILE",
        )
    known: dict[str, list[pa.Table]] = {}
    for name, block in read_map(Path(map), secret):
        known.setdefault(name, []).append(block)
    paths = [Path(data)] if isinstance(data, str | os.PathLike) else [Path(each) for each in data]
    sources, files, _ = sources_of(paths)
    only = len(known) == 1 and len(sources) == 1
    restorers = {
        name: Restorer(_joined(known.get(next(iter(known)) if only else name, [])))
        for name in sources
    }
    if unknown := [name for name in files if not restorers[name].known.num_columns]:
        raise SourceError(
            f"the map has no table `{unknown[0]}`",
            code="mask.other-map",
            where=str(files[unknown[0]]),
            hint=f"the map has {', '.join(f'`{name}`' for name in known)}: name files so",
        )
    single = len(files) == 1 and names_file(place) and not place.is_dir()
    check_free(place, overwrite=overwrite, folder=not single)
    if not single:
        make_folder(place)
    for name, file in files.items():
        tables = tables_in(sources, name)

        def told(name: str = name) -> None:
            if progress is not None:
                done = restorers[name].counts.rows
                progress(name, done, max(done, sources[name].about_rows()))

        work = Work(
            {table: sources[table] for table in tables},
            {table: restorers[table] for table in tables},
            dict.fromkeys(tables, ()),
            fingerprint="",
            told=told,
        )
        work.write(place if single else place / file.name)
    return Unmasked(
        {name: sum(each.counts.changed.values()) for name, each in restorers.items()},
        {name: each.left for name, each in restorers.items()},
    )


@dataclass(eq=False)
class Restorer:
    """Puts the real values of one table back; instead of a `Masker`.

    Attributes:
        known: New and old values, as the map has them.
        counts: What happened so far.
        left: Rows that the map does not know.
        spans: Nothing: no notes are written.
    """

    known: pa.Table
    counts: Counts = field(default_factory=Counts)
    left: int = 0
    spans: dict[str, list[pa.Table]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        names = [n.removeprefix(_NEW) for n in self.known.column_names if n.startswith(_NEW)]
        self._columns = names
        self._key = next((name for name in names if self._is_key(name)), None)

    def mask(self, block: pa.Table) -> dict[str, pa.Array]:
        """The real values of a block's rows."""
        names = [name for name in self._columns if name in block.column_names]
        if not names:
            self.counts.rows += len(block)
            return {}  # nothing of it was changed
        rows = self._places(block)
        found, made = rows >= 0, {}
        self.left += int((~found).sum())
        places = array_of(np.maximum(rows, 0), missing=~found)
        for name in names:
            now = _text(block.column(name))
            new = self.known.column(_NEW + name).take(places).combine_chunks()
            old = self.known.column(_OLD + name).take(places).combine_chunks()
            same = pc.and_(array_of(found), pc.fill_null(pc.equal(now, new), False))
            blank = pc.and_(array_of(found), pc.and_(pc.is_null(now), pc.is_null(new)))
            same = pc.or_(same, blank)
            made[name] = pc.if_else(same, old, now).cast(plain_type(block.schema.field(name).type))
            self.counts.add(self.counts.changed, name, pc.sum(same).as_py() or 0)
        self.counts.rows += len(block)
        return made

    def _is_key(self, name: str) -> bool:
        values = self.known.column(_NEW + name)
        return not values.null_count and pc.count_distinct(values).as_py() == len(values)

    def _places(self, block: pa.Table) -> NDArray[np.int64]:
        """The place of each row in the map; -1 where it is missing."""
        if self._key is not None and self._key in block.column_names:
            keys = self.known.column(_NEW + self._key).combine_chunks()
            at = pc.index_in(_text(block.column(self._key)), value_set=keys)
            return np.asarray(pc.fill_null(at, -1).to_numpy(zero_copy_only=False), np.int64)
        rows = np.arange(self.counts.rows, self.counts.rows + len(block))
        return np.where(rows < self.known.num_rows, rows, -1)


def _joined(blocks: Sequence[pa.Table]) -> pa.Table:
    return pa.concat_tables(blocks, promote_options="default") if blocks else pa.table({})


def _text(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    if isinstance(values, pa.ChunkedArray):
        values = pa.concat_arrays([each.cast(pa.large_string()) for each in values.chunks] or [
            pa.array([], pa.large_string())])  # fmt: skip
    return values.cast(pa.large_string())
