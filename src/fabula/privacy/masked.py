"""What a masking returns: the tables, and a card that says what was done to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa
from typing_extensions import override

from fabula.errors import UsageError
from fabula.io.destinations import (
    NOTHING_ALLOWED,
    KeepsRecord,
    Sink,
    Target,
    destination_of,
    names_file,
)
from fabula.io.loading import blocks_of, incoming, load
from fabula.io.names import output_path
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

        An address or a file of several tables is loaded instead; `write_load_card` says where the
        card goes.

        Raises:
            UsageError: A file is named for several tables, or the tables are in files already.
            SinkError: The place can't be written.
        """
        self._check_in_memory()
        if target := destination_of(path):
            sink = target.open(NOTHING_ALLOWED)
            wanted = incoming({name: table.schema for name, table in self.tables.items()})
            sink.check(wanted)
            loaded = load(sink, wanted, blocks_of(self.tables), {"masking": self.card})
            write_load_card(self.card, target, sink, loaded)
            return
        place = output_path(path)
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


def write_load_card(
    card: Mapping[str, Any], target: Target, sink: Sink, loaded: Mapping[str, Any]
) -> dict[str, Any]:
    """Write the card of a load, and return it with what the load did.

    It goes next to a file, and into the manifest of a store that keeps one; that of a database or
    another store goes into the working folder, under the last word of the address.
    """
    made = {**card, "destination": {"kind": target.entry.name, **loaded}}
    place = card_path(target.file, single=True) if target.file else None
    if place is None and not isinstance(sink, KeepsRecord):
        name = Path(urlsplit(target.place).path).name or target.entry.name
        place = card_path(Path(name), single=True)
        made["destination"]["card"] = str(place)
    if place is not None:
        write_json(place, made)
    return made


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
