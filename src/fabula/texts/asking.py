"""One job asked of one model, behind the ledger and a budget, and what a shortfall raises."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypedDict

from fabula.errors import PartialRunError
from fabula.llm.budget import CHARACTERS_A_TOKEN, Budget
from fabula.llm.chat import Usage
from fabula.llm.prices import price_of
from fabula.llm.rows.ask import ask_rows, preview_job
from fabula.llm.rows.job import RowsJob, RowsResult
from fabula.llm.rows.sync import run_sync
from fabula.llm.session import models_of_run
from fabula.spec.tables import ModelSpec

TOKENS_A_FIELD = (8, 60)
"""Tokens of a value in a reply, for estimates: a name, and a few sentences."""
SAMPLE_STEP = 1_000
"""Samples are this far apart, leaving room for requests that one of them repeats."""


class AskOptions(TypedDict, total=False):
    """How a model is asked, whatever it is asked for."""

    model: str | ModelSpec
    rows_per_call: int | None
    attempts: int
    temperature: float | None
    sample: int
    fresh: bool
    max_calls: int | None
    max_tokens: int | None
    max_cost: float | None
    progress: Callable[[int], None] | None
    report: Callable[[RowsResult], None] | None


def job_options(options: AskOptions) -> dict[str, Any]:
    """The part of the options that belongs into a job."""
    return {
        "rows_per_call": options.get("rows_per_call"),
        "attempts": options.get("attempts", 3),
        "temperature": options.get("temperature"),
        "sample": options.get("sample", 0) * SAMPLE_STEP,
    }


async def ask(job: RowsJob, options: AskOptions) -> RowsResult:
    """Ask for the rows of a job; no model is opened where no row is wanted."""
    if job.n == 0:
        return RowsResult([])
    budget = Budget(
        max_calls=options.get("max_calls"),
        max_tokens=options.get("max_tokens"),
        max_cost=options.get("max_cost"),
    )
    with models_of_run(fresh=options.get("fresh", False), budget=budget) as open_model:
        model = open_model(options.get("model", "local"))
        try:
            result = await ask_rows(model, job, on_rows=options.get("progress"))
        finally:
            await model.close()
    report = options.get("report")
    if report is not None:
        report(result)
    return result


@dataclass(frozen=True)
class Forecast:
    """What a job will take, as far as can be told before it is asked.

    Attributes:
        model: The model's name.
        prompt: The prompt of the first call.
        calls: Fewest and most calls.
        tokens: Fewest and most tokens, sent and received.
        cost: US dollars for them; None where no price is known.
    """

    model: str
    prompt: str
    calls: tuple[int, int]
    tokens: tuple[int, int]
    cost: tuple[float, float] | None


def forecast(job: RowsJob, options: AskOptions) -> Forecast:
    """What a job will take; no request is made."""
    with models_of_run() as open_model:
        model = open_model(options.get("model", "local"))
        seen = preview_job(model, job)
        run_sync(model.close())
    low = -(-job.n // seen.rows_per_call)
    calls = (low, low + -(-low * 3 // 10))
    sent = len(seen.prompt) // CHARACTERS_A_TOKEN + 1
    received = (job.n * TOKENS_A_FIELD[0], job.n * TOKENS_A_FIELD[1])
    usages = [
        Usage(count * sent * times, tokens * len(job.fields))
        for count, tokens, times in zip(calls, received, (1, 2), strict=True)
    ]
    price = price_of(model.name)
    costs = [None if price is None else price.cost(usage) for usage in usages]
    least, most = ((usage.prompt_tokens or 0) + (usage.completion_tokens or 0) for usage in usages)
    cost = None if costs[0] is None or costs[1] is None else (costs[0], costs[1])
    return Forecast(model.name, seen.prompt, calls, (least, most), cost)


def shortfall(result: RowsResult, made: Any) -> PartialRunError:
    """The error of a job that ended with rows missing.

    Args:
        result: How the job ended.
        made: What there is, as the caller wants it; it becomes `rows` of the error.
    """
    asked = len(result.rows)
    missing = sum(row is None for row in result.rows)
    reason = result.rejects[0].reason if result.rejects else "the model gave no more rows"
    hint = "the same call goes on; replies that are known cost nothing"
    if result.error is not None:
        reason, hint = result.error.message, result.error.hint or hint
    error = PartialRunError(
        f"{missing:,} of {asked:,} rows are missing: {result.stalled or reason}",
        code="rows.missing",
        hint=hint,
    )
    error.rows, error.rejects = made, tuple(result.rejects)
    error.__cause__ = result.error
    return error
