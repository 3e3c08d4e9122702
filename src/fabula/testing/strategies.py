"""Hypothesis strategies whose rows keep a spec or a class."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from fabula.api import generate, preview
from fabula.errors import PrerequisiteError
from fabula.inference.resolve import SpecLike, resolve
from fabula.kinds.base.columns import AbstractColumn, AbstractNumber
from fabula.planning.planner import make_plan
from fabula.spec.tables import DatasetSpec
from fabula.testing.factories import REFUSALS, Factory

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

T = TypeVar("T")

POOL = 64
"""Rows from which columns are taken that depend on others, or whose values have no bounds."""

MOST_ROWS = 10
"""Rows of each table of several."""

_ENDS_ALONE = {"kind", "start", "end", "date", "nulls", "description", "unique"}


def strategy(source: SpecLike | type, *, seed: int = 0) -> SearchStrategy[Any]:
    """A Hypothesis strategy whose examples keep a spec or a class.

    Bounded columns that no other column and no check names, such as numbers between two bounds,
    labels and patterns, take any of their values, the extreme ones first, and shrink. All other
    columns come from a row that `fabula.generate` made, so that they agree with each other.

    Args:
        source: A class, whose objects are drawn; a spec of one table, whose rows are mappings; or
            a spec of several tables, which are lists of rows by name, with references that resolve.
        seed: Decides the rows that are made.

    Raises:
        PrerequisiteError: Hypothesis is not installed.
        SpecError: The spec has problems.
        UsageError: The class has no fields.

    Examples:
        >>> from hypothesis import given
        >>> @given(strategy("age int 18..90, plan choice free|pro"))
        ... def test_price(row):
        ...     assert 18 <= row["age"] <= 90
        >>> test_price()
    """
    try:
        import hypothesis.strategies as st
    except ImportError as exc:
        raise PrerequisiteError(
            "strategies need Hypothesis", code="prerequisite.package", hint="pip install hypothesis"
        ) from exc
    if isinstance(source, type):
        return _objects(Factory(source, seed))
    spec = resolve(source)
    make_plan(spec, n={name: 1 for name, table in spec.tables.items() if table.per_parent is None})
    if len(spec.tables) > 1:
        return st.builds(
            _tables, st.just(spec), st.integers(1, MOST_ROWS), st.integers(0, 2**16 - 1)
        )
    ((_, table),) = spec.tables.items()
    columns = {name: column for name, column in table.columns.items() if not column.drop}
    free = {name: column for name, column in columns.items() if _is_free(name, spec)}
    return _rows(lambda: generate(spec, n=POOL, seed=seed).to_dicts(), free)


def _tables(spec: DatasetSpec, n: int, seed: int) -> dict[str, list[dict[str, Any]]]:
    made = preview(spec, n=n, seed=seed)
    return {name: made.to_dicts(name) for name in made}


def _objects(factory: Factory[T]) -> SearchStrategy[T]:
    """Objects of a class; rows that it refuses are left out."""
    fields = factory.fields

    def finished(row: dict[str, Any]) -> T | None:
        try:
            return factory.object(
                {
                    name: fields.become[name](value)
                    if name in changed and value is not None
                    else value
                    for name, value in row.items()
                }
            )
        except REFUSALS:
            return None

    free = {
        name: column
        for name, column in fields.columns.items()
        if not any(isinstance(getattr(column, each), str) for each in column.expressions)
    }
    changed = {name for name, column in free.items() if _native(column) is not None}
    changed &= fields.become.keys()
    rows = _rows(lambda: fields.rows(POOL, factory.seed), free)
    return rows.map(finished).filter(lambda made: made is not None)  # type: ignore[return-value]


def _rows(
    made: Callable[[], list[dict[str, Any]]], free: Mapping[str, AbstractColumn]
) -> SearchStrategy[dict[str, Any]]:
    """Rows that were made, with other values of the columns that are free."""
    import hypothesis.strategies as st

    natives = {
        name: native for name, column in free.items() if (native := _native(column)) is not None
    }

    def drawn() -> SearchStrategy[dict[str, Any]]:
        row, others = st.sampled_from(made()), st.fixed_dictionaries(natives)
        return st.builds(lambda kept, given: {**kept, **given}, row, others)

    return st.deferred(drawn)


def _is_free(name: str, spec: DatasetSpec) -> bool:
    """Whether a column follows from nothing, and nothing else in the spec names it."""
    ((table_name, table),) = spec.tables.items()
    column = table.columns[name]
    if any(isinstance(getattr(column, each), str) for each in column.expressions):
        return False
    others = {each: other for each, other in table.columns.items() if each != name}
    rest = spec.model_copy(
        update={"tables": {table_name: table.model_copy(update={"columns": others})}}
    )
    words = rest.model_dump_json(exclude_defaults=True, fallback=str)
    return re.search(rf"\b{re.escape(name)}\b", words) is None


def _native(column: AbstractColumn) -> SearchStrategy[Any] | None:
    """Hypothesis' own strategy for the values of a column; None if it has none."""
    import hypothesis.strategies as st

    found: SearchStrategy[Any] | None = None
    if column.allowed is not None:
        found = st.sampled_from(column.allowed)
    elif column.kind == "bernoulli":
        found = st.booleans()
    elif column.matches is not None and column.kind == "pattern":
        found = st.from_regex(re.compile(column.matches, re.ASCII), fullmatch=True)
    elif isinstance(column, AbstractNumber):
        found = _numbers(column, *column.value_range())
    elif {*column.model_dump(exclude_defaults=True), "kind"} <= _ENDS_ALONE:
        found = _moments(column, *column.limits)
    return st.none() | found if found is not None and column.nulls else found


def _numbers(column: AbstractNumber, low: float, high: float) -> SearchStrategy[Any] | None:
    import hypothesis.strategies as st

    if math.isinf(low) or math.isinf(high):
        return None
    if column.decimals is None and not column.is_whole:
        return st.floats(low, high)
    scale = 10 ** (column.decimals or 0)
    steps = st.integers(math.ceil(low * scale - 1e-9), math.floor(high * scale + 1e-9))
    return steps if column.is_whole else steps.map(lambda step: step / scale)


def _moments(column: AbstractColumn, start: Any, end: Any) -> SearchStrategy[Any] | None:
    """Dates or times up to an end that is not included."""
    import hypothesis.strategies as st

    if not isinstance(start, dt.datetime) or not isinstance(end, dt.datetime):
        return None
    if getattr(column, "date", False):
        return st.dates(start.date(), (end - dt.timedelta(days=1)).date())
    times = st.datetimes(start, end - dt.timedelta(seconds=1))
    return times.map(lambda moment: moment.replace(microsecond=0))
