"""Columns of people other than the row's person: the doctor of a visit, who ships an order.

A new name that follows the row's person would name the patient as the doctor. So the values of such
a column are people of their own: the same doctor is the same new person in every row.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fabula.privacy.actions import ColumnAction
from fabula.privacy.drafts import SHARED, Draft, role_of, spaced
from fabula.privacy.masking import PersonColumns
from fabula.privacy.people import DRAWN, normal
from fabula.privacy.texts import are_people, without_titles
from fabula.relationships.key_names import singular

_TELLING = ("name", "first_name", "last_name", "email", "username", "company", "national_id")
"""Details that tell people apart; in the order in which further details follow them."""

_WHOLE = ("name", "email", "company", "national_id")
"""Details that hardly two people share."""

_SEVERAL = 0.2
"""The share of people of several rows above which different values are different people."""

_AT_LEAST = 0.05
"""Likewise of all people: one e-mail that two people share makes nobody another."""


def with_others(
    draft: Draft, actions: Mapping[str, ColumnAction], person: PersonColumns | None
) -> dict[str, ColumnAction]:
    """The actions; those of columns of other people tell whose values decide.

    Args:
        draft: The table.
        actions: What happens to its columns.
        person: Which columns tell the row's person.
    """
    made = dict(actions)
    if person is None or person.columns[0] not in draft.sample.column_names:
        return made
    found = dict(_Rows(draft, actions, person).others())
    for column, reason in found.items():
        made[column] = replace(actions[column], of=column, reason=f"people of their own: {reason}")
    leading = sorted(found, key=lambda column: _TELLING.index(actions[column].detail))
    for column, action in actions.items():
        follows = action.action == "replace" and action.detail in (*DRAWN, "national_id")
        if column in found or not follows:
            continue
        for other in leading:
            role = role_of(other)
            if role and re.match(rf"{re.escape(role)}[\W_]", spaced(column)):
                reason = f"a detail of the person of `{other}`"
                made[column] = replace(action, of=other, reason=reason)
                break
    return made


@dataclass(frozen=True, eq=False)
class _Rows:
    """Rows of a table, and whom they tell of."""

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
        """Why a column can't hold details of the row's person; nothing where it can."""
        told = self.person.told
        people, values = self._people, self._values(column)
        both = pc.and_(pc.is_valid(people), pc.is_valid(values))
        if not pc.any(both).as_py():
            return ""
        who, what = (
            each.filter(both).dictionary_encode().indices.to_numpy().astype(np.int64)
            for each in (people, values)
        )
        different = np.bincount(np.unique(np.stack([who, what], axis=1), axis=0)[:, 0])
        several, repeated = (different > 1).sum(), (np.bincount(who) > 1).sum()
        if several > _SEVERAL * repeated and several > _AT_LEAST * len(different):
            return f"one `{told}` has several values"
        if role_of(column) in self._own_roles:
            return ""
        if detail in _WHOLE and len(different) >= SHARED * (what.max() + 1):
            return f"one value has several `{told}`"
        if detail in ("name", "first_name") and self._name is not None:
            same = pc.equal(_first(values), _first(self._values(self._name)))
            if (pc.sum(same).as_py() or 0) * 2 < len(same) - same.null_count:
                return f"its first names are not those of `{self._name}`"
        return ""

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
        values = self.draft.sample.column(column)
        if pa.types.is_dictionary(values.type):
            values = values.cast(values.type.value_type)
        texts = pa.concat_arrays(
            [pa.array([], pa.large_string()), *values.cast(pa.large_string()).chunks]
        )
        nothing = pa.scalar(None, texts.type)
        return pc.if_else(are_people(texts, keys=keys), normal(without_titles(texts)), nothing)


def _first(names: pa.Array) -> pa.Array:
    return pc.replace_substring_regex(names, r"\s.*$", "")
