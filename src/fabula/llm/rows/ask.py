"""Asks a model for exactly N rows: the loop over calls, repairs, repeats and shortfalls.

Calls are decided and their replies settled in one order (`scheduler`), so the same replies give the
same requests and rows, whatever their timing. If rows must differ, a call knows the results of all
but the last few calls; at first only one is open, then more and more.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from fabula.errors import FabulaError, ModelError, OutputError, UsageError
from fabula.llm.client.chat import ChatModel, ChatReply, ChatRequest
from fabula.llm.providers.dry_run import StandIn
from fabula.llm.rows.ids import IdWatch
from fabula.llm.rows.job import Asked, RowsJob, RowsResult
from fabula.llm.rows.prompt_format import Call, PromptFormat
from fabula.llm.rows.prompts import ChatForm
from fabula.llm.rows.reply import ReplyReader
from fabula.llm.rows.row_check import compile_fields
from fabula.llm.rows.row_state import Board
from fabula.llm.rows.scheduler import Window
from fabula.llm.rows.sizes import CallSize
from fabula.llm.rows.sync import run_sync

STALL_SHARE = 0.1
"""A round with a smaller share of new rows counts towards a stall."""
PROBLEMS_TOLD = 4
RAMP = 4
"""Maximum growth factor from one round of linked rows to the next."""
REACH = 96
"""Maximum number of open calls if rows must differ."""
LONG_REACH = 4096
"""Calls decided ahead if rows are independent."""
LONG_REPLY = 2048
"""Token limit of a reply after a single row was cut off."""
FAILURES_IN_A_ROW = 16
"""Consecutive failed calls after which the run stops."""
PASSING = frozenset({"model.unavailable"})
"""Failures that concern one call."""
TOO_BIG = frozenset({"model.context-length", "model.rejected"})
"""Failures that requesting fewer rows may avoid."""


async def ask_rows(
    model: ChatModel, job: RowsJob, *, on_rows: Callable[[int], None] | None = None
) -> RowsResult:
    """Ask a model for rows until all are complete, given up, or stalled.

    Args:
        model: The model.
        job: The rows to request.
        on_rows: Called with the number of rows so far.

    Returns: The rows in the requested order (the values of `job.fields`), and a reject for each
        lost one. `error` says what stopped the run early, or that nothing usable ever came.

    Raises:
        FabulaError: The model can't be used at all, and there is no row.
    """
    _verify(job)
    if isinstance(model, StandIn):
        from fabula.llm.rows.dry_run import rehearse_rows

        reader = ReplyReader(job.fields, compile_fields(job.fields), job.notation)
        return rehearse_rows(model, form_for(model, job, reader), job)
    run = _Run(model, job, on_rows)
    return await run.finish()


def ask_rows_sync(
    model: ChatModel, job: RowsJob, *, on_rows: Callable[[int], None] | None = None
) -> RowsResult:
    """`ask_rows` for callers without an event loop, or inside one that is running."""
    return run_sync(ask_rows(model, job, on_rows=on_rows))


def form_for(model: ChatModel, job: RowsJob, reader: ReplyReader) -> PromptFormat:
    """The prompt form that suits the model."""
    if model.form == "completion":
        from fabula.llm.rows.small_models.prompt_format import CompletionForm

        return CompletionForm(job, reader)
    return ChatForm(job, reader)


def _verify(job: RowsJob) -> None:
    lengths = {
        "rows are given": job.given,
        "values alongside rows are given": job.beside,
        "prompts are given": job.prompts,
        "checks are given": job.row_checks,
    }
    wrong = [
        f"{len(listed)} {what} for {job.n} rows"
        for what, listed in lengths.items()
        if listed is not None and len(listed) != job.n
    ]
    if job.n < 0:
        wrong = [f"{job.n} rows can't be generated"]
    elif not job.fields:
        wrong = ["no fields are requested"]
    elif job.attempts < 0 or (job.rows_per_call is not None and job.rows_per_call < 1):
        wrong = [f"{job.attempts} attempts and {job.rows_per_call} rows a call are not possible"]
    elif job.text and len(job.fields) != 1:
        wrong = [f"text is one field, not {len(job.fields)}"]
    if wrong:
        raise UsageError(wrong[0], code="rows.invalid", hint="check the arguments of the rows job")


Settled = ChatReply | FabulaError | None
"""A call's outcome; None if the run stopped before it was sent."""


@dataclass
class _Round:
    """The calls that were open when the previous round ended, and their results."""

    left: int = 0
    asked: int = 0
    made: int = 0


