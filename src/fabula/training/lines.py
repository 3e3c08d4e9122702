"""What lines of training files say, and how the formats' entries read them.

A format is known by its keys. Read are OpenAI's fine-tuning (chat, preference), TRL (text, prompt
and completion, preference, unpaired preference, each as texts or as conversations), ShareGPT and
Stanford Alpaca with the additions of LLaMA-Factory, and Axolotl's text, segments, steps with labels
and preferences.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

from fabula.spec.training_formats import TRAINING_FORMATS
from fabula.training.turns import Turn


@dataclass(frozen=True)
class Line:
    """What a line of a training file says.

    Attributes:
        talks: The conversations that it trains with: one, or two where answers are compared.
        is_chat: Whether they are turns of a conversation, which have an order to keep.
        tools: The tools that it declares; None if it declares none.
        problems: What else a trainer would refuse.
    """

    talks: tuple[tuple[Turn, ...], ...]
    is_chat: bool = False
    tools: Any = None
    problems: tuple[str, ...] = ()


def format_of_row(row: Mapping[str, Any]) -> str:
    """The training format that a row is of; empty if it is of none."""
    for _ in range(2):
        for name, entry in TRAINING_FORMATS.known().items():
            if all(key in row for key in entry.keys):
                return name
        if not TRAINING_FORMATS.load():
            break
    return ""


def compared(
    asked: tuple[Turn, ...] | None,
    chosen: tuple[Turn, ...] | None,
    rejected: tuple[Turn, ...] | None,
    tools: Any,
) -> Line | None:
    """Two answers to the same conversation."""
    if asked is None or chosen is None or rejected is None:
        return None
    problems = ("has the same answer as chosen and rejected",) if chosen == rejected else ()
    return Line(((*asked, *chosen), (*asked, *rejected)), True, tools, problems)


def texts_of(
    row: Mapping[str, Any], asked: Iterable[str], answers: Iterable[str], history: Any = None
) -> Line | None:
    """Texts under the keys of a format; a key with `?` may be missing or empty."""
    given: list[Turn] = []
    for key in asked:
        name = key.rstrip("?")
        text = row.get(name, "")
        if not isinstance(text, str):
            return None
        if text or (name == key and name in row):
            given.append(Turn("system" if name == "system" else "user", text))
    texts = [row[name] for name in answers]
    earlier = _history(history)
    if earlier is None or not all(isinstance(text, str) for text in texts):
        return None
    same = len(texts) > 1 and len(set(texts)) == 1 and texts[0].strip()
    return Line(
        tuple((*earlier, *given, Turn("assistant", text)) for text in texts),
        problems=("has the same answer as chosen and rejected",) if same else (),
    )


def _history(history: Any) -> tuple[Turn, ...] | None:
    """The earlier pairs of an instruction and its answer."""
    pairs = history or []
    if not isinstance(pairs, list) or not all(
        isinstance(pair, list) and len(pair) == 2 and all(isinstance(text, str) for text in pair)
        for pair in pairs
    ):
        return None
    turns = ((Turn("user", asked), Turn("assistant", answer)) for asked, answer in pairs)
    return tuple(chain.from_iterable(turns))


def tools_of(row: Mapping[str, Any]) -> Any:
    """What a line declares as tools, under whichever name."""
    given = row.get("tools")
    return row.get("functions") if given is None else given or None
