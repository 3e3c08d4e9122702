"""One row, one example: who says what, and how each training format writes it down.

The formats are those of OpenAI's chat fine-tuning, of prompt and completion, of Stanford Alpaca
(instruction, input, output), of ShareGPT (conversations), and pairs of a chosen and a rejected
answer, as preference tuning takes them.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from fabula.errors import UsageError
from fabula.spec.outputs import OutputSpec
from fabula.training.conversations import Unfit, conversation
from fabula.training.saying import Row, say


@dataclass(frozen=True)
class Made:
    """A line of a set.

    Attributes:
        place: The row that it is made of; the first one where several are compared.
        input: What no two parts of a split may share.
        line: The line as it is written.
        prompts: The texts that the assistant is given.
        answers: The texts that it is to give.
    """

    place: int
    input: str
    line: Mapping[str, Any]
    prompts: Sequence[str]
    answers: Sequence[str]


Lines: TypeAlias = tuple[list[Made], dict[str, int]]
"""The lines of a set, and how many rows are in none by reason."""


@dataclass(frozen=True)
class Example:
    """What is said in one example; `rejected` is the worse answer where two are compared."""

    user: str
    assistant: str
    system: str = ""
    rejected: str = ""


def examples(rows: Sequence[Row], wanted: OutputSpec, columns: Sequence[str]) -> Lines:
    """The example of each row whose input and output are not empty."""
    user, assistant = say(wanted.user, columns), say(wanted.assistant[0], columns)
    system = say(wanted.system, columns) if wanted.system else lambda _: ""
    write, made, lost = _writer(wanted), list[Made](), 0
    for place, row in enumerate(rows):
        example = Example(user(row), assistant(row), _unless_blank(system(row)))
        if example.user.strip() and example.assistant.strip():
            made += _lines_of(place, example, write)
        else:
            lost += 1
    return made, {"an input or output is empty": lost} if lost else {}


def conversations(rows: Sequence[Row], column: str, wanted: OutputSpec) -> Lines:
    """The conversation of each row, in a format that can hold it."""
    write = None if wanted.training is None else wanted.training.talks
    assert write is not None  # the spec's rules see to it
    system = say(wanted.system, tuple(rows[0] if rows else ()))
    made, left_out = [], Counter[str]()
    for place, row in enumerate(rows):
        try:
            talk = conversation(row, column, system(row) if wanted.system else "")
            made.append(Made(place, talk.input, write(talk), talk.prompts, talk.answers))
        except Unfit as reason:
            left_out[str(reason)] += 1
    return made, dict(left_out)


def preferences(rows: Sequence[Row], wanted: OutputSpec, columns: Sequence[str]) -> Lines:
    """For each input its best and its worst answer, by their scores.

    Rows with several answers are compared within themselves, others with rows of equal input. Rows
    are in no example where their input has one answer only, or none that is better than another.

    Raises:
        UsageError: A score is not a number.
    """
    user = say(wanted.user, columns)
    system = say(wanted.system, columns) if wanted.system else lambda _: ""
    answers = [say(text, columns) for text in wanted.assistant]
    graded: dict[tuple[str, str, int], list[tuple[float, str]]] = {}
    places: dict[tuple[str, str, int], list[int]] = {}
    for place, row in enumerate(rows):
        asked = (_unless_blank(system(row)), user(row), place if len(answers) > 1 else -1)
        places.setdefault(asked, []).append(place)
        for answer, score in zip(answers, wanted.score, strict=True):
            text, grade = answer(row), _grade_of(row[score], score)
            if text.strip() and asked[1].strip() and grade is not None:
                graded.setdefault(asked, []).append((grade, text))
    write, made = _writer(wanted), list[Made]()
    lost = len(rows)
    for asked, found in graded.items():
        best, worst = max(found, key=_grade), min(found, key=_grade)
        if best[0] > worst[0] and best[1] != worst[1]:
            example = Example(asked[1], best[1], asked[0], worst[1])
            made += _lines_of(places[asked][0], example, write)
            lost -= len(places[asked])
    return made, {"no answer is better than another": lost} if lost else {}


Write: TypeAlias = Callable[[Example], dict[str, Any] | list[dict[str, Any]]]
"""Writes an example as a line of a format, or as several lines."""


def _writer(wanted: OutputSpec) -> Write:
    assert wanted.training is not None  # the spec's rules see to it
    assert wanted.training.writes is not None
    return wanted.training.writes


def _lines_of(place: int, example: Example, write: Write) -> list[Made]:
    prompts = tuple(filter(None, (example.system, example.user)))
    answers = tuple(filter(None, (example.assistant, example.rejected)))
    written = write(example)
    if isinstance(written, list):  # each line has one of the answers
        pairs = zip(written, answers, strict=True)
        return [Made(place, example.user, line, prompts, (answer,)) for line, answer in pairs]
    return [Made(place, example.user, written, prompts, answers)]


def _unless_blank(text: str) -> str:
    return text if text.strip() else ""


def _grade_of(value: Any, column: str) -> float | None:
    """The score that a cell contains; None if it holds none.

    Raises:
        UsageError: It holds something else than a number.
    """
    if value is None or (isinstance(value, str) and value.strip().casefold() in _NO_SCORE):
        return None
    try:
        grade = float(value)
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"the score `{column}` holds {value!r}, which is not a number",
            code="usage.score",
            hint="name a column of numbers with `--score`",
        ) from error
    return None if math.isnan(grade) else grade


_NO_SCORE = ("", "n/a", "na", "null", "none", "nan", "-")


def _grade(answer: tuple[float, str]) -> float:
    return answer[0]


def turns_of(example: Example, keys: tuple[str, str], who: tuple[str, str]) -> list[dict[str, str]]:
    """What is said in turn, under the keys and names of a format."""
    turns = [("system", example.system)] if example.system else []
    turns += [(who[0], example.user), (who[1], example.assistant)]
    return [dict(zip(keys, turn, strict=True)) for turn in turns]
