"""Objects of a class, drawn for a test: never by a language model, always accepted by the class."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Generic, TypeVar

from pydantic import RootModel

from fabula.errors import CheckError, UsageError, did_you_mean
from fabula.inference.pydantic_models import unwrapped
from fabula.inference.row_classes import objects_of
from fabula.inference.row_models import row_model
from fabula.testing.drawing import drawn_fields

T = TypeVar("T")

MOST_REFUSED = 50
"""Rows that a class may refuse for each that is requested."""

REFUSALS = (CheckError, ValueError, TypeError, AssertionError)
"""How a class says that it does not accept values."""

_GROWTH = 8
"""Rows that are drawn first, and by how much each further draw is larger: a test asks for few rows,
and often."""


class Factory(Generic[T]):
    """Draws objects of a class.

    The same class, seed and calls give the same objects, and no key occurs twice. Fields that say
    what they are, by name, type and constraints, get the column that `fabula.infer` gives them; all
    others get a plain value of their type. Nested classes and collections are drawn, too.

    Args:
        cls: A Pydantic class, a dataclass, an attrs class, a `TypedDict`, a `NamedTuple`, or a
            class that SQLAlchemy maps to a table.
        seed: Decides the values.
        within: The classes whose fields lead here.

    Attributes:
        fields: How its fields are drawn.
        seed: Decides the values.

    Raises:
        UsageError: The class has no fields.

    Examples:
        >>> from dataclasses import make_dataclass
        >>> Order = make_dataclass("Order", [("id", int), ("city", str)])
        >>> [order.id for order in Factory(Order, seed=1).rows(3, city="Oslo")]
        [1, 2, 3]
    """

    def __init__(self, cls: type[T], seed: int = 0, within: tuple[type, ...] = ()) -> None:
        known = row_model(cls) if isinstance(cls, type) else None
        if known is None or not (known.model.model_fields or known.related):
            raise UsageError(
                f"`{getattr(cls, '__name__', cls)}` has no fields to draw",
                code="factory.no-fields",
                hint="give a Pydantic class, a dataclass, an attrs class or a mapped class",
            )
        self._cls, self._known = cls, known
        self.seed = seed
        self.fields = drawn_fields(
            known.model, unique=known.unique, skipped=known.keys, within=(*within, cls),
            nested=lambda inner, n, seed: Factory(inner, seed, (*within, cls)).rows(n),
        )  # fmt: skip
        self._drawn: list[dict[str, Any]] = []
        self._used = 0

    def rows(self, n: int, **values: Any) -> list[T]:
        """Draw objects.

        Args:
            n: How many.
            **values: Values of fields, which all of the objects have.

        Raises:
            UsageError: The class has no such field; or a field must be given, because it is the
                key of another table's row or of a type that can't be drawn.
            CheckError: The class refuses nearly every row; the message has its last reason.
        """
        if not isinstance(n, int) or n < 0:
            raise UsageError(
                f"{n!r} rows can't be drawn", code="factory.rows", hint="give 0 or more"
            )
        fields = self._known.model.model_fields
        names = {info.alias: name for name, info in fields.items() if info.alias}
        given = {names.get(name, name): value for name, value in values.items()}
        self._check(given)
        return list(islice(self._accepted(n, given), n))

    def _check(self, values: Mapping[str, Any]) -> None:
        known, name_of = self._known, f"`{self._cls.__name__}"
        names = [*known.model.model_fields, *known.related]
        if unknown := [name for name in values if name not in names]:
            raise UsageError(
                f"{name_of}` has no field `{unknown[0]}`",
                code="factory.unknown-field",
                hint=did_you_mean(unknown[0], names),
            )
        stood_for = {field for name in values for field in known.related.get(name, ())}
        for name, table in known.keys.items():
            info = known.model.model_fields[name]
            optional = unwrapped(info.annotation, list(info.metadata))[2]
            if not optional and name not in values and name not in stood_for:
                raise UsageError(
                    f"{name_of}.{name}` is the key of a row of `{table}`, which is not given",
                    code="factory.reference",
                    hint=f"make that row first, and pass its key: `{name}=…`",
                )
        for name, problem in self.fields.unknown.items():
            if name not in values:
                raise UsageError(
                    f"{name_of}.{name}` can't be drawn: {problem}",
                    code="factory.unknown-type",
                    hint=f"pass a value, `{name}=…`, or give the field a column: `Annotated[…,"
                    " fb.col.choice([…])]`",
                )

    def _accepted(self, n: int, values: Mapping[str, Any]) -> Iterator[T]:
        """Objects of the rows that the class accepts, one after the other."""
        refused: Exception | None = None
        for _ in range(n * MOST_REFUSED):
            try:
                yield self.object({**self._next(), **values})
            except REFUSALS as error:
                refused = error
        if refused is not None:
            raise CheckError(
                f"`{self._cls.__name__}` refuses nearly every row:"
                f" {getattr(refused, 'message', refused)}",
                code="check.row-class",
                hint="pass values that it accepts, or say more about the field: bounds, a pattern,"
                " or `Annotated[…, col.…(…)]`",
            ) from refused

    def object(self, row: Mapping[str, Any]) -> T:
        """The object that has the values of a row.

        Args:
            row: Its values by field.

        Raises:
            CheckError: The class refuses them.
        """
        known = self._known
        fields = {name: value for name, value in row.items() if name not in known.related}
        if issubclass(known.model, RootModel):
            return known.build(fields["root"])  # type: ignore[no-any-return]
        (checked,) = objects_of(known.model, [fields])
        if known.model is self._cls:
            return checked  # type: ignore[no-any-return]
        others = {name: value for name, value in row.items() if name in known.related}
        # A key whose related object is given is None until the database has both.
        given = {name: getattr(checked, name) for name in (*fields, *known.keys)}
        made: T = known.build(**given, **others)
        return made

    def _next(self) -> dict[str, Any]:
        """The next row; how many are asked for at once changes nothing."""
        if self._used == len(self._drawn):
            size = _GROWTH * max(self._used, 1)
            self._drawn += self.fields.rows(size, self.seed)[self._used :]
        self._used += 1
        return self._drawn[self._used - 1]
