"""New people for old ones: everything about a new person follows from the key of the old one.

A person's key is a keyed hash of what identifies the person. It holds the bits of every attribute
(sex, first name, town …), each at its own place, so that a name, an e-mail and an address
agree wherever the same person occurs, in any file, row order or block.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.fakers.draws import Draws
from fabula.fakers.joining import string_array
from fabula.fakers.locales import Locale
from fabula.fakers.people import People
from fabula.privacy.real_names import RealNames
from fabula.privacy.secret import Secret
from fabula.privacy.signs import has_bytes

KEY_BYTES = 64

EMAIL = "email"
"""The tag of people who are identified by their e-mail."""

_PLACES = {
    "sex": (0, 2),
    "locale": (2, 4),
    "first_name": (6, 2),
    "last_name": (8, 2),
    "account": (10, 2),
    "account_style": (12, 2),
    "account_number": (14, 8),
    "locality": (22, 2),
    "house_number": (24, 2),
    "name": (26, 4),  # of the street
    "suffix": (30, 4),
    "company": (34, 4),
    "job": (38, 4),
    "title": (42, 2),
    "shift": (44, 4),
}
"""Where the bits of each attribute are in a person's digest, and how many bytes they are."""

ACCOUNT, PLACE = (10, 22), (22, 34)
"""The bytes of a person's e-mail address and of where the person lives."""

_AGAIN = 48
"""From this byte on, a digest has the seed of other names, for people who would get real ones."""

ACCOUNTS = 10**11
"""Numbers that end a user name. Of 5 million people, two share a user name with probability 0.003,
since two share the letters of one with probability 2e-5."""

DRAWN = ("name", "first_name", "last_name", "email", "username", "street", "address", "city",
         "state", "postcode", "country", "country_code", "company", "job")  # fmt: skip
"""Details that are drawn from word lists, and need no cipher."""

_ATTEMPTS, _ATTEMPTS_AT_ACCOUNTS, _TRIALS = 64, 16, 10_000

Keys = NDArray[np.uint8]


def normal(texts: pa.Array) -> pa.Array:
    """Texts as people mean them: NFKC, small letters, single spaces."""
    texts = texts.cast(pa.large_string())
    if pc.any(pc.invert(pc.string_is_ascii(texts))).as_py():
        written = [
            None if text is None else unicodedata.normalize("NFKC", text).casefold()
            for text in texts.to_pylist()
        ]
        texts = pa.array(written, pa.large_string())
        texts = pc.utf8_trim_whitespace(pc.utf8_lower(texts))
        return pc.replace_substring_regex(texts, r"\s+", " ")
    texts = pc.ascii_trim_whitespace(pc.ascii_lower(texts))
    if not has_bytes(texts, b" \t\n\v\f\r"):
        return texts
    return pc.replace_substring_regex(texts, r"\s+", " ")


def person_keys(secret: Secret, values: pa.Array, tag: str) -> Keys:
    """The key of each person.

    Args:
        secret: The masking's key.
        values: What identifies each person, as `normal` writes it.
        tag: What the values are, such as `customer_id`; equal values of two tags are two people.

    Returns:
        `KEY_BYTES` bytes a value.
    """
    return secret.digests(values, f"person {tag}", KEY_BYTES)


@dataclass(frozen=True, eq=False)
class NewPeople:
    """Who takes the place of the real people.

    Attributes:
        secret: The masking's key.
        locales: Whose names and places they have.
        taken: Names of real people, which no new person gets.
        sexes: The sex of people by their keys, as other tables tell it: 0, 1 or -1 (open).
    """

    secret: Secret
    locales: Sequence[str | Locale]
    taken: RealNames | None = None
    sexes: Callable[[Keys], NDArray[np.int64]] | None = None

    @cached_property
    def _people(self) -> People:
        return People(self.locales)

    def at(self, keys: Keys, sexes: NDArray[np.int64] | None = None) -> Group:
        """The new people of some keys.

        Args:
            keys: `KEY_BYTES` bytes each, best without repeats.
            sexes: 0 (female), 1 (male) or -1 (open) for each, if that is decided.
        """
        if sexes is None and self.sexes is not None:
            sexes = self.sexes(keys)
        group = Group(self._people, keys, sexes)
        if self.taken is None:
            return group
        digests, again = keys.copy(), np.arange(len(keys))
        for attempt in range(1, _ATTEMPTS):
            first, last = (places[group.index(name)] for name, places in self._places.items())
            held = self.taken.holds(first, last)
            if own_accounts := not self.secret.kept and attempt <= _ATTEMPTS_AT_ACCOUNTS:
                held |= self.taken.hold_accounts(group.field("username"))
            again = again[held]
            if not len(again):
                break
            digests[again] = drawn = _named_again(digests[again], attempt, style=own_accounts)
            group = Group(self._people, drawn, None if sexes is None else sexes[again])
        return Group(self._people, digests, sexes)

    def share_drawn_again(self) -> float:
        """About which share of new people get another name, since a real person has the first."""
        if self.taken is None:
            return 0.0
        trials = pa.array(map(str, range(_TRIALS)), pa.large_string())
        group = Group(self._people, self.secret.digests(trials, "trial of names", KEY_BYTES))
        places = (places[group.index(name)] for name, places in self._places.items())
        return float(self.taken.holds(*places).mean())

    @cached_property
    def _places(self) -> dict[Literal["first_name", "last_name"], NDArray[np.int64]]:
        """The places of new people's names among those of real people."""
        assert self.taken is not None
        names: tuple[Literal["first_name", "last_name"], ...] = ("first_name", "last_name")
        return {name: self.taken.places(string_array(self._people.words(name))) for name in names}


