"""National ids of new people: birth dates shifted as the person's dates are, the new person's sex.

A date or a sex that stays inside a number names the old person to whoever knows both. So the dates
inside move by the person's own shift, the sign of the sex is that of the new person, all further
digits are encrypted, and check digits are computed again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.io.arrays import array_of
from fabula.pii.national_ids import SCHEMES
from fabula.privacy.codes import Codes, sign_rows, sign_texts
from fabula.synthesizers.pii.shapes import outlines

Whole = NDArray[np.int64]

DATED: Mapping[str, str] = {
    "fr-insee": "syymmkknnnnnncc",
    "cn-id": "knnnnnYYyymmddnnsc",
    "it-cf": "nnnnnnyyMddnnnnc",
    "fi-hetu": "ddmmyyCnnsc",
    "ro-cnp": "syymmddnnnnnc",
    "kr-rrn": "yymmddsnnnnnc",
    "no-fnr": "ddmmyynnscc",
    "pl-pesel": "yymmddnnnsc",
    "be-nrn": "yymmddnnscc",
    "se-pnr": "yymmddnnsc",
    "dk-cpr": "ddmmyyknns",
}
"""What each sign is, punctuation aside: year, month and day (M: as a letter), the sign of the
century, the sex (odd numbers are men's), check digits, kept signs, and the rest of the number."""

_LETTERS = np.frombuffer(b"ABCDEHLMPRST", np.uint8)
"""The months of the codice fiscale."""

_ENDINGS = {"it-cf": r".*[A-Z]", "fi-hetu": r".*[0-9A-Y]"}
"""How the ids of a scheme end whose check digit may be a letter."""

_FEMALE_DAYS = 40
_ZERO = ord("0")


@dataclass(frozen=True)
class NationalIds:
    """The ids of one scheme with dates inside.

    Attributes:
        codes: The cipher of the digits that mean nothing.
        scheme: One of `DATED`.
    """

    codes: Codes
    scheme: str

    def replace(self, texts: pa.Array, days: Whole, male: NDArray[np.bool_]) -> pa.Array:
        """New ids; texts that are none of the scheme keep their form and nothing else.

        Args:
            texts: One id a row, without nulls.
            days: By how many days the dates of each row's person move.
            male: Whether each row's new person is a man.
        """
        texts = texts.cast(pa.large_string())
        forms = outlines(texts).dictionary_encode()
        pieces, places = [pa.array([], pa.large_string())], [np.zeros(0, np.int64)]
        for at, form in enumerate(forms.dictionary.to_pylist()):
            rows = np.flatnonzero(forms.indices.to_numpy() == at)
            some = texts.take(array_of(rows))
            if (layout := self._layout(form)) is None:
                pieces.append(self.codes.encrypt(some))
            else:
                pieces.append(self._dated(some, form, layout, days[rows], male[rows]))
            places.append(rows)
        return pa.concat_arrays(pieces).take(array_of(np.argsort(np.concatenate(places))))

    def _layout(self, form: str) -> str | None:
        """What the characters of a form are; None if the scheme has another form."""
        layout = DATED[self.scheme]
        count = sum(sign.isalnum() for sign in form)
        if self.scheme == "fi-hetu":  # its sign of the century may be a letter
            return layout if len(form) == len(layout) and form.isascii() else None
        if self.scheme == "se-pnr" and count == len(layout) + 2:
            return f"YY{layout}"
        return layout if form.isascii() and count == len(layout) else None

    def _dated(
        self, texts: pa.Array, form: str, layout: str, days: Whole, male: NDArray[np.bool_]
    ) -> pa.Array:
        signs = sign_rows(texts, len(form))
        whole = self.scheme == "fi-hetu"
        places = [at for at, sign in enumerate(form) if whole or sign.isalnum()]
        of = {
            part: [places[at] for at, each in enumerate(layout) if each == part]
            for part in set(layout)
        }
        born, valid = self._read(signs, of)
        moved = born + days

        def complete(rows: NDArray[np.uint8], at: Whole) -> NDArray[np.bool_]:
            self._write(rows, of, moved[at], male[at])
            return self._end(rows, of["c"]) if "c" in of else np.ones(len(at), bool)

        made = self.codes.encrypt_at(signs, of["n"], form, complete)
        found = sign_texts(signs if made is None else made)
        if valid.all():
            return found
        odd = np.flatnonzero(~valid)
        dateless = [at for part in "nymd" for at in of.get(part, ())]
        other = self.codes.encrypt_at(
            signs[odd], dateless, form, lambda rows, _: self._end(rows, of.get("c", []))
        )
        return pc.replace_with_mask(
            found, array_of(~valid), sign_texts(signs[odd] if other is None else other)
        )

    def _end(self, rows: NDArray[np.uint8], places: list[int]) -> NDArray[np.bool_]:
        """Write the check digits, and tell which ids have some that are valid."""
        scheme = SCHEMES[self.scheme]
        endings = re.compile(_ENDINGS.get(self.scheme, r".*[\dX]"))
        signs = "0A" if self.scheme in _ENDINGS else "0"
        ended = np.ones(len(rows), bool)
        for at in range(len(rows) if places else 0):
            text = rows[at].tobytes().decode("ascii")
            starts = (_with_signs(text, places, sign) for sign in signs)
            made = (each for start in starts for each in scheme.endings(start, places))
            ending = next(filter(endings.fullmatch, made), "")
            ended[at] = bool(ending)
            if ending:
                rows[at] = np.frombuffer(ending.encode("ascii"), np.uint8)
        return ended

    def _read(
        self, signs: NDArray[np.uint8], of: Mapping[str, list[int]]
    ) -> tuple[NDArray[np.datetime64], NDArray[np.bool_]]:
        """The birth date of each row, and whether there is such a day."""
        year = _number(signs, of["y"])
        month = (
            1 + np.searchsorted(_LETTERS, signs[:, of["M"][0]])
            if "M" in of
            else _number(signs, of["m"])
        )
        day = _number(signs, of["d"]) if "d" in of else np.ones(len(signs), np.int64)
        if self.scheme == "it-cf":
            day = day % _FEMALE_DAYS
        if self.scheme == "pl-pesel":
            year, month = year + 100 * ((month // 20 + 1) % 5 - 1), month % 20
        elif "Y" in of:
            year = year + 100 * (_number(signs, of["Y"]) - 19)
        elif self.scheme in _BY_CENTURY:
            year = year + 100 * (_centuries(self.scheme)[_number(signs, of["s"])] - 19)
        elif "C" in of:
            year = year + 100 * (_HETU_CENTURIES[signs[:, of["C"][0]]] - 19)
        else:  # no sign of the century: leap years as from 2000 on
            year = year + 100
        valid = (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31)
        months = (year - 70) * 12 + np.clip(month, 1, 12) - 1
        days = months.astype("datetime64[M]").astype("datetime64[D]") + np.clip(day, 1, 31) - 1
        valid &= days.astype("datetime64[M]").astype(np.int64) == months
        return days, valid

    def _write(
        self,
        signs: NDArray[np.uint8],
        of: Mapping[str, list[int]],
        days: NDArray[np.datetime64],
        male: NDArray[np.bool_],
    ) -> None:
        """Write birth dates and sexes into ids."""
        months = days.astype("datetime64[M]")
        year = months.astype("datetime64[Y]").astype(np.int64) + 70
        month = months.astype(np.int64) % 12 + 1
        day = (days - months).astype(np.int64) + 1
        if self.scheme == "it-cf":
            day = day + np.where(male, 0, _FEMALE_DAYS)
        if self.scheme == "pl-pesel":
            month = month + 20 * (year // 100 % 5)
        if "s" in of:
            at = of["s"][0]
            digit = (signs[:, at] - _ZERO).astype(np.int64)
            if self.scheme in _BY_CENTURY:
                firsts, foreign, further = _BY_CENTURY[self.scheme]
                first = np.choose(np.clip(year // 100 + 1, 0, 2), firsts)
                digit = np.where(
                    digit < foreign, first, foreign if further is None else first + further
                )
            digit = (digit + digit % 2 - 1 if self.scheme in _FROM_ONE else digit // 2 * 2) + (
                ~male if self.scheme in _FROM_ONE else male
            )
            signs[:, at] = digit + _ZERO
        if "C" in of:
            century, at = year // 100 + 19, of["C"][0]
            new = np.frombuffer(b"+-A", np.uint8)[np.clip(century - 18, 0, 2)]
            signs[:, at] = np.where(_HETU_CENTURIES[signs[:, at]] == century, signs[:, at], new)
        if "Y" in of:
            _put(signs, of["Y"], year // 100 + 19)
        if "M" in of:
            signs[:, of["M"][0]] = _LETTERS[month - 1]
        else:
            _put(signs, of["m"], month)
        if "d" in of:
            _put(signs, of["d"], day)
        _put(signs, of["y"], year % 100)


_BY_CENTURY: Mapping[str, tuple[tuple[int, int, int], int, int | None]] = {
    "ro-cnp": ((3, 1, 5), 7, None),
    "kr-rrn": ((1, 1, 3), 5, 4),
}
"""The signs of men born in the 19th to the 21st century, women's being the next; from which one on
people are foreign; and how much higher theirs are by century, unless they have one for all."""

_HETU_CENTURIES = np.full(256, 19)
_HETU_CENTURIES[ord("+")] = 18
_HETU_CENTURIES[ord("A") : ord("F") + 1] = 20

_FROM_ONE = ("fr-insee", *_BY_CENTURY)
"""Schemes whose men have 1 and women 2, or the next odd and even numbers."""


def _centuries(scheme: str) -> Whole:
    """The century before each sign's."""
    firsts, _, further = _BY_CENTURY[scheme]
    found = np.full(10, 19)
    for century, first in zip((18, 19, 20), firsts, strict=True):
        for sign in (first, *([] if further is None else [first + further])):
            found[sign : sign + 2] = century
    return found


def _with_signs(text: str, places: list[int], sign: str) -> str:
    chars = list(text)
    for at in places:
        chars[at] = sign
    return "".join(chars)


def _number(signs: NDArray[np.uint8], places: list[int]) -> Whole:
    found = np.zeros(len(signs), np.int64)
    for at in places:
        found = found * 10 + (signs[:, at].astype(np.int64) - _ZERO)
    return found


def _put(signs: NDArray[np.uint8], places: list[int], numbers: Whole) -> None:
    for at in reversed(places):
        numbers, digit = np.divmod(numbers, 10)
        signs[:, at] = digit + _ZERO
