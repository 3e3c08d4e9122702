"""Prints the prompts that models would get, for `--dry-run` and `plan --prompts`."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from fabula.llm.providers.dry_run import Rehearsal, RehearsedCall


def print_rehearsal(go_through: Callable[[Rehearsal], object]) -> None:
    """Print every prompt, then the total; print nothing if no model is asked."""
    from fabula.llm.providers.dry_run import Rehearsal
    from fabula.reports.dry_runs import call_text, rehearsal_text

    numbers = itertools.count(1)

    def tell(call: RehearsedCall) -> None:
        typer.echo(call_text(next(numbers), call))

    rehearsal = Rehearsal(tell)
    go_through(rehearsal)
    if rehearsal.counts:
        typer.echo(rehearsal_text(rehearsal))
