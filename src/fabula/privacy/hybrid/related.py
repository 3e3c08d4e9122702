"""Blends of related tables: synthetic parents and children, with keys of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fabula.errors import UsageError
from fabula.relationships.declared_keys import keys_of
from fabula.relationships.keys import Keys
from fabula.synthesizers.fitting import fit


def blend_related(
    tables: Mapping[str, pa.Table],
    per_real: float,
    origin: str,
    marks: tuple[str, str],
    *,
    seed: int,
) -> tuple[dict[str, pa.Table], dict[str, Any]]:
    """Real tables followed by synthetic ones, and how those were made.

    Args:
        tables: The real tables.
        per_real: Synthetic rows for each real one.
        origin: The column that marks rows.
        marks: What it says about real and of synthetic rows.
        seed: The same tables and seed give the same rows.

    Raises:
        UsageError: Synthetic keys occur among the real ones, and are texts.
    """
    model = fit(dict(tables), seed=seed)
    made = _with_free_keys(tables, model.sample(per_real, seed=seed), keys_of(tables))
    joined = {}
    for name, real in tables.items():
        columns = {
            field.name: made[name].column(field.name).cast(field.type)
            if field.name in made[name].column_names
            else pa.nulls(made[name].num_rows, field.type)
            for field in real.schema
        }
        both = pa.concat_tables([real, pa.table(columns, schema=real.schema)])
        told = pa.array([marks[0]] * real.num_rows + [marks[1]] * made[name].num_rows)
        joined[name] = both.append_column(origin, told)
    rows = {
        name: {"real": [0, table.num_rows], "synthetic": [table.num_rows, joined[name].num_rows]}
        for name, table in tables.items()
    }
    return joined, {"model": "boosted", "tables": rows}


def _with_free_keys(
    real: Mapping[str, pa.Table], made: Mapping[str, pa.Table], keys: Keys
) -> dict[str, pa.Table]:
    """Synthetic tables whose keys continue after the greatest real one."""
    made = dict(made)
    for name, key in keys.primary.items():
        if len(key) != 1 or any(k.child == name and k.columns == key for k in keys.foreign):
            continue  # a key of several columns, or a parent's, is free where its parts are
        ours, theirs = real[name].column(key[0]), made[name].column(key[0])
        if not pc.any(pc.is_in(theirs, value_set=ours.combine_chunks())).as_py():
            continue
        if not pa.types.is_integer(ours.type):
            raise UsageError(
                f"synthetic keys of `{name}` occur among the real ones",
                code="blend.keys",
                where=f"{name}.{key[0]}",
                hint="use numbers as keys, or blend the table alone",
            )
        step = int(pc.max(ours).as_py()) + 1 - int(pc.min(theirs).as_py())
        made[name] = _moved(made[name], key[0], step)
        for link in keys.foreign:
            if link.parent == name and link.key == key:
                made[link.child] = _moved(made[link.child], link.columns[0], step)
    return made


def _moved(table: pa.Table, column: str, step: int) -> pa.Table:
    at = table.column_names.index(column)
    values = pc.add(table.column(column).cast(pa.int64()), np.int64(step).item())
    return table.set_column(at, column, values.cast(table.schema.field(column).type))
