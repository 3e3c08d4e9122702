"""Comparisons as bounds on differences of two columns, and sets of them that can't all hold."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from fabula.io.sql import sql_error, thread_connection

_OPERATORS = {
    "COMPARE_LESSTHAN": ("<",),
    "COMPARE_LESSTHANOREQUALTO": ("<=",),
    "COMPARE_GREATERTHAN": (">",),
    "COMPARE_GREATERTHANOREQUALTO": (">=",),
    "COMPARE_EQUAL": ("<=", ">="),
}


@dataclass(frozen=True)
class Bound:
    """`left - right <= limit` (or `<` where strict); an empty name stands for zero.

    Attributes:
        left: A column, or nothing.
        right: A column, or nothing.
        limit: The bound, exactly; times count as seconds.
        strict: Whether the bound itself is out.
        check: The position of the check that says so; None if the column itself does.
        told: The rule in words.
    """

    left: str
    right: str
    limit: Fraction
    strict: bool = False
    check: int | None = None
    told: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it is about."""
        return tuple(name for name in (self.left, self.right) if name)


def bounds_of(sql: str, *, check: int, told: str) -> Iterator[Bound]:
    """The bounds that a condition implies; parts of it that are not a comparison imply none."""
    try:
        ((text,),) = (
            thread_connection()
            .execute("SELECT json_serialize_sql(?)", [f"SELECT {sql}"])
            .fetchall()
        )
    except sql_error():
        return
    tree = json.loads(text)
    if not tree.get("error"):
        for left, sign, right in _comparisons(tree["statements"][0]["node"]["select_list"][0]):
            lower, upper = (left, right) if sign[0] == "<" else (right, left)
            limit = upper[1] - lower[1]
            yield Bound(lower[0], upper[0], limit, strict=len(sign) == 1, check=check, told=told)


def cycle(bounds: Sequence[Bound]) -> tuple[Bound, ...]:
    """Bounds that can't hold together; empty if there are none (Bellman-Ford)."""
    nodes = {"", *(name for bound in bounds for name in (bound.left, bound.right))}
    distance = dict.fromkeys(nodes, (Fraction(0), 0))
    through: dict[str, Bound] = {}
    last: str | None = None
    for _ in nodes:
        last = None
        for bound in bounds:
            length, stricts = distance[bound.right]
            reached = (length + bound.limit, stricts - bound.strict)
            if reached < distance[bound.left]:  # of equal lengths, more strict bounds are less
                distance[bound.left], through[bound.left], last = reached, bound, bound.left
        if last is None:
            return ()
    assert last is not None
    for _ in nodes:  # walk back until inside the cycle
        last = through[last].right
    found, node = [through[last]], through[last].right
    while node != last:
        found.append(through[node])
        node = through[node].right
    return tuple(found)


def number(value: float | dt.date) -> Fraction:
    """A number as it is written, or a time as seconds."""
    if isinstance(value, dt.datetime):
        return Fraction(str(value.replace(tzinfo=dt.UTC).timestamp()))
    if isinstance(value, dt.date):
        return number(dt.datetime.combine(value, dt.time()))
    return Fraction(str(value))


_Side = tuple[str, Fraction]


def _comparisons(node: dict[str, Any]) -> Iterator[tuple[_Side, str, _Side]]:
    """The comparisons that all hold where a condition is true."""
    if node["type"] == "CONJUNCTION_AND":
        for child in node["children"]:
            yield from _comparisons(child)
        return
    pairs = []
    if node["class"] == "COMPARISON":
        signs = _OPERATORS.get(node["type"], ())
        pairs = [(node["left"], sign, node["right"]) for sign in signs]
    elif node["class"] == "BETWEEN":
        pairs = [(node["lower"], "<=", node["input"]), (node["input"], "<=", node["upper"])]
    for left, sign, right in pairs:
        one, other = _linear(left), _linear(right)
        if one and other:
            yield one, sign, other


def _linear(node: dict[str, Any]) -> _Side | None:
    """A column plus a constant, or a constant alone; None for anything else."""
    match node["class"]:
        case "COLUMN_REF":
            return ".".join(node["column_names"]), Fraction(0)
        case "CONSTANT" if node["literal"]["kind"] in ("INTEGER", "NUMERIC"):
            return "", Fraction(node["literal"]["text"])
        case "CAST" if node["child"]["class"] == "CONSTANT":
            return _moment(node["child"]["literal"]["text"])
        case "FUNCTION" if node["function_name"] in ("+", "-") and len(node["arguments"]) == 2:
            sign = 1 if node["function_name"] == "+" else -1
            first, second = (_linear(part["expression"]) for part in node["arguments"])
            if first and second and not second[0]:
                return first[0], first[1] + sign * second[1]
            if first and second and not first[0] and sign == 1:
                return second[0], first[1] + second[1]
    return None


def _moment(text: str) -> _Side | None:
    try:
        return "", number(dt.datetime.fromisoformat(text).replace(tzinfo=None))
    except ValueError:
        return None
