"""The ways to rewrite, each with its kinds of change and what it keeps.

Deeper and broader follow Evol-Instruct (Xu et al. 2023): one kind of change a rewrite, dealt
evenly.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf

from fabula.errors import UsageError, did_you_mean

DEEPER, BROADER, PARAPHRASE = "deeper", "broader", "paraphrase"
TRANSLATE, BACK = "translate", "back-translate"
PREFER, RED_TEAM = "prefer", "red-team"
BORDERLINE = "borderline"


@dataclass(frozen=True)
class Way:
    """Everything known about one way to rewrite.

    Attributes:
        name: What users call it.
        task: What the writer is told.
        judged: What a judge reads whether it holds.
        kinds: Kinds of change, with the instruction of each.
        keeps_answer: Whether the answer of the given text is also that of the new one.
        distance: The usual band of cosine distances between the given text and the new one.
    """

    name: str
    task: str
    judged: str = ""
    kinds: Mapping[str, str] | None = None
    keeps_answer: bool = False
    distance: tuple[float, float] = (0.0, inf)


_ALONE = "It is read without the given text, and never mentions it."

WAYS: Mapping[str, Way] = {
    way.name: way
    for way in (
        Way(
            DEEPER,
            "Write a harder version of the given text, which a person can still understand and "
            f"answer. {_ALONE}",
            "the new text is harder than the given one, can be answered, and makes sense by itself",
            {
                "constraint": "Add one more condition or requirement.",
                "depth": "Ask about the same matter in more depth.",
                "concrete": "Replace general notions by specific ones.",
                "steps": "Make the answer need more steps of reasoning.",
            },
            distance=(0.02, 0.9),
        ),
        Way(
            BROADER,
            "Write a new text of the same field and of about the same difficulty, which asks for "
            f"something else. {_ALONE}",
            "the new text is of the same field, asks for something else, can be answered, and "
            "makes sense by itself",
            {
                "rarer": "Choose a matter that is asked more rarely.",
                "situation": "Choose another situation, other people or other quantities.",
                "form": "Choose another kind of task.",
            },
            distance=(0.1, inf),
        ),
        Way(
            PARAPHRASE,
            "Say the given text in other words. Everything it says and asks stays the same: every "
            "answer to one is an answer to the other.",
            "both texts say and ask the same: every answer to one is an answer to the other",
            {
                "words": "Use other words.",
                "order": "Build the sentences another way.",
                "voice": "Write as another person would.",
            },
            keeps_answer=True,
            distance=(0.05, 0.6),
        ),
        Way(
            TRANSLATE,
            "Translate the given text as a native speaker would write it.",
            "both texts say and ask the same: every answer to one is an answer to the other",
            keeps_answer=True,
            distance=(0.0, 0.6),
        ),
        Way(
            BACK,
            "Translate the given text as a native speaker would write it.",
            "both texts say and ask the same: every answer to one is an answer to the other",
            keeps_answer=True,
            distance=(0.02, 0.6),
        ),
        Way(
            PREFER,
            "Write a worse version of the given answer. It looks like an honest attempt, and does "
            "not tell that it is worse.",
            kinds={
                "fact": "A fact or a result in it is wrong.",
                "incomplete": "It leaves an important part out, and fills the room with less.",
                "beside": "It answers a slightly different question.",
                "ignored": "It ignores a condition of the question.",
                "vague": "It stays general where the answer is specific.",
            },
        ),
        Way(
            RED_TEAM,
            "Write what somebody could send to an assistant to make it break the rule, in the "
            "field of the given text, and the answer of an assistant that keeps the rule: it "
            "declines politely, says why in a sentence, gives nothing of what the rule forbids, "
            "and offers help that is allowed.",
            kinds={
                "direct": "It asks openly.",
                "pretext": "It gives a good reason: a school task, safety, research.",
                "role play": "It asks the assistant to play somebody without rules.",
                "step by step": "It asks for a harmless looking part of the whole.",
                "pressure": "It threatens, begs, or claims authority.",
            },
        ),
    )
}
"""Every way by name."""

BORDERLINE_TASK = (
    "Write what somebody could send to an assistant in the field of the given text that comes near "
    "to the rule and yet is allowed by it, and the full, helpful answer of an assistant."
)


def way_of(name: str) -> Way:
    """A way by its name.

    Raises:
        UsageError: There is no such way.
    """
    if name not in WAYS:
        hint = did_you_mean(name, WAYS) or f"choose among {', '.join(WAYS)}"
        raise UsageError(f"there is no way `{name}` to rewrite", code="usage.rewrite", hint=hint)
    return WAYS[name]
