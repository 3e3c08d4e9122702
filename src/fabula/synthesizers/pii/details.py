"""How personal columns are replaced: those that are about the same people, together."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from fabula.io.arrays import array_of
from fabula.synthesizers.codecs.categories import FEWER
from fabula.synthesizers.pii.codec import DetailCodec
from fabula.synthesizers.pii.countries import CountryColumn
from fabula.synthesizers.pii.detect import NAMES, likely_locales
from fabula.synthesizers.pii.districts import Districts, shares_given
from fabula.synthesizers.pii.finding import filled
from fabula.synthesizers.pii.gender_column import SexColumn
from fabula.synthesizers.pii.replacing import (
    PersonalColumn,
    area_of,
    codec_of,
    crowd_of,
    has_places,
    real_words,
)
from fabula.synthesizers.pii.shared import shared_columns

SAME_PEOPLE = 1.05
"""One column follows another where their pairs are at most that many times the other's values."""

SEVERAL = ("phone", "account", "card", "code", "ip", "mac", "plate", "national_id", "uuid")
"""Details of which one person may have several, in columns of their own."""

SHARED = ("first_name", "last_name", "company", "city", "state", "job")
"""Words that people share by chance."""


def details_of(
    table: pa.Table,
    found: Sequence[PersonalColumn],
    owner: str,
    protect: int,
    *,
    held: pa.Table | None = None,
    real: Mapping[str, pa.Array] | None = None,
) -> dict[str, DetailCodec]:
    """How the personal columns of a table are replaced.

    Args:
        table: Training rows.
        found: Its personal columns.
        owner: What its rows are.
        protect: Labels of fewer rows are rare.
        held: Rows that are not learned; their people are real, too.
        real: The `real_words` of all tables, if there are several.
    """
    columns = sorted(found, key=lambda item: -len(item.known))
    if held is not None:
        columns = [replace(item, held=filled(held, item.name)[0]) for item in columns]
    named = [item for item in columns if item.detail in NAMES]
    likely = [code for item in named[:1] for code in likely_locales(item.detail, item.known)]
    real = real_words([columns]) if real is None else real
    groups: list[list[PersonalColumn]] = []
    for column in columns:
        group = next((group for group in groups if _tells_of(group, column)), None)
        if group is None:
            groups.append([column])
        else:
            group.append(column)
    personal = [column.name for column in columns]
    least = math.ceil(FEWER * protect)
    country = CountryColumn.of(table, least) if columns else None
    abroad = () if country is None else country.locales
    locales = tuple(dict.fromkeys([*(likely or ["en"]), *abroad]))
    homes = None if country is None else country.homes(table, locales)
    sex = SexColumn.of(table) if columns else None
    sexes = None if sex is None else array_of(sex.sexes(table))
    details: dict[str, DetailCodec] = {}
    open_ones = [field.name for field in table.schema
                 if field.name not in personal and not pa.types.is_nested(field.type)]  # fmt: skip
    for group in sorted(groups, key=lambda group: len(group[0].known)):
        towns = next((column.values for column in group if column.detail == "city"), None)
        told = personal if country is None else [*personal, country.name]
        districts = None if towns is None else Districts.of(table, towns, homes, told, least)
        crowd, area = crowd_of(group, owner, locales, real, (country, districts)), None
        shared: tuple[str, ...] = ()
        theirs = sex if sexes is not None and _follows(group[0].values, sexes) else None
        if len(crowd.repeats):
            shared = shared_columns(table, group[0].values, open_ones)
            if theirs and theirs.name in set(open_ones) - set(shared):
                shared = (*shared, theirs.name)
            open_ones = [name for name in open_ones if name not in shared]
        near = area_of(group, table, personal, protect)
        if near and (len(group) == 1 or not len(crowd.repeats) or near.name in shared):
            area = near  # else one person, wherever the row is
        placed = area is None and has_places(group, locales)
        for column in group:
            kind = _open(table.schema.field(column.name).type)
            codec = codec_of(column, kind, crowd, protect, placed=placed)
            if homes is not None and codec.detail == "phone" and codec.shapes is not None:
                shapes = codec.shapes.at_homes(column.values, homes, len(locales))
                codec = replace(codec, shapes=shapes)
            if column.detail == "postcode":
                codec = replace(codec, area=area)
            if column.detail == "state" and towns is not None:
                codec = replace(codec, given=shares_given(towns, column.values, homes))
            details[column.name] = replace(codec, sex=theirs, country=country, shared=shared)
    return details


def _open(kind: pa.DataType) -> pa.DataType:
    """A type that has room for more labels than there are."""
    return pa.dictionary(pa.int32(), kind.value_type) if pa.types.is_dictionary(kind) else kind


def _tells_of(group: list[PersonalColumn], other: PersonalColumn) -> bool:
    """Whether a column is about the people of a group, and nothing that another one tells.

    The first column of a group tells most of them apart.
    """
    lead = group[0]
    if other.detail not in SEVERAL:
        twins = [column for column in group if column.detail == other.detail]
        if twins:
            return bool(twins[0].values.equals(other.values))
    if other.detail not in SHARED and len(other.known) * SAME_PEOPLE < len(lead.known):
        return False  # they would no longer repeat
    return _follows(lead.values, other.values)


def _follows(lead: pa.Array, other: pa.Array) -> bool:
    """Whether there is one other value for nearly every value."""
    both = pa.table({"lead": lead, "other": other}).drop_null()
    pairs = both.group_by(["lead", "other"]).aggregate([]).num_rows
    return bool(pairs <= SAME_PEOPLE * pc.count_distinct(both["lead"]).as_py())
