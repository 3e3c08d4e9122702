"""Relations between columns as a person declares them: `price ~ size +`, or a SQL condition."""

from __future__ import annotations

import re
from collections.abc import Sequence

from fabula.errors import UsageError, did_you_mean
from fabula.inference.guesses import words
from fabula.spec.checks import Check, CorrelationCheck, RowCheck, WindowCheck
from fabula.spec.tables import DatasetSpec

CLEARLY = 0.3
"""The rank correlation from which columns count as rising (or falling) together."""

_SAID = re.compile(
    r"\b(?:more|bigger|larger|higher|greater) (\w+) (?:is|are|means?|has|have|=|should be)"
    r"(?: usually| generally| often)?(?: an?| the)?"
    r" (?:bigger|larger|higher|greater|more(?: expensive)?) (\w+)",
    re.I,
)
"""More of one is more of another, said in words."""
_RELATION = re.compile(r"(.+?)\s+~\s+(.+?)\s*([+-])\s*(\d*\.?\d+)?\s*", re.S)


_WINDOW = re.compile(r"\)\s*over\b", re.I)
"""The end of a window function: `avg(price) OVER (PARTITION BY size)`."""


def with_checks(spec: DatasetSpec, declared: Sequence[str]) -> DatasetSpec:
    """The spec whose one table must also keep the declared relations.

    Args:
        spec: A spec of one table.
        declared: `A ~ B +` (they rise together), `A ~ B -` (one falls), each with an optional
            least rank correlation (`A ~ B + 0.8`); anything else is a SQL condition on a row,
            which may look at other rows by window functions.
            A column may be named by a part of its name.

    Raises:
        UsageError: There are several tables, or a column is not there.
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

    `more size is usually higher price` is one of every table that has one column of each word.
    """
    tables = dict(spec.tables)
    for name, table in spec.tables.items():
        found: dict[frozenset[str], Check] = {}
        for said in _SAID.finditer(text):
            pair = [_only_column(said[word], list(table.columns)) for word in (1, 2)]
            first, second = pair
            if first and second and first != second:
                found[frozenset((first, second))] = CorrelationCheck(
                    columns=(first, second),
                    method="spearman",
                    at_least=CLEARLY,
                    name=f"{second} ~ {first} +",
                )
        tables[name] = table.model_copy(update={"checks": (*table.checks, *found.values())})
    return spec.model_copy(update={"tables": tables})


def _only_column(word: str, columns: Sequence[str]) -> str:
    """The one column whose name has a word, whatever its number; else an empty text."""
    stem = word.lower().rstrip("s")
    near = [
        column
        for column in columns
        if any(part.rstrip("s").endswith(stem) for part in words(column).split("_"))
    ]
    return near[0] if len(near) == 1 else ""


def _check(text: str, columns: Sequence[str]) -> Check:
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
