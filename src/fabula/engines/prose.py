"""What free text must keep: its length in words, and its language as far as its script shows."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from fabula.fakers.languages import SCRIPTS
from fabula.kinds.llm import Llm
from fabula.kinds.text import Text
from fabula.llm.rows.job import RowProblems

_WORD = re.compile(r"\w+(?:[’'-]\w+)*")


def prose_check(name: str, spec: Text) -> RowProblems:
    """A check of one text value; its problems are words for the model."""

    def check(row: dict[str, Any]) -> Sequence[str]:
        text = str(row[name])
        words = len(_WORD.findall(text))
        problems = []
        if spec.min_words and words < spec.min_words:
            problems.append(f"`{name}` has {words} words; at least {spec.min_words} are needed")
        if spec.max_words and words > spec.max_words:
            problems.append(f"`{name}` has {words} words; at most {spec.max_words} are allowed")
        script = SCRIPTS.get((spec.language or "").lower().partition("-")[0])
        if script and not re.search(script, text):
            problems.append(f"`{name}` is not written in {spec.language}")
        return problems

    return check


def prose_and_rules(name: str, spec: Llm | Text, rules: RowProblems | None) -> RowProblems | None:
    """A check of a column with its own prompt: its prose first, then the rules."""
    if not isinstance(spec, Text):
        return rules
    prose = prose_check(name, spec)
    if rules is None:
        return prose
    return lambda row: [*prose(row), *rules(row)]
