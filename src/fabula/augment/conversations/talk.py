"""One conversation, turn by turn: the user's move, calls of tools with their results, the answer.

Each message is a row of its own, asked by `llm/rows`: what a model writes is checked, asked again
with the problem, and in the ledger before it is used.
"""

from __future__ import annotations

import copy
import json
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

from fabula.augment.conversations.plans import TalkPlan
from fabula.augment.conversations.sides import Side, filled, spoken
from fabula.augment.conversations.wording import (
    ASSISTANT_SYSTEM,
    TOOL_SYSTEM,
    USER_SYSTEM,
    assistant_prompt,
    out_of_turn,
    tool_prompt,
    user_prompt,
    without_label,
)
from fabula.augment.tools.tool import Tool, ToolFailure
from fabula.errors import UsageError
from fabula.llm.rows.job import RowField, RowProblems, RowsJob

Check: TypeAlias = Callable[[Any], Any]
TEXT = "message"
MOST_STEPS = 4
"""Steps of calls in one turn of the assistant."""
FAILURE = "the service is not available, try again later"
"""What a call gets where an error is planned."""
_SAID = re.compile(r"[\w.@+-]*\w")


class Asks(Protocol):
    """Asks a side's model for one row."""

    async def __call__(self, job: RowsJob, side: Side, /) -> Mapping[str, Any]:
        """The row; `Lost` where none is valid."""
        ...


class Lost(Exception):
    """A conversation can't be completed; the message says why."""


@dataclass(frozen=True)
class Cast:
    """All that conversations share: subject, sides, tools and rules.

    Attributes:
        subject: What they are about.
        moves: The instruction of each move.
        user: Who speaks the user's side.
        assistant: Who speaks the assistant's side.
        tools: What the assistant can call.
        player: The model that plays tools without an answer of their own.
        state: What tools remember at the start; each conversation gets a copy.
        stop: Ends a conversation after a turn.
        check_message: Finds problems of a message's text.
        check_end: Finds problems of a conversation that ended.
        options: The rest of a job of rows: attempts, temperature.
    """

    subject: str
    moves: Mapping[str, str]
    user: Side = None
    assistant: Side = None
    tools: tuple[Tool, ...] = ()
    player: Side = None
    state: Mapping[str, Any] = field(default_factory=dict)
    stop: Callable[[Sequence[Mapping[str, Any]]], bool] | None = None
    check_message: RowProblems | None = None
    check_end: Check | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


