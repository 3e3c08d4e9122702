"""A block of rows in, its new columns out; a block needs nothing of any other.

Values of a row's person follow from the person's key, codes from their own value. So the same rows
become the same bytes in any block, order, process or file, as long as the key is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.io.arrays import array_of, is_text
from fabula.privacy.actions import HASHED, ColumnAction
from fabula.privacy.coarse import coarser, nearby, shifted
from fabula.privacy.codes import Codes
from fabula.privacy.files.json_bytes import OUTER
from fabula.privacy.hashed import hashed
from fabula.privacy.mentions import inventor, mentions
from fabula.privacy.national import DATED, NationalIds
from fabula.privacy.notes import Detector, Everyone, Mention, mask_notes
from fabula.privacy.people import (
    DRAWN,
    EMAIL,
    KEY_BYTES,
    Group,
    Keys,
    NewPeople,
    normal,
    person_keys,
)
from fabula.privacy.secret import Secret
from fabula.privacy.texts import are_people, full_names, in_case_of, without_titles
from fabula.synthesizers.pii.gender_column import SexColumn

WEEKS = 52
"""Dates move into the past by one to that many weeks, and so never beyond the last day."""

REDACTED = "[redacted]"

Aliases = Callable[[pa.Array, Keys], Keys]
"""The keys of the people behind some e-mails; those given for e-mails that nobody has."""


@dataclass(frozen=True)
class PersonColumns:
    """Which columns tell the row's person.

    Attributes:
        columns: The columns; where the first is empty, the next one tells.
        tags: What the values of each are, such as `customer_id`.
        reason: Why these.
    """

    columns: tuple[str, ...]
    tags: tuple[str, ...]
    reason: str = ""

    @property
    def told(self) -> str:
        """The first column, as people know it."""
        return self.columns[0].removeprefix(OUTER)


@dataclass(frozen=True, eq=False)
class TableMask:
    """How one table is masked.

    Attributes:
        name: Its name.
        columns: What happens to each column.
        person: Which columns tell the row's person; None where rows have none.
        sex: The column of the person's sex, if new names are to agree with it.
        aliases: Finds the person of an e-mail, for tables that know people by it alone.
        key: The column that is the table's key, if one alone is.
    """

    name: str
    columns: Mapping[str, ColumnAction]
    person: PersonColumns | None = None
    sex: SexColumn | None = None
    aliases: Aliases | None = None
    key: str | None = None


@dataclass(eq=False)
class Counts:
    """What happened to the values of a table.

    Attributes:
        rows: Rows.
        changed: Values that were changed, by column.
        blanked: Values that could not be understood and were blanked, by column.
        nobody: Placeholders that stay, by column.
    """

    rows: int = 0
    changed: dict[str, int] = field(default_factory=dict)
    blanked: dict[str, int] = field(default_factory=dict)
    nobody: dict[str, int] = field(default_factory=dict)

    def add(self, told: dict[str, int], column: str, count: int) -> None:
        """Count values of a column."""
        if count:
            told[column] = told.get(column, 0) + count


@dataclass(eq=False)
class Masker:
    """Makes the new columns of blocks.

    Attributes:
        secret: The masking's key.
        people: The new people.
        table: How the table is masked.
        counts: What happened so far.
        everyone: The identifiers of all people, which no note may tell.
        detector: Finds third parties in notes.
        spans: The places that were written into notes, by column.
    """

    secret: Secret
    people: NewPeople
    table: TableMask
    counts: Counts = field(default_factory=Counts)
    everyone: Everyone | None = None
    detector: Detector | None = None
    spans: dict[str, list[pa.Table]] = field(default_factory=dict)

    def mask(self, block: pa.Table) -> dict[str, pa.Array]:
        """The new values of each column that changes, of the type of the old ones.

        Args:
            block: Rows with all of the table's columns.
        """
        rows = _Rows(self, {name: whole(block, name) for name in block.column_names})
        made = self._made(rows, self.table.columns)
        notes = [n for n, a in self.table.columns.items() if a.action == "notes"]
        if notes:
            own = list(mentions(self.table.columns, rows.columns, made, rows.detail_of))
            made |= {name: self._notes(name, own, rows) for name in notes}
        self.counts.rows += block.num_rows
        return made

    @property
    def needed(self) -> list[str]:
        """The columns that new values of replaced ones depend on."""
        replaced = [n for n, action in self.table.columns.items() if action.action == "replace"]
        person = self.table.person.columns if self.table.person else ()
        sex = [self.table.sex.name] if self.table.sex else []
        return list(dict.fromkeys([*replaced, *person, *sex]))

    def made(self, block: pa.Table, columns: Mapping[str, ColumnAction]) -> dict[str, pa.Array]:
        """The new values of some columns, from rows with those that they need."""
        return self._made(_Rows(self, {n: whole(block, n) for n in block.column_names}), columns)

    def _made(self, rows: _Rows, columns: Mapping[str, ColumnAction]) -> dict[str, pa.Array]:
        return {
            name: self._column(name, action, rows)
            for name, action in columns.items()
            if action.action not in ("keep", "drop", "notes") and name in rows.columns
        }

    def _notes(self, name: str, own: list[Mention], rows: _Rows) -> pa.Array:
        """Notes without the people whom they mention."""
        old = rows.columns[name]
        invent = inventor(self.secret, self.people)
        found = mask_notes(_texts(old), own, self.everyone, self.detector, invent)
        self.counts.add(self.counts.changed, name, sum(found.counts.values()))
        row = pc.add(found.spans.column("row"), self.counts.rows)
        place = found.spans.schema.get_field_index("row")
        self.spans.setdefault(name, []).append(found.spans.set_column(place, "row", row))
        return found.texts.cast(old.type)

    def _column(self, name: str, action: ColumnAction, rows: _Rows) -> pa.Array:
        old = rows.columns[name]
        real = rows.known(name)
        new = self._values(name, action, rows)
        blanked = pc.sum(pc.and_(real, pc.is_null(new))).as_py() or 0
        if action.action == "redact":
            blanked = 0
        self.counts.add(self.counts.blanked, name, blanked)
        changed = pc.sum(real).as_py() or 0
        self.counts.add(self.counts.changed, name, changed - blanked)
        self.counts.add(self.counts.nobody, name, len(old) - old.null_count - changed)
        made = new if changed == len(old) else pc.if_else(real, new, old.cast(new.type))
        return made if made.type == old.type else made.cast(old.type)

    def _values(self, name: str, action: ColumnAction, rows: _Rows) -> pa.Array:
        """New values, also for rows that keep the old ones."""
        old = rows.columns[name]
        match action.action:
            case "redact":
                text = REDACTED if is_text(old.type) and action.form is None else None
                return pa.repeat(pa.scalar(text, old.type), len(old))
            case "shift":
                return shifted(old, action, rows.days)
            case "generalise":
                return coarser(old, action)
            case "jitter":
                pair = [
                    each
                    for each, other in self.table.columns.items()
                    if other.action == "jitter" and each in rows.columns
                ]
                return nearby(self.secret, rows.columns, pair, name, action.detail or "1km")
            case _:
                return self._replaced(name, action, rows)

    def _replaced(self, name: str, action: ColumnAction, rows: _Rows) -> pa.Array:
        old, detail = rows.columns[name], action.detail
        if pa.types.is_integer(old.type) and detail not in ("card", "phone", "national_id"):
            return self._numbers(old, action)
        texts = _texts(old)
        who = rows.others(action.of) if action.of else rows
        if detail in DRAWN:
            named = detail == "name"
            new = full_names(texts, who.detail, who.male) if named else who.detail(detail)
            return new.cast(pa.large_string()) if detail == "email" else in_case_of(new, texts)
        if detail in HASHED:
            return hashed(self.secret, texts, detail, action.domain)
        codes = Codes(self.secret, action.domain, detail, action.scheme, action.fixed)
        if action.scheme in DATED:
            ids = NationalIds(codes, action.scheme)
            return ids.replace(pc.fill_null(texts, ""), who.days, who.male)
        if detail != "key":
            return codes.encrypt(texts)
        plain = pc.match_substring_regex(texts, r"^(0|[1-9]\d{0,17})$")
        nothing = pa.scalar(None, pa.large_string())
        numbers = self._numbers(pc.if_else(plain, texts, nothing).cast(pa.int64()), action)
        others = codes.encrypt(pc.if_else(plain, nothing, texts))
        return pc.coalesce(others, pc.if_else(plain, numbers.cast(pa.large_string()), nothing))

    def _numbers(self, old: pa.Array, action: ColumnAction) -> pa.Array:
        most = 2 ** (old.type.bit_width - 1)
        values = pc.fill_null(old, 0).cast(pa.int64()).to_numpy(zero_copy_only=False)
        return array_of(Codes(self.secret, action.domain).numbers(values, most)).cast(old.type)


@dataclass(frozen=True, eq=False)
class _Rows:
    """The rows of one block, and the people that they tell of."""

    masker: Masker
    columns: Mapping[str, pa.Array]

    def known(self, name: str) -> pa.Array:
        """Which values of a column are known, and no placeholders."""
        values, action = self.columns[name], self.masker.table.columns.get(name)
        keys = action is None or action.detail in ("key", "code", "uuid", "plate", "postcode")
        return are_people(values, keys=keys) if is_text(values.type) else pc.is_valid(values)

    @cached_property
    def _keys(self) -> tuple[Keys, NDArray[np.int64], NDArray[np.int64]]:
        """The different people, a row of each, and each row's place among them."""
        person, secret = self.masker.table.person, self.masker.secret
        size = len(next(iter(self.columns.values())))
        if person is None:
            rows = np.arange(size)
            return self._own(rows), rows, rows
        found: list[Keys] = []
        place = np.full(size, -1)
        count = 0
        for column, tag in zip(person.columns, person.tags, strict=True):
            open_rows = np.flatnonzero(place < 0)
            if not len(open_rows):
                break
            real = self.known(column).to_numpy(zero_copy_only=False)[open_rows]
            coded = _coded(self.columns[column].take(array_of(open_rows[real])))
            keys = person_keys(secret, coded.dictionary, tag)
            if tag == EMAIL and self.masker.table.aliases is not None:
                keys = self.masker.table.aliases(coded.dictionary, keys)
            found.append(keys)
            place[open_rows[real]] = count + coded.indices.to_numpy()
            count += len(coded.dictionary)
        open_rows = np.flatnonzero(place < 0)
        if len(open_rows):
            found.append(self._own(open_rows))
            place[open_rows] = count + np.arange(len(open_rows))
        keys = np.concatenate([np.zeros((0, KEY_BYTES), np.uint8), *found])
        first = np.zeros(len(keys), np.int64)
        first[place[::-1]] = np.arange(size)[::-1]
        return keys, first, place

    def _own(self, rows: NDArray[np.int64]) -> Keys:
        """The keys of rows that no column tells the person of: by all that is replaced in them."""
        names = [n for n, a in self.masker.table.columns.items() if a.action == "replace"]
        texts = [
            pc.fill_null(_texts(self.columns[name].take(array_of(rows))), "")
            for name in names
            if name in self.columns
        ] or [pa.array([""] * len(rows), pa.large_string())]
        joined = pc.binary_join_element_wise(*texts, pa.scalar("\x1f", pa.large_string()))
        return person_keys(self.masker.secret, normal(joined), f"row of {self.masker.table.name}")

    @cached_property
    def _group(self) -> Group:
        """The different people."""
        keys, first, _ = self._keys
        sexes = sexes_of(self.masker.table, self.columns)
        sexes = None if sexes is None else sexes[first]
        return self.masker.people.at(keys, sexes)

    def detail(self, name: str) -> pa.Array:
        """A detail of each row's new person."""
        return self._by_row(self._group.field(name))

    def detail_of(self, name: str, action: ColumnAction) -> pa.Array:
        """A detail of the new people of a column."""
        return (self.others(action.of) if action.of else self).detail(name)

    def others(self, column: str) -> _Others:
        """The people whom the values of a column tell."""
        return _Others(self.masker, self.columns[column], self.masker.table.columns[column].detail)

    def _by_row(self, values: pa.Array) -> pa.Array:
        place = self._keys[2]
        if len(values) == len(place) and (place == np.arange(len(place))).all():
            return values
        return values.take(array_of(place))

    @cached_property
    def days(self) -> NDArray[np.int64]:
        """By how many days the dates of each row move."""
        return _days(self._group)[self._keys[2]]

    @cached_property
    def male(self) -> NDArray[np.bool_]:
        """Whether each row's new person is a man."""
        return np.asarray(self._group.are_male[self._keys[2]])


