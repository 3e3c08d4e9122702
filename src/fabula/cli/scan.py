"""`fabula scan`: searches files for values of real people before you share them."""

from __future__ import annotations

from pathlib import Path

from fabula.cli.arguments import Names, Printed, print_as
from fabula.cli.options import verb


@verb()
def scan(
    output: Path,
    *,
    against: Path,
    sensitive: Names | None = None,
    every_name: bool = False,
    form: Printed = "table",
) -> None:
    """Search files for values of real people, in any spelling or encoding.

    Exit code 1 when a value is found. Values are never printed whole.

    Example: `fabula scan masked/ --against customers.csv`

    Options:
        output (OUT): A file or folder to search.
        against (REAL): The real data: a file, a folder or a run.
        sensitive (COLUMNS): Further real columns to search: `notes,orders.code`.
        every_name: Also count single first or last names of real people.
        form: How the result is printed.
    """
    from fabula.privacy.scan import scan as search

    report = search(output, against=against, sensitive=list(sensitive or ()), every_name=every_name)
    print_as(form, report.report(), report.to_dict())
    report.raise_for_leaks()
