"""Who speaks a side of a conversation: a model, texts by move, or a function of the caller's."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

from fabula.augment.conversations.plans import TalkPlan
from fabula.errors import UsageError
from fabula.training.saying import say

if TYPE_CHECKING:
    from fabula.spec.models import ModelLike

Texts: TypeAlias = Mapping[str, str | Sequence[str] | Mapping[str, float]]
"""Texts of each move: templates over the attributes and facts, used in turn or by weight."""
Speak: TypeAlias = Callable[[Mapping[str, Any]], str]
"""Says the next message: takes `messages`, `move`, `attributes` and `facts`."""
Side: TypeAlias = "ModelLike | Texts | Speak | None"
"""A model, texts by move, or a function; None is the conversations' model."""


def spoken(side: Side, plan: TalkPlan, turn: int, messages: Sequence[Any]) -> str | None:
    """What a side without a model says in a turn; None if a model speaks it.

    Raises:
        UsageError: There is no text for a move, or the function says none.
    """
    move = plan.moves[turn]
    if callable(side):
        about = {
            "messages": list(messages),
            "move": move,
            "attributes": dict(plan.attributes),
            "facts": dict(plan.facts),
        }
        text = side(about)
    elif is_texts(side):
        assert isinstance(side, Mapping)
        listed = side.get(move)
        if not listed:
            raise UsageError(
                f"there is no text for the move `{move}`",
                code="usage.texts",
                hint=f"there are texts for {', '.join(map(str, side))}; add one under `{move}`",
            )
        text = filled(_in_turn(listed, plan.place), plan)
    else:
        return None
    if not isinstance(text, str) or not text.strip():
        raise UsageError(
            f"a side says nothing for the move `{move}`: {text!r:.80}",
            code="usage.texts",
            hint="return or give a text that is not empty",
        )
    return text.strip()


def _in_turn(listed: str | Sequence[str] | Mapping[str, float], place: int) -> str:
    """The text of a conversation by its place, so that shares are exact over all of them."""
    if isinstance(listed, str):
        return listed
    if not isinstance(listed, Mapping):
        return listed[place % len(listed)]
    if min(listed.values()) < 0 or not any(listed.values()):
        raise UsageError(
            "texts of a move have no weights above 0",
            code="usage.texts",
            hint='give weights above 0: {"Where is my parcel?": 3, "Is it lost?": 1}',
        )
    return _by_weight(tuple(listed.items()), 1 << place.bit_length())[place]


@lru_cache(maxsize=256)
def _by_weight(weights: tuple[tuple[str, float], ...], length: int) -> tuple[str, ...]:
    """Texts one after another, each the one that is furthest behind its share."""
    whole = sum(weight for _, weight in weights)
    used = dict.fromkeys((text for text, _ in weights), 0)
    made = []
    for place in range(1, length + 1):
        text = max(weights, key=lambda each: each[1] / whole * place - used[each[0]])[0]
        used[text] += 1
        made.append(text)
    return tuple(made)


def is_texts(side: Side) -> bool:
    """Whether a side is spoken by texts; a mapping with `name` or `base_url` is a model's."""
    return isinstance(side, Mapping) and not {"name", "base_url", "provider"} & side.keys()


def filled(template: str, plan: TalkPlan) -> str:
    """A template with the plan's attributes and facts filled in.

    Raises:
        UsageError: It names something else.
    """
    if "{{" not in template and "{%" not in template:
        return template
    return say(template, tuple(plan.known))(plan.known)
