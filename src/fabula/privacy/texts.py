"""New values written as the old ones were: order, titles, capitals, gaps."""

from __future__ import annotations

import re
import string
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.io.arrays import array_of
from fabula.privacy.signs import begin_with, end_with, has_bytes

_TITLE = r"^(?P<title>(?:Mr|Mrs|Ms|Miss|Dr|Rev|Prof|Herr|Frau|Sr|Sra|M|Mme|Mlle)\.? )"
_TITLES = b"MDRPHFS"
"""How titles begin."""

_CAPITALS = string.ascii_uppercase.encode()
_WORD = r"\p{L}[\p{L}\p{M}'’-]+"
_INITIAL = rf"^(\p{{Lu}}(\. ?| )({_WORD}|\p{{Lu}}\.?)|{_WORD},? \p{{Lu}}\.?)$"
_TWO = rf"^(?P<a>\p{{Lu}}\.?|{_WORD})(?P<gap>,? ?)(?P<b>{_WORD}|\p{{Lu}}\.?)$"
"""A first or last name that is an initial, and the parts of such a name."""

_BY_SEX = {"Mr": "Ms", "Mrs": "Mr", "Ms": "Mr", "Miss": "Mr", "Herr": "Frau", "Frau": "Herr",
           "Sr": "Sra", "Sra": "Sr", "M": "Mme", "Mme": "M", "Mlle": "M"}  # fmt: skip
_MALE = ("Mr", "Herr", "Sr", "M")

_WORDS = (
    r"n/?a|nan|null|none|nil|unknown|unbekannt|inconnu|desconocido|-+|\.+|\?+|\\n|"
    r"not available|not applicable|tbd"
)
_NOBODY = rf"(?i)^\s*({_WORDS})?\s*$"
_PLACEHOLDERS = (
    rf"(?i)^\s*({_WORDS}|x+|test|test@test(\..*)?|no ?reply@.*|9{{4,}}|1{{4,}}|[0()+. -]*)\s*$"
)

_SIGNS = b"019-.?\\/()+ \t\r\n\v\f"
_FIRST, _SECOND = _SIGNS + b"nuidtxNUIDTX", _SIGNS + b"nauoibexNAUOIBEX"
"""How placeholders begin, and continue."""


def are_people(texts: pa.Array, *, keys: bool = False) -> pa.Array:
    """Which values are known, and no placeholders such as `N/A`: those are nobody, and stay.

    Args:
        texts: The values.
        keys: Whether they are keys, of which `0000` may be one.
    """
    known = texts.cast(pa.large_string())
    if isinstance(known, pa.ChunkedArray):
        known = pa.concat_arrays([pa.array([], known.type), *known.chunks])
    maybe = np.flatnonzero(begin_with(known, _FIRST, _SECOND))
    real = np.ones(len(known), bool)
    form = _NOBODY if keys else _PLACEHOLDERS
    found = pc.match_substring_regex(known.take(array_of(maybe)), form)
    real[maybe] = ~pc.fill_null(found, True).to_numpy(zero_copy_only=False)
    return array_of(real)


def full_names(
    old: pa.Array, detail: Callable[[str], pa.Array], male: NDArray[np.bool_]
) -> pa.Array:
    """New full names in the order of the old ones, with their titles and initials.

    Args:
        old: The old names.
        detail: A detail of each row's new person by its name.
        male: Whether each row's new person is a man.
    """
    old = old.cast(pa.large_string())
    new = detail("name").cast(pa.large_string())
    comma = pc.fill_null(pc.match_substring(old, ","), False)
    if pc.any(comma).as_py():
        comma = pc.and_(comma, pc.fill_null(pc.match_substring_regex(old, r"^[^,]+, *\S"), False))
        turned = pc.binary_join_element_wise(
            detail("last_name").cast(pa.large_string()),
            detail("first_name").cast(pa.large_string()),
            pa.scalar(", ", pa.large_string()),
        )
        new = pc.if_else(comma, turned, new)
    titled = _matching(old, begin_with(old, _TITLES), _TITLE)
    titled &= ~_matching(old, titled, r"^M\.? \S+$")  # an initial: `M. Hall`
    new = with_initials(new, _untitled(old, titled), detail)
    if titled.any():
        rows = array_of(titled)
        titles = pc.struct_field(pc.extract_regex(old.filter(rows), _TITLE), "title")
        agreed = _titles(titles, array_of(male[titled]))
        written = pc.binary_join_element_wise(agreed, new.filter(rows), _NOTHING)
        new = pc.replace_with_mask(new, rows, written)
    return new


