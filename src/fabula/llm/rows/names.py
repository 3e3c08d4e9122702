"""Matches the names in a reply to the requested names; never by position."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence

_IN_BRACKETS = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
_NUMBER_OF = re.compile(
    r"^\s*(?:number|num|no|nr|count|#)[\s._-]*(?:of[\s._-]+|(?<=[\s._#-]))", re.I
)
_NO_LETTER = re.compile(r"[\W_]+")


def plain_name(name: str) -> str:
    """A name without case, space and punctuation: `House size (m²)` is `housesizem2`."""
    return _NO_LETTER.sub("", unicodedata.normalize("NFKC", name)).casefold()


def unitless_name(name: str) -> str:
    """A plain name without its bracketed part, which models add and omit freely."""
    return plain_name(_IN_BRACKETS.sub("", name))


def counted_name(name: str) -> str:
    """A unitless name with one word for all that mean a number: `num_rooms`, `number of rooms`."""
    return plain_name(_NUMBER_OF.sub("number ", _IN_BRACKETS.sub("", name)))


def match_names(found: Iterable[str], wanted: Sequence[str]) -> Mapping[str, str]:
    """The requested name for each found name; unmatched names are left out."""
    forms = [
        (form, _by_form(form, wanted)) for form in (str, plain_name, unitless_name, counted_name)
    ]
    matched = {}
    for name in found:
        target = next((known[form(name)] for form, known in forms if form(name) in known), None)
        if target:
            matched[name] = target
    return matched


def _by_form(form: Callable[[str], str], wanted: Sequence[str]) -> dict[str, str]:
    """The requested names by their normal form, without forms that several share."""
    forms = [form(name) for name in wanted]
    pairs = zip(forms, wanted, strict=True)
    return {each: name for each, name in pairs if each and forms.count(each) == 1}
