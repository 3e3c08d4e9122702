"""Passages of documents, and the spans in them that quotes stand for."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

from fabula.augment.grounded.documents import Document

FEWEST = 12
"""Letters that a quote needs to be a source."""
_SMALLEST = 40
"""Characters below which a passage joins the one before it."""
_BREAK = re.compile(r"\n[ \t]*\n\s*")
_SENTENCE = re.compile(r"(?<=[.!?。！？])\s+|\n|(?<=[。！？])")
_WORD = re.compile(r"\w{4,}|[\u3040-\u9fff]")
_SAME = str.maketrans("‘’‚‛“”„‟–—‐‑−\u00a0", "''''\"\"\"\"----- ")
"""Quotation marks, dashes and spaces that models write in another form; each stays one letter."""


@dataclass(frozen=True)
class Passage:
    """A part of a document.

    Attributes:
        document: The document.
        start: The offset of its first character.
        end: The offset behind its last one.
    """

    document: Document
    start: int
    end: int

    @property
    def text(self) -> str:
        """What it says."""
        return self.document.text[self.start : self.end]

    @property
    def place(self) -> str:
        """`handbook.pdf, page 3, "Refunds"`."""
        page = self.document.page(self.start)
        heading = self.document.heading(self.start)
        parts = [self.document.name, f"page {page}" if page else "", f'"{heading}"' * bool(heading)]
        return ", ".join(filter(None, parts))

    @cached_property
    def words(self) -> Counter[str]:
        """Its longer words."""
        return Counter(_WORD.findall(self.text.casefold()))

    def span(self, quote: str) -> dict[str, Any] | None:
        """Where a quote stands here, in the source's own letters; None if it does not.

        Line ends and runs of spaces count as one space; quotation marks and dashes may differ in
        form. Nothing else may.
        """
        words = quote.translate(_SAME).split()
        if sum(map(len, words)) < FEWEST:
            return None
        found = re.search(r"\s+".join(map(re.escape, words)), self._plain)
        if found is None:
            return None
        start, end = self.start + found.start(), self.start + found.end()
        return {
            "document": self.document.name,
            "page": self.document.page(start),
            "heading": self.document.heading(start),
            "start": start,
            "end": end,
            "quote": self.document.text[start:end],
        }

    @cached_property
    def _plain(self) -> str:
        return self.text.translate(_SAME)


def passages_of(document: Document, size: int) -> list[Passage]:
    """A document in passages of at most `size` characters, cut at headings, blank lines, sentences.

    Examples:
        >>> long = Document("a.txt", "One sentence here. " * 9)
        >>> [len(part.text) <= 80 for part in passages_of(long, 80)]
        [True, True, True]
    """
    forced = {place for place, _ in document.headings}
    found: list[list[int]] = []
    for start, end in _pieces(document, forced, size):
        last = found[-1] if found else None
        tiny = last is not None and last[1] - last[0] < _SMALLEST
        joins = last is not None and end - last[0] <= size and (start not in forced or tiny)
        if joins and last is not None:
            last[1] = end
        else:
            found.append([start, end])
    return [Passage(document, start, end) for start, end in found]


def _pieces(document: Document, forced: set[int], size: int) -> Iterator[tuple[int, int]]:
    """Blocks between blank lines, and sentences of those that are too long, without outer space."""
    text = document.text
    cuts = {0, len(text), *forced}
    for gap in _BREAK.finditer(text):
        cuts.add(gap.end())
    places = sorted(cuts)
    for start, end in pairwise(places):
        for low, high in _shorter(text, start, end, size):
            inner = text[low:high]
            if said := inner.strip():
                first = low + len(inner) - len(inner.lstrip())
                yield first, first + len(said)


def _shorter(text: str, start: int, end: int, size: int) -> Iterator[tuple[int, int]]:
    """A block in parts of at most `size`: at sentence ends, else at spaces, else anywhere."""
    while end - start > size:
        window = text[start : start + size]
        cut = max((each.end() for each in _SENTENCE.finditer(window)), default=0)
        cut = cut or window.rfind(" ") + 1 or size
        yield start, start + cut
        start += cut
    yield start, end


class Likeness:
    """Which passages are about the same, by the rare words that they share."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        self._passages = passages
        self._places: dict[str, list[int]] = {}
        for place, passage in enumerate(passages):
            for word in passage.words:
                self._places.setdefault(word, []).append(place)

    def nearest(self, text: str, count: int, *, but: Sequence[int] = ()) -> list[int]:
        """The passages that share most with a text, the likest first."""
        scores: dict[int, float] = {}
        for word in dict.fromkeys(_WORD.findall(text.casefold())):
            places = self._places.get(word, ())
            for place in places:
                rare = math.log1p(len(self._passages) / len(places))
                scores[place] = scores.get(place, 0.0) + rare
        for place in scores:
            scores[place] /= math.sqrt(1 + len(self._passages[place].words))
        ranked = sorted(scores, key=lambda place: (-scores[place], place))
        rest = [place for place in range(len(self._passages)) if place not in scores]
        return [place for place in [*ranked, *rest] if place not in but][:count]
