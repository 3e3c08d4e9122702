"""`fabula runs`: lists runs, or shows one."""

from __future__ import annotations

from pathlib import Path

from fabula.cli.arguments import Printed, print_as
from fabula.cli.group import new_app
from fabula.cli.options import verb
from fabula.cli.verbs import VERBS

app = new_app(help=VERBS["runs"])


@verb(app, "list")
def list_(folder: Path = Path(), *, form: Printed = "table") -> None:
    """List the runs in a folder and its subfolders.

    Options:
        folder: Where to look.
        form: How the list is printed.
    """
    from fabula.reports.runs import find_runs, runs_text

    runs = find_runs(folder)
    text = runs_text(runs) or f"no runs below `{folder}`"
    print_as(form, text, [run.to_dict() for run in runs])


@verb(app)
def show(folder: Path, *, form: Printed = "table") -> None:
    """Show how a run ended: tables, checks, models, files.

    Options:
        folder: The run's folder.
        form: How the list is printed.
    """
    from fabula.runs.dataset import Dataset

    dataset = Dataset.open(folder)
    print_as(form, dataset.report(), dataset.manifest)
