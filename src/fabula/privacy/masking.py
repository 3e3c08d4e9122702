"""A block of rows in, its new columns out; a block needs nothing of any other.

Values of a row's person follow from the person's key, codes from their own value. So the same rows
become the same bytes in any block, order, process or file, as long as the key is the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from fabula.io.arrays import array_of, is_text, whole_texts
from fabula.privacy.actions import HASHED, ColumnAction, TableMask
from fabula.privacy.coarse import coarser, nearby, shifted
from fabula.privacy.codes import Codes
from fabula.privacy.hashed import hashed
from fabula.privacy.mentions import inventor, mentions
from fabula.privacy.national import DATED, NationalIds
from fabula.privacy.notes import Detector, Everyone, Mention, mask_notes
from fabula.privacy.people import DRAWN, NewPeople
from fabula.privacy.rows import Rows, whole
from fabula.privacy.secret import Secret
from fabula.privacy.texts import full_names, in_case_of

REDACTED = "[redacted]"


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
        rows = self._rows(block)
        made = self._made(rows, self.table.columns)
        notes = [n for n, a in self.table.columns.items() if a.action == "notes"]
        if notes:
            own = list(
                mentions(
                    self.table.columns,
                    rows.columns,
                    made,
                    lambda kind, column: rows.persons(column).detail(kind),
                )
            )
            made |= {name: self._notes(name, own, rows) for name in notes}
        for name in made:
            if self.table.columns[name].detail == "username":
                made[name] = _with_handles(rows.columns[name], made[name])
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
        return self._made(self._rows(block), columns)

    def _rows(self, block: pa.Table) -> Rows:
        columns = {name: whole(block, name) for name in block.column_names}
        return Rows(self.table, self.secret, self.people, columns)

    def _made(self, rows: Rows, columns: Mapping[str, ColumnAction]) -> dict[str, pa.Array]:
        return {
            name: self._column(name, action, rows)
            for name, action in columns.items()
            if action.action not in ("keep", "drop", "notes") and name in rows.columns
        }

    def _notes(self, name: str, own: list[Mention], rows: Rows) -> pa.Array:
        """Notes without the people whom they mention."""
        old = rows.columns[name]
        invent = inventor(self.secret, self.people)
        found = mask_notes(whole_texts(old), own, self.everyone, self.detector, invent)
        self.counts.add(self.counts.changed, name, sum(found.counts.values()))
        row = pc.add(found.spans.column("row"), self.counts.rows)
        place = found.spans.schema.get_field_index("row")
        self.spans.setdefault(name, []).append(found.spans.set_column(place, "row", row))
        return found.texts.cast(old.type)

    def _column(self, name: str, action: ColumnAction, rows: Rows) -> pa.Array:
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

    def _values(self, name: str, action: ColumnAction, rows: Rows) -> pa.Array:
        """New values, also for rows that keep the old ones."""
        old = rows.columns[name]
        match action.action:
            case "redact":
                text = REDACTED if is_text(old.type) and action.form is None else None
                return pa.repeat(pa.scalar(text, old.type), len(old))
            case "shift":
                return shifted(old, action, rows.own.days)
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

    def _replaced(self, name: str, action: ColumnAction, rows: Rows) -> pa.Array:
        old, detail = rows.columns[name], action.detail
        if pa.types.is_integer(old.type) and detail not in ("card", "phone", "national_id"):
            return self._numbers(old, action)
        texts = whole_texts(old)
        who = rows.persons(name)
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


def _with_handles(old: pa.Array, new: pa.Array) -> pa.Array:
    """New user names, with an `@` where the old ones have one; notes write theirs without it."""
    texts = whole_texts(new)
    have = pc.and_(pc.starts_with(whole_texts(old), "@"), pc.invert(pc.starts_with(texts, "@")))
    if not pc.any(have).as_py():
        return new
    nothing = pa.scalar("", pa.large_string())
    signed = pc.binary_join_element_wise(pa.scalar("@", pa.large_string()), texts, nothing)
    return pc.if_else(pc.fill_null(have, False), signed, texts).cast(new.type)
