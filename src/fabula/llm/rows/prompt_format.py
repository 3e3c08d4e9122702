"""The interface between the row loop and a prompt form; one form per kind of model.

The loop decides which rows to request together and what is known about them (`Call`); the form
writes the request and finds the row items in the reply (`Reading`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from fabula.llm.client.chat import ChatReply, ChatRequest


@dataclass(frozen=True, slots=True)
class Call:
    """Rows to request together, by their positions in the job.

    Args:
        rows: Their positions.
        problems: Problems of earlier answers, by position.
        failed: The latest invalid answer, by position, as JSON text.
        recent: Earlier rows of the run, as context.
        used: Values that must not repeat, as JSON, newest last.
        tokens: Limit of the reply, or None for the endpoint's own.
        plain: Whether the job's own notation is requested instead of JSON.
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
    """The content of a reply.

    Args:
        items: Row-like values; None for a row that the reply omits.
        problem: Why there are none, or too few; empty on success.
        bad: Raw pieces that were rows but could not be read, with the reason.
        shorten: Whether fewer rows per call would have helped; missing rows then don't count as
            failed attempts.
        notes: Other facts: ignored columns, a transposed frame.
    """

    items: Sequence[Any]
    problem: str = ""
    bad: Sequence[tuple[str, str]] = ()
    shorten: bool = False
    notes: Sequence[str] = ()


class Notation(Protocol):
    """A notation for rows other than JSON, for models that answer in words."""

    def ask(self, rows: int) -> str:
        """Instructions: how many rows to write, and in what form."""
        ...

    def read(self, text: str, *, number: str, cut: bool) -> Reading | None:
        """The rows of a reply, or None if it is in another notation.

        An item gives its row's number, if any, under the name `number`.
        """
        ...

    def unpacked(self, value: Any) -> Any:
        """A JSON value of a reply, with rows of another shape converted to the requested fields."""
        ...


class PromptFormat(Protocol):
    """Writes the requests of one job and reads their replies."""

    rows_per_call: int
    stall_rounds: int
    """Consecutive rounds with hardly anything new after which the job stops."""

    def request(self, call: Call) -> ChatRequest:
        """The request for these rows."""
        ...

    def read(self, reply: ChatReply, call: Call) -> Reading:
        """The rows in a reply, in the order of `call.rows` if rows have an identity."""
        ...
