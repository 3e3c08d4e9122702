"""`fabula validate train.jsonl`: would a fine-tuning service take this file?

Reads any JSON Lines file of one of the training formats, whoever wrote it, line by line. What is
wrong is told by line number.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from fabula.checks.results import CheckResult, CheckResults
from fabula.errors import SourceError
from fabula.spec.training_formats import TRAINING_FORMATS
from fabula.training.lines import Line, format_of_row
from fabula.training.splits import plain
from fabula.training.tokens import TURN_TOKENS, tokens_of
from fabula.training.tools import tool_problems
from fabula.training.turns import order_problem

LONGEST = 65_536
"""Tokens of one example that the largest services take."""
_SHOWN = 5

_RULES = {
    "json": "every line is a JSON object",
    "format": "every line has the keys of one format",
    "roles": "turns have known roles, go back and forth, and end with the assistant",
    "tools": "tool calls match the declared tools and are answered",
    "text": "no text is empty",
    "length": "no example is too long",
    "distinct": "no example occurs twice",
}


@dataclass(frozen=True)
class Finding:
    """How the lines of a file keep one rule; `broken` has those that don't, with what is wrong."""

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


_Broken: TypeAlias = dict[str, list[tuple[int, str]]]
"""The lines that break each rule, with what is wrong there."""


def check_training_file(path: Path, *, longest: int = LONGEST) -> tuple[Finding, ...]:
    """Tell, rule by rule, what a fine-tuning service would refuse in a file of JSON Lines.

    No example may have more than `longest` tokens, by estimate.

    Raises:
        SourceError: The file can't be read, or holds no line.
    """
    broken: _Broken = {rule: [] for rule in _RULES}
    rows, form = 0, ""
    seen: dict[bytes, int] = {}
    for line, text in _lines(path):
        rows += 1
        row = _object(text)
        if row is None:
            broken["json"].append((line, "is not a JSON object"))
            continue
        found = format_of_row(row)
        form = form or found
        if not found or found != form:
            other = f"is not of the format `{form}`" if form else "has the keys of none"
            broken["format"].append((line, other))
            continue
        entry = TRAINING_FORMATS[found]
        read = entry.reads(row)
        if read is None:
            broken["format"].append((line, f"does not hold what `{found}` needs"))
            continue
        _check_line(broken, line, read, strict=entry.strict)
        told = [text for talk in read.talks for turn in talk for text in (turn.role, turn.written)]
        sizes = [sum(tokens_of(turn.written) + TURN_TOKENS for turn in talk) for talk in read.talks]
        if max(sizes) > longest:
            broken["length"].append((line, f"has about {max(sizes):,} tokens"))
        key = hashlib.blake2b(plain(repr(told)).encode(), digest_size=16).digest()
        if key in seen:
            broken["distinct"].append((line, f"repeats line {seen[key]}"))
        seen.setdefault(key, line)
    if not rows:
        raise SourceError(f"`{path}` holds no example", code="source.empty", where=str(path))
    keys = f"`{form}`" if form else f"one format ({', '.join(TRAINING_FORMATS)})"
    words = {"format": f"every line has the keys of {keys}"}
    words["length"] = f"no example has more than {longest:,} tokens (estimated)"
    return tuple(
        Finding(rule, words.get(rule, told), rows, tuple(broken[rule]))
        for rule, told in _RULES.items()
    )


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


def _check_line(broken: _Broken, line: int, read: Line, *, strict: bool) -> None:
    """Note the first problem of each kind; compared answers share most of a conversation."""
    wrong: dict[str, str] = {}
    for talk in read.talks:
        if read.is_chat:
            problem = order_problem([turn.role for turn in talk], strict=strict)
            for rule, told in (
                ("roles", problem),
                ("tools", next(tool_problems(talk, read.tools), None)),
            ):
                if told:
                    wrong.setdefault(rule, told)
        empty = [turn.role or "a turn" for turn in talk if turn.is_empty]
        if empty:
            wrong.setdefault("text", f"has an empty text of `{empty[0]}`")
    for problem in read.problems[:1]:
        wrong.setdefault("text", problem)
    for rule, told in wrong.items():
        broken[rule].append((line, told))


def training_results(path: Path) -> CheckResults:
    """Whether a file could be trained with, as the results of checks."""
    return CheckResults(
        tuple(
            CheckResult(
                table=path.name,
                kind=found.rule,
                name=found.words,
                passed=not found.broken,
                failing=len(found.broken),
                rows=found.lines,
                examples=tuple({"line": line, "problem": told} for line, told in found.broken[:5]),
                message=found.message,
            )
            for found in check_training_file(path)
        )
    )
