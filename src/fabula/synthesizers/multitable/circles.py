"""Foreign keys that close a circle of tables: their parents are chosen once all rows exist."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from fabula.relationships.keys import ForeignKey
from fabula.synthesizers.multitable.drawing import Streams
from fabula.synthesizers.multitable.foreign_keys import Rows
from fabula.synthesizers.multitable.keyed import agreeing, with_parents
from fabula.synthesizers.multitable.layout import MadeTable
from fabula.synthesizers.multitable.matching import chosen_within, counts_like
from fabula.synthesizers.multitable.reach import Reach
from fabula.synthesizers.multitable.table_model import TableModel


def closed(
    model: TableModel, made: Mapping[str, MadeTable], seed: int, streams: Streams
) -> MadeTable:
    """A table with the foreign keys that close a circle.

    Args:
        model: What was learned of the table.
        made: All tables, this one without those keys.
        seed: The sample's seed.
        streams: The random stream of each purpose.
    """
    item = made[model.name]
    if model.kept is not None:
        return item
    for key in model.links.late:
        shared = model.links.fixed_before(key)
        table = item.table
        over = made[key.parent]
        labels = None
        if shared:
            there = [over.table[key.key[key.columns.index(column)]] for column in shared]
            labels = agreeing([table[column] for column in shared], there)
        rng, astray = streams(f"parents of {key.name}"), model.reach[key].astray
        rows = _late_parents(key, model.reach[key], table.num_rows, over, labels=labels, rng=rng)
        kinds = {field.name: field.type for field in model.schema}
        present = {name: table.column(name) for name in table.column_names}
        found = with_parents(
            key, rows, over.table, present, kinds, astray=astray, seed=seed, rng=rng
        )
        for column, values in found.items():
            table = table.append_column(column, values)
        order = dict.fromkeys((*model.schema.names, *table.column_names))
        names = [name for name in order if name in table.column_names]
        item = replace(item, table=table.select(names), links={**item.links, key: rows})
    return item


def _late_parents(
    key: ForeignKey,
    reach: Reach,
    size: int,
    over: MadeTable,
    *,
    labels: tuple[Rows, Rows] | None,
    rng: np.random.Generator,
) -> Rows:
    """The parent's row of each row: one that leads back to it, where the real ones do."""
    chosen = np.full(size, -1, dtype=np.int64)
    has = rng.permutation(size)[: round((1 - reach.missing) * size)]
    counts = counts_like(over.wanted.get(key), reach.counts, len(has), rng)
    if reach.back is not None and reach.back in over.links:
        home = has[: round(reach.home * len(has))]
        chosen[home] = _within(home, over.links[reach.back], counts, rng)
        used = np.bincount(chosen[chosen >= 0], minlength=len(counts))
        counts = np.maximum(counts - used, 0)
    left = has[chosen[has] < 0]
    if labels is not None:
        of_child, of_parent = labels
        nothing = (np.zeros(len(left), np.int64), np.zeros(len(of_parent), np.int64))
        chosen[left] = chosen_within(*nothing, counts, (of_child[left], of_parent), rng)
    elif len(counts):
        stubs = rng.permutation(np.repeat(np.arange(len(counts)), counts))
        lacking = rng.integers(0, len(counts), max(len(left) - len(stubs), 0))
        chosen[left] = np.concatenate([stubs, lacking])[: len(left)]
    return chosen


def _within(home: Rows, back: Rows, counts: Rows, rng: np.random.Generator) -> Rows:
    """A parent among those that lead back to each row; -1 if none does."""
    nothing = (np.zeros(len(home), np.int64), np.zeros(len(back), np.int64))
    return chosen_within(*nothing, counts, (home, back), rng)
