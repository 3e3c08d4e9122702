"""Codes, numbers and keys: each becomes another one of the same form, and no two the same.

Digits stay digits and letters stay letters of the same case; punctuation, length and check digits
stay right. A code depends on its own value, so that a card or a key agrees wherever it stands.
Codes of fewer than a million possible ones, too few for the cipher, are shuffled as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from math import prod

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.io.arrays import array_of
from fabula.pii.national_ids import SCHEMES
from fabula.privacy.ff1 import FF1, LARGEST_HALF, SMALLEST, divided
from fabula.privacy.hashed import V4, V6, hashed
from fabula.privacy.secret import Secret
from fabula.synthesizers.pii.shapes import outlines

Signs = NDArray[np.uint8]
Check = Callable[[Signs, NDArray[np.int64]], NDArray[np.bool_]]
"""Writes check digits into codes, and tells which of them are valid; also given their rows."""

_FIRST = {"9": ord("0"), "A": ord("A"), "a": ord("a")}
_SIZES = {"9": 10, "A": 26, "a": 26}

_WALK = 400
"""Encryptions after which a value without a valid check digit is given up; half of the values of
a scheme are valid, at least."""

_DOTTED, _VERSION = re.compile(r"9{1,3}(\.9{1,3}){3}"), re.compile(r"9(\.9{1,2}){3}")
_VERSIONS = np.array([9, 99, 99, 99], np.uint64)
_OCTETS = np.array([2**24, 2**16, 2**8, 1], np.uint64)
"""Addresses, and versions, which look alike: the latter stay as short as they are."""

SMALL_NUMBERS, LARGE_NUMBERS = 10**9, 10**18
"""Whole numbers stay below the first bound, or between the two."""


@dataclass(frozen=True, eq=False)
class Codes:
    """The cipher of one kind of codes.

    Attributes:
        secret: The masking's key.
        domain: What the codes are of: the same domain gives the same codes in every column.
        kind: `card`, `account`, `national_id`, `phone` or any other.
        scheme: Which national id.
        fixed: Places (from 0) whose letter all codes share, and which stay unchanged.
    """

    secret: Secret
    domain: str
    kind: str = "code"
    scheme: str = ""
    fixed: Collection[int] = field(default_factory=frozenset)

    def encrypt(self, texts: pa.Array) -> pa.Array:
        """A new code for each text; nulls stay null."""
        texts = texts.cast(pa.large_string())
        if self.kind != "national_id" and not texts.null_count:
            return self._of_all(texts)
        known = pc.unique(texts.drop_null())  # check digits of ids are slow to find
        return self._of_all(known).take(pc.index_in(texts, value_set=known))

    def _of_all(self, texts: pa.Array) -> pa.Array:
        """A new code for each text; none is null."""
        if not len(texts):
            return texts
        drawn = outlines(texts)
        if _are_alike(drawn):
            return self._of_form(texts, drawn[0].as_py())
        forms = drawn.dictionary_encode()
        places, pieces = [], []
        for at, form in enumerate(forms.dictionary.to_pylist()):
            rows = np.flatnonzero(forms.indices.to_numpy() == at)
            pieces.append(self._of_form(texts.take(array_of(rows)), form))
            places.append(rows)
        return pa.concat_arrays(pieces).take(array_of(np.argsort(np.concatenate(places))))

    def numbers(self, values: NDArray[np.int64], most: int = 2**63) -> NDArray[np.int64]:
        """A new whole number for each, of the same sign.

        Args:
            values: Whole numbers.
            most: How many numbers from 0 on the column's type has; all of `values` are below.
        """
        sizes = np.abs(values).astype(np.uint64)
        result = np.zeros(len(values), np.uint64)
        bounds = [0, *(bound for bound in (SMALL_NUMBERS, LARGE_NUMBERS) if bound < most), most]
        for low, high in pairwise(bounds):
            rows = np.flatnonzero((sizes >= low) & (sizes < high))
            left = sizes[rows]
            moved, outside = left.copy(), np.ones(len(left), bool)
            while outside.any():  # numbers of another length are walked past
                moved[outside] = self._shuffled(moved[outside], high)
                outside &= moved < low
            result[rows] = moved
        return np.where(values < 0, -1, 1) * result.astype(np.int64)

    def _shuffled(self, numbers: NDArray[np.uint64], size: int) -> NDArray[np.uint64]:
        if size < SMALLEST:
            return self._table(size)[numbers.astype(np.int64)]
        low = 10 ** (len(str(size - 1)) // 2)
        high = -(-size // low)
        found = numbers.copy()
        outside = np.ones(len(found), bool)
        while outside.any():
            left, right = divided(found[outside], low)
            left, right = self._cipher.encrypt(left, right, (high, low), signs=len(str(size)))
            found[outside] = left * np.uint64(low) + right
            outside &= found >= size
        return found

    def _of_form(self, texts: pa.Array, form: str) -> pa.Array:
        """New codes for texts of one form."""
        if not form.isascii():
            return self._drawn(texts, form)
        if self.kind in ("code", "key"):
            if _DOTTED.fullmatch(form):
                known = _are_addresses(texts)
                some, others = (texts.filter(array_of(each)) for each in (known, ~known))
                pairs = [self._addresses(some, form), self._ciphered(others, form, _are_none)]
                order = np.argsort(~known, kind="stable")
                return pa.concat_arrays(pairs).take(array_of(np.argsort(order)))
            if form.count(":") > 1 and pc.all(pc.match_substring_regex(texts, V6)).as_py():
                return hashed(self.secret, texts, "ip", self.domain)
        return self._ciphered(texts, form)

    def _ciphered(self, texts: pa.Array, form: str, valid: Check | None = None) -> pa.Array:
        """New codes for texts of one form, which is ASCII.

        Args:
            texts: The texts.
            form: Their form.
            valid: Tells which codes are of their sort; they are walked to.
        """
        signs = sign_rows(texts, len(form))
        kept, check = _kept_places(self.kind, self.scheme, form, signs)
        places = [at for at, sign in enumerate(form) if sign in _FIRST]
        payload = [at for at in places if at not in kept and at not in self.fixed]
        made = self.encrypt_at(signs, payload, form, check or valid)
        return self._drawn(texts, form) if made is None else sign_texts(made)

    def _addresses(self, texts: pa.Array, form: str) -> pa.Array:
        """New addresses for addresses of networks; of versions, such as 1.2.3.4, new versions."""
        if _VERSION.fullmatch(form):
            return self._ciphered(texts, form, lambda signs, _: _are_addresses(sign_texts(signs)))
        octets = pc.list_flatten(pc.split_pattern(texts, "."))
        numbers = octets.cast(pa.int64()).to_numpy().reshape(-1, 4).astype(np.uint64) @ _OCTETS
        walking = np.ones(len(numbers), bool)
        while walking.any():
            numbers[walking] = self._shuffled(numbers[walking], 2**32)
            walking &= (_octets(numbers) <= _VERSIONS).all(axis=1)
        columns = [array_of(each.copy()).cast(pa.large_string()) for each in _octets(numbers).T]
        return pc.binary_join_element_wise(*columns, pa.scalar(".", pa.large_string()))

    def encrypt_at(
        self, signs: Signs, payload: list[int], form: str, check: Check | None = None
    ) -> Signs | None:
        """Codes with new signs at some places.

        Args:
            signs: The codes, a row of bytes each.
            payload: The places.
            form: Tells digits from letters, as `outlines` does.
            check: Writes check digits into rows, and tells which rows are valid; invalid codes
                are walked past, so that no two become the same.

        Returns:
            Rows of bytes; None if the codes are too long for the cipher.
        """
        sizes = [_SIZES[form[at]] for at in payload]
        if len(payload) < 2:
            return None if payload else signs
        middle = _split(sizes)
        both = (prod(sizes[:middle]), prod(sizes[middle:]))
        if max(both) > LARGEST_HALF:
            return None
        made = signs.copy()
        firsts = np.array([_FIRST[form[at]] for at in payload], np.uint8)
        digits = signs[:, payload] - firsts
        left = _number(digits[:, :middle], sizes[:middle])
        right = _number(digits[:, middle:], sizes[middle:])
        rows = np.arange(len(signs))
        for step in range(2 * _WALK):
            if step < _WALK:
                left, right = self._pair(left, right, both, sizes)
            else:  # none on a short walk is valid with a new birth date: the next one that is
                right = (right + np.uint64(1)) % np.uint64(both[1])
                left = (left + (right == 0)) % np.uint64(both[0])
            written = signs[rows]
            written[:, payload] = firsts + np.concatenate(
                [_digits(left, sizes[:middle]), _digits(right, sizes[middle:])], axis=1
            )
            valid = np.ones(len(rows), bool) if check is None else check(written, rows)
            made[rows] = written
            if valid.all():
                break
            rows, left, right = rows[~valid], left[~valid], right[~valid]
        return made

    def _pair(
        self,
        left: NDArray[np.uint64],
        right: NDArray[np.uint64],
        both: tuple[int, int],
        sizes: list[int],
    ) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        if prod(both) < SMALLEST:
            moved = self._table(prod(both))[(left * np.uint64(both[1]) + right).astype(np.int64)]
            return divided(moved, both[1])
        radix = sizes[0] if len(set(sizes)) == 1 else 0
        return self._cipher.encrypt(left, right, both, radix=radix, signs=len(sizes))

    def _drawn(self, texts: pa.Array, form: str) -> pa.Array:
        """Codes of a form that has letters beyond ASCII or is very long, from a hash of each."""
        digests = self.secret.digests(texts, f"code {self.domain}", 64).astype(np.int64)
        signs = np.array([ord(sign) for sign in form], np.int64)
        rows = np.empty((len(texts), len(form)), np.uint32)
        for at, sign in enumerate(form):
            drawn = digests[:, at % 64] * 256 + digests[:, (at + 17) % 64] + at
            rows[:, at] = _FIRST[sign] + drawn % _SIZES[sign] if sign in _FIRST else signs[at]
        return pa.array(rows.view(f"<U{len(form)}").reshape(-1).tolist(), pa.large_string())

    @cached_property
    def _cipher(self) -> FF1:
        return FF1(self.secret.derived("codes"), f"{self.domain}".encode())

    def _table(self, size: int) -> NDArray[np.uint64]:
        """A shuffle of all numbers below a size."""
        known = self._tables.get(size)
        if known is None:
            numbers = array_of(np.arange(size)).cast(pa.string())
            drawn = self.secret.digests(numbers, f"shuffle {size} {self.domain}", 8)
            known = np.argsort(drawn.view("<u8").reshape(-1), kind="stable").astype(np.uint64)
            self._tables[size] = known
        return known

    @cached_property
    def _tables(self) -> dict[int, NDArray[np.uint64]]:
        return {}


def _octets(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    found: NDArray[np.uint64] = numbers[:, None] // _OCTETS % np.uint64(256)
    return found


def _are_addresses(texts: pa.Array) -> NDArray[np.bool_]:
    return np.asarray(pc.match_substring_regex(texts, V4).to_numpy(zero_copy_only=False))


def _are_none(signs: Signs, _: NDArray[np.int64]) -> NDArray[np.bool_]:
    return ~_are_addresses(sign_texts(signs))


def shared_letters(texts: pa.Array) -> frozenset[int]:
    """The places whose letter all codes share, such as those of `CUST` in `CUST-0012`."""
    known = pc.unique(texts.cast(pa.large_string()).drop_null())
    if len(known) < 2:
        return frozenset()
    first, *others = known.to_pylist()
    return frozenset(
        at
        for at, sign in enumerate(first)
        if sign.isalpha() and all(len(text) > at and text[at] == sign for text in others)
    )


def _kept_places(
    kind: str, scheme: str, form: str, signs: Signs
) -> tuple[Collection[int], Check | None]:
    """Places that are not encrypted, and what writes check digits and tells valid codes."""
    places = [at for at, sign in enumerate(form) if sign in _FIRST]
    match kind:
        case "card":
            return {places[0], places[-1]}, lambda signs, _: _with_luhn(signs, places)
        case "account":
            return places[:4], lambda signs, _: _with_mod_97(signs, places)
        case "phone":
            letters = [at for at in places if form[at] != "9"]
            return [*letters, *_country_places(form, signs, places)], None
        case "national_id" if scheme and SCHEMES[scheme].valid:
            tail = SCHEMES[scheme].tail
            kept = {*places[-tail:], *places[: 3 * (scheme == "ch-ahv")]}
            return kept, lambda signs, _: _with_check(signs, places[-tail:], scheme)
        case "national_id" if scheme:
            return (), lambda signs, _: _fit(signs, scheme)
        case _:
            return (), None


def _country_places(form: str, signs: Signs, places: list[int]) -> list[int]:
    """The country's digits of a phone number, or the zero of its area code."""
    if form[0] == "+":
        after = form.find(" ")
        return [at for at in places if at < (after if 1 < after <= 4 else 3)]
    return places[: 1 + int((signs[:, places[1]] == ord("0")).all())] if len(places) > 1 else []


