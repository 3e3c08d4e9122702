"""Texts from words that many rows share: each word follows two others as it does in several rows.

Words of few rows, and steps from one word to the next that few rows take, are not learned. Six
words in a row that stand in a few real texts alone are not written either: a table of one bit for
each bucket of hashes, of which half are marked, stops them, and tells as little as `pii/sieve`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fabula.io.arrays import array_of
from fabula.streams import mix

RUN = 6
"""That many words of a real text never follow each other, unless many texts share them."""

_REDRAWS = 6
_MOST_STEPS = 2_000
_MOST_STUCK = 50
"""Times that a text may find no beginning of a sentence before it ends."""

_CLOSING = frozenset(".,;:!?)]}%…’”»")
_OPENING = frozenset("([{“«¿¡")

Ids = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Steps:
    """What follows a word, or two: contexts as rising numbers, and the words after each.

    Attributes:
        contexts: The contexts.
        ends: Where the words after each context end.
        words: The words.
        sums: Running sums of the rows that take each step.
    """

    contexts: Ids
    ends: Ids
    words: NDArray[np.int32]
    sums: NDArray[np.float64]

    @classmethod
    def of(cls, contexts: Ids, words: Ids, rows: Ids, least: int) -> Steps:
        """The steps that enough rows take.

        Args:
            contexts: The context of each step.
            words: The word that follows.
            rows: The row, or person, that takes it.
            least: Rows that a step needs.
        """
        order = np.lexsort((rows, words, contexts))
        contexts, words, rows = contexts[order], words[order], rows[order]
        new = np.ones(len(order), bool)
        new[1:] = (np.diff(contexts) != 0) | (np.diff(words) != 0)
        differs = new.copy()
        differs[1:] |= np.diff(rows) != 0
        starts = np.flatnonzero(new)
        taken = np.diff(starts, append=len(order))
        who = np.add.reduceat(differs, starts) if len(starts) else taken
        kept = who >= least
        contexts, words, taken = contexts[starts][kept], words[starts][kept], taken[kept]
        own, first = np.unique(contexts, return_index=True)
        ends = np.append(first[1:], len(contexts))[: len(own)]
        return cls(own, ends, words.astype(np.int32), np.cumsum(taken, dtype=float))

    def drawn(self, contexts: Ids, u: NDArray[np.float64]) -> Ids:
        """A word after each context; -1 where it is unknown."""
        if not len(self.contexts):
            return np.full(len(contexts), -1)
        at = np.minimum(np.searchsorted(self.contexts, contexts), len(self.contexts) - 1)
        sums = np.concatenate([[0.0], self.sums])
        first = np.concatenate([[0], self.ends])[at]
        low, high = sums[first], sums[self.ends[at]]
        found = np.searchsorted(sums, low + u * (high - low), "right") - 1
        word = self.words[np.minimum(found, self.ends[at] - 1)]
        return np.where(self.contexts[at] == contexts, word, -1)


@dataclass(frozen=True, eq=False)
class WordChain:
    """What writes texts of some topics.

    Attributes:
        words: The words; the first stands for the end of a text.
        pairs: What follows two words of a topic, by (topic * words + one) * words + two.
        singles: What follows one word of a topic.
        any: What follows one word in any topic.
        marked: Buckets of six words that few rows share.
    """

    words: pa.Array
    pairs: Steps
    singles: Steps
    any: Steps
    marked: NDArray[np.bool_]

    @classmethod
    def of(
        cls, words: pa.Array, ids: Ids, rows: Ids, topics: Ids, *, few: int, protect: int
    ) -> WordChain:
        """Learn texts.

        Args:
            words: The words that may be written, the first of which ends a text.
            ids: The words of all texts, one after the other; -1 for others.
            rows: The row, or person, of each.
            topics: The topic of each.
            few: Rows that a step needs.
            protect: Rows that must share six words.
        """
        size = np.int64(len(words))
        known = ids >= 0
        one, two, three = ids[:-2], ids[1:-1], ids[2:]
        inner = known[:-2] & known[1:-1] & known[2:] & ((two != 0) | (one == 0))
        pairs = ((topics[:-2] * size + one) * size + two)[inner]
        after, before = ids[1:], ids[:-1]
        both = known[1:] & known[:-1] & ((before != 0) | (after != 0))
        single = (topics[:-1] * size + before)[both]
        plain = _plain(words)
        spoken = np.where(known, plain[ids], -1)
        said = np.flatnonzero((spoken != 0) | (ids == 0))  # without signs
        spoken, speaker = spoken[said], rows[said]
        runs = [spoken[at : max(0, len(spoken) - RUN + 1) + at] for at in range(RUN)]
        whole = np.all([run > 0 for run in runs], axis=0)
        hashes = _hashes([run[whole] for run in runs])
        place, counts = _rows_of(hashes, speaker[: len(whole)][whole])
        rare = place[counts < protect]
        marked = np.zeros(max(2, math.ceil(len(rare) / math.log(2))), bool)
        marked[_buckets(rare, len(marked))] = True
        return cls(
            words,
            Steps.of(pairs, three[inner], rows[:-2][inner], few),
            Steps.of(single, after[both], rows[:-1][both], few),
            Steps.of(before[both], after[both], rows[:-1][both], protect),
            marked,
        )

    def texts(
        self, topics: Ids, lengths: NDArray[np.float64], rng: np.random.Generator, stop: str
    ) -> list[str]:
        """Texts of topics, each about as long as asked, in characters.

        Args:
            topics: The topic of each text.
            lengths: The characters of each.
            rng: Draws words.
            stop: What ends a sentence that can't go on; may be empty.
        """
        words = self.words.to_pylist()
        added = np.array([_added(word) for word in words], float)
        count = len(topics)
        plain = _plain(self.words)
        last, run = np.zeros((count, 2), np.int64), np.zeros((count, RUN - 1), np.int64)
        written, stuck = np.zeros(count), np.zeros(count, np.int64)
        steps: list[tuple[Ids, Ids]] = []
        lengths = lengths - len(stop) + 1  # the first word follows no space
        active = np.flatnonzero(lengths > 0)
        for _ in range(_MOST_STEPS):
            if not len(active):
                break
            chosen = self._next(topics[active], last[active], run[active], plain, rng)
            ended = (chosen == 0) & (plain[last[active, 1]] > 0)
            longer = written[active] + added[chosen] + len(stop) * ended
            too_long = longer - lengths[active] > lengths[active] - written[active]
            too_long &= (written[active] > 0) | (chosen == 0)
            steps.append((active[~too_long], chosen[~too_long]))
            stuck[active] += (chosen == 0) & (last[active, -1] == 0)
            last[active] = np.column_stack([last[active, 1:], chosen])
            last[active[chosen == 0]] = 0
            said = plain[chosen] > 0
            run[active[said]] = np.column_stack([run[active[said], 1:], plain[chosen[said]]])
            written[active] = longer
            active = active[~too_long & (stuck[active] < _MOST_STUCK) & (longer < lengths[active])]
        rows = np.concatenate([rows for rows, _ in steps]) if steps else np.zeros(0, np.int64)
        ids = np.concatenate([own for _, own in steps]) if steps else rows
        order = np.argsort(rows, kind="stable")
        cuts = np.searchsorted(rows[order], np.arange(1, count))
        return [_joined([words[at] for at in part], stop) for part in np.split(ids[order], cuts)]

    def _next(self, topics: Ids, last: Ids, run: Ids, plain: Ids, rng: np.random.Generator) -> Ids:
        """The next word of each text; 0 where the text, or a sentence, has to end."""
        one, two, size = last[:, 0], last[:, 1], len(self.words)
        chosen = np.full(len(topics), -1)
        open_ = np.arange(len(topics))
        for attempt in range(_REDRAWS):
            u = rng.random(len(open_))
            near, found = topics[open_] * size, np.full(len(open_), -1)
            levels = (
                (self.pairs, (near + one[open_]) * size + two[open_]),
                (self.singles, near + two[open_]),
                (self.any, two[open_]),
            )
            for steps, context in levels[attempt // 2 :]:
                lost = np.flatnonzero(found < 0)
                found[lost] = steps.drawn(context[lost], u[lost])
            said = plain[np.maximum(found, 0)]
            whole = (run[open_] > 0).all(axis=1) & (said > 0)
            hashes = _hashes([*run[open_].T, said])
            copied = whole & self.marked[_buckets(hashes, len(self.marked))]
            chosen[open_[~copied]] = found[~copied]
            open_ = open_[copied]
            if not len(open_):
                break
        return np.asarray(np.maximum(chosen, 0), np.int64)

    def state(self) -> dict[str, Any]:
        """The chain as arrays."""
        own = {"words": self.words, "marked": self.marked}
        for name in ("pairs", "singles", "any"):
            steps: Steps = getattr(self, name)
            own |= {f"{name}-{part}": getattr(steps, part) for part in _PARTS}
        return own

    @classmethod
    def restore(cls, arrays: Mapping[str, Any]) -> WordChain:
        """The chain of arrays."""
        pairs, singles, every = (
            Steps(*(np.asarray(arrays[f"{name}-{part}"]) for part in _PARTS))
            for name in ("pairs", "singles", "any")
        )
        return cls(arrays["words"], pairs, singles, every, np.asarray(arrays["marked"], bool))


_PARTS = ("contexts", "ends", "words", "sums")


def _plain(words: pa.Array) -> Ids:
    """A number for each word that is the same in capitals; 0 for signs."""
    folded = [word.casefold() if word[:1].isalnum() else "" for word in words.to_pylist()]
    numbers = {word: at for at, word in enumerate(dict.fromkeys(["", *folded]))}
    return np.array([numbers[word] for word in folded], np.int64)


def _hashes(run: Sequence[Ids]) -> NDArray[np.uint64]:
    total = np.zeros(len(run[0]), np.uint64)
    for word in run:
        total = mix(total * np.uint64(0x9E3779B97F4A7C15) + word.astype(np.uint64) + np.uint64(1))
    return np.asarray(total)


def _buckets(hashes: NDArray[np.uint64], count: int) -> Ids:
    return np.asarray(hashes % np.uint64(count), np.int64)


def _rows_of(hashes: NDArray[np.uint64], rows: Ids) -> tuple[NDArray[np.uint64], Ids]:
    """Different hashes, and how many rows have each."""
    order = np.lexsort((rows, hashes))
    hashes, rows = hashes[order], rows[order]
    new = np.ones(len(hashes), bool)
    new[1:] = (hashes[1:] != hashes[:-1]) | (rows[1:] != rows[:-1])
    place, counts = np.unique(hashes[new], return_counts=True)
    return place, counts


def _added(word: str) -> int:
    """The characters by which a word makes a text longer."""
    return len(word) + (word[:1] not in _CLOSING) if word else 0


def _joined(words: Sequence[str], stop: str) -> str:
    """Words as a text; an empty one ends a sentence."""
    text = ""
    for word in words:
        if not word:
            text += stop if text and text[-1] not in ".!?" else ""
        elif not text or word[0] in _CLOSING or text[-1] in _OPENING:
            text += word
        else:
            text += f" {word}"
    return text + (stop if text and text[-1] not in ".!?" else "")


def counted_words(
    texts: Sequence[list[str]], rows: Ids, least: int
) -> tuple[pa.Array, Ids, Ids, Ids]:
    """The words that enough rows share, most frequent first, and all texts as their numbers.

    Args:
        texts: The words of each text.
        rows: The row, or person, of each.
        least: Rows that a word needs.

    Returns:
        The words after the empty one, which stands before and after each text; their numbers in
        all texts, -1 for others; the row of each; and the position of its text.
    """
    flat = pa.array([word for text in texts for word in text], pa.string()).dictionary_encode()
    sizes = np.array([len(text) for text in texts], np.int64)
    at = np.repeat(np.arange(len(texts)), sizes)
    codes = flat.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    pairs = np.unique(codes * np.int64(rows.max(initial=0) + 1) + rows[at])
    who = np.bincount(pairs // np.int64(rows.max(initial=0) + 1), minlength=len(flat.dictionary))
    often = np.bincount(codes, minlength=len(flat.dictionary))
    kept = np.flatnonzero(who >= least)
    kept = kept[np.argsort(-often[kept], kind="stable")]
    numbers = np.full(len(flat.dictionary), -1)
    numbers[kept] = np.arange(1, len(kept) + 1)
    words = pa.concat_arrays([pa.array([""]), flat.dictionary.take(array_of(kept))])
    starts = np.concatenate([[0], np.cumsum(sizes)])[:-1]
    ids = np.insert(numbers[codes], np.repeat(np.append(starts, len(codes)), 2), 0)
    place = np.concatenate([np.repeat(np.arange(len(texts)), sizes + 2), [len(texts) - 1] * 2])
    return words, ids, rows[place], place
