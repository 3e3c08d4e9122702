"""How the fields of a class are drawn: as columns of one table, or each by a function.

Columns of one table agree with each other, as a name and its e-mail do.
"""

from __future__ import annotations

import datetime as dt
import enum
import random
import types
from collections import abc, deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, Union, get_args, get_origin

import pydantic
from pydantic.fields import FieldInfo

from fabula.api import generate
from fabula.errors import SpecError
from fabula.inference.guesses import Facts, guess, words
from fabula.inference.pydantic_models import (
    OPTIONAL_NULLS,
    facts_of,
    guessed_column,
    unwrapped,
)
from fabula.inference.row_models import row_model
from fabula.kinds.base.columns import AbstractColumn
from fabula.spec import col
from fabula.spec.tables import TableSpec

Draw = Callable[[int, int], list[Any]]
"""Draws as many values as its first number says, from the seed that is its second."""

Nested = Callable[[type, int, int], list[Any]]
"""Draws objects of a class, as many as its first number says, from a seed."""

_WIDTH = 1_000
"""Between 0 and this lie numbers of which nothing is known."""

_MOST_ITEMS = 3
_FIRST = ("amber", "birch", "cedar", "ember", "kestrel", "lantern", "orchard", "river", "timber")
_SECOND = ("dune", "fjord", "grove", "harbour", "island", "meadow", "summit", "upland", "valley")
_TEXT = col.choice([f"{one} {two}" for one in _FIRST for two in _SECOND])
_UTC = dt.UTC

_COLLECTIONS: Mapping[Any, Callable[[list[Any]], Any]] = {
    list: list, set: set, frozenset: frozenset, tuple: tuple,
    deque: deque, abc.Sequence: list, abc.Iterable: list, abc.Collection: list, abc.Set: set,
}  # fmt: skip

_PLAIN: Mapping[Any, tuple[AbstractColumn, Callable[[Any], Any] | None]] = {
    str: (_TEXT, None),
    object: (_TEXT, None),
    Any: (_TEXT, None),
    dt.time: (col.time_of_day(), None),
    dt.timedelta: (col.duration("1m", "3h"), None),
    bytes: (col.pattern("[a-z0-9]{12}"), str.encode),
    Path: (col.pattern("[a-z]{4,8}/[a-z]{4,8}[.]txt"), Path),
    pydantic.AwareDatetime: (
        col.datetime("2022-01-01", "2026-01-01"), lambda moment: moment.replace(tzinfo=_UTC)
    ),
    pydantic.NaiveDatetime: (col.datetime("2022-01-01", "2026-01-01"), None),
    pydantic.PastDatetime: (col.datetime("2010-01-01", "2020-01-01"), None),
    pydantic.FutureDatetime: (col.datetime("2100-01-01", "2110-01-01"), None),
    pydantic.PastDate: (col.datetime("2010-01-01", "2020-01-01", date=True), None),
    pydantic.FutureDate: (col.datetime("2100-01-01", "2110-01-01", date=True), None),
    pydantic.Json: (col.choice(['{"name": "amber"}', "[1, 2]", "true"]), None),
    type(None): (col.constant(None), None),
    complex: (col.uniform(0, _WIDTH), complex),
    pydantic.SecretStr: (col.pattern("[A-Za-z0-9]{16}"), None),
}  # fmt: skip
"""Columns of types that say nothing else, and what their values become."""


@dataclass(frozen=True)
class DrawnFields:
    """The fields of a class.

    Attributes:
        columns: Those that are columns of one table.
        become: What values of columns become, if they are not left as they are.
        draws: Those that have a function of their own.
        unknown: Those that can't be drawn, with the reason.
    """

    columns: dict[str, AbstractColumn] = field(default_factory=dict)
    become: dict[str, Callable[[Any], Any]] = field(default_factory=dict)
    draws: dict[str, Draw] = field(default_factory=dict)
    unknown: dict[str, str] = field(default_factory=dict)

    def rows(self, n: int, seed: int) -> list[dict[str, Any]]:
        """Draw rows.

        Args:
            n: How many.
            seed: Decides the values.
        """
        drawn = {name: draw(n, _seed(seed, name)) for name, draw in self.draws.items()}
        if self.columns:
            made = generate(TableSpec("rows", columns=self.columns), n=n, seed=seed).to_arrow()
            for name in self.columns:
                become = self.become.get(name)
                values = made.column(name).to_pylist()
                drawn[name] = [
                    value if value is None or become is None else become(value) for value in values
                ]
        return [{name: values[at] for name, values in drawn.items()} for at in range(n)]


