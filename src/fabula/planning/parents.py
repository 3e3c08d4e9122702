"""Row checks that look at a parent's row; they are judged once all tables are made."""

from __future__ import annotations

from fabula.io.expressions import Expression, ExpressionError, parse_expression
from fabula.kinds.checks import Check
from fabula.kinds.checks.row import RowCheck
from fabula.kinds.reference import Reference
from fabula.spec.tables import TableSpec


def references_of(table: TableSpec) -> dict[str, Reference]:
    """The references of a table by column."""
    columns = table.columns.items()
    return {name: column for name, column in columns if isinstance(column, Reference)}


def parent_columns(parsed: Expression, table: TableSpec) -> list[tuple[str, str]]:
    """What an expression uses of parents: the reference and the parent's column."""
    split = (need.split(".", 1) for need in parsed.needs if need not in table.columns)
    return [(parts[0], parts[1]) for parts in split if len(parts) == 2]


def parents_seen(check: Check, table: TableSpec) -> set[str]:
    """The tables whose rows a row check looks at alongside its own."""
    if not isinstance(check, RowCheck):
        return set()
    references = references_of(table)
    used = parent_columns(parse_expression(check.sql, references), table)
    return {references[name].parent for name, _ in used}


def is_of_one_row(check: Check, table: TableSpec) -> bool:
    """Whether a row passes or fails a check by itself, without its parents' rows."""
    if not isinstance(check, RowCheck):
        return check.of_rows
    try:
        return not parent_columns(parse_expression(check.sql, references_of(table)), table)
    except ExpressionError:  # noted as a problem of the check
        return True
