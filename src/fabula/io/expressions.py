"""SQL expressions of a spec: parsed once, their columns found, their type asked of DuckDB."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import pyarrow as pa

from fabula.io.arrays import empty_table
from fabula.io.sql import BOUNDED, sql_error, thread_connection
from fabula.io.sql_bounds import bounded, may_grow

_UNREPEATABLE = {
    "random",
    "setseed",
    "uuid",
    "gen_random_uuid",
    "uuidv4",
    "uuidv7",
    "now",
    "today",
    "get_current_time",
    "get_current_timestamp",
    "transaction_timestamp",
    "current_date",
    "current_timestamp",
    "current_localtimestamp",
    "current_time",
    "sleep_ms",
}
"""Functions whose result depends on chance or on the clock."""

_BARE = frozenset({"current_timestamp", "current_date", "current_time", "localtimestamp", "select"})
"""In a macro: the clock without brackets, and a query."""

_OF_THE_DATABASE = {
    "current_connection_id",
    "current_database",
    "current_query",
    "current_query_id",
    "current_schema",
    "current_schemas",
    "current_setting",
    "current_transaction_id",
    "currval",
    "getenv",
    "getvariable",
    "in_search_path",
    "nextval",
    "query",
    "query_table",
    "setval",
    "stats",
    "txid_current",
    "vector_type",
    "version",
    "write_log",
}
"""Functions that look at the database instead of the row."""

MOST_TEXT = 100_000
"""Characters of an expression."""
_MOST_WIDTH = re.compile(r"[*]|\d{5,}|\{[^{}]*\{")
_SOLE_COLUMN = re.compile(r'"([^"]+)"')
_SETTLED = (pa.int64(), pa.float64(), pa.bool_(), pa.string(), pa.date32(), pa.timestamp("us"))
"""Types that stay as they are in a result of SQL."""
_OF_A_PARENT = re.compile(r"([A-Za-z_]\w*)\.[A-Za-z_]\w*", re.ASCII)
_CONSTANT_NAMES = {"current_date", "current_timestamp", "current_time", "localtimestamp"}

_COMBINES = "it must not combine other rows (no aggregates)"
_INSTEAD = (
    "for a parent's count or sum over its children use an `aggregate` check; in a `window` check "
    "write `avg(price) OVER ()`"
)


class ExpressionError(ValueError):
    """An expression can't be used; `hint` says what to do where that is known."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True)
class Expression:
    """A SQL expression over one row; a parent's column is one quoted name, `"customer_id.name"`."""

    sql: str
    needs: tuple[str, ...]


def parse_expression(
    text: str, references: Collection[str] = (), *, across: bool = False
) -> Expression:
    """Parse one SQL expression.

    Args:
        text: The expression, as written in the spec.
        references: Reference columns of the table; `customer_id.name` then means the parent's.
        across: Whether window functions may look at other rows.

    Raises:
        ExpressionError: No valid expression, or one that could not be repeated.
    """
    if len(text) > MOST_TEXT:
        raise ExpressionError(f"it has more than {MOST_TEXT:,} characters")
    path = _OF_A_PARENT.fullmatch(text.strip())
    if path and path[1] in references and path[1].lower() not in _CONSTANT_NAMES:
        return Expression(f'"{path[0]}"', (path[0],))  # as DuckDB has it, which is slow to start
    try:
        return _parsed(text, references, across=across)
    except (RecursionError, MemoryError) as error:
        raise ExpressionError("it is nested too deeply") from error


def _parsed(text: str, references: Collection[str], *, across: bool) -> Expression:
    try:
        serialized = _scalar("SELECT json_serialize_sql(?)", f"SELECT {text}")
    except sql_error() as error:
        raise ExpressionError(_first_line(error)) from error
    try:
        tree = json.loads(serialized)
    except ValueError as error:
        raise ExpressionError("it has a number with too many digits") from error
    if tree.get("error"):
        raise ExpressionError(
            f"the SQL is not valid: {tree.get('error_message', '').splitlines()[0]}"
        )
    node = tree["statements"][0]["node"]
    plain = (
        len(tree["statements"]) == 1
        and node["type"] == "SELECT_NODE"
        and len(node["select_list"]) == 1
        and node["from_table"]["type"] == "EMPTY"
        and not node["where_clause"]
    )
    if not plain:
        raise ExpressionError("it must be one expression, not a query")
    node["select_list"][0]["alias"] = ""
    needs: dict[str, None] = {}
    for part in _walk(node["select_list"][0]):
        if not (across and part.get("class") == "WINDOW"):
            _inspect(part, references, needs)
    sql = _scalar("SELECT json_deserialize_sql(?)", json.dumps(tree))
    return Expression(sql.removeprefix("SELECT "), tuple(needs))


