"""Small sets of example records, written for Fabula, that guide the embedded model.

`builtin_examples.json` contains themes; a job's words select one, and its records provide values
for fields of similar names. The first theme, things sold in a shop, is the default.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

Record = Mapping[str, str | float]


@dataclass(frozen=True)
class Theme:
    """Records about one kind of thing.

    Args:
        words: Words, or their beginnings, that select this theme.
        task: A task that a record's `text` answers, with its other values in braces.
        records: `name` names the thing, `text` describes it.
    """

    words: tuple[str, ...]
    task: str
    records: tuple[Record, ...]

    def task_of(self, record: Record) -> str:
        """The task that this record answers."""
        return self.task.format_map(record)


def theme_for(text: str) -> Theme:
    """The theme that shares the most words with a text."""
    words = set(re.findall(r"[a-z]+", text.lower()))
    return max(_themes(), key=lambda theme: sum(word.startswith(theme.words) for word in words))


@cache
def _themes() -> tuple[Theme, ...]:
    stored = json.loads(files(__package__).joinpath("builtin_examples.json").read_text("utf-8"))
    return tuple(
        Theme(tuple(item["words"].split()), item["task"], tuple(item["records"])) for item in stored
    )
