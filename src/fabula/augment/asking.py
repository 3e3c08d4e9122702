"""One job asked of one model, behind the ledger and a budget, and what a shortfall raises."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypedDict

from fabula.errors import PartialRunError, UsageError
from fabula.kinds.reasoning import is_dropped
from fabula.llm.cache.budget import Budget
from fabula.llm.client.chat import ChatModel
from fabula.llm.providers.dry_run import Rehearsal
from fabula.llm.rows.ask import ask_rows
from fabula.llm.rows.job import RowsJob, RowsResult
from fabula.llm.session import OpenModel, models_of_run
from fabula.render.cells import watched
from fabula.types import ProgressLike

if TYPE_CHECKING:
    from fabula.spec.models import ModelLike

SAMPLE_STEP = 1_000
"""Samples are this far apart, leaving room for requests that one of them repeats."""


class AskOptions(TypedDict, total=False):
    """How a model is asked, whatever it is asked for."""

    model: ModelLike
    rows_per_call: int | None
    attempts: int
    temperature: float | None
    sample: int
    fresh: bool
    max_calls: int | None
    max_tokens: int | None
    max_cost: float | None
    progress: ProgressLike
    on_result: Callable[[RowsResult], None] | None
    rehearsal: Rehearsal | None


REASONING = "reasoning"
"""What the thoughts of a model are called in a row that keeps them."""


def kept_reasoning(asked: str, names: Sequence[str]) -> str:
    """The name under which rows keep what the model thought; empty if they don't.

    Raises:
        UsageError: It is neither `keep` nor `drop`, or a field has that name.
    """
    if is_dropped(asked):
        return ""
    if REASONING in names:
        raise UsageError(
            f"a field is called `{REASONING}`, so the model's own can't be kept under that name",
            code="usage.reasoning",
            hint="rename the field",
        )
    return REASONING


def job_options(options: AskOptions) -> dict[str, Any]:
    """The part of the options that belongs into a job."""
    return {
        "rows_per_call": options.get("rows_per_call"),
        "attempts": options.get("attempts", 3),
        "temperature": options.get("temperature"),
        "sample": options.get("sample", 0) * SAMPLE_STEP,
    }


async def ask(job: RowsJob, options: AskOptions, *, name: str) -> RowsResult:
    """Ask for the rows of a job; no model is opened where no row is wanted."""
    async with asking(options, name=name) as ask_job:
        return await ask_job(job)


class Asker:
    """Asks for jobs; the models are opened when first needed and share a ledger and a budget."""

    def __init__(self, options: AskOptions, open_model: OpenModel, *, name: str) -> None:
        self._options = options
        self._open_model = open_model
        self._name = name
        self._opened: dict[str, ChatModel] = {}

    async def __call__(self, job: RowsJob) -> RowsResult:
        """Ask the caller's model for a job, and report it on its own."""
        if job.n == 0:
            return RowsResult([])
        progress = counting(self._options.get("progress"), self._name, job.n)
        result = await ask_rows(self.model(), job, on_rows=progress)
        on_result = self._options.get("on_result")
        if on_result is not None:
            on_result(result)
        return result

    def model(self, name: ModelLike | None = None) -> ChatModel:
        """A model by its name; by default the caller's."""
        wanted = self._options.get("model", "local") if name is None else name
        key = wanted if isinstance(wanted, str) else str(id(wanted))
        if key not in self._opened:
            self._opened[key] = self._open_model(wanted)
        return self._opened[key]

    async def close(self) -> None:
        """Close the models."""
        for model in self._opened.values():
            await model.close()


@asynccontextmanager
async def asking(options: AskOptions, *, name: str) -> AsyncIterator[Asker]:
    """A way to ask for several jobs, which share models and a budget.

    Each job is reported on its own, as `name`.
    """
    with models_of_run(
        fresh=options.get("fresh", False),
        budget=budget_of(options),
        rehearsal=options.get("rehearsal"),
    ) as open_model:
        asker = Asker(options, open_model, name=name)
        try:
            yield asker
        finally:
            await asker.close()


def budget_of(options: AskOptions) -> Budget:
    """What may be spent."""
    return Budget(
        max_calls=options.get("max_calls"),
        max_tokens=options.get("max_tokens"),
        max_cost=options.get("max_cost"),
    )


def counting(progress: ProgressLike, name: str, n: int) -> Callable[[int], None] | None:
    """What a job calls with the rows done."""
    watch = watched(progress)
    return watch and (lambda done: watch(name, done, n))


def shortfall(result: RowsResult, made: Any) -> PartialRunError:
    """The error of a job that ended with rows missing.

    Args:
        result: How the job ended.
        made: What there is, as the caller wants it; it becomes `rows` of the error.
    """
    asked = len(result.rows)
    missing = sum(row is None for row in result.rows)
    reason = result.rejects[0].reason if result.rejects else "the model gave no more rows"
    hint = "the same call continues; known replies cost nothing"
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
