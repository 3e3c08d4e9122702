"""`fabula review`: a person reviews rows in a spreadsheet, and Fabula applies the result."""

from __future__ import annotations

from pathlib import Path

from fabula.cli.arguments import Positive
from fabula.cli.console import Talk, pasted
from fabula.cli.group import new_app
from fabula.cli.options import verb
from fabula.cli.verbs import VERBS
from fabula.render import amounts

app = new_app(help=VERBS["review"])


@verb(app)
def export(
    talk: Talk,
    data: Path,
    *,
    output: Path,
    n: Positive = 50,
    seed: int = 0,
    overwrite: bool = False,
) -> None:
    """Write a sheet in which a person judges rows.

    Each row is accepted, rejected or fixed, with a comment.

    Options:
        data (DATA): A file, or a run of one table.
        output: The sheet, a CSV file.
        n (N): Rows to review.
        seed: Seed of the chosen rows.
        overwrite: Replace the files to write.
    """
    from fabula.review.review import review_export

    rows = review_export(data, output, n=n, seed=seed, overwrite=overwrite)
    talk.say(f"Wrote `{output}` ({amounts.count(rows, 'row')} to review)")
    again = f"fabula review import {pasted(output)} --data {pasted(data)} -o reviewed.csv"
    talk.hint(f"fill it in, then `{again}`")


@verb(app, "import")
def import_(
    talk: Talk, sheets: list[Path], *, data: Path, output: Path, overwrite: bool = False
) -> None:
    """Apply the sheets of one or two reviewers to their data.

    Rejected rows are removed, fixed rows change, comments are kept for the model. With sheets of
    two reviewers, their agreement is reported, and a row that either rejects is removed.

    Options:
        sheets (SHEET): One sheet, or two.
        data (DATA): The data that the sheets belong to.
        output: The file for the reviewed table.
        overwrite: Replace the files to write.
    """
    from fabula.review.review import notes_path, review_import

    reviewed = review_import(sheets, data, output=output, overwrite=overwrite)
    talk.say(reviewed.report())
    talk.say(f"Wrote `{output}` ({amounts.count(reviewed.rows.num_rows, 'row')})")
    talk.say(f"Wrote `{notes_path(output)}`")
    talk.hint(f"`fabula generate SPEC --review {pasted(notes_path(output))}` passes this on")
