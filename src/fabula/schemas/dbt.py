"""dbt's `manifest.json` as a schema: tests and contracts become keys and conditions.

Types come from the project's YAML, or from `catalog.json` in the same folder.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlglot import exp, parse_one
from sqlglot.errors import SqlglotError

from fabula.databases.schema import Column, ForeignKey, Schema, Table, Unique
from fabula.errors import SourceError
from fabula.schemas.documents import read_document

_KINDS = ("model", "seed", "snapshot", "source")
_NAMED = re.compile(r"(?:ref|source)\((?:.*,)?\s*['\"](?P<name>[^'\"]+)['\"]\s*\)")
_DIALECTS = {"athena": "trino", "fabric": "tsql", "sqlserver": "tsql", "synapse": "tsql"}


def is_dbt_manifest(root: Any) -> bool:
    """Whether a document is a manifest of dbt."""
    told = root.get("metadata") if isinstance(root, Mapping) else None
    return isinstance(told, Mapping) and "dbt_schema_version" in told and "nodes" in root


def read_dbt(path: Path, root: Mapping[str, Any]) -> Schema:
    """The tables of a dbt project, of which at least one column is documented.

    Raises:
        SourceError: No table has columns.
    """
    project = _Project(path, root)
    tables = project.tables()
    if not tables:
        raise SourceError(
            f"`{path}` documents no columns",
            code="source.empty",
            file=str(path),
            hint="list columns in the project's YAML, or run `dbt docs generate` for their types",
        )
    name = str(root["metadata"].get("project_name") or path.stem)
    return Schema(name, project.dialect, tables, tuple(dict.fromkeys(project.notes)))


class _Project:
    """A project on its way to tables."""

    def __init__(self, path: Path, root: Mapping[str, Any]) -> None:
        adapter = str(root["metadata"].get("adapter_type") or "postgres")
        self.dialect = _DIALECTS.get(adapter, adapter)
        self.notes: list[str] = []
        catalog = path.with_name("catalog.json")
        known = read_document(catalog) if catalog.is_file() else {}
        self._catalog = {**known.get("nodes", {}), **known.get("sources", {})}
        nodes = {**root.get("nodes", {}), **root.get("sources", {})}
        self._nodes = {k: n for k, n in nodes.items() if n.get("resource_type") in _KINDS}
        self._tests = [node for node in nodes.values() if node.get("resource_type") == "test"]
        self._names = _unlike_names(self._nodes)
        self._tables: dict[str, Table] = {}

    def tables(self) -> dict[str, Table]:
        """The tables by name."""
        for key, node in self._nodes.items():
            table = self._table(key, node)
            if table.columns:
                self._tables[key] = table
            else:
                self.notes.append(f"{table.name} is left out: no column of it is documented")
        for key, node in self._nodes.items():
            for column, rules in _constraints(node):
                for rule in rules if key in self._tables else ():
                    self._constrain(key, column, rule)
        for test in self._tests:
            self._keep(test)
        for key, table in self._tables.items():
            self._tables[key] = _with_key(table)
        return {table.name: table for table in self._tables.values()}

    def _table(self, key: str, node: Mapping[str, Any]) -> Table:
        """A table with its columns, of the types that are known."""
        listed = {**self._catalog.get(key, {}).get("columns", {})}
        typed = {name.lower(): str(column.get("type") or "") for name, column in listed.items()}
        columns: dict[str, Column] = {}
        for name, column in {**{n: {} for n in listed}, **(node.get("columns") or {})}.items():
            own = next((n for n in columns if n.lower() == name.lower()), name)
            kind = column.get("data_type") or typed.get(name.lower())
            columns.pop(own, None)
            about = " ".join(str(column.get("description") or "").split())
            columns[name] = Column(name, self._type(name, kind), comment=about)
        about = " ".join(str(node.get("description") or "").split())
        return Table(self._names[key], columns, comment=about, rules="dbt")

    def _type(self, name: str, kind: str | None) -> exp.DataType:
        """A column's type; where it is not said, by its name."""
        try:
            if kind:
                return exp.DataType.build(kind, dialect=self.dialect, udt=True)
        except (SqlglotError, ValueError):
            self.notes.append(f"{name}: the type `{kind}` is not known: a text")
            return exp.DataType.build("TEXT")
        for rule, guessed in _TYPES_BY_NAME.items():
            if re.search(rule, name, re.I):
                return exp.DataType.build(guessed)
        return exp.DataType.build("TEXT")

    def _constrain(self, key: str, column: str | None, rule: Mapping[str, Any]) -> None:
        """Keep one constraint of a contract."""
        table, kind = self._tables[key], str(rule.get("type"))
        names = tuple(rule.get("columns") or ([column] if column else ()))
        if kind == "not_null":
            for name in names:
                table = table.with_column(name, nullable=False)
        elif kind == "unique":
            table = replace(table, uniques=(*table.uniques, Unique(names)))
        elif kind == "primary_key":
            for name in names:
                table = table.with_column(name, nullable=False)
            table = replace(table, primary_key=names)
        elif kind == "check":
            table = self._with_check(table, str(rule.get("expression")))
        elif kind == "foreign_key" and rule.get("to"):
            to = str(rule["to"]).replace('"', "").rpartition(".")[2]
            table = self._with_link(table, names, to, tuple(rule.get("to_columns") or ()))
        else:
            self.notes.append(f"{table.name}: the constraint `{kind}` is not kept")
        self._tables[key] = table

    def _keep(self, test: Mapping[str, Any]) -> None:
        """Keep what a test asks of its table."""
        told, name = test.get("test_metadata") or {}, str(test.get("name"))
        key, kind = test.get("attached_node") or _tested(test), str(told.get("name"))
        table = self._tables.get(str(key))
        if table is None:
            if key in self._nodes or not told:
                self.notes.append(f"the test `{name}` is not kept")
            return
        given = told.get("kwargs") or {}
        column = _found(table, test.get("column_name") or given.get("column_name"))
        keeper = _TESTS.get(kind)
        if (test.get("config") or {}).get("where") and keeper is not None:
            self.notes.append(f"{table.name}: the test `{name}` has a `where`: kept for all rows")
        if keeper is None or (column is None and kind not in _OF_TABLES):
            self.notes.append(f"{table.name}: the test `{name}` is not kept")
            return
        self._tables[str(key)] = keeper(self, table, column or "", given)

    def _not_null(self, table: Table, column: str, _: Mapping[str, Any]) -> Table:
        return table.with_column(column, nullable=False)

    def _unique(self, table: Table, column: str, _: Mapping[str, Any]) -> Table:
        return replace(table, uniques=(*table.uniques, Unique((column,))))

    def _accepted(self, table: Table, column: str, given: Mapping[str, Any]) -> Table:
        kind = table.columns[column].type
        values = [exp.convert(_of_type(kind, value)) for value in given.get("values") or ()]
        listed = exp.In(this=exp.column(exp.to_identifier(column, quoted=True)), expressions=values)
        return replace(table, checks=(*table.checks, listed))

    def _related(self, table: Table, column: str, given: Mapping[str, Any]) -> Table:
        named = _NAMED.search(str(given.get("to")))
        return self._with_link(
            table, (column,), named["name"] if named else str(given.get("to")), (given["field"],)
        )

    def _together(self, table: Table, _: str, given: Mapping[str, Any]) -> Table:
        names = [_found(table, n) for n in given.get("combination_of_columns") or ()]
        kept = tuple(name for name in names if name is not None)
        return replace(table, uniques=(*table.uniques, Unique(kept))) if kept else table

    def _between(self, table: Table, column: str, given: Mapping[str, Any]) -> Table:
        open_ended = given.get("inclusive", True) is False
        for word, signs in (("min_value", (exp.GTE, exp.GT)), ("max_value", (exp.LTE, exp.LT))):
            if (bound := given.get(word)) is not None:
                name = exp.to_identifier(column, quoted=True)
                try:
                    value = exp.convert(bound) if bound != str(bound) else parse_one(str(bound))
                except SqlglotError:
                    self.notes.append(f"{table.name}.{column}: `{word}` is not kept")
                    continue
                sign = signs[open_ended](this=exp.column(name), expression=value)
                table = replace(table, checks=(*table.checks, sign))
        return table

    def _true(self, table: Table, column: str, given: Mapping[str, Any]) -> Table:
        return self._with_check(table, f"{column} {given.get('expression')}".strip())

    def _with_check(self, table: Table, sql: str) -> Table:
        try:
            made: Any = parse_one(sql, read=self.dialect)
            return replace(table, checks=(*table.checks, made))
        except (SqlglotError, ValueError):
            self.notes.append(f"{table.name}: the condition `{sql}` is not kept")
            return table

    def _with_link(
        self, table: Table, columns: tuple[str, ...], to: str, key: tuple[str, ...]
    ) -> Table:
        """A table with a foreign key to another one of the project."""
        parents = [
            other
            for place, other in self._tables.items()
            if to in (other.name, self._nodes[place].get("name"))
        ]
        named = [_found(parents[0], name) for name in key] if parents else []
        if not parents or None in named or any(name not in table.columns for name in columns):
            self.notes.append(f"{table.name}: the key ({', '.join(columns)}) to `{to}` is not kept")
            return table
        link = ForeignKey(columns, parents[0].name, tuple(name for name in named if name))
        return replace(table, foreign_keys=(*table.foreign_keys, link))


