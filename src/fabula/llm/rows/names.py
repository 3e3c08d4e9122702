"""Matches the names that a model uses to the names that were asked for; never by position."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

_IN_BRACKETS = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
_NO_LETTER = re.compile(r"[\W_]+")


def plain_name(name: str) -> str:
    """A name without case, space and punctuation: `House size (m²)` is `housesizem2`."""
    return _NO_LETTER.sub("", unicodedata.normalize("NFKC", name)).casefold()


def unitless_name(name: str) -> str:
    """A plain name without what stands in brackets, which models add and leave out at will."""
    return plain_name(_IN_BRACKETS.sub("", name))


def match_names(found: Iterable[str], wanted: Sequence[str]) -> Mapping[str, str]:
    """Which found name stands for which wanted one; unmatched names are left out."""
    exact = {name: name for name in wanted}
    plain = {plain_name(name): name for name in wanted}
    unitless = {unitless_name(name): name for name in wanted}
    matched = {}
    for name in found:
        target = exact.get(name) or plain.get(plain_name(name)) or unitless.get(unitless_name(name))
        if target:
            matched[name] = target
    return matched
