"""Columns that all children of a parent have alike: what an album's tracks cost, where a client is.

They are about the parent, whose own table has no such column. A sample keeps them: children of the
leading parent take what the first of them has; where labels go with another parent, children that
have other labels than most get one of the parents that go with theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

import numpy as np
import pyarrow as pa

from fabula.io.arrays import array_of
from fabula.relationships.keys import ForeignKey
from fabula.synthesizers.constraints.absences import Absence
from fabula.synthesizers.constraints.evidence import lookup_is_sure
from fabula.synthesizers.constraints.lookups import coded
from fabula.synthesizers.constraints.orders import Order
from fabula.synthesizers.constraints.relations import Relations
from fabula.synthesizers.model import Codes
from fabula.synthesizers.multitable.foreign_keys import Rows
from fabula.synthesizers.multitable.matching import combined, moved, representatives
from fabula.synthesizers.multitable.table_model import TableModel

MOST_LABELS = 1_000
"""Parents are chosen by labels of that many combinations at most."""


def alike_columns(table: pa.Table, rows: Mapping[ForeignKey, Rows]) -> dict[ForeignKey, set[str]]:
    """The columns of a table that every parent's children have alike, beyond chance.

    Args:
        table: The columns that are learned.
        rows: The parent's row of each row, by foreign key.
    """
    found: dict[ForeignKey, set[str]] = {key: set() for key in rows}
    for name in table.column_names:
        if pa.types.is_nested(table.schema.field(name).type):
            continue
        codes, _ = coded(table.column(name).combine_chunks())
        for key, parents in rows.items():
            there = np.flatnonzero(parents >= 0)
            if not len(there):
                continue
            _, first, sources = np.unique(parents[there], return_index=True, return_inverse=True)
            own = codes[there]
            if (own == own[first][sources]).all() and lookup_is_sure(
                sources, own, columns=table.num_columns
            ):
                found[key].add(name)
    return found


def alike_of(
    model: TableModel, table: pa.Table, rows: Mapping[ForeignKey, Rows], given: Collection[str]
) -> dict[ForeignKey, tuple[str, ...]]:
    """The columns that samples of a table keep alike, by foreign key.

    Args:
        model: What was learned of the table.
        table: Its rows; times are times.
        rows: The parent's row of each row, by foreign key.
        given: Columns that follow from another table.
    """
    learned = [name for name in table.column_names if name in model.made_columns]
    found = alike_columns(table.select(learned), {key: rows[key] for key in model.links.outward})
    kept = {key: _free(model.following, names) - {*given} for key, names in found.items()}
    driver = model.links.driver
    if driver is not None:
        others = {key.columns[0]: key for key in model.links.others if _may_move(model, key)}
        parents = pa.table({name: array_of(rows[key]) for name, key in others.items()})
        kept[driver] |= alike_columns(parents, {driver: rows[driver]})[driver]
    return {key: tuple(sorted(names)) for key, names in kept.items() if names}


def _free(relations: Relations, names: Collection[str]) -> set[str]:
    """Those of some columns that no rule inside the row puts to what other columns say."""
    kept = set(names)
    bound = [
        *((item.target, *item.sources) for item in relations.items
          if not isinstance(item.how, Absence)),
        *((order.high, order.low) for order in relations.orders if isinstance(order, Order)),
        *((order.low, order.high) for order in relations.orders if isinstance(order, Order)),
    ]  # fmt: skip
    while lost := {target for target, *others in bound if target in kept and not kept >= {*others}}:
        kept -= lost
    return kept


def _may_move(model: TableModel, key: ForeignKey) -> bool:
    """Whether nothing but its group binds the parent that a row has by a key."""
    reach = model.reach[key]
    others = {name for other in model.links.all if other != key for name in other.columns}
    return not (
        reach.distinct or reach.apart or {*key.columns} & {*model.identity.primary, *others}
    )


def told_alike(model: TableModel) -> list[str]:
    """What rows have alike, in words."""
    pairs = model.alike.items()
    return [f"{', '.join(names)}: alike in all rows of one {key.name}" for key, names in pairs]


def with_alike(
    models: Mapping[str, TableModel],
    links: Mapping[str, Mapping[ForeignKey, Rows]],
    tables: Mapping[str, pa.Table],
    streams: Callable[[str], np.random.Generator],
    fixed: Collection[tuple[str, str]] = (),
) -> dict[str, pa.Table]:
    """Made tables whose rows have alike what the real children of a parent have alike.

    Args:
        models: What was learned of each table.
        links: The parent's row of each of their rows.
        tables: Their rows as they are now.
        streams: The random stream of a table.
        fixed: Columns that stay unchanged, as table and column.
    """
    found = dict(tables)
    for name, model in models.items():
        done = {column for table, column in fixed if table == name}
        for key, columns in model.alike.items():
            names = [column for column in columns if column not in done]
            done.update(columns)
            if names and found[name].num_rows:
                table = _with_first(found[name], links[name][key], names)
                found[name] = model.following.updated(table, names, streams(name))
    return found


def _with_first(table: pa.Table, parents: Rows, names: Sequence[str]) -> pa.Table:
    """The table with columns as most children of a parent have them, or the first of them does."""
    labels = combined([coded(table.column(name).combine_chunks())[0] for name in names])
    picked = array_of(representatives(parents, labels))
    for name in names:
        at = table.column_names.index(name)
        table = table.set_column(at, table.schema.field(at), table.column(at).take(picked))
    return table


def drawn_alike(
    model: TableModel,
    own: Codes,
    links: dict[ForeignKey, Rows],
    streams: Callable[[str], np.random.Generator],
) -> None:
    """Codes of rows, and their parents, that agree in what children have alike, in place.

    Args:
        model: What was learned of the table.
        own: The codes of its columns.
        links: The parent of each row, by foreign key.
        streams: The random stream of each purpose.
    """
    names = [] if model.columns is None else model.columns.names
    for key, columns in model.alike.items():
        places = [names.index(column) for column in columns if column in names]
        parents = links[key]
        if key == model.links.driver:
            alone = parents.max(initial=-1) + 1 + np.arange(len(parents))
            _, first, group = np.unique(
                np.where(parents < 0, alone, parents), return_index=True, return_inverse=True
            )
            own[:, places] = own[first][group][:, places]
            for other in model.links.others:
                if other.columns[0] in columns:
                    links[other] = links[other][first][group]
            continue
        labels = combined([own[:, place].astype(np.int64) for place in places])
        if _may_move(model, key) and len(np.unique(labels)) <= MOST_LABELS:
            led = None if model.links.driver is None else links[model.links.driver]
            rng = streams(f"parents alike of {key.name}")
            links[key] = moved(parents, labels, rng, led)
