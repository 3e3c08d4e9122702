"""Numbers in words: counts, sizes, times, money."""

from __future__ import annotations

from collections.abc import Callable

_SIZES = ("bytes", "kB", "MB", "GB", "TB", "PB")


def count(number: int, noun: str = "") -> str:
    """`1,204 rows` of the singular `row`; without a noun `1,204`."""
    if not noun:
        return f"{number:,}"
    return f"{number:,} {noun if number == 1 else noun + 's'}"


def size(number: int) -> str:
    """`3.4 MB`."""
    amount, unit = float(number), 0
    while amount >= 999.5 and unit < len(_SIZES) - 1:
        amount, unit = amount / 1000, unit + 1
    decimals = 0 if unit == 0 or amount >= 99.5 else 1
    return f"{amount:.{decimals}f} {_SIZES[unit]}"


def duration(seconds: float) -> str:
    """`<0.1 s`, `0.2 s`, `38 s`, `5 min`, `2.5 h`."""
    if seconds < 0.05:
        return "<0.1 s"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    if seconds < 99.5 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:,.1f} h"


def money(dollars: float) -> str:
    """`0.42 USD`; small sums keep two digits that count, down to `<0.0001 USD`."""
    if 0 < dollars < 0.0001:
        return "<0.0001 USD"
    if 0 < dollars < 0.01:
        return f"{dollars:.2g} USD"
    return f"{dollars:,.2f} USD"


def share(part: int, whole: int) -> str:
    """`15.3 %` of a whole; 0 % of nothing."""
    return percent(part / whole) if whole else "0 %"


def percent(share: float) -> str:
    """`12.3 %`, with as many digits as matter; `100 %` and `0 %` only when they are exact."""
    points = 100 * share
    if share in (0.0, 1.0):
        return f"{points:.0f} %"
    if 0 < abs(points) < 0.1:
        return "<0.1 %" if points > 0 else ">-0.1 %"
    return f"{min(points, 99.9) if share < 1 else points:.1f} %"


def large(number: float) -> str:
    """`940`, `12 k`, `1.3 M`: a number of which only the magnitude matters."""
    for divisor, suffix in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if number >= divisor * 0.9995:
            scaled = number / divisor
            return f"{scaled:.0f}{suffix}" if scaled >= 9.95 else f"{scaled:.1f}{suffix}"
    return f"{number:.0f}"


def span(low: float, high: float, form: Callable[[float], str]) -> str:
    """`0.9-1.3 M`: a range, its unit once where both ends share it, or one value."""
    first, last = form(low), form(high)
    if first == last:
        return last
    first_number, _, first_unit = first.partition(" ")
    if first_unit == last.partition(" ")[2]:
        first = first_number
    return f"{first}–{last}"
