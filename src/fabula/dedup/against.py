"""Does a training set contain what it will be tested on? Overlaps with an evaluation file.

Verbatim overlaps share 13 words in a row (Brown et al. 2020, appendix C), or all words of a shorter
text. Paraphrases are found by likeness: the cosine of word vectors and of word stems together, rare
words counting more. Different texts of the evaluation file may be alike among each other; the bound
rises with that likeness, which proves nothing.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.dedup.find import normalised
from fabula.errors import UsageError
from fabula.llm.providers.local_embeddings import document_counts, embed_locally

WORDS = 13
"""Words in a row that are an overlap."""
FEWEST = 5
"""Words that a shorter text needs to be found within another one; below, texts must be equal."""
LIKENESS = 0.5
"""Likeness from which a text counts as a paraphrase, on this module's scale from 0 to 1."""
_FEWEST_MEANT = 4
"""Words that a text needs to mean something of its own."""
_VECTORS_SHARE = 0.6
_STEM, _STEMS = 5, 2048
_AT_ONCE = 2_048
_WORD = re.compile(r"\w+")

Hashes = NDArray[np.uint64]
Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Overlap:
    """An overlap of a text with one of the evaluation file.

    Attributes:
        text: The text of the evaluation file.
        likeness: How alike they are; 1 for shared words in a row.
        is_verbatim: Whether they share words in a row.
    """

    text: str
    likeness: float
    is_verbatim: bool

    @property
    def told(self) -> str:
        """The overlap in words."""
        how = "repeats words" if self.is_verbatim else "says the same"
        short = self.text if len(self.text) <= 80 else f"{self.text[:77]}…"
        return f"it {how} of the evaluation file: {short!r}"


class Against:
    """The texts of an evaluation file, to compare others with.

    Args:
        texts: Its texts.
        likeness: Likeness from which a text is a paraphrase; None chooses it, 1 finds only
            overlaps of words.
        among: Texts that are going to be compared; they tell which words are common.

    Raises:
        UsageError: The likeness is none, or there is no text.
        PrerequisiteError: The extra `texts` is not installed.
    """

    def __init__(
        self, texts: Sequence[str], *, likeness: float | None = None, among: Sequence[str] = ()
    ) -> None:
        self.texts = [text for text in dict.fromkeys(texts) if _WORD.search(text)]
        if not self.texts:
            raise UsageError(
                "the evaluation file has no texts to compare with",
                code="usage.against",
                hint="give a file with questions and answers, such as `--against test.jsonl`",
            )
        if likeness is not None and not 0 < likeness <= 1:
            raise UsageError(
                f"a likeness of {likeness:g} can't be reached or excludes nothing",
                code="usage.similarity",
                hint="give a number above 0 and at most 1, such as 0.5",
            )
        self._rows = _Rows(self.texts)
        self._hashes: dict[int, tuple[Hashes, NDArray[np.int64]]] = {}
        for size in np.unique(np.minimum(self._rows.sizes, WORDS)).tolist():
            rows = np.flatnonzero(np.minimum(self._rows.sizes, WORDS) == size)
            hashes, owner = self._rows.runs(size, rows)
            order = np.argsort(hashes, kind="stable")
            self._hashes[size] = hashes[order], owner[order]
        self._meant = np.flatnonzero(self._rows.sizes >= _FEWEST_MEANT)
        known = [*(self.texts[row] for row in self._meant), *among]
        self._common = _Common(known) if len(self._meant) and likeness != 1 else None
        if self._common is not None:
            self._vectors = self._common.vectors([self.texts[row] for row in self._meant])
        self.likeness = self._usual() if likeness is None else likeness

    def overlaps(self, texts: Sequence[str]) -> list[Overlap | None]:
        """The overlap of each text with the file, or None."""
        found: list[Overlap | None] = [None] * len(texts)
        rows = _Rows(texts)
        for size, (hashes, owner) in self._hashes.items():
            wide = rows.sizes >= size if size >= FEWEST else rows.sizes == size
            runs, here = rows.runs(size, np.flatnonzero(wide))
            at = np.minimum(np.searchsorted(hashes, runs), len(hashes) - 1)
            for hit in np.flatnonzero(hashes[at] == runs):
                found[here[hit]] = Overlap(self.texts[owner[at[hit]]], 1.0, is_verbatim=True)
        left = [
            place
            for place, overlap in enumerate(found)
            if overlap is None and rows.sizes[place] >= _FEWEST_MEANT
        ]
        if self._common is None:
            return found
        for start in range(0, len(left), _AT_ONCE):
            places = left[start : start + _AT_ONCE]
            near = self._common.vectors([texts[place] for place in places]) @ self._vectors.T
            best = near.argmax(axis=1)
            for row, place in enumerate(places):
                score = float(near[row, best[row]])
                if score >= self.likeness:
                    text = self.texts[self._meant[best[row]]]
                    found[place] = Overlap(text, min(1.0, score), is_verbatim=False)
        return found

    def problem(self, text: str) -> str:
        """The overlap of one text in words; empty if it has none."""
        (overlap,) = self.overlaps([text])
        return "" if overlap is None else overlap.told

    def _usual(self) -> float:
        """The bound: above what the file's own texts have among each other."""
        if self._common is None or len(self._meant) < 2:
            return LIKENESS
        sample = self._vectors[:_AT_ONCE]
        near = sample @ sample.T
        np.fill_diagonal(near, 0.0)
        return float(max(LIKENESS, min(0.95, np.quantile(near.max(axis=1), 0.95))))


