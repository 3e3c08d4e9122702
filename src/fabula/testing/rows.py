"""Rows for a test: objects of a class, or mappings of a spec."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, overload

from fabula.api import generate
from fabula.errors import UsageError, did_you_mean
from fabula.inference.resolve import SpecLike, resolve
from fabula.spec import col
from fabula.testing.factories import Factory

T = TypeVar("T")
_SCALARS = (str, int, float, bool)


class RowMaker:
    """Draws rows; no key occurs twice among all rows of a class or spec.

    Args:
        seed: Decides the values.

    Examples:
        >>> maker = RowMaker(seed=1)
        >>> maker.row("id key, age int 18..90")["id"], maker.row("id key, age int 18..90")["id"]
        (1, 2)
    """

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self._factories: dict[type, Factory[Any]] = {}
        self._used: dict[str, int] = {}

    @overload
    def rows(self, source: type[T], n: int, **values: Any) -> list[T]: ...

    @overload
    def rows(self, source: SpecLike, n: int, **values: Any) -> list[dict[str, Any]]: ...

    def rows(self, source: Any, n: int, **values: Any) -> list[Any]:
        """Draw rows.

        Args:
            source: A class, or a spec of one table in any form.
            n: How many.
            **values: Values that all of the rows have.

        Raises:
            UsageError: There is no such field, or the spec has several tables.
            SpecError: The spec has problems.
            CheckError: The class refuses nearly every row.
        """
        if isinstance(source, type):
            if source not in self._factories:
                self._factories[source] = Factory(source, self._seed)
            return self._factories[source].rows(n, **values)
        return self._rows_of_spec(source, n, values)

    @overload
    def row(self, source: type[T], **values: Any) -> T: ...

    @overload
    def row(self, source: SpecLike, **values: Any) -> dict[str, Any]: ...

    def row(self, source: Any, **values: Any) -> Any:
        """Draw one row.

        Args:
            source: A class, or a spec of one table in any form.
            **values: Values that it has.

        Raises:
            UsageError: There is no such field, or the spec has several tables.
        """
        return self.rows(source, 1, **values)[0]

    def _rows_of_spec(
        self, source: SpecLike, n: int, values: Mapping[str, Any]
    ) -> list[dict[str, Any]]:
        spec = resolve(source)
        if len(spec.tables) != 1:
            raise UsageError(
                f"the spec has {len(spec.tables)} tables, and rows of one are asked for",
                code="factory.several-tables",
                hint="draw all of them: `fabula.preview(spec, n=…)`",
            )
        ((name, table),) = spec.tables.items()
        if unknown := [column for column in values if column not in table.columns]:
            raise UsageError(
                f"`{name}` has no column `{unknown[0]}`",
                code="factory.unknown-field",
                hint=did_you_mean(unknown[0], table.columns),
            )
        # Other columns may be computed from these.
        plain = {
            column: col.constant(value)
            for column, value in values.items()
            if isinstance(value, _SCALARS)
        }
        changed = table.model_copy(update={"columns": {**table.columns, **plain}})
        used = self._used.setdefault(str(source), 0)
        self._used[str(source)] += n
        made = generate(
            spec.model_copy(update={"tables": {name: changed}}), n=used + n, seed=self._seed
        )
        return [{**row, **values} for row in made.to_arrow().slice(used).to_pylist()]