def drawn_fields(
    model: type[pydantic.BaseModel],
    *,
    unique: Collection[str],
    skipped: Collection[str],
    within: tuple[type, ...],
    nested: Nested,
) -> DrawnFields:
    """How the fields of a class are drawn.

    Args:
        model: The class.
        unique: Fields of which no value may occur twice.
        skipped: Fields that are not drawn.
        within: The classes whose fields lead here, this one last.
        nested: Draws objects of classes that are fields.
    """
    found = DrawnFields()
    drawer = _Drawer(
        words(model.__name__), frozenset(map(words, model.model_fields)), within, nested
    )
    for name, info in model.model_fields.items():
        if name in skipped:
            continue
        try:
            made = drawer.of(name, info)
        except _UnknownTypeError as error:
            if info.is_required():
                found.unknown[name] = str(error)
            continue
        if isinstance(made, _Column):
            more = {"unique": True} if name in unique else {}
            found.columns[name] = made.column.model_copy(update=more)
            if made.become is not None:
                found.become[name] = made.become
        else:
            found.draws[name] = made
    return found


class _UnknownTypeError(Exception):
    """A type of which no value can be drawn."""


@dataclass(frozen=True)
class _Column:
    column: AbstractColumn
    become: Callable[[Any], Any] | None = None

    def __call__(self, n: int, seed: int) -> list[Any]:
        become = {} if self.become is None else {"value": self.become}
        rows = DrawnFields({"value": self.column}, become).rows(n, seed)
        return [row["value"] for row in rows]


@dataclass(frozen=True)
class _Drawer:
    """Finds how a field is drawn."""

    owner: str
    beside: frozenset[str]
    within: tuple[type, ...]
    nested: Nested

    def of(self, name: str, info: FieldInfo) -> Draw:
        """How a field is drawn.

        Raises:
            _UnknownTypeError: Its type is not known.
        """
        bare, metadata, optional = unwrapped(info.annotation, list(info.metadata))
        try:
            column = guessed_column(
                name, info, owner=self.owner, beside=self.beside, prompt=None
            ).column
        except SpecError:
            column = None
        if column is not None and column.section != "models":
            return _Column(column, _fitted(bare, metadata))
        try:
            made = self._plain(name, bare, metadata)
        except _UnknownTypeError:
            if optional:
                return lambda n, _: [None] * n
            raise
        if not optional:
            return made
        if isinstance(made, _Column):
            nulls = {"nulls": OPTIONAL_NULLS}
            return replace(made, column=made.column.model_copy(update=nulls))
        return _with_nulls(made)

    def _plain(self, name: str, bare: Any, metadata: list[Any]) -> Draw:
        """A value of a type about which nothing else is known."""
        facts = facts_of(words(name), bare, metadata, owner=self.owner, beside=self.beside)
        origin, inner = get_origin(bare) or bare, get_args(bare)
        if facts.type in (int, float, Decimal):
            return _Column(_number(facts))
        if facts.type is str and facts.is_key:
            return _Column(col.uuid(), _fitted(str, metadata))
        if facts.type in _PLAIN:
            column, become = _PLAIN[facts.type]
            fit = _fitted(bare, metadata)
            if become is not None and fit is not None:
                return _Column(column, lambda text: become(fit(text)))
            return _Column(column, become or fit)
        if origin in (Union, types.UnionType):
            return self._first_of(name, [each for each in inner if each is not type(None)])
        if origin is tuple and inner and inner[-1] is not Ellipsis:
            return _together([self._item(name, each) for each in inner], tuple)
        if origin in (dict, abc.Mapping, abc.MutableMapping):
            parts = [self._item(part, kind) for part, kind in zip(("key", name), inner or
                     (str, str), strict=True)]  # fmt: skip
            return _many(_together(parts, tuple), dict, metadata)
        if origin in _COLLECTIONS:
            try:
                item = self._item(name, inner[0] if inner else str)
            except _UnknownTypeError:
                if _length(metadata, "min_length"):
                    raise
                return lambda n, _: [_COLLECTIONS[origin]([]) for _ in range(n)]
            return _many(item, _COLLECTIONS[origin], metadata)
        if isinstance(bare, type):
            return self._of_class(bare)
        raise _UnknownTypeError(f"its type is `{bare}`")

    def _of_class(self, bare: type) -> Draw:
        if issubclass(bare, enum.Enum):
            return lambda n, seed: random.Random(seed).choices(list(bare), k=n)
        if issubclass(bare, pydantic.AnyUrl) or "Url" in bare.__name__:
            return _Column(col.provider("internet.url"))
        if bare in self.within:
            raise _UnknownTypeError(f"a `{bare.__name__}` without end is in each `{bare.__name__}`")
        if row_model(bare) is None:
            raise _UnknownTypeError(f"its type is `{bare.__name__}`")
        return lambda n, seed: self.nested(bare, n, seed)

    def _first_of(self, name: str, branches: Sequence[Any]) -> Draw:
        """The first of several types that can be drawn."""
        for branch in branches[:-1]:
            try:
                return self._item(name, branch)
            except _UnknownTypeError:
                continue
        return self._item(name, branches[-1])

    def _item(self, name: str, annotation: Any) -> Draw:
        """One of many: the items of `emails` are drawn like an `email`."""
        info = FieldInfo.from_annotation(annotation)
        return self.of(name[:-1] if name.endswith("s") else name, info)


