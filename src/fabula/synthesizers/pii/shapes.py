"""Codes and telephone numbers by their shape: digits and letters where the real ones have them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.fakers.locales import load_locale
from fabula.fakers.regex import compile_pattern
from fabula.inference.codes import code_pattern, few_letters, is_mixed, literal
from fabula.io.arrays import array_of
from fabula.streams import Permutation, mix, name_key

MOST_SHAPES = 200

MOST_ATTEMPTS = 64
"""Codes that a number can have, for the case that one is a real one."""

_MOST_STRINGS = 2**62
_LONGEST = 60
_SEEN = 2_000
_COUNTRY = re.compile(r"\+\d{1,2}")
"""The country of a telephone number; one that a single row has is left to chance."""

_DIGITS = re.compile(r"\\d|\[1-9\]|[0-9]")
_WORD = re.compile(r"(\[a-z\]|(?<!-)[a-z](?!-)){3}")
_SOME = re.compile(r"\[[a-z]+\]")
_PLAIN = re.compile(r"[\w\\\[\]{} .#:/()+-]*")

_CLASSES: Mapping[str, str] = {"9": r"\d", "A": "[A-Z]", "a": "[a-z]"}


@dataclass(frozen=True)
class Shapes:
    """The shapes of a column's codes, as regular expressions.

    Attributes:
        regexes: The shapes, most frequent first.
        rows: Training rows of each.
        by_home: The same for the rows of each locale, where countries are known.
    """

    regexes: tuple[str, ...]
    rows: tuple[int, ...]
    by_home: tuple[tuple[int, ...], ...] = ()

    @classmethod
    def of(cls, texts: pa.Array, *, protect: int, frequent: bool = False) -> Shapes | None:
        """The shapes of some texts, or None if they have none.

        Characters that all texts of a shape share are kept if it has at least `protect` rows.

        Args:
            texts: Texts without nulls.
            protect: Rows of a frequent shape.
            frequent: Whether nearly all texts must have a frequent shape; else rare shapes serve
                where frequent ones do not cover half of the rows.
        """
        if pc.any(pc.match_substring_regex(texts, r"\p{Lo}|\p{Lm}")).as_py():
            return None  # scripts without capitals, where no sign could stand for a letter
        mixed = code_pattern(texts[:_SEEN].to_pylist())
        if mixed is not None and is_mixed(mixed):
            fits = pc.match_substring_regex(texts, f"^{mixed}$")
            if pc.mean(fits).as_py() >= _NEARLY_ALL:
                return cls((mixed,), (len(texts),))
        drawn = outlines(texts)
        counted = drawn.value_counts()
        rows = counted.field("counts").to_numpy()
        order = np.argsort(-rows, kind="stable")[:MOST_SHAPES]
        known = [(counted.field("values")[int(at)].as_py(), int(rows[at])) for at in order]
        common = [item for item in known if item[1] >= max(2, protect)]
        covered = sum(count for _, count in common) / max(1, len(texts))
        if frequent and covered < _NEARLY_ALL:
            return None
        chosen = common if covered >= _HALF else known
        if any(len(outline) > _LONGEST for outline, _ in chosen):
            return None
        found: dict[str, int] = {}
        for outline, count in chosen:
            same = texts.filter(pc.equal(drawn, outline)).to_pylist()
            regex = _regex(outline, same, learn=count >= max(2, protect))
            found[regex] = found.get(regex, 0) + count
        return cls(tuple(found), tuple(found.values())) if found else None

    @classmethod
    def of_phones(cls, locales: tuple[str, ...]) -> Shapes:
        """Telephone numbers as some countries write them."""
        return cls(tuple(load_locale(code).phone for code in locales), (1,) * len(locales))

    def at_homes(self, texts: pa.Array, homes: NDArray[np.int64], size: int) -> Shapes:
        """The shapes, and how often each of `size` locales has them.

        Args:
            texts: Real ones; nulls count for nothing.
            homes: The place of the locale of each, or -1.
            size: How many locales there are.
        """
        fits = [pc.match_substring_regex(texts, f"^{regex}$").fill_null(False)
                for regex in self.regexes]  # fmt: skip
        lived = [homes[np.asarray(each)] for each in fits]
        counts = np.array([np.bincount(own[own >= 0], minlength=size) for own in lived])
        return replace(self, by_home=tuple(map(tuple, counts.T.tolist())))

    @property
    def are_codes(self) -> bool:
        """Whether each shape has digits, and no words alongside them."""
        return all(
            _DIGITS.search(each) and not _WORD.search(each) and _PLAIN.fullmatch(each)
            for each in (_SOME.sub("[a-z]", regex) for regex in self.regexes)
        )

    @property
    def size(self) -> float:
        """How many codes there are of all shapes."""
        return float(sum(compile_pattern(regex).size or _MOST_STRINGS for regex in self.regexes))

    def fullest(self, codes: int) -> float:
        """The largest share of a shape's codes that that many codes of all shapes take."""
        shares = zip(self.regexes, self.rows, strict=True)
        return max(
            codes * rows / sum(self.rows) / (compile_pattern(regex).size or _MOST_STRINGS)
            for regex, rows in shares
        )

    def at(
        self,
        numbers: NDArray[np.int64],
        seed: int,
        name: str,
        *,
        attempt: int = 0,
        homes: NDArray[np.int64] | None = None,
    ) -> pa.Array:
        """A code for each number; different numbers give different codes of a shape.

        Args:
            numbers: Numbers from 0 on.
            seed: The sample's seed.
            name: What the codes are called, so that other columns have others.
            attempt: Below `MOST_ATTEMPTS`; another one gives another code of the same shape, which
                is that of no number below the shape's size divided by `MOST_ATTEMPTS`.
            homes: The place of each number's locale, whose shapes are used if it has some.
        """
        key = np.uint64((name_key(name) ^ seed) % 2**64)
        u = mix(numbers.astype(np.uint64) + key).astype(float) / 2.0**64
        sums = np.cumsum(self.rows)
        chosen = np.searchsorted(sums, u * sums[-1], "right")
        for home, counts in enumerate(() if homes is None else self.by_home):
            if sum(counts):
                sums, there = np.cumsum(counts), homes == home
                chosen[there] = np.searchsorted(sums, u[there] * sums[-1], "right")
        pieces, places = [pa.array([], pa.string())], [np.zeros(0, np.int64)]
        for at in np.unique(chosen).tolist():
            rows = np.flatnonzero(chosen == at)
            pattern = compile_pattern(self.regexes[at])
            size = min(pattern.size or 1, _MOST_STRINGS)
            shuffled = Permutation(size, seed, name, self.regexes[at])
            moved = numbers[rows] + attempt * max(1, size // MOST_ATTEMPTS)
            pieces.append(pattern.at(shuffled(moved % size)))
            places.append(rows)
        return pa.concat_arrays(pieces).take(array_of(np.argsort(np.concatenate(places))))

    def state(self) -> dict[str, Any]:
        """The shapes as plain values."""
        return {"regexes": self.regexes, "rows": self.rows, "by_home": self.by_home}


_HALF, _NEARLY_ALL = 0.5, 0.95


_OUTLINES = np.arange(256, dtype=np.uint8)
for _first, _last in ("09", "AZ", "az"):
    _OUTLINES[ord(_first) : ord(_last) + 1] = ord("9" if _first == "0" else _first)


def outlines(texts: pa.Array) -> pa.Array:
    """Texts with 9, A and a in place of digits and letters."""
    if pc.all(pc.string_is_ascii(texts)).as_py() and not texts.null_count:
        _, offsets, data = texts.buffers()
        signs = _OUTLINES[np.frombuffer(data or b"", np.uint8)]
        buffers = [None, offsets, pa.py_buffer(signs.data)]
        return pa.Array.from_buffers(texts.type, len(texts), buffers, 0, texts.offset)
    for found, sign in ((r"\d", "9"), (r"\p{Lu}", "A"), (r"\p{Ll}", "a")):
        texts = pc.replace_substring_regex(texts, found, sign)
    return texts


def _regex(outline: str, texts: list[str], *, learn: bool) -> str:
    """The texts of one outline as a regular expression."""
    if not learn:
        start = _COUNTRY.match(texts[0])
        kept = start.group() if start and len(texts) > 1 and _agree(texts, start.group()) else ""
        return re.escape(kept) + "".join(_place(sign, set()) for sign in outline[len(kept) :])
    places = zip(outline, zip(*texts, strict=True), strict=True)
    return "".join(
        few_letters(frozenset(chars), len(texts)) or _place(sign, set(chars), first=not at)
        for at, (sign, chars) in enumerate(places)
    )


def _agree(texts: list[str], start: str) -> bool:
    return all(text.startswith(start) for text in texts)


def _place(sign: str, chars: set[str], *, first: bool = False) -> str:
    """One place of a shape, of which some characters are known."""
    if sign not in _CLASSES:
        return literal(sign)
    if len(chars) == 1:
        return literal(*chars)
    return "[1-9]" if first and chars and sign == "9" and "0" not in chars else _CLASSES[sign]
