"""`fabula extend`: appends rows to the table in a file."""

from __future__ import annotations

from pathlib import Path
from typing import Unpack

from fabula.cli.arguments import Asking, Count, Positive, Words
from fabula.cli.console import Talk, pasted
from fabula.cli.dry_run import print_rehearsal
from fabula.cli.llm_options import calls_line
from fabula.cli.options import verb
from fabula.cli.progress import counted, progress


class Extending(Asking, total=False):
    """How rows are appended.

    Options:
        prompt (TEXT): What the rows are about, for the model.
        review (FILE): Notes from `fabula review import` for the model: comments and approved rows.
        balance (COLUMN): Column whose classes to balance.
        unique (COLUMN): Column whose values must be unique; repeatable.
        within_range: Reject numbers and texts outside the range of the old ones.
        seed: Seed of the new rows.
        rows_per_call: Rows per call.
    """

    prompt: str
    review: Path
    balance: str
    unique: Words
    within_range: bool
    seed: int
    rows_per_call: Positive


@verb()
def extend(
    talk: Talk,
    data: Path,
    *,
    n: Count,
    output: Path | None = None,
    overwrite: bool = False,
    dry_run: bool = False,
    **asked: Unpack[Extending],
) -> None:
    """Append rows that fit a table.

    The old rows don't change. IDs continue from the largest one. The language model sees a sample
    of the rows and writes the other columns; rows that repeat one are rejected.

    Options:
        data (DATA): A file, or a run of one table.
        n (N): Rows to append.
        output: File to write; by default `NAME-extended.csv`.
        overwrite: Replace the file to write.
        dry_run: Print every prompt; call and write nothing.
    """
    from fabula.augment.extend import beyond_ranges
    from fabula.augment.extend import extend as grow
    from fabula.augment.extend_files import extend_file, longer_name
    from fabula.io.tables import as_table
    from fabula.render import amounts

    if dry_run:
        table = as_table(data)
        print_rehearsal(lambda noted: grow(table, n, **asked, rehearsal=noted))
        return
    target = output or longer_name(data)
    with progress(talk) as watch:
        longer = extend_file(
            data,
            n,
            target,
            overwrite=overwrite,
            **asked,
            progress=counted(watch, data.stem, n),
            on_result=lambda result: talk.say(calls_line(result)),
        )
    old = amounts.count(longer.num_rows - n, "row")
    talk.say(f"Wrote `{target}` ({old} and {n:,} new)")
    for note in beyond_ranges(longer, n):
        talk.say(f"{note}; `--within-range` refuses such values")
    talk.hint(f"look at it with `fabula show {pasted(target)}`")
