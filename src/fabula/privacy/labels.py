"""Columns that are kept and name people all the same: `Ana Trujillo Bakery` is the owner's company.

Such columns are treated as notes. All rows are searched for the whole names, e-mails and user names
of the people in the tables; a sample is searched for the names of each row's own person, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from fabula.io.arrays import whole_texts
from fabula.privacy.actions import ColumnAction, TableMask
from fabula.privacy.drafts import is_text
from fabula.privacy.files.sources import Source
from fabula.privacy.notes import Everyone, Mention
from fabula.privacy.proposing import MaskPlan
from fabula.privacy.scan.aligned import own_parts
from fabula.privacy.squeezed import Squeezed

_NAMING = ("name", "first_name", "last_name", "email", "username")
_SMALL = 1_000
"""Rows that are looked at whole; and values of a larger table that are more than a few labels."""
_FEW = 30

Place = tuple[str, str]


def naming_people(
    plan: MaskPlan, samples: Mapping[str, pa.Table], sources: Mapping[str, Source]
) -> MaskPlan:
    """The plan, with kept columns of texts as notes where they name people of the tables.

    Args:
        plan: What happens to each column.
        samples: Rows of each table.
        sources: All rows of each table.
    """
    labels = {name: _labels(table, samples[name]) for name, table in plan.tables.items()}
    if not any(labels.values()) or not any(map(_naming, plan.tables.values())):
        return plan
    found = dict(_in_samples(plan, samples, labels))
    rest = {
        name: [
            each
            for each in columns
            if (name, each) not in found
            and samples[name].num_rows >= _SMALL
            and len(pc.unique(samples[name].column(each))) > _FEW
        ]
        for name, columns in labels.items()
    }
    if any(rest.values()):
        found |= _in_all_rows(plan, sources, rest)
    tables = {
        name: replace(table, columns={c: found.get((name, c), a) for c, a in table.columns.items()})
        for name, table in plan.tables.items()
    }
    return replace(plan, tables=tables)


def _labels(table: TableMask, sample: pa.Table) -> list[str]:
    """The columns of words that are kept without being confirmed."""
    return [
        name
        for name, action in table.columns.items()
        if action.action == "keep" and not action.confirmed and action.form is None
        and is_text(sample.schema.field(name).type)
        and pc.any(pc.match_substring_regex(whole_texts(sample.column(name)), r"\pL{2}")).as_py()
    ]  # fmt: skip


def _naming(table: TableMask) -> dict[str, str]:
    """The columns that name people, with what each holds."""
    return {
        name: action.detail
        for name, action in table.columns.items()
        if action.action == "replace" and action.detail in _NAMING
    }


def _in_samples(
    plan: MaskPlan, samples: Mapping[str, pa.Table], labels: Mapping[str, list[str]]
) -> Iterator[tuple[Place, ColumnAction]]:
    everyone = Everyone()
    for name, table in plan.tables.items():
        _add(everyone, _naming(table), samples[name])
    for name, columns in labels.items():
        sample, naming = samples[name], _naming(plan.tables[name])
        own = [Mention(kind, *[whole_texts(sample.column(c))] * 2) for c, kind in naming.items()]
        for column in columns:
            values = whole_texts(sample.column(column))
            rows = _hits(everyone, values)
            rows = max([rows, *(len(mine) for _, mine, *_ in own_parts(values, own))])
            if rows:
                told = f"{rows:,} of {len(values):,} values name people of these tables"
                yield (name, column), ColumnAction("notes", confirmed=True, reason=told)


def _in_all_rows(
    plan: MaskPlan, sources: Mapping[str, Source], labels: Mapping[str, list[str]]
) -> dict[Place, ColumnAction]:
    everyone = Everyone()
    for name, table in plan.tables.items():
        naming = _naming(table)
        for block in sources[name].tables(list(naming)) if naming else ():
            _add(everyone, naming, block)
    found: dict[Place, ColumnAction] = {}
    for name, columns in labels.items():
        for block in sources[name].tables(columns) if columns else ():
            for column in columns:
                if (name, column) not in found and _hits(
                    everyone, whole_texts(block.column(column))
                ):
                    told = "some of its values name people of these tables"
                    found[name, column] = ColumnAction("notes", confirmed=True, reason=told)
    return found


def _add(everyone: Everyone, naming: Mapping[str, str], block: pa.Table) -> None:
    for column, kind in naming.items():
        values = pc.unique(whole_texts(block.column(column)))
        everyone.add(kind, values, values)
    by_kind = {kind: whole_texts(block.column(column)) for column, kind in naming.items()}
    if {"first_name", "last_name"} <= by_kind.keys():
        names = pc.unique(full(by_kind["first_name"], by_kind["last_name"]))
        everyone.add("name", names, names)


def full(first: pa.Array, last: pa.Array) -> pa.Array:
    """Full names; null where a part is missing."""
    return pc.binary_join_element_wise(first, last, pa.scalar(" ", pa.large_string()))


def _hits(everyone: Everyone, values: pa.Array) -> int:
    """How many values hold an identifier of someone."""
    coded = values.drop_null().dictionary_encode()
    stream = Squeezed.of(coded.dictionary.to_pylist())
    if not len(stream.codes):
        return 0
    rows = {
        row for _, starts, *_ in everyone.find(stream) for row in stream.row_of(starts).tolist()
    }
    return int(pc.sum(pc.is_in(coded.indices, value_set=pa.array(rows, pa.int32()))).as_py() or 0)
