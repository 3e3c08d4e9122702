"""Whether a text tells the values that it was made of, and what it tells beyond them.

Text is compared without case, accents and punctuation, numbers by value (`1,994` is 1994, `25%`
is 0.25), dates by their year and day. True, false and missing values have no form of their own
in prose and are not looked for. What a text claims beyond its fields is found by numbers and by
capitalised names: a light reading that sees no claim made of plain words alone.
"""

from __future__ import annotations

import datetime as dt
import math
import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from fabula.fakers.languages import language_code, small_words

SHORT = 3
"""Words up to which a text value must be there as it is; longer ones may be told in other order."""

_NUMBER = re.compile(r"(?<![\w.,])[-−]?\d+(?:[,.'’\u00a0\u202f]\d+)*%?")
_GROUPED = re.compile(r"\d{1,3}(?:[,.'’\u00a0\u202f]\d{3})+")
_UNSPACED = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af]")
_ISO = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:[T ].*)?")
_COUNT_WORDS = "zero one two three four five six seven eight nine ten eleven twelve"
_COUNTS = tuple(_COUNT_WORDS.split())
_NAME = re.compile(r"[^\W\d_][\w’'-]*")
_SENTENCE_END = re.compile(r"[.!?:;…\n][\s\"'“”‘’«»(\[–—-]*$")
_OPENERS = "i i'm mr mrs ms dr he she they we you there when while after before but so then"
_NO_NAMES = small_words("en") | set(_OPENERS.split())


def folded(text: str) -> str:
    """A text without case, accents and punctuation, single spaces around each word."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    words = " ".join(re.findall(r"[^\W_]+", plain))
    return f" {words} "


def is_in(value: str, text: str) -> bool:
    """Whether a value is in a folded text: as it is, or, if long, by its words.

    One plain word may be inflected (`blue`, `blues`); scripts without spaces need none.
    """
    wanted = folded(value).strip()
    if not wanted or f" {wanted} " in text:
        return True
    if _UNSPACED.search(wanted):
        return wanted in text
    words = wanted.split()
    if len(words) == 1 and value.islower() and len(wanted) > SHORT:
        return re.search(rf" {re.escape(wanted)}\w{{1,2}} ", text) is not None
    if len(words) <= SHORT:
        return False
    return all(f" {word} " in text for word in words if len(word) > SHORT)


def missing_values(fields: Any, text: str) -> list[str]:
    """The values of an item that a text does not tell, each as `name: value`."""
    plain, numbers = folded(text), _numbers(text)
    return [
        f"{name}: {value}" if name else str(value)
        for name, value in _leaves(fields)
        if not _told(value, plain, numbers)
    ]


def holds_values(fields: Any) -> bool:
    """Whether an item has anything to tell."""
    return next(_leaves(fields), None) is not None


def unsupported_claims(
    fields: Any, text: str, *, allowed: Collection[str] = (), language: str = ""
) -> list[str]:
    """Numbers and names in a text that neither its fields nor the `allowed` texts contain.

    In German every noun is capitalised, so only names of several words count.
    """
    leaves = list(_leaves(fields))
    known = " ".join([*(f"{name} {value}" for name, value in leaves), *allowed])
    numbers = _numbers(known) | {float(count) for count in _sizes(fields)}
    numbers |= {float(value) for _, value in leaves if isinstance(value, int | float)}
    found = [
        each.group()
        for each in _NUMBER.finditer(text)
        if not any(_near(one, other) for one in _readings(each.group()) for other in numbers)
    ]
    words = set(folded(known).split()) | _NO_NAMES
    german = language_code(language) == "de"
    for name in _names(text):
        new = [word for word in folded(name).split() if word not in words and not word.isdigit()]
        if new and (len(name.split()) > 1 or not german):
            found.append(name)
    return list(dict.fromkeys(found))


def _leaves(fields: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(fields, Mapping):
        for key, value in fields.items():
            yield from _leaves(value, str(key))
    elif isinstance(fields, list | tuple | set | frozenset):
        for value in fields:
            yield from _leaves(value, name)
    elif fields is not None and not (isinstance(fields, float) and not math.isfinite(fields)):
        yield name, fields


def _sizes(fields: Any) -> Iterator[int]:
    """The lengths of lists, which a text may count."""
    if isinstance(fields, Mapping):
        for value in fields.values():
            yield from _sizes(value)
    elif isinstance(fields, list | tuple):
        yield len(fields)
        for value in fields:
            yield from _sizes(value)


def _told(value: Any, plain: str, numbers: Collection[float]) -> bool:
    if isinstance(value, bool):
        return True
    if isinstance(value, int | float) or hasattr(value, "as_integer_ratio"):
        whole = float(value)
        counted = whole.is_integer() and 0 <= whole < len(_COUNTS)
        if counted and f" {_COUNTS[int(whole)]} " in plain:
            return True
        return any(_near(whole, number) for number in numbers)
    if isinstance(value, dt.date):
        return is_in(str(value), plain) or {float(value.year), float(value.day)} <= set(numbers)
    text = str(value)
    if is_in(text, plain):
        return True
    if date := _ISO.fullmatch(text):
        return {float(date[1]), float(date[3])} <= set(numbers)
    readings = _readings(text) if _NUMBER.fullmatch(text) else set()
    return any(_near(one, other) for one in readings for other in numbers)


def _numbers(text: str) -> set[float]:
    return {value for each in _NUMBER.finditer(text) for value in _readings(each.group())}


def _readings(written: str) -> set[float]:
    """What a number may mean: `1.234` is 1.234 here and 1234 there, `25%` is 25 or 0.25."""
    plain = written.rstrip("%").lstrip("-−")
    whole, _, decimals = re.sub(r"[.,](?=\d+$)", "|", plain).partition("|")
    values = {float(f"{re.sub(r'[^0-9]', '', whole)}.{re.sub(r'[^0-9]', '', decimals) or 0}")}
    if _GROUPED.fullmatch(plain):
        values.add(float(re.sub(r"[^0-9]", "", plain)))
    if written.endswith("%"):
        values |= {value / 100 for value in values}
    return values | {-value for value in values if written[0] in "-−"}


def _near(one: float, other: float) -> bool:
    return math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)


def _names(text: str) -> Iterator[str]:
    """Runs of capitalised words; a lone one at the start of a sentence says nothing."""
    run: list[str] = []
    end, opens = 0, False
    for match in [*_NAME.finditer(text), None]:
        joined = match is not None and match.group()[0].isupper()
        if run and not (joined and match is not None and text[end : match.start()].strip() == ""):
            yield from _as_name(run, opens)
            run = []
        if match is not None and joined:
            if not run:
                before = f"\n{text[: match.start()]}"[-8:]
                opens = _SENTENCE_END.search(before) is not None
            run.append(re.sub(r"['’]s?$", "", match.group()))
        end = match.end() if match is not None else end


def _as_name(run: list[str], opens: bool) -> Iterator[str]:
    if opens and (len(run) == 1 or run[0].lower() in _NO_NAMES):
        run = run[1:]
    words = [word for word in run if word.lower() not in _NO_NAMES]
    if words:
        yield " ".join(run)
