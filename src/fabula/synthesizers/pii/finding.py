"""The personal details of a table: found by their values, by their column's name, or as copies."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.inference.codes import are_letter_codes
from fabula.inference.periods import are_periods
from fabula.io.arrays import is_text, plain_type
from fabula.io.written.columns import written_form
from fabula.pii import Finding, find_in_table
from fabula.pii.kinds import BLURRED
from fabula.relationships.column_names import name_words
from fabula.relationships.keys import singular
from fabula.synthesizers.codecs.categories import fewer, plain_values
from fabula.synthesizers.codecs.codes import are_codes
from fabula.synthesizers.codecs.keys import KeyCodec
from fabula.synthesizers.codecs.string_formats.several_numbers import quantities
from fabula.synthesizers.pii.codec import CODED
from fabula.synthesizers.pii.detect import WIDE, are_urls, detail_by_name
from fabula.synthesizers.pii.identities import SINGLE
from fabula.synthesizers.pii.persons import (
    IDENTIFYING,
    OF_PEOPLE,
    Persons,
    identifies_people,
    likeliest,
    numbered,
    numbers_something,
)
from fabula.synthesizers.pii.replacing import PersonalColumn
from fabula.synthesizers.pii.shapes import Shapes

FREQUENT = 0.5
"""Labels are learned where those of enough rows cover at least this share of a column."""

NOBODY = ("city", "state", "job")
"""Details that name nobody by themselves: few rows are enough for their labels."""

MANY = 0.25
"""Codes differ in at least this share of the rows; fewer are labels."""

_SEEN = 2_000
_NUMBER = r"^[+-]?\d*\.\d+$|^[+-]?\d+(\.\d+)?[eE][+-]?\d+$"


def personal_columns(
    tables: Mapping[str, pa.Table], protect: int, sensitive: Mapping[str, Collection[str]]
) -> dict[str, list[PersonalColumn]]:
    """The personal columns of each table: by value, then by name, then as copies.

    Args:
        tables: The tables by name.
        protect: Labels of fewer rows are rare.
        sensitive: Columns of each that are personal whatever they hold.
    """
    found = {
        name: _all_found(table, singular(name), protect, sensitive.get(name, ()))
        for name, table in tables.items()
    }
    personal = [item for items in found.values() for item in items if item.detail in COPIED]
    for name, table in tables.items():
        known = {item.name for item in found[name]}
        texts = _texts_of(table, categories=True)
        rest = [column for column in texts if column not in known]
        copies = (_copied(table, column, personal) for column in rest)
        found[name] = [*found[name], *(item for item in copies if item)]
    return found


def _copied(
    table: pa.Table, name: str, personal: Sequence[PersonalColumn]
) -> PersonalColumn | None:
    """A column as personal, if it repeats one that is."""
    values, gap = filled(table, name)
    known = pc.unique(values).drop_null()
    for item in personal if len(known) > 1 else ():
        same = pc.sum(pc.is_in(known, value_set=item.known)).as_py()
        if same >= COPY_SHARE * len(known):
            reason = f"its values are those of another personal column, `{item.name}`"
            return PersonalColumn(name, item.detail, values, known, gap, reason, item.scheme)
    return None


COPIED = ("name", "company", "street", "address", "email", "username", "phone", "account", "card",
          "national_id", "plate")  # fmt: skip
"""Details whose values, met in another column, are about the same people."""

COPY_SHARE = 0.5


def persons_in(table: pa.Table, found: Sequence[PersonalColumn]) -> list[Persons]:
    """The people that columns of a table tell apart: personal ones, and ids called so."""
    told = [
        numbered(item.name, item.values)
        for item in found
        if (item.detail in IDENTIFYING and not item.reason.endswith(THINGS))
        or (item.detail == "uuid" and identifies_people(item.name))
    ]
    parts = [[item for item in found if item.detail == detail] for detail in SINGLE]
    if all(len(part) == 1 for part in parts):
        (first,), (last,) = parts
        space = pa.scalar(" ", first.values.type)
        both = pc.binary_join_element_wise(first.values, last.values, space)
        told.append(numbered(f"{first.name} and {last.name}", both))
    known = {item.name for item in found}
    ids = [name for name in table.column_names if name not in known and identifies_people(name)]
    return told + [
        numbered(name, plain_values(table.column(name).combine_chunks()))
        for name in ids
        if not pa.types.is_nested(table.schema.field(name).type)
    ]


def _all_found(
    table: pa.Table, owner: str, protect: int, sensitive: Collection[str]
) -> list[PersonalColumn]:
    """The personal columns of a table, by value first, then by name."""
    findings = find_in_table(table)
    whole = [item.name for item in table.schema if pa.types.is_integer(item.type)]
    ids = [name for name in whole if identifies_people(name) or numbers_something(name)]
    coded = {name for name in whole if name not in ids and are_codes(table, name)}
    names = [name for name in whole if name in ids or name in coded]
    names = list(dict.fromkeys([*_texts_of(table), *findings, *names]))
    found = [
        _found(table, name, owner, protect, findings.get(name), coded=name in coded)
        for name in names
        if name not in sensitive
    ]
    found += [_declared(table, name, owner, findings.get(name)) for name in sensitive]
    told = [item for item in found if item]
    persons = likeliest(persons_in(table, told), protect)
    rest = set(names) - {item.name for item in told} - set(sensitive)
    again = (
        _found(table, name, owner, protect, findings.get(name), persons=persons)
        for name in names
        if persons is not None and name in rest
    )
    return told + [item for item in again if item and item.detail in NOBODY]


def _declared(
    table: pa.Table, name: str, owner: str, finding: Finding | None
) -> PersonalColumn | None:
    """A column that is personal by its owner's word; None if nothing can stand in for it."""
    kind = plain_type(table.schema.field(name).type)
    if not (is_text(kind) or pa.types.is_integer(kind)):
        return None
    values, gap = filled(table, name)
    known = pc.unique(values).drop_null()
    if len(known) < 2:
        return None
    reason = "named as sensitive"
    if finding is not None and finding.kind in BLURRED:
        return None
    if finding is not None:
        reason = f"{reason}; {finding.reason}"
        return PersonalColumn(name, finding.made_as, values, known, gap, reason, finding.scheme)
    detail = None
    if is_text(kind):
        beside = frozenset(table.column_names)
        named = detail_by_name(name, known, owner=owner, beside=beside)
        detail = "url" if are_urls(known) else named
    return PersonalColumn(name, detail or "code", values, known, gap, reason)


