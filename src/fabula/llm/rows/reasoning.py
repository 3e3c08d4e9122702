"""Removes a model's reasoning from a reply before anything reads it.

Reasoning comes between tags of many spellings, in channels, or before a `Final answer:`. Inside
JSON the same marks are data, so JSON is not searched.
"""

from __future__ import annotations

import re
from typing import Any

from fabula.llm.json_schema.reading import is_cut, json_pieces

_NAMES = (
    r"(?:seed:|ant)?think(?:ing)?|thoughts?|reason(?:ing)?|(?:self_)?reflection|scratchpad"
    r"|(?:thought_)?analysis|(?:inner_)?monologue|brainstorm(?:ing)?|drafts?"
    r"|(?:thought|thinking|reasoning)_process"
)
_TAGS = tuple(
    (re.compile(opening, re.I), re.compile(closing, re.I))
    for opening, closing in (
        (rf"<(?:{_NAMES})(?: [^<>\n]*)?>", rf"</(?:{_NAMES})>"),
        (rf"&lt;(?:{_NAMES})&gt;", rf"&lt;/(?:{_NAMES})&gt;"),
        (r"<details>\s*<summary>[^<\n]*(?:think|thought|reason)[^<\n]*</summary>", r"</details>"),
        (r"\[(?:THINK|REASONING)\]", r"\[/(?:THINK|REASONING)\]"),
        (r"◁think▷", r"◁/think▷"),
        (r"<\|begin_of_thought\|>", r"<\|end_of_thought\|>"),
        (r"<\|START_THINKING\|>", r"<\|END_THINKING\|>"),
        (r"<\|channel>thought", r"<channel\|>"),
        (r"<unused\d+>thought", r"<unused\d+>(?!thought)"),
    )
)
_CHANNEL = re.compile(r"<\|channel\|>\s*(\w+)((?:(?!<\|message\|>)[^\n])*)<\|message\|>")
_CHANNEL_END = re.compile(r"<\|(?:end|return|call|start|channel)\|>")
_BARE_CHANNELS = re.compile(r"(?:assistant)?analysis\S.*assistantfinal", re.S)
_TOKENS = (
    r"(?:<\|(?:im_end|eot_id|eom_id|endoftext|end_of_text|end|return|eos)\|>|</s>|<eos>"
    r"|<end_of_turn>|<｜end▁of▁sentence｜>)"
)
_TOKEN_RUN = re.compile(rf"{_TOKENS}(?:\s*{_TOKENS})*\s*")
_NEXT_TURN = re.compile(r"<\|im_start\|>|<\|start_header_id\|>|<start_of_turn>|<s>|\[INST\]|\Z")
_FIRST_TOKENS = re.compile(
    r"(?:(?:<\|im_start\|>|<\|start_header_id\|>|<start_of_turn>|<\|start\|>)\s*(?:assistant|model)"
    r"\s*(?:<\|end_header_id\|>|<\|message\|>)?|<\|assistant\|>|<\|begin_of_text\|>|<bos>|<s>"
    r"|\[/INST\])\s*"
)
_DRAFT = re.compile(
    r"\W{0,4}(?:(?:my )?(?:thinking|thought|reasoning)(?: process)?|chain of thought|scratchpad)"
    r"\W{0,4}[:\n]",
    re.I,
)
_FINAL = re.compile(
    r"^\W{0,4}(?:final (?:answer|output|response|result|text|version)|answer)\W{0,4}[:\n][*_ \t]*",
    re.I | re.M,
)
_SIGN = re.compile(
    r"[<◁\[]|&lt;|\A\W{0,4}(?:my |assistant)?(?:think|thought|reason|chain|scratch|ana)", re.I
)
_HIDDEN = "\0"


def without_thoughts(text: str) -> str:
    """The answer in a reply: without byte-order mark, reasoning and control tokens.

    Empty if the reply is only reasoning.
    """
    text = text.lstrip("\ufeff").strip()
    if not _SIGN.search(text):
        return text
    while tokens := _FIRST_TOKENS.match(text):
        text = text[tokens.end() :]
    text = _final_channel(text)
    for opening, closing in _TAGS:
        text = _without_tags(text, opening, closing)
    return _final_answer(_without_last_tokens(text)).strip()


def thoughts_in(text: str) -> str:
    """The reasoning around the answer in a reply; empty if there is none."""
    text = text.lstrip("\ufeff").strip()
    answer = without_thoughts(text)
    before, found, after = text.rpartition(answer) if answer else (text, "", "")
    if answer and not found:
        return ""
    left = f"{before}\n{after}" if after.strip() else before
    left = re.sub(rf"<\|start\|>\s*\w*|{_TOKENS}", "", left)
    for pattern in (*(each for pair in _TAGS for each in pair), _CHANNEL, _CHANNEL_END):
        left = pattern.sub("", left)
    return left.strip()


def _masked(text: str) -> str:
    """The text with its JSON masked, character for character."""
    parts, place = [], 0
    for piece in json_pieces(text):
        if not isinstance(piece.value, dict | list) or _is_bare_list(piece.value):
            continue  # `[THINK]` and `[2]` are not data
        if is_cut(piece.value) and piece.start > 0:
            continue
        parts += [text[place : piece.start], _HIDDEN * (piece.end - piece.start)]
        place = piece.end
    return "".join([*parts, text[place:]])


def _is_bare_list(value: Any) -> bool:
    return isinstance(value, list) and not any(isinstance(item, dict | list) for item in value)


def _final_channel(text: str) -> str:
    """The content of the last final channel or tool call; the whole text if there is none."""
    if _BARE_CHANNELS.match(text):  # the control tokens were removed, and the names left
        return text.rpartition("assistantfinal")[2]
    masked = _masked(text)
    final = call = None
    for match in _CHANNEL.finditer(masked):
        end = _CHANNEL_END.search(masked, match.end())
        said = text[match.end() : end.start() if end else len(text)]
        if match[1].lower() == "final":
            final = said
        elif "to=" in match[2]:
            call = said
    if final is not None or call is not None:
        return (final if final is not None else call or "").strip()
    return "" if _CHANNEL.match(masked) else text


def _without_tags(text: str, opening: re.Pattern[str], closing: re.Pattern[str]) -> str:
    """The text without anything between two tags, or before a lone closing one."""
    while True:
        masked = _masked(text) if closing.search(text) or opening.search(text) else text
        start, end = opening.search(masked), closing.search(masked)
        if start and not end and not masked[: start.start()].strip():
            end = closing.search(text, start.end())  # braces in reasoning are not JSON
        if end and (start is None or start.start() >= end.end()):
            text = text[end.end() :].strip()
        elif start and end:
            text = (text[: start.start()] + text[end.end() :]).strip()
        elif start and (start.start() == 0 or masked[start.start() - 1] == "\n"):
            return text[: start.start()].strip()
        else:
            return text


def _without_last_tokens(text: str) -> str:
    """The text without trailing control tokens and turns that the model writes for others."""
    masked = _masked(text) if "<" in text else ""
    ends = (run for run in _TOKEN_RUN.finditer(masked) if _NEXT_TURN.match(masked, run.end()))
    return text[: end.start()] if (end := next(ends, None)) else text


def _final_answer(text: str) -> str:
    """The text after the last `Final answer:` of a reply that begins with reasoning."""
    if not _DRAFT.match(text):
        return text
    masked = _masked(text)
    ends = [match.end() for match in _FINAL.finditer(masked) if masked[match.end() :].strip()]
    if _HIDDEN in masked:
        ends = [end for end in ends if _HIDDEN in masked[end:]]
    return text[ends[-1] :] if ends else text