def _named_again(digests: Keys, attempt: int, *, style: bool) -> Keys:
    """The people with other names: SplitMix64 of bits that nothing else depends on.

    Args:
        digests: Their bits.
        attempt: How often they were drawn.
        style: Whether the form of their user names changes, too.
    """
    seeds = np.ascontiguousarray(digests[:, _AGAIN:]).view("<u8")
    mixed = _mixed(_mixed(seeds[:, 0] + np.uint64(attempt * _STEP % 2**64)) ^ seeds[:, 1])
    drawn, start = digests.copy(), _PLACES["first_name"][0]
    bits = mixed.view(np.uint8).reshape(-1, 8)
    drawn[:, start : start + 4] = bits[:, :4]
    if style:
        at, size = _PLACES["account_style"]
        drawn[:, at : at + size] = bits[:, 4 : 4 + size]
    return drawn


_STEP = 0x9E3779B97F4A7C15


def _mixed(bits: NDArray[np.uint64]) -> NDArray[np.uint64]:
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return bits ^ (bits >> np.uint64(31))


@dataclass(frozen=True, eq=False)
class Group:
    """Some new people.

    Attributes:
        people: Their words.
        digests: Their bits, one row each.
        sexes: 0, 1 or -1 (open) for each, if that is decided.
    """

    people: People
    digests: NDArray[np.uint8]
    sexes: NDArray[np.int64] | None = None

    def field(self, name: str) -> pa.Array:
        """A detail of each person, one of `DRAWN`."""
        if name in ("email", "username"):
            numbers = (self.bits("account_number") % np.uint64(ACCOUNTS)).astype(np.int64)
            return self.people.unique(cast(Any, name), self._draws, numbers)
        return self.people.field(name, self._draws)

    def index(self, name: Literal["first_name", "last_name"]) -> NDArray[np.integer]:
        """The place of each person's name in the word lists."""
        return self.people.index(name, self._draws)

    def with_bits(
        self, place: NDArray[np.int64], bits: NDArray[np.uint8], part: tuple[int, int]
    ) -> Group:
        """One of the people for each place, with other bits of `ACCOUNT` or `PLACE`."""
        digests = self.digests[place]
        digests[:, slice(*part)] ^= bits[:, slice(*part)]
        return Group(self.people, digests, None if self.sexes is None else self.sexes[place])

    @property
    def are_male(self) -> NDArray[np.bool_]:
        """Whether each person is a man."""
        drawn = self.bits("sex") & np.uint64(1)
        if self.sexes is not None:
            drawn = np.where(self.sexes < 0, drawn, self.sexes.astype(np.uint64))
        return cast("NDArray[np.bool_]", drawn == 1)

    def bits(self, attribute: str) -> NDArray[np.uint64]:
        """The bits of an attribute, as a number."""
        start, size = _PLACES[attribute]
        return self.digests[:, start : start + size].view(f"<u{size}")[:, 0].astype(np.uint64)

    def uniform(self, attribute: str) -> NDArray[np.float64]:
        """A number from 0 to 1 for each."""
        return self.bits(attribute) / 2.0 ** (8 * _PLACES[attribute][1])

    @cached_property
    def _draws(self) -> Draws:
        def stream(attribute: str) -> np.random.Generator:
            return cast(np.random.Generator, _Bits(self, attribute))

        return Draws(stream, len(self.digests), self.sexes)


@dataclass(frozen=True, eq=False)
class _Bits:
    """Bits of people in the form in which words are drawn: a stream that is asked once."""

    group: Group
    attribute: str

    def integers(self, low: int, high: int, size: int, dtype: Any) -> NDArray[Any]:
        """As numpy's generators; the range is all of the type's or less."""
        found, most = self.group.bits(self.attribute), 2 ** (8 * _PLACES[self.attribute][1])
        if low or size != len(found) or high > most:
            raise ValueError(f"`{self.attribute}` has no bits for {size} numbers below {high}")
        return (found if high == most else found % np.uint64(high)).astype(dtype)
