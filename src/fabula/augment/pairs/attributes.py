"""Topic, persona, tone, difficulty, language: dealt out over the pairs before any is asked.

Each attribute's shares are met exactly, and every combination of attributes comes as often as any
other, as far as the numbers allow. Pairs of one first attribute stand together, so that calls that
run at the same time are about different things.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from fabula.errors import UsageError

Attributes: TypeAlias = Mapping[str, Sequence[Any] | Mapping[Any, float]]
"""Values, or values with their weights, by the attribute's name."""


def dealt(attributes: Attributes, n: int) -> list[dict[str, Any]]:
    """The attributes of each of `n` rows.

    Raises:
        UsageError: An attribute has no values, or no weight above 0.

    Examples:
        >>> dealt({"topic": ["billing", "login"], "tone": ["calm", "angry"]}, 4)[:2]
        [{'topic': 'billing', 'tone': 'calm'}, {'topic': 'billing', 'tone': 'angry'}]
    """
    rows: list[dict[str, Any]] = [{} for _ in range(n)]
    for place, (name, values) in enumerate(attributes.items()):
        weights = _weights(name, values)
        left = exact_shares(weights, n)
        used: dict[tuple[Any, ...], Counter[Any]] = {}
        for row in rows:
            here = used.setdefault(tuple(row.values()), Counter())
            value = next(v for v in left if left[v]) if not place else _next(weights, left, here)
            left[value] -= 1
            here[value] += 1
            row[name] = value
    return rows


def exact_shares(weights: Mapping[Any, float], n: int) -> dict[Any, int]:
    """How many of `n` each value gets: its share, the largest remainders rounded up.

    Examples:
        >>> exact_shares({"train": 9, "test": 1}, 25)
        {'train': 23, 'test': 2}
    """
    total = sum(weights.values())
    wanted = {value: weight / total * n for value, weight in weights.items()}
    counts = {value: int(share + 1e-9) for value, share in wanted.items()}
    most = sorted(wanted, key=lambda value: counts[value] - wanted[value])
    for value in most[: n - sum(counts.values())]:
        counts[value] += 1
    return counts


def read_attribute(text: str) -> tuple[str, dict[str, float]]:
    """`topic=billing,login` or `topic=billing:3,login:1` as a name and weights.

    Raises:
        UsageError: It is not a name with values.
    """
    name, equals, listed = text.partition("=")
    weights = {}
    for item in filter(None, (part.strip() for part in listed.split(","))):
        value, colon, weight = item.rpartition(":")
        number = _number(weight) if colon else None
        weights[item if number is None else value.strip()] = 1.0 if number is None else number
    if not (equals and name.strip() and weights):
        raise UsageError(
            f"`{text}` names no attribute with values",
            code="usage.attribute",
            hint="write `topic=billing,login,refund`, or with weights `topic=billing:3,login:1`",
        )
    return name.strip(), weights


def _weights(name: str, values: Iterable[Any] | Mapping[Any, float]) -> dict[Any, float]:
    given = isinstance(values, Mapping)
    weights = dict(values) if given else dict.fromkeys(values, 1.0)
    if (
        isinstance(values, str)
        or not weights
        or min(weights.values()) < 0
        or not any(weights.values())
    ):
        raise UsageError(
            f"the attribute `{name}` has no values to balance",
            code="usage.attribute",
            hint='give a list, `{"topic": ["billing", "login"]}`, or values with weights above 0',
        )
    return weights


def _next(weights: Mapping[Any, float], left: Mapping[Any, int], here: Counter[Any]) -> Any:
    """The value that its neighbours have had least, and of which most are left."""
    open_values = [value for value in left if left[value]]
    return min(open_values, key=lambda v: (here[v] / weights[v], -left[v] / weights[v]))


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