class Talk:
    """One conversation in progress."""

    def __init__(self, cast: Cast, plan: TalkPlan, ask: Asks, *, sample: int) -> None:
        self.cast, self.plan = cast, plan
        self.messages: list[dict[str, Any]] = []
        self.counts: Counter[str] = Counter()
        self.state: dict[str, Any] = copy.deepcopy(dict(cast.state))
        self._tools = {tool.name: tool for tool in cast.tools}
        self._made: dict[str, list[Mapping[str, Any]]] = {name: [] for name in self._tools}
        self._ask = ask
        self._sample = sample
        self._system = filled(plan.system, plan)
        if self._system.strip():
            self.messages.append({"role": "system", "content": self._system})

    async def run(self, opening: str | None) -> None:
        """Speak all turns.

        Raises:
            Lost: A message is not valid after all attempts.
            FabulaError: A model can't be used.
        """
        for turn in range(len(self.plan.moves)):
            said = opening if turn == 0 and opening is not None else await self._user(turn)
            self.messages.append({"role": "user", "content": said})
            await self._assistant(turn)
            if self.cast.stop is not None and self.cast.stop(self.messages):
                self.counts["stopped early"] += turn + 1 < len(self.plan.moves)
                break

    async def _user(self, turn: int) -> str:
        said = spoken(self.cast.user, self.plan, turn, self.messages)
        if said is not None:
            return said
        move = self.cast.moves[self.plan.moves[turn]]
        prompt = user_prompt(self.cast.subject, self.plan, self.messages, move)
        return await self._text(prompt, "user", self.cast.user, USER_SYSTEM)

    async def _assistant(self, turn: int) -> None:
        """The assistant's turn: calls and their results, as planned, then a message."""
        said = spoken(self.cast.assistant, self.plan, turn, self.messages)
        step = 0
        while said is None:
            form = self._form(turn, step)
            if form == "say":
                said = await self._say()
                break
            said, calls = await self._step(form)
            if calls:
                await self._call(calls, fails=self.plan.calls == "error" and not (turn or step))
                step += 1
        self.messages.append({"role": "assistant", "content": said})

    def _form(self, turn: int, step: int) -> str:
        """What the next step of the assistant must be: `say`, `one`, `parallel`, or either."""
        planned = self.plan.calls
        if not self.cast.tools or planned == "none" or step >= MOST_STEPS:
            return "say"
        if turn == 0:
            if step == 0 and planned in ("one", "parallel", "error"):
                return "parallel" if planned == "parallel" else "one"
            if planned == "several" and step < 2:
                return "one"
            if planned in ("one", "parallel"):
                return "say"
        return "free"

    async def _say(self) -> str:
        prompt = assistant_prompt(self.cast.subject, self.plan, self._system, self.messages)
        return await self._text(prompt, "assistant", self.cast.assistant, ASSISTANT_SYSTEM)

    async def _text(self, prompt: str, role: str, side: Side, system: str) -> str:
        job = text_job(self.cast, [prompt], role, system, [self.messages], sample=self._sample)
        return str((await self._ask(job, side))[TEXT])

    async def _step(self, form: str) -> tuple[str | None, list[dict[str, Any]]]:
        """A message, or calls that fit their tools."""
        said = frozenset(self._said())
        each = [tool.asked(said, self._made[tool.name]) for tool in self.cast.tools]
        left = [schema for schema in each if schema]
        if not left:
            if form == "free":
                return await self._say(), []
            raise Lost("every call that the conversation allows is made; plan fewer, or more tools")
        field, instruction = _reply_field(left, form)
        prompt = assistant_prompt(
            self.cast.subject,
            self.plan,
            self._system,
            self.messages,
            tools=self.cast.tools,
            instruction=instruction,
        )
        job = RowsJob(
            subject="",
            fields=(field,),
            n=1,
            prompts=[prompt],
            system=ASSISTANT_SYSTEM + " Reply with JSON only.",
            check_row=self._check_step,
            sample=self._sample,
            **self.cast.options,
        )
        row = await self._ask(job, self.cast.assistant)
        reply = row[field.name]
        if isinstance(reply, Mapping) and "say" in reply:
            return str(reply["say"]), []
        calls = reply["calls"] if isinstance(reply, Mapping) else reply
        return None, [
            {**call, "arguments": self._tools[call["name"]].given(call)} for call in calls
        ]

    def _check_step(self, row: dict[str, Any]) -> Sequence[str]:
        """What is wrong with a step that fits its schema."""
        reply: Any = row.get("reply", row.get("calls"))
        if isinstance(reply, dict) and "say" in reply:
            reply["say"] = without_label(reply["say"], "assistant")
            problems = [out_of_turn(reply["say"], self.messages, "assistant")]
            if self.cast.check_message is not None:
                problems += self.cast.check_message({TEXT: reply["say"]})
            return [*filter(None, problems)]
        calls = reply["calls"] if isinstance(reply, Mapping) else reply or ()
        problems = []
        for call in calls:
            tool = self._tools[call["name"]]
            wrong = tool.problem(tool.given(call))
            problems += [f"the call of `{call['name']}` has {wrong}"] if wrong else []
            made = self._made[tool.name]
            if tool.given(call) in made or list(calls).count(call) > 1:
                problems.append(f"it makes the same call of `{tool.name}` twice")
        return problems

    async def _call(self, calls: Sequence[Mapping[str, Any]], *, fails: bool) -> None:
        """Write calls and their results down."""
        start = sum(len(message.get("tool_calls", ())) for message in self.messages)
        written = [
            {
                "id": f"call_{start + place}",
                "type": "function",
                "function": {
                    "name": call["name"],
                    "arguments": json.dumps(call["arguments"], ensure_ascii=False, default=str),
                },
            }
            for place, call in enumerate(calls)
        ]
        spoken_so_far = list(self.messages)
        self.messages.append({"role": "assistant", "content": None, "tool_calls": written})
        self.counts["calls"] += len(calls)
        for call, told in zip(calls, written, strict=True):
            if not fails:  # a call that failed may be made again
                self._made[call["name"]].append(call["arguments"])
            tool, arguments = self._tools[call["name"]], call["arguments"]
            try:
                if fails:
                    raise ToolFailure(FAILURE)
                result = await self._result(tool, arguments, spoken_so_far)
            except ToolFailure as failure:
                self.counts["calls answered with an error"] += 1
                result = {"error": str(failure)}
            text = json.dumps(result, ensure_ascii=False, default=str)
            self.messages.append({"role": "tool", "tool_call_id": told["id"], "content": text})

    async def _result(
        self, tool: Tool, arguments: Mapping[str, Any], messages: Sequence[Mapping[str, Any]]
    ) -> Any:
        if tool.run is not None:
            try:
                return tool.run(arguments, self.state)
            except ToolFailure:
                raise
            except Exception as error:  # whatever a user's function raises is the call's answer
                raise ToolFailure(f"{type(error).__name__}: {error}") from error
        job = RowsJob(
            subject="",
            fields=(RowField("result", {"type": "object"}, "what the tool returns"),),
            n=1,
            prompts=[tool_prompt(tool, arguments, messages)],
            system=TOOL_SYSTEM,
            sample=self._sample,
            **self.cast.options,
        )
        return (await self._ask(job, self.cast.player))["result"]

    def _said(self) -> set[str]:
        """The words of the conversation and the values that tools returned, as texts."""
        said: set[str] = set()
        for message in self.messages:
            said.update(_SAID.findall(str(message.get("content") or "")))
        return said

    def end_problems(self) -> Sequence[str]:
        """What the caller's check finds wrong with the conversation that ended."""
        if self.cast.check_end is None:
            return ()
        ended = {
            "messages": copy.deepcopy(self.messages),
            "state": copy.deepcopy(self.state),
            "attributes": dict(self.plan.attributes),
            "facts": dict(self.plan.facts),
            "moves": self.plan.moves,
        }
        try:
            found = self.cast.check_end(ended)
        except (ValueError, AssertionError) as error:
            return [str(error) or type(error).__name__]
        except Exception as error:
            raise UsageError(
                f"`check_end` failed: {type(error).__name__}: {error}",
                code="usage.check-end",
                hint="it takes a mapping with `messages` and `state`, and returns problems",
            ) from error
        if found is None or found is True:
            return ()
        if found is False:
            return ["the task's end is not reached"]
        return [found] if isinstance(found, str) and found else list(found)


