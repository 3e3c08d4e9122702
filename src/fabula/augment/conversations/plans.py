"""What each conversation is to be, dealt out before any is asked: topic, length, moves, calls.

Shares are exact. The length of a conversation is that of its plan: one move of the user a turn,
each answered by the assistant.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, get_args

from fabula.augment.pairs.attributes import Attributes, dealt, read_attribute
from fabula.errors import UsageError, did_you_mean

MOVES: Mapping[str, str] = {
    "asks": "Open the conversation: say what you want, as you would write it.",
    "follows up": "Ask the next thing that follows from the answer.",
    "misunderstands": "You misunderstood the answer. Say what you wrongly took from it.",
    "corrects": "Something you said or the assistant assumed is wrong. Correct it.",
    "doubts": "You doubt the answer. Say why, and ask for a reason.",
    "thanks": "You have what you need. Say so in a sentence, and end the conversation.",
    "gives up": "You lose patience. Say that you give up, and end the conversation.",
}
"""What a user does in a turn, by its name in a plan."""
_MIDDLE = ("follows up", "misunderstands", "corrects", "doubts")
_LAST = ("thanks", "follows up", "gives up")
ENDS = frozenset({"thanks", "gives up"})
"""Moves after which the user says nothing more."""

Calls: TypeAlias = Literal["free", "none", "one", "parallel", "several", "error"]
"""How tools are called in a conversation: as the assistant likes, never, once in the first turn,
twice at the same time, in two steps after another, once with an error as its answer."""

PLAN, TURNS, CALLS, SYSTEM = "plan", "turns", "calls", "system"
"""Names of what is dealt out besides the caller's attributes."""
_ARROW = ">"


@dataclass(frozen=True)
class TalkPlan:
    """One conversation before it is asked.

    Attributes:
        place: Its number, from 0.
        attributes: Topic, tone, persona, language …, as dealt.
        moves: What the user does in each turn.
        system: What the system message says.
        calls: How tools are called.
        facts: What the user knows: a row of the caller's table.
    """

    place: int
    attributes: Mapping[str, Any]
    moves: tuple[str, ...]
    system: str = ""
    calls: Calls = "free"
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def known(self) -> dict[str, Any]:
        """All values that a template can use."""
        return {**self.facts, **self.attributes}


@dataclass(frozen=True)
class Quotas:
    """What is dealt out over the conversations.

    Attributes:
        balance: Attributes with their values or weights.
        turns: Turns of the user, with their weights; or one number.
        plans: Plans, such as `asks > corrects > thanks`, with their weights; instead of turns.
        moves: The caller's own moves by name, besides the known ones.
        calls: How tools are called, with weights.
        system: System messages, with weights; templates over the attributes and facts.
        facts: Rows of what users know; each conversation gets one.
    """

    balance: Attributes = field(default_factory=dict)
    turns: int | Sequence[int] | Mapping[int, float] = 3
    plans: Sequence[str] | Mapping[str, float] = ()
    moves: Mapping[str, str] = field(default_factory=dict)
    calls: Sequence[str] | Mapping[str, float] = ("free",)
    system: str | Sequence[str] | Mapping[str, float] = ""
    facts: Sequence[Mapping[str, Any]] = ()

    @property
    def known_moves(self) -> dict[str, str]:
        """The instruction of each move."""
        return {**MOVES, **self.moves}

    def dealt(self, n: int) -> list[TalkPlan]:
        """The plan of each of `n` conversations.

        Raises:
            UsageError: A plan, a length or a way to call tools is none.
        """
        for name in (PLAN, TURNS, CALLS, SYSTEM, "messages", "tools", "moves"):
            if name in self.balance:
                raise UsageError(
                    f"`{name}` can't be an attribute of a conversation",
                    code="usage.attribute",
                    hint=f"give it as `{name}=`, or call the attribute by another name",
                )
        shape = {PLAN: self.plans} if self.plans else {TURNS: self._lengths()}
        system = [self.system] if isinstance(self.system, str) else self.system
        rows = dealt({**self.balance, **shape, CALLS: self._calls(), SYSTEM: system}, n)
        moves = _plans(rows, self.known_moves)
        return [
            TalkPlan(
                place,
                {name: row[name] for name in self.balance},
                moves[place],
                row[SYSTEM],
                row[CALLS],
                self.facts[place % len(self.facts)] if self.facts else {},
            )
            for place, row in enumerate(rows)
        ]

    def _lengths(self) -> Sequence[int] | Mapping[int, float]:
        turns = [self.turns] if isinstance(self.turns, int) else self.turns
        if not turns or any(not isinstance(each, int) or each < 1 for each in turns):
            raise UsageError(
                f"turns are whole numbers from 1 on, not `{', '.join(map(str, turns))}`",
                code="usage.turns",
                hint="write `--turns 3`, `--turns 2,3` or, with weights, `--turns 2:3,4:1`; Python "
                "`turns=3`, `[2, 3]` or `{2: 3, 4: 1}`",
            )
        return turns

    def _calls(self) -> Sequence[str] | Mapping[str, float]:
        known = get_args(Calls)
        given = [self.calls] if isinstance(self.calls, str) else self.calls
        for name in given:
            if name not in known:
                raise UsageError(
                    f"there is no way `{name}` to call tools",
                    code="usage.calls",
                    hint=did_you_mean(name, known) or f"choose among {', '.join(known)}",
                )
        return given


def read_weights(texts: Sequence[str]) -> dict[str, float]:
    """`["one:3", "none"]` and `["one:3,none"]` as values with their weights."""
    return read_attribute(f"_={','.join(texts)}")[1]


def _plans(rows: Sequence[Mapping[str, Any]], known: Mapping[str, str]) -> list[tuple[str, ...]]:
    """The moves of each conversation; where only lengths are given, moves come equally often."""
    used: Counter[tuple[str, bool]] = Counter()

    def rarest(among: Sequence[str]) -> str:
        is_last = among is _LAST
        move = min(among, key=lambda name: used[name, is_last])
        used[move, is_last] += 1
        return move

    made = []
    for row in rows:
        if PLAN in row:
            made.append(_read_plan(str(row[PLAN]), known))
            continue
        turns = row[TURNS]
        middle = [rarest(_MIDDLE) for _ in range(turns - 2)]
        made.append(("asks", *middle, *([rarest(_LAST)] if turns > 1 else [])))
    return made


def _read_plan(text: str, known: Mapping[str, str]) -> tuple[str, ...]:
    moves = tuple(part.strip() for part in text.split(_ARROW))
    for place, move in enumerate(moves):
        if move not in known:
            raise UsageError(
                f"the plan `{text}` has the unknown move `{move}`",
                code="usage.plan",
                hint=did_you_mean(move, known) or f"there are {', '.join(known)}",
            )
        if move in ENDS and place < len(moves) - 1:
            raise UsageError(
                f"the plan `{text}` continues after `{move}`, which ends a conversation",
                code="usage.plan",
                hint=f"put `{move}` last",
            )
    return moves
