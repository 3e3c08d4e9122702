"""The caller's own rules on rows, as Python functions, in the form that the row loop takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from fabula.augment.row_schema import Make
from fabula.errors import UsageError, did_you_mean
from fabula.llm.rows.job import RowProblems, TableCheck

if TYPE_CHECKING:
    from fabula.types import TableLike

CheckRow: TypeAlias = Callable[[Any], str | Sequence[str] | bool | None]
"""Takes a row, returns its problems in words; None, True and nothing mean that it is fine."""
CheckTable: TypeAlias = Callable[[list[Any]], Mapping[int, str]]
"""Takes all rows, returns a problem for the position of each bad one."""


def row_check(make: Make, check: CheckRow | None) -> RowProblems:
    """A check that makes the row's object, then asks the caller's own function."""

    def problems(values: dict[str, Any]) -> Sequence[str]:
        try:
            made = make(values)
        except ValueError as error:
            return _told(error)
        verdict = None if check is None else check(made)
        if verdict is False:
            return ["the row is not acceptable"]
        if verdict is None or verdict is True:
            return ()
        return [verdict] if isinstance(verdict, str) and verdict else list(verdict)

    return problems


def unless_overlapping(check: RowProblems, data: TableLike | None) -> RowProblems:
    """A check that also refuses rows with a text that overlaps with an evaluation file."""
    if data is None:
        return check
    from fabula.dedup.against import texts_in
    from fabula.training.clean import against_file

    against = against_file(data)

    def problems(values: dict[str, Any]) -> Sequence[str]:
        found = list(check(values))
        if not found:
            overlaps = against.overlaps(texts_in([values]))
            found = [overlap.told for overlap in overlaps if overlap is not None]
        return found

    return problems


def table_check(make: Make, check: CheckTable | None) -> TableCheck | None:
    """A check of all rows that shows the caller's function their objects."""
    if check is None:
        return None

    def problems(rows: Sequence[dict[str, Any]]) -> Mapping[int, str]:
        try:
            found = dict(check([make(row) for row in rows]))
        except Exception as error:
            raise UsageError(
                f"`check_table` failed: {type(error).__name__}: {error}",
                code="usage.check-table",
                hint="it takes the list of rows and returns {position: problem}",
            ) from error
        for position in found:
            if not isinstance(position, int) or not 0 <= position < len(rows):
                raise UsageError(
                    f"`check_table` names row {position!r} of {len(rows)}",
                    code="usage.check-table",
                    hint="return {position: problem}, with positions from 0",
                )
        return found

    return problems


def unique_groups(
    unique: str | Sequence[str | Sequence[str]], names: Sequence[str]
) -> tuple[tuple[str, ...], ...]:
    """Names and groups of names as groups.

    Raises:
        UsageError: There is no such field.
    """
    listed = [unique] if isinstance(unique, str) else unique
    groups = tuple((item,) if isinstance(item, str) else tuple(item) for item in listed)
    for name in (name for group in groups for name in group):
        if name not in names:
            raise UsageError(
                f"`unique` names `{name}`, which is not a field",
                code="usage.unknown-field",
                hint=did_you_mean(name, names) or f"there are {', '.join(names)}",
            )
    return groups


def _told(error: ValueError) -> list[str]:
    """An error in words; Pydantic's names each field."""
    if not hasattr(error, "errors"):
        return [str(error) or type(error).__name__]
    told = []
    for item in error.errors(include_url=False):
        place = ".".join(map(str, item["loc"])) or "the row"
        told.append(f"`{place}`: {item['msg'][:1].lower()}{item['msg'][1:]}")
    return told
