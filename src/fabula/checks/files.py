"""Checks of the files that a column names, read in blocks of rows; a missing value names none."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any

from fabula.checks.data import EXAMPLES, Data, MissingError
from fabula.checks.relations import rule_result
from fabula.checks.results import CheckResult
from fabula.errors import PrerequisiteError, SourceError
from fabula.io.run_files import inside
from fabula.kinds.base.file_checks import AbstractFileCheck
from fabula.media.probing import UnreadableError

BLOCK = 500
"""Files that are in flight at once."""

Fault = Callable[[Path, Mapping[str, Any]], str]
"""What is wrong with a file, given its row; empty where nothing is."""


def files_result(
    data: Data, table: str, check: AbstractFileCheck, fault: Fault, columns: Sequence[str] = ()
) -> CheckResult:
    """How a check does on all files that a column names.

    Args:
        data: The tables, with the folder of their files.
        table: The table.
        check: The check.
        fault: What is wrong with one file.
        columns: Further columns that it looks at.

    Raises:
        MissingError: The column is missing, or nobody said where the files are.
    """
    folder = data.folder
    if folder is None:
        raise MissingError("the data was given without the folder of its files; name the run's")

    def judged(row: tuple[int, dict[str, Any]]) -> dict[str, Any] | None:
        number, values = row
        name = str(values[check.column])
        told = {"row": number, check.column: name}
        try:
            found = fault(inside(folder, name), values)
        except (UnreadableError, SourceError) as exc:
            found = str(exc)
        except PrerequisiteError as exc:
            raise MissingError(f"{exc.message}; {exc.hint}") from exc
        return {**told, "fault": found} if found else None

    rows = failing = 0
    examples: list[dict[str, Any]] = []
    named = _rows(data, table, check.column, columns)
    with ThreadPoolExecutor(data.threads, thread_name_prefix="fabula-files") as pool:
        while block := list(islice(named, BLOCK)):
            rows += len(block)
            wrong = [each for each in pool.map(judged, block) if each]
            failing += len(wrong)
            examples += wrong[: EXAMPLES - len(examples)]
    message = f"{check.in_words()}: {rows:,} files"
    if failing:
        first = examples[0]
        message = (
            f"{failing:,} of {rows:,} files break the rule: {check.in_words()}; "
            f"`{first[check.column]}` {first['fault']}"
        )
    return rule_result(
        table, check, rows=rows, failing=failing, message=message, examples=tuple(examples)
    )


def _rows(
    data: Data, table: str, column: str, columns: Sequence[str]
) -> Iterator[tuple[int, dict[str, Any]]]:
    """The number and the values of every row that names a file."""
    first = 0
    for batch in data.batches(table, list(dict.fromkeys([column, *columns]))):
        for start in range(0, batch.num_rows, BLOCK):
            for at, values in enumerate(batch.slice(start, BLOCK).to_pylist(), first + start):
                if values[column] is not None:
                    yield at, values
        first += batch.num_rows
