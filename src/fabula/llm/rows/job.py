"""The input and the result of `ask_rows`. Knows JSON Schema, not column kinds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fabula.errors import FabulaError
from fabula.llm.client.chat import Usage

if TYPE_CHECKING:
    from fabula.llm.rows.prompt_format import Notation

Row = Mapping[str, Any]
RowProblems = Callable[[dict[str, Any]], Sequence[str]]
"""Takes a row (known and requested values), returns its problems in words; may fix values in
place."""
TableCheck = Callable[[Sequence[dict[str, Any]]], Mapping[int, str]]
"""Takes all rows so far, returns a problem for each invalid row's position."""


@dataclass(frozen=True, slots=True)
class RowField:
    """One value that the model must provide in each row."""

    name: str
    schema: Mapping[str, Any]
    description: str = ""
    required: bool = True


@dataclass(frozen=True)
class RowsJob:
    """A request for N rows.

    Args:
        subject: What the rows are about, in words.
        fields: The requested values, in order.
        n: Number of rows.
        given: Known values of each row (length n), or None when rows are free.
        beside: Values of each row that checks see and the model doesn't (length n), or None.
        examples: Human examples: strings, mappings or models; always data, never template source.
        shown: Answered tasks for models that continue text, if there are no `examples`: mappings of
            `task` and the fields. Instruction-following models don't see them.
        extra: A further instruction ("the name must be unusual").
        rows_per_call: Rows in one call, or None to choose by the model and the row's size.
        unique: Groups of field names whose values must not repeat in the run.
        used: Existing rows that must not be repeated.
        check_row: Validates one row beyond its schema.
        row_checks: An extra check for each row, after `check_row` (length n).
        check_table: Validates all rows together.
        soft_row: Like `check_row`, for rules whose violation is retried and finally accepted, since
            a check of the finished table decides.
        soft_table: Like `check_table`, likewise.
        attempts: Retries of a row before it is rejected.
        text: True if the one field is free prose from its own prompt (see `prompts`).
        prompts: One full prompt per row instead of `subject` and `given` (length n).
        system: The task in the system message; by default, generating data.
        temperature: Sampling temperature, or None for the model's default.
        sample: Increased to request different rows with equal requests.
        notation: How rows are written if the endpoint can't do JSON.
        reasoning: The name under which each row keeps the model's reasoning, or empty.
        plain: Whether the notation is requested from the first call on.
        reopens: Whether rows that only earlier runs gave up are requested again with new replies;
            False is for callers that do so themselves.
    """

    subject: str
    fields: tuple[RowField, ...]
    n: int
    given: Sequence[Row] | None = None
    beside: Sequence[Row] | None = None
    examples: Sequence[Any] = ()
    shown: Sequence[Row] = ()
    extra: str = ""
    rows_per_call: int | None = None
    unique: tuple[tuple[str, ...], ...] = ()
    used: Sequence[Row] = ()
    check_row: RowProblems | None = None
    row_checks: Sequence[RowProblems] | None = None
    check_table: TableCheck | None = None
    soft_row: RowProblems | None = None
    soft_table: TableCheck | None = None
    attempts: int = 3
    text: bool = False
    prompts: Sequence[str] | None = None
    system: str = ""
    temperature: float | None = None
    sample: int = 0
    notation: Notation | None = None
    reasoning: str = ""
    plain: bool = False
    reopens: bool = True


@dataclass(frozen=True, slots=True)
class Reject:
    """A lost row, and why it was lost."""

    row: int
    reason: str
    raw: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Asked:
    """A call whose reply is kept: the rows that it asked for, and its key in the ledger."""

    rows: tuple[int, ...]
    key: str


@dataclass
class RowsResult:
    """Rows in the requested order; None for each one without a valid reply.

    Args:
        rows: The values of `RowsJob.fields`, one mapping per row.
        rejects: Why rows are None; one for each row given up.
        usage: Tokens of all calls.
        calls: Requests answered by the model.
        cached: Requests answered by the ledger.
        modes: How structured output was requested, and how often.
        stalled: Why the job stopped early for lack of new values, or None.
        notes: Other events (cut replies, ignored columns), and how often.
        error: What stopped the run early (rows are then open, not rejected), or that no reply had a
            usable row; None on success.
        parsed: Rows found in the replies.
        repeats: Those that repeat another one.
        unread: Pieces of replies that were rows but could not be read, each with the reason.
        asked: The calls whose replies are kept, in their order.
    """

    rows: list[dict[str, Any] | None]
    rejects: list[Reject] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)
    calls: int = 0
    cached: int = 0
    modes: dict[str, int] = field(default_factory=dict)
    stalled: str | None = None
    notes: dict[str, int] = field(default_factory=dict)
    error: FabulaError | None = None
    parsed: int = 0
    repeats: int = 0
    unread: list[tuple[str, str]] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)

    def count(self, part: RowsResult) -> None:
        """Add the calls of a part of the job, and what happened to them."""
        self.usage += part.usage
        self.calls += part.calls
        self.cached += part.cached
        self.notes = dict(Counter(self.notes) + Counter(part.notes))
        self.modes = dict(Counter(self.modes) + Counter(part.modes))
