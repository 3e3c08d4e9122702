"""`fabula preview`: generates a few rows in memory and prints them."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Unpack

import typer

from fabula.cli.arguments import Planned, Rows, SpecArgument, read_spec
from fabula.cli.console import Talk
from fabula.cli.options import verb
from fabula.errors import CheckError, PartialRunError, UsageError

if TYPE_CHECKING:
    from fabula.runs.dataset import Dataset

Printing = Literal["table", "csv", "jsonl", "json"]


@verb()
def preview(
    talk: Talk,
    spec: SpecArgument,
    *,
    n: Rows = None,
    prompt: str | None = None,
    form: Printing = "table",
    table: str | None = None,
    **planned: Unpack[Planned],
) -> None:
    """Generate a few rows and print them; writes nothing.

    Options:
        n (N|TABLE=N): Rows, in total or of one table; repeatable.
        prompt (TEXT): What the rows are about, for the model.
        form: How rows are printed.
        table (NAME): Print this table only.
    """
    from fabula import api
    from fabula.planning.previews import PREVIEW_ROWS
    from fabula.runs.summary import preview_line

    wanted = read_spec(spec, prompt=prompt)
    failed = None
    try:
        dataset = api.preview(wanted, PREVIEW_ROWS if n is None else n, **planned)
    except (CheckError, PartialRunError) as error:
        if error.dataset is None:
            raise
        dataset, failed = error.dataset, error
    print_rows(dataset, form, table)
    talk.say(preview_line(dataset))
    if failed:
        raise failed


def print_rows(dataset: Dataset, form: Printing, table: str | None = None) -> None:
    """Print the rows of a dataset, or of one table of it, on standard output.

    Raises:
        UsageError: There are several tables, and the format holds only one.
    """
    tables = {name: dataset.to_arrow(name) for name in ([table] if table else dataset)}
    if form == "table":
        from fabula.reports.rows import tables_text

        room = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
        typer.echo(tables_text(tables, room=room))
    elif form == "json":
        rows = {name: rows.to_pylist() for name, rows in tables.items()}
        typer.echo(json.dumps(rows, ensure_ascii=False, default=_iso))
    elif len(tables) > 1:
        raise UsageError(
            f"`{form}` holds one table, and there are {len(tables)}",
            code="usage.one-table",
            hint=f"add `--table {next(iter(tables))}`, or use `--format json`",
        )
    else:
        _copy_file(dataset, next(iter(tables)), form)


def _iso(value: Any) -> str:
    """Dates and times in ISO format; everything else as text."""
    return value.isoformat() if isinstance(value, dt.date | dt.time) else str(value)


def _copy_file(dataset: Dataset, table: str, form: Literal["csv", "jsonl"]) -> None:
    """The bytes that a file of that format would hold."""
    from fabula.io.write import write_table

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows"
        rows = dataset.to_arrow(table)
        write_table(path, rows, rows.schema, form)
        with path.open("rb") as file:
            sys.stdout.flush()
            shutil.copyfileobj(file, sys.stdout.buffer)
