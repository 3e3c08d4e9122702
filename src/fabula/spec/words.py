"""Column kinds for values, texts and people."""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, StrictStr, field_validator, model_validator

from fabula.spec.columns import AbstractColumn
from fabula.spec.parameters import Scalar

PersonField = Literal[
    "name",
    "first_name",
    "last_name",
    "sex",
    "title",
    "email",
    "username",
    "phone",
    "birth_date",
    "age",
    "nationality",
    "language",
    "street",
    "address",
    "city",
    "state",
    "postcode",
    "country",
    "country_code",
    "company",
    "job",
]


class Choice(AbstractColumn):
    """One of `values`, by weight; `balance: exact` meets the shares exactly."""

    kind: Literal["choice"] = "choice"
    values: tuple[Scalar, ...] = Field(min_length=1)
    weights: tuple[Annotated[float, Field(ge=0)], ...] | None = None
    balance: Literal["random", "exact"] = "random"

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


class Pattern(AbstractColumn):
    """A string that matches a regular expression."""

    kind: Literal["pattern"] = "pattern"
    regex: str


class Template(AbstractColumn):
    """Text from other columns of the row: a sandboxed Jinja template."""

    kind: Literal["template"] = "template"
    text: str


class Expr(AbstractColumn):
    """A SQL expression over this row and, through a reference, the parent's row."""

    kind: Literal["expr"] = "expr"
    sql: str
    expressions: ClassVar = ("sql",)


class Person(AbstractColumn):
    """One attribute of a made-up person; the attributes of one row agree.

    Attributes:
        field: Which attribute.
        locale: Language and country of the people (`en`, `de`, `pt-br`), or several.
        who: Tells two people of one row apart (`buyer`, `seller`).
    """

    kind: Literal["person"] = "person"
    field: PersonField = "name"
    locale: str | tuple[str, ...] = "en"
    who: str = "person"


class Provider(AbstractColumn):
    """A value of any Mimesis or Faker provider (`finance.company`, `faker.iban`)."""

    kind: Literal["provider"] = "provider"
    name: str
    locale: str = "en"
    size: int = Field(default=10_000, ge=1, le=1_000_000)


LlmType = (
    Literal["str", "int", "float", "bool", "date", "list[str]", "list[int]", "list[float]"]
    | tuple[StrictStr | int | float | bool, ...]
    | dict[str, Any]
)


class Llm(AbstractColumn):
    """A value that a language model fills in, together with the table's other `llm` columns.

    Attributes:
        type: `str`, `int`, `float`, `bool`, `date`, a list of allowed values, or a JSON Schema.
        min: Lowest number, or fewest characters of a string.
        max: Highest number, or most characters of a string.
        pattern: Regular expression that a string must match.
        examples: Sample values, as guidance.
        prompt: A prompt of its own takes the column out of the joint record.
        model: Another model than the table's.
    """

    kind: Literal["llm"] = "llm"
    type: LlmType = "str"
    min: float | None = None
    max: float | None = None
    pattern: str | None = None
    examples: tuple[Scalar, ...] = ()
    prompt: str | None = None
    model: str | None = None


class Text(AbstractColumn):
    """Free text that a language model writes for each row from a Jinja prompt."""

    kind: Literal["text"] = "text"
    prompt: str
    min_words: int | None = Field(default=None, ge=1)
    max_words: int | None = Field(default=None, ge=1)
    language: str | None = None
    examples: tuple[str, ...] = ()
    model: str | None = None

    @model_validator(mode="after")
    def _words_in_order(self) -> Text:
        if self.min_words and self.max_words and self.min_words > self.max_words:
            raise ValueError("`min_words` is above `max_words`")
        return self


_SCALE = re.compile(r"\s*(?P<low>\d+)\s*\.\.\s*(?P<high>\d+)(?![\d.])")


class Judge(AbstractColumn):
    """A language model's verdict on other columns of the row.

    Attributes:
        of: The columns that it reads.
        rubric: A question that yes or no answers, or criteria with their scales and, if need be,
            what they mean (`{helpful: 1..5, correct: "1..5 no fact is wrong"}`); the score is
            their mean.
        at_least: Rows with a lower score (or a no) are made again, a few times, then rejected.
        model: Another model than the table's.
    """

    kind: Literal["judge"] = "judge"
    of: tuple[str, ...] = Field(min_length=1)
    rubric: str | dict[str, str]
    at_least: float | None = None
    model: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _of_as_list(cls, data: object) -> object:
        if isinstance(data, dict) and isinstance(data.get("of"), str):
            return {**data, "of": [data["of"]]}
        return data

    @model_validator(mode="after")
    def _scales_rise(self) -> Judge:
        for criterion in self.criteria:
            self.scale(criterion)
        return self

    @property
    def criteria(self) -> tuple[str, ...]:
        """The criteria of the rubric; none where it is a question."""
        return tuple(self.rubric) if isinstance(self.rubric, dict) else ()

    def scale(self, criterion: str) -> tuple[int, int]:
        """The lowest and highest grade of a criterion."""
        assert isinstance(self.rubric, dict)
        found = _SCALE.match(self.rubric[criterion])
        if found is None or int(found["low"]) >= int(found["high"]):
            raise ValueError(f"the scale of `{criterion}` must look like `1..5`")
        return int(found["low"]), int(found["high"])

    def meaning(self, criterion: str) -> str:
        """What a criterion means, in words."""
        assert isinstance(self.rubric, dict)
        told = _SCALE.sub("", self.rubric[criterion], count=1).strip(" ,:-")
        return told or f"how {criterion} the row is"


class Program(AbstractColumn):
    """A value that a function computes, which a language model writes once for the column.

    The function is tried on rows and examples, repaired where it fails, then run in the sandbox
    for all rows; the model is asked once, however many rows there are.

    Attributes:
        prompt: What the values are.
        type: `str`, `int`, `float`, `bool` or `date`.
        of: The columns that the function sees; by default those before it.
        examples: Sample values; codes among them (`TOO-0042`) set the form of all values.
        pattern: Regular expression that all values must match.
        model: Another model than the table's.
    """

    kind: Literal["program"] = "program"
    prompt: str
    type: Literal["str", "int", "float", "bool", "date"] = "str"
    of: tuple[str, ...] | None = None
    examples: tuple[Scalar, ...] = ()
    pattern: str | None = None
    model: str | None = None

    @field_validator("pattern")
    @classmethod
    def _pattern_compiles(cls, pattern: str | None) -> str | None:
        try:
            re.compile(pattern or "")
        except re.error as error:
            raise ValueError(f"`{pattern}` is not a regular expression: {error}") from error
        return pattern


class Reasoning(AbstractColumn):
    """What a language model thought before it filled other columns of the row.

    Empty where the model gave no reasoning. Columns that were asked together share one.

    Attributes:
        of: `llm` and `text` columns of the table.
    """

    kind: Literal["reasoning"] = "reasoning"
    of: tuple[str, ...] = Field(min_length=1)

    @field_validator("of", mode="before")
    @classmethod
    def _as_list(cls, of: object) -> object:
        return [of] if isinstance(of, str) else of


FILLED = (Llm, Text, Judge)
"""Kinds that a language model fills."""
