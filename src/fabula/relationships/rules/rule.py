"""Rules across tables as values: what they say, and in which rows they hold.

A copy and a time are rules of a child's row alongside its parent's, a total is one of a parent's
row alongside those of its children.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal, TypeAlias

import numpy as np

from fabula.io.arrays import array_of
from fabula.relationships.keys import ForeignKey
from fabula.relationships.rules.links import Function, Link, aligned
from fabula.relationships.rules.plain import DAY, Flags, Values, same_labels

Place: TypeAlias = tuple[str, str]
"""A table and a column."""

Empty: TypeAlias = Literal["zero", "missing", "own"]
"""What stands for the total of a parent without children: 0, nothing, or its own value."""

_WORDS: Mapping[str, str] = {
    "sum": "sum of", "max": "largest", "min": "smallest", "mean": "mean of",
    "latest": "latest", "earliest": "earliest",
}  # fmt: skip


@dataclass(frozen=True)
class Copy:
    """A child's column that repeats a column of its parent, or is a multiple of it.

    Attributes:
        key: How children point at their parents.
        column: The child's column.
        source: The parent's column.
        factor: What the parent's number is multiplied with.
        decimals: To how many decimals the product is rounded; None if it is any float.
    """

    kind: ClassVar[str] = "copy"
    key: ForeignKey
    column: str
    source: str
    factor: float = 1.0
    decimals: int | None = None

    @property
    def target(self) -> Place:
        """What follows."""
        return self.key.child, self.column

    @property
    def sources(self) -> tuple[Place, ...]:
        """What it follows from."""
        return ((self.key.parent, self.source),)

    @property
    def told(self) -> str:
        """The rule in words."""
        factor = "" if self.factor == 1 else f"{self.factor:g} * "
        return f"{self.key.child}.{self.column} = {factor}{self.key.parent}.{self.source}"

    def is_literal(self, link: Link) -> bool:
        """Whether values are compared as they are: labels, and numbers too long for floats."""
        number = link.child.family(self.column) == "number"
        return not (number and link.child[self.column].is_exact)

    def kept(self, link: Link) -> Flags:
        """Which children that have a parent keep it."""
        if self.is_literal(link):
            mine = link.child.table.column(self.column).take(array_of(link.used))
            theirs = link.parent.table.column(self.source)
            return same_labels(mine, theirs.take(array_of(link.rows[link.used])))
        mine, theirs = aligned(link, self.column, self.source)
        both, same_gaps = mine.known & theirs.known, mine.known == theirs.known
        kept: Flags = same_gaps & (~both | _near(mine, theirs.plain * self.factor))
        return kept


@dataclass(frozen=True)
class Total:
    """A parent's column that counts its children, or combines a column of theirs.

    Attributes:
        key: How children point at their parents.
        column: The parent's column.
        function: How values are combined.
        values: The children's column; none for a count, two for a sum of products.
        empty: What is there without children.
        daily: Whether a parent's date is the day of its children's latest or earliest time.
        decimals: To how many decimals the total is rounded; None if it is any float.
    """

    kind: ClassVar[str] = "total"
    key: ForeignKey
    column: str
    function: Function
    values: tuple[str, ...] = ()
    empty: Empty = "zero"
    daily: bool = False
    time: bool = False
    decimals: int | None = None

    @property
    def target(self) -> Place:
        """What follows."""
        return self.key.parent, self.column

    @property
    def sources(self) -> tuple[Place, ...]:
        """What it follows from."""
        return tuple((self.key.child, value) for value in self.values)

    @property
    def told(self) -> str:
        """The rule in words."""
        child = self.key.child
        target = f"{self.key.parent}.{self.column}"
        if self.function == "count":
            return f"{target} = number of {child}"
        words = {"max": "latest", "min": "earliest"} if self.time else {}
        word = _WORDS[words.get(self.function, self.function)]
        day = "day of the " if self.daily else ""
        return f"{target} = {day}{word} {' * '.join(f'{child}.{name}' for name in self.values)}"

    def computed(self, link: Link) -> tuple[Any, Flags]:
        """The total of each parent, and which parents have children with values."""
        if self.function == "count":
            return link.children.combined("count", link.rows, link.rows >= 0)
        columns = [link.child[name] for name in self.values]
        known = np.logical_and.reduce([column.known for column in columns])
        values = columns[0].plain
        for column in columns[1:]:
            values = np.where(known, values, 0.0) * np.where(known, column.plain, 0.0)
        found, filled = link.children.combined(self.function, values, known)
        return (found // DAY * DAY if self.daily else found), filled

    def kept(self, link: Link) -> Flags:
        """Which parents keep it."""
        stated = link.parent[self.column]
        found, filled = self.computed(link)
        without = {
            "zero": stated.known & (stated.plain == 0),
            "missing": ~stated.known,
            "own": np.ones(len(filled), bool),
        }[self.empty]
        return np.where(filled, stated.known & _near(stated, found), without)


@dataclass(frozen=True)
class Later:
    """A child's time that is never before a time of its parent, or always the same, or never after.

    Attributes:
        key: How children point at their parents.
        column: The child's time.
        since: The parent's time.
        equal: Whether both are the same.
        daily: Whether days are compared, the child's time being a date.
        until: Whether the parent's time is the later one.
    """

    kind: ClassVar[str] = "later"
    key: ForeignKey
    column: str
    since: str
    equal: bool = False
    daily: bool = False
    until: bool = False

    @property
    def target(self) -> Place:
        """What follows."""
        return self.key.child, self.column

    @property
    def sources(self) -> tuple[Place, ...]:
        """What it follows from."""
        return ((self.key.parent, self.since),)

    @property
    def told(self) -> str:
        """The rule in words."""
        sign = "=" if self.equal else "<=" if self.until else ">="
        day = "day of " if self.daily else ""
        return f"{self.key.child}.{self.column} {sign} {day}{self.key.parent}.{self.since}"

    def kept(self, link: Link) -> Flags:
        """Which children that have a parent keep it; unknown times do."""
        mine, theirs = aligned(link, self.column, self.since)
        since = theirs.plain // DAY * DAY if self.daily else theirs.plain
        after = mine.plain <= since if self.until else mine.plain >= since
        right = mine.plain == since if self.equal else after
        return right | ~(mine.known & theirs.known)


Rule: TypeAlias = Copy | Total | Later

_KINDS: Mapping[str, type[Rule]] = {rule.kind: rule for rule in (Copy, Total, Later)}


@dataclass(frozen=True)
class Found:
    """A rule with what speaks for it.

    Attributes:
        rule: The rule.
        rows: How many rows it was tried on.
        broken: How many of them break it.
        note: Why it is not kept; empty if it is.
        parents: Of a copy with exceptions, how many parents have children that break it.
        whole: Whether all children of those break it.
        excepted: The share of made rows that break it, too.
    """

    rule: Rule
    rows: int
    broken: int = 0
    note: str = ""
    parents: int = 0
    whole: bool = False
    excepted: float = 0.0

    @property
    def told(self) -> str:
        """The rule in words, and in how many rows it holds."""
        held = f"{self.rows - self.broken:,} of" if self.broken else "all"
        by = "+".join(self.rule.key.columns)
        return f"{self.rule.told}, in {held} {self.rows:,} rows by {by}"

    def state(self) -> dict[str, Any]:
        """It as plain values."""
        return {"kind": self.rule.kind, **asdict(self)}

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Found:
        """The rule of a state."""
        told = dict(state["rule"])
        key = told["key"]
        told["key"] = ForeignKey(
            key["child"], tuple(key["columns"]), key["parent"], tuple(key["key"])
        )
        if "values" in told:
            told["values"] = tuple(told["values"])
        rule = _KINDS[state["kind"]](**told)
        about = {name: state[name] for name in ("parents", "whole", "excepted") if name in state}
        return cls(rule, state["rows"], state["broken"], state["note"], **about)


def _near(values: Values, computed: Any) -> Flags:
    """Where numbers are what was computed, as near as their decimals tell."""
    if values.family != "number":
        return np.asarray(values.plain == computed)
    with np.errstate(invalid="ignore"):
        size = np.maximum(np.abs(values.plain), np.abs(computed))
        return np.asarray(np.abs(values.plain - computed) <= values.room(size))
