"""Rules across tables in a guessed spec: columns that keep them, and checks that state them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

import pyarrow as pa

from fabula.io.sql import thread_connection
from fabula.kinds.base.columns import AbstractColumn
from fabula.kinds.base.sql import quoted
from fabula.kinds.checks.row import RowCheck
from fabula.kinds.datetime import Datetime
from fabula.kinds.reference import Reference
from fabula.relationships.keys import Keys
from fabula.relationships.rules.finding import find_rules
from fabula.relationships.rules.links import Link, aligned, links_between
from fabula.relationships.rules.plain import DAY, Plain
from fabula.relationships.rules.rule import Copy, Found, Later, Place, Total
from fabula.relationships.rules.times import find_row_times
from fabula.spec import col
from fabula.spec.tables import TableSpec

_SECOND = 1_000_000
_UNITS = (("d", DAY), ("h", 3_600 * _SECOND), ("s", _SECOND))


def keep_rules(
    data: Mapping[str, pa.Table],
    keys: Keys,
    tables: dict[str, TableSpec],
    reasons: dict[str, str],
) -> None:
    """Have columns follow from their parents' as the data's do, in place.

    A spec makes parents before children, so a parent's total is told, and not kept.

    Args:
        data: The real tables.
        keys: Their keys.
        tables: The guessed tables.
        reasons: Why each column is what it is, by place.
    """
    before = _row_orders(data, keys, tables)
    orders: dict[Place, list[Later]] = {}
    ends: dict[Place, Later] = {}
    for item in find_rules(data, keys).kept:
        rule = item.rule
        name, column = rule.target
        if isinstance(rule, Total):
            reasons[f"tables.{name}.columns.{column}"] += f"; {_told(item, rule)}"
        elif not _is_link(tables[name], rule.key.columns):
            continue
        elif isinstance(rule, Copy) or rule.equal:
            sql, check = _copy(rule) if isinstance(rule, Copy) else _same_time(rule)
            _put(tables, name, column, col.expr(sql), [check])
            reasons[f"tables.{name}.columns.{column}"] = f"{item.rule.told} in all rows"
        elif not isinstance(tables[name].columns[column], Datetime):
            continue
        elif rule.until:
            ends[name, column] = rule
        else:
            orders.setdefault((name, column), []).append(rule)
    links = {link.key: link for link in links_between(data, keys)} if orders else {}
    for name, column in dict.fromkeys([*before, *orders]):
        rules = orders.get((name, column), [])
        starts = [_since(rule) for rule in rules]
        lengths = [_longest(links[rule.key], rule) for rule in rules]
        source, length = before.get((name, column), ("", 0))
        if isinstance(tables[name].columns.get(source), Datetime):  # and no copy of the parent's
            starts, lengths = [*starts, sql_name(source)], [*lengths, length]
        if not starts:
            continue
        start = starts[0] if len(starts) == 1 else f"greatest({', '.join(starts)})"
        end = ends.get((name, column))
        told = f"never before {' and '.join(starts)}"
        change = {"start": start, "end": None, "within": _length(max(lengths))}
        checks = [f"{sql_name(column)} >= {since}" for since in starts]
        if end is not None and len(starts) == len(rules) == 1 and _spans(before, rules[0], end):
            change |= {"end": _since(end), "within": None}
            told += f", never after {_since(end)}"
            checks.append(f"{sql_name(column)} <= {_since(end)}")
        kind = tables[name].columns[column].model_copy(update=change)
        _put(tables, name, column, kind, checks)
        reasons[f"tables.{name}.columns.{column}"] = told


def _row_orders(
    data: Mapping[str, pa.Table], keys: Keys, tables: Mapping[str, TableSpec]
) -> dict[Place, tuple[str, int]]:
    """Times that are never before another one of their row: that one, and the longest distance."""
    found: dict[Place, tuple[str, int]] = {}
    for name, rows in data.items():
        columns = tables[name].columns
        for column, source, longest in find_row_times(Plain(rows, keys.of(name))):
            kind, start = columns.get(column), columns.get(source)
            if isinstance(kind, Datetime) and isinstance(start, Datetime) and not start.nulls:
                found[name, column] = source, longest
    return found


def _spans(before: Mapping[Place, tuple[str, int]], start: Later, end: Later) -> bool:
    """Whether two times of one parent are in order in its spec, too."""
    follows = before.get((end.key.parent, end.since), ("", 0))[0]
    return start.key == end.key and follows == start.since


def _is_link(table: TableSpec, columns: Sequence[str]) -> bool:
    return len(columns) == 1 and isinstance(table.columns.get(columns[0]), Reference)


def _put(
    tables: dict[str, TableSpec],
    name: str,
    column: str,
    kind: AbstractColumn,
    checks: Sequence[str],
) -> None:
    table = tables[name]
    hidden = [each for known in tables.values() for each in known.columns.items() if each[1].drop]
    shown = [sql for sql in checks if not any(sql_name(each) in sql for each, _ in hidden)]
    added = tuple(RowCheck(sql=sql) for sql in shown)  # a check sees what is written
    kind = kind.model_copy(update={"drop": table.columns[column].drop})
    tables[name] = table.model_copy(
        update={"columns": {**table.columns, column: kind}, "checks": (*table.checks, *added)}
    )


def _copy(rule: Copy) -> tuple[str, str]:
    """The SQL of a copy, and of the check that states it."""
    source, column = _above(rule.key.columns[0], rule.source), sql_name(rule.column)
    if rule.factor == 1:
        return source, f"{column} = {source}"
    product = f"{rule.factor:g} * {source}"
    if rule.decimals is None:
        return product, f"abs({column} - {product}) <= 1e-9 * abs({column})"
    room = f"{0.5 * 10.0**-rule.decimals + 1e-9:.10g}"
    return f"round({product}, {rule.decimals})", f"abs({column} - {product}) <= {room}"


def _same_time(rule: Later) -> tuple[str, str]:
    return _since(rule), f"{sql_name(rule.column)} = {_since(rule)}"


def _since(rule: Later) -> str:
    since = _above(rule.key.columns[0], rule.since)
    return f"CAST({since} AS DATE)" if rule.daily else since


def _told(item: Found, rule: Total) -> str:
    """A total as a remark, with the check that states it."""
    of = ".".join(
        [rule.key.child, " * ".join(map(sql_name, rule.values))][: 2 if rule.values else 1]
    )
    check = f"{{kind: aggregate, column: {rule.column}, of: '{of}', function: {rule.function}}}"
    return f"{item.told}; a spec can't make that, but it can check it: {check}"


def _longest(link: Link, rule: Later) -> int:
    """The longest distance of a child's time from its parent's, in microseconds."""
    mine, theirs = aligned(link, rule.column, rule.since)
    both = mine.known & theirs.known
    return int((mine.plain - theirs.plain)[both].max(initial=0))


def _length(microseconds: int) -> str:
    """A duration that is not shorter, in days if it has two of them."""
    for unit, size in _UNITS[:-1]:
        if microseconds >= 2 * size:
            return f"{-(-microseconds // size)}{unit}"
    return f"{max(-(-microseconds // _SECOND), 1)}s"


def _above(reference: str, column: str) -> str:
    return f"{sql_name(reference)}.{sql_name(column)}"


def sql_name(column: str) -> str:
    """A column's name in SQL."""
    plain = column.isascii() and column.isidentifier() and column.lower() not in _reserved()
    return column if plain else quoted(column)


@cache
def _reserved() -> frozenset[str]:
    found = thread_connection().execute(
        "SELECT keyword_name FROM duckdb_keywords() WHERE keyword_category <> 'unreserved'"
    )
    return frozenset(name for (name,) in found.fetchall())
