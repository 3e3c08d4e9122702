"""The spec's tree: a dataset of tables, models and outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import (
    Field,
    PrivateAttr,
    field_validator,
    model_validator,
)

from fabula.kinds import KINDS, Column, Distribution, simulation, source
from fabula.kinds.base.distributions import AbstractDistribution
from fabula.kinds.base.parameters import SpecModel
from fabula.kinds.checks import Check
from fabula.kinds.expr import Expr
from fabula.kinds.learned import LearnedTable
from fabula.kinds.poisson import Poisson
from fabula.kinds.reasoning import is_dropped
from fabula.kinds.reference import Reference
from fabula.kinds.simulation import SimulationTable
from fabula.kinds.source import SourceTable
from fabula.kinds.uniform import Uniform
from fabula.spec.locations import Source
from fabula.spec.messages import ToldInWords
from fabula.spec.models import ModelSpec
from fabula.spec.outputs import OutputSpec

_WHOLE_UNIFORM = {"kind", "min", "max", "decimals"}

__all__ = ["Correlation", "DatasetSpec", "ModelSpec", "OutputSpec", "PerParent", "TableSpec"]


def _distribution(name: object) -> type[AbstractDistribution] | None:
    kind = None if name in PerParent.model_fields else KINDS.get(str(name))
    return kind if kind is not None and issubclass(kind, AbstractDistribution) else None


class PerParent(SpecModel):
    """How many rows each parent row has.

    Attributes:
        of: The parent table, or this table's reference column where several lead to it.
        fixed: The same number for each parent.
        distribution: A drawn number for each parent, rounded; `poisson: 10` is short for
            `distribution: {kind: poisson, mean: 10}`.
        min: Fewest rows of a parent.
        max: Most rows of a parent.
    """

    of: str
    fixed: int | None = Field(default=None, ge=0)
    distribution: Distribution | None = None
    min: int = Field(default=0, ge=0)
    max: int | None = Field(default=None, ge=0)

    @model_validator(mode="before")
    @classmethod
    def _short_distribution(cls, data: object) -> object:
        """Accept `poisson: 10` and `uniform: [1, 5]`."""
        if not isinstance(data, dict):
            return data
        short = {name: kind for name in data if (kind := _distribution(name)) is not None}
        if len(short) != 1:
            return data
        ((name, kind),) = short.items()
        rest = {key: value for key, value in data.items() if key != name}
        value = data[name]
        given = value if isinstance(value, dict) else kind.from_short(value, data.get("max"))
        return {**rest, "distribution": {"kind": name, **given}}

    @model_validator(mode="after")
    def _one_way(self) -> PerParent:
        if self.fixed is not None and self.distribution is not None:
            raise ValueError("give `fixed` or a distribution, not both")
        if self.fixed is None and self.distribution is None and self.max is None:
            raise ValueError("say how many: `fixed: 3`, `poisson: 10`, or `min` and `max`")
        if self.max is not None and self.min > self.max:
            raise ValueError("`min` is above `max`")
        return self

    def shortened(self, plain: dict[str, Any]) -> dict[str, Any]:
        """A distribution of usual parameters by its name."""
        given = plain.get("distribution", {})
        match self.distribution:
            case Poisson(mean=mean) if len(given) == 2:
                short: dict[str, Any] = {"poisson": mean}
            case Uniform(min=low, max=high, decimals=0) if set(given) <= _WHOLE_UNIFORM:
                short = {"uniform": [low, high]}
            case _:
                return plain
        rest = {key: value for key, value in plain.items() if key not in ("of", "distribution")}
        return {"of": self.of, **short, **rest}


class Correlation(SpecModel):
    """Numeric columns that vary together (a Gaussian copula over their own distributions).

    Attributes:
        columns: Two or more distributions or choices of numbers, without expressions in their
            parameters.
        r: The correlation of two columns.
        matrix: The correlation matrix of several, in the order of `columns`.
        method: Which correlation the numbers mean.
    """

    columns: tuple[str, ...] = Field(min_length=2)
    r: float | None = Field(default=None, ge=-1, le=1)
    matrix: tuple[tuple[Annotated[float, Field(ge=-1, le=1)], ...], ...] | None = None
    method: Literal["pearson", "spearman"] = "pearson"

    @model_validator(mode="after")
    def _square(self) -> Correlation:
        size = len(self.columns)
        if self.matrix is None:
            if size != 2 or self.r is None:
                raise ValueError("give `r` for two columns, or a `matrix`")
            return self
        if self.r is not None:
            raise ValueError("give `r` or `matrix`, not both")
        if len(self.matrix) != size or any(len(row) != size for row in self.matrix):
            raise ValueError(f"`matrix` must be {size} x {size}, like `columns`")
        for i, row in enumerate(self.matrix):
            if row[i] != 1 or any(abs(row[j] - self.matrix[j][i]) > 1e-9 for j in range(size)):
                raise ValueError("`matrix` must be symmetric with ones on its diagonal")
        return self

    @property
    def full(self) -> tuple[tuple[float, ...], ...]:
        """The correlation matrix, whichever way it was given."""
        if self.matrix is not None:
            return self.matrix
        assert self.r is not None
        return ((1.0, self.r), (self.r, 1.0))


def _kind_of(column: object) -> object:
    return column.get("kind") if isinstance(column, dict) else getattr(column, "kind", None)


def _is_reasoning(column: object) -> bool:
    return _kind_of(column) == "reasoning"


class TableSpec(SpecModel, metaclass=ToldInWords):
    """A table: how many rows, which columns, which rules.

    Attributes:
        name: The table's name; in YAML it is the key under `tables`.
        n: Rows.
        per_parent: Rows for each row of a parent table, instead of `n`.
        after: Rows that earlier runs made: columns that may not repeat continue after them, and the
            others are drawn from other random numbers.
        columns: Columns by name, in the order of the output.
        learned: A fitted synthesizer whose columns follow those of `columns`; a column of the
            same name takes its place.
        source: A real file whose rows the table has, with new people in place of the real ones;
            a column of `columns` of the same name takes its place. Short for it is a table
            `kind: source` with `file`, `person` and actions among its `columns`.
        simulation: A model of agents whose table this is; `columns` add to the model's, or take
            their place. Short for it is a table `kind: simulation` with `file`.
        primary_key: Columns that identify a row; by default the first `key` or `uuid` column.
        unique: Groups of columns whose combination may not repeat.
        correlations: Groups of numeric columns that vary together.
        prompt: What the rows are about, for the language model.
        examples: Sample rows or sentences, for the language model.
        rows_per_call: Rows per call to the language model; by default chosen automatically.
        model: The language model for this table: `local`, `fake`, `openai:NAME` or a name
            from `models`.
        checks: Rules that the rows must keep; from Python, also functions of a row that return
            True or False, whose parameters are named like the columns that they take.
        reasoning: `keep` adds a column `reasoning` of what the model thought before it wrote.
    """

    name: str = ""
    n: int | None = Field(default=None, ge=0)
    per_parent: PerParent | None = None
    after: int = Field(default=0, ge=0)
    columns: dict[str, Column] = Field(default_factory=dict)
    learned: LearnedTable | None = None
    source: SourceTable | None = None
    simulation: SimulationTable | None = None
    primary_key: tuple[str, ...] = ()
    unique: tuple[tuple[str, ...], ...] = ()
    correlations: tuple[Correlation, ...] = ()
    prompt: str = ""
    examples: tuple[str | dict[str, Any], ...] = ()
    rows_per_call: int | None = Field(default=None, ge=1)
    model: str | None = None
    checks: tuple[Check, ...] = ()
    reasoning: Literal["keep"] | None = None

    spread_keys: ClassVar = (*SourceTable.model_fields, *SimulationTable.model_fields)
    """What tables `kind: source` and `kind: simulation` take alongside."""

    if TYPE_CHECKING:

        def __init__(self, name: str = "", /, **data: Any) -> None: ...

    @model_validator(mode="before")
    @classmethod
    def _rows_as_kind(cls, data: object) -> object:
        kind = data.get("kind") if isinstance(data, dict) else None
        spread = {"source": source.spread, "simulation": simulation.spread}.get(str(kind))
        return spread(data) if spread and isinstance(data, dict) else data

    @model_validator(mode="before")
    @classmethod
    def _primary_key_as_list(cls, data: object) -> object:
        if isinstance(data, dict) and isinstance(data.get("primary_key"), str):
            return {**data, "primary_key": [data["primary_key"]]}
        return data

    @field_validator("checks", mode="before")
    @classmethod
    def _functions_as_checks(cls, checks: object) -> object:
        if not isinstance(checks, list | tuple):
            return checks
        return [{"kind": "function", "function": c} if callable(c) else c for c in checks]

    @model_validator(mode="before")
    @classmethod
    def _with_reasoning(cls, data: object) -> object:
        if not isinstance(data, dict) or data.get("reasoning") != "keep":
            return data
        columns = data.get("columns")
        if not isinstance(columns, dict) or any(map(_is_reasoning, columns.values())):
            return data
        of = [name for name, column in columns.items() if _kind_of(column) in ("llm", "text")]
        own = {"kind": "reasoning", "of": of}
        name = "reasoning" if "reasoning" not in columns else "model_reasoning"
        return {**data, "columns": {**columns, name: own}} if of else data

    @model_validator(mode="after")
    def _one_size(self) -> TableSpec:
        if self.n is not None and self.per_parent is not None:
            raise ValueError("give `n` or `per_parent`, not both")
        rows = [name for name in ("source", "simulation") if getattr(self, name) is not None]
        if rows and self.per_parent is not None:
            raise ValueError(f"the rows are those of the `{rows[0]}`: leave out `per_parent`")
        if len(rows) > 1:
            raise ValueError("give `source` or `simulation`, not both")
        if not self.columns and self.learned is None and not rows:
            raise ValueError("say which `columns` it has")
        return self

    @property
    def written(self) -> tuple[str, ...]:
        """Names of the columns that are written."""
        return tuple(name for name, column in self.columns.items() if not column.drop)

    @property
    def key(self) -> tuple[str, ...]:
        """The primary key's columns; empty if the table has none."""
        if self.primary_key:
            return self.primary_key
        keys = [name for name, column in self.columns.items() if column.kind in ("key", "uuid")]
        return tuple(keys[:1])

    def pointing(self, reference: str, parent: TableSpec) -> dict[str, str]:
        """This table's columns that hold a parent's key, each with the parent's column.

        A reference names one column. If the key has several, expressions copy the others:
        `user_id: {kind: expr, sql: loan_number.user_id}`.

        Args:
            reference: The reference.
            parent: The table that it refers to.
        """
        link = self.columns[reference]
        assert isinstance(link, Reference)
        named = link.parent_column or "".join(parent.key if len(parent.key) == 1 else ())
        copies = {
            column.sql.replace('"', "").strip(): name
            for name, column in self.columns.items()
            if isinstance(column, Expr)
        }
        if named not in parent.key:
            return {reference: named} if named else {}
        held = {part: copies.get(f"{reference}.{part}") for part in parent.key} | {named: reference}
        return {name: part for part, name in held.items() if name}

    def shortened(self, plain: dict[str, Any]) -> dict[str, Any]:
        """Without the name, which is the table's key in a file; columns before rules."""
        plain.pop("name", None)
        if len(self.primary_key) == 1:
            plain["primary_key"] = self.primary_key[0]
        last = ("columns", "correlations", "checks")
        return {
            **{key: value for key, value in plain.items() if key not in last},
            **{key: plain[key] for key in last if key in plain},
        }


