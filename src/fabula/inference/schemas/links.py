"""Foreign keys of a schema as references: which column leads, which copy, which stay empty."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fabula.databases.schema import ForeignKey, Schema, Table


@dataclass(frozen=True)
class Link:
    """One column of a foreign key.

    Attributes:
        column: The column.
        parent: The parent table.
        target: What the reference names: the table, or its column.
        nullable: Whether the whole key may be missing.
        copied: The reference and the parent's column that it is copied through; None for the
            reference itself.
        deferred: Whether the parent's row may come later.
        empty: Why the column stays empty.
    """

    column: str
    parent: str
    target: str
    nullable: bool = False
    copied: tuple[str, str] | None = None
    deferred: bool = False
    empty: str = ""


class Links:
    """The references of a whole schema; `notes` says which keys are not kept."""

    def __init__(self, schema: Schema) -> None:
        self.notes: list[str] = []
        self._schema = schema
        self._circles = _circles(schema)
        self._links = {name: self._of(table) for name, table in schema.tables.items()}
        self._drivers = {name: self._driver_of(name) for name in schema.tables}

    def of(self, table: str) -> Mapping[str, Link]:
        """The columns of a table that are parts of foreign keys."""
        return self._links[table]

    def driver(self, table: str) -> Link | None:
        """The reference whose parent decides how many rows there are."""
        return self._drivers[table]

    def depth(self, table: str) -> int:
        """How many drivers lead from a table to a root."""
        driver = self._drivers[table]
        return 0 if driver is None else 1 + self.depth(driver.parent)

    def key_of(self, table: str, column: str) -> str:
        """The column that a reference of one column points at."""
        (link,) = [k for k in self._schema.tables[table].foreign_keys if k.columns == (column,)]
        return link.key[0]

    def _of(self, table: Table) -> dict[str, Link]:
        found: dict[str, Link] = {}
        for key in sorted(table.foreign_keys, key=lambda key: -len(key.columns)):
            if any(table.columns[name].generated is not None for name in key.columns):
                self.notes.append(
                    f"{table.name}: the foreign key ({', '.join(key.columns)}) is generated"
                )
                continue
            if not set(key.columns) & set(found):
                found |= self._fresh(table, key)
            elif not self._is_implied(table, key):
                found |= self._unkept(table, key, found)
        return found

    def _fresh(self, table: Table, key: ForeignKey) -> dict[str, Link]:
        """The links of a key that shares no column with another one."""
        parent = self._schema.tables[key.parent]
        nullable = all(table.columns[name].nullable for name in key.columns)
        pairs = dict(zip(key.columns, key.key, strict=True))
        if len(pairs) > 1 and key.parent == table.name:
            return self._unkept(table, key, {})
        single = [name for name, target in pairs.items() if _identifies(parent, target)]
        if len(pairs) > 1 and not single and set(key.key) != set(parent.primary_key):
            return self._unkept(table, key, {})
        others = {name for other in table.foreign_keys if other != key for name in other.columns}
        lead = single[0] if single else next((n for n in pairs if n not in others), key.columns[0])
        alone = len(pairs) == 1 and parent.primary_key == (pairs[lead],)
        target = key.parent if alone else f"{key.parent}.{pairs[lead]}"
        deferred = (
            key.deferrable and not nullable and key.parent in self._circles.get(table.name, ())
        )
        made = {lead: Link(lead, key.parent, target, nullable, deferred=deferred)}
        for name, part in pairs.items():
            if name != lead:
                made[name] = Link(name, key.parent, target, nullable, copied=(lead, part))
        return made

    def _unkept(self, table: Table, key: ForeignKey, found: Mapping[str, Link]) -> dict[str, Link]:
        """A key that no reference can keep: empty if that is allowed, else said."""
        own = [name for name in key.columns if name not in found]
        free = [name for name in own if table.columns[name].nullable]
        listed = ", ".join(key.columns)
        reason = f"the key ({listed}) to `{key.parent}` shares columns with another key"
        if not found:
            reason = f"no reference keeps the key ({listed}) to `{key.parent}`"
        if free:
            return {free[0]: Link(free[0], key.parent, key.parent, nullable=True, empty=reason)}
        self.notes.append(f"{table.name}: {reason}; edit its columns")
        return {}

    def _is_implied(self, table: Table, key: ForeignKey) -> bool:
        """Whether a wider key leads to a row that has this key itself."""
        for wide in table.foreign_keys:
            if len(wide.columns) <= len(key.columns) or not set(key.columns) <= set(wide.columns):
                continue
            parts = tuple(wide.key[wide.columns.index(name)] for name in key.columns)
            above = self._schema.tables[wide.parent].foreign_keys
            if wide.parent == key.parent and parts == key.key:
                return True
            if any((up.columns, up.parent, up.key) == (parts, key.parent, key.key) for up in above):
                return True
        return False

    def _driver_of(self, table: str) -> Link | None:
        """The first reference that every row has, to a table outside the own circle."""
        circle = self._circles.get(table, frozenset({table}))
        for column in self._schema.tables[table].columns:
            link = self._links[table].get(column)
            if link is None or link.copied or link.empty or link.nullable:
                continue
            if link.parent not in circle and link.parent != table:
                return link
        return None


def _identifies(table: Table, column: str) -> bool:
    """Whether a column's values never repeat by themselves."""
    return table.primary_key == (column,) or any(
        once.columns == (column,) and once.where is None for once in table.uniques
    )


def _circles(schema: Schema) -> dict[str, frozenset[str]]:
    """The tables that lead back to themselves, each with those that it shares a circle with."""
    ahead = {
        name: {key.parent for key in table.foreign_keys if key.parent != name}
        for name, table in schema.tables.items()
    }
    reached = {name: _reached(name, ahead) for name in ahead}
    return {
        name: frozenset(other for other in reached[name] if name in reached[other])
        for name in ahead
        if name in reached[name]
    }


def _reached(start: str, ahead: Mapping[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = list(ahead[start])
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += ahead[name]
    return found
