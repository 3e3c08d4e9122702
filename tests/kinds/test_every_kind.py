"""What follows from a kind's class, for every kind: nothing has to be said twice."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pydantic import TypeAdapter
from ruamel.yaml import YAML

from fabula.engines.block import as_floats
from fabula.engines.kinds import family
from fabula.kinds import KINDS, Column
from fabula.kinds.base.arrow import column_type
from fabula.kinds.base.code import AbstractCode
from fabula.kinds.base.columns import AbstractColumn
from fabula.kinds.base.distributions import AbstractDistribution
from fabula.spec.loading import build_spec
from fabula.spec.plain import to_plain
from fabula.spec.schema import json_schema
from fabula.spec.synonyms import suggestion
from tests.engines.builders import ks_bound, made, made_tables, violations

DISTRIBUTIONS = [name for name, cls in KINDS.items() if issubclass(cls, AbstractDistribution)]
CONTINUOUS = [name for name in DISTRIBUTIONS if not KINDS[name].counts]  # type: ignore[attr-defined]
WRITABLE = [name for name, cls in KINDS.items() if not issubclass(cls, AbstractCode)]
ALONE = [n for n in WRITABLE if not KINDS[n].elsewhere and KINDS[n].section != "models"]
NEEDS: dict[str, dict[str, Any]] = {
    "size": {"kind": "constant", "value": 2.0},
    "city": {"kind": "constant", "value": "Rome"},
    "note": {"kind": "constant", "value": "The parcel is late."},
    "day": {"kind": "sequence", "start": "2026-01-01", "step": "1d"},
    "id": {"kind": "key"},
    "letter": {"kind": "document", "format": ["png"]},
    "quantity": {"kind": "constant", "value": 3},
    "product_id": {"kind": "reference", "to": "products"},
}
PRODUCTS = {"n": 2, "columns": {"id": {"kind": "key"}, "price": {"kind": "constant", "value": 2.5}}}
ROWS = 3_000


def example(kind: str) -> dict[str, Any]:
    """A kind's example as plain values."""
    plain: dict[str, Any] = YAML(typ="safe", pure=True).load(KINDS[kind].example)
    return plain


def column(kind: str) -> AbstractColumn:
    """A kind's example as a column."""
    return TypeAdapter(Column).validate_python(example(kind))


def distribution(kind: str) -> AbstractDistribution:
    """A distribution's example with plain numbers and without bounds."""
    plain = {"kind": "normal", "mean": 40, "std": 4} if kind == "normal" else example(kind)
    found = TypeAdapter(Column).validate_python(plain)
    assert isinstance(found, AbstractDistribution)
    bounds = {name: None for name in ("min", "max") if name not in found.own}
    return found.model_copy(update={**bounds, "decimals": None})


def table_of(plain: dict[str, Any]) -> dict[str, Any]:
    """A table with one column."""
    return {"t": {"n": 5, "columns": {"x": plain}}}


def sample(kind: str, n: int = ROWS) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Values of that distribution."""
    return as_floats(made({"x": to_plain(distribution(kind))}, n=n)["x"].combine_chunks())


@pytest.mark.parametrize("kind", WRITABLE)
def test_a_column_survives_being_written_and_read(kind: str) -> None:
    assert TypeAdapter(Column).validate_python(to_plain(column(kind))) == column(kind)


@pytest.mark.parametrize("kind", ALONE)
def test_values_have_the_stated_type_and_come_again(kind: str) -> None:
    columns = {name: item for name, item in NEEDS.items() if name in str(example(kind))}
    spec = {**columns, "x": {**example(kind), "nulls": 0} if kind != "key" else {"kind": "key"}}
    tables = {"products": PRODUCTS, "t": {"n": 200, "columns": spec}}
    first, again = (made_tables(tables)["t"]["x"] for _ in range(2))
    assert first.equals(again)
    stated = column_type(column(kind))
    assert stated is None or first.type == stated


@pytest.mark.parametrize("kind", DISTRIBUTIONS)
def test_the_schema_has_the_short_form_of_per_parent(kind: str) -> None:
    assert kind in json_schema(())["$defs"]["PerParent"]["properties"]


@pytest.mark.parametrize("kind", DISTRIBUTIONS)
def test_the_stated_mean_is_the_mean_of_the_values(kind: str) -> None:
    values, mean = sample(kind, 20_000), distribution(kind).expectation()
    spread = float(np.std(values)) / math.sqrt(len(values))
    assert abs(values.mean() - mean) < 5 * spread or kind == "pareto"  # no variance: shape 1.5


@pytest.mark.parametrize("kind", DISTRIBUTIONS)
def test_values_lie_in_the_stated_support_and_bounds_beyond_it_are_refused(kind: str) -> None:
    low, high = distribution(kind).value_range()
    values = sample(kind)
    assert low <= values.min() <= values.max() <= high
    if math.isfinite(low) and "max" not in distribution(kind).own:
        beyond = {**to_plain(distribution(kind)), "max": low - 2}
        assert [item.code for item in violations(table_of(beyond))] == ["spec.empty-range"]


@pytest.mark.parametrize("kind", DISTRIBUTIONS)
def test_every_bounded_parameter_is_refused_beyond_its_limit(kind: str) -> None:
    cls = type(distribution(kind))
    for name in cls.own:
        least = cls.limit(name).least
        if math.isfinite(least):
            wrong = {**to_plain(distribution(kind)), name: least - 1}
            found = violations(table_of(wrong))
            assert ("spec.bad-number", f"tables.t.columns.x.{name}") in [
                (item.code, item.where) for item in found
            ]


@pytest.mark.parametrize("kind", CONTINUOUS)
def test_draws_quantiles_and_probabilities_agree(kind: str) -> None:
    spec = distribution(kind)
    p = {name: float(getattr(spec, name)) for name in spec.own}
    levels = np.linspace(0.01, 0.99, 99)
    assert family(kind).cdf(family(kind).quantile(levels, p), p) == pytest.approx(levels, abs=1e-6)
    ranks = np.sort(family(kind).cdf(sample(kind), p))
    distance = np.abs(ranks - (np.arange(ROWS) + 0.5) / ROWS).max()
    assert distance < ks_bound(ROWS)


@pytest.mark.parametrize("kind", DISTRIBUTIONS)
def test_a_distribution_is_a_part_of_mixtures_and_counts_children(kind: str) -> None:
    part = to_plain(distribution(kind))
    mixed = made({"x": {"kind": "mixture", "of": [part]}}, n=50)["x"]
    assert mixed.null_count == 0
    children = {**part, "min": 1, "max": 3} if not {"min", "max"} & {*part} else part
    spec = {
        "tables": {
            "a": {"n": 5, "columns": {"id": {"kind": "key"}}},
            "b": {
                "per_parent": {"of": "a", "distribution": children},
                "columns": {"a_id": {"kind": "reference", "to": "a"}},
            },
        }
    }
    assert build_spec(spec).tables["b"].per_parent is not None


@pytest.mark.parametrize(("kind", "alias"), [(n, a) for n, c in KINDS.items() for a in c.aka])
def test_other_names_of_a_kind_lead_to_it(kind: str, alias: str) -> None:
    assert suggestion(alias, tuple(KINDS)) == f"did you mean `{kind}`?"


def test_types_that_kinds_name_are_arrow_types() -> None:
    named = [column(kind) for kind in WRITABLE]
    assert all(isinstance(column_type(item), pa.DataType | None) for item in named)
