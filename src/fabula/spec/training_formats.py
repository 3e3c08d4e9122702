"""A training format is one entry: its keys, how a line of it is read, and how one is written.

Entries hold functions of `fabula.training`; the register is here because a spec's outputs name
formats.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fabula.extensions import Register


@dataclass(frozen=True)
class TrainingFormat:
    """Everything known about one format of JSON Lines to train a model with.

    Attributes:
        name: What users call it.
        title: Whose format it is, in words.
        keys: The keys that every line has, which tell a file of the format.
        reads: What a line says, a `Line`; None if it does not hold what the format needs.
        writes: Makes a line of an `Example`, or several lines; None if the format is checked, not
            written.
        talks: Makes a line of a `Conversation`, or raises `Unfit` with the reason; None if it
            holds one question and its answer.
        compares: A line holds two answers, one chosen and one rejected by their scores.
        strict: Speakers must take turns, without exception.
        rank: Its place among the formats that a line with several formats' keys may be of.
    """

    name: str
    title: str
    keys: tuple[str, ...]
    reads: Callable[[Mapping[str, Any]], Any]
    writes: Callable[[Any], dict[str, Any] | list[dict[str, Any]]] | None = None
    talks: Callable[[Any], dict[str, Any]] | None = None
    compares: bool = False
    strict: bool = False
    rank: int = 100


class TrainingFormats(Register[TrainingFormat]):
    """The training formats by name."""

    def add(self, entry: TrainingFormat) -> TrainingFormat:
        """Register a format under its name."""
        return self.register(entry.name, entry)

    def written(self) -> tuple[str, ...]:
        """The names of the formats that can be written."""
        return tuple(name for name, entry in self.items() if entry.writes is not None)


def lack(name: str, entry: TrainingFormat) -> str | None:
    """What an entry lacks, in words."""
    if name != entry.name:
        return f"calls itself `{entry.name}`"
    if not entry.title.strip():
        return "has no `title`"
    if not entry.keys:
        return "has no `keys` that every line has"
    if entry.talks is not None and entry.writes is None:
        return "writes conversations, and no examples by `writes`"
    return None


TRAINING_FORMATS = TrainingFormats(
    "training format",
    home="fabula.training.entries",
    order=lambda name, entry: (entry.rank, name),
    lacks=lack,
    apart_from="fabula.io.entries",
)
"""Every training format."""
