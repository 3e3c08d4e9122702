"""`fabula validate train.jsonl`: would a fine-tuning service take this file?

Reads any JSON Lines file of one of the training formats, whoever wrote it, line by line. What is
wrong is told by line number.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from fabula.errors import SourceError
from fabula.texts.exports.splits import plain
from fabula.texts.exports.tokens import TURN_TOKENS, tokens_of

LONGEST = 65_536
"""Tokens of one example that the largest services take."""
ROLES = ("system", "developer", "user", "assistant", "tool")
_SHAREGPT_ROLES = {"human": "user", "gpt": "assistant"}
_SHOWN = 5

_KEYS: Mapping[str, tuple[str, ...]] = {
    "chat-jsonl": ("messages",),
    "sharegpt": ("conversations",),
    "preference": ("prompt", "chosen", "rejected"),
    "completion-jsonl": ("prompt", "completion"),
    "alpaca": ("instruction", "output"),
}
"""The keys by which a format is known, the more telling first."""

_RULES = {
    "json": "every line is a JSON object",
    "format": f"every line has the keys of one format ({', '.join(_KEYS)})",
    "roles": "turns have known roles, go back and forth, and end with the assistant",
    "text": "no text is empty",
    "length": "no example is too long",
    "distinct": "no example occurs twice",
}


@dataclass(frozen=True)
class Finding:
    """How a file keeps one rule.

    Attributes:
        rule: The rule's name: `json`, `format`, `roles`, `text`, `length` or `distinct`.
        words: What it demands.
        lines: Lines that were looked at.
        broken: Each line that breaks it, with what is wrong there.
    """

    rule: str
    words: str
    lines: int
    broken: tuple[tuple[int, str], ...]

    @property
    def message(self) -> str:
        """The verdict in one sentence."""
        if not self.broken:
            return f"{self.words} ({self.lines:,} lines)"
        told = "; ".join(f"line {line} {problem}" for line, problem in self.broken[:_SHOWN])
        more = len(self.broken) - _SHOWN
        return f"{self.words}: {told}" + (f" and {more:,} more" if more > 0 else "")


@dataclass
class _Findings:
    """The lines that break each rule."""

    broken: dict[str, list[tuple[int, str]]] = field(
        default_factory=lambda: {rule: [] for rule in _RULES}
    )

    def note(self, rule: str, line: int, problem: str) -> None:
        self.broken[rule].append((line, problem))


def check_training_file(path: Path, *, longest: int = LONGEST) -> tuple[Finding, ...]:
    """Tell what a fine-tuning service would refuse in a file.

    Args:
        path: A JSON Lines file of chats, prompts and completions, Alpaca, ShareGPT or preferences.
        longest: Most tokens of one example, by estimate.

    Returns:
        One finding a rule, with the lines that break it.

    Raises:
        SourceError: The file can't be read, or holds no line.
    """
    findings, rows, form = _Findings(), 0, ""
    seen: dict[bytes, int] = {}
    for line, text in _lines(path):
        rows += 1
        row = _object(text)
        if row is None:
            findings.note("json", line, "is no JSON object")
            continue
        found = format_of_row(row)
        form = form or found
        if not found or found != form:
            other = f"is not of the format `{form}`" if form else "has the keys of none"
            findings.note("format", line, other)
            continue
        turns = _turns(row, found)
        if turns is None:
            findings.note("format", line, f"does not hold what `{found}` needs")
            continue
        _check_turns(findings, line, turns, found)
        size = sum(tokens_of(text) + TURN_TOKENS for _, text in turns)
        if size > longest:
            findings.note("length", line, f"has about {size:,} tokens")
        key = hashlib.blake2b(plain(repr(turns)).encode(), digest_size=16).digest()
        if key in seen:
            findings.note("distinct", line, f"repeats line {seen[key]}")
        seen.setdefault(key, line)
    if not rows:
        raise SourceError(f"`{path}` holds no example", code="source.empty", where=str(path))
    words = {"format": f"every line has the keys of `{form}`"} if form else {}
    words["length"] = f"no example has more than {longest:,} tokens (estimated)"
    return tuple(
        Finding(rule, words.get(rule, told), rows, tuple(findings.broken[rule]))
        for rule, told in _RULES.items()
    )


def format_of_row(row: Mapping[str, Any]) -> str:
    """The training format that a row is of; empty where it is of none."""
    return next((form for form, keys in _KEYS.items() if all(key in row for key in keys)), "")


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Lines that are not blank, with their numbers from 1."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield number, line
    except (OSError, UnicodeDecodeError) as exc:
        raise SourceError(
            f"`{path}` can't be read: {getattr(exc, 'strerror', None) or exc}",
            code="source.unreadable",
            where=str(path),
            hint="give a JSON Lines file in UTF-8",
        ) from exc


def _object(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _turns(row: Mapping[str, Any], form: str) -> list[tuple[str, str]] | None:
    """Who says what in a row; None where something else than texts stands there."""
    if form in ("chat-jsonl", "sharegpt"):
        who, what = ("role", "content") if form == "chat-jsonl" else ("from", "value")
        listed = row[_KEYS[form][0]]
        if not isinstance(listed, list) or not all(isinstance(turn, dict) for turn in listed):
            return None
        return [(str(turn.get(who, "")), _content(turn, what)) for turn in listed]
    names = [("input", "user")] if form == "alpaca" and row.get("input") else []
    given = [(name, "user") for name in _KEYS[form][:1]] + names
    answers = [(name, "assistant") for name in _KEYS[form][1:]]
    texts = [(role, row[name]) for name, role in (*given, *answers)]
    return texts if all(isinstance(text, str) for _, text in texts) else None


def _content(turn: Mapping[str, Any], key: str) -> str:
    """A turn's text; calls of tools and parts of several kinds count as they are written."""
    value = turn.get(key)
    if isinstance(value, str):
        return value
    other = value or turn.get("tool_calls") or turn.get("function_call")
    return json.dumps(other) if other else ""


def _check_turns(
    findings: _Findings, line: int, turns: Sequence[tuple[str, str]], form: str
) -> None:
    roles = [role for role, _ in turns]
    if form == "sharegpt":
        roles = [_SHAREGPT_ROLES.get(role, role) for role in roles]
    if form in ("chat-jsonl", "sharegpt") and (problem := _role_problem(roles)):
        findings.note("roles", line, problem)
    empty = [role or "a turn" for role, text in turns if not text.strip()]
    if empty:
        findings.note("text", line, f"has an empty text of `{empty[0]}`")


def _role_problem(roles: Sequence[str]) -> str | None:
    unknown = [role for role in roles if role not in ROLES]
    if unknown:
        return f"has the unknown role `{unknown[0]}`"
    talk = [role for role in roles if role in ("user", "assistant")]
    if not talk or roles[-1] != "assistant":
        return "does not end with the assistant"
    if talk[0] != "user":
        return "has no user before the assistant"
    if any(role in ("system", "developer") for role in roles[1:]):
        return "has a system's text that is not the first"
    if "tool" not in roles and any(a == b for a, b in pairwise(talk)):
        return "has two turns of the same role in a row"
    return None
