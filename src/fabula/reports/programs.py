"""What a run of a program tells: its rounds, its gates, its counts, what it wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fabula.codegen.asking import first_request
from fabula.codegen.targets import Targets
from fabula.llm.cache.budget import CHARACTERS_A_TOKEN
from fabula.llm.cache.prices import price_of
from fabula.llm.client.chat import ChatRequest, Usage
from fabula.llm.providers.dry_run import Rehearsal
from fabula.llm.rows.sync import run_sync
from fabula.llm.session import models_of_run
from fabula.render import amounts
from fabula.runs.dataset import Dataset
from fabula.runs.summary import run_text, wrote_line

if TYPE_CHECKING:
    from fabula.spec.models import ModelSpec

PROGRAM_TOKENS = 1_500
"""Tokens of a usual program with its assumptions."""


def program_text(dataset: Dataset) -> str:
    """The lines below a run of a program."""
    told = dataset.manifest["program"]
    sizes = [f"{name}  {amounts.count(dataset.count(name), 'row')}" for name in dataset]
    lines = [*sizes, run_text(dataset)]
    lines += [f"note: {note}" for note in told["notes"]]
    if told.get("rounds", 1) > 1:
        lines.append(
            f"Accepted after {told['rounds']} replies" if dataset.manifest["passed"] else ""
        )
    return "\n".join([*filter(None, lines), wrote_line(dataset)])


def dry_run_text(wanted: Targets, model: str | ModelSpec, rounds: int) -> str:
    """Every message that would be sent, and what the calls would cost at least and at most.

    Raises:
        PrerequisiteError: The model can't write programs.
    """
    request = first_request(wanted)
    messages, name = request.messages, _rehearsed(model, request)
    prompt = sum(len(each.content) for each in messages) // CHARACTERS_A_TOKEN + 1
    most = (rounds + 1) * (prompt + PROGRAM_TOKENS) + rounds * (PROGRAM_TOKENS + prompt // 4)
    price = price_of(name)
    costs = "of unknown price"
    if price is not None:
        least_cost = price.cost(Usage(prompt, PROGRAM_TOKENS)) or 0.0
        most_cost = price.cost(
            Usage(most - (rounds + 1) * PROGRAM_TOKENS, (rounds + 1) * PROGRAM_TOKENS)
        )
        costs = amounts.span(least_cost, most_cost or 0.0, amounts.money)
    shown = "\n\n".join(f"[{each.role}]\n{each.content}" for each in messages)
    tokens = amounts.span(prompt + PROGRAM_TOKENS, most, amounts.large)
    calls = amounts.span(1, rounds + 1, amounts.large)
    return f"{shown}\n\n{name}: {calls} calls · {tokens} tokens · {costs}; nothing was called"


def _rehearsed(model: str | ModelSpec, request: ChatRequest) -> str:
    """The name of the model, which would take the request."""
    with models_of_run(rehearsal=Rehearsal()) as open_model:
        chat = open_model(model)
        try:
            run_sync(chat.complete(request))
        finally:
            run_sync(chat.close())
    return chat.name
