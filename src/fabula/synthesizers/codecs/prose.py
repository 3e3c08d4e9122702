"""Free text: a model learns its topic and length by the other values; the text is newly written.

Topics are groups of texts with the same words. A cell is a topic and a sixth of the lengths; a
new text is written from words that many rows share, until it is as long as texts of its cell are.
It reads like the real ones from word to word, and means little: where texts have to make sense, a
language model writes them (a `text` or `llm` column of a spec).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fabula.io.arrays import array_of, plain_type
from fabula.render.amounts import percent
from fabula.streams import stream
from fabula.synthesizers.codecs.categories import fewer, plain_values
from fabula.synthesizers.codecs.codec import (
    PROTECTED_ROWS,
    CodeColumn,
    CodecState,
    Places,
    Target,
    not_given,
)
from fabula.synthesizers.codecs.number_cells import SEGMENTS, quantiles
from fabula.synthesizers.codecs.word_chains import WordChain, counted_words
from fabula.synthesizers.model import CellColumn, Weights

FEWEST = 200
"""Texts that topics and words are learned from, at least."""

KNOWN = 0.6
"""The share of words, at least, that many rows share; other columns hold codes or names."""

LENGTHS = 6
"""Ranges of lengths in a topic."""

ROWS_OF_TOPIC, MOST_TOPICS = 150, 10

LENGTHS_APART, MOST_TRIED = 0.1, 500
"""How far lengths of new texts may be from real ones beyond chance, and texts that are tried."""

_SMOOTH, _PASSES, _AXES, _SEEN = 0.5, 5, 16, 5_000
_SIZES = (2, 3, 4, 6, 8, 10)
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*|[^\w\s]")
_STOPS = ".!?"
_FREQUENT = 0.5
"""Words of more texts than this tell no topic."""


@dataclass(frozen=True, eq=False)
class ProseCodec:
    """A column of free text.

    Attributes:
        name: The column's name.
        type: Its Arrow type.
        chain: What writes texts.
        topics: How much each word speaks for each topic, shape (topics, words).
        prior: How much speaks for each topic beforehand.
        grid: Lengths in characters, shape (LENGTHS, SEGMENTS + 1).
        counts: Training rows of each cell, then of missing values if there are any.
        stop: What ends most texts.
        unknown: The share of words that too few rows share.
    """

    name: str
    type: pa.DataType
    chain: WordChain
    topics: NDArray[np.float64]
    prior: NDArray[np.float64]
    grid: NDArray[np.float64]
    counts: NDArray[np.int64]
    stop: str
    unknown: float = 0.0

    @classmethod
    def learn(
        cls, name: str, values: pa.Array, *, protect: int, people: NDArray[np.int64] | None = None
    ) -> ProseCodec | None:
        """Learn texts; None if they are few, share too few words, or come out too short.

        Args:
            name: The column's name.
            values: Its values.
            protect: Rows that share a word which may be written.
            people: The number of each row's person; then people are counted in place of rows.
        """
        plain = plain_values(values)
        filled = np.flatnonzero(plain.is_valid().to_numpy(zero_copy_only=False))
        if len(filled) < FEWEST:
            return None
        least = max(protect, PROTECTED_ROWS)
        texts = plain.drop_null().to_pylist()
        split = [_split(text) for text in texts]
        who = filled if people is None else people[filled]
        words, ids, rows, place = counted_words(split, who, least)
        known = float((ids[ids != 0] > 0).mean()) if (ids != 0).any() else 0.0
        if known < KNOWN or len(words) < RUNNING:
            return None
        counts = _counts(ids, place, len(texts), len(words))
        most = int(np.clip(len(texts) // ROWS_OF_TOPIC, 1, MOST_TOPICS))
        topics, prior = _topics(counts, most)
        found = np.asarray((counts @ topics.T + prior).argmax(axis=1))
        chain = WordChain.of(words, ids, rows, found[place], few=fewer(least), protect=least)
        stop = "." if np.mean([text.rstrip()[-1:] in _STOPS for text in texts]) > 0.5 else ""
        lengths = np.sort([len(text) for text in texts]).astype(float)
        cut = min(least, (len(lengths) - 1) // 3)
        inner = lengths[cut : len(lengths) - cut]
        parts = np.array_split(inner, LENGTHS)
        pieces = int(np.clip(len(inner) // LENGTHS // least, 1, SEGMENTS))
        grid = np.array([_spread(part, pieces) for part in parts])
        size = len(prior) * LENGTHS + bool(plain.null_count)
        own = cls(name, values.type, chain, topics, prior, grid, np.ones(size, np.int64), stop)
        codes = own.encode(values)
        if own._misses(codes[filled], lengths):
            return None
        return replace(own, counts=np.bincount(codes, minlength=size), unknown=1.0 - known)

    def _misses(self, codes: CodeColumn, lengths: NDArray[np.float64]) -> bool:
        """Whether new texts are not as long as the real ones: few words follow few others."""
        some = codes[np.linspace(0, len(codes) - 1, min(len(codes), MOST_TRIED)).astype(int)]
        places = Places(np.arange(len(some)), 0, stream(0, "prose", self.name, 0))
        made = np.sort([len(text) for text in self.decode(some, places).to_pylist()])
        steps = np.union1d(made, lengths)
        below = [np.searchsorted(own, steps, "right") / len(own) for own in (made, lengths)]
        chance = 1.36 * np.sqrt(1 / len(made) + 1 / len(lengths))  # Massey 1951, one in twenty
        return bool(np.abs(below[0] - below[1]).max() > LENGTHS_APART + chance)

    @property
    def cells(self) -> CellColumn:
        """A cell for each topic and range of lengths."""
        missing = len(self.counts) > len(self.prior) * LENGTHS
        return CellColumn(self.name, self.counts, ordered=False, missing=missing)

    @property
    def about(self) -> str:
        """What was made of the column."""
        topics = f"{len(self.prior)} topic{'s' * (len(self.prior) != 1)}"
        words = f"{len(self.chain.words) - 1:,} words"
        told = f"free text, newly written from {words} by {topics} and length"
        unknown = percent(self.unknown)
        rare = f"; {unknown} of the words are too rare to be used" if self.unknown else ""
        return f"{told}; it reads alike, and means little{rare}"

    def encode(self, values: pa.Array) -> CodeColumn:
        """The topic and length of texts."""
        plain = plain_values(values)
        filled = plain.is_valid().to_numpy(zero_copy_only=False)
        texts = plain.drop_null().to_pylist()
        numbers = {word: at for at, word in enumerate(self.chain.words.to_pylist())}
        ids = [[numbers.get(word, 0) for word in _split(text)] for text in texts]
        place = np.repeat(np.arange(len(texts)), [len(text) for text in ids])
        flat = np.array([at for text in ids for at in text], np.int64)
        counts = _counts(flat, place, len(texts), len(numbers))
        topic = np.asarray((counts @ self.topics.T + self.prior).argmax(axis=1))
        tops = self.grid[:-1, -1]
        length = np.searchsorted(tops, [len(text) for text in texts], "left")
        codes = np.full(len(plain), len(self.counts) - 1, np.int32)
        codes[filled] = topic * LENGTHS + length
        return codes

    def decode(self, codes: CodeColumn, places: Places, wanted: Target | None = None) -> pa.Array:
        """New texts for codes."""
        del wanted
        rng = places.rng
        known = np.flatnonzero(codes < len(self.prior) * LENGTHS)
        topic, length = np.divmod(codes[known].astype(np.int64), LENGTHS)
        along = rng.random(len(known)) * SEGMENTS
        part = along.astype(np.int64)
        low, high = self.grid[length, part], self.grid[length, part + 1]
        texts = self.chain.texts(topic, low + (along - part) * (high - low), rng, self.stop)
        index = np.zeros(len(codes), np.int64)
        index[known] = np.arange(len(known))
        missing = np.ones(len(codes), bool)
        missing[known] = False
        made = pa.array(texts, plain_type(self.type)).take(array_of(index, missing=missing))
        return made.cast(self.type)

    def weights(self, wanted: Target) -> Weights:
        """Texts can't be asked for, but for missing ones."""
        if wanted == (None,) and self.cells.missing:
            return np.append(np.zeros(len(self.counts) - 1), 1.0)
        raise not_given(
            self.name, "is free text, which is newly written for each row", "given.text"
        )

    def state(self) -> CodecState:
        """The codec as plain values; the type is the schema's."""
        arrays: dict[str, Any] = {"topics": self.topics, "prior": self.prior, "grid": self.grid}
        settings = {"stop": self.stop, "unknown": self.unknown}
        arrays = {**self.chain.state(), **arrays, "counts": self.counts}
        return CodecState("prose", settings, arrays)

    @classmethod
    def restore(cls, name: str, kind: pa.DataType, state: CodecState) -> ProseCodec:
        """The codec of a state."""
        own = state.arrays
        topics, prior, grid = (np.asarray(own[part]) for part in ("topics", "prior", "grid"))
        chain, told, counts = WordChain.restore(own), state.settings, np.asarray(own["counts"])
        return cls(name, kind, chain, topics, prior, grid, counts, told["stop"], told["unknown"])


