"""Messages of the verbs that send a model one text at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from fabula.cli.console import Talk
from fabula.cli.progress import progress
from fabula.errors import PartialRunError

if TYPE_CHECKING:
    from fabula.llm.rows.job import RowsResult

REPLY_TOKENS = 120
"""Tokens that an estimate assumes for a reply."""
CHARACTERS_A_TOKEN = 4


def calls_line(result: RowsResult) -> str:
    """A job's number of calls, and its notes."""
    from fabula.render import amounts

    parts = [amounts.count(result.calls, "call")]
    parts += [f"{result.cached:,} more answered from the ledger"] if result.cached else []
    parts += [f"{count:,} × {note}" for note, count in result.notes.items()]
    return " · ".join(parts)


def ask_into(
    talk: Talk, file: Path, form: str | None, export: Mapping[str, Any], ask: Callable[..., Any]
) -> None:
    """Ask for rows, write them as options say, and report both.

    Args:
        talk: What is said and how.
        file: The file to write, or with `split` a folder.
        form: Its format.
        export: The other options of an export.
        ask: Makes the rows; takes `progress` and `on_result`.

    Raises:
        UsageError: There is no such format.
        SinkError: The file exists, or can't be written.
        PartialRunError: Rows are missing; those that came are in the file.
    """
    from fabula.augment.result_files import made_into, may_replace
    from fabula.io.places import check_free
    from fabula.training.export import check_form

    how = may_replace(file, {"format": form, **export})
    check_form(file, form)  # before a model is paid
    if not how.get("split"):
        check_free(file, overwrite=how["overwrite"])

    def told(result: RowsResult) -> None:
        talk.say(calls_line(result))

    with progress(talk) as watch:
        try:
            made, written = made_into(file, lambda: ask(progress=watch, on_result=told), how)
        except PartialRunError as error:
            talk.say(error.rows.report())
            raise
    talk.say(made.report())
    talk.say(written.report())


def show_prompts(talk: Talk, prompts: Sequence[str], model: str) -> None:
    """Print prompts that would be sent one by one, and their estimated cost."""
    from fabula.llm.cache.prices import price_of
    from fabula.llm.client.chat import Usage
    from fabula.llm.providers.dry_run import Rehearsal
    from fabula.llm.rows.sync import run_sync
    from fabula.llm.session import models_of_run
    from fabula.render import amounts

    with models_of_run(rehearsal=Rehearsal()) as open_model:
        run_sync(open_model(model).close())  # raises if there is no such model
    for prompt in prompts:
        typer.echo(f"{prompt}\n")
    sent = sum(len(prompt) for prompt in prompts) // CHARACTERS_A_TOKEN
    usage = Usage(sent, REPLY_TOKENS * len(prompts))
    price = price_of(model)
    dollars = None if price is None else price.cost(usage)
    cost = "price unknown" if dollars is None else f"about {amounts.money(dollars)}"
    tokens = f"about {sent + REPLY_TOKENS * len(prompts):,} tokens"
    calls = amounts.count(len(prompts), "call")
    talk.say(f"{calls} without repairs, {tokens}, {cost}; none was made")
