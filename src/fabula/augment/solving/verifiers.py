"""Ways to verify an answer, by name: against a known one, by tests, by a program of its own.

Where none fits, a function of the caller's decides.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from fabula.augment.solving.numbers import contradicted, is_close, number_in
from fabula.errors import UsageError

Task: TypeAlias = Mapping[str, Any]
"""A question: its row, with the known answer, choices and tests under their own names."""
Verify: TypeAlias = Callable[[Task, Mapping[str, Any]], str]
"""Takes a task and a reply (`reasoning`, `solution`, `code`); returns why the reply is not
verified, or nothing."""

ANSWER, CHOICES, TESTS = "answer", "choices", "tests"
REASONING, SOLUTION, CODE = "reasoning", "solution", "code"
_INSIDE = "fabula.augment.solving.inside"
_FENCE = re.compile(r"\A\s*```[\w+-]*\n(.*?)\n?```\s*\Z", re.S)
_LETTER = re.compile(r"\W*\(?(?P<letter>[A-Za-z])(?:[).:]+(?=\s|$)|\s*$)")


@dataclass(frozen=True)
class Verifier:
    """Everything known about one way to verify answers.

    Attributes:
        name: What users call it.
        title: How it decides, in words.
        verify: Decides on one reply; None if replies are compared with each other.
        needs: What a task must have: `answer`, `choices`, `tests`.
        solution: What the model is told to write as its answer.
        writes_code: The model also writes a program that computes the answer.
    """

    name: str
    title: str
    verify: Verify | None
    needs: tuple[str, ...] = ()
    solution: str = "the final answer alone, without words"
    writes_code: bool = False


def _number(task: Task, reply: Mapping[str, Any]) -> str:
    known, stated = number_in(task[ANSWER]), number_in(reply[SOLUTION])
    if known is None:
        raise UsageError(
            f"the known answer {task[ANSWER]!r:.80} is not one number",
            code="usage.answer",
            hint="give a column of numbers, or verify with `by: text`",
        )
    if stated is None:
        return "the answer is not one number"
    if not is_close(known, stated):
        return "the number is another one"
    return "the reasoning states another result" if contradicted(_told(reply), stated) else ""


def _choice(task: Task, reply: Mapping[str, Any]) -> str:
    choices = choices_of(task.get(CHOICES))
    known = _chosen(str(task[ANSWER]), choices)
    if known is None:
        raise UsageError(
            f"the known answer {task[ANSWER]!r:.80} is none of the choices",
            code="usage.answer",
            hint="give a letter, or the text of one of the choices",
        )
    stated = _chosen(str(reply[SOLUTION]), choices)
    if stated is None:
        return "the answer is none of the choices"
    return "" if stated == known else "the choice is another one"


def choices_of(value: Any) -> list[str]:
    """The choices of a task: a list, or a text with one on each line or between bars."""
    if isinstance(value, str):
        return [part.strip() for part in re.split(r"[\n|]", value) if part.strip()]
    return [str(part) for part in value or ()]


def _chosen(text: str, choices: Sequence[str]) -> int | None:
    """The place of the choice that a text means, by its letter or its words."""
    plain = [_plain(choice) for choice in choices]
    letter = _LETTER.match(text)
    rest = _plain(text[letter.end() :]) if letter else ""
    if _plain(text) in plain:
        return plain.index(_plain(text))
    if letter:
        place = ord(letter["letter"].upper()) - ord("A")
        if place < len(choices) and rest in ("", plain[place]):
            return place
    return None


def _text(task: Task, reply: Mapping[str, Any]) -> str:
    return "" if _plain(task[ANSWER]) == _plain(reply[SOLUTION]) else "the text is another one"


def task_problem(verifier: Verifier, task: Task) -> str:
    """Why no answer to a task can be verified; empty if one can."""
    nothing = {SOLUTION: "", REASONING: "", CODE: ""}
    try:
        if TESTS in verifier.needs:
            _asserting(task)
        elif verifier.needs and verifier.verify is not None:
            verifier.verify(task, nothing)
        elif task.get(ANSWER) is not None:  # a program's number
            _number(task, nothing)
    except UsageError as error:
        return error.message
    return ""


def _asserting(task: Task) -> str:
    """The tests of a task.

    Raises:
        UsageError: They assert nothing.
    """
    tests = _code(task[TESTS])
    if not re.search(r"\bassert\b|\bdef test_|\braise\b", tests):
        raise UsageError(
            "the tests of a task assert nothing",
            code="usage.tests",
            hint="write `assert add(1, 2) == 3`, or functions named `test_…`",
        )
    return tests


def _tests(task: Task, reply: Mapping[str, Any]) -> str:
    from fabula.sandbox.run import Limits, run

    token = secrets.token_hex(8)
    tests = _asserting(task)
    request = {"source": _code(reply[SOLUTION]), "tests": tests, "token": token}
    outcome = run(f"{_INSIDE}:test", request, limits=Limits(seconds=10, memory=1 << 30))
    if outcome.fault is not None:
        return f"the tests fail: {outcome.fault.kind}"
    return "" if outcome.notes.get("passed") == token else "the tests did not run to their end"


def _program(task: Task, reply: Mapping[str, Any]) -> str:
    from fabula.sandbox.run import Limits, run

    source = {"source": _code(reply[CODE])}
    outcome = run(f"{_INSIDE}:compute", source, limits=Limits(seconds=10, memory=1 << 30))
    if outcome.fault is not None:
        return f"the program fails: {outcome.fault.kind}"
    computed, stated = number_in(str(outcome.notes["result"])), number_in(reply[SOLUTION])
    if computed is None or stated is None or not is_close(computed, stated):
        return "the program computes another number"
    return _number(task, reply) if task.get(ANSWER) is not None else ""


def same_answer(reply: Mapping[str, Any]) -> object:
    """What two replies that agree have in common: the number, or the words."""
    number = number_in(reply[SOLUTION])
    return _plain(reply[SOLUTION]) if number is None else number


def _told(reply: Mapping[str, Any]) -> str:
    return str(reply.get(REASONING) or "")


def _code(text: Any) -> str:
    fenced = _FENCE.match(str(text))
    return fenced[1] if fenced else str(text)


def _plain(text: Any) -> str:
    return " ".join(re.sub(r"[^\w\s.%-]", " ", str(text).casefold()).split()).rstrip(".")


VERIFIERS: Mapping[str, Verifier] = {
    entry.name: entry
    for entry in (
        Verifier("number", "the number equals the known answer", _number, (ANSWER,)),
        Verifier(
            "choice",
            "the choice is the known one",
            _choice,
            (ANSWER, CHOICES),
            solution="the letter of one choice alone",
        ),
        Verifier("text", "the words equal the known answer", _text, (ANSWER,)),
        Verifier(
            "tests",
            "the code passes the task's tests in the sandbox",
            _tests,
            (TESTS,),
            solution="the code alone: Python that defines what the task asks for",
        ),
        Verifier(
            "program",
            "a program computes the number that is stated, and the known answer if there is one",
            _program,
            writes_code=True,
        ),
        Verifier("agreement", "most of several answers agree", None),
    )
}
"""Every verifier by name."""
