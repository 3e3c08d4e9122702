"""A spec from a schema: of a live database, or of a script that defines tables."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from fabula.databases.schema import Schema
from fabula.inference.inferred import Inferred
from fabula.inference.schemas.links import Links
from fabula.inference.schemas.tables import TableDraft
from fabula.render import amounts, grid
from fabula.spec.tables import DatasetSpec


@dataclass(frozen=True, repr=False)
class InferredSchema(Inferred):
    """A spec from a schema, with what the schema promised.

    Attributes:
        counts: How many tables, keys and rules were read.
        told: What the tables became: place, what, why.
        live: Whether a database was asked.
        read: What of its rows was read.
        schema: The schema.
    """

    counts: tuple[tuple[str, int], ...] = ()
    told: tuple[tuple[str, str, str], ...] = ()
    live: bool = False
    read: str = "no rows were read"
    schema: Schema = field(default_factory=lambda: Schema("", "", {}))

    @property
    def untouched(self) -> str:
        return "nothing was written to the database" if self.live else super().untouched

    def __repr__(self) -> str:
        first, *others = [amounts.count(number, what) for what, number in self.counts if number]
        counted = ", ".join([first, *others])
        rows = [(f"  {place}", what, why) for place, what, why in self.told]
        notes = [f"note: {note}" for note in self.notes]
        return "\n".join([f"Read {counted} ({self.read})", *grid.lines(rows), *notes])


def spec_of(schema: Schema) -> InferredSchema:
    """The spec of a schema."""
    links = Links(schema)
    drafts = [TableDraft(table, schema, links) for table in schema.tables.values()]
    tables = {draft.table.name: draft.spec() for draft in drafts}
    reasons = {place: why for draft in drafts for place, why in draft.reasons.items()}
    notes = [*schema.unread, *links.notes, *(note for draft in drafts for note in draft.notes)]
    ordered = sorted(
        (line for draft in drafts for line in draft.told), key=lambda line: "." in line[0]
    )
    return InferredSchema(
        DatasetSpec(name=Path(schema.name).stem, tables=tables),
        MappingProxyType(reasons),
        tuple(notes),
        tuple(schema.counts().items()),
        tuple(ordered),
        schema=schema,
    )
