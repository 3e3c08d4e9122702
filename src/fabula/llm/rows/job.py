"""What is asked of `ask_rows`, and what comes back. Knows JSON Schema, not column kinds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fabula.errors import FabulaError
from fabula.llm.client.chat import Usage

if TYPE_CHECKING:
    from fabula.llm.rows.prompt_format import Notation

Row = Mapping[str, Any]
RowProblems = Callable[[dict[str, Any]], Sequence[str]]
"""Takes a row (known and asked values), returns its problems in words; may fix values in place."""
TableCheck = Callable[[Sequence[dict[str, Any]]], Mapping[int, str]]
"""Takes all rows so far, returns a problem for each bad row's position."""


@dataclass(frozen=True, slots=True)
class RowField:
    """One value that the model must give in each row."""

    name: str
    schema: Mapping[str, Any]
    description: str = ""
    required: bool = True


@dataclass(frozen=True)
class RowsJob:
    """N rows wanted from a model.

    Args:
        subject: What the rows are about, in words.
        fields: The values to ask for, in order.
        n: Rows wanted.
        given: Known values of each row (length n), or None when rows are free.
        beside: Values of each row that checks see and the model is not told (length n), or None.
        examples: Human examples: strings, mappings or models; always data, never template source.
        shown: Answered tasks for models that continue text, where there are no `examples`:
            mappings of `task` and the fields. Instruction followers are not shown them.
        extra: A further demand in words ("the name must be unusual").
        rows_per_call: Rows in one call, or None to choose by the model and the row's size.
        unique: Groups of field names whose values must not repeat in the run.
        used: Rows that exist already and must not be repeated.
        check_row: Validates one row beyond its schema.
        row_checks: A check of each row's own, after `check_row` (length n).
        check_table: Validates all rows together.
        soft_row: As `check_row`, for rules whose breach is asked again and at last accepted, since
            a check of the finished table has the last word.
        soft_table: As `check_table`, likewise.
        attempts: Times a row is asked again before it is rejected.
        text: True when the one field is free prose from its own prompt (see `prompts`).
        prompts: One full prompt a row instead of `subject` and `given` (length n).
        system: What an instruction follower is told that it does; by default it makes data up.
        temperature: Sampling temperature, or None for the model's default.
        sample: Raised to ask again for rows that equal requests gave before.
        notation: How rows are written where the endpoint can't do JSON.
        reasoning: The name under which each row keeps what the model thought, or empty.
        plain: Whether the notation is asked for from the first call on.
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


@dataclass(frozen=True, slots=True)
class Reject:
    """One row that was lost, and why."""

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
    """Rows in the order asked; None where no valid row could be had.

    Args:
        rows: The values of `RowsJob.fields`, one mapping a row.
        rejects: Why rows are None; one for each row that was given up.
        usage: Tokens of all calls.
        calls: Requests that were answered by the model.
        cached: Requests that were answered by the ledger.
        modes: How structure was asked for, and how often.
        stalled: Why asking stopped early for want of new values, or None.
        notes: What else happened on the way (cut replies, ignored columns), and how often.
        error: What stopped the run early (rows are then open, not rejected), or that no usable
            row ever came; None when all is well.
        parsed: Rows that were found in the replies.
        repeats: Those of them that repeat another one.
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