def _with_luhn(rows: Signs, places: list[int]) -> NDArray[np.bool_]:
    digits = rows[:, places].astype(np.int64) - ord("0")
    doubled = digits[:, -2::-2] * 2
    total = (doubled - 9 * (doubled > 9)).sum(1) + digits[:, -3::-2].sum(1)
    rows[:, places[-1]] = (-total % 10 + ord("0")).astype(np.uint8)
    return np.ones(len(rows), bool)


def _with_mod_97(rows: Signs, places: list[int]) -> NDArray[np.bool_]:
    rest = np.zeros(len(rows), np.int64)
    for at in [*places[4:], *places[:2]]:
        sign = rows[:, at].astype(np.int64)
        number = np.where(sign >= ord("A"), sign - ord("A") + 10, sign - ord("0"))
        rest = (rest * np.where(number > 9, 100, 10) + number) % 97
    check = 98 - rest * 100 % 97
    rows[:, places[2]] = (check // 10 + ord("0")).astype(np.uint8)
    rows[:, places[3]] = (check % 10 + ord("0")).astype(np.uint8)
    return np.ones(len(rows), bool)


def _fit(rows: Signs, scheme: str) -> NDArray[np.bool_]:
    """Whether codes have the form of a scheme without check digits."""
    fits = pc.match_substring_regex(sign_texts(rows), f"^({SCHEMES[scheme].form})$")
    return np.asarray(fits.to_numpy(zero_copy_only=False))


def _with_check(rows: Signs, last: list[int], scheme: str) -> NDArray[np.bool_]:
    """Write the only ending that is valid; a code that has none, or the wrong form, is invalid."""
    fits = _fit(rows, scheme)
    for at in np.flatnonzero(fits).tolist():
        text = rows[at].tobytes().decode("ascii")
        ending = next(SCHEMES[scheme].endings(text, last), None)
        if ending is None:
            fits[at] = False
        else:
            rows[at] = np.frombuffer(ending.encode("ascii"), np.uint8)
    return fits & _fit(rows, scheme)


def _are_alike(forms: pa.Array) -> bool:
    """Whether all texts are the same, told without comparing them one by one."""
    _, offsets, data = forms.buffers()
    bounds = np.frombuffer(offsets, np.int64)[forms.offset : forms.offset + len(forms) + 1]
    width = int(bounds[1] - bounds[0])
    if not width or (np.diff(bounds) != width).any():
        return False
    rows = np.frombuffer(data, np.uint8)[bounds[0] : bounds[-1]].reshape(-1, width)
    return bool((rows == rows[0]).all())


def _split(sizes: list[int]) -> int:
    """How many signs the left half has: half of them, and of as many values as may be."""
    if len(set(sizes)) == 1:
        return len(sizes) // 2
    logs = np.cumsum(np.log(sizes))
    return int(np.clip(np.searchsorted(logs, logs[-1] / 2) + 1, 1, len(sizes) - 1))


def _number(signs: NDArray[np.uint8], sizes: list[int]) -> NDArray[np.uint64]:
    found = np.zeros(len(signs), np.uint64)
    for at, size in enumerate(sizes):
        found = found * np.uint64(size) + signs[:, at].astype(np.uint64)
    return found


def _digits(numbers: NDArray[np.uint64], sizes: list[int]) -> NDArray[np.uint8]:
    found = np.empty((len(numbers), len(sizes)), np.uint8)
    left = numbers
    for at in range(len(sizes) - 1, -1, -1):
        left, found[:, at] = divided(left, sizes[at])
    return found


def sign_rows(texts: pa.Array, width: int) -> NDArray[np.uint8]:
    """ASCII texts of one length as rows of bytes."""
    _, offsets, data = texts.cast(pa.large_string()).buffers()
    start = int(np.frombuffer(offsets, np.int64)[texts.offset])
    found = np.frombuffer(data, np.uint8)[start : start + width * len(texts)]
    return found.reshape(len(texts), width).copy()


def sign_texts(signs: NDArray[np.uint8]) -> pa.Array:
    """Rows of bytes as texts."""
    rows, width = signs.shape
    offsets = np.arange(rows + 1, dtype=np.int64) * width
    data = pa.py_buffer(np.ascontiguousarray(signs).data)
    return pa.LargeStringArray.from_buffers(rows, pa.py_buffer(offsets.data), data)
