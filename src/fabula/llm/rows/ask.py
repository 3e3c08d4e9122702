"""Asks a model for exactly N rows: the loop over calls, repairs, repeats and shortfalls.

Rows are asked in waves. The prompt of a call depends on the results of earlier waves alone, and
replies are settled in the order of their calls, so the same replies give the same requests and
the same rows whatever their timing; that is what lets a ledger replay a run.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from fabula.errors import FabulaError, ModelError, OutputError, UsageError
from fabula.llm.chat import ChatModel, ChatReply, ChatRequest
from fabula.llm.rows.board import Board
from fabula.llm.rows.form import Call, Form
from fabula.llm.rows.job import RowsJob, RowsResult
from fabula.llm.rows.prompts import ChatForm
from fabula.llm.rows.reply import ReplyReader
from fabula.llm.rows.row_check import compile_fields
from fabula.llm.rows.sync import run_sync

STALL_SHARE = 0.1
"""A round that brings less new than this is one towards a stall."""
PROBLEMS_TOLD = 4
RAMP = 4
"""Each wave of linked rows may be so many times as wide as the one before."""
WIDE_WAVE = 64
LONG_WAVE = 4096
"""Calls a wave where rows need not know of each other."""
LONG_REPLY = 2048
"""Tokens granted to a reply after one row alone was cut off."""
FAILURES_IN_A_ROW = 16
"""Calls that may fail with none answered between, before the run stops."""
PASSING = frozenset({"model.unavailable"})
"""Failures that concern one call."""
TOO_BIG = frozenset({"model.context-length", "model.rejected"})
"""Failures that asking for fewer rows may cure."""


async def ask_rows(
    model: ChatModel, job: RowsJob, *, on_rows: Callable[[int], None] | None = None
) -> RowsResult:
    """Ask a model for rows until all are there, given up, or no longer coming.

    Args:
        model: Who is asked.
        job: What is asked.
        on_rows: Called with the number of rows made so far.

    Returns:
        The rows in the order asked (the values of `job.fields`), and a reject for each lost one.
        `error` says what stopped the run early, or that nothing usable ever came.

    Raises:
        FabulaError: The model can't be used at all, and no row was made.
    """
    _verify(job)
    run = _Run(model, job, on_rows)
    return await run.finish()


def ask_rows_sync(
    model: ChatModel, job: RowsJob, *, on_rows: Callable[[int], None] | None = None
) -> RowsResult:
    """`ask_rows` for callers without an event loop, or inside one that is running."""
    return run_sync(ask_rows(model, job, on_rows=on_rows))


def form_for(model: ChatModel, job: RowsJob, reader: ReplyReader) -> Form:
    """The prompt form that suits the model."""
    if model.form == "completion":
        from fabula.llm.local.forms import CompletionForm

        return CompletionForm(job, reader)
    return ChatForm(job, reader)


def _verify(job: RowsJob) -> None:
    problem = None
    if job.n < 0:
        problem = f"{job.n} rows can't be made"
    elif not job.fields:
        problem = "no fields are asked for"
    elif job.given is not None and len(job.given) != job.n:
        problem = f"{len(job.given)} rows are given for {job.n} asked"
    elif job.prompts is not None and len(job.prompts) != job.n:
        problem = f"{len(job.prompts)} prompts are given for {job.n} rows"
    elif job.row_checks is not None and len(job.row_checks) != job.n:
        problem = f"{len(job.row_checks)} checks are given for {job.n} rows"
    elif job.attempts < 0 or (job.rows_per_call is not None and job.rows_per_call < 1):
        problem = f"{job.attempts} attempts and {job.rows_per_call} rows a call make no sense"
    elif job.text and len(job.fields) != 1:
        problem = f"text is one field, not {len(job.fields)}"
    if problem:
        raise UsageError(problem, code="rows.invalid", hint="check the arguments of the rows job")


Outcome = ChatReply | FabulaError


@dataclass
class _Wave:
    """What one wave brought; `too_big` is the rows of its largest call that was too large."""

    asked: int = 0
    made: int = 0
    too_big: int = 0


class _Run:
    """One job under way."""

    def __init__(
        self, model: ChatModel, job: RowsJob, on_rows: Callable[[int], None] | None
    ) -> None:
        check = compile_fields(job.fields)
        self.model = model
        self.job = job
        self.form = form_for(model, job, ReplyReader(job.fields, check))
        self.board = Board(job, check)
        self.result = RowsResult(rows=self.board.rows)
        self.wave = _Wave()
        self.error: FabulaError | None = None
        self._on_rows = on_rows
        self._rows_per_call = self.form.rows_per_call
        self._tokens: int | None = None
        self._width = 1
        self._stalled_rounds = 0
        self._modes: Counter[str] = Counter()
        self._notes: Counter[str] = Counter()
        self._asked: Counter[int] = Counter()
        self._is_free = job.given is None and job.prompts is None
        self._failures: list[FabulaError] = []

    async def finish(self) -> RowsResult:
        while self.error is None and self._goes_on():
            await self._run_wave(self._calls())
        self.result.rejects = [reject for _, reject in sorted(self.board.rejects.items())]
        self.result.modes = dict(self._modes)
        self.result.notes = dict(self._notes)
        if not self.board.made and not self._modes and self._failures:
            self.error = self.error or self._failures[-1]  # not a single reply ever came
        if self.error is not None and not self.board.made:
            raise self.error
        self.result.error = self.error or self._unusable()
        return self.result

    def _goes_on(self) -> bool:
        board = self.board
        if board.is_done:
            board.check_table()
        if not board.is_done and self._stalled_rounds >= self.form.stall_rounds:
            self.result.stalled = (
                f"{self._stalled_rounds} rounds brought hardly anything new; "
                f"{board.made} of {self.job.n} rows are distinct"
            )
            for place in board.take_open(self.job.n):
                told = "; then ".join(board.problems.get(place, ()))
                board.reject(place, told or "the model ran out of new values")
        return not board.is_done

    def _calls(self) -> list[Call]:
        """The calls of one wave, repairs first, each with what earlier waves brought."""
        board, size = self.board, self._rows_per_call
        places = board.take_open(size * self._wave_calls())
        broken = [place for place in places if place in board.problems]
        fresh = [place for place in places if place not in board.problems]
        chunks = [
            group[start : start + size]
            for group in (broken, fresh)
            for start in range(0, len(group), size)
        ]
        recent = tuple(board.recent) if self._is_free else ()
        common = Call((), recent=recent, used=board.distinct.named(), tokens=self._tokens)
        return [self._call(common, chunk) for chunk in chunks]

    def _call(self, common: Call, rows: Sequence[int]) -> Call:
        problems = self.board.problems
        told = {row: problems[row][-PROBLEMS_TOLD:] for row in rows if row in problems}
        raw = {row: self.board.raw[row] for row in told if self.board.raw.get(row)}
        return replace(common, rows=rows, problems=told, failed=raw)

    def _wave_calls(self) -> int:
        """Calls of the next wave: few at first where a wave is to learn from the one before.

        The model's concurrency plays no part, so that another one gives the same requests.
        """
        width, self._width = self._width, min(WIDE_WAVE, self._width * RAMP)
        if self.board.distinct or (self._rows_per_call > 1 and width < WIDE_WAVE):
            return width
        return LONG_WAVE

    async def _run_wave(self, calls: Sequence[Call]) -> None:
        """Ask the calls, at most `concurrency` at once, and settle the replies in order."""
        self.wave = _Wave(asked=sum(len(call.rows) for call in calls))
        waiting = iter(enumerate(calls))
        outcomes: dict[int, Outcome] = {}
        settled = 0

        async def work() -> None:
            nonlocal settled
            for number, call in waiting:
                if self.error is not None:
                    return
                outcomes[number] = await self._outcome(self._request(call))
                while settled in outcomes:
                    self._settle(calls[settled], outcomes.pop(settled))
                    settled += 1

        workers = min(self.model.concurrency, len(calls))
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(workers):
                    group.create_task(work())
        except BaseExceptionGroup as problems:  # a mistake in a caller's function, say
            raise problems.exceptions[0] from None
        for call in calls:
            self.board.give_back(call.rows)
        self._end_wave()

    def _request(self, call: Call) -> ChatRequest:
        """The call's request; equal requests are numbered, in the order in which they are made."""
        request = self.form.request(call)
        key = hash(request.messages)
        self._asked[key] += 1
        return replace(request, sample=self.job.sample + self._asked[key] - 1)

    async def _outcome(self, request: ChatRequest) -> Outcome:
        try:
            reply = await self.model.complete(request)
        except FabulaError as error:
            self._failures.append(error)
            passing = isinstance(error, ModelError) and error.code in PASSING | TOO_BIG
            if not passing or len(self._failures) >= FAILURES_IN_A_ROW:
                self.error = self.error or error
            return error
        self._failures.clear()
        return reply

    def _settle(self, call: Call, outcome: Outcome) -> None:
        """Put a reply's rows on the board."""
        if isinstance(outcome, FabulaError):
            self._settle_failure(call, outcome)
            return
        self._count(outcome)
        before = self.board.made
        reading = self.form.read(outcome, call)
        items = list(reading.items)
        missing = []
        for position, place in enumerate(call.rows):
            item = items[position] if position < len(items) else None
            if item is None:
                missing.append(place)
            else:
                self.board.offer(place, item)
        self._keep_spare(items[len(call.rows) :])
        bad = iter(reading.bad)
        came = self.board.made > before
        for place in missing:
            piece = next(bad, None)
            if piece is not None:
                self.board.note(place, piece[1], raw=piece[0])
            elif not came and not (reading.shorten and len(call.rows) > 1):
                self.board.note(place, reading.problem or "the reply leaves this row out")
        self._notes.update(reading.notes)
        if reading.problem:
            self._notes[reading.problem.partition(":")[0]] += 1
        if reading.shorten and missing and len(call.rows) > 1:
            self.wave.too_big = max(self.wave.too_big, len(call.rows))
        elif reading.shorten and not came:
            self._tokens = min(8 * LONG_REPLY, 2 * (self._tokens or LONG_REPLY // 2))
        self.wave.made += self.board.made - before
        self._tell()

    def _keep_spare(self, items: Sequence[object]) -> None:
        """Rows beyond those asked: of use only where rows have no identity."""
        if self._is_free:
            for item in items:
                self.board.keep_spare(item)
        elif items:
            self._notes["rows beyond those asked were left out"] += len(items)

    def _settle_failure(self, call: Call, error: FabulaError) -> None:
        if self.error is not None:
            return  # the run stops here; these rows stay open, not rejected
        if error.code in TOO_BIG and len(call.rows) > 1:
            self.wave.too_big = max(self.wave.too_big, len(call.rows))
            return
        give_up = self.board.reject if error.code in TOO_BIG else self.board.fail
        for place in call.rows:
            give_up(place, error.message)

    def _end_wave(self) -> None:
        board, wave = self.board, self.wave
        made = board.made
        if left := board.use_spare():
            self._notes["rows beyond those asked were left out"] += left
        wave.made += board.made - made
        if wave.too_big:
            self._rows_per_call = wave.too_big // 2
        elif wave.made:
            self._rows_per_call = min(self.form.rows_per_call, self._rows_per_call * 2)
        stalls = board.repeats > 0 and wave.made < STALL_SHARE * wave.asked
        self._stalled_rounds = self._stalled_rounds + 1 if stalls else 0
        board.repeats = 0
        self._tell()

    def _count(self, reply: ChatReply) -> None:
        result = self.result
        result.usage += reply.usage
        result.calls += not reply.cached
        result.cached += reply.cached
        self._modes[reply.mode] += 1

    def _tell(self) -> None:
        if self._on_rows is not None:
            self._on_rows(self.board.made)

    def _unusable(self) -> OutputError | None:
        """The error of a run whose every reply was unusable."""
        if self.board.made or not self.board.rejects:
            return None
        first = self.result.rejects[0]
        return OutputError(
            f"`{self.model.name}` gave no usable row in {self.result.calls + self.result.cached} "
            f"replies: {first.reason}",
            code="rows.unusable",
            hint="try a stronger model, or look at the rejects for what it answered",
        )