class _Run:
    """One running job."""

    def __init__(
        self, model: ChatModel, job: RowsJob, on_rows: Callable[[int], None] | None
    ) -> None:
        check = compile_fields(job.fields)
        self.model = model
        self.job = job
        self.form = form_for(model, job, ReplyReader(job.fields, check, job.notation))
        self.board = Board(job, check)
        self.result = RowsResult(rows=self.board.rows)
        self.error: FabulaError | None = None
        self._on_rows = on_rows
        self._size = CallSize(self.form.rows_per_call)
        self._tokens: int | None = None
        self._under_way = 0
        self._reach = 1
        self._round = _Round()
        self._broken: list[int] = []
        self._stalled_rounds = 0
        self._modes: Counter[str] = Counter()
        self._notes: Counter[str] = Counter()
        self._asked: Counter[int] = Counter()
        self._ids = IdWatch([each.name for each in job.fields])
        self._is_free = job.given is None and job.prompts is None
        self._failures: list[FabulaError] = []

    async def finish(self) -> RowsResult:
        window = Window(self._decide, self._outcome, self._settle)
        await window.run(max(1, min(self.model.concurrency, self.job.n)))
        self.result.rejects = [reject for _, reject in sorted(self.board.rejects.items())]
        self.result.modes = dict(self._modes)
        self.result.notes = dict(self._notes)
        self.result.repeats = self.board.all_repeats
        if not self.board.made and not self._modes and self._failures:
            self.error = self.error or self._failures[-1]  # no reply at all
        if self.error is not None and not self.board.made:
            raise self.error
        self.result.error = self.error or self._unusable()
        return self.result

    def _decide(self) -> Call | None:
        """The next call, or None while there is no slot for it or no row to request."""
        if self.error is not None:
            return None
        if self._under_way:
            if self._is_stalling or self._under_way >= self._room():
                return None
        elif not self._goes_on():
            return None
        places = self.board.take_open(self.board.most_at_once(self._size.rows))
        if not places:
            return None
        broken = [place for place in places if place in self.board.problems]
        rows = broken or places  # repairs are not mixed with first requests
        if len(rows) < len(places):
            self.board.give_back(set(places) - set(rows))
        self._under_way += 1
        return self._call(rows)

    @property
    def _is_stalling(self) -> bool:
        return self._stalled_rounds >= self.form.stall_rounds

    def _goes_on(self) -> bool:
        """Whether a row is left to request; only valid while no call is open."""
        board = self.board
        if board.is_done:
            board.check_table()
        if not board.is_done and self._is_stalling:
            self.result.stalled = (
                f"{self._stalled_rounds} rounds added hardly anything new; "
                f"{board.made} of {self.job.n} rows are distinct"
            )
            for place in board.take_open(self.job.n):
                told = "; then ".join(board.problems.get(place, ()))
                board.reject(place, told or "the model ran out of new values")
            if self.result.calls:
                board.asked_now.update(board.rejects)
        if board.is_done and self.job.reopens and board.reopen():
            self.result.stalled, self._stalled_rounds = None, 0
        return not board.is_done

    def _room(self) -> int:
        """Number of open calls: few at first if a call must learn from earlier ones.

        It doesn't depend on the model's concurrency, so that any concurrency gives the same
        requests.
        """
        if self.board.distinct or (self._size.rows > 1 and self._reach < REACH):
            return self._reach
        return LONG_REACH

    def _call(self, rows: Sequence[int]) -> Call:
        """A call for these rows, with the results of the settled calls."""
        problems = self.board.problems
        told = {row: problems[row][-PROBLEMS_TOLD:] for row in rows if row in problems}
        return Call(
            rows,
            problems=told,
            failed={row: self.board.raw[row] for row in told if self.board.raw.get(row)},
            recent=tuple(self.board.recent) if self._is_free else (),
            used=self.board.distinct.named(),
            tokens=self._tokens,
            plain=self.job.notation is not None and (self.job.plain or self._modes["prompt"] > 0),
        )

    def _request(self, call: Call) -> ChatRequest:
        """The call's request; equal requests are numbered in order."""
        request = self.form.request(call)
        key = hash(request.messages)
        self._asked[key] += 1
        return replace(request, sample=self.job.sample + self._asked[key] - 1)

    async def _outcome(self, call: Call) -> Settled:
        if self.error is not None:
            return None
        try:
            reply = await self.model.complete(self._request(call))
        except FabulaError as error:
            self._failures.append(error)
            passing = isinstance(error, ModelError) and error.code in PASSING | TOO_BIG
            if not passing or len(self._failures) >= FAILURES_IN_A_ROW:
                self.error = self.error or error
            return error
        self._failures.clear()
        return reply

    def _settle(self, call: Call, outcome: Settled) -> None:
        """Process a call's outcome, and reopen the rows that it did not return."""
        if not self._round.left:
            self._round = _Round(left=self._under_way)
        before, repeats = self.board.made, self.board.repeats
        if isinstance(outcome, ChatReply):
            self._settle_reply(call, outcome)
        elif outcome is not None and self.error is None:  # else its rows stay open
            self._settle_failure(call, outcome)
        self._open_again(call.rows)
        self._under_way -= 1
        brought = self.board.made > before or self.board.repeats == repeats
        if brought and isinstance(outcome, ChatReply):
            self._reach = min(REACH, self._reach + RAMP - 1)
        self._round.left -= 1
        self._round.asked += len(call.rows)
        self._round.made += self.board.made - before
        if not self._round.left:
            self._end_round()
        self._tell()

    def _settle_reply(self, call: Call, reply: ChatReply) -> None:
        """Record a reply's rows."""
        self._count(reply)
        if reply.key:
            self.result.asked.append(Asked(tuple(call.rows), reply.key))
        if not reply.cached:
            self.board.asked_now.update(call.rows)
        before = self.board.made
        reading = self.form.read(reply, call)
        items = list(reading.items)
        self.result.parsed += sum(item is not None for item in items)
        self.result.unread += reading.bad
        missing = []
        for position, place in enumerate(call.rows):
            item = items[position] if position < len(items) else None
            if item is None:
                missing.append(place)
            else:
                self.board.offer(place, item)
        self._keep_spare(items[len(call.rows) :], reply.key)
        bad = iter(reading.bad)
        came = self.board.made > before
        for place in missing:
            piece = next(bad, None)
            if piece is not None:
                self.board.note(place, piece[1], raw=piece[0])
            elif not came and not (reading.shorten and len(call.rows) > 1):
                self.board.note(place, reading.problem or "the reply leaves this row out")
        self._notes.update(reading.notes)
        self._notes.update(self._ids.notes(items))
        if reading.problem:
            self._notes[reading.problem.partition(":")[0]] += 1
        if not (reading.shorten and missing):
            self._size.came_whole(len(call.rows))
        elif len(call.rows) > 1:
            self._size.was_cut(len(call.rows))
            self.board.were_cut(missing)
        if reading.shorten and not came and len(call.rows) == 1:
            self._tokens = min(8 * LONG_REPLY, 2 * (self._tokens or LONG_REPLY // 2))

    def _keep_spare(self, items: Sequence[object], key: str) -> None:
        """Rows beyond those asked: of use only where rows have no identity."""
        if self._is_free:
            for item in items:
                self.board.keep_spare(item, key)
        elif items:
            self._notes["rows beyond those requested were left out"] += len(items)

    def _settle_failure(self, call: Call, error: FabulaError) -> None:
        answered = bool(self._modes)
        if not answered and error.code == "model.rejected":
            self.error = error  # the same error would hit every call
        elif error.code in TOO_BIG and len(call.rows) > 1:
            # a single row shows whether the prompt alone is too long
            self._size.is_too_long(len(call.rows), rows=len(call.rows) // 2 if answered else 1)
        elif not answered and self._is_free and error.code in TOO_BIG:
            self.error = error
        else:
            self._give_up(call, error)

    def _give_up(self, call: Call, error: FabulaError) -> None:
        self.board.asked_now.update(call.rows)
        give_up = self.board.reject if error.code in TOO_BIG else self.board.fail
        for place in call.rows:
            give_up(place, error.message)

    def _open_again(self, rows: Sequence[int]) -> None:
        """Open rows that a call did not return; invalid ones as soon as they fill a call."""
        self._broken += [row for row in rows if row in self.board.problems]
        self.board.give_back(row for row in rows if row not in self.board.problems)
        if len(self._broken) >= self._size.rows:
            self._open_broken()

    def _open_broken(self) -> None:
        self.board.give_back(self._broken)
        self._broken.clear()

    def _end_round(self) -> None:
        board, ended = self.board, self._round
        self._open_broken()
        made = board.made
        left, used = board.use_spare()
        self.result.asked += [Asked((place,), key) for place, key in used if key]
        if left:
            self._notes["rows beyond those requested were left out"] += left
        ended.made += board.made - made
        if board.repeats > 0 and ended.made < STALL_SHARE * ended.asked:
            self._stalled_rounds += 1
            self._reach = max(1, self._reach // RAMP)  # so that calls know more about each other
        else:
            self._stalled_rounds = 0
        board.repeats = 0

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
            hint="run the same command again to retry, or use a stronger model",
        )
