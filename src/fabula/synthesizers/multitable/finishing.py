"""From rows that models drew to tables in which everything goes together, across tables and within.

Columns of the same people agree first, then children of one parent, then what follows from other
tables; whatever a step changes, the ones after it see.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fabula.io.arrays import array_of
from fabula.streams import stream
from fabula.synthesizers.codecs.codec import Places, Repeated
from fabula.synthesizers.multitable.across.across import Across
from fabula.synthesizers.multitable.across.shifts import Shift
from fabula.synthesizers.multitable.alike import with_alike
from fabula.synthesizers.multitable.determinants import with_determinants
from fabula.synthesizers.multitable.layout import MadeTable
from fabula.synthesizers.multitable.people import SamePeople, applied
from fabula.synthesizers.multitable.table_model import TableModel
from fabula.synthesizers.multitable.written_times import as_written, made_schema
from fabula.synthesizers.pii.codec import DetailCodec


def finished(
    models: Mapping[str, TableModel],
    made: Mapping[str, MadeTable],
    people: Sequence[SamePeople],
    across: Across,
    seed: int,
) -> dict[str, pa.Table]:
    """The tables as they are handed out.

    Args:
        models: What was learned of each table.
        made: What the models drew.
        people: Columns that are about the same people as others.
        across: Rules across tables.
        seed: The sample's seed.
    """
    drawn = {name: item.table for name, item in made.items()}
    links = {name: item.links for name, item in made.items()}
    determined = partial(
        with_determinants,
        {name: model.determinants for name, model in models.items()},
        new=_Further(models, seed),
        streams=lambda name: stream_of(seed, name, "determinants"),
    )
    alike = partial(with_alike, models, links, streams=lambda name: stream_of(seed, name, "alike"))
    following = {name: model.following for name, model in models.items()}
    tables = alike(applied(people, determined(drawn), seed))
    tables = across.applied(
        tables,
        {name: made_schema(model) for name, model in models.items()},
        following,
        lambda name: stream_of(seed, name, "rules across tables"),
        partial(_settled, models, made),
    )
    fixed = across.sources(following)
    tables = determined(alike(tables, fixed=fixed), fixed=fixed)
    return {
        name: as_written(models[name], table, stream_of(seed, name, "written times"))
        for name, table in tables.items()
    }


class _Further:
    """Further values of columns of details.

    Args:
        models: What was learned of each table.
        seed: The sample's seed.
    """

    def __init__(self, models: Mapping[str, TableModel], seed: int) -> None:
        self._models, self._seed = models, seed

    def __call__(
        self, name: str, column: str, table: pa.Table, rows: NDArray[np.int64], attempt: int
    ) -> pa.Array:
        """Values of people who are in no row but would suit some; of labels, those there."""
        columns, there = self._models[name].columns, table.take(array_of(rows))
        codec = None if columns is None else columns.codecs[columns.names.index(column)]
        if not isinstance(codec, DetailCodec):
            return there.column(column).combine_chunks()
        crowd = len(codec.crowd.repeats)
        anyone = table.take(array_of(np.arange(crowd) % table.num_rows))
        numbers = crowd + table.num_rows * (attempt + 1) + rows
        people = {codec.crowd.name: Repeated(numbers, anyone)}
        rng = stream_of(self._seed, name, f"further values of {column}")
        places = Places(numbers, self._seed, rng, there, people)
        return codec.decode(np.zeros(len(rows), np.int32), places)


def _settled(
    models: Mapping[str, TableModel],
    made: Mapping[str, MadeTable],
    shift: Shift,
    before: pa.Table,
    after: pa.Table,
) -> pa.Table:
    """Rows whose times were put back, moved to the parts that were drawn for them."""
    model, links = models[shift.table], made[shift.table].links
    entity = None if model.links.driver is None else links[model.links.driver]
    return model.timed.restored(shift, before, after, model.timeline, entity)


def stream_of(seed: int, table: str, purpose: str) -> np.random.Generator:
    """The random stream of one purpose of a table."""
    return stream(seed, f"synthesizer of {table}", purpose, 0)
