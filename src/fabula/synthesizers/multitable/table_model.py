"""What was learned of one table of several."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fabula.relationships.keys import ForeignKey
from fabula.synthesizers.codecs.learning import Columns
from fabula.synthesizers.codecs.natural import NaturalCodec
from fabula.synthesizers.codecs.prose import ProseCodec
from fabula.synthesizers.codecs.string_formats.texts import WrittenTexts
from fabula.synthesizers.constraints.relations import Relations
from fabula.synthesizers.models.boosted.model import Boosted
from fabula.synthesizers.multitable.bins import Bins
from fabula.synthesizers.multitable.determinants import Determinant
from fabula.synthesizers.multitable.foreign_keys import Links
from fabula.synthesizers.multitable.identity import Identity
from fabula.synthesizers.multitable.layout import Layout
from fabula.synthesizers.multitable.panels import Panel
from fabula.synthesizers.multitable.reach import Reach
from fabula.synthesizers.multitable.timed import Timed
from fabula.synthesizers.multitable.timeline import Timeline


@dataclass(frozen=True, eq=False)
class TableModel:
    """What was learned of one table.

    Attributes:
        name: The table's name.
        schema: Its columns.
        rows: Training rows.
        links: Its foreign keys.
        reach: Each of them, in training.
        identity: What distinguishes its rows.
        timeline: The time that orders a parent's rows, or none.
        columns: The learned columns; None if there is nothing to learn.
        layout: The model's columns.
        below: Cells of the numbers of children, by foreign key.
        panel: The combinations of its key's own parts, where its parents have nearly all of them.
        counted: Children of each value of a kept key, by foreign key.
        beside: Cells of siblings and positions.
        model: Draws the unknown part of a row; None if nothing has to be drawn.
        kept: The real table, if it is kept as it is.
        left_out: Why other columns are not made.
        relations: Columns that follow from others on every row.
        written: How times are written, where the real ones are texts.
        depths: Cells of depths, by foreign key to the table itself.
        timed: What follows from times that are learned as gaps or distances.
        alike: Columns that all children of a parent have alike, by foreign key.
        determinants: Newly generated columns that determine others.
        shown: The blocks of its columns that its children see.
    """

    name: str
    schema: pa.Schema
    rows: int
    links: Links
    reach: Mapping[ForeignKey, Reach]
    identity: Identity
    timeline: Timeline | None
    columns: Columns | None
    layout: Layout
    below: Mapping[ForeignKey, Bins]
    beside: tuple[Bins, ...]
    model: Boosted | None
    kept: pa.Table | None = None
    left_out: Mapping[str, str] = field(default_factory=dict)
    relations: Relations = field(default_factory=Relations)
    written: Mapping[str, WrittenTexts] = field(default_factory=dict)
    depths: Mapping[ForeignKey, Bins] = field(default_factory=dict)
    timed: Timed = field(default_factory=Timed)
    alike: Mapping[ForeignKey, tuple[str, ...]] = field(default_factory=dict)
    determinants: tuple[Determinant, ...] = ()
    counted: Mapping[ForeignKey, NDArray[np.int64]] = field(default_factory=dict)
    panel: Panel | None = None
    shown: tuple[str, ...] = ("own", "above")

    @cached_property
    def following(self) -> Relations:
        """What follows inside a row once its times are times."""
        return self.timed.alongside(self.relations)

    @property
    def natural(self) -> Mapping[str, str]:
        """What was made of the parts of the primary key that keep their real values."""
        codecs = () if self.columns is None else self.columns.codecs
        told = {codec.name: codec.about for codec in codecs if isinstance(codec, NaturalCodec)}
        if self.identity.alone in told:
            told[self.identity.alone] += "; a sample has no more rows than these"
        return told

    @property
    def made_columns(self) -> frozenset[str]:
        """The columns, but for keys, that samples have."""
        own = () if self.columns is None else self.columns.names
        return frozenset(own if self.kept is None else self.schema.names)

    @property
    def replaced(self) -> Mapping[str, str]:
        """What was made of each column of personal details or codes."""
        return {} if self.columns is None or self.kept is not None else self.columns.replaced

    @property
    def prose(self) -> Mapping[str, str]:
        """What was made of each column of free text."""
        codecs = () if self.columns is None or self.kept is not None else self.columns.codecs
        return {codec.name: codec.about for codec in codecs if isinstance(codec, ProseCodec)}
