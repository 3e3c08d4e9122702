"""How notes mention a person by name: in any order, with initials, joined, misspelt, inflected."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple
from unicodedata import normalize

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.io.arrays import whole_texts
from fabula.pii.lexicon import spaced_out
from fabula.privacy.folding import ALONE, CLASS, LOWER
from fabula.privacy.notes.latin import spelled_out
from fabula.privacy.notes.needles import Mention, Needle, is_one_edit
from fabula.privacy.notes.ordinary import is_ordinary, weak
from fabula.privacy.notes.writers import (
    Hits,
    Texts,
    Writer,
    like,
    only_where,
    rewritten,
    written_parts,
    written_whole,
)
from fabula.privacy.squeezed import Counts, Runs, Squeezed, runs_of

_TITLE = r"^((mr|mrs|ms|miss|dr|rev|prof|herr|frau|sr|sra|dott|pan|pani|mme|mlle)\.? )+"
_TITLES_BEHIND = (
    "先生", "女士", "小姐", "太太", "老师", "老師", "医生", "醫生", "博士", "教授", "经理", "經理",
    "さん", "様", "氏", "君", "씨", "님", "선생", "사장",
)  # fmt: skip
_UNSPACED = r"^[\x{1100}-\x{11ff}\x{3400}-\x{9fff}\x{ac00}-\x{d7af}々]+[\x{3040}-\x{30ff}]*$"
"""A word of Chinese, Japanese or Korean, also letter by letter."""

_LONGEST_TITLE = 8
"""Code points of a title, also letter by letter."""

_EAST = 0x2E80
_SHORTEST_TYPO, _SHORTEST_BESIDE, _LONGEST_ENDING = 5, 3, 3
"""Letters that a misspelt name has, less next to the person's other name; and of an ending."""
_PARTS = 3
"""Parts of a first or last name that are searched by themselves: both of `Smith-Jones`."""


class Part(NamedTuple):
    """A word of each row's name, old and new."""

    runs: Runs
    texts: tuple[Texts, Texts]
    weak: NDArray[np.bool_]


@dataclass(frozen=True)
class Names:
    """First or last names, old and new, one per row."""

    kind: str
    old: pa.Array
    new: pa.Array

    @cached_property
    def texts(self) -> tuple[Texts, Texts]:
        """Old and new names."""
        return Texts(self.old), Texts(self.new)

    @cached_property
    def squeezed(self) -> Squeezed:
        """The old names."""
        return Squeezed.of(self.old)

    @cached_property
    def runs(self) -> Runs:
        """The old names as runs."""
        return self.squeezed.whole()

    @property
    def words(self) -> Counts:
        """How many words each old name has."""
        return self.squeezed.word_counts

    @cached_property
    def parts(self) -> list[Part]:
        """The words of names that have several: both of `Smith-Jones`."""
        if not pc.any(pc.match_substring_regex(self.old, r"[\s-]"), min_count=0).as_py():
            return []
        old, new = ([part.to_pylist() for part in _parts(each)] for each in (self.old, self.new))
        many, as_many = (
            np.array([sum(map(bool, words)) for words in zip(*each, strict=True)])
            for each in (old, new)
        )
        whole = self.new.to_pylist()
        found = []
        for words, others in zip(old, new, strict=True):
            runs = runs_of(words)
            small = np.array([(word or "").islower() for word in words], dtype=bool)
            mine = [
                other if same else value
                for other, same, value in zip(
                    others, (many == as_many).tolist(), whole, strict=True
                )
            ]
            runs = runs.only((many > 1) & ~small & (runs.lengths > 1))
            found.append(Part(runs, _texts(words, mine), weak(runs)))
        return found

    @cached_property
    def weak(self) -> NDArray[np.bool_]:
        """Which old names are ordinary words, too."""
        return weak(self.runs)


def person_names(own: Sequence[Mention]) -> list[Names]:
    """The first and last names among the mentions; whole names are split.

    A whole name counts where a row has no first and last name of its own.
    """
    given: dict[str, list[Mention]] = {}
    for mention in own:
        given.setdefault(mention.kind, []).append(mention)
    whole = given.get("name", [])
    first, last = (given.get(kind, []) for kind in ("first_name", "last_name"))
    found = [(a, b) for a, b in zip(first, last, strict=False)]
    names = [Names(m.kind, _plain(m.original), _plain(m.replacement))
             for pair in found for m in pair]  # fmt: skip
    names += [Names(m.kind, _plain(m.original), _plain(m.replacement))
              for m in [*first[len(found) :], *last[len(found) :]]]  # fmt: skip
    for mention in whole[: 1 if not found else 0] + whole[1:]:
        old, new = _split(mention.original), _split(mention.replacement)
        names += [Names("first_name", old[0], new[0]), Names("last_name", old[1], new[1])]
    return [*names, *_spelled_out(names)]


