"""`fb.conversations`: N conversations of several turns, with exact quotas and checked tool calls.

All is dealt out first (`plans`). The openings are asked together, so that none repeats another;
then each conversation continues on its own (`talk`), several at the same time. What is asked
depends on nothing but the plan and what was said, so the same call continues where it was killed.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Unpack, cast

from fabula.augment.asking import (
    SAMPLE_STEP,
    Asker,
    AskOptions,
    asking,
    counting,
    job_options,
    shortfall,
)
from fabula.augment.conversations.plans import Quotas, TalkPlan
from fabula.augment.conversations.result import Conversations
from fabula.augment.conversations.sides import Side, is_texts
from fabula.augment.conversations.talk import TEXT, Cast, Lost, Talk, text_job
from fabula.augment.conversations.wording import USER_SYSTEM, user_prompt
from fabula.augment.pairs.attributes import Attributes
from fabula.augment.tools.declaring import tools_of
from fabula.augment.user_checks import CheckRow, row_check, unless_overlapping
from fabula.errors import FabulaError, UsageError
from fabula.io.examples import plain_value
from fabula.llm.rows.ask import FAILURES_IN_A_ROW, PASSING, TOO_BIG, ask_rows
from fabula.llm.rows.job import Reject, RowsJob, RowsResult
from fabula.llm.rows.sync import run_sync
from fabula.training.table_rows import given_rows

if TYPE_CHECKING:
    from fabula.llm.client.chat import ChatModel
    from fabula.spec.models import ModelLike
    from fabula.types import TableLike

ROUNDS = 3
"""How often a message is asked from the start, each time with all attempts."""

Stop = Callable[[Sequence[Mapping[str, Any]]], bool]


class ConversationOptions(AskOptions, total=False):
    """What `conversations` takes besides its subject and number; see `conversations`."""

    system: str | Sequence[str] | Mapping[str, float]
    balance: Attributes
    turns: int | Sequence[int] | Mapping[int, float]
    plans: Sequence[str] | Mapping[str, float]
    moves: Mapping[str, str]
    facts: TableLike
    user: Side
    assistant: Side
    tools: Any
    calls: str | Sequence[str] | Mapping[str, float]
    player: Side
    state: Mapping[str, Any]
    stop: str | Stop
    check_message: CheckRow
    check_end: Callable[[Any], Any]
    against: TableLike


def conversations(
    subject: str, n: int = 100, **options: Unpack[ConversationOptions]
) -> Conversations:
    """Have models, texts or functions hold conversations: exactly `n`, with exact quotas.

    Every reply is kept, so the same call again costs nothing and gives the same conversations,
    and after a failure it asks only for what is missing.

    Args:
        subject: What the conversations are about, in words.
        n: Conversations wanted.
        options: The rest, by name: `model`, `attempts`, `max_calls` … as `rows` takes them, and

            - `system`: System messages, dealt evenly: a text, a list, or weights by text;
              templates over the attributes and facts.
            - `balance`: Attributes dealt evenly, as `pairs` takes them: `topic`, `tone`,
              `persona`, `language` … All shares are exact.
            - `turns`: Turns of the user: 3, or several lengths, with weights if you like.
            - `plans`: What the user does turn by turn, instead of `turns`:
              `"asks > misunderstands > corrects > thanks"`, several with weights.
            - `moves`: Your own moves: an instruction by name.
            - `facts`: A table of what users know; each conversation gets a row.
            - `user`, `assistant`: Who speaks a side: a model, texts by move
              (`{"asks": ["Where is {{ order_id }}?"]}`, or with weights by text), or a function
              of a mapping with `messages`, `move`, `attributes` and `facts`; by default the model.
            - `tools`: What the assistant can call; see `Tool`. Functions, mappings, paths of JSON,
              OpenAPI or Python (which runs in the sandbox), `"get_order=orders.csv:order_id"`.
            - `calls`: How tools are called, with weights: `free`, `none`, `one`, `parallel`,
              `several` (step by step), `error` (the first call fails).
            - `player`: The model that plays tools that nothing answers.
            - `state`: What tools remember at the start; a function's parameter `state` gets it.
            - `stop`: Ends a conversation: a regular expression found in its last turn, or a
              function of the messages. Lengths are then upper bounds, and what ends early is told.
            - `check_message`: Takes `{"message": …}`, returns its problems, which go back to the
              model.
            - `check_end`: Takes a mapping with `messages`, `state` and `facts`, returns problems;
              a conversation with problems is held again, then given up.
            - `against`: An evaluation file, in any form: messages that overlap with it are refused
              and asked again.

    Returns:
        The conversations with what was refused; `write` exports them.

    Raises:
        UsageError: An option is wrong.
        PartialRunError: Conversations are missing; `rows` of the error holds those that are there.
        ModelError: A model can't be used at all.

    Examples:
        >>> made = conversations("a bank's support", 4, turns=[1, 2], model="fake")
        >>> sorted(len(row["messages"]) for row in made)
        [2, 2, 4, 4]
    """
    return run_sync(aconversations(subject, n, **options))


async def aconversations(
    subject: str, n: int = 100, **options: Unpack[ConversationOptions]
) -> Conversations:
    """`conversations` for callers with their own event loop: same arguments, same results."""
    if n < 0:
        raise UsageError(
            f"{n} conversations can't be held", code="usage.rows", hint="give 0 or more"
        )
    held = _Held(*_prepared(subject, n, options), options)
    async with asking(options, name="conversations") as asker:
        await held.run(asker)
    result, made = held.result(), held.made()
    on_result = options.get("on_result")
    if on_result is not None:
        on_result(result)
    if len(made) < n:
        raise shortfall(result, made)
    return made


def _prepared(subject: str, n: int, options: ConversationOptions) -> tuple[Cast, list[TalkPlan]]:
    """What conversations share, and the plan of each.

    Raises:
        UsageError: An option is wrong.
    """
    tools = tools_of(options.get("tools", ()))
    facts = options.get("facts")
    known = [] if facts is None else [plain_value(dict(row)) for row in given_rows(facts).rows]
    quotas = Quotas(
        balance=options.get("balance", {}),
        turns=options.get("turns", 3),
        plans=options.get("plans", ()),
        moves=options.get("moves", {}),
        calls=options.get("calls", "free"),
        system=options.get("system", ""),
        facts=known,
    )
    plans = quotas.dealt(n)
    if not tools and any(plan.calls not in ("free", "none") for plan in plans):
        raise UsageError(
            "`calls` plans calls of tools, and there are no tools",
            code="usage.calls",
            hint="declare some with `tools=`",
        )
    check = options.get("check_message")
    asked = job_options(options)
    shared = Cast(
        subject=subject.strip(),
        moves=quotas.known_moves,
        user=options.get("user"),
        assistant=options.get("assistant"),
        tools=tools,
        player=options.get("player"),
        state=options.get("state", {}),
        stop=_stop(options.get("stop")),
        check_message=(
            None
            if check is None and "against" not in options
            else unless_overlapping(row_check(dict, check), options.get("against"))
        ),
        check_end=options.get("check_end"),
        options={name: asked[name] for name in ("attempts", "temperature")},
    )
    return shared, plans


def _stop(given: str | Stop | None) -> Stop | None:
    if not isinstance(given, str):
        return given
    if not given:
        return None
    try:
        found = re.compile(given, re.I)
    except re.error as error:
        raise UsageError(
            f"`stop` is not a regular expression: {error}",
            code="usage.stop",
            hint='write for example `stop="goodbye|that is all"`',
        ) from error

    def stops(messages: Sequence[Mapping[str, Any]]) -> bool:
        last = max(place for place, told in enumerate(messages) if told["role"] == "user")
        return any(found.search(str(told.get("content") or "")) for told in messages[last:])

    return stops


@dataclass
class _Held:
    """The conversations of one call while they are held."""

    cast: Cast
    plans: Sequence[TalkPlan]
    options: ConversationOptions
    rows: list[dict[str, Any] | None] = field(default_factory=list)
    rejects: dict[int, Reject] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    total: RowsResult = field(default_factory=lambda: RowsResult([]))
    parsed: int = 0
    kept: int = 0
    error: FabulaError | None = None
    failures: int = 0

    async def run(self, asker: Asker) -> None:
        """Hold all conversations; what stops the run early is kept as `error`."""
        self.rows = [None] * len(self.plans)
        openings = await self._openings(asker)
        waiting = iter(self.plans)
        sides = (self.cast.user, self.cast.assistant)
        models = [model for side in sides if (model := self._model(asker, side)) is not None]
        at_once = max((model.concurrency for model in models), default=1)
        async with asyncio.TaskGroup() as group:
            for _ in range(min(at_once, len(self.plans))):
                group.create_task(self._work(asker, waiting, openings))

    async def _openings(self, asker: Asker) -> Sequence[str | None]:
        """The first message of each user, asked together so that no two are alike."""
        shared, plans = self.cast, self.plans
        model = self._model(asker, shared.user)
        if model is None:
            return [None] * len(plans)
        found: list[str | None] = [None] * len(plans)
        for again in range(ROUNDS):
            missing = [plan for plan in plans if found[plan.place] is None]
            job = text_job(
                shared,
                [user_prompt(shared.subject, p, (), shared.moves[p.moves[0]]) for p in missing],
                "user",
                USER_SYSTEM,
                [()] * len(missing),
                sample=self._sample(0, again),
                reopens=again == ROUNDS - 1,
                unique=((TEXT,),),
                used=[{TEXT: text} for text in found if text is not None],
            )
            try:
                result = await ask_rows(model, job)
            except FabulaError as error:
                if again == 0 or not _is_unusable(error):
                    self.error = error
                break
            self._count(result)
            for plan, row in zip(missing, result.rows, strict=True):
                found[plan.place] = None if row is None else str(row[TEXT])
            lost = {missing[reject.row].place: reject for reject in result.rejects}
            self.rejects = {at: replace(reject, row=at) for at, reject in lost.items()}
            if result.error is not None and not _is_unusable(result.error):
                self.error = result.error
            if self.error is not None or not lost:
                break
        return found

    async def _work(
        self, asker: Asker, waiting: Iterator[TalkPlan], openings: Sequence[str | None]
    ) -> None:
        for plan in waiting:
            if self.error is not None:
                return
            opening = openings[plan.place]
            if opening is None and plan.place in self.rejects:
                continue  # its opening is among the rejects
            try:
                self.rows[plan.place] = await self._hold(asker, plan, opening)
                self.failures = 0
            except Lost as reason:
                self._reject(plan, str(reason))
            except FabulaError as error:
                self._fail(plan, error)
            watch = counting(self.options.get("progress"), "conversations", len(self.plans))
            if watch is not None:
                watch(len(self.plans) - self.rows.count(None))

    async def _hold(self, asker: Asker, plan: TalkPlan, opening: str | None) -> dict[str, Any]:
        """Hold one conversation, again while its end is not what the caller's check wants."""

        async def ask(job: RowsJob, side: Side) -> Mapping[str, Any]:
            model = self._model(asker, side)
            assert model is not None  # texts and functions speak for themselves
            for again in range(ROUNDS):
                is_last = again == ROUNDS - 1
                sample = job.sample + again * SAMPLE_STEP
                fresh = replace(job, sample=sample, reopens=is_last)
                result = await ask_rows(model, fresh)
                self._count(result)
                if result.rows[0] is not None:
                    return result.rows[0]
                if result.error is not None and not _is_unusable(result.error):
                    raise result.error
            raise Lost(result.rejects[0].reason)

        problems: Sequence[str] = ()
        for attempt in range(1 + self.options.get("attempts", 3)):
            talk = Talk(self.cast, plan, ask, sample=self._sample(plan.place, attempt))
            await talk.run(opening)
            problems = talk.end_problems()
            if not problems:
                self.counts += talk.counts
                tools = [tool.declared for tool in self.cast.tools]
                row = {**plan.attributes, "moves": " > ".join(plan.moves)}
                row |= {"calls": plan.calls} if tools else {}
                return row | {"messages": talk.messages} | ({"tools": tools} if tools else {})
            self.counts["held again"] += 1
        raise Lost(f"the end is not reached: {'; '.join(problems)}")

    def _model(self, asker: Asker, side: Side) -> ChatModel | None:
        """The model that speaks a side; None if none does, or nothing is to be said."""
        if callable(side) or is_texts(side) or not self.plans:
            return None
        return asker.model(cast("ModelLike | None", side))

    def _sample(self, place: int, attempt: int = 0) -> int:
        """Apart for each call of the caller's, conversation and attempt."""
        return (
            (self.options.get("sample", 0) << 40) + (place << 20) + attempt * ROUNDS * SAMPLE_STEP
        )

    def _fail(self, plan: TalkPlan, error: FabulaError) -> None:
        """Lose one conversation by a failure that may pass; stop at any other."""
        self.failures += 1
        if error.code in PASSING | TOO_BIG and self.failures < FAILURES_IN_A_ROW:
            self._reject(plan, error.message)
        else:
            self.error = self.error or error

    def _reject(self, plan: TalkPlan, reason: str) -> None:
        self.rejects[plan.place] = Reject(plan.place, reason, "", 1)

    def _count(self, result: RowsResult) -> None:
        self.total.count(result)
        self.parsed += result.parsed + len(result.unread)
        self.kept += sum(row is not None for row in result.rows)

    def result(self) -> RowsResult:
        """The calls of all sides together, as one job."""
        rejects = [self.rejects[place] for place in sorted(self.rejects)]
        if self.error is not None and not any(row is not None for row in self.rows):
            raise self.error
        return replace(self.total, rows=self.rows, rejects=rejects, error=self.error)

    def made(self) -> Conversations:
        """The conversations that are complete."""
        rows = tuple(row for row in self.rows if row is not None)
        rejects = tuple(self.rejects[place] for place in sorted(self.rejects))
        refused = max(0, self.parsed - self.kept)
        counts = dict(self.counts)
        return Conversations(rows, len(self.plans), self.parsed, refused, counts, rejects)


def _is_unusable(error: FabulaError) -> bool:
    """Whether an error only says that no reply had a usable row."""
    return error.code == "rows.unusable"
