"""What is said about labels that are learned as they are, though they may be about people."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import pyarrow as pa

from fabula.io.arrays import is_text, plain_type
from fabula.pii import find
from fabula.pii.few import may_name_people
from fabula.pii.finding import sampled
from fabula.pii.kinds import TITLES
from fabula.render.amounts import percent
from fabula.synthesizers.codecs.categories import OTHER, CategoryCodec
from fabula.synthesizers.codecs.learning import Columns

MOST_LABELS = 30
"""A column of more distinct texts does not hold labels, or the finder knows enough of them."""


def doubted_labels(table: pa.Table, personal: Collection[str]) -> Iterator[str]:
    """Warnings of labels that may be personal, and are not among the replaced columns."""
    for item in table.schema:
        if not is_text(plain_type(item.type)) or item.name in personal:
            continue
        column = table.column(item.name)
        if pa.types.is_dictionary(item.type):
            finding = find(column, item.name)
            if finding is not None and finding.direct:
                yield (
                    f"warning: `{item.name}` may hold {TITLES[finding.kind]} ({finding.reason});"
                    f" its labels are learned since it is a category: {_HINT}"
                )
                continue
        texts = sampled(column)
        if len(texts) <= MOST_LABELS and may_name_people(texts):
            yield (
                f"warning: `{item.name}` may name people: some of its {len(texts)} labels are"
                f" known names; they are learned as labels: {_HINT}"
            )


def pooled_labels(columns: Columns | None) -> Iterator[str]:
    """Warnings of columns of which much comes back as `other`."""
    for codec in () if columns is None else columns.codecs:
        if not isinstance(codec, CategoryCodec) or not codec.others:
            continue
        rare, filled = int(codec.counts[len(codec.levels)]), int(codec.counts.sum())
        if rare > MUCH * filled:
            few = "people" if codec.told_by else "rows"
            told = f"{percent(rare / filled)} of its rows become `{OTHER}`"
            yield (
                f"warning: `{codec.name}`: {told}, as few {few} have "
                f"each of their labels: a smaller `protect` keeps more, or {_HINT}"
            )


MUCH = 0.2
"""The share of a column's rows that is worth a warning where it becomes `other`."""

_HINT = "name it in `sensitive` to have them replaced"
