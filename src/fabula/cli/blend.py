"""`fabula blend`: combines real rows with synthetic ones and marks each."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from fabula.cli.arguments import Names, read_share, read_shares
from fabula.cli.console import Talk
from fabula.cli.options import Read, verb

Balance = str | Mapping[str, Mapping[str, float]]


def _balance(text: str) -> Balance:
    """`diagnosis` as a column; `diagnosis:rare=10%` as shares of its labels."""
    column, colon, shares = text.partition(":")
    return {column.strip(): read_shares(shares)} if colon else column.strip()


@verb()
def blend(
    talk: Talk,
    data: Path,
    *,
    output: Path | None = None,
    synthetic_share: Annotated[float | None, Read(read_share)] = None,
    rows_per_real: float | None = None,
    balance: Annotated[Balance | None, Read(_balance)] = None,
    only: str | None = None,
    target: str | None = None,
    mask: bool = False,
    confirm: Names | None = None,
    origin: str = "origin",
    seed: int = 0,
    overwrite: bool = False,
) -> None:
    """Combine real and synthetic rows, and test whether that helps a model.

    The real rows stay as they are. The synthesizer learns from four fifths of them; none of its
    rows equals a real one, and no key occurs twice. The test says `helps`, `no difference` or
    `hurts`.

    Options:
        data (REAL): A file of one table, or a folder of related ones.
        output: File to write, or a folder for several tables; a file next to it records how the
            rows were made.
        synthetic_share (50%): Share of synthetic rows in the result.
        rows_per_real (X): Synthetic rows for each real one, instead of a share.
        balance (COLUMN): Column whose labels become equally frequent; `diagnosis:rare=10%` sets a
            share.
        only (SQL): Condition that synthetic rows keep: `income = 'high'`.
        target (COLUMN): Column that the test predicts; by default the balanced one.
        mask: Replace identifying columns of the real rows first, as `fabula mask` does.
        confirm (COLUMNS): Identifying columns that may stay real.
        origin (COLUMN): Column that says `real` or `synthetic`.
        seed: The same seed gives the same rows.
        overwrite: Replace what is there.
    """
    from fabula.io.places import check_free
    from fabula.privacy.hybrid.blending import blend as blended

    if output is not None:
        check_free(output, overwrite=overwrite, folder=not output.suffix)
    made = blended(
        data,
        synthetic_share=synthetic_share,
        rows_per_real=rows_per_real,
        balance=balance,
        only=only,
        target=target,
        mask=mask,
        confirmed=list(confirm or ()),
        origin=origin,
        seed=seed,
    )
    typer.echo(made.report())
    if output is not None:
        made.write(output, overwrite=overwrite)
        talk.say(f"Wrote `{output}`")
