"""Conditions that a column's type brings: a domain's rules, and the size of MySQL's bits."""

from __future__ import annotations

from sqlglot import exp

from fabula.databases.schema import Column


def bits(name: str, kind: exp.DataType) -> tuple[Column, tuple[exp.Expression, ...]]:
    """MySQL's bits, which it takes as a number."""
    sizes = [int(size.name) for size in kind.expressions]
    if (sizes or [1])[0] == 1:
        return Column(name, exp.DataType.build("BOOLEAN")), ()
    column = exp.column(exp.to_identifier(name, quoted=True))
    ends = {"low": exp.convert(0), "high": exp.convert(2 ** min(sizes[0], 62) - 1)}
    return Column(name, exp.DataType.build("BIGINT")), (exp.Between(this=column, **ends),)


def about(check: exp.Expression, column: str) -> exp.Expression:
    """A domain's rule about one column."""

    def renamed(node: exp.Expression) -> exp.Expression:
        if isinstance(node, exp.Column) and node.name.lower() == "value":
            return exp.column(exp.to_identifier(column, quoted=True))
        return node

    return check.copy().transform(renamed)
