"""A run whose tables come from a program: the program, its tables and their record in a folder.

::

    out/
    ├── run.json  manifest.json  rejects.jsonl     as in every run
    ├── houses.parquet …                           a file a table
    ├── program.py                                 runs by hand, too
    ├── request.json  assumptions.md               what was asked of which model; what it assumed
    ├── schema.json                                keys, links, types, rows
    ├── schema.sql  data.sqlite                    for several tables
    └── traceback.txt                              where the program failed
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pyarrow as pa

from fabula.checks.results import CheckResults
from fabula.codegen.running import Ran
from fabula.codegen.schema import ddl, schema_of, write_sqlite
from fabula.codegen.table_checks import spec_of
from fabula.codegen.targets import Targets
from fabula.engines.made import MadeBlock, RejectedRow
from fabula.errors import FabulaError, ProgramError, RunInterrupted
from fabula.io.names import output_path
from fabula.io.places import check_free, write_json, write_text
from fabula.runs.belongings import RUN
from fabula.runs.dataset import Dataset
from fabula.runs.fingerprint import fingerprint, public_spec, spec_sha256, versions
from fabula.runs.folder import RunFolder
from fabula.runs.manifest import json_ready, lost_rows, stopwatch, table_record, tell_formulas
from fabula.runs.options import RunOptions
from fabula.runs.parts import Layout, PartRecord
from fabula.runs.stores import MemoryStore, Store
from fabula.streams import BLOCK_ROWS
from fabula.types import Path as PathLike

PROGRAM, TRACEBACK = "program.py", "traceback.txt"
_OWN = (PROGRAM, TRACEBACK, "schema.json", "schema.sql", "data.sqlite")
_ASKED = ("request.json", "assumptions.md")
SQLITE_ROWS = 1_000_000
"""Of more rows no SQLite file is written: it would take longer than the program."""


@dataclass(frozen=True)
class ProgramMade:
    """What is to be written.

    Attributes:
        ran: The run of the program; None if there is no program.
        text: The program as it is kept.
        facts: More for the manifest, `models` and `notes` among it.
        files: Further files by name.
        error: Why it is not good; raised once everything is written.
    """

    ran: Ran | None
    text: str
    facts: Mapping[str, Any]
    files: Mapping[str, str]
    error: FabulaError | None = None


def program_run(
    wanted: Targets,
    make: Callable[[], ProgramMade],
    *,
    asked: Mapping[str, Any],
    seed: int,
    output: PathLike | None,
    options: RunOptions,
) -> Dataset:
    """Make a program's tables and write them; they stay in memory without `output`.

    A folder that holds this run, finished, is read, and `make` is not called.

    Raises:
        UsageError: The folder is named like a file.
        SinkError: The folder contains something else, is in use, or can't be written.
        ProgramError: The program fails, or its tables do; what there is was written.
        RunInterrupted: The user stopped the run.
    """
    if output is None:
        return _made(wanted, make, MemoryStore(), seed, {})
    path, escape, file_format = output_path(output), options.escape_formulas, options.file_format
    check_free(path, overwrite=True, folder=True)
    facts = {
        "fabula": version("fabula"),
        "program": dict(asked),
        "seed": seed,
        "tables": {table.name: table.rows or 0 for table in wanted.tables},
        "format": file_format,
        **({"escape_formulas": True} if escape else {}),
    }
    identity = {"fingerprint": fingerprint(facts), **facts}
    formats = {table.name: (file_format,) for table in wanted.tables}
    folder = RunFolder(
        path,
        identity,
        defaultdict(lambda: (file_format,), formats),
        fresh=options.fresh,
        overwrite=options.overwrite,
        also=(*_OWN, *_ASKED),
        escape_formulas=escape,
    )
    try:
        past = folder.manifest
        if past is not None and past["passed"]:
            tell_formulas(past, escaped=escape)
            return Dataset.open(path, reused=sum(t["written"] for t in past["tables"].values()))
        if past is not None:
            folder.reopen(past["tables"])
        made = _made(wanted, make, folder, seed, identity)
        tell_formulas(made.manifest, escaped=escape)
        return made
    except KeyboardInterrupt as exc:
        raise RunInterrupted(
            "stopped; replies so far are kept",
            code="run.interrupted",
            where=str(path),
            hint="run the same command to continue",
        ) from exc
    finally:
        folder.close()


def _made(
    wanted: Targets,
    make: Callable[[], ProgramMade],
    store: RunFolder | MemoryStore,
    seed: int,
    identity: Mapping[str, Any],
) -> Dataset:
    timings = stopwatch()
    made = make()
    folder = store.path if isinstance(store, RunFolder) else None
    if isinstance(store, RunFolder):
        _write_files(store.path, made)
        names = (PROGRAM, TRACEBACK, *made.files)
        store.note_files(name for name in names if (store.path / name).is_file())
    ran = made.ran
    if ran is None or ran.repaired is None:
        raise _with(made.error or _fault(ran), folder, None)
    tables = ran.repaired.tables
    records = {name: _kept(store, wanted, ran, name) for name in tables}
    records |= {
        table.name: _missing(store, table.name, table.rows or 0, list(table.types.items()))
        for table in wanted.tables
        if table.name not in tables
    }
    manifest = _manifest(wanted, made, records, seed, timings())
    lost = lost_rows(records)
    if isinstance(store, RunFolder):
        _write_schema(store.path, wanted, tables, sound=ran.results.passed)
        write_json(store.path / RUN, {**identity, "tables": _sizes(tables)})
        also = [name for name in (*_OWN, *made.files) if (store.path / name).is_file()]
        store.finish(manifest, lost, also, forget=True)
        schemas = {name: rows.schema for name, rows in tables.items()}
        dataset = Dataset.open(store.path, schemas=schemas)
    else:
        dataset = Dataset(tables, manifest, rejected=lost)
    error = made.error or ran.results.error()
    if error is not None:
        raise _with(error, folder, dataset)
    return dataset


def _kept(store: Store, wanted: Targets, ran: Ran, name: str) -> tuple[PartRecord, ...]:
    """Write one table, with the rows that were dropped or never made."""
    assert ran.repaired is not None
    rows: pa.Table = ran.repaired.tables[name]
    lost = [RejectedRow(row.row, row.reason) for row in ran.repaired.dropped if row.table == name]
    asked = next((table.rows for table in wanted.tables if table.name == name), wanted.rows)
    there = rows.num_rows + len(lost)
    if asked is not None and asked > there and (wanted.tables or len(ran.repaired.tables) == 1):
        reason = f"the program made {there:,} of {asked:,} rows"
        lost += [RejectedRow(row, reason) for row in range(there, asked)]
    blocks = -(-rows.num_rows // BLOCK_ROWS)
    layout = Layout(name, rows.schema, rows.num_rows + len(lost), blocks)
    records = []
    for part in range(layout.parts):
        pieces = (
            MadeBlock(rows.slice(block * BLOCK_ROWS, BLOCK_ROWS).combine_chunks())
            for block in layout.blocks_of(part)
        )
        ends = [MadeBlock(rows.schema.empty_table(), tuple(lost))] if part == 0 else []
        records.append(store.keep(layout, part, 0, itertools.chain(pieces, ends)))
    return tuple(records)


def _missing(
    store: Store, name: str, rows: int, types: list[tuple[str, pa.DataType]]
) -> tuple[PartRecord, ...]:
    """A table that the program did not make: empty, with every row lost."""
    layout = Layout(name, pa.schema(types), rows, 0)
    reason = "the program made no such table"
    lost = tuple(RejectedRow(row, reason) for row in range(rows))
    return (store.keep(layout, 0, 0, [MadeBlock(layout.schema.empty_table(), lost)]),)


def _manifest(
    wanted: Targets,
    made: ProgramMade,
    records: Mapping[str, tuple[PartRecord, ...]],
    seed: int,
    timings: Mapping[str, Any],
) -> dict[str, Any]:
    spec, results = wanted.spec, CheckResults() if made.ran is None else made.ran.results
    models = made.facts.get("models", {})
    return {
        "name": wanted.name,
        "seed": seed,
        "versions": versions(),
        "fake": any(model["identity"] == "fake" for model in models.values()),
        "passed": results.passed and made.error is None,
        "tables": {name: table_record(parts) for name, parts in records.items()},
        "checks": [json_ready(result.to_dict()) for result in results],
        "models": models,
        "timings": dict(timings),
        "program": {
            "sha256": fingerprint(made.text),
            **{key: value for key, value in made.facts.items() if key != "models"},
        },
        "prompt": wanted.prompt,
        "spec_sha256": None if spec is None else spec_sha256(spec),
        "spec": None if spec is None else public_spec(spec),
    }


def _write_files(folder: Path, made: ProgramMade) -> None:
    """The program and what belongs to it."""
    if made.text:
        write_text(folder / PROGRAM, made.text)
    for name, text in made.files.items():
        write_text(folder / name, text)
    fault = made.ran.outcome.fault if made.ran is not None else None
    told = "" if made.ran is None else made.ran.problem
    if fault is not None or (made.error is not None and told):
        write_text(folder / TRACEBACK, told + "\n")
    else:
        (folder / TRACEBACK).unlink(missing_ok=True)


def _write_schema(
    folder: Path, wanted: Targets, tables: Mapping[str, pa.Table], *, sound: bool
) -> None:
    schema = schema_of(spec_of(wanted, tables), tables, declared=wanted.spec is not None)
    write_json(folder / "schema.json", schema)
    (folder / "data.sqlite").unlink(missing_ok=True)
    if len(tables) > 1:
        write_text(folder / "schema.sql", ddl(schema))
        if sound and sum(_sizes(tables).values()) <= SQLITE_ROWS:
            write_sqlite(folder / "data.sqlite", schema, tables)


def _fault(ran: Ran | None) -> ProgramError:
    """The error of a program that ends in one."""
    assert ran is not None
    assert ran.outcome.fault is not None
    fault = ran.outcome.fault
    return ProgramError(
        f"the program fails ({fault.kind}): {fault.message}",
        code="program.failed",
        file=PROGRAM,
        line=fault.line,
        hint="repair the program and run it again",
    )


def _with(error: FabulaError, folder: Path | None, dataset: Dataset | None) -> FabulaError:
    """The error, which knows where everything is."""
    for name, value in (("folder", folder), ("dataset", dataset)):
        if hasattr(error, name):
            setattr(error, name, value)
    return error


def _sizes(tables: Mapping[str, pa.Table]) -> dict[str, int]:
    return {name: rows.num_rows for name, rows in tables.items()}
