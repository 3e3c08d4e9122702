"""What a program is to give: tables with columns, types and numbers of rows, as far as known.

It comes from a sentence (columns are wanted as they are listed, types are hints), from a spec
(everything is demanded), or from a sentence that lists nothing: then the program decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from fabula.errors import UsageError
from fabula.inference.check_shorthand import with_said_relations
from fabula.inference.prompt_tables import tables_from_prompt, with_any_links
from fabula.inference.prompts import counts_of, is_column_name, is_prompt, spec_from_prompt
from fabula.kinds.base.arrow import column_type
from fabula.kinds.base.columns import AbstractColumn
from fabula.kinds.key import Key
from fabula.kinds.reference import Reference
from fabula.planning.planner import make_plan, settle, sizes_of
from fabula.spec.tables import DatasetSpec
from fabula.types import Size


@dataclass(frozen=True)
class TargetTable:
    """A table that is wanted; the program decides `rows` that are None and types that are null."""

    name: str
    rows: int | None
    types: Mapping[str, pa.DataType]


@dataclass(frozen=True)
class Targets:
    """Everything that a program is to give.

    Attributes:
        prompt: The user's words; empty if a spec says it all.
        spec: The spec of the tables; None if the program decides which tables there are.
        strict: Whether the spec is the user's own rather than read out of a sentence.
        tables: The tables; empty if the program decides.
        rows: Rows of the only table if nothing else is known.
    """

    prompt: str
    spec: DatasetSpec | None
    strict: bool
    tables: tuple[TargetTable, ...]
    rows: int | None = None

    @property
    def any_links(self) -> frozenset[str]:
        """The tables that may have links which the request does not list."""
        return frozenset() if self.strict or self.spec is None else with_any_links(self.prompt)

    @property
    def name(self) -> str:
        """A name for the run."""
        return self.spec.name if self.spec is not None else "dataset"


def wanted_of(request: str | DatasetSpec, n: Size = None) -> Targets:
    """What a sentence or a spec asks for.

    Raises:
        SpecError: The spec has problems.
        UsageError: The sentence is empty, or its rows or `n` do not fit the tables.
    """
    _check_sizes(n)
    if isinstance(request, str) and not request.strip():
        raise UsageError(
            "the request is empty",
            code="usage.no-request",
            hint='describe what you want: `fabula program "100 rows of houses: id, size, price"`',
        )
    if isinstance(request, DatasetSpec):
        settled = settle(request, n=n)
        return Targets(request.description, settled, True, planned_tables(settled))
    spec = tables_from_prompt(request)
    if spec is None and is_prompt(request):
        try:
            spec = spec_from_prompt(request)
        except UsageError as error:
            if error.code != "usage.no-columns":
                raise
        if spec is not None and not all(
            map(is_column_name, *(t.columns for t in spec.tables.values()))
        ):
            spec = None  # pieces of a sentence
    if spec is None:
        if isinstance(n, Mapping):
            raise UsageError(
                "the sentence does not name its tables, so rows can't be given by table",
                code="usage.unknown-table",
                hint="give `-n 100`, or list each table's columns below its name",
            )
        said = counts_of(request)
        return Targets(request, None, False, (), said[0] if n is None and len(said) == 1 else n)
    sized = with_said_relations(_with_sizes(spec, n), request)
    _check_sizes({name: table.n for name, table in sized.tables.items() if table.n is not None})
    return Targets(request, sized, False, hinted_tables(sized))


def planned_tables(spec: DatasetSpec) -> tuple[TargetTable, ...]:
    """The tables of a user's spec, with the rows and types of its plan.

    Raises:
        SpecError: The spec has problems.
    """
    plan = make_plan(_without_pairs(spec))
    return tuple(
        TargetTable(
            name,
            plan[name].rows if plan[name].exact else None,
            {field.name: field.type for field in plan[name].schema},
        )
        for name in spec.tables
    )


def _without_pairs(spec: DatasetSpec) -> DatasetSpec:
    """The spec with links to a part of a longer key as plain columns.

    No engine makes such pairs, so no plan takes them; a program can, and gates look at them.
    """
    tables = {}
    for name, table in spec.tables.items():
        columns = dict(table.columns)
        for key, column in table.columns.items():
            parent = spec.tables.get(column.parent) if isinstance(column, Reference) else None
            if isinstance(column, Reference) and parent is not None and len(parent.key) > 1:
                part = parent.columns.get(column.parent_column or "")
                columns[key] = column if part is None else part
        tables[name] = table.model_copy(update={"columns": columns})
    return spec.model_copy(update={"tables": tables})


def hinted_tables(spec: DatasetSpec) -> tuple[TargetTable, ...]:
    """The tables of a spec that was read out of a sentence."""
    return tuple(
        TargetTable(name, table.n, {key: _hint(kind) for key, kind in table.columns.items()})
        for name, table in spec.tables.items()
    )


def _hint(column: AbstractColumn) -> pa.DataType:
    """The type that a sentence's words point to; text is what nothing points to.

    An id may be a number or a code, unless the sentence says that it counts.
    """
    if isinstance(column, Key) and not column.description:
        return pa.null()
    found = None if isinstance(column, Reference) else column_type(column)
    numeric = found is not None and (pa.types.is_integer(found) or pa.types.is_floating(found))
    return pa.float64() if numeric else pa.null()


def _with_sizes(spec: DatasetSpec, n: Size) -> DatasetSpec:
    tables = dict(spec.tables)
    for name, rows in sizes_of(spec, n, said_by="sentence").items():
        tables[name] = tables[name].model_copy(update={"n": rows})
    return spec.model_copy(update={"tables": tables})


def _check_sizes(n: Size) -> None:
    for rows in n.values() if isinstance(n, Mapping) else () if n is None else (n,):
        if rows < 1:
            raise UsageError(
                f"a program can't make {rows:,} rows",
                code="usage.bad-size",
                hint="ask for at least one row",
            )