def _spelled_out(names: Sequence[Names]) -> Iterator[Names]:
    """Pairs of names again, in ASCII, where one of them has letters of its language."""
    for pair in zip(names[::2], names[1::2], strict=False):
        spelled = [spelled_out(each.old) for each in pair]
        if any(each is not None for each in spelled):
            for each, old in zip(pair, spelled, strict=True):
                new = spelled_out(each.new)
                yield Names(
                    each.kind,
                    each.old if old is None else pc.coalesce(old, each.old),
                    each.new if new is None else pc.coalesce(new, each.new),
                )


def _plain(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    return pc.utf8_trim_whitespace(whole_texts(values))


def _split(values: pa.Array | pa.ChunkedArray) -> tuple[pa.Array, pa.Array]:
    """Whole names as first and last names; a name of one word is a last name."""
    plain = pc.replace_substring_regex(_plain(values), r"^([^,]+),\s*(.+)$", r"\2 \1")
    plain = pc.replace_substring_regex(plain, "(?i)" + _TITLE, "")
    plain = all_spaced_out(plain)
    first = pc.replace_substring_regex(plain, r"^(\S+)\s+.*$|^.*$", r"\1")
    last = pc.replace_substring_regex(plain, r"^\S+\s+", "")
    return _filled(first), _filled(last)


def _filled(values: pa.Array) -> pa.Array:
    return pc.if_else(pc.equal(values, ""), pa.scalar(None, values.type), values)


def all_spaced_out(names: pa.Array) -> pa.Array:
    """As `spaced_out`, for many."""
    plain = names.cast(pa.large_string())
    joined = pc.fill_null(pc.match_substring_regex(plain, _UNSPACED), False)
    if not pc.any(joined, min_count=0).as_py():
        return plain
    spaced = list(map(spaced_out, plain.filter(joined).to_pylist()))
    return pc.replace_with_mask(plain, joined, pa.array(spaced, plain.type))


def name_needles(names: Sequence[Names]) -> Iterator[Needle]:
    """All needles of first and last names; neighbours in the list are one person's."""
    for each in names:
        yield from _alone(each)
    for first, last in zip(names[::2], names[1::2], strict=False):
        if (first.kind, last.kind) == ("first_name", "last_name"):
            yield from _together(first, last)


def _alone(names: Names) -> Iterator[Needle]:
    yield Needle(names.kind, _searched(names.runs), written_whole(*names.texts), weak=names.weak,
                 gaps=names.words)  # fmt: skip
    single = names.runs.only((names.runs.lengths == 1) & (names.runs.first >= _EAST))
    if single.lengths.any():
        yield Needle(names.kind, single, only_where(written_whole(*names.texts), _before_a_title))
    for part in names.parts:
        yield Needle(names.kind, part.runs, written_whole(*part.texts), weak=part.weak)


def _texts(old: Sequence[str | None], new: Sequence[str | None]) -> tuple[Texts, Texts]:
    return Texts(pa.array(old, pa.large_string())), Texts(pa.array(new, pa.large_string()))


def _before_a_title(hits: Hits) -> NDArray[np.bool_]:
    """Where a title follows: 王 is a word, and 王先生 is somebody."""

    def is_before(text: str, _: int, end: int) -> bool:
        behind = normalize("NFC", text[end : end + _LONGEST_TITLE])
        return behind.removeprefix(" ").startswith(_TITLES_BEHIND)

    return hits.are(is_before)


def _parts(values: pa.Array) -> list[pa.Array]:
    lists = pc.split_pattern_regex(values.fill_null(""), r"[\s-]+")
    return [
        pc.list_slice(lists, at, at + 1, return_fixed_size_list=True).flatten()
        for at in range(_PARTS)
    ]


def _searched(runs: Runs) -> Runs:
    """Runs without single letters."""
    return runs.only(runs.lengths > 1)


def _together(first: Names, last: Names) -> Iterator[Needle]:
    """Both names in any order, and one with the initial of the other."""
    new_first, new_last = first.texts[1], last.texts[1]
    one, other = first.runs, last.runs
    letter, further = (
        Texts(names.new, lambda new: pc.utf8_slice_codeunits(new, 0, 1)) for names in (first, last)
    )
    i, j = one.initial(), other.initial()
    for part in last.parts:
        runs, news = i + part.runs, (letter, part.texts[1])
        yield Needle("name", runs, written_parts(*news), [i.lengths], part.weak, -1)
    # one letter of a name in Chinese is a word of its own
    longer, wider = other.only(other.lengths > 2), one.only(one.lengths > 2)
    for before, after, news, is_weak, initial in (
        (one, other, (new_first, new_last), None, 0),
        (other, one, (new_last, new_first), None, 0),
        (i, longer, (letter, new_last), last.weak, -1),
        (longer, i, (new_last, letter), None, 1),
        (wider, j, (new_first, further), None, 1),
    ):
        gaps = None if initial else first.words + last.words
        yield Needle(
            "name", before + after, written_parts(*news), [before.lengths], is_weak, initial, gaps
        )
    yield Needle(
        "name", i + j, only_where(written_parts(letter, further), _are_initials), [i.lengths]
    )


def _are_initials(hits: Hits) -> NDArray[np.bool_]:
    """Where dots tell that letters are initials."""
    return hits.are(
        lambda text, begin, end: (
            text.find(".", begin, end) >= 0
            and text.startswith(".", end)
            and text[begin:end].isupper()
        )
    )


def misspelt(
    notes: Squeezed, names: Names, named: NDArray[np.bool_]
) -> tuple[Counts, Counts, Writer]:
    """The words that are a name but for one letter, or with an ending.

    Args:
        notes: The notes.
        names: The names of each row.
        named: Which words of the notes are a name of their row's person as it is.

    Returns:
        The words, their lengths, and what is written for them.
    """
    old = names.squeezed
    lengths = np.diff(old.row_ends)
    sizes = notes.word_ends - notes.starts
    kinds = notes.kinds[notes.starts]
    words = np.flatnonzero((kinds & LOWER == 0) & (kinds & CLASS != ALONE) & (sizes > 1) & ~named)
    beside = _beside(notes, words, named & (sizes > 1))  # `Met` in `Met M.P.`: not Mel
    size, length = sizes[words], lengths[notes.rows[words]]
    least = np.where(beside, _SHORTEST_BESIDE, _SHORTEST_TYPO)
    near = (np.abs(size - length) <= 1) & (np.maximum(size, length) >= least)
    longer = (length >= _SHORTEST_TYPO) & (size > length) & (size - length <= _LONGEST_ENDING)
    fits = near | longer
    words, beside = words[fits], beside[fits]
    same = _shares_half(notes, words, sizes[words], old)
    words, beside = words[same], beside[same]
    starts, ends = notes.starts[words], notes.starts[words] + sizes[words]
    open_to_typos = ~is_ordinary(notes.hashes(starts, ends)) | beside
    keep = np.array(
        [
            may_be and _is_variant(notes.codes[start:end].tolist(), old.row_codes(row))
            for may_be, start, end, row in zip(
                *map(np.ndarray.tolist, (open_to_typos, starts, ends, notes.rows[words])),
                strict=True,
            )
        ],
        dtype=bool,
    )
    whole, new = names.texts

    def inflected(span: str, value: str, before: str) -> str:
        ending = span[len(before) :] if span.casefold().startswith(before.casefold()) else ""
        return like(span, value) + ending

    def write(hits: Hits) -> pa.Array:
        values, before = new.take(hits.rows), whole.take(hits.rows)
        return rewritten(hits.spans, values, np.ones(len(hits), bool), inflected, before)

    return words[keep], sizes[words[keep]], write


def _beside(notes: Squeezed, words: Counts, named: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether the word before or after is a name, in the same row."""
    led = np.concatenate([[False], named, [False]])
    rows = np.concatenate([[-1], notes.rows, [-1]])
    before, after = (led[at] & (rows[at] == rows[words + 1]) for at in (words, words + 2))
    found: NDArray[np.bool_] = before | after
    return found


def _shares_half(
    notes: Squeezed, words: Counts, sizes: Counts, names: Squeezed
) -> NDArray[np.bool_]:
    """Whether words start or end as their row's name does: one edit leaves a half as it was."""
    rows, starts = notes.rows[words], notes.starts[words]
    begin, end = names.row_ends[rows], names.row_ends[rows + 1]
    half = (end - begin - 1) // 2
    same: NDArray[np.bool_]
    same = notes.hashes(starts, starts + half) == names.hashes(begin, begin + half)
    ends = starts + sizes
    same |= notes.hashes(ends - half, ends) == names.hashes(end - half, end)
    return same


def _is_variant(word: list[int], name: list[int]) -> bool:
    if len(word) - len(name) in range(1, _LONGEST_ENDING + 1) and len(name) >= _SHORTEST_TYPO:
        shared = next(
            (i for i, (a, b) in enumerate(zip(word, name, strict=False)) if a != b), len(name)
        )
        if shared >= len(name) - 1:
            return True
    return abs(len(word) - len(name)) <= 1 and is_one_edit(word, name)
