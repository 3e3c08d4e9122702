"""Where the values of JSON stand: found with numpy, byte by byte, without reading it into objects.

Signs outside of strings cut a text into pieces, each a key, a value or nothing: piece n
precedes sign n. The path of a value follows from the brackets around it: `contacts[].address.city`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.privacy.files.splice import Places, pieces

ITEM = "\0"
"""Stands in a path for the items of a list; no key of a file is like it."""

MOST_PATHS = 2_000
_DEEPEST = 60
_QUOTE, _SLASH, _COLON, _COMMA = (ord(sign) for sign in '"\\:,')
_PLAIN = r"^(null|true|false|-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?)$"

Flags = NDArray[np.bool_]
Path = tuple[str, ...]


class NotJsonError(ValueError):
    """A text that is not JSON, and the byte where that shows."""

    def __init__(self, told: str, at: int) -> None:
        super().__init__(told)
        self.at = at


@dataclass(frozen=True)
class Tokens:
    """The plain values of some rows, in their order.

    Attributes:
        starts: Where each value starts.
        ends: Where it ends.
        paths: The number of its path.
        objects: A number of the object that it belongs to; its own for an item of a list.
        roots: The number of the row that it is in.
        names: The paths.
        count: How many rows there are.
        members: The number of the member that it is, among all members of objects and lists.
        owners: The number of the object or list of each member.
        begins: Where each value's member begins: at a bracket or comma.
        closes: Where the bracket or comma after it is.
        followed: Whether that is a comma.
    """

    starts: Places
    ends: Places
    paths: Places
    objects: Places
    roots: Places
    names: Sequence[Path]
    count: int
    members: Places
    owners: Places
    begins: Places
    closes: Places
    followed: Flags

    def removed(self, dropped: Flags) -> tuple[Places, Places]:
        """The places of values to leave out, with their keys and a comma each."""
        kept = np.ones(len(self.owners), bool)
        kept[self.members[dropped]] = False
        order = np.lexsort((np.arange(len(kept)), self.owners))
        before = np.cumsum(kept[order])
        first = np.ones(len(order), bool)
        first[1:] = np.diff(self.owners[order]) != 0
        base = np.maximum.accumulate(np.where(first, before - kept[order], 0))
        leads = np.empty(len(kept), bool)
        leads[order] = before == base
        lead = leads[self.members[dropped]]
        begins, closes = self.begins[dropped] + lead, self.closes[dropped]
        return begins, closes + (lead & self.followed[dropped])


def end_of_rows(text: bytes) -> int:
    """Where the last whole row of a text ends; 0 if none does."""
    signs = np.frombuffer(text, np.uint8)
    places, _ = _signs(signs)
    kinds = signs[places]
    depth = np.cumsum(_steps(kinds))
    below = np.flatnonzero(depth < 0)  # the list of all rows is closed
    whole = np.flatnonzero((depth == 0) & (kinds == ord("}")))
    whole = whole[whole < below[0]] if len(below) else whole
    return int(places[whole[-1]]) + 1 if len(whole) else 0


def tokens_of(text: bytes) -> Tokens:
    """The plain values of whole rows, with what is between rows.

    Raises:
        NotJsonError: The text is not JSON, or a row is not an object.
    """
    signs = np.frombuffer(text, np.uint8)
    places, quotes = _signs(signs)
    if len(quotes) % 2:
        raise NotJsonError("a string does not end", int(quotes[-1]))
    kinds = signs[places]
    starts, ends = _trimmed(signs, np.append(0, places + 1), np.append(places, len(text)))
    around = _around(kinds, places)
    filled = ends > starts
    _check(text, places, around, starts, ends, quotes=len(quotes))
    keys = np.flatnonzero(kinds == _COLON)
    coded = pieces(text, starts[keys] + 1, ends[keys] - 1).dictionary_encode()
    key_of = np.full(len(kinds) + 1, -1)
    key_of[keys + 1] = coded.indices.to_numpy(zero_copy_only=False)
    naming = _Naming([_decoded(word) for word in coded.dictionary.to_pylist()])
    steps, is_list = _steps(kinds), kinds == ord("[")
    opens, depth = np.flatnonzero(steps > 0), np.cumsum(steps)
    path_of, object_of = np.zeros(len(kinds), np.int64), np.arange(len(kinds))
    for level in range(2, int(depth.max(initial=0)) + 1):
        some = opens[depth[opens] == level]
        outer = around[some]
        path_of[some] = naming.numbers(path_of[outer], key_of[some])
        within = is_list[some] | ~is_list[outer]
        object_of[some[within]] = object_of[outer[within]]
    values = np.flatnonzero(filled[:-1] & (kinds != _COLON))
    outer = around[values]
    item, roots = is_list[outer], opens[depth[opens] == 1]
    begins = np.where(item, values - 1, values - 2)
    firsts = np.flatnonzero((steps > 0) | ((kinds == _COMMA) & (around[:-1] >= 0)))
    return Tokens(
        starts=starts[values],
        ends=ends[values],
        paths=naming.numbers(path_of[outer], key_of[values]),
        objects=np.where(item, len(kinds) + values, object_of[outer]),
        roots=np.searchsorted(roots, outer, side="right") - 1,
        names=naming.known,
        count=len(roots),
        members=np.searchsorted(firsts, begins),
        owners=np.where(kinds[firsts] == _COMMA, around[firsts], firsts),
        begins=places[begins],
        closes=places[values],
        followed=kinds[values] == _COMMA,
    )


class _Naming:
    """The paths that were met."""

    def __init__(self, words: Sequence[str]) -> None:
        self.known: list[Path] = [()]
        self._words = words
        self._numbers: dict[Path, int] = {(): 0}

    def numbers(self, outer: Places, keys: Places) -> Places:
        """The numbers of the paths of members of brackets with these paths; items have no key."""
        pairs, places = np.unique(outer * (len(self._words) + 1) + keys + 1, return_inverse=True)
        found = np.zeros(len(pairs), np.int64)
        for at, pair in enumerate(pairs.tolist()):
            number, key = divmod(pair, len(self._words) + 1)
            path = (*self.known[number], self._words[key - 1] if key else ITEM)
            if path not in self._numbers:
                if len(self.known) > MOST_PATHS:
                    raise NotJsonError(f"it has more than {MOST_PATHS:,} different keys", 0)
                self._numbers[path] = len(self.known)
                self.known.append(path)
            found[at] = self._numbers[path]
        return np.asarray(found[places])


def _decoded(word: bytes) -> str:
    text: str = json.loads(b'"' + word + b'"')
    return text


def _signs(signs: NDArray[np.uint8]) -> tuple[Places, Places]:
    """The places of brackets, colons and commas outside strings, and of quotes around strings."""
    quotes = np.flatnonzero(signs == _QUOTE)
    slashes = np.flatnonzero(signs == _SLASH)
    if len(slashes):
        starts = np.ones(len(slashes), bool)
        starts[1:] = np.diff(slashes) != 1
        first = np.maximum.accumulate(np.where(starts, slashes, 0))
        odd = slashes[(slashes - first) % 2 == 0] + 1
        quotes = quotes[~np.isin(quotes, odd, assume_unique=True)]
    marks = np.flatnonzero(_IS_SIGN[signs])
    outside = marks[np.searchsorted(quotes, marks) % 2 == 0]
    return outside, quotes


_IS_SIGN = np.zeros(256, bool)
_IS_SIGN[list(b"{}[]:,")] = True
_IS_SPACE = np.zeros(256, bool)
_IS_SPACE[list(b" \t\r\n")] = True
_STEPS = np.zeros(256, np.int64)
_STEPS[list(b"{[")], _STEPS[list(b"}]")] = 1, -1


def _steps(kinds: NDArray[np.uint8]) -> Places:
    return np.asarray(_STEPS[kinds])


def _trimmed(signs: NDArray[np.uint8], starts: Places, ends: Places) -> tuple[Places, Places]:
    """Pieces without the spaces around them."""
    dark = np.flatnonzero(~_IS_SPACE[signs])
    if not len(dark):
        return starts, starts
    first = np.searchsorted(dark, starts)
    last = np.searchsorted(dark, ends) - 1
    full = last >= first
    begin = np.where(full, dark[np.minimum(first, len(dark) - 1)], starts)
    return begin, np.where(full, dark[np.maximum(last, 0)] + 1, begin)


def _around(kinds: NDArray[np.uint8], places: Places) -> Places:
    """The number of the bracket around each piece; -1 outside of all."""
    steps = _steps(kinds)
    depth = np.append(0, np.cumsum(steps))
    if depth.min() < 0 or depth[-1] != 0:
        raise NotJsonError("its brackets do not match", int(places[np.argmin(depth[1:])]))
    deepest = int(depth.max())
    if deepest > _DEEPEST:
        raise NotJsonError(
            f"it is nested more than {_DEEPEST} deep", int(places[depth.argmax() - 1])
        )
    around = np.full(len(depth), -1)
    for level in range(1, deepest + 1):
        opens = np.flatnonzero((depth[1:] == level) & (steps > 0))
        inside = np.flatnonzero(depth == level)
        around[inside] = opens[np.searchsorted(opens, inside) - 1]
    return around


def _check(
    text: bytes, places: Places, around: Places, starts: Places, ends: Places, *, quotes: int
) -> None:
    """Hold pieces and signs against the grammar of JSON (RFC 8259).

    Raises:
        NotJsonError: They break it.
    """
    signs = np.frombuffer(text, np.uint8)
    kinds = signs[places]
    filled, inner = ends > starts, around[:-1]
    previous = np.append(0, kinds[:-1]) if len(kinds) else kinds
    steps, within = _steps(kinds), inner >= 0
    of_object = within & (kinds[inner] == ord("{"))
    opens, closes = steps > 0, steps < 0
    begins = np.isin(previous, np.frombuffer(b"{[,:", np.uint8))
    quoted = np.append(signs, 0)[np.minimum(starts, len(signs))] == _QUOTE
    quoted &= (ends - starts > 1) & (np.append(signs, 0)[ends - 1] == _QUOTE)
    empty = closes & np.isin(previous, np.frombuffer(b"{[", np.uint8)) & ~filled[:-1]
    valued = (kinds == _COMMA) | closes
    rules = {
        "a row is not an object": ~within & (filled[:-1] | ~np.isin(kinds, list(b"{,"))),
        "a bracket closes another": closes & (kinds != kinds[inner] + 2),
        "a key is not a string": (kinds == _COLON)
        & ~(of_object & quoted[:-1] & np.isin(previous, np.frombuffer(b"{,", np.uint8))),
        "a bracket follows a value": within & opens & (filled[:-1] | ~begins),
        "a value has no key": of_object & (opens | (valued & filled[:-1])) & (previous != _COLON),
        "a value is missing": within & valued & begins & ~filled[:-1] & ~empty,
        "a value follows a bracket": within & filled[:-1] & ~begins,
    }
    for told, broken in rules.items():
        if broken.any():
            raise NotJsonError(told, int(places[np.argmax(broken)]))
    if filled[-1]:
        raise NotJsonError("a row is not an object", int(starts[-1]))
    if quotes != 2 * quoted.sum():
        raise NotJsonError("two strings stand side by side", 0)
    plain = np.flatnonzero(filled & ~quoted)
    good = pc.match_substring_regex(pieces(text, starts[plain], ends[plain]), _PLAIN)
    bad = plain[~np.asarray(good.to_numpy(zero_copy_only=False), bool)]
    if len(bad):
        raise NotJsonError("a value is not JSON", int(starts[bad[0]]))
