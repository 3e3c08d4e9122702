"""Texts that may not say nearly the same as an earlier one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fabula.checks.data import EXAMPLES, Data
from fabula.checks.results import CheckResult
from fabula.checks.wording import rule
from fabula.dedup import Match, near_duplicates
from fabula.spec.checks import NearDuplicateCheck


def near_duplicate_result(data: Data, table: str, check: NearDuplicateCheck) -> CheckResult:
    """Whether a text is like an earlier one; both texts are shown."""
    texts = data.texts(table, check.column)
    found = near_duplicates(texts, similarity=check.similarity, method=check.method)
    told = f"{rule(check)}: {len(texts):,} texts differ"
    if found:
        first = found[0]
        told = f"{rule(check)}: {len(found):,} of {len(texts):,} texts do not, such as " + (
            f"{texts[first.second]!r}, like {texts[first.first]!r}"
        )
    return CheckResult.of(
        table,
        check,
        told,
        failing=len(found),
        value=float(len(found)),
        expected="no text is like an earlier one",
        rows=len(texts),
        examples=tuple(_shown(match, texts) for match in found[:EXAMPLES]),
    )


def near_duplicate_rows(data: Data, table: str, check: NearDuplicateCheck) -> NDArray[np.int64]:
    """Numbers of the rows whose text is like an earlier one."""
    texts = data.texts(table, check.column)
    found = near_duplicates(texts, similarity=check.similarity, method=check.method)
    return np.array([match.second for match in found], dtype=np.int64)


def _shown(match: Match, texts: list[str | None]) -> dict[str, object]:
    return {
        "row": match.second,
        "text": texts[match.second],
        "like": texts[match.first],
        "similarity": round(match.similarity, 3),
    }