_Keeper = Callable[[_Project, Table, str, Mapping[str, Any]], Table]
_TESTS: Mapping[str, _Keeper] = {
    "not_null": _Project._not_null,
    "unique": _Project._unique,
    "accepted_values": _Project._accepted,
    "relationships": _Project._related,
    "unique_combination_of_columns": _Project._together,
    "accepted_range": _Project._between,
    "expression_is_true": _Project._true,
}
_OF_TABLES = ("unique_combination_of_columns", "expression_is_true")
"""Tests that may be about a whole table."""
_TYPES_BY_NAME = {
    r"(^|_)id$|_count$|^(n|num)_": "BIGINT",
    r"_at$|_time(stamp)?$|^(created|updated)$": "TIMESTAMP",
    r"_date$|^date$|_day$|_on$": "DATE",
    r"^(is|has|was)_": "BOOLEAN",
    r"(amount|price|total|cost|revenue|value|rate)$": "DECIMAL(12, 2)",
}
"""What a column without a type is, by its name."""


def _unlike_names(nodes: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Each table's name; where two are called alike, with what comes before it."""
    called = {key: str(node.get("name")) for key, node in nodes.items()}
    return {
        key: name if list(called.values()).count(name) == 1 else key.partition(".")[2]
        for key, name in called.items()
    }


def _constraints(node: Mapping[str, Any]) -> Iterator[tuple[str | None, Any]]:
    """The constraints of a contract, of the table and of each column."""
    yield None, node.get("constraints") or ()
    for name, column in (node.get("columns") or {}).items():
        yield name, column.get("constraints") or ()


def _of_type(kind: exp.DataType, value: Any) -> Any:
    """A listed value as its column has it; the YAML of a test often quotes numbers."""
    text = str(value).strip()
    if kind.this in exp.DataType.NUMERIC_TYPES and re.fullmatch(r"-?\d+(\.\d+)?", text):
        return float(text) if "." in text else int(text)
    if kind.this == exp.DType.BOOLEAN and text.lower() in ("true", "false"):
        return text.lower() == "true"
    return str(value) if kind.this in exp.DataType.TEXT_TYPES else value


def _tested(test: Mapping[str, Any]) -> str | None:
    """The table that an older manifest's test is about: the last one that it depends on."""
    nodes = (test.get("depends_on") or {}).get("nodes") or ()
    return str(nodes[-1]) if nodes else None


def _found(table: Table, name: Any) -> str | None:
    """A column by its name, whatever its case."""
    wanted = str(name).strip('"`').lower() if name else None
    return next((column for column in table.columns if column.lower() == wanted), None)


def _with_key(table: Table) -> Table:
    """A table with the first column that is unique and never missing as its key."""
    if not table.primary_key:
        for once in table.uniques:
            if len(once.columns) == 1 and not table.columns[once.columns[0]].nullable:
                return replace(table, primary_key=once.columns)
    return table
