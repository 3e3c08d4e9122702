"""Columns of people other than the row's person: the doctor of a visit, who ships an order.

A new name that follows the row's person would name the patient as the doctor. So the values of such
a column are people of their own: the same doctor is the same new person in every row.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fabula.io.arrays import whole_texts
from fabula.privacy.actions import ColumnAction, PersonColumns, TableMask, own_columns
from fabula.privacy.drafts import SHARED, Draft, role_of, spaced
from fabula.privacy.people import DRAWN, EMAIL, normal
from fabula.privacy.rows import full_name
from fabula.privacy.texts import are_people, without_titles
from fabula.relationships.key_names import singular

Place = tuple[str, str]

_TELLING = ("name", "first_name", "last_name", "email", "username", "company", "national_id")
"""Details that distinguish people; in the order in which further details follow them."""

_PLACES = ("street", "address", "postcode", "city", "state")
"""Details of an address; the first of them tells one from another."""

_PLACED = re.compile(
    r"[\W_]*(street|road|address|addr|line|city|town|state|region|province|county|zip([\W_]*code)?"
    r"|post(al)?[\W_]*code|plz|ort|stadt|stra(ss|ß)e|anschrift|adresse|rue|ville|calle|ciudad|via"
    r"|citt[àa])?([\W_]*\d+)?$"
)
"""What a column of an address is called, behind the role of the address: `billing_city`."""

_FURTHER = "a further {} of the person"

_WHOLE = ("name", "email", "company", "national_id")
"""Details that hardly two people share."""

_SEVERAL = 0.2
"""The share of people of several rows above which different values are different people."""

_NEARLY_ALL = 0.9
"""The share of other people who are those of a table from which they are looked up there."""

_AT_LEAST = 0.05
"""Likewise of all people: one e-mail that two people share makes nobody another."""


def with_others(
    draft: Draft,
    actions: Mapping[str, ColumnAction],
    person: PersonColumns | None,
    keys: Collection[Place],
) -> dict[str, ColumnAction]:
    """The actions; those of columns of other people tell whose values decide.

    Args:
        draft: The table.
        actions: What happens to its columns.
        person: Which columns identify the row's person.
        keys: The tables and columns whose keys tell people.
    """
    if person is None or person.columns[0] not in draft.sample.column_names:
        return dict(actions)
    rows = _Rows(draft, actions, person)
    found = dict(rows.others())
    made = dict(actions)
    for leader in sorted(found, key=lambda column: _TELLING.index(actions[column].detail)):
        if made[leader].of:
            continue  # a detail of someone whom another column tells
        role = role_of(leader)
        begin = re.compile(rf"{re.escape(role)}[\W_]" if role else r"\Z.")
        related = [
            column
            for column, action in actions.items()
            if action.action == "replace"
            and action.detail in (*DRAWN, "national_id")
            and column not in person.columns
            and (column == leader or begin.match(spaced(column)))
        ]
        of = _telling(draft, actions, person, leader, keys)
        for column in related:
            reason = f"people of their own: {found[column]}" if column in found else ""
            reason = reason or f"a detail of the person of `{' '.join(of)}`"
            made[column] = replace(actions[column], of=of, reason=reason)
    return made | dict(_further(made, rows))


def _further(
    actions: Mapping[str, ColumnAction], rows: _Rows
) -> Iterator[tuple[str, ColumnAction]]:
    """The columns of e-mails and addresses of which one person has several."""
    own = {n: a for n, a in actions.items() if a.action == "replace" and not a.of}
    for column in [name for name, action in own.items() if action.detail == "email"][1:]:
        yield column, replace(own[column], by=column, reason=_FURTHER.format("e-mail"))
    roles: dict[str, list[str]] = {}
    for column in (name for name, action in own.items() if action.detail in _PLACES):
        roles.setdefault(_PLACED.sub("", spaced(column)), []).append(column)
    first, *others = [roles[role] for role in sorted(roles, key=len)] or [[]]
    for columns in others:
        if {own[c].detail for c in columns}.isdisjoint({own[c].detail for c in first}):
            first += columns  # `home_address` and `city` are one address
        else:
            lead = _lead(columns, own)
            for column in columns:
                yield column, replace(own[column], by=lead, reason=_FURTHER.format("address"))
    if first and rows.has_several(lead := _lead(first, own)):
        told = f"one `{rows.person.told}` has several values of `{lead}`"
        for column in first:
            yield column, replace(own[column], by=lead, reason=told)


def _lead(columns: Sequence[str], actions: Mapping[str, ColumnAction]) -> str:
    """The column that tells an address best."""
    return min(columns, key=lambda name: _PLACES.index(actions[name].detail))


def _telling(
    draft: Draft,
    actions: Mapping[str, ColumnAction],
    person: PersonColumns,
    leader: str,
    keys: Collection[Place],
) -> tuple[str, ...]:
    """The columns that identify the people of a role best: their key, or their leading name."""
    role = role_of(leader)
    mine = [c for c in actions if role and role_of(c) == role and c not in person.columns]
    for column in mine:
        if actions[column].detail == "key" and draft.target(column) in keys:
            return (column,)
    parts = {actions[c].detail: c for c in mine if actions[c].action == "replace"}
    if person.tags[0] == EMAIL and "email" in parts:
        return (parts["email"],)
    if actions[leader].detail == "first_name" and "last_name" in parts:
        return (leader, parts["last_name"])
    return (leader,)


def joins_of(
    drafts: Mapping[str, Draft], tables: Mapping[str, TableMask]
) -> dict[str, frozenset[str]]:
    """By what each table looks up people of all tables: `email`, `name`.

    An e-mail that tells a table's rows does. Those of other people do where nearly all of them are
    those of a table's own people: the managers among employees, and no doctors among patients.
    """
    found = {}
    for name, table in tables.items():
        kinds = {EMAIL} if table.person and table.person.tags[0] == EMAIL else set()
        for of in {action.of for action in table.columns.values() if action.of}:
            detail = table.columns[of[0]].detail
            kind = EMAIL if detail == "email" else "name"
            if detail not in ("email", "name", "first_name") or (detail, len(of)) == (
                "first_name", 1,
            ):  # fmt: skip
                continue
            values = _named(drafts[name], of, kind)
            for other, theirs in tables.items():
                own = own_columns(theirs, kind) if theirs.person and theirs.person.is_key else ()
                if own and len(values):
                    known = pc.is_in(values, value_set=_named(drafts[other], own, kind))
                    if pc.mean(known.cast(pa.int8())).as_py() >= _NEARLY_ALL:
                        kinds.add(kind)
        found[name] = frozenset(kinds)
    return found


def _named(draft: Draft, columns: Sequence[str], kind: str) -> pa.Array:
    """The different names or e-mails in some columns."""
    parts = [whole_texts(draft.sample.column(column)) for column in columns]
    values = normal(parts[0]) if kind == EMAIL else full_name(parts)
    return pc.unique(values.filter(are_people(values)))


@dataclass(frozen=True, eq=False)
class _Rows:
    """Rows of a table, and whom they are about."""

    draft: Draft
    actions: Mapping[str, ColumnAction]
    person: PersonColumns

    def others(self) -> Iterator[tuple[str, str]]:
        """The columns of other people, with the reason."""
        told = self.person.columns[0]
        for column, action in self.actions.items():
            tells = action.action == "replace" and action.detail in _TELLING
            if tells and column != told and (reason := self._reason(column, action.detail)):
                yield column, reason

    def _reason(self, column: str, detail: str) -> str:
        """Why a column can't hold details of the row's person; nothing if it can."""
        told, values = self.person.told, self._values(column)
        people, differing, several = self._spread(values)
        if several:
            return f"one `{told}` has several values"
        if role_of(column) in self._own_roles:
            return ""
        if detail in _WHOLE and people >= SHARED * differing > 0:
            return f"one value has several `{told}`"
        if detail in ("name", "first_name") and self._name is not None:
            same = pc.equal(_first(values), _first(self._values(self._name)))
            if (pc.sum(same).as_py() or 0) * 2 < len(same) - same.null_count:
                return f"its first names are not those of `{self._name}`"
        return ""

    def has_several(self, column: str) -> bool:
        """Whether many people of several rows have several values."""
        return self._spread(self._values(column))[2]

    def _spread(self, values: pa.Array) -> tuple[int, int, bool]:
        """How many people and values there are, and whether many people have several."""
        both = pc.and_(pc.is_valid(self._people), pc.is_valid(values))
        if not pc.any(both).as_py():
            return 0, 0, False
        who, what = (
            each.filter(both).dictionary_encode().indices.to_numpy().astype(np.int64)
            for each in (self._people, values)
        )
        different = np.bincount(np.unique(np.stack([who, what], axis=1), axis=0)[:, 0])
        several, repeated = (different > 1).sum(), (np.bincount(who) > 1).sum()
        many = several > _SEVERAL * repeated and several > _AT_LEAST * len(different)
        return len(different), int(what.max()) + 1, bool(many)

    @cached_property
    def _people(self) -> pa.Array:
        return self._values(self.person.columns[0], keys=True)

    @cached_property
    def _own_roles(self) -> set[str]:
        """What columns of the row's person are called after."""
        table = singular(self.draft.name.lower().rpartition(".")[2])
        return {"", role_of(self.person.columns[0]), table}

    @cached_property
    def _name(self) -> str | None:
        """The column of the row's person's own first or full name."""
        own = (c for c, a in self.actions.items() if a.detail in ("first_name", "name")
               and a.action == "replace" and role_of(c) in self._own_roles)  # fmt: skip
        return next(own, None)

    def _values(self, column: str, *, keys: bool = False) -> pa.Array:
        """Values as people mean them; placeholders are null."""
        texts = whole_texts(self.draft.sample.column(column))
        nothing = pa.scalar(None, texts.type)
        return pc.if_else(are_people(texts, keys=keys), normal(without_titles(texts)), nothing)


def _first(names: pa.Array) -> pa.Array:
    return pc.replace_substring_regex(names, r"\s.*$", "")
