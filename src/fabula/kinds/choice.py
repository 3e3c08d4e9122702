"""One of a list of values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from fabula.kinds import column_kind
from fabula.kinds.base.columns import AbstractColumn
from fabula.kinds.base.parameters import Scalar, plain_number
from fabula.kinds.base.problems import Problem
from fabula.kinds.base.values import CATEGORY, type_of_values, whole_number_problems


@column_kind(example="{kind: choice, values: {free: 6, pro: 3, team: 1}}", aka=("category", "enum"))
class Choice(AbstractColumn):
    """One of `values`, by weight; `balance: exact` meets the shares exactly."""

    kind: Literal["choice"] = "choice"
    values: tuple[Scalar, ...] = Field(min_length=1)
    weights: tuple[Annotated[float, Field(ge=0)], ...] | None = None
    balance: Literal["random", "exact"] = "random"

    section: ClassVar = "values"
    positional: ClassVar = ("values",)
    short_forms: ClassVar = {
        "values": {"type": "object", "additionalProperties": {"type": "number"}}
    }

    @model_validator(mode="before")
    @classmethod
    def _weights_from_mapping(cls, data: object) -> object:
        """Accept `values: {red: 3, blue: 1}` as values with weights."""
        if isinstance(data, dict) and isinstance(data.get("values"), dict):
            values = data["values"]
            return {**data, "values": list(values), "weights": list(values.values())}
        return data

    @model_validator(mode="after")
    def _weights_fit(self) -> Choice:
        if self.weights is not None and len(self.weights) != len(self.values):
            raise ValueError(f"{len(self.weights)} weights for {len(self.values)} values")
        if self.weights is not None and not sum(self.weights) > 0:
            raise ValueError("at least one weight must be above 0")
        return self

    def arrow_type(self) -> str:
        """One type for all values; texts are categories."""
        return type_of_values(self.values)

    @property
    def allowed(self) -> tuple[Scalar, ...]:
        """All of `values`."""
        return self.values

    @property
    def orders(self) -> bool:
        numbers = all(isinstance(v, int | float) and abs(v) <= 2**53 for v in self.values)
        return numbers and self.arrow_type() in ("int64", "float64") and self.balance == "random"

    def capacity(self) -> float:
        """The distinct values that have a weight."""
        weights = self.weights or (1.0,) * len(self.values)
        pairs = zip(self.values, weights, strict=True)
        usable = [value for value, weight in pairs if weight and value is not None]
        texts = self.arrow_type() == CATEGORY
        return len({str(value) if texts else value for value in usable})

    def problems(self) -> Iterator[Problem]:
        """Whole numbers that 64 bits don't hold."""
        yield from whole_number_problems(self.values, "values")

    def shortened(self, plain: dict[str, Any]) -> dict[str, Any]:
        """Texts with weights as one mapping."""
        if self.weights is None:
            return plain
        weights = [plain_number(weight) for weight in self.weights]
        texts = [value for value in self.values if isinstance(value, str) and len(value) < 100]
        if len(set(texts)) != len(self.values):
            return {**plain, "weights": weights}
        rest = {key: value for key, value in plain.items() if key != "weights"}
        return {**rest, "values": dict(zip(texts, weights, strict=True))}
