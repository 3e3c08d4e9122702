"""What file formats and destinations promise, as checks that a plug-in's author runs."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from fabula.errors import SinkError
from fabula.testing.contracts import complete, must

if TYPE_CHECKING:
    import pyarrow as pa

    from fabula.io.destinations import Destination
    from fabula.io.formats import FileFormat


def check_file_format(entry: FileFormat) -> None:
    """A file format writes the same bytes for the same rows, and reads what it wrote.

    Raises:
        AssertionError: It breaks a promise; the message says which.
    """
    import pyarrow as pa

    from fabula.io.formats import as_format, lack
    from fabula.io.sources import read_source
    from fabula.io.write import write_table

    complete(lack(entry.name, entry))
    if entry.writes is None:
        return
    name = as_format(entry)
    table = _kinds()
    with TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{at}.{name}" for at in range(3)]
        blocks = (table, [table.slice(0, 2), table.slice(2)], table)
        for path, rows in zip(paths, blocks, strict=True):
            written = write_table(path, rows, table.schema, name)
            must(written.rows == table.num_rows, "counts other rows than it was given")
        same = paths[0].read_bytes() == paths[2].read_bytes()
        must(same, "writes other bytes for the same rows")
        if entry.reads is None and not entry.dataset:
            return
        for path in paths[:2]:
            rows = read_source(path)
            read = rows if isinstance(rows, pa.Table) else rows.to_table()
            must(read.column_names == table.column_names, "reads other columns than it wrote")
            must(read.num_rows == table.num_rows, "reads other rows than it wrote")
            for column in ("whole", "text"):
                there, back = (
                    [None if value is None else str(value) for value in part[column].to_pylist()]
                    for part in (table, read)
                )
                must(there == back, f"reads {back} where it wrote {there}")


def check_destination(
    entry: Destination, place: str, read: Callable[[str], Mapping[str, pa.Table]]
) -> None:
    """A destination takes all tables or none, and refuses what it can't take before a row is made.

    Args:
        entry: The destination.
        place: An address or a file of it that holds nothing yet.
        read: Reads the tables of a place, by name.

    Raises:
        AssertionError: It breaks a promise; the message says which.
    """
    import pyarrow as pa

    from fabula.io.destinations import NOTHING_ALLOWED, Incoming, Link, Target, lack

    complete(lack(entry.name, entry))
    target = Target(entry, place)
    parents = _kinds().append_column("id", pa.array([1, 2, 3]))
    children = pa.table({"parent": [3, 1, 1], "amount": [7, None, -2]})
    tables = [
        Incoming("parents", parents.schema, ("id",), rows=3),
        Incoming("children", children.schema, links=(Link(("parent",), "parents", ("id",)),)),
    ]

    def blocks(name: str) -> Iterable[pa.Table]:
        table = parents if name == "parents" else children
        return table.slice(0, 2), table.slice(2)

    def broken(name: str) -> Iterable[pa.Table]:
        yield from blocks(name)
        if name == "children":
            raise OverflowError

    sink = target.open(NOTHING_ALLOWED)
    sink.check(tables)
    try:
        sink.load(tables, broken)
    except OverflowError:
        pass
    else:
        must(False, "hides an error of the rows that it loads")
    sink = target.open(NOTHING_ALLOWED)
    try:
        sink.check(tables)  # nothing may be left of the broken load
    except SinkError as exc:
        must(False, f"keeps something of a load that failed: {exc.message}")
    facts = sink.load(tables, blocks)
    json.dumps(facts)
    found = read(place)
    for table, rows in (("parents", parents), ("children", children)):
        must(table in found, f"has no table `{table}` after the load")
        for column in ("whole", "text", "id") if table == "parents" else children.column_names:
            there, back = rows[column].to_pylist(), found[table][column].to_pylist()
            must(
                sorted(map(str, there)) == sorted(map(str, back)),
                f"holds {back} where `{column}` has {there}",
            )
    try:
        target.open(NOTHING_ALLOWED).check(tables)
    except SinkError:
        return
    must(False, "takes tables again where some are, without being allowed to")


def _kinds() -> pa.Table:
    """A table with a column of each common type, values missing, and texts that need care."""
    import pyarrow as pa

    return pa.table(
        {
            "whole": pa.array([1, None, -3], pa.int64()),
            "real": [0.5, None, 1e-9],
            "text": ['a "b", c;d=e', "two\nlines é", "plain"],
            "flag": [True, None, False],
            "day": [dt.date(2024, 1, 31), None, dt.date(1999, 12, 31)],
            "moment": pa.array([dt.datetime(2024, 1, 1, 3, 4, 5), None, None], pa.timestamp("us")),
        }
    )
