"""Numbers written as text, with units and separators: the one form of a column."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

from fabula.io.written.form import Rows, suits

MOST_DECIMALS = 15

_SPACES = " \u00a0\u202f"
_BODY = rf"\d(?:[\d.,'’{_SPACES}]*\d)?"
_PARTS = rf"^(?P<front>[-−]?)(?P<prefix>[^\d-]*?)(?P<inner>-?)(?P<body>{_BODY})(?P<suffix>\D*)$"
_THOUSANDS: tuple[tuple[str, str], ...] = (
    (",", "."), (".", ","), *((space, sign) for space in _SPACES for sign in ",."),
    ("'", "."), ("’", "."), ("'", ","),
)  # fmt: skip
"""Signs between thousands, with the decimal sign that goes with them."""

_CURRENCIES = re.compile(
    "USD|EUR|GBP|CHF|JPY|CNY|RMB|INR|BRL|MXN|CAD|AUD|NZD|SEK|NOK|DKK|PLN|CZK|HUF|RON|BGN|TRY|RUB"
    "|UAH|ILS|AED|SAR|EGP|ZAR|NGN|KES|GHS|KRW|TWD|HKD|SGD|THB|MYR|IDR|PHP|VND|ARS|CLP|COP|PEN"
    r"|US\$|R\$|A\$|C\$|S/|Rs\.?|kr\.?|Fr\.|zł|Kč|Ft|lei"
)
_LONGEST_UNIT = 14
_MOST_DIGITS = 18
"""Longer numbers are beyond what 64 bits hold."""
_SHORT, _FEW = 4, 10
"""Alongside other texts, digits of one length are codes if they are longer, or fewer."""
_LARGE, _SMALL = 1234.56, 12.34


@dataclass(frozen=True)
class NumberForm:
    """One way to write numbers: `$1,234.50`, `12 %`, `-1.234,5 €`, `12.50-`.

    Attributes:
        prefix: What precedes each number.
        suffix: What follows it.
        thousands: The sign between thousands, or nothing.
        point: The decimal sign.
        decimals: Decimals that are written, or the most of them.
        fixed: Whether all numbers have as many.
        minus: Where a minus stands: before the prefix, after it, after the number, or brackets in
            its place.
        lakh: Whether two digits are between the signs before the last three: 12,34,567.
    """

    prefix: str = ""
    suffix: str = ""
    thousands: str = ""
    point: str = "."
    decimals: int = 0
    fixed: bool = True
    minus: Literal["-", "−", "inner", "brackets", "after"] = "-"
    lakh: bool = False

    @classmethod
    def of(cls, texts: pa.Array, rows: Rows) -> NumberForm | None:
        """The form of texts, or None if there is none."""
        if not any(char.isdigit() for char in str(texts[0])):
            return None
        led = [minus for minus, (regex, fewest) in _LED.items()
               if pc.sum(pc.match_substring_regex(texts, regex)).as_py() >= fewest]  # fmt: skip
        parts = pc.extract_regex(_with_leading_minus(texts, *led[:1]), _PARTS)
        if parts.null_count:
            return None
        front, prefix, inner, body, suffix = (pc.unique(part) for part in parts.flatten())
        if len(prefix) > 1 or len(suffix) > 1:
            return None
        around = prefix[0].as_py(), suffix[0].as_py()
        if not _is_money(around[0]) or not _is_unit(around[1]):
            return None
        signs = {sign for sign in front.to_pylist() if sign}
        minus = led[0] if led else "inner" if "-" in inner.to_pylist() else "-"
        start = cls(*around, minus="−" if "−" in signs else minus)  # type: ignore[arg-type]
        for form in _styles(start, body):
            if suits(form, texts, rows):
                return form
        return None

    @property
    def told(self) -> str:
        large = self.thousands or (_is_money(self.prefix) and self.prefix)
        number = round(_LARGE if large else _SMALL, self.decimals)
        return f"numbers written as {self.write(pa.array([number], self.type)).to_pylist()[0]}"

    @property
    def type(self) -> pa.DataType:
        return pa.float64() if self.decimals else pa.int64()

    def read(self, texts: pa.Array) -> pa.Array:
        """Numbers; null where a text is not of this form."""
        plain = _with_leading_minus(texts, self.minus)
        whole, between = r"\d+", re.escape(self.thousands)
        if self.lakh:
            whole = rf"(?:\d{{1,2}}(?:{between}\d\d)*{between}\d{{3}}|\d{{1,3}})"
        elif self.thousands:
            whole = rf"\d{{1,3}}(?:{between}\d{{3}})*"
        tail = rf"(?:{re.escape(self.point)}\d{{1,{self.decimals}}})?" if self.decimals else ""
        minus = r"[-−]?"
        parts = pc.extract_regex(
            plain,
            rf"^(?P<front>{minus}){re.escape(self.prefix)}(?P<inner>{minus})"
            rf"(?P<body>{whole}{tail}){re.escape(self.suffix)}$",
        )
        front, inner, body = parts.flatten()
        if self.thousands:
            body = pc.replace_substring(body, self.thousands, "")
        if self.point != ".":
            body = pc.replace_substring(body, self.point, ".")
        empty, sign = pa.scalar("", plain.type), pa.scalar("-", plain.type)
        negative = pc.or_(pc.not_equal(front, empty), pc.not_equal(inner, empty))
        text = pc.binary_join_element_wise(pc.if_else(negative, sign, empty), body, empty)
        held = pc.less_equal(pc.utf8_length(body), _MOST_DIGITS)
        return pc.if_else(held, text, pa.scalar(None, plain.type)).cast(self.type)

    def write(self, values: pa.Array) -> pa.Array:
        """Numbers as texts."""
        texts = [None if value is None else self._text(value) for value in values.to_pylist()]
        return pa.array(texts, pa.large_string())

    def state(self) -> dict[str, Any]:
        return asdict(self)

    def _text(self, value: float) -> str:
        """One number; a zero has no minus."""
        text = f"{abs(value):,.{self.decimals}f}"
        whole, _, rest = text.partition(".")
        rest = rest if self.fixed else rest.rstrip("0")
        whole = _by_lakhs(whole.replace(",", "")) if self.lakh else whole
        body = whole.replace(",", self.thousands) + (self.point + rest if rest else "")
        if value >= 0 or not body.strip("0.,"):
            return f"{self.prefix}{body}{self.suffix}"
        match self.minus:
            case "brackets":
                return f"({self.prefix}{body}{self.suffix})"
            case "after":
                return f"{self.prefix}{body}{self.suffix}-"
            case "inner":
                return f"{self.prefix}-{body}{self.suffix}"
        return f"{self.minus}{self.prefix}{body}{self.suffix}"

    def is_code(self, texts: pa.Array, *, only: bool) -> bool:
        """Whether texts are bare digits as postcodes have and amounts have not.

        Args:
            texts: Texts of this form, not all of them numbers.
            only: Whether no other text is in the column, such as a mistyped one: a file's
                reader takes digits without a leading zero for numbers where all of them are.
        """
        if self.prefix or self.suffix or self.thousands or self.decimals:
            return False
        digits = texts.filter(pc.match_substring_regex(texts, r"^\d+$"))
        lengths = pc.unique(pc.utf8_length(digits)).to_pylist()
        if pc.any(pc.match_substring_regex(digits, r"^0\d")).as_py():
            return True
        return len(lengths) == 1 and (only or lengths[0] > _SHORT or len(digits) < _FEW)


def _styles(start: NumberForm, bodies: pa.Array) -> Iterator[NumberForm]:
    """Forms of the numbers themselves, the more particular ones first."""
    for point in ".,":
        widths = _decimals(bodies, point)
        if len(widths) == 1 and not (point == "," and widths == {3}):
            yield replace(start, point=point, decimals=widths.pop())
        if point == ".":
            for thousands, decimal in _THOUSANDS:
                if not pc.any(pc.match_substring(bodies, thousands)).as_py():
                    continue
                widths = _decimals(bodies, decimal)
                if max(widths) <= MOST_DECIMALS:
                    fixed = len(widths) == 1
                    found = replace(
                        start, thousands=thousands, point=decimal, decimals=max(widths), fixed=fixed
                    )
                    yield found
                    if thousands == ",":
                        yield replace(found, lakh=True)
    for point in ".,":
        most = max(_decimals(bodies, point))
        if 0 < most <= MOST_DECIMALS:
            yield replace(start, point=point, decimals=most, fixed=False)


def _by_lakhs(digits: str) -> str:
    """Digits with commas as in India: the last three, and two by two before them."""
    head, tail = digits[:-3], digits[-3:]
    first = [head[: len(head) % 2]] if len(head) % 2 else []
    pairs = [head[at : at + 2] for at in range(len(head) % 2, len(head), 2)]
    return ",".join([*first, *pairs, tail])


def _decimals(bodies: pa.Array, point: str) -> set[int]:
    """How many digits follow the decimal sign."""
    tail = pc.extract_regex(bodies, rf"(?:{re.escape(point)}(?P<tail>\d*))?$").field("tail")
    return set(pc.unique(pc.utf8_length(tail)).to_pylist())


_LED = {"brackets": (r"^\((.*)\)$", 1), "after": (r"^([^-−+]*\d)-$", 10)}
"""Negative numbers without a leading minus, and how many differing ones tell: few are a scale."""


def _with_leading_minus(texts: pa.Array, minus: str = "") -> pa.Array:
    """Texts whose negative numbers have the minus first, wherever their form has it."""
    return pc.replace_substring_regex(texts, _LED[minus][0], r"-\1") if minus in _LED else texts


def _is_money(prefix: str) -> bool:
    """Whether it may precede an amount: nothing, or a currency. Others make codes."""
    bare = prefix.strip()
    named = not bare or _CURRENCIES.fullmatch(bare) is not None
    return named or any(unicodedata.category(sign) == "Sc" for sign in bare)


def _is_unit(suffix: str) -> bool:
    """Whether it may follow an amount; `10+` and `10-` are labels of a scale."""
    return len(suffix) <= _LONGEST_UNIT and not set(suffix) & set("+-<>")