def with_reasoning(spec: DatasetSpec, reasoning: str) -> DatasetSpec:
    """The spec whose tables keep the reasoning of the models that fill them, or drop it.

    Raises:
        UsageError: `reasoning` is neither `keep` nor `drop`.
    """
    if is_dropped(reasoning):
        return spec
    tables = {
        name: TableSpec(**{**dict(table), "reasoning": "keep"})
        for name, table in spec.tables.items()
    }
    return spec.model_copy(update={"tables": tables})


class DatasetSpec(SpecModel, metaclass=ToldInWords):
    """Everything that is wanted: tables and the models that help to make them."""

    fabula: Literal[1] = 1
    name: str = "dataset"
    description: str = ""
    seed: int = 0
    models: dict[str, str | ModelSpec] = Field(default_factory=dict)
    tables: dict[str, TableSpec] = Field(min_length=1)
    outputs: tuple[OutputSpec, ...] = ()

    _source: Source = PrivateAttr(default=Source())

    @property
    def source(self) -> Source:
        """The text of the spec, for the lines of problems."""
        return self._source

    def written_in(self, source: Source) -> DatasetSpec:
        """The same spec with the text that it was written in."""
        spec = self.model_copy()
        spec._source = source
        return spec

    def to_yaml(self) -> str:
        """The spec as the text of a YAML file that is pleasant to edit."""
        from fabula.spec.writing import to_yaml

        return to_yaml(self)

    def to_json(self) -> str:
        """The spec as JSON text. JSON has no dates: a `choice` of dates becomes one of texts."""
        from fabula.spec.plain import to_json

        return to_json(self)

    def shortened(self, plain: dict[str, Any]) -> dict[str, Any]:
        """The version of the format first."""
        return {"fabula": self.fabula, **plain}

    @model_validator(mode="before")
    @classmethod
    def _named_tables(cls, data: object) -> object:
        """Give each table the name of its key; accept a list of named tables."""
        if not isinstance(data, dict):
            return data
        tables = data.get("tables")
        if isinstance(tables, list | tuple):
            tables = {getattr(table, "name", ""): table for table in tables}
        if not isinstance(tables, dict):
            return data
        return {**data, "tables": {name: _named(table, name) for name, table in tables.items()}}


def _named(table: Any, name: Any) -> Any:
    if isinstance(table, TableSpec):
        return table.model_copy(update={"name": name})
    return {**table, "name": name} if isinstance(table, dict) else table
