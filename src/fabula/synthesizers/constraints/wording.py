"""Formulas in words."""

from __future__ import annotations

import math
from collections.abc import Sequence


def told_sum(terms: Sequence[tuple[str, float]]) -> str:
    """`0.05 * (price - cost) + 3`; a term without a name is a number."""
    factors = {abs(k) for name, k in terms}
    common = factors.pop() if len(factors) == 1 and len(terms) > 1 else 1.0
    told = ""
    for name, k in sorted(terms, key=lambda term: term[1] < 0):
        factor = abs(k) / common
        text = f"{told_number(factor)} * {name}" if factor != 1 and name else name
        sign = "-" if k < 0 else "+"
        told += f" {sign} " if told else "-" * (k < 0)
        told += text or told_number(factor)
    return told if common == 1 else f"{told_number(common)} * ({told})"


def told_number(number: float) -> str:
    """A number with six digits, or all those before its point."""
    digits = 0 if number == 0 else max(6, math.ceil(math.log10(abs(number))) + 2)
    return f"{number:.{digits or 6}g}"


def told_time(seconds: float) -> str:
    """A distance of times in days, or in seconds."""
    days, rest = divmod(seconds, 86_400)
    return f"{told_number(seconds)} seconds" if rest else f"{told_number(days)} days"


def told_length(seconds: float) -> str:
    """A length of time to three digits, in days or hours."""
    days = seconds >= 86_400
    length = float(f"{seconds / (86_400 if days else 3_600):.3g}")
    return f"{length:,g} {'days' if days else 'hours'}"
