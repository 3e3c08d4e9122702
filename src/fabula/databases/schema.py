"""A database's schema: what its tables promise, and what of it was not understood.

Made by `fabula.databases.ddl` from statements, whether a file or a live database has them, and by
`fabula.schemas` from other declarations. Types, conditions and defaults are sqlglot's syntax trees.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlglot import exp

    from fabula.kinds.base.columns import AbstractColumn


@dataclass(frozen=True)
class Column:
    """A column as its table declares it.

    Attributes:
        name: Its name.
        type: Its type; that of its domain if it has one.
        nullable: Whether a value may be missing.
        default: What the database fills in; None for nothing.
        generated: The expression that the database computes it by; None for a plain column.
        identity: Whether the database numbers its rows.
        comment: What the schema says about it.
        labels: The labels of its enumeration.
        drawn: The column of a spec that draws it, where its type and conditions do not say it.
        reason: Why that column draws it.
        hidden: Whether only other columns use it, so that it is not written.
        who: Tells the people of one row apart.
    """

    name: str
    type: exp.DataType
    nullable: bool = True
    default: exp.Expression | None = None
    generated: exp.Expression | None = None
    identity: bool = False
    comment: str = ""
    labels: tuple[str, ...] = ()
    drawn: AbstractColumn | None = None
    reason: str = ""
    hidden: bool = False
    who: str = ""


@dataclass(frozen=True)
class ForeignKey:
    """Columns that hold a key of another table, or of their own."""

    columns: tuple[str, ...]
    parent: str
    key: tuple[str, ...] = ()
    deferrable: bool = False


@dataclass(frozen=True)
class Unique:
    """What may not repeat: columns, or expressions; of all rows or of those that meet `where`."""

    columns: tuple[str, ...]
    expressions: tuple[exp.Expression, ...] = ()
    where: exp.Expression | None = None
    nulls_repeat: bool = True


@dataclass(frozen=True)
class Table:
    """A table as the schema declares it; `rules` is what people call its conditions."""

    name: str
    columns: Mapping[str, Column] = field(default_factory=dict)
    primary_key: tuple[str, ...] = ()
    uniques: tuple[Unique, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    checks: tuple[exp.Expression, ...] = ()
    comment: str = ""
    rules: str = "CHECK"

    def with_column(self, name: str, **facts: object) -> Table:
        """The table with other facts of one column."""
        changed = replace(self.columns[name], **facts)  # type: ignore[arg-type]
        return replace(self, columns={**self.columns, name: changed})


@dataclass(frozen=True)
class Schema:
    """All tables of a database or a file.

    Attributes:
        name: The database's or the file's name.
        dialect: Whose SQL it is written in, as sqlglot calls it.
        tables: The tables by name.
        unread: What is not understood, each with its place.
    """

    name: str
    dialect: str
    tables: Mapping[str, Table]
    unread: tuple[str, ...] = ()

    def counts(self) -> dict[str, int]:
        """How many tables, foreign keys, checks and unique constraints there are."""
        tables = self.tables.values()
        return {
            "table": len(self.tables),
            "foreign key": sum(len(table.foreign_keys) for table in tables),
            "check": sum(len(table.checks) for table in tables),
            "unique constraint": sum(len(table.uniques) for table in tables),
        }
