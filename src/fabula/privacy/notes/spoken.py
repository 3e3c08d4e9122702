"""Numbers that notes spell as words: `five five five, oh one double eight`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from fabula.privacy.folding import CLASS, DIGIT
from fabula.privacy.notes.details import TAIL, dialled
from fabula.privacy.notes.needles import Mention
from fabula.privacy.run_index import HashSet
from fabula.privacy.squeezed import Squeezed, runs_of

_DIGITS = (
    "zero one two three four five six seven eight nine",
    "oh one two three four five six seven eight niner",
    "null eins zwei drei vier fünf sechs sieben acht neun",
    "null ein zwo drei vier fünf sechs sieben acht neun",
    "zéro un deux trois quatre cinq six sept huit neuf",
    "cero uno dos tres cuatro cinco seis siete ocho nueve",
    "zero uno due tre quattro cinque sei sette otto nove",
    "zero um dois três quatro cinco seis sete oito nove",
    "zero jeden dwa trzy cztery pięć sześć siedem osiem dziewięć",
    "ноль один два три четыре пять шесть семь восемь девять",
    "nul een twee drie vier vijf zes zeven acht negen",
)
"""The digits in nine languages, and how they are said on the phone."""
_TIMES = {"double": 2, "triple": 3, "doppel": 2, "doble": 2, "doppio": 2, "dwa razy": 2}

_FEWEST_WORDS, _FEWEST_DIGITS, _WIDEST_GAP = 3, 4, 4


class Spoken(NamedTuple):
    """A number that is spelled at a place of the stream.

    Attributes:
        kind: What it is.
        start: Where it starts.
        length: Its letters and digits.
        new: What is written for it.
    """

    kind: str
    start: int
    length: int
    new: str


class _Token(NamedTuple):
    """A word or a group of digits: where it is, its digits, and the language of a word."""

    start: int
    end: int
    digits: str
    language: int


def spoken_numbers(
    notes: Squeezed,
    own: Sequence[Mention],
    phones: Callable[[Sequence[str]], Sequence[str | None]],
    invent: Callable[[str, Sequence[str]], Sequence[str]],
) -> Iterator[Spoken]:
    """The numbers of the row's person, and the phone numbers of all others.

    Args:
        notes: The notes.
        own: What is known about each row's person.
        phones: The new phone numbers of known people, by the last digits of the old ones.
        invent: Makes values for details of nobody known.
    """
    for tokens in _runs(notes):
        digits = "".join(token.digits for token in tokens)
        row = int(notes.row_of(np.array([tokens[0].start]))[0])
        found = _own(digits, own, row) or _others(digits, phones, invent, tokens)
        if found is None:
            continue
        kind, at, old, new = found
        yield _written(tokens, kind, at, len(old), new)


def _runs(notes: Squeezed) -> Iterator[list[_Token]]:
    """Number words in a row, with groups of digits among them."""
    words, numbers = _number_words().find(notes.word_hashes)
    if len(words) < _FEWEST_WORDS:
        return
    meaning = dict(zip(words.tolist(), numbers.tolist(), strict=True))
    ends = notes.word_ends
    is_digits = notes.kinds[notes.starts] & CLASS == DIGIT
    done = -1
    for first in words.tolist():
        if first <= done:
            continue
        at = first
        while at > done + 1 and is_digits[at - 1] and _joined(notes, at - 1):
            at -= 1
        tokens, times, said = [], 1, 0
        while at < len(ends) and (at in meaning or is_digits[at]):
            start, end = int(notes.starts[at]), int(ends[at])
            if at not in meaning:
                text = "".join(map(chr, notes.codes[start:end].tolist()))
                tokens.append(_Token(start, end, text, -1))
            else:
                said += 1
                language, digit, many = _meanings()[meaning[at]]
                if many == 1:
                    tokens.append(_Token(start, end, digit * times, language))
                times = many
            done = at
            if not _joined(notes, at):
                break
            at += 1
        if said >= _FEWEST_WORDS and sum(len(t.digits) for t in tokens) >= _FEWEST_DIGITS:
            yield tokens


def _joined(notes: Squeezed, word: int) -> bool:
    """Whether the next word follows at once in the same row."""
    if word + 1 >= len(notes.starts) or notes.rows[word] != notes.rows[word + 1]:
        return False
    gap = notes.places[notes.starts[word + 1]] - notes.places[notes.word_ends[word] - 1]
    return bool(gap <= _WIDEST_GAP)


def _own(digits: str, own: Sequence[Mention], row: int) -> tuple[str, int, str, str] | None:
    """A number of the row's person among digits: its kind, its place, its old and new digits."""
    for mention in own:
        old, new = (
            dialled(str(values[row].as_py() or ""))
            for values in (mention.original, mention.replacement)
        )
        ends = {"phone": (len(old), 10, 9, 8, TAIL), "card": (len(old), _FEWEST_DIGITS)}
        for size in ends.get(mention.kind, (len(old),)):
            part, whole = old[-size:] if size else "", size == len(digits)
            if len(part) == size and (size >= TAIL or (whole and size >= _FEWEST_DIGITS)):
                at = digits.find(part)
                if at >= 0 and len(new) >= size:
                    return mention.kind, at, part, new[-size:]
    return None


def _others(
    digits: str,
    phones: Callable[[Sequence[str]], Sequence[str | None]],
    invent: Callable[[str, Sequence[str]], Sequence[str]],
    tokens: Sequence[_Token],
) -> tuple[str, int, str, str] | None:
    """A phone number of somebody else."""
    windows = [digits[at : at + TAIL] for at in range(len(digits) - TAIL + 1)]
    for at, new in enumerate(phones(windows)):
        if new is not None:
            return "phone", at, windows[at], dialled(new)[-TAIL:]
    spelled = sum(token.language >= 0 for token in tokens)
    counting = digits in "0123456789" or digits in "9876543210"
    if TAIL <= len(digits) <= 15 and spelled >= TAIL and not counting:
        (new,) = invent("phone", [digits])
        return "phone", 0, digits, new
    return None


def _written(tokens: Sequence[_Token], kind: str, at: int, size: int, new: str) -> Spoken:
    """The new number in the words of the old one."""
    mine, passed = [], 0
    for token in tokens:
        if passed + len(token.digits) > at and passed < at + size:
            mine.append((token, max(0, at - passed), min(len(token.digits), at + size - passed)))
        passed += len(token.digits)
    start, end = mine[0][0].start, mine[-1][0].end
    if len(new) != size or not new.isdigit():
        return Spoken(kind, start, end - start, new)
    pieces, rest = [], new
    for token, low, high in mine:
        fresh, rest = rest[: high - low], rest[high - low :]
        whole = token.digits[:low] + fresh + token.digits[high:]
        words = _DIGITS[token.language].split()
        pieces.append(" ".join(words[int(d)] for d in whole) if token.language >= 0 else whole)
    return Spoken(kind, start, end - start, " ".join(pieces))


@lru_cache(maxsize=1)
def _meanings() -> list[tuple[int, str, int]]:
    """What each number word means: its language, its digit, and how often the next one counts."""
    digits = [(language, str(digit), 1) for language in range(len(_DIGITS)) for digit in range(10)]
    return [*digits, *((-1, "", many) for many in _TIMES.values())]


@lru_cache(maxsize=1)
def _number_words() -> HashSet:
    words = [word for language in _DIGITS for word in language.split()]
    return HashSet(runs_of([*words, *_TIMES]).hashes)
