"""`fabula worth`: measures what a labelled set of texts is worth beside real rows."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fabula.cli.arguments import Printed, print_as
from fabula.cli.console import Talk
from fabula.cli.options import verb


@verb()
def worth(
    talk: Talk,
    data: Path,
    *,
    against: Path,
    label: str = "",
    text: str = "",
    file: Annotated[Path | None, typer.Option("-o", "--to")] = None,
    form: Printed = "table",
) -> None:
    """Measure what a set of texts is worth: train on it, test on real rows.

    A light classifier learns labels, a light reward model preference pairs. Prints the learning
    curve, what real rows teach instead, redundancy and coverage.

    Options:
        data (DATA): The texts: CSV, JSON Lines, Parquet …
        against (REAL): Real rows with the same columns.
        label (COLUMN): The labels; without it, the rows are preference pairs.
        text (COLUMN): The texts; by default all texts of a row but its label.
        file (FILE): Page (`.html`) or text file to write the result to, with the chart.
        form: How to print.
    """
    from fabula.training.worth import worth as measure

    made = measure(data, against=against, label=label, text=text)
    print_as(form, made.report(), made.to_dict())
    if file is not None:
        talk.say(f"Wrote `{made.write(file)}`")