def _texts_of(table: pa.Table, *, categories: bool = False) -> list[str]:
    """Columns of text; categories of a frame are labels by their owner's will."""
    return [
        item.name for item in table.schema
        if is_text(item.type) or (categories and is_text(plain_type(item.type)))
    ]  # fmt: skip


def filled(table: pa.Table, name: str) -> tuple[pa.Array, str | None]:
    """A column as text, blank ones as nulls, and the blank text that it has for missing ones."""
    plain = plain_values(table.column(name).combine_chunks())
    if pa.types.is_floating(plain.type):
        plain = plain.cast(pa.int64())
    values = plain.cast(pa.large_string())
    blank = pc.equal(pc.utf8_trim_whitespace(values), "")
    blanks = pc.unique(values.filter(blank))
    gap = blanks[0].as_py() if len(blanks) and not values.null_count else None
    return pc.if_else(blank, pa.scalar(None, values.type), values), gap


def _found(
    table: pa.Table,
    name: str,
    owner: str,
    protect: int,
    finding: Finding | None,
    *,
    persons: Persons | None = None,
    coded: bool = False,
) -> PersonalColumn | None:
    kind = table.schema.field(name).type
    labels, doubted = pa.types.is_dictionary(kind), finding is None or finding.confidence < CERTAIN
    if pa.types.is_temporal(plain_type(kind)) or (labels and doubted):
        return None
    if finding is not None and finding.kind in BLURRED:
        return None
    values, gap = filled(table, name)
    counted = values.drop_null().value_counts()
    known, rows = counted.field("values"), counted.field("counts").to_numpy()
    if len(known) < 2:
        return None
    key = finding is not None and _is_key(name, values, finding)
    if finding is not None and _is_replaced(finding, len(known), key=key):
        reason = f"{finding.reason}; confidence {finding.confidence:.2f}"
        return PersonalColumn(name, finding.made_as, values, known, gap, reason, finding.scheme)
    if labels:
        return None
    who = rows
    if persons is not None:
        codes = pc.index_in(values, value_set=known).fill_null(-1).to_numpy().astype(np.int64)
        who = persons.of_labels(codes, len(known))
    column = PersonalColumn(name, "", values, known, gap)
    if finding is not None and finding.kind == "city":
        reason = f"{finding.reason}; confidence {finding.confidence:.2f}"
        column = replace(column, detail="city", reason=reason)
    return _found_by_name(table, column, owner, _Counted(rows, who, protect, coded))


@dataclass(frozen=True)
class _Counted:
    """How often each known value of a column occurs.

    Attributes:
        rows: Its rows.
        who: The people who have it, or again the rows where people are not known.
        protect: Labels of fewer are rare.
        coded: Whether they are whole numbers that are codes, whatever their column's name is.
    """

    rows: NDArray[np.int64]
    who: NDArray[np.int64]
    protect: int
    coded: bool

    def are_frequent(self, *, nobody: bool) -> bool:
        """Whether the labels of enough rows are kept as labels."""
        least = fewer(self.protect) if nobody else self.protect
        return bool(self.rows[self.who >= least].sum() >= FREQUENT * self.rows.sum())


