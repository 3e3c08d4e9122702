"""Which rows a page asks for: a search, filters, an order and a place, to and from its address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from fabula.errors import UsageError, column_hint, did_you_mean
from fabula.kinds.base.sql import quoted

PAGE_ROWS = 50
LONGEST = 1_000
"""Characters of a search or a value; what is longer is refused."""

OPERATORS = {"is": "=", "is not": "<>", "contains": "", "at least": ">=", "at most": "<=",
             "is missing": "IS NULL", "is present": "IS NOT NULL"}  # fmt: skip


@dataclass(frozen=True)
class Filter:
    """One condition on a column."""

    column: str
    operator: str
    value: str = ""

    def __str__(self) -> str:
        return f"{self.column} {self.operator} {self.value}".rstrip()

    def sql(self, kind: str) -> tuple[str, list[str]]:
        """The condition with its parameters; a value of another type matches no row.

        Args:
            kind: The column's type, as DuckDB names it.
        """
        name, operator = quoted(self.column), OPERATORS[self.operator]
        if operator.endswith("NULL"):
            return f"{name} {operator}", []
        if not operator:
            return contains(self.column), [self.value]
        return f"{name} {operator} TRY_CAST(? AS {kind})", [self.value]


def contains(column: str) -> str:
    """The condition that a column contains a text, in any case."""
    return f"contains(lower(CAST({quoted(column)} AS VARCHAR)), lower(?))"


@dataclass(frozen=True)
class Query:
    """The rows of one page.

    Attributes:
        search: A text that any column contains.
        filters: Conditions that all hold.
        sort: The column that orders the rows; empty for their order in the file.
        descending: Whether the largest values lead.
        page: The page, from 0.
    """

    search: str = ""
    filters: tuple[Filter, ...] = ()
    sort: str = ""
    descending: bool = False
    page: int = 0

    @classmethod
    def of(cls, values: Mapping[str, Any], columns: Sequence[str]) -> Query:
        """Read the query of an address.

        Args:
            values: The parameters of the address; `where` may be a list.
            columns: The columns that there are.

        Raises:
            UsageError: A column, operator or page does not exist, or a value is too long.
        """
        given = [tuple(str(each).split("\x1f", 2)) for each in values.get("where", ())]
        if values.get("column"):
            given.append((values["column"], values.get("operator", "is"), values.get("value", "")))
        filters = tuple(dict.fromkeys(_filter(parts, columns) for parts in given))
        sort, page = str(values.get("sort", "")), str(values.get("page", "") or "0")
        if sort:
            _check_column(sort, columns)
        if not page.isdecimal() or len(page) > 12:
            raise UsageError(f"`{page}` is not a page", code="usage.page", hint="start at page 0")
        search = _short(str(values.get("q", "")).strip())
        return cls(search, filters, sort, bool(values.get("desc")), int(page))

    def address(self, **changes: Any) -> str:
        """The parameters of this query, or of one that differs in some parts."""
        other = replace(self, **{"page": 0, **changes})
        pairs: list[tuple[str, Any]] = [
            *(("where", f"{f.column}\x1f{f.operator}\x1f{f.value}") for f in other.filters),
            ("q", other.search), ("sort", other.sort),
            ("desc", "1" if other.descending else ""), ("page", other.page or ""),
        ]  # fmt: skip
        text = urlencode([(name, value) for name, value in pairs if value != ""])
        return f"?{text}"


def _filter(parts: Sequence[str], columns: Sequence[str]) -> Filter:
    column, operator, value = (*parts, "", "")[:3]
    _check_column(column, columns)
    if operator not in OPERATORS:
        raise UsageError(f"`{operator}` is not an operator", code="usage.operator",
                         hint=did_you_mean(operator, OPERATORS))  # fmt: skip
    return Filter(column, operator, _short(value))


def _check_column(name: str, columns: Sequence[str]) -> None:
    if name not in columns:
        raise UsageError(
            f"there is no column `{name[:LONGEST]}`",
            code="usage.column",
            hint=column_hint(name, columns),
        )


def _short(value: str) -> str:
    if len(value) > LONGEST:
        raise UsageError(
            f"a value of {len(value):,} characters is too long to search for",
            code="usage.too-long",
            hint=f"give at most {LONGEST:,} characters",
        )
    return value
