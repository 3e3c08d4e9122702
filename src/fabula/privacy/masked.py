"""What a masking returns: the tables, and a card that says what was done to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from typing_extensions import override

from fabula.errors import UsageError
from fabula.io.destinations import NOTHING_ALLOWED, destination_of, names_file
from fabula.io.loading import load_tables
from fabula.io.places import write_json
from fabula.io.write import write_tables
from fabula.render import amounts, grid
from fabula.render.results import Result
from fabula.types import Path as PathLike

CARD, WRITTEN = "card.json", ".written"
"""The card of a masking, and the folder with the places of notes that it wrote."""


@dataclass(frozen=True, repr=False)
class Masked(Result):
    """What a masking did.

    Attributes:
        tables: The masked tables by name; empty if they were written to files.
        card: What was done, as JSON-ready values without any of the data.
    """

    tables: Mapping[str, pa.Table]
    card: Mapping[str, Any]

    @property
    def table(self) -> pa.Table:
        """The only table.

        Raises:
            UsageError: There are several, or none in memory.
        """
        self._check_in_memory()
        if len(self.tables) > 1:
            raise UsageError(
                f"there are {len(self.tables)} masked tables",
                code="mask.several",
                hint="take a table from `.tables`, or write them all to a folder",
            )
        return next(iter(self.tables.values()))

    def report(self) -> str:
        """What happened to each column, then notes and warnings."""
        lines = []
        for name, table in self.card["tables"].items():
            people = f"people by `{table['person']}`" if table["person"] else "no people"
            lines.append(f"{name}  {amounts.count(table['rows'], 'row')}, {people}")
            columns = table["columns"].items()
            lines += grid.lines([(f"  {c}", a["action"], a.get("reason", "")) for c, a in columns])
        lines += [f"note: {note}" for note in self.card["notes"]]
        lines += [f"warning: {line}" for line in warning_lines(self.card)]
        return "\n".join(lines)

    @override
    def write(self, path: PathLike) -> None:
        """Write each table to a Parquet file in a folder, or one table to one file, and the card.

        Raises:
            UsageError: A file is named for several tables, or the tables are in files already.
            SinkError: The place can't be written.
        """
        self._check_in_memory()
        if target := destination_of(path):
            record = {"masking": self.card}
            loaded = load_tables(target, self.tables, NOTHING_ALLOWED, manifest=record)
            if target.file:
                told = {**self.card, "destination": {"kind": target.entry.name, **loaded}}
                write_json(card_path(target.file, single=True), told)
            return
        place = Path(path)
        single = names_file(place)
        if single:
            _ = self.table
        files = zip(self.tables, write_tables(place, self.tables), strict=True)
        told = {name: self.card["tables"][name] | {"file": file.name} for name, file in files}
        write_json(card_path(place, single=single), {**self.card, "tables": told})

    def _check_in_memory(self) -> None:
        if not self.tables:
            raise UsageError(
                "the masked tables are in files",
                code="mask.in-files",
                hint="read them with `fb.load(PATH)`, or call `fb.mask` without `output`",
            )


def card_path(output: Path, *, single: bool) -> Path:
    """Where the card of a masking goes: next to a single file, or into the folder."""
    return output.with_name(f"{output.name}.card.json") if single else output / CARD


def written_folder(output: Path) -> Path:
    """The folder with the places of notes that a masking wrote into a folder or a file."""
    return output / WRITTEN if output.is_dir() else output.with_name(f".{output.name}{WRITTEN}")


def warning_lines(card: Mapping[str, Any]) -> Iterator[str]:
    """What happened to values that could not be masked like the others."""
    for name, table in card["tables"].items():
        for column, action in table["columns"].items():
            if blanked := action.get("blanked"):
                yield f"{name}.{column}: {amounts.count(blanked, 'value')} of another form blanked"
            if nobody := action.get("nobody"):
                yield f"{name}.{column}: {amounts.count(nobody, 'placeholder')} kept, such as `N/A`"
