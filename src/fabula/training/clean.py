"""A training set without what it will be tested on (decontamination)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from fabula.dedup.against import Against, texts_in
from fabula.training.table_rows import Given, given_rows
from fabula.types import TableLike


def against_file(
    data: TableLike, likeness: float | None = None, *, among: Sequence[str] = ()
) -> Against:
    """The texts of an evaluation file in any form, to compare others with.

    Raises:
        UsageError: It has no texts, or the likeness is none.
        SourceError: It can't be read.
    """
    return Against(texts_in(given_rows(data).rows), likeness=likeness, among=among)


def clean_rows(
    rows: Given, data: TableLike, likeness: float | None = None
) -> tuple[Given, dict[str, int]]:
    """The rows that overlap with no text of an evaluation file, and how many do, by reason."""
    texts = [texts_in([row]) for row in rows.rows]
    flat = [text for listed in texts for text in listed]
    owner = [place for place, listed in enumerate(texts) for _ in listed]
    against = against_file(data, likeness, among=flat)
    verbatim: dict[int, bool] = {}
    for place, overlap in zip(owner, against.overlaps(flat), strict=True):
        if overlap is not None:
            verbatim[place] = verbatim.get(place, False) or overlap.is_verbatim
    kept = [place for place in range(rows.size) if place not in verbatim]
    reasons = {True: "shares words in a row with", False: "says the same as"}
    counts = Counter(reasons[is_verbatim] for is_verbatim in verbatim.values())
    return rows.only(kept), {f"{why} the evaluation file": n for why, n in counts.items()}
