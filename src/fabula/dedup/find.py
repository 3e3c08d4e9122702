"""Finds near-duplicates: equal texts first, then similar ones among those that differ.

Texts are normalised and equal ones told first, so that the two searches for similar texts
(`letters`, `meanings`) see each text once and stay linear however often one is repeated.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.dedup.letters import similar_letters
from fabula.dedup.meanings import similar_meanings
from fabula.errors import UsageError, did_you_mean

Method: TypeAlias = Literal["exact", "minhash", "embedding"]
METHODS = ("exact", "minhash", "embedding")


@dataclass(frozen=True, slots=True, order=True)
class Match:
    """A text that repeats an earlier one.

    Attributes:
        first: The number of the earlier text, from 0.
        second: The number of the text that repeats it.
        similarity: How alike they are; 1 is equal after normalisation.
    """

    first: int
    second: int
    similarity: float


def near_duplicates(
    texts: Sequence[str | None] | pa.Array | pa.ChunkedArray,
    *,
    similarity: float = 0.85,
    method: Method = "minhash",
) -> list[Match]:
    """Each text that is like an earlier one, with that earlier one.

    Without the `second` of every match, no two texts are near each other. Case, punctuation,
    spacing and Unicode forms make no difference; missing texts match nothing.

    Args:
        texts: The texts, in order.
        similarity: Similarity from which texts count as alike, above 0 and at most 1: shared
            letters for `minhash` (Jaccard index of three-letter pieces), the cosine for
            `embedding`.
        method: `exact` finds equal texts; `minhash` also those in nearly the same letters
            (Broder 1997); `embedding` also those that say nearly the same in other words, by
            word vectors on this machine.

    Returns:
        The matches in the order of their second texts.

    Raises:
        UsageError: The similarity or the method is none.
        PrerequisiteError: The extra `texts` is not installed.

    Examples:
        >>> near_duplicates(["Blue mug", "Red hat", "blue  MUG!"], method="exact")
        [Match(first=0, second=2, similarity=1.0)]
    """
    if method not in METHODS:
        hint = did_you_mean(method, METHODS) or f"use one of {', '.join(METHODS)}"
        raise UsageError(f"there is no method `{method}`", code="usage.method", hint=hint)
    if not 0 < similarity <= 1:
        raise UsageError(
            f"a similarity of {similarity:g} can't be reached or excludes nothing",
            code="usage.similarity",
            hint="give a number above 0 and at most 1, such as 0.85",
        )
    distinct, codes = _distinct(texts)
    rows = _first_rows(codes, len(distinct))
    filled = np.flatnonzero(codes >= 0)
    repeated = filled[rows[codes[filled]] != filled]
    matches = [
        Match(first, second, 1.0)
        for first, second in zip(rows[codes[repeated]].tolist(), repeated.tolist(), strict=True)
    ]
    matches += [
        Match(int(rows[first]), int(rows[second]), score)
        for first, second, score in _similar(distinct, similarity, method)
    ]
    return sorted(matches, key=lambda match: match.second)


def normalised(texts: pa.Array) -> pa.Array:
    """The texts in lower case, one form of Unicode, without punctuation and extra space.

    A text of nothing but punctuation stays unchanged.
    """
    lower = pc.utf8_lower(pc.utf8_normalize(texts, "NFKC"))
    words = pc.utf8_trim_whitespace(pc.replace_substring_regex(lower, r"[\s\pZ\pP]+", " "))
    return pc.if_else(pc.equal(words, ""), lower, words)


def _similar(
    distinct: pa.Array, similarity: float, method: Method
) -> Iterable[tuple[int, int, float]]:
    if method == "exact":
        return ()
    search = similar_letters if method == "minhash" else similar_meanings
    return search(distinct, similarity)


def _distinct(
    texts: Sequence[str | None] | pa.Array | pa.ChunkedArray,
) -> tuple[pa.Array, NDArray[np.int64]]:
    """The different normalised texts in order of appearance, and each row's one; -1 is none."""
    given = texts if isinstance(texts, pa.Array | pa.ChunkedArray) else pa.array(texts, pa.string())
    encoded = normalised(given.cast(pa.large_string())).dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.unify_dictionaries().combine_chunks()
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    return encoded.dictionary, codes


def _first_rows(codes: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """The first row of each code."""
    rows = np.zeros(count, dtype=np.int64)
    places = np.flatnonzero(codes >= 0)[::-1]
    rows[codes[places]] = places  # the last assignment wins, and it is the first row
    return rows
