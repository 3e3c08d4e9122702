"""Whom the rows of a block are about, and the details of the new people in their place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.io.arrays import array_of, is_text, whole_texts
from fabula.privacy.actions import TableMask
from fabula.privacy.people import (
    ACCOUNT,
    EMAIL,
    KEY_BYTES,
    PLACE,
    Group,
    Keys,
    NewPeople,
    normal,
    person_keys,
)
from fabula.privacy.secret import Secret
from fabula.privacy.texts import are_people, without_titles

WEEKS = 52
"""Dates move into the past by one to that many weeks, and so never beyond the last day."""

_UNDOUBTED = ("key", "code", "uuid", "plate", "postcode")


@dataclass(frozen=True, eq=False)
class Persons:
    """New people instead of those of some rows.

    Attributes:
        group: The different people.
        place: Each row's place among them.
    """

    group: Group
    place: NDArray[np.int64]

    def detail(self, name: str) -> pa.Array:
        """A detail of each row's new person."""
        values = self.group.field(name)
        if len(values) == len(self.place) and (self.place == np.arange(len(self.place))).all():
            return values
        return values.take(array_of(self.place))

    @cached_property
    def days(self) -> NDArray[np.int64]:
        """By how many days the dates of each row move."""
        weeks = 1 + (self.group.uniform("shift") * WEEKS).astype(np.int64)
        return np.asarray(-7 * weeks[self.place])

    @cached_property
    def male(self) -> NDArray[np.bool_]:
        """Whether each row's new person is a man."""
        return np.asarray(self.group.are_male[self.place])


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows of one block.

    Attributes:
        table: How their table is masked.
        secret: The masking's key.
        people: The new people.
        columns: The values.
    """

    table: TableMask
    secret: Secret
    people: NewPeople
    columns: Mapping[str, pa.Array]
    _others: dict[tuple[str, ...], Persons] = field(default_factory=dict)

    def known(self, name: str) -> pa.Array:
        """Which values of a column are known, and no placeholders."""
        values, action = self.columns[name], self.table.columns.get(name)
        keys = action is None or action.detail in _UNDOUBTED
        return are_people(values, keys=keys) if is_text(values.type) else pc.is_valid(values)

    def persons(self, column: str) -> Persons:
        """The people of whom a column tells: the rows' own, or others."""
        of, by = self.table.columns[column].of, self.table.columns[column].by
        if by and (by,) not in self._others:
            self._others[by,] = self._with_further(by)
        if by or not of:
            return self._others[by,] if by else self.own
        if of not in self._others:
            related = [name for name, action in self.table.columns.items() if action.of == of]
            keys, _, place = self._keys(self._leading(of), related, f"other {' '.join(of)}")
            self._others[of] = Persons(self.people.at(keys), place)
        return self._others[of]

    def detail(self, name: str, column: str) -> pa.Array:
        """A detail of the new people of whom a column tells."""
        return self.persons(column).detail(name)

    @cached_property
    def own(self) -> Persons:
        """The people of the rows themselves."""
        person = self.table.person
        replaced = [n for n, a in self.table.columns.items() if a.action == "replace"]
        told = zip(person.columns, person.tags, strict=True) if person else ()
        keys, first, place = self._keys(
            ((_nulled(self.columns[name], self.known(name)), tag) for name, tag in told),
            replaced,
            f"row of {self.table.name}",
        )
        sexes = sexes_of(self.table, self.columns)
        return Persons(self.people.at(keys, None if sexes is None else sexes[first]), place)

    def _with_further(self, by: str) -> Persons:
        """The rows' own people with a further e-mail or address, where it isn't their first."""
        detail, texts = self.table.columns[by].detail, normal(whole_texts(self.columns[by]))
        first = next(
            (
                name
                for name, action in self.table.columns.items()
                if (action.detail, action.of, action.by) == (detail, (), "")
                and name in self.columns
            ),
            None,
        )
        is_first = pc.invert(self.known(by))
        if first is not None:
            same = pc.equal(texts, normal(whole_texts(self.columns[first])))
            is_first = pc.or_(is_first, pc.fill_null(same, False))
        coded = pc.fill_null(texts, "").dictionary_encode()
        bits = self.secret.digests(coded.dictionary, f"further {detail}", KEY_BYTES)
        bits = bits[coded.indices.to_numpy()]
        bits[is_first.to_numpy(zero_copy_only=False)] = 0
        part = ACCOUNT if detail == "email" else PLACE
        group = self.own.group.with_bits(self.own.place, bits, part)
        return Persons(group, np.arange(len(texts)))

    def _leading(self, of: Sequence[str]) -> Iterator[tuple[pa.Array, str]]:
        """What tells other people: a key of theirs, an e-mail, or names."""
        action, values = self.table.columns[of[0]], self.columns[of[0]]
        if action.detail == "key":
            yield values, action.domain
        elif len(of) > 1 or action.detail == "name":
            yield full_name([self.columns[name] for name in of]), "name"
        else:
            yield values, EMAIL if action.detail == "email" else action.detail

    def _keys(
        self, told: Iterable[tuple[pa.Array, str]], rest: Sequence[str], purpose: str
    ) -> tuple[Keys, NDArray[np.int64], NDArray[np.int64]]:
        """The keys of the different people, a row of each, and each row's place among them.

        Args:
            told: What tells them, with its tag; where the first is null, the next one tells.
            rest: The columns that tell people whom nothing else tells.
            purpose: What such people are.
        """
        size = len(next(iter(self.columns.values())))
        found: list[Keys] = [np.zeros((0, KEY_BYTES), np.uint8)]
        place = np.full(size, -1)
        count = 0
        for values, tag in told:
            rows = np.flatnonzero((place < 0) & values.is_valid().to_numpy(zero_copy_only=False))
            coded = _coded(values.take(array_of(rows)))
            keys = person_keys(self.secret, coded.dictionary, tag)
            if find := self.table.aliases.get(tag):
                keys = find(coded.dictionary, keys)
            found.append(keys)
            place[rows] = count + coded.indices.to_numpy()
            count += len(coded.dictionary)
            if (place >= 0).all():
                break
        rows = np.flatnonzero(place < 0)
        if len(rows):
            found.append(person_keys(self.secret, normal(self._joined(rest, rows)), purpose))
            place[rows] = count + np.arange(len(rows))
        first = np.zeros(sum(map(len, found)), np.int64)
        first[place[::-1]] = np.arange(size)[::-1]
        return np.concatenate(found), first, place

    def _joined(self, names: Sequence[str], rows: NDArray[np.int64]) -> pa.Array:
        texts = [
            pc.fill_null(whole_texts(self.columns[name].take(array_of(rows))), "")
            for name in names
            if name in self.columns
        ] or [pa.array([""] * len(rows), pa.large_string())]
        return pc.binary_join_element_wise(*texts, pa.scalar("\x1f", pa.large_string()))


