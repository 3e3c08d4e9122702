"""New national ids: right check digits, the shifted birth date, and the new person's sex."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import date, timedelta
from itertools import islice

import numpy as np
import pyarrow as pa
import pytest

from fabula.fakers.regex import compile_pattern
from fabula.pii.national_ids import SCHEMES
from fabula.privacy.codes import Codes
from fabula.privacy.national import DATED, NationalIds
from fabula.privacy.secret import Secret

ROWS = 80
LETTERED = r"[A-Z]{6}\d\d[A-EHLMPRST]([04][1-9]|[1256]\d)[A-Z]\d{2}1[A-Z]"

Read = Callable[[str], tuple[int, int, int, int]]
"""The year, the month and the day, 1 where an id has none, and the sign of the sex."""

READ: Mapping[str, Read] = {
    "fr-insee": lambda t: (int(t[1:3]), int(t[3:5]), 1, int(t[0])),
    "cn-id": lambda t: (int(t[6:10]), int(t[10:12]), int(t[12:14]), int(t[16])),
    "it-cf": lambda t: (
        int(t[6:8]), "ABCDEHLMPRST".index(t[8]) + 1, int(t[9:11]) % 40, int(t[9] < "4")
    ),
    "fi-hetu": lambda t: (
        {"+": 1800, "A": 2000}.get(t[6], 1900) + int(t[4:6]), int(t[2:4]), int(t[:2]), int(t[9])
    ),
    "ro-cnp": lambda t: (
        {"3": 1800, "4": 1800, "5": 2000, "6": 2000}.get(t[0], 1900) + int(t[1:3]),
        int(t[3:5]), int(t[5:7]), int(t[0]),
    ),
    "kr-rrn": lambda t: (
        (2000 if t[6] in "3478" else 1900) + int(t[:2]), int(t[2:4]), int(t[4:6]), int(t[6])
    ),
    "no-fnr": lambda t: (int(t[4:6]), int(t[2:4]), int(t[:2]), int(t[8])),
    "pl-pesel": lambda t: (
        (1900, 2000, 2100, 2200, 1800)[int(t[2:4]) // 20] + int(t[:2]),
        int(t[2:4]) % 20, int(t[4:6]), int(t[9]),
    ),
    "be-nrn": lambda t: (int(t[:2]), int(t[2:4]), int(t[4:6]), int(t[8])),
    "se-pnr": lambda t: (int(t[-10:-8]), int(t[-8:-6]), int(t[-6:-4]), int(t[-2])),
    "dk-cpr": lambda t: (int(t[4:6]), int(t[2:4]), int(t[:2]), int(t[9])),
}  # fmt: skip


def ids(scheme: str) -> Iterator[str]:
    """Ids of a scheme with right check digits, of people born from 1902 on."""
    form = LETTERED if scheme == "it-cf" else SCHEMES[scheme].form
    pattern, rng = compile_pattern(form), np.random.default_rng(3)
    for text in pattern.at(rng.integers(0, pattern.size, 40 * ROWS)).to_pylist():
        made = SCHEMES[scheme].repaired(text)
        right = re.fullmatch(SCHEMES[scheme].form, made) and SCHEMES[scheme].holds(made)
        if right and (scheme not in DATED or any(b.year > 1901 for b in births(scheme, made))):
            yield made


def births(scheme: str, text: str) -> list[date]:
    """The days on which the person of an id may be born."""
    year, month, day, _ = read(scheme, text)
    found = []
    for century in (0,) if year > 99 else (1900, 2000):
        with suppress(ValueError):
            found.append(date(year + century, month, day))
    return found


def read(scheme: str, text: str) -> tuple[int, int, int, int]:
    return READ[scheme](text if scheme == "fi-hetu" else re.sub(r"\W", "", text))


@pytest.mark.parametrize("scheme", SCHEMES)
def test_new_ids_have_the_form_and_the_check_digits_of_their_country(scheme: str) -> None:
    old = list(islice(ids(scheme), ROWS))
    shifts = -7 * np.random.default_rng(5).integers(1, 53, len(old))
    male = np.arange(len(old)) % 2 == 0
    codes = Codes(Secret(b"k" * 32), "people.id", "national_id", scheme)
    texts = pa.array(old, pa.large_string())
    made = NationalIds(codes, scheme).replace(texts, shifts, male) if scheme in DATED \
        else codes.encrypt(texts)  # fmt: skip
    new = made.to_pylist()
    assert len(old) > ROWS // 3
    assert [text for text in new if not re.fullmatch(SCHEMES[scheme].form, text)] == []
    assert [text for text in new if not SCHEMES[scheme].holds(text)] == []
    for one, other, shift, is_male in zip(old, new, shifts.tolist(), male.tolist(), strict=True):
        assert one != other
        if scheme in DATED:
            moved = [b + timedelta(shift) for b in births(scheme, one)]
            if scheme == "fr-insee":
                moved = [day.replace(day=1) for day in moved]
            assert set(moved) & set(births(scheme, other)), (one, other, shift)
            assert read(scheme, other)[3] % 2 == is_male