def _number(facts: Facts) -> AbstractColumn:
    """A number between its bounds, or near the one that it has."""
    width = max(_WIDTH, 100 * (facts.step or 0))
    low = facts.low
    if low is None:
        low = min(0.0, -facts.most) if facts.high is None else min(0.0, facts.high - width)
        low = max(low, 0.0 if facts.high is None else low)
    high = min(facts.most, low + width) if facts.high is None else facts.high
    found = guess(replace(facts, low=low, high=high))
    if found is None:
        raise _UnknownTypeError(f"no multiple of {facts.step} is near {low}")
    return found.column


def _fitted(bare: Any, metadata: list[Any]) -> Callable[[str], str] | None:
    """What makes texts as long as they must be; None if any length will do."""
    low, high = _length(metadata, "min_length") or 0, _length(metadata, "max_length")
    if bare not in (str, bytes) or (not low and high is None):
        return None
    return lambda text: (text if len(text) >= low else (f"{text} " * low)[:low])[:high]


def _length(metadata: list[Any], bound: str) -> int | None:
    found = [getattr(item, bound) for item in metadata if getattr(item, bound, None) is not None]
    return int(found[-1]) if found else None


def _many(item: Draw, collect: Callable[[list[Any]], Any], metadata: list[Any]) -> Draw:
    """A few items in a collection, as many as its constraints allow."""
    low = _length(metadata, "min_length")
    low = 1 if low is None else low
    high = _length(metadata, "max_length")
    high = max(low, _MOST_ITEMS) if high is None else high
    room = high if collect in (list, tuple) else 4 * high

    def draw(n: int, seed: int) -> list[Any]:
        rng, items = random.Random(seed), item(n * room, _seed(seed, "items"))
        made = []
        for at in range(n):
            size = rng.randint(min(low, high), high)
            few = items[at * room : (at + 1) * room]
            if room > high:  # items that are equal count once
                few = list({value if collect is not dict else value[0]: value for value in few}
                           .values())  # fmt: skip
            made.append(collect(few[:size]))
        return made

    return draw


def _together(parts: Sequence[Draw], collect: Callable[[list[Any]], Any]) -> Draw:
    """One value of each part."""

    def draw(n: int, seed: int) -> list[Any]:
        drawn = [part(n, _seed(seed, str(at))) for at, part in enumerate(parts)]
        return [collect(list(values)) for values in zip(*drawn, strict=True)]

    return draw


def _with_nulls(draw: Draw) -> Draw:
    def some(n: int, seed: int) -> list[Any]:
        rng = random.Random(_seed(seed, "nulls"))
        return [None if rng.random() < OPTIONAL_NULLS else value for value in draw(n, seed)]

    return some


def _seed(seed: int, name: str) -> int:
    """A seed of its own for each part."""
    return random.Random(f"{seed} {name}").getrandbits(31)
