"""Tables into a destination: all of them, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa

from fabula.errors import RunInterrupted
from fabula.io.destinations import Blocks, Incoming, KeepsRecord, Link, Loading, Sink, Target
from fabula.io.read import TableRows, typed
from fabula.spec.tables import DatasetSpec
from fabula.telemetry import span


def load_tables(
    target: Target,
    tables: Mapping[str, TableRows],
    loading: Loading,
    wanted: Sequence[Incoming] | None = None,
    manifest: Mapping[str, Any] | None = None,
    *,
    prepare: Callable[[Sink], None] | None = None,
) -> dict[str, Any]:
    """Load tables that are there already, parents first; returns what the sink says about it.

    `wanted` tells their keys; by default none is known. `manifest` is the record of their run.
    `prepare` is called with the sink once it agreed to the tables.

    Raises:
        SinkError: The destination refuses; it is as it was.
    """
    sink = target.open(loading)
    if wanted is None:
        wanted = incoming({name: rows.schema for name, rows in tables.items()})
    sink.check(wanted)
    if prepare is not None:
        prepare(sink)
    return load(sink, wanted, blocks_of(tables), manifest)


def load(
    sink: Sink,
    tables: Sequence[Incoming],
    blocks: Blocks,
    manifest: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Load tables whose sink was checked; returns what the sink says of it, and its place.

    Raises:
        SinkError: The destination refuses; it is as it was.
        RunInterrupted: The user stopped the load; nothing is loaded.
    """
    schemas = {table.name: table.schema for table in tables}
    counts = dict.fromkeys(schemas, 0)

    def counted(name: str) -> Iterable[pa.Table]:
        counts[name] = 0
        for block in blocks(name):
            counts[name] += block.num_rows
            yield typed(block, schemas[name])

    if manifest and isinstance(sink, KeepsRecord):
        sink.keep_record(manifest)
    try:
        with span("fabula.load", sink=type(sink).__name__, tables=len(tables)):
            facts = sink.load(tables, counted)
    except KeyboardInterrupt as exc:
        raise RunInterrupted(
            f"stopped during the load into `{sink.place}`; nothing was loaded",
            code="run.interrupted",
            hint="run the same command to load the rows",
        ) from exc
    return {"place": sink.place, "rows": counts, **facts}


def incoming(schemas: Mapping[str, pa.Schema], spec: DatasetSpec | None = None) -> list[Incoming]:
    """The tables of a load, in the given order, with the keys that a spec says they have."""
    found = [_incoming(name, schema, spec) for name, schema in schemas.items()]
    named = {(link.parent, link.key) for table in found for link in table.links}
    return [
        replace(
            table,
            unique=(
                *table.unique,
                *sorted(key for name, key in named if _is_more(table, name, key)),
            ),
        )
        for table in found
    ]


def blocks_of(tables: Mapping[str, TableRows]) -> Blocks:
    """The blocks of tables in memory or in files."""

    def blocks(name: str) -> Iterable[pa.Table]:
        batches: Callable[[], Iterable[pa.RecordBatch]] = tables[name].to_batches
        return (pa.Table.from_batches([batch]) for batch in batches())

    return blocks


def _incoming(name: str, schema: pa.Schema, spec: DatasetSpec | None) -> Incoming:
    if spec is None or name not in spec.tables:
        return Incoming(name, schema)
    table, links = spec.tables[name], []
    for column, kind in table.columns.items():
        parent = spec.tables.get(getattr(kind, "parent", ""))
        if kind.kind == "reference" and parent is not None:
            held = table.pointing(column, parent)
            links.append(Link(tuple(held), parent.name, tuple(held.values())))
    once = [(n,) for n, kind in table.columns.items() if kind.unique and (n,) != table.key]
    return Incoming(name, schema, table.key, tuple(links), (*table.unique, *once))


def _is_more(table: Incoming, name: str, key: tuple[str, ...]) -> bool:
    """Whether a key that references name is not known to be unique yet."""
    return name == table.name and key not in (table.key, *table.unique)
