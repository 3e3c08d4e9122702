"""Relations between columns as a person declares them: `price ~ size +`, or a SQL condition."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TypeAlias

from fabula.errors import UsageError, did_you_mean
from fabula.inference.guesses import words
from fabula.kinds.checks import Check
from fabula.kinds.checks.correlation import CorrelationCheck
from fabula.kinds.checks.function import FunctionCheck
from fabula.kinds.checks.row import RowCheck
from fabula.kinds.checks.window import WindowCheck
from fabula.spec.tables import DatasetSpec

Declared: TypeAlias = str | Callable[..., bool]
"""`price ~ size +`, a SQL condition, or a function of a row that returns True or False."""

CLEARLY = 0.3
"""The rank correlation from which columns count as rising (or falling) together."""

_MORE = r"(?:more|bigger|larger|higher|greater)"
_UP, _DOWN = "grow|rise|increase|go up|goes up", "fall|drop|decrease|decline|go down|goes down"
_VERBS = rf"(?P<verb>{_UP}|{_DOWN})s?"
_SAID = tuple(
    re.compile(pattern.replace("WORDS", r"\w+(?: \w+){0,2}?"), re.I)
    for pattern in (
        # more rooms is usually bigger size
        rf"\b{_MORE} (?P<source>\w+) (?:is|are|means?|has|have|=|should be)"
        r"(?: usually| generally| often)?(?: an?| the)?"
        r" (?:bigger|larger|higher|greater|more(?: expensive)?) (?P<target>\w+)",
        # the bigger the size, the higher the price
        rf"\bthe {_MORE}(?: the)? (?P<source>WORDS),? the {_MORE}(?: the)? (?P<target>WORDS)\b",
        # price grows with size
        rf"\b(?P<target>WORDS) (?:should |must |usually |generally )*{_VERBS}"
        r" with (?:the |its |their )?(?P<source>WORDS)(?= *(?:[.,;)!\n]|$| and\b))",
    )
)
"""How a sentence says that more of one column is more, or less, of another."""
_NEAR = 16
"""Characters before a relation that may deny it."""
_DENIED = re.compile(r"\b(?:not|never|no|without|independent\w*)\b|n['’]t\b", re.I)
_RELATION = re.compile(r"(.+?)\s+~\s+(.+?)\s*([+-])\s*(\d*\.?\d+)?\s*", re.S)


_WINDOW = re.compile(r"\)\s*over\b", re.I)
"""The end of a window function: `avg(price) OVER (PARTITION BY size)`."""


def with_checks(spec: DatasetSpec, declared: Sequence[Declared]) -> DatasetSpec:
    """The spec whose one table must also keep the declared relations.

    Args:
        spec: A spec of one table.
        declared: `A ~ B +` (they rise together), `A ~ B -` (one falls), each with an optional
            least rank correlation (`A ~ B + 0.8`); anything else is a SQL condition on a row,
            which may look at other rows by window functions.
            A column may be named by a part of its name. A function's parameters are named like
            the columns that they take.

    Raises:
        UsageError: There are several tables, or a column is missing.
    """
    if not declared:
        return spec
    if len(spec.tables) > 1:
        raise UsageError(
            f"the spec has {len(spec.tables)} tables; a check must say which one it is on",
            code="usage.which-table",
            hint="write the checks into the spec, under `checks:` of their table",
        )
    ((name, table),) = spec.tables.items()
    checks = tuple(_check(text, list(table.columns)) for text in declared)
    grown = table.model_copy(update={"checks": (*table.checks, *checks)})
    return spec.model_copy(update={"tables": {name: grown}})


def with_said_relations(spec: DatasetSpec, text: str) -> DatasetSpec:
    """The spec with the relations that a request says in that many words.

    `more size is usually higher price`, or `price grows with size`, is a check of every table that
    has one column of each word.
    """
    tables = dict(spec.tables)
    for name, table in spec.tables.items():
        known = {
            frozenset(check.columns)
            for check in table.checks
            if isinstance(check, CorrelationCheck)
        }
        found: dict[frozenset[str], Check] = {}
        for said in (said for pattern in _SAID for said in pattern.finditer(text)):
            first = _only_column(said["source"].split(), list(table.columns))
            second = _only_column(said["target"].split()[::-1], list(table.columns))
            pair = frozenset((first, second))
            denied = _DENIED.search(text, max(0, said.start() - _NEAR), said.end())
            if first and second and len(pair) == 2 and pair not in known and not denied:
                falls = re.fullmatch(_DOWN, said.groupdict().get("verb") or "", re.I)
                found[pair] = _relation((first, second), falls=falls is not None)
        tables[name] = table.model_copy(update={"checks": (*table.checks, *found.values())})
    return spec.model_copy(update={"tables": tables})


def _only_column(said: Sequence[str], columns: Sequence[str]) -> str:
    """The one column whose name has a word, of the first word with one; else an empty text."""
    for word in said:
        stem = word.lower().rstrip("s")
        near = [
            column
            for column in columns
            if any(part.rstrip("s").endswith(stem) for part in words(column).split("_"))
        ]
        if len(near) == 1:
            return near[0]
    return ""


def _relation(columns: tuple[str, str], *, falls: bool) -> CorrelationCheck:
    """The second column rises, or falls, with the first."""
    bound = {"at_most": -CLEARLY} if falls else {"at_least": CLEARLY}
    name = f"{columns[1]} ~ {columns[0]} {'-' if falls else '+'}"
    return CorrelationCheck(columns=columns, method="spearman", name=name, **bound)


def _check(text: Declared, columns: Sequence[str]) -> Check:
    if callable(text):
        return FunctionCheck(function=text)
    relation = _RELATION.fullmatch(text.strip())
    if relation is None:
        return WindowCheck(sql=text) if _WINDOW.search(text) else RowCheck(sql=text)
    first, second, sign, least = relation.groups()
    bound = float(least) if least else CLEARLY
    return CorrelationCheck(
        columns=(_column(first, columns), _column(second, columns)),
        method="spearman",
        **{"at_least": bound} if sign == "+" else {"at_most": -bound},
        name=text.strip(),
    )


def _column(name: str, columns: Sequence[str]) -> str:
    """The column of that name, or the only one whose name has all its words."""
    name = name.strip().strip('"`')
    if name in columns:
        return name
    wanted = set(words(name).split("_"))
    near = [column for column in columns if wanted <= set(words(column).split("_"))]
    if len(near) != 1:
        several = f"which of {', '.join(near)} is meant?" if near else None
        raise UsageError(
            f"there is no column `{name}`" if not near else f"`{name}` is more than one column",
            code="usage.unknown-column",
            hint=several or did_you_mean(name, columns) or f"there are {', '.join(columns)}",
        )
    return near[0]