def with_initials(new: pa.Array, old: pa.Array, detail: Callable[[str], pa.Array]) -> pa.Array:
    """New full names, abbreviated where the old ones are: `Ann K.`, `A. Klein`, `Klein, A.`.

    Args:
        new: The new names.
        old: The old ones.
        detail: A detail of each row's new person by its name.
    """
    maybe = begin_with(old, _CAPITALS, b". ")
    maybe |= end_with(old, b" .", _CAPITALS) | end_with(old, _CAPITALS, b".")
    some = _matching(old, maybe, _INITIAL)
    if not some.any():
        return new
    rows = array_of(some)
    parts = pc.extract_regex(old.filter(rows), _TWO)
    gap = pc.struct_field(parts, "gap")
    turned, whole = pc.match_substring(gap, ","), new.cast(pa.large_string())
    first, last = (
        detail(name).cast(pa.large_string()).filter(rows) for name in ("first_name", "last_name")
    )
    names = pc.if_else(turned, last, first), pc.if_else(turned, first, last)
    a, b = (
        initials(name, pc.struct_field(parts, at)) for name, at in zip(names, "ab", strict=True)
    )
    short = pc.binary_join_element_wise(a, gap, b, _NOTHING)
    has_capitals = pc.match_substring_regex(first, r"^\p{Lu}")
    return pc.replace_with_mask(whole, rows, pc.if_else(has_capitals, short, whole.filter(rows)))


def initials(new: pa.Array, old: pa.Array) -> pa.Array:
    """First or last names, and their initials where the old ones are initials."""
    short = pc.fill_null(pc.match_substring_regex(old, r"^\p{Lu}\.?$"), False)
    if not pc.any(short).as_py():
        return new
    new, dot = new.cast(pa.large_string()), pc.utf8_slice_codeunits(old, 1)
    letter = pc.binary_join_element_wise(pc.utf8_slice_codeunits(new, 0, 1), dot, _NOTHING)
    cased = pc.fill_null(pc.match_substring_regex(new, r"^\p{Lu}"), False)
    return pc.if_else(pc.and_(short, cased), letter, new)


def _matching(texts: pa.Array, maybe: NDArray[np.bool_], pattern: str) -> NDArray[np.bool_]:
    """Which of the texts that may match a pattern do."""
    found = maybe.copy()
    hits = pc.match_substring_regex(texts.filter(array_of(maybe)), pattern)
    found[maybe] = pc.fill_null(hits, False).to_numpy(zero_copy_only=False)
    return found


def without_titles(names: pa.Array) -> pa.Array:
    """Full names without titles, first name first."""
    names = names.cast(pa.large_string())
    names = _untitled(names, begin_with(names, _TITLES))
    if has_bytes(names, b","):
        names = pc.replace_substring_regex(names, r"^([^,]+), *(.+)$", r"\2 \1")
    return pc.utf8_trim_whitespace(names)


def in_case_of(new: pa.Array, old: pa.Array) -> pa.Array:
    """New texts in capitals where the old ones are, and in small letters likewise."""
    old, new = old.cast(pa.large_string()), new.cast(pa.large_string())
    small = pc.fill_null(pc.not_equal(pc.utf8_upper(old), old), True)
    capital = pc.fill_null(pc.not_equal(pc.utf8_lower(old), old), True)
    if not pc.all(small).as_py():
        upper = pc.and_(pc.invert(small), capital)
        new = pc.if_else(upper, pc.utf8_upper(new), new)
    if not pc.all(capital).as_py():
        lower = pc.and_(pc.invert(capital), small)
        new = pc.if_else(lower, pc.utf8_lower(new), new)
    return new


def _untitled(names: pa.Array, some: NDArray[np.bool_]) -> pa.Array:
    """Some of the names without their titles, the others as they are."""
    rows = array_of(some)
    plain = pc.replace_substring_regex(names.filter(rows), _TITLE, "")
    return pc.replace_with_mask(names, rows, plain)


def _titles(titles: pa.Array, male: pa.Array) -> pa.Array:
    """Titles of the new person's sex; `Dr` and the like stay."""
    known = pc.unique(titles).to_pylist()
    agreed = titles
    for sex in (True, False):
        turned = {
            text: re.sub(r"^\w+", _BY_SEX[word], text)
            for text in known
            if text and (word := re.split(r"\W", text)[0]) in _BY_SEX
            if (word in _MALE) != sex
        }
        for text, other in turned.items():
            wrong = pc.and_(pc.equal(titles, text), pc.equal(male, sex))
            agreed = pc.if_else(pc.fill_null(wrong, False), pa.scalar(other, titles.type), agreed)
    return agreed


_NOTHING = pa.scalar("", pa.large_string())
