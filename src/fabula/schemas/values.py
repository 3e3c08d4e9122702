"""Values of a JSON Schema as columns: nested ones are put together from hidden columns.

An object is `struct_pack(city := address_city, …)` over a hidden column a property; a list takes
the first few of hidden items. So bounds, patterns and choices hold at any depth.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from fabula.databases.schema import Column, ForeignKey, Table
from fabula.errors import SourceError
from fabula.kinds.base.sql import quoted
from fabula.schemas.choices import Settled, settled
from fabula.schemas.documents import Documents
from fabula.schemas.scalars import (
    ANY,
    EMPTY_OBJECT,
    Kept,
    literal_sql,
    made_column,
    of_one_type,
    plain_column,
    struct_sql,
)
from fabula.spec import col

MOST_ITEMS = 8
"""Hidden columns that a list is made of at most; a longer one repeats them."""
MOST_COLUMNS = 600
"""Columns of a table, hidden ones included; objects beyond are left out."""
_DEEPEST = 8
"""References inside each other that are followed."""
_NOT_READ = (
    "not",
    "if",
    "dependentSchemas",
    "dependencies",
    "propertyNames",
    "unevaluatedItems",
    "minContains",
    "maxContains",
)
"""Words that ask something and are passed over; they are named."""


@dataclass
class TableOfValues:
    """The columns of one table, made from the properties of an object.

    Attributes:
        name: The table's name.
        documents: Follows references.
        parents: The table of a reference, where rows of one stand for it.
        kept: What is there so far.
        links: The references to rows of other tables.
    """

    name: str
    documents: Documents
    parents: Callable[[str], Table | None]
    kept: Kept
    links: list[ForeignKey] = field(default_factory=list)

    def add_object(self, schema: Mapping[str, Any], within: tuple[str, ...] = ()) -> None:
        """Add the properties of the object that the rows are.

        Raises:
            SourceError: A property that every row has can't be made.
        """
        self._note_unread(schema, self.name)
        for name, part in self._properties(schema, self.name).items():
            made = self.add(name, part, f"{self.name}.{name}", within)
            if made is None and name in (schema.get("required") or ()):
                raise SourceError(
                    f"`{self.name}.{name}` is required and can't be made: it never ends",
                    code="source.circle",
                    hint="make it optional where it refers to its own kind",
                )

    def add(
        self,
        name: str,
        schema: Any,
        place: str,
        within: tuple[str, ...] = (),
        *,
        hidden: bool = False,
        who: str = "",
    ) -> Column | None:
        """Add the column of a value, after those that it is made from; None where it has no end.

        Args:
            name: The column.
            schema: What the value is.
            place: Where it stands, for notes.
            within: References on the way to it.
            hidden: Whether only other columns use it.
            who: The item of a list that it belongs to; people of different items differ.
        """
        found = settled(self.documents, schema, place, self.kept.notes)
        ref, about = found.ref, f"{found.schema.get('description') or ''}"
        ends = None
        if ref is not None and (parent := self.parents(ref)) is not None:
            return self._row_of(name, found, parent, hidden=hidden, item=bool(who))
        if ref is not None and ref in within:
            ends = "it refers to its own kind"
        elif len(within) > _DEEPEST or len(self.kept.columns) > MOST_COLUMNS:
            ends = "the schema has too many nested values"
        within = (*within, ref) if ref is not None else within
        if ends is None:
            self._note_unread(found.schema, place)
        if ends is not None and found.type in ("object", "array"):
            self.kept.notes.append(
                f"{place} is left {'empty' if found.nullable else 'out'}: {ends}"
            )
            empty = col.constant(None, nulls=1.0)
            made = Column(name, ANY, drawn=empty, reason=ends) if found.nullable else None
        elif "const" in found.schema or found.schema.get("enum"):
            made = plain_column(self.kept, name, found, place)
        elif found.type == "object":
            made = self._object(name, found.schema, place, within, who)
        elif found.type == "array":
            made = self._list(name, found.schema, place, within)
        else:
            made = plain_column(self.kept, name, found, place)
        if made is not None:
            kept = {"nullable": found.nullable, "hidden": hidden, "who": who}
            made = replace(made, comment=" ".join(about.split()), **kept)  # type: ignore[arg-type]
            self.kept.columns[name] = made
        return made

    def _note_unread(self, schema: Mapping[str, Any], place: str) -> None:
        names = schema.get("propertyNames")
        drawn = (
            not schema.get("properties")
            and isinstance(names, Mapping)
            and set(names) == {"pattern"}
        )
        for word in _NOT_READ:
            if word in schema and not (word == "propertyNames" and drawn):
                self.kept.notes.append(f"{place}: `{word}` is not kept: rows may break it")

    def _object(
        self, name: str, schema: Mapping[str, Any], place: str, within: tuple[str, ...], who: str
    ) -> Column | None:
        parts = {}
        for key, part in self._properties(schema, place).items():
            made = self.add(
                self.kept.free(f"{name}_{key}"),
                part,
                f"{place}.{key}",
                within,
                hidden=True,
                who=who,
            )
            if made is not None:
                parts[key] = quoted(made.name)
            elif key in (schema.get("required") or ()):
                return None
        if parts:
            return made_column(name, struct_sql(parts), "an object")
        return self._map(name, schema, place, within)

    def _map(
        self, name: str, schema: Mapping[str, Any], place: str, within: tuple[str, ...]
    ) -> Column:
        """An object whose names are not fixed: one of them, or none where nothing is asked."""
        patterns = schema.get("patternProperties") or {}
        regex, values = next(iter(patterns.items()), (None, schema.get("additionalProperties")))
        made = None
        if isinstance(values, Mapping) and schema.get("maxProperties") != 0:
            made = self.add(
                self.kept.free(f"{name}_value"), values, f"{place}.*", within, hidden=True
            )
        if made is None:
            if schema.get("minProperties"):
                self.kept.notes.append(f"{place}: `minProperties` is not kept: the object is empty")
            return made_column(name, EMPTY_OBJECT, "an object without properties")
        if schema.get("minProperties", 0) > 1:
            self.kept.notes.append(f"{place}: `minProperties` is not kept: the object has one name")
        regex = regex or (schema.get("propertyNames") or {}).get("pattern") or "[a-z]{6}"
        keys = self.add(
            self.kept.free(f"{name}_name"), {"type": "string", "pattern": regex}, place, hidden=True
        )
        assert keys is not None
        sql = f"MAP([{quoted(keys.name)}], [{quoted(made.name)}])"
        return made_column(name, sql, "an object with one name")

    def _list(
        self, name: str, schema: Mapping[str, Any], place: str, within: tuple[str, ...]
    ) -> Column | None:
        """A list of some items; a tuple has one item of each schema."""
        items, most = schema.get("items", {}), schema.get("maxItems")
        low = int(schema.get("minItems") or 0)
        heads = list(schema.get("prefixItems") or (items if isinstance(items, list) else ()))
        if isinstance(items, list):
            items = schema.get("additionalItems", {})
        if isinstance(found := schema.get("contains"), Mapping):
            heads, low = heads or [{"allOf": [items or {}, found]}], max(low, 1)
        unique = bool(schema.get("uniqueItems"))
        high = max(low, len(heads), 2 if low < 2 else low)
        high = min(high, int(most)) if most is not None else high
        if items is False:
            high = min(high, len(heads))
        low = min(max(low, len(heads)), high)
        flat = settled(self.documents, items, place, []) if isinstance(items, Mapping) else None
        listed = flat.schema.get("enum") if flat and unique else None
        if flat and unique and flat.type == "boolean":
            listed = [True, False]
        if listed and not heads:
            return self._subset(name, listed, low, schema.get("maxItems"), place)
        columns = []
        for number in range(min(high + 2 * unique, MOST_ITEMS)):
            part = heads[number] if number < len(heads) else items
            one = self.kept.free(f"{name}_{number + 1}")
            made = self.add(one, part, f"{place}[]", within, hidden=True, who=one)
            if made is None:
                break
            columns.append(made)
        if not columns:
            if low:
                return None
            return made_column(name, "[]", "a list without items")
        return made_column(
            name, self._listed(name, columns, low, high, place, unique=unique), "a list"
        )

    def _listed(
        self,
        name: str,
        columns: Sequence[Column],
        low: int,
        high: int,
        place: str,
        *,
        unique: bool,
    ) -> str:
        """The SQL of a list of `low` to `high` of these columns."""
        types = {_shape(column) for column in columns}
        if len(types) > 1:
            self.kept.notes.append(f"{place}: items of several types: only the first one is kept")
            columns = columns[:1]
        names = [quoted(column.name) for column in columns]
        if unique:
            whole = f"list_sort(list_distinct([{', '.join(names)}]))"
            if high > len(names):
                self.kept.notes.append(
                    f"{place}: `uniqueItems` with {low} items or more is not kept"
                )
        else:
            whole = f"[{', '.join(names[number % len(names)] for number in range(high))}]"
        if low == high and not unique:
            return whole
        length = self.kept.hidden(f"{name}_length", col.uniform(low, high, decimals=0), "items")
        return f"list_slice({whole}, 1, {quoted(length)})"

    def _subset(
        self, name: str, listed: Sequence[Any], low: int, most: int | None, place: str
    ) -> Column:
        """Distinct ones of listed values: as many neighbours, from any of them on."""
        values = of_one_type(listed, place, self.kept.notes)
        size = len(values)
        start = self.kept.hidden(
            f"{name}_start", col.uniform(1, size, decimals=0), "the first item"
        )
        high = min(size, max(low, 3)) if most is None else min(size, int(most))
        many = self.kept.hidden(f"{name}_length", col.uniform(low, high, decimals=0), "items")
        twice = f"[{', '.join(map(literal_sql, [*values, *values]))}]"
        first = quoted(start)
        return made_column(
            name, f"list_slice({twice}, {first}, {first} + {quoted(many)} - 1)", "listed values"
        )

    def _row_of(
        self, name: str, found: Settled, parent: Table, *, hidden: bool, item: bool
    ) -> Column:
        """An object that is a row of another table: the reference is hidden, the row is copied."""
        link = self.kept.free(f"{name}_row")
        key = parent.columns[parent.primary_key[0]]
        told = f"a row of `{parent.name}`"
        drawn = col.reference(parent.name) if item else None
        self.kept.columns[link] = Column(
            link, key.type, nullable=found.nullable, hidden=True, drawn=drawn, reason=told
        )
        if drawn is None:
            self.links.append(ForeignKey((link,), parent.name, (key.name,)))
        parts = {
            column.name: f"{quoted(link)}.{quoted(column.name)}"
            for column in parent.columns.values()
            if not column.hidden
        }
        sql = struct_sql(parts)
        if found.nullable:
            sql = f"CASE WHEN {quoted(link)} IS NOT NULL THEN {sql} END"
        made = replace(made_column(name, sql, told), nullable=False, hidden=hidden)
        self.kept.columns[name] = made
        return made

    def _properties(self, schema: Mapping[str, Any], place: str) -> dict[str, Any]:
        """The properties that a row gets; names must differ by more than their case.

        Raises:
            SourceError: Two required names differ by nothing but their case.
        """
        needed = schema.get("required") or ()
        listed = {**(schema.get("properties") or {})}
        listed |= {name: {} for name in needed if name not in listed}
        for name, others in (schema.get("dependentRequired") or {}).items():
            if name in listed:
                listed |= {other: {} for other in others if other not in listed}
        for regex, part in (schema.get("patternProperties") or {}).items():
            fitting = [name for name in listed if re.search(regex, name)]
            listed |= {name: {"allOf": [listed[name], part]} for name in fitting}
        kept: dict[str, Any] = {}
        for name in sorted(listed, key=lambda name: name not in needed):
            if listed[name] is False or not name:
                continue
            twin = next((other for other in kept if other.lower() == name.lower()), None)
            if twin is not None and name in needed:
                raise SourceError(
                    f"`{place}` requires `{twin}` and `{name}`, which differ by case alone",
                    code="source.twins",
                    hint="rename one of them",
                )
            if twin is not None:
                self.kept.notes.append(f"{place}.{name} is left out: `{twin}` has the same letters")
            else:
                kept[name] = listed[name]
        counted = self._counted(kept, schema, place)
        return {name: counted[name] for name in listed if name in counted}

    def _counted(
        self, kept: Mapping[str, Any], schema: Mapping[str, Any], place: str
    ) -> Mapping[str, Any]:
        """As many properties as an object may have, the required ones first."""
        least, most = schema.get("minProperties", 0), schema.get("maxProperties", len(kept))
        if kept and len(kept) < least:
            self.kept.notes.append(f"{place}: `minProperties` is not kept: rows may break it")
        first = dict(list(kept.items())[:most])
        if len(first) < len(kept):
            left = ", ".join(name for name in kept if name not in first)
            self.kept.notes.append(f"{place}: `maxProperties` leaves out {left}")
        return first


def _shape(column: Column) -> str:
    """What type a value has, as far as items of one list must agree."""
    drawn = column.drawn
    if drawn is None or drawn.kind != "expr":
        return column.type.sql()
    return "struct" if "struct_pack" in drawn.sql else "other"  # type: ignore[attr-defined]
