"""A run whose result is a destination: `-o shop.sqlite`, `-o postgresql://host/shop`.

The rows are generated and checked in a run folder first, so that a killed run continues; then one
load takes all of them. The run folder of an address is `out/NAME-postgresql` and stays; that of a
file is hidden and removed, and the file's manifest and lost rows stand next to it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from fabula.errors import CheckError, PartialRunError, UsageError
from fabula.io.destinations import Loading, Sink, Target
from fabula.io.loading import blocks_of, incoming, load
from fabula.io.names import file_stem
from fabula.io.places import make_folder, sha256_of
from fabula.planning.plan import Plan
from fabula.runs.belongings import remove_run
from fabula.runs.dataset import Dataset
from fabula.runs.execute import OpenModel, execute
from fabula.runs.one_file import refuse_outputs
from fabula.runs.options import RunOptions
from fabula.runs.records import write_records


def opened(target: Target, allowed: Loading, *, overwrite: bool) -> Sink:
    """The sink of a destination; only files, and what says so, are replaced."""
    replaces = target.file is not None or "overwrite" in target.entry.options
    return target.open(replace(allowed, overwrite=overwrite and replaces))


def execute_to_destination(
    plan: Plan,
    target: Target,
    sink: Sink,
    options: RunOptions,
    check: Callable[[Dataset], None],
    *,
    open_model: OpenModel | None = None,
) -> Dataset:
    """Run a plan, and load its tables once every check, and `check`, takes them.

    Raises:
        UsageError: A format of files is asked for, or the spec has outputs of its own.
        SinkError: The destination can't take the tables; it is as it was.
        CheckError: A check does not hold; nothing is loaded.
        PartialRunError: More rows were lost than `max_rejects`; nothing is loaded.
        RunInterrupted: The user stopped the load; nothing is loaded.
    """
    file = target.file
    if options.format is not None:
        raise UsageError(
            f"`{options.format}` is a format of files, and {target.entry.title} has its own",
            code="usage.format",
            hint="leave out `--format`",
        )
    if file is not None:
        refuse_outputs(plan, file)
    schemas = {table.name: table.schema for table in plan.tables}
    tables = incoming(schemas, plan.spec)
    sink.check(tables)
    folder = (
        file.with_name(f".{file.name}.run")
        if file
        else Path("out") / f"{_name(plan)}-{target.entry.name}"
    )
    make_folder(folder.parent)
    replacing = replace(options, format="parquet", overwrite=True)  # loads alone write there
    try:
        made = execute(plan, replacing, output=folder, open_model=open_model)
        check(made)
    except (CheckError, PartialRunError) as error:
        error.message += f"; nothing was loaded into `{sink.place}`"
        raise
    rows = {name: made.rows(name) for name in schemas}
    facts = load(sink, tables, blocks_of(rows), made.manifest)
    manifest = {**made.manifest, "destination": {"kind": target.entry.name, **facts}}
    if file is None:
        write_records(folder, manifest, made.rejected, made.manifest.get("files", ()))
        return Dataset.open(folder, schemas=schemas, reused=made.reused, trusted=True)
    manifest["tables"] = _in_file(file, made.manifest["tables"])
    write_records(file, manifest, made.rejected, calls=made.calls)
    remove_run(folder)
    with suppress(OSError):  # something else was put there
        folder.rmdir()
    there = {name: partial(target.rows, name) for name in schemas}
    return Dataset(there, manifest, rejected=made.rejected, folder=file, schemas=schemas)


def _name(plan: Plan) -> str:
    return file_stem(plan.spec.name)


def _in_file(file: Path, tables: Mapping[str, Any]) -> dict[str, Any]:
    """The records of tables that one file contains."""
    held = {"path": file.name, "bytes": file.stat().st_size, "sha256": sha256_of(file)}
    return {
        name: {**table, "files": [{**held, "rows": table["written"]}]}
        for name, table in tables.items()
    }
