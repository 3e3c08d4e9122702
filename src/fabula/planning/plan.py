"""The plan of a run: what is made, in which order, at what cost. Stage 2 of 6.

A `Plan` is pure data made from a `DatasetSpec`; making it calls no model and draws no number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from fabula.kinds.base.columns import AbstractColumn
from fabula.kinds.reference import Reference
from fabula.spec.tables import DatasetSpec, TableSpec


@dataclass(frozen=True)
class ColumnPlan:
    """One column, ready to be made.

    Attributes:
        name: The column's name.
        spec: Its kind and parameters.
        type: Its Arrow type.
        needs: Columns of the same row that it uses; `customer_id.signed_up` is the parent's.
        sql: Its expression parameters as SQL over the row, by parameter name.
    """

    name: str
    spec: AbstractColumn
    type: pa.DataType
    needs: tuple[str, ...] = ()
    sql: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ReferencePlan:
    """A foreign key, resolved.

    Attributes:
        column: The referencing column.
        spec: Its parameters.
        parent: The parent table.
        key: The parent's column whose values are referenced.
        attributes: The parent's columns that this table uses through the reference.
        driver: True when `per_parent` decides how many rows each parent has.
        loose: True when the parent comes later (a cycle that this nullable side breaks).
        within: References of the same table that, with this one, may not repeat a pair.
    """

    column: str
    spec: Reference
    parent: str
    key: str
    attributes: tuple[str, ...] = ()
    driver: bool = False
    loose: bool = False
    within: tuple[str, ...] = ()


@dataclass(frozen=True)
class TablePlan:
    """One table, ready to be made.

    Attributes:
        spec: The table as asked.
        rows: Rows; an expectation where `per_parent` draws them (`exact` is then False).
        exact: Whether `rows` is exact.
        steps: Column names in groups; each group needs only earlier ones.
        columns: Plans by column name.
        references: Foreign keys by column name.
    """

    spec: TableSpec
    rows: int
    exact: bool
    steps: tuple[tuple[str, ...], ...]
    columns: Mapping[str, ColumnPlan]
    references: Mapping[str, ReferencePlan]

    @property
    def name(self) -> str:
        """The table's name."""
        return self.spec.name

    @property
    def schema(self) -> pa.Schema:
        """Arrow schema of the written columns, in the spec's order."""
        return pa.schema([(name, self.columns[name].type) for name in self.spec.written])

    @property
    def driver(self) -> ReferencePlan | None:
        """The reference whose parents decide the number of rows, if any."""
        return next((item for item in self.references.values() if item.driver), None)


@dataclass(frozen=True)
class ModelCalls:
    """What one table asks of one model.

    Attributes:
        table: The table.
        model: The model as named in the spec.
        columns: The columns that the calls fill.
        rows: Rows to fill.
        calls: Expected calls, lowest and highest.
        tokens: Expected tokens, lowest and highest.
        cost: Expected price in USD, lowest and highest; None where no price is known.
        seconds: Expected time, lowest and highest.
    """

    table: str
    model: str
    columns: tuple[str, ...]
    rows: int
    calls: tuple[int, int]
    tokens: tuple[int, int]
    cost: tuple[float, float] | None
    seconds: tuple[float, float]


@dataclass(frozen=True)
class Plan:
    """Everything that a run needs to know, decided before it starts.

    Attributes:
        spec: The spec with its row counts settled.
        seed: The run's seed.
        tables: Tables, parents first.
        calls: What is asked of models.
        bytes: Expected size of the data in memory form, bytes.
        seconds: Expected time without model calls.
    """

    spec: DatasetSpec
    seed: int
    tables: tuple[TablePlan, ...]
    calls: tuple[ModelCalls, ...] = ()
    bytes: int = 0
    seconds: float = 0.0

    def __getitem__(self, name: str) -> TablePlan:
        for table in self.tables:
            if table.name == name:
                return table
        raise KeyError(name)

    @property
    def order(self) -> tuple[str, ...]:
        """Table names, parents first."""
        return tuple(table.name for table in self.tables)
