"""Conditions of a database as row checks, which DuckDB runs."""

from __future__ import annotations

from contextlib import suppress

import pyarrow as pa
from sqlglot import exp, parse_one

from fabula.databases.schema import Table
from fabula.inference.schemas.conditions import COUNTS
from fabula.io.expressions import ExpressionError, expression_type, parse_expression
from fabula.io.sql import locked_connection, sql_error


def row_check_of(condition: exp.Expression, table: Table) -> str | None:
    """The SQL of a row check that holds where a condition does; None if no check can say it."""
    if condition.find(exp.Typeof):
        return None  # each database has names of its own for types
    try:
        sql = condition.transform(_listed).sql("duckdb")
        needs = parse_expression(sql).needs
        types = {name.lower(): column.type for name, column in table.columns.items()}
        expression_type(sql, {name: _type(types[name.lower()]) for name in needs})
    except (ExpressionError, KeyError, AttributeError):  # sqlglot has no words for it
        return None
    return sql


def _listed(node: exp.Expression) -> exp.Expression:
    """`= ANY (ARRAY[…])`, as PostgreSQL keeps `IN (…)`, and `<> ALL`, as lists."""
    if isinstance(node, exp.Cast) and node.to.this == exp.DType.USERDEFINED:
        bare: exp.Expression = node.this
        return bare  # DuckDB has no enumeration of that name
    if isinstance(node, exp.Anonymous) and node.name.lower() in COUNTS:
        sign = "NOT " * (node.name.lower() == "num_nonnulls")
        gaps = [f"CAST({part.sql()} IS {sign}NULL AS INT)" for part in node.expressions]
        return exp.paren(parse_one(" + ".join(gaps)), copy=False)
    right = node.args.get("expression")
    if isinstance(node, exp.EQ) and isinstance(right, exp.Any):
        listed: exp.Expression | None = right.this
    elif isinstance(node, exp.NEQ) and isinstance(right, exp.Anonymous) and right.name == "ALL":
        listed = right.expressions[0] if right.expressions else None
    else:
        return node
    while isinstance(listed, exp.Paren | exp.Cast):
        listed = listed.this
    if not isinstance(listed, exp.Array):
        return node
    within = exp.In(this=node.this, expressions=listed.expressions)
    return within if isinstance(node, exp.EQ) else exp.Not(this=within)


def _type(kind: exp.DataType) -> pa.DataType:
    """A type as DuckDB knows it, if need be without its width; text for those that it doesn't."""
    plain = exp.DataType(this=kind.this)  # MySQL writes `int(11)`
    with locked_connection() as memory:
        for form in (kind, plain):
            with suppress(sql_error()):
                found = memory.sql(f"SELECT CAST(NULL AS {form.sql('duckdb')})")
                return found.to_arrow_table().schema[0].type
    return pa.string()
