"""The plan of a run: what is made, in which order, at what cost. Stage 2 of 6.

A `Plan` is pure data made from a `DatasetSpec`; making it calls no model and draws no number.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from fabula.kinds.base.columns import AbstractColumn
from fabula.kinds.reference import Reference
from fabula.llm.cache.prices import prices_dated
from fabula.llm.client.permission import sent
from fabula.render import amounts, grid
from fabula.render.results import Result
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
        cost: Expected price in USD, lowest and highest; None if no price is known.
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


@dataclass(frozen=True, repr=False)
class Plan(Result):
    """Everything that a run needs to know, decided before it starts.

    Attributes:
        spec: The spec with its row counts settled.
        seed: The run's seed.
        tables: Tables, parents first.
        calls: The calls to models.
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

    def building_on(self, tables: Collection[str]) -> set[str]:
        """Some tables, and those whose references lead to them."""
        found = set(tables)
        for table in self.tables:
            if found & {link.parent for link in table.references.values()}:
                found.add(table.name)
        return found

    def report(self) -> str:
        """Order, rows and references of each table; each model's calls; the total."""
        rows = [("table", "rows", "columns", "references")]
        rows += [
            (table.name, _rows(table), str(len(table.spec.written)), _references(table))
            for table in self.tables
        ]
        parts = ["Order: " + " → ".join(self.order)]
        parts.append("\n".join(f"  {line}" for line in grid.lines(rows, right=(False, True, True))))
        if self.calls:
            asked = [_call(call) for call in self.calls]
            lines = [*grid.lines(asked), *_sends(self)]
            parts.append("\n".join(["Models:", *(f"  {line}" for line in lines)]))
        parts.append(_sum(self))
        return "\n\n".join(parts)

    def to_dict(self) -> dict[str, Any]:
        """The plan as JSON-ready values."""
        return {
            "name": self.spec.name,
            "seed": self.seed,
            "order": list(self.order),
            "tables": {
                table.name: {
                    "rows": table.rows,
                    "exact": table.exact,
                    "columns": list(table.spec.written),
                    "references": {name: item.parent for name, item in table.references.items()},
                }
                for table in self.tables
            },
            "models": [
                {
                    "table": call.table,
                    "model": call.model,
                    "columns": list(call.columns),
                    "rows": call.rows,
                    "calls": list(call.calls),
                    "tokens": list(call.tokens),
                    "cost_usd": list(call.cost) if call.cost else None,
                    "seconds": list(call.seconds),
                }
                for call in self.calls
            ],
            "sends": _sends(self),
            "bytes": self.bytes,
            "seconds": self.seconds,
        }


def _sends(plan: Plan) -> list[str]:
    """What leaves the environment, and where to: variables that models of the spec get."""
    lines = []
    for name in dict.fromkeys(call.model for call in plan.calls):
        model = plan.spec.models.get(name)
        if model is None or isinstance(model, str):
            continue
        host, variables = sent(model.base_url, model.api_key_env, model.headers)
        host = host or f"{model.provider}'s own host"
        lines += [f"sends ${variable} to {host}" for variable in variables]
    return list(dict.fromkeys(lines))


def _rows(table: TablePlan) -> str:
    return amounts.count(table.rows) if table.exact else f"~{amounts.count(table.rows)}"


def _references(table: TablePlan) -> str:
    return ", ".join(f"{name} → {item.parent}" for name, item in table.references.items())


def _call(call: ModelCalls) -> tuple[str, ...]:
    cost = amounts.span(*call.cost, amounts.money) if call.cost else "price unknown"
    return (
        call.model,
        f"{call.table}: {', '.join(call.columns)}",
        amounts.span(*call.calls, lambda calls: f"{round(calls):,} calls"),
        amounts.span(*call.tokens, amounts.large) + " tokens",
        cost,
        amounts.span(*call.seconds, amounts.duration),
    )


def _paid(call: ModelCalls) -> bool:
    return call.cost is not None and call.cost[1] > 0


def _models_of_agents(plan: Plan) -> list[str]:
    """The files of the models that the plan's rows come from."""
    asked = [table.spec.simulation for table in plan.tables]
    return list(dict.fromkeys(each.model_dump()["file"] for each in asked if each is not None))


def _sum(plan: Plan) -> str:
    rows = sum(table.rows for table in plan.tables)
    about = "" if all(table.exact for table in plan.tables) else "about "
    time = amounts.duration(plan.seconds)
    time = time if time.startswith("<") else f"about {time}"
    parts = [
        f"{about}{amounts.count(rows, 'row')}",
        f"{amounts.size(plan.bytes)} of values",
        time + (" besides model calls" if plan.calls else ""),
        f"seed {plan.seed}",
        *([f"list prices of {prices_dated()}"] if any(_paid(call) for call in plan.calls) else ()),
        *(f"{file} ran for its rows" for file in _models_of_agents(plan)),
        "nothing was called or written",
    ]
    return "Total: " + " · ".join(parts)
