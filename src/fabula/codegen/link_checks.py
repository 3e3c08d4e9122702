"""Gates on links that no check of one column sees: pairs of columns, loops, numbers of children."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fabula.checks.data import Data, column_list
from fabula.checks.relations import link_column
from fabula.checks.results import CheckResult
from fabula.codegen.structure import finding
from fabula.kinds.base.sql import quoted
from fabula.kinds.base.wording import names, values
from fabula.kinds.reference import Reference
from fabula.planning.planner import expected_children
from fabula.spec.tables import DatasetSpec, TableSpec

SIGMAS = 5.0
ROUGHLY = 0.1
"""Bounds cut means of drawn numbers by less than this share."""


def link_results(
    spec: DatasetSpec, tables: Mapping[str, pa.Table], data: Data
) -> Iterator[CheckResult]:
    """Links of several columns, self-references and numbers of children."""
    for name, rows in tables.items():
        table = spec.tables[name]
        for parent, columns in _pairs(spec, table):
            if parent in tables and set(columns.values()) <= set(rows.column_names):
                yield _pair_result(data, name, parent, columns)
        for column, reference in table.columns.items():
            if isinstance(reference, Reference) and reference.parent == name:
                yield from _loops(table, column, reference, rows)
        yield from _mean_children(spec, table, tables)


def _pairs(spec: DatasetSpec, table: TableSpec) -> Iterator[tuple[str, dict[str, str]]]:
    """Parents whose key of several columns this table refers to: parent column to own column."""
    links: dict[str, dict[str, str]] = {}
    for name, column in table.columns.items():
        if isinstance(column, Reference) and column.parent_column and not column.drop:
            links.setdefault(column.parent, {})[column.parent_column] = name
    for parent, columns in links.items():
        key = spec.tables[parent].key if parent in spec.tables else ()
        if len(key) > 1 and set(key) <= set(columns):
            yield parent, {part: columns[part] for part in key}


def _pair_result(data: Data, table: str, parent: str, columns: Mapping[str, str]) -> CheckResult:
    """Whether each combination exists in the parent, not only each value by itself."""
    matches = " AND ".join(
        f"c.{quoted(mine)}::VARCHAR = p.{quoted(theirs)}::VARCHAR"
        for theirs, mine in columns.items()
    )
    known = " AND ".join(f"c.{quoted(mine)} IS NOT NULL" for mine in columns.values())
    orphans = (
        f"FROM {data.view(table)} AS c ANTI JOIN {data.view(parent)} AS p ON {matches}"
        f" WHERE {known}"
    )
    (failing,) = data.row(f"SELECT count(*) {orphans}")
    (rows,) = data.row(f"SELECT count(*) FROM {data.view(table)} AS c WHERE {known}")
    own, target = names(list(columns.values())), f"`{parent}` ({names(list(columns))})"
    message = f"all {rows:,} combinations of {own} exist in {target}"
    if failing:
        found = data.query(
            f"SELECT DISTINCT {column_list(list(columns.values()))} {orphans} ORDER BY ALL LIMIT 5"
        )
        lost = values([" / ".join(map(str, row)) for row in found])
        message = f"{failing:,} of {rows:,} combinations of {own} don't exist in {target}: {lost}"
    name = f"{own} exist in {target}"
    return finding(table, "foreign_key", name, message, failing=failing, rows=rows)


def _loops(
    table: TableSpec, column: str, reference: Reference, rows: pa.Table
) -> Iterator[CheckResult]:
    """Rows of a tree that never reach a root: their own ancestors, or below such rows."""
    key = reference.parent_column or (table.key[0] if table.key else "")
    if not {key, column} <= set(rows.column_names):
        return
    keys, links = rows.column(key), rows.column(column)
    if keys.null_count:
        return  # told by the foreign key
    try:  # links with missing values come as decimals
        links = links.cast(keys.type)
    except pa.ArrowException:
        return
    parents = pc.index_in(links, value_set=keys.combine_chunks())
    above = pc.fill_null(parents, -1).to_numpy().astype(np.int64)
    nowhere = len(above)
    above = np.append(np.where(above < 0, nowhere, above), nowhere)
    for _ in range(max(1, math.ceil(math.log2(len(above) + 1)))):
        above = above[above]  # two steps up, four, eight …
    lost = np.flatnonzero(above[:-1] != nowhere)
    message = f"`{column}` is a tree: every row leads to a root"
    if len(lost):
        shown = values(keys.take(pa.array(lost[:5])).to_pylist())
        message = (
            f"`{column}` has loops: {len(lost):,} of {rows.num_rows:,} rows are "
            f"their own ancestors or descend from such rows: `{key}` {shown}"
        )
    name, count = f"`{column}` has no loops", len(lost)
    yield finding(table.name, "tree", name, message, failing=count, rows=rows.num_rows)


def _mean_children(
    spec: DatasetSpec, table: TableSpec, tables: Mapping[str, pa.Table]
) -> Iterator[CheckResult]:
    """Whether parents have as many children on average as `per_parent` draws."""
    asked = table.per_parent
    if asked is None or asked.distribution is None or table.name not in tables:
        return
    parents = [name for name in spec.tables if link_column(spec, table.name, name)]
    driver = next((p for p in parents if asked.of in (p, link_column(spec, table.name, p))), None)
    link = driver and link_column(spec, table.name, driver)
    if not driver or not link or driver not in tables or not tables[driver].num_rows:
        return
    if link not in tables[table.name].column_names:
        return
    total = tables[driver].num_rows
    counts = pc.value_counts(tables[table.name].column(link).drop_null()).field("counts")
    children = np.concatenate([counts.to_numpy(), np.zeros(max(0, total - len(counts)))])
    mean, expected = float(children.sum() / total), expected_children(asked)
    slack = SIGMAS * float(children.std()) / math.sqrt(total) + ROUGHLY * expected
    failing = int(abs(mean - expected) > slack)
    message = f"`{driver}` has {mean:.3g} rows of `{table.name}` on average"
    if failing:
        message += f", not about {expected:.3g}"
    name = f"rows of `{table.name}`"
    yield finding(driver, "ratio", name, message, failing=failing, rows=total)
