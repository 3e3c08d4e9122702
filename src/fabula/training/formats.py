"""The training formats in use, known by their keys: who says what in a line of each.

OpenAI's fine-tuning (chat, preference), TRL (text, prompt and completion, preference, unpaired
preference, each as texts or as conversations), ShareGPT and Stanford Alpaca with the additions
of LLaMA-Factory (tools, history, chosen and rejected), and Axolotl's text and segments.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

from fabula.training.turns import Turn, read_turns


@dataclass(frozen=True)
class Line:
    """What a line of a training file says.

    Attributes:
        talks: The conversations that it trains with: one, or two where answers are compared.
        is_chat: Whether they are turns of a conversation, which have an order to keep.
        tools: The tools that it declares; None where it declares none.
        problems: What else a trainer would refuse.
    """

    talks: tuple[tuple[Turn, ...], ...]
    is_chat: bool = False
    tools: Any = None
    problems: tuple[str, ...] = ()


def format_of_row(row: Mapping[str, Any]) -> str:
    """The training format that a row is of; empty where it is of none."""
    return next(
        (form for form, (keys, _) in FORMATS.items() if all(key in row for key in keys)), ""
    )


def read_line(row: Mapping[str, Any], form: str) -> Line | None:
    """What a line of a format says; None where it does not hold what the format needs."""
    return FORMATS[form][1](row)


def _chat(row: Mapping[str, Any]) -> Line | None:
    turns = read_turns(row["messages"])
    if turns is None:
        return None
    weights = [turn.get("weight") for turn in row["messages"] if turn.get("weight") is not None]
    wrong = [weight for weight in weights if weight not in (0, 1)]
    problems = (f"has the weight {wrong[0]!r}, not 0 or 1",) if wrong else ()
    return Line((turns,), True, _tools_of(row), problems)


def _openai_preference(row: Mapping[str, Any]) -> Line | None:
    asked = row["input"] if isinstance(row["input"], Mapping) else {}
    return _compared(
        read_turns(asked.get("messages")),
        read_turns(row["preferred_output"]),
        read_turns(row["non_preferred_output"]),
        _tools_of(asked),
    )


def _sharegpt(row: Mapping[str, Any]) -> Line | None:
    turns = read_turns(row["conversations"])
    if turns is None:
        return None
    opening = (Turn("system", row["system"]),) if isinstance(row.get("system"), str) else ()
    if "chosen" in row and "rejected" in row:
        chosen, rejected = (read_turns([row[name]]) for name in ("chosen", "rejected"))
        return _compared((*opening, *turns), chosen, rejected, _tools_of(row))
    if opening and opening[0].is_empty:
        opening = ()
    return Line(((*opening, *turns),), True, _tools_of(row))


def _preference(row: Mapping[str, Any]) -> Line | None:
    if isinstance(row["chosen"], str):
        return _texts(row, ("prompt",), ("chosen", "rejected"))
    asked = read_turns(row.get("prompt") or [])
    return _compared(asked, read_turns(row["chosen"]), read_turns(row["rejected"]), _tools_of(row))


def _compared(
    asked: tuple[Turn, ...] | None,
    chosen: tuple[Turn, ...] | None,
    rejected: tuple[Turn, ...] | None,
    tools: Any,
) -> Line | None:
    if asked is None or chosen is None or rejected is None:
        return None
    problems = ("has the same answer as chosen and rejected",) if chosen == rejected else ()
    return Line(((*asked, *chosen), (*asked, *rejected)), True, tools, problems)


def _completion(row: Mapping[str, Any]) -> Line | None:
    label = row.get("label")
    wrong = "label" in row and not isinstance(label, bool)
    problems = (f"has the label {label!r}, not true or false",) if wrong else ()
    if isinstance(row["prompt"], str):
        line = _texts(row, ("prompt",), ("completion",))
        return line and Line(line.talks, problems=problems)
    asked, answer = read_turns(row["prompt"]), read_turns(row["completion"])
    if asked is None or answer is None:
        return None
    return Line(((*asked, *answer),), True, _tools_of(row), problems)


def _alpaca(row: Mapping[str, Any]) -> Line | None:
    return _texts(row, ("system?", "instruction", "input?"), ("output",), row.get("history"))


def _alpaca_preference(row: Mapping[str, Any]) -> Line | None:
    asked = ("system?", "instruction", "input?")
    return _texts(row, asked, ("chosen", "rejected"), row.get("history"))


def _text(row: Mapping[str, Any]) -> Line | None:
    return _texts(row, (), ("text",))


def _segments(row: Mapping[str, Any]) -> Line | None:
    listed = row["segments"]
    if not isinstance(listed, list) or not all(
        isinstance(part, Mapping)
        and isinstance(part.get("text"), str)
        and isinstance(part.get("label"), bool)
        for part in listed
    ):
        return None
    turns = tuple(Turn("assistant" if part["label"] else "user", part["text"]) for part in listed)
    trained = any(turn.role == "assistant" for turn in turns)
    return Line((turns,), problems=() if trained else ("has no segment to train with",))


def _texts(
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


def _tools_of(row: Mapping[str, Any]) -> Any:
    """What a line declares as tools, under whichever name."""
    given = row.get("tools")
    return row.get("functions") if given is None else given or None


FORMATS: Mapping[str, tuple[tuple[str, ...], Callable[[Mapping[str, Any]], Line | None]]] = {
    "chat-jsonl": (("messages",), _chat),
    "openai-preference": (
        ("input", "preferred_output", "non_preferred_output"),
        _openai_preference,
    ),
    "sharegpt": (("conversations",), _sharegpt),
    "alpaca-preference": (("instruction", "chosen", "rejected"), _alpaca_preference),
    "preference": (("chosen", "rejected"), _preference),
    "completion-jsonl": (("prompt", "completion"), _completion),
    "alpaca": (("instruction", "output"), _alpaca),
    "segments": (("segments",), _segments),
    "text": (("text",), _text),
}
"""Each format's keys and how a line of it is read, the more telling keys first."""
