"""National identity numbers that their check digits tell apart from any other number."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from fabula.pii.check_digits import is_card


@dataclass(frozen=True)
class Scheme:
    """How one country builds its numbers.

    Attributes:
        title: What the country calls the number.
        form: A regular expression that a whole text matches.
        valid: Whether the check digits of a text without punctuation are right; None if the
            form alone tells.
        tail: How many signs at the end a new number varies until it is valid.
    """

    title: str
    form: str
    valid: Callable[[str], bool] | None = None
    tail: int = 1

    def holds(self, text: str) -> bool:
        """Whether the check digits of a text are right."""
        plain = re.sub("[^0-9A-Za-z]", "", text).upper()
        return self.valid is None or self.valid(plain)

    @property
    def plain_form(self) -> str:
        """The form without punctuation."""
        return re.sub(r"(\[[-+. ]+\]|\\\.|[- ])\?", "", self.form)

    def repaired(self, text: str) -> str:
        """The text with its last signs such that the check digits are right."""
        places = [at for at, char in enumerate(text) if char.isalnum()]
        widths = range(1, self.tail + 2)
        return next(
            (made for width in widths for made in self.endings(text, places[-width:])), text
        )

    def endings(self, text: str, places: Sequence[int]) -> Iterator[str]:
        """The text with every valid choice of signs at some places."""
        further = "X" if "X]" in self.form else ""
        return filter(self.holds, _endings(text, places, further))


def _endings(text: str, places: Sequence[int], further: str) -> Iterable[str]:
    """The text with every ending of some places; digits stay digits, and the last may be `further`.

    `X` counts as a digit where it may be one.
    """
    last = len(text) - 1
    alphabets = [
        f"{_DIGITS}{further if at == last else ''}"
        if text[at].isdigit() or text[at] == further
        else _LETTERS
        for at in places
    ]
    size = 1
    for alphabet in alphabets:
        size *= len(alphabet)
    start = sum(ord(char) for char in text)  # so that new endings don't all begin at zero
    for step in range(size):
        number, chars = (start + step) % size, list(text)
        for at, alphabet in zip(places, alphabets, strict=True):
            number, sign = divmod(number, len(alphabet))
            chars[at] = alphabet[sign]
        yield "".join(chars)


_DIGITS, _LETTERS = "0123456789", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _weighted(digits: str, weights: Iterable[int]) -> int:
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=False))


def _cpf(text: str) -> bool:
    first = _weighted(text, range(10, 1, -1)) * 10 % 11 % 10
    second = _weighted(text, range(11, 1, -1)) * 10 % 11 % 10
    return text[9:] == f"{first}{second}"


def _dni(text: str) -> bool:
    number = text[:-1].translate(str.maketrans("XYZ", "012"))
    return number.isdigit() and "TRWAGMYFPDXBNJZSQVHLCKE"[int(number) % 23] == text[-1]


_ODD = (
    1,
    0,
    5,
    7,
    9,
    13,
    15,
    17,
    19,
    21,
    2,
    4,
    18,
    20,
    11,
    3,
    6,
    8,
    12,
    14,
    16,
    10,
    22,
    25,
    24,
    23,
)


def _codice_fiscale(text: str) -> bool:
    ranks = [int(char) if char.isdigit() else ord(char) - 65 for char in text]
    total = sum(_ODD[rank] for rank in ranks[0:15:2]) + sum(ranks[1:15:2])
    return total % 26 == ranks[15]


def _pesel(text: str) -> bool:
    return (_weighted(text[:10], (1, 3, 7, 9) * 3) + int(text[10])) % 10 == 0


def _insee(text: str) -> bool:
    body = text[:13].replace("2A", "19").replace("2B", "18")
    return body.isdigit() and 97 - int(body) % 97 == int(text[13:])


def _bsn(text: str) -> bool:
    return (_weighted(text, range(9, 1, -1)) - int(text[8])) % 11 == 0


def _personnummer(text: str) -> bool:
    return is_card(text[-10:])


def _fodselsnummer(text: str) -> bool:
    first = _weighted(text, (3, 7, 6, 1, 8, 9, 4, 5, 2, 1))
    second = _weighted(text, (5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1))
    return first % 11 == 0 and second % 11 == 0


def _hetu(text: str) -> bool:
    signs = "0123456789ABCDEFHJKLMNPRSTUVWXY"
    return signs[int(re.sub(r"\D", "", text[:-1])) % 31] == text[-1]


def _cnp(text: str) -> bool:
    rest = _weighted(text, (2, 7, 9, 1, 4, 6, 3, 5, 8, 2, 7, 9)) % 11
    return (1 if rest == 10 else rest) == int(text[12])


def _ean(text: str) -> bool:
    return _weighted(text, (1, 3) * 7) % 10 == 0


def _rijksregister(text: str) -> bool:
    wanted = int(text[9:])
    return wanted in (97 - int(text[:9]) % 97, 97 - int("2" + text[:9]) % 97)


def _product_of_11(text: str) -> bool:
    """ISO/IEC 7064, MOD 11,10: German tax ids and Croatian OIBs."""
    product = 10
    for digit in text[:-1]:
        product = (int(digit) + product) % 10 or 10
        product = product * 2 % 11
    return (11 - product) % 10 == int(text[-1])


def _chinese(text: str) -> bool:
    total = sum(int(digit) * (2 ** (17 - at) % 11) for at, digit in enumerate(text[:17]))
    return "10X98765432"[total % 11] == text[17]


def _kimlik(text: str) -> bool:
    digits = [int(char) for char in text]
    tenth = (sum(digits[0:9:2]) * 7 - sum(digits[1:8:2])) % 10
    return digits[9] == tenth and digits[10] == sum(digits[:10]) % 10


def _korean(text: str) -> bool:
    total = _weighted(text, (2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5))
    return (11 - total % 11) % 10 == int(text[12])


_TIMES = (
    (0, 1, 2, 3, 4, 5, 6, 7, 8, 9), (1, 2, 3, 4, 0, 6, 7, 8, 9, 5),
    (2, 3, 4, 0, 1, 7, 8, 9, 5, 6), (3, 4, 0, 1, 2, 8, 9, 5, 6, 7),
    (4, 0, 1, 2, 3, 9, 5, 6, 7, 8), (5, 9, 8, 7, 6, 0, 4, 3, 2, 1),
    (6, 5, 9, 8, 7, 1, 0, 4, 3, 2), (7, 6, 5, 9, 8, 2, 1, 0, 4, 3),
    (8, 7, 6, 5, 9, 3, 2, 1, 0, 4), (9, 8, 7, 6, 5, 4, 3, 2, 1, 0),
)  # fmt: skip
_SHIFT = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)


def _verhoeff(text: str) -> bool:
    check = 0
    for at, char in enumerate(reversed(text)):
        digit = int(char)
        for _ in range(at % 8):
            digit = _SHIFT[digit]
        check = _TIMES[check][digit]
    return check == 0


def _snils(text: str) -> bool:
    return _weighted(text[:9], range(9, 0, -1)) % 101 % 100 == int(text[9:])


def _my_number(text: str) -> bool:
    rest = _weighted(text, (6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2)) % 11
    return (0 if rest <= 1 else 11 - rest) == int(text[11])


def _nif(text: str) -> bool:
    rest = _weighted(text, range(9, 1, -1)) % 11
    return (0 if rest < 2 else 11 - rest) == int(text[8])


_DAY = r"(0[1-9]|[12]\d|3[01])"
_MONTH = r"(0[1-9]|1[0-2])"

SCHEMES: Mapping[str, Scheme] = {
    "us-ssn": Scheme("US social security number", r"(00[1-9]|0[1-9]\d|[1-8]\d\d|9\d\d)-\d\d-\d{4}"),
    "gb-nino": Scheme(
        "UK national insurance number", r"[A-CEGHJ-PR-TW-Z][A-NPR-Z] ?(\d\d ?){3}[A-DT]"
    ),
    "fr-insee": Scheme(
        "French social security number",
        r"[1-478] ?\d\d ?\d\d ?(\d\d|2[AB]) ?\d{3} ?\d{3} ?\d\d",
        _insee,
        2,
    ),
    "cn-id": Scheme(
        "Chinese identity number",
        r"[1-8]\d{5}(19|20)\d{2}"
        rf"{_MONTH}{_DAY}\d{{3}}[\dX]",
        _chinese,
    ),
    "es-dni": Scheme("Spanish identity number", r"(\d{8}|[XYZ]\d{7})-?[A-Z]", _dni),
    "it-cf": Scheme(
        "Italian codice fiscale", r"[A-Z]{6}\d\d[A-EHLMPRST]\d\d[A-Z]\d{3}[A-Z]", _codice_fiscale
    ),
    "fi-hetu": Scheme(
        "Finnish personal code", rf"{_DAY}{_MONTH}\d\d[-+A-FU-Y]\d{{3}}[0-9A-Y]", _hetu
    ),
    "ch-ahv": Scheme("Swiss AHV number", r"756\.?\d{4}\.?\d{4}\.?\d\d", _ean),
    "ro-cnp": Scheme("Romanian CNP", rf"[1-8]\d\d{_MONTH}{_DAY}\d{{6}}", _cnp),
    "kr-rrn": Scheme("Korean resident number", rf"\d\d{_MONTH}{_DAY}-?[1-8]\d{{6}}", _korean),
    "no-fnr": Scheme("Norwegian birth number", rf"{_DAY}{_MONTH}\d\d ?\d{{5}}", _fodselsnummer, 3),
    "pl-pesel": Scheme(
        "Polish PESEL",
        r"\d\d([02468][1-9]|[13579][0-2])"
        rf"{_DAY}\d{{5}}",
        _pesel,
    ),
    "br-cpf": Scheme("Brazilian CPF", r"\d{3}\.?\d{3}\.?\d{3}-?\d\d", _cpf, 2),
    "be-nrn": Scheme(
        "Belgian national number", rf"\d\d\.?{_MONTH}\.?{_DAY}-?\d{{3}}[.-]?\d\d", _rijksregister, 2
    ),
    "tr-tckn": Scheme("Turkish identity number", r"[1-9]\d{10}", _kimlik, 2),
    "ru-snils": Scheme("Russian SNILS", r"\d{3}-?\d{3}-?\d{3}[ -]?\d\d", _snils, 2),
    "de-idnr": Scheme("German tax id", r"[1-9]\d ?\d{3} ?\d{3} ?\d{3}", _product_of_11),
    "se-pnr": Scheme(
        "Swedish personal number", rf"(19|20)?\d\d{_MONTH}{_DAY}[-+]?\d{{4}}", _personnummer
    ),
    "jp-mynumber": Scheme("Japanese My Number", r"\d{4} ?\d{4} ?\d{4}", _my_number),
    "in-aadhaar": Scheme("Aadhaar number", r"[2-9]\d{3} ?\d{4} ?\d{4}", _verhoeff),
    "nl-bsn": Scheme("Dutch BSN", r"\d{9}", _bsn),
    "pt-nif": Scheme("Portuguese NIF", r"[1-35689]\d{8}", _nif),
    "ca-sin": Scheme("Canadian SIN", r"\d{3}[ -]?\d{3}[ -]?\d{3}", is_card),
    "dk-cpr": Scheme("Danish CPR number", rf"{_DAY}{_MONTH}\d\d-\d{{4}}"),
}
"""National numbers by country; those whose form says most come first."""


def scheme_of(texts: Sequence[str], *, share: float) -> str | None:
    """The scheme that at least a share of some texts follows, with right check digits."""
    for name, scheme in SCHEMES.items():
        form = re.compile(scheme.form)
        if not any(map(form.fullmatch, texts[: int((1 - share) * len(texts)) + 1])):
            continue  # as many misses are too many
        fit = [text for text in texts if form.fullmatch(text)]
        if len(fit) >= share * len(texts) and sum(map(scheme.holds, fit)) >= share * len(texts):
            return name
    return None