def _found_by_name(
    table: pa.Table, column: PersonalColumn, owner: str, counted: _Counted
) -> PersonalColumn | None:
    """A column whose name tells what it holds, or whose values are codes.

    Args:
        table: Its table.
        column: The column; what it holds is open, but for towns.
        owner: What the table's rows are.
        counted: How often each of its known values occurs.
    """
    name, known, kind = column.name, column.known, table.schema.field(column.name).type
    if identifies_people(name) and _are_ids(name, known, int(counted.rows.sum()), kind):
        reason = f"`{name}` says that it tells people apart; confidence {BY_NAME:.2f}"
        return replace(column, detail="code", reason=reason)
    if pa.types.is_integer(kind) and _are_numbers_of(column, counted):
        who = "people" if _are_people(name) else THINGS
        return replace(column, detail="code", reason=f"`{name}` numbers {who}")
    if not is_text(kind):
        return None
    written = written_form(column.values)
    detail, reason = column.detail or None, column.reason
    if are_urls(known):
        detail, reason = "url", f"by the form of its values; confidence {NEARLY_ALL:.2f}"
    if detail is None:
        reason = f"`{name}` says so, and its values may be; confidence {BY_NAME:.2f}"
        beside = frozenset(table.column_names)
        detail = detail_by_name(name, known, owner=owner, beside=beside)
        digits = pc.all(pc.match_substring_regex(known, r"^\d+$")).as_py()
        if detail == "code" and written and not digits:
            return None  # `vat` may be an amount
    if detail is None or detail in WIDE:
        told = written or (detail is None and quantities(name, column.values))
        if told or counted.are_frequent(nobody=detail in NOBODY):
            return None
        if detail is None and (detail := _code(column.values, known, counted.protect)):
            reason = f"{CODED}; confidence {BY_NAME:.2f}"
    key = KeyCodec.learn(name, column.values) if detail == "code" else None
    if detail is None or (key is not None and not key.meets_real_ones):
        return None
    return replace(column, detail=detail, reason=reason)


CERTAIN = 0.7
"""How sure values are, at least, that are replaced though their owner made labels of them."""

NEARLY_ALL, BY_NAME = 0.9, 0.5
"""How sure a form is that nearly all values have, and a name that values don't gainsay."""


def _is_replaced(finding: Finding, known: int, *, key: bool) -> bool:
    """Whether values are replaced however often they repeat; keys follow rules of their own."""
    if finding.kind == "company":
        return known >= MANY_COMPANIES
    return not key and (finding.direct or finding.kind == "uuid")


MANY_COMPANIES = 20
"""That many companies are customers; fewer may be makers or carriers."""


def _is_key(name: str, values: pa.Array, finding: Finding) -> bool:
    """Whether codes that look personal number the rows."""
    return (
        finding.kind in ("plate", "postcode", "uuid") and KeyCodec.learn(name, values) is not None
    )


def _are_ids(name: str, known: pa.Array, rows: int, kind: pa.DataType) -> bool:
    """Whether values repeat and are codes.

    There could be many more, unless the name says whose they are: a `customer_type_id` is nobody's.
    """
    if not FEWEST_IDS <= len(known) <= 0.9 * rows:
        return False
    shapes = Shapes.of(known, protect=len(known))
    coded = shapes is not None and (shapes.are_codes or not is_text(kind))
    outright = not OF_PEOPLE.isdisjoint(name_words(name)[-2:-1])
    return coded and shapes is not None and (outright or SPARSE * len(known) <= shapes.size)


FEWEST_IDS, SPARSE = 10, 8


def _are_numbers_of(column: PersonalColumn, counted: _Counted) -> bool:
    """Whether whole numbers identify something that comes in several rows: things in few.

    Codes of few rows each are numbers of something whatever their name is: as labels, all of them
    would be rare, and hidden.
    """
    name, size, rows = column.name, len(column.known), int(counted.rows.sum())
    if size < FEWEST_IDS or rows < REPEATED * size:
        return False
    named = numbers_something(name)
    if named and _are_people(name):
        return True
    return (named or counted.coded) and not counted.are_frequent(nobody=False)


def _are_people(name: str) -> bool:
    return name_words(name)[-1] in OF_PEOPLE


THINGS = "things"
REPEATED = 1.2
"""Rows of each, at least on average."""


def _code(values: pa.Array, known: pa.Array, protect: int) -> str | None:
    """Whether a column contains codes: many texts, nearly all of a few shapes with digits."""
    texts = values.drop_null()
    if len(known) < MANY * len(texts) or pc.all(pc.match_substring_regex(known, _NUMBER)).as_py():
        return None
    shapes = Shapes.of(texts, protect=protect, frequent=True)
    if shapes is None or are_periods(known):
        return None
    return "code" if shapes.are_codes or are_letter_codes(known[:_SEEN].to_pylist()) else None
