"""Texts that tell fields: what is wanted, what there is so far, and the jobs that ask for more."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from fabula.augment.asking import AskOptions, job_options
from fabula.augment.row_schema import TEXT
from fabula.describing.examples import TOLD
from fabula.describing.facts import folded, missing_values, unsupported_claims
from fabula.describing.items import Item, read_items
from fabula.describing.preferences import PreferencesLike
from fabula.describing.prompts import Prompts
from fabula.describing.round_trip import Comparison, RoundTrip
from fabula.llm.rows.job import RowField, RowProblems, RowsJob, RowsResult

ROUNDS = 2
"""Times that a text is written again because a reader did not find its fields."""


class DescribeOptions(AskOptions, total=False):
    """What `describe` and `adescribe` take besides the data; see `describe`."""

    preferences: PreferencesLike | Sequence[PreferencesLike]
    n: int
    task: str
    columns: Sequence[str]
    preferences_column: str
    faithful: bool
    examples: Sequence[tuple[Any, str]]
    verify: bool | Comparison
    rounds: int
    failures: Literal["drop", "keep"]
    on_score: Callable[[RoundTrip], None]


@dataclass(frozen=True)
class Task:
    """One text to write: which of the variants about an item, from 1."""

    item: Item
    variant: int
    variants: int


@dataclass
class Writing:
    """The texts so far, by the place of their task.

    Attributes:
        tasks: What is to be written.
        result: The texts as rows of one field, and why some are missing.
        verdicts: How the fields came back, if that was verified.
        failures: Why a text is no good although there is one.
    """

    tasks: Sequence[Task]
    result: RowsResult
    verdicts: dict[int, str]
    failures: dict[int, str]

    def text(self, place: int) -> str | None:
        """The text of a task."""
        row = self.result.rows[place]
        return None if row is None else row[TEXT]


class Writer:
    """Makes the jobs that ask for texts."""

    def __init__(self, tasks: Sequence[Task], prompts: Prompts, options: DescribeOptions) -> None:
        self.tasks = tasks
        self.options = options
        self._prompts = prompts
        self._told: dict[int, dict[int, str]] = {}

    def job(self, places: Sequence[int], found: Mapping[int, str] | None = None) -> RowsJob:
        """The job that asks for some texts.

        Args:
            places: Their tasks.
            found: What was wrong with an earlier text, by task.
        """
        tasks = [self.tasks[place] for place in places]
        notes = [(found or {}).get(place, "") for place in places]
        prompts = [
            self._prompts.prompt(task.item, task.variant, task.variants, note)
            for task, note in zip(tasks, notes, strict=True)
        ]
        return RowsJob(
            subject="",
            fields=(RowField(TEXT, {"type": "string"}),),
            n=len(tasks),
            prompts=prompts,
            examples=[self._example(*pair) for pair in self.options.get("examples", ())],
            shown=[self._example(*pair) for pair in TOLD],
            row_checks=[self._check(place) for place in places],
            text=True,
            **job_options(self.options) | {"rows_per_call": None},
        )

    def _example(self, fields: Any, text: str) -> dict[str, str]:
        (item,) = read_items([fields])
        return {"task": Prompts([item]).prompt(item), TEXT: text}

    def _check(self, place: int) -> RowProblems:
        """The check of one text; a good one is remembered, so that no variant repeats it."""
        task = self.tasks[place]
        told = self._told.setdefault(id(task.item), {})

        def problems(row: dict[str, Any]) -> Sequence[str]:
            text = row[TEXT]
            found = task.item.preferences.problems(text)
            lacking = missing_values(task.item.plain, text)
            found += [f"the text does not mention {value}" for value in lacking]
            if self.options.get("faithful"):
                new = unsupported(task.item, text)
                found += [f"`{claim}` is not in the facts" for claim in new]
            plain = folded(text)
            if plain in (other for variant, other in told.items() if variant != task.variant):
                found.append("this text already exists; state the facts in another way")
            if not found:
                told[task.variant] = plain
            return found

        return problems


def unsupported(item: Item, text: str) -> list[str]:
    """Numbers and names in a text that neither its fields nor its preferences hold."""
    wishes = item.preferences
    return unsupported_claims(
        item.plain, text, allowed=[*wishes.must, wishes.style], language=wishes.language
    )
