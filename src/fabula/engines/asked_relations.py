"""Relations between rows while a model is asked: correlations, and rules over a group of rows.

No single row breaks a correlation. The rows that lie farthest from it are requested again: as few
as would leave the rest within its bounds, and at most half.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fabula.engines.block import Array
from fabula.engines.expressions import evaluate
from fabula.engines.fields import column_of
from fabula.io.arrays import correlation, mean_ranks
from fabula.io.expressions import Expression, parse_expression
from fabula.kinds.base.sql import quoted
from fabula.kinds.base.wording import names
from fabula.kinds.checks.correlation import CorrelationCheck
from fabula.kinds.checks.window import WindowCheck
from fabula.llm.json_schema.wording import as_json
from fabula.llm.rows.job import TableCheck
from fabula.planning.plan import TablePlan

_LEAST_ROWS = 3
_STEPS = 20
_PLACE = "# of the row"
Relation = CorrelationCheck | WindowCheck
Vector = NDArray[np.float64]


def relations_of(plan: TablePlan, asked: Collection[str]) -> list[tuple[Relation, frozenset[str]]]:
    """The relations of a table that asked columns have a part in, and all the columns of each."""
    found = []
    for check in plan.spec.checks:
        if isinstance(check, CorrelationCheck):
            where = parse_expression(check.where).needs if check.where else ()
            needs = frozenset((*check.columns, *where))
        elif isinstance(check, WindowCheck):
            needs = frozenset(_parsed(check).needs)
        else:
            continue
        if needs & set(asked):
            found.append((check, needs))
    return found


def told_relation(check: Relation) -> str:
    """A relation in words for a model."""
    if isinstance(check, WindowCheck):
        return check.in_words()
    least, most = check.at_least or 0, check.at_most or 0
    how = "rise together" if least > 0 else "move in opposite directions" if most < 0 else "relate"
    where = f" where {check.where}" if check.where else ""
    return (
        f"{names(check.columns)} {how}{where} ({check.method} correlation {check.bound_in_words()})"
    )


def relation_check(
    plan: TablePlan, asked: Collection[str], here: Collection[str]
) -> tuple[TableCheck | None, frozenset[str]]:
    """A check of all rows by the relations whose columns are there, and the columns it needs."""
    kept = [(check, needs) for check, needs in relations_of(plan, asked) if needs <= set(here)]
    if not kept:
        return None, frozenset()

    def problems(rows: Sequence[dict[str, Any]]) -> Mapping[int, str]:
        found: dict[int, str] = {}
        for check, needs in kept if rows else ():
            values = {
                name: column_of(plan.columns[name], [row.get(name) for row in rows])
                for name in sorted(needs)
            }
            where = f"tables.{plan.name}.checks"
            if isinstance(check, WindowCheck):
                places = _breaking(check, values, len(rows), where)
                words = f"{check.in_words()} does not hold"
            else:
                places, measured = _out_of_line(check, values, len(rows), where)
                words = f"{told_relation(check)}; it is {measured:.2f}, and this row is out of line"
            for place in places.tolist():
                row = ", ".join(
                    f"{name} = {as_json(rows[place].get(name))}" for name in sorted(needs)
                )
                found.setdefault(place, f"{words}: {row}")
        return found

    return problems, frozenset().union(*(needs for _, needs in kept))


def _parsed(check: WindowCheck) -> Expression:
    return parse_expression(check.condition(), across=True)


def _breaking(
    check: WindowCheck, values: Mapping[str, Array], rows: int, where: str
) -> NDArray[np.int64]:
    """The rows that break a rule over other rows; DuckDB gives windows in an order of its own."""
    queries = {"broken": f"({_parsed(check).sql}) IS FALSE", "place": quoted(_PLACE)}
    numbered = {**values, _PLACE: pa.array(np.arange(rows))}
    found = evaluate(queries, numbered, rows, where=where)
    places = found["place"].to_numpy(zero_copy_only=False)
    return np.sort(places[found["broken"].to_numpy(zero_copy_only=False).astype(bool)])


def _out_of_line(
    check: CorrelationCheck, values: Mapping[str, Array], rows: int, where: str
) -> tuple[NDArray[np.int64], float]:
    """The rows that keep a correlation from its bounds, and what it is."""
    first, second = (np.asarray(values[name].to_pandas(), dtype=float) for name in check.columns)
    use = np.isfinite(first) & np.isfinite(second)
    if check.where:
        sql = parse_expression(check.where).sql
        met = evaluate({"": f"coalesce({sql}, FALSE)"}, values, rows, where=where)[""]
        use &= met.to_numpy(zero_copy_only=False).astype(bool)
    places = np.flatnonzero(use)
    none = np.array([], dtype=np.int64)
    a, b = (_scaled(each[places], ranks=check.method == "spearman") for each in (first, second))
    if len(places) < _LEAST_ROWS or not a.any() or not b.any():
        return none, 0.0
    value = correlation(a, b)
    side = _missed(check, value)
    if not side:
        return none, value
    worst = np.argsort(-np.abs(a - side * b), kind="stable")
    for count in range(1, len(worst) // 2 + 1, max(1, len(worst) // _STEPS)):
        rest = worst[count:]
        if _missed(check, correlation(a[rest], b[rest])) != side:
            return np.sort(places[worst[:count]]), value
    return np.sort(places[worst[: max(1, len(worst) // 2)]]), value


def _missed(check: CorrelationCheck, value: float) -> int:
    """1 where a correlation is too low, -1 where it is too high, 0 within its bounds."""
    low = check.at_least if check.equals is None else check.equals - check.tolerance
    high = check.at_most if check.equals is None else check.equals + check.tolerance
    if low is not None and value < low:
        return 1
    return -1 if high is not None and value > high else 0


def _scaled(values: Vector, *, ranks: bool) -> Vector:
    """Values (or their ranks, equal ones sharing the mean) with mean 0 and deviation 1."""
    if ranks and len(values):
        values = mean_ranks(values)
    centred = values - values.mean() if len(values) else values
    spread = float(centred.std()) if len(values) else 0.0
    return centred / spread if spread > 0 else np.zeros_like(centred)