def text_job(
    cast: Cast,
    prompts: Sequence[str],
    role: str,
    system: str,
    talks: Sequence[Sequence[Mapping[str, Any]]],
    *,
    sample: int = 0,
    **more: Any,
) -> RowsJob:
    """A job of messages of one side, each checked to be its speaker's alone."""

    def check(messages: Sequence[Mapping[str, Any]]) -> RowProblems:
        def problems(row: dict[str, Any]) -> Sequence[str]:
            row[TEXT] = without_label(row[TEXT], role)
            wrong = out_of_turn(row[TEXT], messages, role) if row[TEXT] else "it is empty"
            further = () if cast.check_message is None else cast.check_message(row)
            return [*filter(None, [wrong, *further])]

        return problems

    return RowsJob(
        subject="",
        fields=(RowField(TEXT, {"type": "string", "minLength": 1}, "a message of a conversation"),),
        n=len(prompts),
        prompts=prompts,
        text=True,
        system=system,
        row_checks=list(map(check, talks)),
        sample=sample,
        **{**cast.options, **more},
    )


def _reply_field(each: Sequence[dict[str, Any]], form: str) -> tuple[RowField, str]:
    """The field that a step fills with one of these calls, and how it is asked."""
    items = each[0] if len(each) == 1 else {"anyOf": each}
    least = 2 if form == "parallel" else 1
    calls: dict[str, Any] = {
        "type": "array",
        "items": items,
        "minItems": least,
        "uniqueItems": True,
    }
    if form != "free":
        calls["maxItems"] = least
        how = "Call one tool now." if least == 1 else "Make two calls at the same time now."
        return RowField("calls", calls, "calls of tools"), how
    say = {"type": "string", "minLength": 1}
    either = [
        {
            "type": "object",
            "properties": {name: schema},
            "required": [name],
            "additionalProperties": False,
        }
        for name, schema in (("say", say), ("calls", calls))
    ]
    how = (
        "Call tools where you need them to answer, else write your next message. Use only values "
        "that stand in the conversation."
    )
    return RowField("reply", {"anyOf": either}, "a message under `say`, or `calls`"), how