@dataclass(frozen=True, eq=False)
class _Others:
    """People whom the values of a column tell: those of the doctors of visits."""

    masker: Masker
    values: pa.Array
    kind: str

    def detail(self, name: str) -> pa.Array:
        """A detail of each row's new other person."""
        group, place = self._group
        return group.field(name).take(array_of(place))

    @property
    def male(self) -> NDArray[np.bool_]:
        """Whether each row's new other person is a man."""
        group, place = self._group
        return np.asarray(group.are_male[place])

    @property
    def days(self) -> NDArray[np.int64]:
        """By how many days the dates of each row's other person move."""
        group, place = self._group
        return _days(group)[place]

    @cached_property
    def _group(self) -> tuple[Group, NDArray[np.int64]]:
        """The different people, and each row's place among them."""
        texts = pc.fill_null(_texts(self.values), "")
        coded = normal(without_titles(texts) if self.kind == "name" else texts).dictionary_encode()
        tag = EMAIL if self.kind == "email" else self.kind
        keys = person_keys(self.masker.secret, coded.dictionary, tag)
        return self.masker.people.at(keys), coded.indices.to_numpy().astype(np.int64)


def _coded(values: pa.Array) -> pa.DictionaryArray:
    """Which different values there are, as people mean them, and which of them each one is."""
    if not pa.types.is_integer(values.type):
        return normal(_texts(values)).dictionary_encode()
    coded = values.dictionary_encode()
    return pa.DictionaryArray.from_arrays(coded.indices, _texts(coded.dictionary))


def _days(group: Group) -> NDArray[np.int64]:
    """By how many days the dates of each person move."""
    return np.asarray(-7 * (1 + (group.uniform("shift") * WEEKS).astype(np.int64)))


def sexes_of(table: TableMask, columns: Mapping[str, pa.Array]) -> NDArray[np.int64] | None:
    """The sex of each row's person: 0, 1 or -1 (open); None where no column tells it."""
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


def _texts(values: pa.Array) -> pa.Array:
    return values.cast(pa.large_string())