def texts_in(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Every text of some rows, those within conversations too, in order."""
    return [text for row in rows for value in row.values() for text in _texts(value)]


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, item in value.items():
            if name not in ("role", "from", "type", "id", "tool_call_id"):
                yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)


class _Rows:
    """Texts as rows of hashed words."""

    def __init__(self, texts: Sequence[str]) -> None:
        plain = normalised(pa.array(texts, pa.large_string()))
        words = pc.utf8_split_whitespace(pc.utf8_trim_whitespace(plain))
        flat = words.flatten().dictionary_encode()
        known = np.array([_hash(word) for word in flat.dictionary.to_pylist()], dtype=np.uint64)
        self.words = known[flat.indices.to_numpy()] if len(flat) else known
        self.sizes = pc.list_value_length(words).to_numpy(zero_copy_only=False).astype(np.int64)
        self.starts = np.cumsum(self.sizes) - self.sizes

    def runs(self, size: int, rows: NDArray[np.int64]) -> tuple[Hashes, NDArray[np.int64]]:
        """A hash of each run of words of one size in some rows, and its row."""
        counts = np.maximum(self.sizes[rows] - size + 1, 0)
        owner = np.repeat(rows, counts)
        first = np.repeat(self.starts[rows] - (np.cumsum(counts) - counts), counts)
        at = first + np.arange(len(owner))
        hashes = np.zeros(len(owner), dtype=np.uint64)
        for step in range(size):
            hashes = (hashes ^ self.words[at + step]) * np.uint64(0x9E3779B97F4A7C15)
            hashes ^= hashes >> np.uint64(29)
        return hashes, owner


class _Common:
    """How common words are, and vectors in which rare ones count more."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._tokens = _rarity(document_counts(texts), len(texts))
        counts = np.zeros(_STEMS, dtype=np.int64)
        for text in texts:
            counts[[*_stems(text)]] += 1
        self._stems = _rarity(counts, len(texts))

    def vectors(self, texts: Sequence[str]) -> Vectors:
        """A unit vector of each text, whose product with another is their likeness."""
        meant = embed_locally(texts, weights=self._tokens)
        stems = np.zeros((len(texts), _STEMS), dtype=np.float32)
        for row, text in enumerate(texts):
            stems[row, [*_stems(text)]] = 1
        stems *= self._stems
        stems /= np.maximum(np.linalg.norm(stems, axis=1, keepdims=True), 1e-9)
        share = np.float32(_VECTORS_SHARE)
        return np.hstack([np.sqrt(share) * meant, np.sqrt(1 - share) * stems])


def _rarity(counts: NDArray[np.int64], texts: int) -> Vectors:
    """Inverse document frequency, never quite 0."""
    return np.maximum(np.log((texts + 1) / (counts + 0.5)), 0.1).astype(np.float32)


def _stems(text: str) -> set[int]:
    words = _WORD.findall(text.casefold())
    return {zlib.crc32(word[:_STEM].encode("utf-8", "surrogatepass")) % _STEMS for word in words}


def _hash(word: str) -> int:
    return int.from_bytes(
        blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little"
    )