def expression_type(sql: str, types: Mapping[str, pa.DataType]) -> pa.DataType:
    """The Arrow type of an expression over columns of these types.

    Raises:
        ExpressionError: DuckDB refuses the expression: an unknown function, a wrong type.
    """
    column = _SOLE_COLUMN.fullmatch(sql)
    if column and types.get(column[1]) in _SETTLED:
        return types[column[1]]
    schema = pa.schema(list(types.items()) or [("_", pa.int64())])
    try:
        connection = thread_connection()
        with bounded(connection, rows=0, grows=may_grow(sql)):
            result = connection.from_arrow(empty_table(schema)).project(sql).to_arrow_table()
    except sql_error() as error:
        line = _first_line(error)
        if "GROUP BY" not in line:
            raise ExpressionError(line) from error
        raise ExpressionError(_COMBINES, _INSTEAD) from error
    if result.num_rows:
        raise ExpressionError(_COMBINES, _INSTEAD)
    return settled_type(result.schema[0].type)


def syntax_tree(sql: str) -> dict[str, Any]:
    """DuckDB's syntax tree of a valid expression."""
    if column := _SOLE_COLUMN.fullmatch(sql):
        return {"class": "COLUMN_REF", "column_names": [column[1]]}
    tree = json.loads(_scalar("SELECT json_serialize_sql(?)", f"SELECT {sql}"))
    expression: dict[str, Any] = tree["statements"][0]["node"]["select_list"][0]
    return expression


def case_labels(node: Mapping[str, Any]) -> list[str] | None:
    """The texts of a CASE whose every result, ELSE included, is a constant text."""
    if node["class"] != "CASE":
        return None
    results = [check["then_expr"] for check in node["case_checks"]] + [node["else_expr"]]
    texts = [constant_text(result) for result in results]
    return None if None in texts else [text for text in texts if text is not None]


def constant_text(node: Mapping[str, Any]) -> str | None:
    """The text of a constant, or None if the node is none."""
    if node["class"] != "CONSTANT" or node["literal"]["kind"] != "STRING":
        return None
    return str(node["literal"]["text"])


def settled_type(kind: pa.DataType) -> pa.DataType:
    """The type in which a SQL result is kept: decimals and small numbers become plain ones."""
    if pa.types.is_decimal(kind) or pa.types.is_floating(kind):
        return pa.float64()
    if pa.types.is_integer(kind):
        return pa.int64()
    if pa.types.is_timestamp(kind):
        return pa.timestamp("us")
    if pa.types.is_null(kind) or pa.types.is_large_string(kind):
        return pa.string()
    return kind


def _inspect(part: dict[str, Any], references: Collection[str], needs: dict[str, None]) -> None:
    """Note the columns of one node, renaming those of a parent; refuse what can't repeat."""
    kind = part.get("class")
    if kind == "SUBQUERY":
        raise ExpressionError("it must not contain a query")
    if kind == "WINDOW":
        raise ExpressionError(
            "it must not look at other rows (no window functions)",
            "a rule over other rows is a check of `kind: window`",
        )
    if kind == "PARAMETER":
        raise ExpressionError("it must not have a parameter (`?` or `$1`)")
    if kind == "STAR":
        raise ExpressionError("it must name its columns (no `*`)")
    if kind == "FUNCTION":
        _inspect_function(part)
    if kind != "COLUMN_REF":
        return
    names = part["column_names"]
    if names[0].lower() in _CONSTANT_NAMES:
        raise ExpressionError(f"`{names[0]}` gives a different result each time")
    if len(names) == 2 and names[0] in references:
        part["column_names"] = names = [".".join(names)]
    elif len(names) > 1 and names[0] not in references:
        raise ExpressionError(
            f"`{'.'.join(names)}` is not a column: `{names[0]}` is not a reference of this table"
        )
    elif len(names) > 2:
        raise ExpressionError(
            f"`{'.'.join(names)}` follows more than one reference",
            f"give the parent table an `expr` column that holds `{'.'.join(names[1:])}`",
        )
    needs[names[0]] = None


