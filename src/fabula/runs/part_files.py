"""The files of a run's parts: their names in its folder, and how they are written."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from fabula.engines.made import MadeBlock
from fabula.io.formats import FILE_FORMATS, Format, as_format
from fabula.io.names import file_stem
from fabula.io.places import make_folder
from fabula.io.read import TableRows, read_files, typed
from fabula.io.run_files import inside
from fabula.io.write import writing
from fabula.runs.parts import Layout, PartRecord, Tally


@dataclass(frozen=True)
class PartFiles:
    """The files of all parts in a folder.

    Attributes:
        path: The folder.
        formats: File formats by table, the main one first.
        escape_formulas: Put `'` before cells of CSV that a spreadsheet would run.
    """

    path: Path
    formats: Mapping[str, Sequence[Format]]
    escape_formulas: bool = False

    def of(self, layout: Layout, part: int) -> dict[Format, Path]:
        """A part's path in each format, the main one first."""
        stem = file_stem(layout.table) if layout.parts == 1 else f"part-{part:05d}"
        place = self._place(layout)
        return {name: place / f"{stem}.{name}" for name in self.formats[layout.table]}

    def write(
        self, layout: Layout, part: int, attempt: int, blocks: Iterable[MadeBlock]
    ) -> PartRecord:
        """Write a part in each of its table's formats."""
        place = self._place(layout)
        make_folder(place)
        tally = Tally(layout, part, attempt)
        with ExitStack() as stack:
            files = [
                stack.enter_context(
                    writing(path, layout.schema, name, escape_formulas=self.escape_formulas)
                )
                for name, path in self.of(layout, part).items()
            ]
            for block in blocks:
                tally.add(block)
                for file in files:
                    file.write(block.table)
        stem = place.relative_to(self.path)
        return tally.record(
            tuple(
                dataclasses.replace(file.written, name=(stem / file.written.name).as_posix())
                for file in files
                if file.written
            )
        )

    def rewrite(
        self, record: PartRecord, schema: pa.Schema, change: Callable[[pa.Table], pa.Table]
    ) -> PartRecord:
        """Write a part's rows again, changed, in each of its formats."""
        paths = [inside(self.path, file.name) for file in record.files]
        forms = {path: as_format(path.suffix[1:]) for path in paths}
        best = min(forms, key=lambda path: FILE_FORMATS[forms[path]].keeps_types)
        with ExitStack() as stack:
            files = [
                stack.enter_context(
                    writing(path, schema, form, escape_formulas=self.escape_formulas)
                )
                for path, form in forms.items()
            ]
            for batch in read_files([best], forms[best], schema).to_batches():
                rows = change(typed(pa.Table.from_batches([batch]), schema))
                for file in files:
                    file.write(rows)
        written = {file.written.name: file.written for file in files if file.written}
        again = (
            # Formulas were escaped when they were written first, and are not seen again.
            dataclasses.replace(
                written[Path(file.name).name], name=file.name, formulas=file.formulas
            )
            for file in record.files
        )
        return dataclasses.replace(record, files=tuple(again))

    def read(self, layout: Layout, parts: Iterable[int]) -> TableRows:
        """Rows of parts, from the format that keeps types best."""
        best = min(self.formats[layout.table], key=lambda name: FILE_FORMATS[name].keeps_types)
        paths = [self.of(layout, part)[best] for part in parts]
        return read_files(paths, best, layout.schema)

    def _place(self, layout: Layout) -> Path:
        return self.path if layout.parts == 1 else inside(self.path, file_stem(layout.table))
