"""JSON Schema and OpenAPI: each object becomes a table whose rows are valid against it.

References between the objects of an OpenAPI document lead to rows: an order that holds a customer
holds one of the customers. `customer_id` is a key of `Customer` where the types agree.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlglot import exp

from fabula.databases.schema import Column, ForeignKey, Schema, Table
from fabula.errors import SourceError
from fabula.relationships.column_names import name_words
from fabula.schemas.choices import Settled, discriminated, settled
from fabula.schemas.documents import Documents
from fabula.schemas.scalars import Kept
from fabula.schemas.values import TableOfValues
from fabula.spec import col

_PLACES = ("components/schemas", "definitions", "$defs")
"""Where documents keep several schemas."""
RULES = "the schema"


def read_json_schema(path: Path, root: Any) -> Schema:
    """The tables of a JSON Schema, or of an OpenAPI document.

    Raises:
        SourceError: It describes no object, or one that never ends.
    """
    documents = Documents(path, root)
    return _schema(path, documents, _objects_of(documents, path))


def read_definitions(
    path: Path, definitions: Mapping[str, Any], tops: Sequence[str], notes: tuple[str, ...]
) -> Schema:
    """The tables of other formats' records, as JSON Schemas by their full names.

    Args:
        path: The file that defines them.
        definitions: The schemas; they refer to each other by `#/definitions/NAME`.
        tops: Which ones become tables.
        notes: What their reader does not keep.

    Raises:
        SourceError: None is an object, or one never ends.
    """
    documents = Documents(path, {"definitions": definitions})
    short = [name.rpartition(".")[2] for name in tops]
    found = {
        f"{path.resolve()}#/definitions/{name}": name if short.count(last) > 1 else last
        for name, last in zip(tops, short, strict=True)
    }
    made = _schema(path, documents, found)
    return replace(made, unread=(*notes, *made.unread))


def _schema(path: Path, documents: Documents, objects: Mapping[str, str]) -> Schema:
    tables = _Tables(documents, objects)
    inline = _inline(documents.root.get("paths")) if is_openapi(documents.root) else 0
    if inline:
        told = f"{inline} object{'s' * (inline > 1)}"
        hint = "give each a name in `components.schemas`"
        tables.notes.append(f"{told} that `paths` describes in place: not read; {hint}")
    made = tables.all()
    if not made:
        raise SourceError(
            f"`{path}` describes no object with properties",
            code="source.empty",
            file=str(path),
            hint="give a schema with `type: object` and `properties`, or an OpenAPI document with"
            " `components.schemas`",
        )
    return Schema(path.name.partition(".")[0], "duckdb", made, tuple(dict.fromkeys(tables.notes)))


def _objects_of(documents: Documents, path: Path) -> dict[str, str]:
    """The names of schemas that may be tables, by the reference that leads to each."""
    root, file = documents.root, f"{path.resolve()}"
    if not is_openapi(root):
        whole = settled(documents, root, path.stem, [])
        name = _words(str(root.get("title") or "")) or path.name.partition(".")[0]
        if whole.type == "array":
            return {f"{file}#/items": name}
        if whole.schema.get("properties"):
            return {f"{file}#": name}
    found = {}
    for place in _PLACES:
        part: Any = root
        for key in place.split("/"):
            part = part.get(key) if isinstance(part, Mapping) else None
        for name in part if isinstance(part, Mapping) else ():
            found[f"{file}#/{place}/{name.replace('~', '~0').replace('/', '~1')}"] = name
    return found


def _inline(node: Any) -> int:
    """How many objects with properties stand in requests and responses themselves."""
    if isinstance(node, list):
        return sum(map(_inline, node))
    if not isinstance(node, Mapping):
        return 0
    if isinstance(node.get("properties"), Mapping):
        return 1
    return sum(map(_inline, node.values()))


def is_openapi(root: Any) -> bool:
    """Whether a document is one of OpenAPI, or of Swagger 2."""
    return isinstance(root, Mapping) and ("openapi" in root or "swagger" in root)


def is_json_schema(root: Any) -> bool:
    """Whether a document is a JSON Schema, and no data."""
    if not isinstance(root, Mapping):
        return False
    if "json-schema.org" in str(root.get("$schema", "")):
        return True
    return root.get("type") in ("object", "array") and (
        isinstance(root.get("properties"), Mapping) or isinstance(root.get("items"), Mapping)
    )


class _Tables:
    """The tables of a document; each is made when it is first asked for."""

    def __init__(self, documents: Documents, objects: Mapping[str, str]) -> None:
        self.notes: list[str] = []
        self._documents = documents
        self._made: dict[str, Table] = {}
        self._open: set[str] = set()
        self._schemas = {}
        for ref, name in objects.items():
            schema = settled(documents, {"$ref": ref}, name, [])
            if schema.type == "object" and schema.schema.get("properties"):
                self._schemas[ref] = (name, self._named(schema, ref))

    def all(self) -> dict[str, Table]:
        """All tables, with the keys that names tell of."""
        for ref in self._schemas:
            self._table(ref)
        self._link_by_name()
        return self._made

    def _named(self, found: Settled, ref: str) -> Settled:
        """An object with the name that the discriminator of its base asks for."""
        told = found.schema.get("discriminator")
        if not isinstance(told, Mapping) or "propertyName" not in told:
            return found
        asked = discriminated(self._documents, found.schema, told, ref)
        return replace(found, schema=self._documents.flat({"allOf": [found.schema, asked]}))

    def _table(self, ref: str) -> Table | None:
        """The table of a reference that leads to one."""
        if ref not in self._schemas:
            return None
        name, found = self._schemas[ref]
        if name not in self._made:
            self._open.add(ref)
            values = TableOfValues(name, self._documents, self._parent, Kept(self.notes))
            settled(self._documents, {"$ref": ref}, name, self.notes)
            values.add_object(found.schema, (ref,))
            self._open.remove(ref)
            key = _key_of(name, values.kept, found.schema)
            about = " ".join(str(found.schema.get("description") or "").split())
            self._made[name] = Table(
                name,
                values.kept.columns,
                primary_key=(key,) if key else (),
                foreign_keys=tuple(values.links),
                checks=tuple(values.kept.checks),
                comment=about,
                rules=RULES,
            )
        return self._made[name]

    def _parent(self, ref: str) -> Table | None:
        """The table whose rows stand for a reference; None where the object is made in place."""
        table = None if ref in self._open else self._table(ref)
        return table if table is not None and table.primary_key else None

    def _link_by_name(self) -> None:
        """Take `customer_id` for a key of `Customer`, where types agree and no circle closes."""
        keyed = {_words(name): table for name, table in self._made.items() if table.primary_key}
        for name, column in [(n, c) for n, t in self._made.items() for c in t.columns.values()]:
            table, called = self._made[name], _words(column.name)
            ends = [word for word in keyed if f"_{called}".endswith(f"_{word}_id")]
            parent = keyed[max(ends, key=len)] if ends else None
            if parent is None or name == parent.name:
                continue
            if f"{_words(parent.name)}_id" != called and not column.hidden:
                continue
            key, told = parent.columns[parent.primary_key[0]], f"{name}.{column.name}"
            if not _same_values(table, column, parent, key):
                self.notes.append(f"{told} is not taken for a key of `{parent.name}`")
            elif self._leads(parent.name, name):
                self.notes.append(f"{told}: a key of `{parent.name}` would close a circle")
            elif column.hidden:
                drawn = col.reference(parent.name)
                reason = f"a key of `{parent.name}`"
                self._made[name] = table.with_column(column.name, drawn=drawn, reason=reason)
            else:
                link = ForeignKey((column.name,), parent.name, (key.name,))
                links = (*table.foreign_keys, link)
                self._made[name] = replace(table, foreign_keys=links)

    def _leads(self, start: str, end: str) -> bool:
        """Whether keys, or rows that are copied, lead from a table to another one."""
        waiting, seen = [start], set()
        while waiting:
            table = self._made[waiting.pop()]
            if table.name == end:
                return True
            if table.name not in seen:
                seen.add(table.name)
                waiting += [link.parent for link in table.foreign_keys]
                waiting += [
                    column.drawn.to.partition(".")[0]  # type: ignore[attr-defined]
                    for column in table.columns.values()
                    if column.drawn is not None and column.drawn.kind == "reference"
                ]
        return False


def _words(name: str) -> str:
    return "_".join(name_words(name))


def _key_of(name: str, kept: Kept, schema: Mapping[str, Any]) -> str | None:
    """The property that names the rows: `id`, or `customer_id` of `Customer`."""
    for property_name in schema.get("properties") or ():
        column = kept.columns.get(property_name)
        if column is None or column.nullable or column.drawn is not None:
            continue
        kind = column.type.sql().upper()
        listed = any(check.key == "in" and check.this.name == column.name for check in kept.checks)
        named = _words(property_name) in ("id", f"{_words(name)}_id")
        if named and not listed and kind in ("BIGINT", "INT", "UUID", "TEXT"):
            return str(property_name)
    return None


def _same_values(child: Table, column: Column, parent: Table, key: Column) -> bool:
    """Whether the values of a key are allowed in another table's column."""
    same = column.type == key.type and column.drawn is None
    return same and _asked(child, column.name) <= _asked(parent, key.name)


def _asked(table: Table, column: str) -> set[str]:
    """The conditions of one column, without its name."""
    return {
        check.sql().replace(f'"{column}"', "x")
        for check in table.checks
        if any(node.name == column for node in check.find_all(exp.Column))
    }
