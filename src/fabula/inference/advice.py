"""Which way suits each column, and why: the choice behind a spec, in words.

The kind that a column has decides; where inference looked at data, its finding comes first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fabula.kinds.base.columns import AbstractColumn, AbstractFilled, AbstractNumber
from fabula.spec.tables import DatasetSpec


@dataclass(frozen=True)
class Advice:
    """The recommended way to make one column.

    Attributes:
        table: The column's table.
        column: The column.
        way: `statistics`, `shares`, `rules`, `relation`, `made up` or `language model`.
        kind: The column kind that does it.
        reason: Why.
    """

    table: str
    column: str
    way: str
    kind: str
    reason: str


_STATISTICS = ("statistics", "numbers are drawn from a distribution, fast and free")
_SHARES = ("shares", "few values: each is drawn with its share")
_RULES = ("rules", "a fixed format or rule makes it exactly")
_WAYS = {
    "reference": ("relation", "it points to another table, so only its keys will do"),
    "person": ("made up", "it identifies a person: invented people, never copied"),
    "provider": ("made up", "a list of realistic values, never copied from the data"),
    "datetime": ("statistics", "times are drawn between bounds, by their calendar"),
    "constant": ("rules", "one value for every row"),
    "choice": _SHARES,
    "bernoulli": _SHARES,
    "mixture": _STATISTICS,
}
_LANGUAGE = ("language model", "meaningful text needs a language model")


def advice(spec: DatasetSpec, reasons: Mapping[str, str]) -> tuple[Advice, ...]:
    """The recommended way for every column of a spec.

    Args:
        spec: The spec.
        reasons: What inference found, by place (`tables.users.columns.age`); may be empty.

    Examples:
        >>> from fabula.spec.loading import parse_spec
        >>> spec = parse_spec("tables: {t: {n: 1, columns: {age: {kind: normal, std: 2}}}}")
        >>> advice(spec, {})[0].way
        'statistics'
    """
    found = []
    for table in spec.tables.values():
        for name, column in table.columns.items():
            way, because = _way(column)
            seen = reasons.get(f"tables.{table.name}.columns.{name}")
            reason = f"{seen}; {because}" if seen else because
            found.append(Advice(table.name, name, way, column.kind, reason))
    return tuple(found)


def _way(column: AbstractColumn) -> tuple[str, str]:
    if column.kind in _WAYS:
        return _WAYS[column.kind]
    if isinstance(column, AbstractFilled):
        return _LANGUAGE
    return _STATISTICS if isinstance(column, AbstractNumber) else _RULES
