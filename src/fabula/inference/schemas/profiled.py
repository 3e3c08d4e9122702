"""A spec of a schema with the aggregates of its database: sizes, gaps, bounds, shares."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from fabula.databases.profile import LEAST, ColumnProfile, TableProfile
from fabula.databases.schema import Schema, Table
from fabula.inference.schemas.conditions import Facts, conditions_of
from fabula.inference.schemas.kinds import type_name
from fabula.inference.schemas.numbers import Bounds, sizes_of
from fabula.inference.schemas.schema import InferredSchema
from fabula.kinds.base.columns import AbstractColumn, AbstractNumber
from fabula.kinds.choice import Choice
from fabula.kinds.datetime import Datetime
from fabula.kinds.provider import Provider
from fabula.spec import col
from fabula.spec.tables import DatasetSpec, PerParent, TableSpec

_COVERED = 0.5
"""Share of the values that labels must have together before they stand for a text."""
_FEW = 12
"""Distinct whole numbers that are taken for labels."""


def with_profiles(
    drafted: InferredSchema,
    schema: Schema,
    profiles: Mapping[str, TableProfile],
    notes: list[str],
) -> InferredSchema:
    """A spec with what profiles say.

    Args:
        drafted: The spec of the schema.
        schema: The schema, whose bounds hold.
        profiles: The profiles by table.
        notes: What could not be profiled.
    """
    reasons, tables = dict(drafted.reasons), {}
    for name, table in drafted.spec.tables.items():
        profile = profiles.get(name)
        declared = schema.tables[name]
        tables[name] = _profiled(table, declared, profiles, reasons) if profile else table
    told = (
        f"profile: counts, shares and rounded bounds; no value that fewer than {LEAST} rows share"
    )
    return replace(
        drafted,
        spec=DatasetSpec(name=drafted.spec.name, tables=tables),
        reasons=MappingProxyType(reasons),
        notes=(told, *notes, *drafted.notes),
        told=tuple(_resized(line, tables) for line in drafted.told),
        read="aggregates were read, and no rows",
    )


def _resized(line: tuple[str, str, str], tables: Mapping[str, TableSpec]) -> tuple[str, str, str]:
    """A line about a table's size, with that of the profile."""
    place, what, why = line
    table = tables.get(place)
    if table is None or not why.endswith(("edit `n`", "edit `per_parent`")):
        return line
    if table.n is not None:
        return place, what, f"{table.n:,} rows"
    mean = getattr(table.per_parent and table.per_parent.distribution, "mean", None)
    return line if mean is None else (place, f"{mean} a parent", "from the profile")


def _profiled(
    table: TableSpec,
    declared: Table,
    profiles: Mapping[str, TableProfile],
    reasons: dict[str, str],
) -> TableSpec:
    profile, columns = profiles[table.name], dict(table.columns)
    facts = conditions_of(declared.checks, declared.columns).facts
    for name, known in profile.columns.items():
        column = columns.get(name)
        if column is None or column.unique or column.kind in ("key", "reference", "expr"):
            continue
        kind = declared.columns[name].type
        bounds = Bounds.of(type_name(kind), sizes_of(kind), facts.get(name, Facts()))
        made = _shaped(column, known, bounds)
        if column.nulls:
            made = made.model_copy(update={"nulls": min(known.nulls, 0.999)})
        if made != column:
            columns[name] = made
            place = f"tables.{table.name}.columns.{name}"
            reasons[place] = f"{reasons.get(place, '')}; profiled".removeprefix("; ")
    sizes: dict[str, object] = {"columns": columns}
    if table.n is not None:
        sizes["n"] = max(profile.rows, 1)
    elif table.per_parent is not None:
        parent = getattr(columns.get(table.per_parent.of), "to", "").partition(".")[0]
        above = profiles.get(parent)
        if above is not None and above.rows:
            sizes["per_parent"] = _sized(table.per_parent, profile.rows / above.rows)
    return table.model_copy(update=sizes)


def _sized(per_parent: PerParent, mean: float) -> PerParent:
    """As many rows a parent as there are on average."""
    if per_parent.max == 1:
        return per_parent
    drawn = {"of": per_parent.of, "poisson": max(float(f"{mean:.3g}"), 0.01)}
    return PerParent.model_validate(drawn)


def _shaped(column: AbstractColumn, known: ColumnProfile, bounds: Bounds) -> AbstractColumn:
    """A column with the shares and bounds of its profile."""
    common = {name: getattr(column, name) for name in ("nulls", "description", "drop")}
    if column.kind == "bernoulli":
        share = sum(part for value, part in known.labels.items() if value in (True, 1, "t"))
        return col.bernoulli(round(share, 3), **common) if known.labels else column
    if isinstance(column, Choice):
        return _weighted(column, known, common)
    if isinstance(column, Datetime):
        if known.low is None or isinstance(column.start, str) or column.end is None:
            return column  # it follows another one
        return column.model_copy(update={"start": known.low, "end": known.high})
    whole = isinstance(column, AbstractNumber) and column.is_whole
    words = isinstance(column, Provider) and column.name.startswith("text.")
    if (words and sum(known.labels.values()) >= _COVERED) or (
        whole and 0 < len(known.labels) <= _FEW and sum(known.labels.values()) > 0.999
    ):
        total = sum(known.labels.values())
        shares = [round(part / total, 3) for part in known.labels.values()]
        return col.choice(list(known.labels), weights=shares, **common)
    if isinstance(column, AbstractNumber) and known.mean is not None:
        return _number(column, known, bounds, common)
    return column


def _weighted(column: Choice, known: ColumnProfile, common: Mapping[str, Any]) -> AbstractColumn:
    """Listed values by their shares; those that few rows have share the rest."""
    values = list(column.allowed or ())
    shares = {str(value): part for value, part in known.labels.items()}
    named = [str(value) for value in values if str(value) in shares]
    if not named:
        return column
    others = max(len(values) - len(named), 1)
    rest = max(0.0, 1 - sum(shares[name] for name in named)) / others
    weights = [round(shares.get(str(value), rest), 3) for value in values]
    return col.choice(values, weights=weights, **common)


def _number(
    column: AbstractNumber, known: ColumnProfile, bounds: Bounds, common: Mapping[str, Any]
) -> AbstractColumn:
    """A number with its mean, spread and bounds, within those that the schema asks for."""
    low = known.low if bounds.low is None else max(known.low, bounds.low)
    high = min(known.high, bounds.most)
    mean, std = known.mean or 0.0, known.std or 0.0
    ends: dict[str, Any] = {"min": low, "max": high, "decimals": column.decimals}
    if column.is_whole:
        ends |= {"min": int(low), "max": int(high)}
    if std == 0 or high <= low:
        return col.uniform(low, max(high, low), decimals=column.decimals, **common)
    median = known.median or 0.0
    if low >= 0 and median > 0 and mean > 1.1 * median:  # a long tail
        spread = math.sqrt(2 * math.log(mean / median))
        return col.lognormal(median, float(f"{spread:.3g}"), **ends, **common)
    return col.normal(mean, std, **ends, **common)
