"""What the tests of planning, engines and relations build with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from fabula.engines.generation import Generation
from fabula.engines.made import MadeBlock
from fabula.errors import SpecError, Violation
from fabula.planning import Plan, make_plan
from fabula.spec.loading import build_spec

Columns = Mapping[str, Mapping[str, Any]]


def planned(tables: Mapping[str, Any], *, seed: int = 1) -> Plan:
    """The plan of some tables."""
    return make_plan(build_spec({"tables": tables}), seed=seed)


def blocks_of(plan: Plan) -> dict[str, list[MadeBlock]]:
    """Every block of every table of a plan."""
    made = Generation(plan)
    return {
        name: [maker.make(block) for block in range(maker.blocks)]
        for name, maker in made.makers.items()
    }


def made_tables(tables: Mapping[str, Any], *, seed: int = 1) -> dict[str, pa.Table]:
    """Every table of a spec, whole."""
    plan = planned(tables, seed=seed)
    return {
        name: pa.concat_tables([plan[name].schema.empty_table(), *(part.table for part in parts)])
        for name, parts in blocks_of(plan).items()
    }


def made(columns: Columns, n: int, *, seed: int = 1, **table: Any) -> pa.Table:
    """One table of these columns."""
    return made_tables({"t": {"n": n, "columns": columns, **table}}, seed=seed)["t"]


def drawn(column: Mapping[str, Any], n: int, *, seed: int = 1, **others: Any) -> NDArray[Any]:
    """The values of one column; `others` are columns that it needs."""
    return numbers(made({**others, "x": column}, n, seed=seed), "x")


def numbers(table: pa.Table, column: str) -> NDArray[Any]:
    """A column as numpy values."""
    values: NDArray[Any] = table[column].to_numpy()
    return values


def five_sigma_mean(sd: float, n: int) -> float:
    """How far the mean of n independent values may be from its expectation."""
    return 5 * sd / np.sqrt(n)


def five_sigma_share(p: float, n: int) -> float:
    """How far the share of n independent hits may be from its chance, with room for rounding."""
    return 5 * float(np.sqrt(max(p * (1 - p), 1 / n) / n))


def ks_bound(n: int) -> float:
    """A Kolmogorov distance that n values of the right law pass but once in two million times."""
    return float(np.sqrt(-np.log(2.5e-7) / (2 * n)))


def violations(tables: Mapping[str, Any]) -> list[Violation]:
    """Every problem that planning finds in some tables."""
    with pytest.raises(SpecError) as caught:
        planned(tables)
    return list(caught.value.violations)


def violation(tables: Mapping[str, Any]) -> Violation:
    """The only problem of some tables."""
    (found,) = violations(tables)
    return found
