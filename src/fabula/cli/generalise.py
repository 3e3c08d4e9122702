"""`fabula generalise`: makes rows coarse enough that no person is unique."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from fabula.cli.arguments import Names, Output, number_of, read_pairs, read_share
from fabula.cli.console import Talk
from fabula.cli.options import Read, verb
from fabula.cli.progress import progress
from fabula.types import Progress


def _hierarchies(texts: Sequence[str]) -> dict[str, str]:
    return dict(read_pairs("--hierarchy", texts, "diagnosis=icd.csv"))


def _weights(texts: Sequence[str]) -> dict[str, float]:
    pairs = read_pairs("--importance", texts, "age=3")
    return {column: number_of(value) for column, value in pairs}


@verb()
def generalise(
    talk: Talk,
    data: Path,
    *,
    output: Output = None,
    quasi: Names | None = None,
    k: Annotated[int, "-k", "--k"] = 5,
    sensitive: Names | None = None,
    l: Annotated[int, "--l"] = 1,  # noqa: E741
    t: Annotated[float, "--t"] = 1.0,
    max_blank: Annotated[float | None, Read(read_share)] = None,
    importance: Annotated[Mapping[str, float] | None, Read(_weights, many=True)] = None,
    hierarchy: Annotated[Mapping[str, str] | None, Read(_hierarchies, many=True)] = None,
    target: str | None = None,
    form: Literal["table", "json"] = "table",
    overwrite: bool = False,
) -> None:
    """Make a table k-anonymous, l-diverse and t-close at the least loss.

    Values become coarser by levels, chosen to lose the fewest bits. Where groups are still too
    small, single cells are blanked. No row is dropped, and the information loss is printed.

    Options:
        data: A CSV or Parquet file, or an address such as `s3://bucket/people.parquet`.
        output (PLACE): File or destination to write; without one, only the report is printed.
        quasi (COLUMNS): What outsiders may know: `age,sex,postcode`; by default the columns whose
            names say so.
        k (N): Minimum number of rows in a group.
        sensitive (COLUMNS): Columns that a group must not give away: `diagnosis`.
        l (N): Minimum number of distinct sensitive values in a group.
        t (X): Maximum distance between the sensitive values of a group and of all rows.
        max_blank (3%): Share of cells that may be blanked.
        importance (COLUMN=X): How much a column matters, 1 by default; repeatable.
        hierarchy (COLUMN=FILE): Levels of a column, `value;level 1;level 2`; repeatable.
        target (COLUMN): Column that a model predicts; its score before and after is compared.
        form: How the report is printed.
        overwrite: Replace the file to write.
    """
    from fabula.privacy.kanonymity.generalised import MOST_BLANK
    from fabula.privacy.kanonymity.releasing import prepare, write

    made = prepare(
        data,
        quasi=list(quasi or ()),
        k=k,
        sensitive=list(sensitive or ()),
        l=l,
        t=t,
        max_blank=MOST_BLANK if max_blank is None else max_blank,
        importance=dict(importance or {}),
        hierarchies=dict(hierarchy or {}),
        target=target,
    )
    if output is not None:
        watch: Progress | None
        with progress(talk) as watch:
            write(made, output, overwrite=overwrite, progress=watch)
    typer.echo(json.dumps(made.to_dict(), indent=2) if form == "json" else made.report())
    if output is not None:
        talk.say(f"Wrote `{output}` ({made.grouped.rows:,} rows)")
    else:
        talk.hint("nothing was written; `-o FILE` writes the rows")