RUNNING = 20
"""Different words that many rows share, at least."""


def _split(text: str) -> list[str]:
    """The words and signs of a text."""
    return _WORD.findall(text)


def _spread(lengths: NDArray[np.float64], pieces: int) -> NDArray[np.float64]:
    """Rising lengths at even shares of the rows."""
    ends = quantiles(lengths, pieces)[: pieces + 1]
    return np.interp(np.linspace(0, pieces, SEGMENTS + 1), np.arange(pieces + 1), ends)


def _counts(ids: NDArray[np.int64], place: NDArray[np.int64], texts: int, words: int):  # type: ignore[no-untyped-def]
    """How often each text contains each word; a sparse matrix."""
    from scipy.sparse import csr_matrix

    known = ids > 0
    ones = np.ones(int(known.sum()))
    return csr_matrix((ones, (place[known], ids[known])), shape=(texts, words))


def _topics(counts, most: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:  # type: ignore[no-untyped-def]
    """How much words speak for topics, and each topic's own weight; as many topics as differ.

    A mixture of word counts, from groups of texts along their main axes; the number of topics is
    the one of the best Bayesian information criterion.
    """
    from sklearn.cluster import KMeans
    from sklearn.decomposition import TruncatedSVD
    from sklearn.preprocessing import normalize

    texts = counts.shape[0]
    contains = np.asarray((counts > 0).sum(axis=0)).ravel()
    telling = (contains > 0) & (contains <= _FREQUENT * texts)
    few = counts[np.linspace(0, texts - 1, min(texts, _SEEN)).astype(int)]
    best = _speaking(few, np.zeros(few.shape[0], np.int64), 1, telling)
    if most == 1 or telling.sum() <= 2:
        return best[1:]
    rarity = np.log(texts / contains[telling])
    weighed = normalize(few[:, telling].sign().multiply(rarity).tocsr())
    axes = min(_AXES, int(telling.sum()) - 1)
    seen = normalize(TruncatedSVD(axes, random_state=0).fit_transform(weighed))
    for count in [size for size in _SIZES if size <= most]:
        groups = KMeans(count, n_init=3, random_state=0).fit_predict(seen)
        found = _speaking(few, groups, count, telling)
        best = max(best, found, key=lambda item: item[0])
    return best[1:]


def _speaking(  # type: ignore[no-untyped-def]
    counts, groups: NDArray[np.int64], count: int, telling: NDArray[np.bool_]
) -> tuple[float, NDArray[np.float64], NDArray[np.float64]]:
    """How well topics explain texts, less what their number costs; what speaks for each."""
    score = 0.0
    for _ in range(_PASSES):
        members = np.eye(count)[groups]
        sums = np.asarray(counts.T @ members).T + _SMOOTH
        shares = np.where(telling, sums, 0.0) / sums[:, telling].sum(axis=1, keepdims=True)
        speaks = np.log(np.where(telling, shares, 1.0))
        prior = np.log(np.maximum(members.mean(axis=0), 1e-9))
        chances = np.asarray(counts @ speaks.T + prior)
        groups, score = chances.argmax(axis=1), float(chances.max(axis=1).sum())
    free = count * int(telling.sum())
    return score - free / 2 * np.log(max(2, counts.shape[0])), speaks, prior