def full_name(parts: Sequence[pa.Array]) -> pa.Array:
    """Full names as people mean them, from one column or from those of first and last names."""
    if len(parts) == 1:
        return normal(without_titles(whole_texts(parts[0])))
    space = pa.scalar(" ", pa.large_string())
    return pc.binary_join_element_wise(*(normal(whole_texts(part)) for part in parts), space)


def sexes_of(table: TableMask, columns: Mapping[str, pa.Array]) -> NDArray[np.int64] | None:
    """The sex of each row's person: 0, 1 or -1 (open); None if no column tells it."""
    if table.sex is None or table.sex.name not in columns:
        return None
    return table.sex.sexes(pa.table({table.sex.name: columns[table.sex.name]}))


def whole(block: pa.Table, name: str) -> pa.Array:
    """A column in one piece; labels as the texts that they stand for."""
    column = block.column(name)
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    whole = column.combine_chunks()
    return whole.chunk(0) if isinstance(whole, pa.ChunkedArray) else whole


def _nulled(values: pa.Array, known: pa.Array) -> pa.Array:
    return values if pc.all(known).as_py() else pc.if_else(known, values, None)


def _coded(values: pa.Array) -> pa.DictionaryArray:
    """Which different values there are, as people mean them, and which of them each one is."""
    if not pa.types.is_integer(values.type):
        return normal(whole_texts(values)).dictionary_encode()
    coded = values.dictionary_encode()
    return pa.DictionaryArray.from_arrays(coded.indices, whole_texts(coded.dictionary))
