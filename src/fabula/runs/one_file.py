"""A run whose result is one file instead of a folder: `-o houses.csv`.

The run works in a hidden folder alongside the file, so that a killed one continues; then the file,
its manifest (`houses.csv.manifest.json`) and its lost rows (`houses.csv.rejects.jsonl`) take their
names.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from fabula.errors import CheckError, SinkError, UsageError
from fabula.io.formats import Format, as_format, check_ending, format_of, separator_of
from fabula.io.places import make_folder, replacing, sha256_of
from fabula.io.read import read_files, typed
from fabula.io.run_files import inside, is_unchanged
from fabula.io.write import writing
from fabula.planning.documents import document_plans
from fabula.planning.outputs import output_files
from fabula.planning.plan import Plan
from fabula.runs.belongings import remove_run
from fabula.runs.dataset import Dataset
from fabula.runs.execute import OpenModel, execute
from fabula.runs.exit_rules import lost_too_many, raise_verdict
from fabula.runs.fingerprint import identity
from fabula.runs.options import DEFAULT, RunOptions
from fabula.runs.records import read_manifest, read_rejects, write_records


def execute_to_file(
    plan: Plan,
    output: Path,
    options: RunOptions = DEFAULT,
    *,
    open_model: OpenModel | None = None,
) -> Dataset:
    """Run a plan of one table into a file.

    Raises:
        UsageError: There are several tables, or the ending names no format or another one.
        SinkError: The file is not a result of this run, or can't be written.
        CheckError: A check does not hold; the file is there.
        PartialRunError: More rows were lost than `max_rejects`; the others are in the file.
    """
    if len(plan.tables) > 1:
        raise UsageError(
            f"{len(plan.tables)} tables don't fit into the file `{output}`",
            code="usage.output",
            hint=f"give a folder: `-o {output.with_suffix('')}`",
        )
    refuse_outputs(plan, output)
    file_format = format_of(output)
    if options.format is not None:
        check_ending(output, as_format(options.format))
    escape_formulas, max_rejects = options.escape_formulas, options.max_rejects
    (table,) = plan.tables
    facts = identity(plan, file_format, escape_formulas=escape_formulas)
    past = _past(output, facts, overwrite=options.overwrite)
    if past and not options.fresh and not lost_too_many(past, max_rejects):
        dataset = _open(output, past, table.name, table.schema, file_format)
        raise_verdict(dataset, max_rejects, plan.spec.source)
        return dataset
    make_folder(output.parent)
    folder = inside(output.parent, f".{output.name}.run")
    try:
        made = execute(
            plan,
            replace(options, format=file_format, overwrite=True, max_rejects=1.0),
            output=folder,
            open_model=open_model,
        )
    except CheckError as error:
        if error.dataset is None:
            raise
        made = error.dataset
    manifest = {"fingerprint": facts["fingerprint"], **made.manifest}
    file = _write(output, made, table.schema, file_format, escape=escape_formulas)
    manifest["tables"] = {table.name: {**manifest["tables"][table.name], "files": [file]}}
    write_records(output, manifest, made.rejected, calls=made.calls)
    remove_run(folder)
    with suppress(OSError):  # something else was put there
        folder.rmdir()
    dataset = _open(output, manifest, table.name, table.schema, file_format)
    raise_verdict(dataset, max_rejects, plan.spec.source)
    return dataset


def refuse_outputs(plan: Plan, output: Path) -> None:
    """Refuse a file as the place of a run that also writes outputs or documents.

    Raises:
        UsageError: The spec has some.
    """
    if output_files(plan.spec) or document_plans(plan.spec):
        what = "outputs" if output_files(plan.spec) else "documents"
        raise UsageError(
            f"the spec's {what} don't fit into the file `{output}`",
            code="usage.output",
            hint=f"give a folder: `-o {output.with_suffix('')}`",
        )


def _past(output: Path, facts: Mapping[str, Any], *, overwrite: bool) -> dict[str, Any] | None:
    """The manifest of the same run when the file is its untouched result."""
    if not output.exists():
        return None
    manifest = read_manifest(output)
    if manifest and manifest.get("fingerprint") == facts["fingerprint"]:
        files = [file for table in manifest["tables"].values() for file in table["files"]]
        mine = len(files) == 1 and files[0]["path"] == output.name
        if mine and is_unchanged(output, files[0]["sha256"]):
            return manifest
    if overwrite:
        return None
    if manifest and manifest.get("fingerprint") == facts["fingerprint"]:
        raise SinkError(
            f"`{output}` has changed since its run wrote it",
            code="sink.changed",
            where=str(output),
            hint="move it away, or pass --overwrite to make it again",
        )
    owner = "is the result of another run" if manifest else "is not the result of a run"
    raise SinkError(
        f"`{output}` {owner}",
        code="sink.exists",
        where=str(output),
        hint="choose another file, or pass --overwrite",
    )


def _write(
    output: Path, made: Dataset, schema: pa.Schema, file_format: Format, *, escape: bool
) -> dict[str, Any]:
    """Put the rows into the file, whole or not at all."""
    (parts,) = (table["files"] for table in made.manifest["tables"].values())
    only = inside(made.folder, parts[0]["path"]) if made.folder and len(parts) == 1 else None
    if only and separator_of(only) == separator_of(output):
        with replacing(output) as temporary:
            shutil.copyfile(only, temporary)
    else:
        batches = made.rows().to_batches()
        with writing(output, schema, file_format, escape_formulas=escape) as file:
            for batch in batches:
                file.write(typed(pa.Table.from_batches([batch]), schema))
    return {
        "path": output.name,
        "rows": sum(part["rows"] for part in parts),
        "bytes": output.stat().st_size,
        "sha256": sha256_of(output),
    }


def _open(
    output: Path,
    manifest: Mapping[str, Any],
    table: str,
    schema: pa.Schema,
    file_format: Format,
) -> Dataset:
    return Dataset(
        {table: lambda: read_files([output], file_format, schema)},
        manifest,
        rejected=read_rejects(output),
        folder=output,
        schemas={table: schema},
    )
