"""What is said of labels that are learned as they are, though they may tell of people."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import pyarrow as pa

from fabula.io.arrays import is_text
from fabula.pii import find
from fabula.pii.few import may_name_people
from fabula.pii.finding import sampled
from fabula.pii.kinds import TITLES
from fabula.synthesizers.codecs.categories import label_type

MOST_LABELS = 30
"""A column of more distinct texts does not hold labels, or the finder knows enough of them."""


def doubted_labels(table: pa.Table, personal: Collection[str]) -> Iterator[str]:
    """Warnings of labels that may be personal, and are not among the replaced columns."""
    for item in table.schema:
        if not is_text(label_type(item.type)) or item.name in personal:
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


_HINT = "name it in `sensitive` to have them replaced"
