"""`fabula doctor`: checks the installation."""

from __future__ import annotations

import typer

from fabula.cli.arguments import Printed, print_as
from fabula.cli.options import verb


@verb()
def doctor(*, address: str | None = None, form: Printed = "table") -> None:
    """Check the installation and suggest fixes.

    Marks: ok works, -- is off, !! is wrong.

    Options:
        address (HOST:PORT): Address of a Ray cluster to look at; by default the one that
            RAY_ADDRESS names.
        form: How findings are printed.
    """
    from fabula.reports.doctor import examine

    findings = examine(address)
    print_as(form, "\n".join(map(str, findings)), [vars(finding) for finding in findings])
    if any(finding.state == "!!" for finding in findings):
        raise typer.Exit(3)