def _inspect_function(part: dict[str, Any]) -> None:
    """Refuse functions that can't be repeated, or that give no single value per row."""
    name = part["function_name"].lower()
    if name in _UNREPEATABLE or (name == "age" and len(part["arguments"]) == 1):
        raise ExpressionError(
            f"`{name}` gives a different result each time",
            "draw it in a separate column (`kind: uniform`) and use that column here",
        )
    if name in _OF_THE_DATABASE:
        raise ExpressionError(f"`{name}` reads the database, not the row")
    if name in unrepeatable_functions():
        raise ExpressionError(
            f"`{name}` is not known to give the same result for the same row",
            "use functions of the row's values only",
        )
    if name in ("printf", "format"):
        form = constant_text(part["arguments"][0]["expression"]) if part["arguments"] else None
        if form is None or _MOST_WIDTH.search(form):
            raise ExpressionError(f"`{name}` needs a constant format with widths below 10,000")
    if name in BOUNDED and not _pads_little(name, part["arguments"]):
        part["function_name"] = f"bounded_{name}"
        part["qualified_name"] = {"path": [part["function_name"]]}
    if name in ("unnest", "unlist"):
        raise ExpressionError(f"`{name}` gives several rows; an expression gives one value per row")


def _pads_little(name: str, arguments: list[dict[str, Any]]) -> bool:
    """Whether a text is filled up to a width that is written out and small."""
    if name not in ("lpad", "rpad") or len(arguments) != 3:
        return False
    width, fill = (argument["expression"] for argument in arguments[1:])
    return bool(
        width["class"] == "CONSTANT"
        and re.fullmatch(r"\d{1,3}", str(width["literal"].get("text")))
        and constant_text(fill) is not None
    )


def _walk(node: Any, bound: frozenset[str] = frozenset()) -> Iterator[dict[str, Any]]:
    """All parts of an expression but the arguments of its lambdas."""
    if isinstance(node, list):
        for child in node:
            yield from _walk(child, bound)
    if not isinstance(node, dict):
        return
    kind = node.get("class")
    if kind == "LAMBDA":
        bound |= _parameters(node)
    if kind == "COLUMN_REF" and node["column_names"][0] in bound:
        return
    if kind is not None:
        yield node
    for child in node.values():
        yield from _walk(child, bound)


def _parameters(node: Mapping[str, Any]) -> frozenset[str]:
    """What a lambda calls its arguments, used or not; `a -> '$.x'` is JSON and has none."""
    if node.get("syntax_type") != "SINGLE_ARROW":
        return _names(node["lhs"])
    return _names(node["lhs"]) & _names(node["expr"])


@lru_cache(maxsize=1)
def unrepeatable_functions() -> frozenset[str]:
    """Functions of DuckDB that need not give the same result again, and macros that use them."""
    return unrepeatable_among(
        thread_connection()
        .execute("SELECT function_name, function_type, stability, macro_definition "
                 "FROM duckdb_functions() WHERE function_type IN ('scalar', 'macro')")
        .fetchall()
    )  # fmt: skip


def unrepeatable_among(rows: Sequence[tuple[str, str, str | None, str | None]]) -> frozenset[str]:
    """Of all functions, those that need not give the same result again.

    A function is one only if all its forms are: since DuckDB 2.0.1 `+` of a time with a zone counts
    as such a form, because the zone is a setting. Here it is always UTC.

    Args:
        rows: Of each form of a function its name, type, stability, and text if it is a macro.
    """
    steady = {name for name, _, stability, _ in rows if stability == "CONSISTENT"}
    found = {name for name, kind, _, _ in rows if kind == "scalar"} - steady - {"error"}
    ours = {f"bounded_{name}" for name in BOUNDED}
    macros = {name: text or "" for name, kind, _, text in rows if kind == "macro"}
    words = {name: set(re.findall(r"\w+", text.lower())) for name, text in macros.items()}
    while True:
        more = {name for name, used in words.items() if used & (found | _BARE)} - found - ours
        if not more:
            return frozenset(found | {name for name in macros if name.startswith("pg_")} - ours)
        found |= more


def _names(node: Any) -> frozenset[str]:
    return frozenset(
        part["column_names"][0] for part in _walk(node) if part["class"] == "COLUMN_REF"
    )


def _scalar(query: str, value: str) -> str:
    return str(thread_connection().execute(query, [value]).fetchall()[0][0])


def _first_line(error: Exception) -> str:
    """DuckDB's complaint without its class and its drawing of the query."""
    line = str(error).strip().splitlines()[0]
    return line.split(": ", 1)[-1] if ": " in line else line
