"""Texts that may not say nearly the same as an earlier one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fabula.checks.data import EXAMPLES, Data
from fabula.checks.kinds import EVALUATIONS, Evaluation
from fabula.checks.results import CheckResult
from fabula.dedup import Match, near_duplicates
from fabula.kinds.checks.near_duplicate import NearDuplicateCheck
from fabula.spec.tables import DatasetSpec


def near_duplicate_result(
    spec: DatasetSpec, data: Data, table: str, check: NearDuplicateCheck
) -> CheckResult:
    """Whether a text is like an earlier one; both texts are shown."""
    del spec
    texts = data.texts(table, check.column)
    found = near_duplicates(texts, similarity=check.similarity, method=check.method)
    told = f"{check.in_words()}: {len(texts):,} texts differ"
    if found:
        first = found[0]
        told = f"{check.in_words()}: {len(found):,} of {len(texts):,} texts do not, such as " + (
            f"{texts[first.second]!r}, like {texts[first.first]!r}"
        )
    return CheckResult.of(
        table,
        check,
        told,
        failing=len(found),
        value=float(len(found)),
        expected="no text resembles an earlier one",
        rows=len(texts),
        examples=tuple(_shown(match, texts) for match in found[:EXAMPLES]),
    )


def near_duplicate_rows(
    spec: DatasetSpec, data: Data, table: str, check: NearDuplicateCheck
) -> NDArray[np.int64]:
    """Numbers of the rows whose text is like an earlier one."""
    del spec
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


EVALUATIONS.register("near_duplicate", Evaluation(near_duplicate_result, near_duplicate_rows))
