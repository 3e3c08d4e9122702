"""What the row loop and a prompt form say to each other; one form a kind of model.

The loop decides which rows are asked together and what is known about them (`Call`); the form
writes the request and finds the row items in the reply (`Reading`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from fabula.llm.client.chat import ChatReply, ChatRequest


@dataclass(frozen=True, slots=True)
class Call:
    """Rows that are asked together, by their positions in the job.

    Args:
        rows: Their positions.
        problems: Problems of earlier answers, by position.
        failed: The latest bad answer, by position, as JSON text.
        recent: Earlier rows of the run that show the model where the run stands.
        used: Values that must not come again, as JSON, newest last.
        tokens: Limit of the reply, or None for the endpoint's own.
        plain: Whether the job's own notation is asked for instead of JSON.
    """

    rows: Sequence[int]
    problems: Mapping[int, Sequence[str]] = field(default_factory=dict)
    failed: Mapping[int, str] = field(default_factory=dict)
    recent: Sequence[Mapping[str, Any]] = ()
    used: Sequence[str] = ()
    tokens: int | None = None
    plain: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reply holds.

    Args:
        items: Row-like values; None stands for a row that the reply leaves out.
        problem: Why there are none, or fewer than asked; empty when all is well.
        bad: Raw pieces that were rows but could not be read, with the reason.
        shorten: Whether fewer rows in a call would have helped; the rows missing are then no
            failed attempt.
        notes: What else is worth knowing: ignored columns, a transposed frame.
    """

    items: Sequence[Any]
    problem: str = ""
    bad: Sequence[tuple[str, str]] = ()
    shorten: bool = False
    notes: Sequence[str] = ()


class Notation(Protocol):
    """Another way than JSON to write rows, for models that answer in words."""

    def ask(self, rows: int) -> str:
        """In words: how many rows are wanted, and in what form."""
        ...

    def read(self, text: str, *, number: str, cut: bool) -> Reading | None:
        """The rows of a reply, or None where it is written in some other way.

        An item tells its row's number under the name `number`, where it has one.
        """
        ...

    def unpacked(self, value: Any) -> Any:
        """A JSON value of a reply, in which rows of another shape have the fields asked for."""
        ...


class PromptFormat(Protocol):
    """Writes the requests of one job and reads their replies."""

    rows_per_call: int
    stall_rounds: int
    """Rounds in a row with hardly anything new, after which asking on is useless."""

    def request(self, call: Call) -> ChatRequest:
        """The request for these rows."""
        ...

    def read(self, reply: ChatReply, call: Call) -> Reading:
        """The rows in a reply, in the order of `call.rows` where rows have an identity."""
        ...
