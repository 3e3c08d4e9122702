"""`fabula review`: a person looks at rows in a spreadsheet, and what they say comes back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fabula.cli.console import Talk, pasted
from fabula.cli.group import new_app
from fabula.cli.verbs import VERBS
from fabula.render import amounts

app = new_app(help=VERBS["review"])

Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace the files to write.")]


@app.command("export")
def export(
    ctx: typer.Context,
    data: Annotated[Path, typer.Argument(metavar="DATA", help="A file, or a run of one table.")],
    *,
    output: Annotated[Path, typer.Option("-o", "--output", help="The sheet, a CSV file.")],
    n: Annotated[int, typer.Option("-n", min=1, metavar="N", help="Rows to review.")] = 50,
    seed: Annotated[int, typer.Option("--seed", help="Chooses the rows.")] = 0,
    overwrite: Overwrite = False,
) -> None:
    """Write a sheet in which a person accepts, rejects, fixes and comments rows."""
    from fabula.review.review import review_export

    talk: Talk = ctx.obj
    rows = review_export(data, output, n=n, seed=seed, overwrite=overwrite)
    talk.say(f"Wrote `{output}` ({amounts.count(rows, 'row')} to review)")
    again = f"fabula review import {pasted(output)} --data {pasted(data)} -o reviewed.csv"
    talk.hint(f"fill it in, then `{again}`")


@app.command("import")
def import_(
    ctx: typer.Context,
    sheets: Annotated[list[Path], typer.Argument(metavar="SHEET...", help="One sheet, or two.")],
    *,
    data: Annotated[
        Path, typer.Option("--data", metavar="DATA", help="The data that the sheets are of.")
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", help="The file for the reviewed table.")
    ],
    overwrite: Overwrite = False,
) -> None:
    """Apply sheets: rejected rows leave, fixed rows change, comments are kept for the model.

    Two sheets of two reviewers also tell how far they agree. A row that either rejects leaves.
    """
    from fabula.review.review import notes_path, review_import

    talk: Talk = ctx.obj
    reviewed = review_import(sheets, data, output=output, overwrite=overwrite)
    verdicts = ("accept", "fix", "reject", "not reviewed")
    talk.say(" · ".join(f"{verdict} {reviewed.counts.get(verdict, 0):,}" for verdict in verdicts))
    if reviewed.agreement:
        talk.say(str(reviewed.agreement))
    if reviewed.conflicts:
        values = amounts.count(reviewed.conflicts, "value")
        talk.say(f"{values} fixed differently; the first sheet's stand")
    talk.say(f"Wrote `{output}` ({amounts.count(reviewed.rows.num_rows, 'row')})")
    talk.say(f"Wrote `{notes_path(output)}`")
    talk.hint(f"`fabula generate SPEC --review {pasted(notes_path(output))}` tells it to the model")
