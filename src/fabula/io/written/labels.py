"""Labels that are in a column of numbers: `<0.5` below what a device detects, `neg`, `trace`."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from fabula.io.written.columns import WORDS_FOR_MISSING

MOST = 6
"""Among more labels, numbers are labels, too."""

FEWEST_NUMBERS = 20
"""Different numbers, at least; fewer ones are labels of a scale."""

_CENSORED = r"^[<>≤≥]=? ?[-+]?\d[\d.,]*\D*$"


def number_labels(texts: pa.Array, least: int) -> list[str]:
    """The labels in a column of numbers that are written as text: low ones first, then high ones.

    Args:
        texts: Plain strings, some of them null.
        least: A label of fewer rows is none.
    """
    counted = texts.drop_null().value_counts()
    known, rows = counted.field("values"), counted.field("counts")
    word = pc.or_(
        pc.invert(pc.match_substring_regex(known, r"\d")),
        pc.match_substring_regex(known, _CENSORED),
    )
    plain = pc.utf8_lower(pc.utf8_trim_whitespace(known))
    word = pc.and_not(word, pc.is_in(plain, value_set=pa.array(WORDS_FOR_MISSING, known.type)))
    often = pc.and_(word, pc.greater_equal(rows, least))
    found = known.filter(often).to_pylist()
    if not 0 < len(found) <= MOST or pc.sum(pc.invert(word)).as_py() < FEWEST_NUMBERS:
        return []
    return sorted(found, key=lambda text: (is_high(text), text))


def is_high(label: str) -> bool:
    """Whether a label stands for what is above all numbers: `>100`."""
    return label[:1] in (">", "≥")
