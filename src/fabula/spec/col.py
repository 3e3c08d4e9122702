"""Columns in Python: one function for each column kind, named as in a spec file.

    >>> from fabula import TableSpec, col
    >>> price = col.normal(20, 5, min=1, decimals=2)
    >>> books = TableSpec("books", n=3, columns={"id": col.key(), "price": price})

What every column takes (`nulls`, `unique`, `drop`, `description`) is a keyword of each function.
A number may be text instead: a SQL expression over earlier columns, `col.normal("20 * size", 5)`.
"""
# ruff: noqa: A002  (parameters have the names that they have in a spec file)

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypedDict, TypeVar, Unpack

from pydantic import ValidationError

from fabula.errors import SpecError
from fabula.spec import keys, numbers, times, words
from fabula.spec import learned as learning
from fabula.spec.columns import AbstractColumn, AbstractNumber
from fabula.spec.messages import violations_of
from fabula.spec.parameters import Parameter, Scalar

__all__ = [
    "bernoulli",
    "beta",
    "binomial",
    "choice",
    "constant",
    "datetime",
    "exponential",
    "expr",
    "gamma",
    "judge",
    "key",
    "learned",
    "llm",
    "lognormal",
    "mixture",
    "normal",
    "pareto",
    "pattern",
    "person",
    "poisson",
    "program",
    "provider",
    "reasoning",
    "reference",
    "sequence",
    "template",
    "text",
    "uniform",
    "uuid",
    "zipf",
]

ColumnT = TypeVar("ColumnT", bound=AbstractColumn)


class Basics(TypedDict, total=False):
    """What every column takes."""

    nulls: float
    unique: bool
    drop: bool


class Common(Basics, total=False):
    """What every column takes, with its description."""

    description: str


class NumberCommon(Common, total=False):
    """What every number takes: bounds that it is cut to, and decimals that it is rounded to."""

    min: Parameter
    max: Parameter
    decimals: int


def key(*, start: int = 1, step: int = 1, **common: Unpack[Common]) -> keys.Key:
    """The table's own key: whole numbers from `start` by `step`."""
    return _make(keys.Key, start=start, step=step, **common)


def sequence(
    start: float | dt.date = 1,
    step: float | str = 1,
    *,
    within: str | None = None,
    **common: Unpack[Common],
) -> keys.Sequence:
    """Numbers or dates in steady steps: `sequence(dt.date(2024, 1, 1), "1d")`.

    `within` names the reference whose parents each have a sequence of their own.
    """
    return _make(keys.Sequence, start=start, step=step, within=within, **common)


def uuid(**common: Unpack[Common]) -> keys.Uuid:
    """A random (version 4) UUID."""
    return _make(keys.Uuid, **common)


def constant(value: Scalar, **common: Unpack[Common]) -> keys.Constant:
    """The same value in every row."""
    return _make(keys.Constant, value=value, **common)


def reference(
    to: str,
    *,
    skew: float | None = None,
    weights: str | None = None,
    **common: Unpack[Common],
) -> keys.Reference:
    """A foreign key to a row of table `to`, or to its column (`"suppliers.code"`)."""
    return _make(keys.Reference, to=to, skew=skew, weights=weights, **common)


def choice(
    values: Sequence[Scalar] | Mapping[Any, float],
    *,
    weights: Sequence[float] | None = None,
    balance: Literal["random", "exact"] = "random",
    **common: Unpack[Common],
) -> words.Choice:
    """One of `values`, by weight: `choice({"book": 5, "toy": 3})`."""
    listed = dict(values) if isinstance(values, Mapping) else list(values)
    given = {} if weights is None else {"weights": list(weights)}
    return _make(words.Choice, values=listed, balance=balance, **given, **common)


def uniform(
    min: Parameter = 0.0,
    max: Parameter = 1.0,
    *,
    decimals: int | None = None,
    **common: Unpack[Common],
) -> numbers.Uniform:
    """A uniform number between `min` and `max`; whole numbers with `decimals=0`."""
    return _make(numbers.Uniform, min=min, max=max, decimals=decimals, **common)


def normal(
    mean: Parameter = 0.0, std: Parameter = 1.0, **common: Unpack[NumberCommon]
) -> numbers.Normal:
    """A normal number."""
    return _make(numbers.Normal, mean=mean, std=std, **common)


def lognormal(
    median: Parameter = 1.0, sigma: Parameter = 1.0, **common: Unpack[NumberCommon]
) -> numbers.Lognormal:
    """A number whose logarithm is normal: `median`, and `sigma` of the logarithm."""
    return _make(numbers.Lognormal, median=median, sigma=sigma, **common)


def exponential(mean: Parameter = 1.0, **common: Unpack[NumberCommon]) -> numbers.Exponential:
    """An exponential number."""
    return _make(numbers.Exponential, mean=mean, **common)


def gamma(
    shape: Parameter, scale: Parameter = 1.0, **common: Unpack[NumberCommon]
) -> numbers.Gamma:
    """A gamma number (mean: shape x scale)."""
    return _make(numbers.Gamma, shape=shape, scale=scale, **common)


def beta(a: Parameter, b: Parameter, **common: Unpack[NumberCommon]) -> numbers.Beta:
    """A beta number between 0 and 1."""
    return _make(numbers.Beta, a=a, b=b, **common)


def pareto(
    shape: Parameter,
    min: Parameter = 1.0,
    *,
    max: Parameter | None = None,
    decimals: int | None = None,
    **common: Unpack[Common],
) -> numbers.Pareto:
    """A Pareto number: `min` times a power tail of `shape`."""
    return _make(numbers.Pareto, shape=shape, min=min, max=max, decimals=decimals, **common)


def poisson(mean: Parameter, **common: Unpack[NumberCommon]) -> numbers.Poisson:
    """A count."""
    return _make(numbers.Poisson, mean=mean, **common)


def binomial(trials: Parameter, p: Parameter, **common: Unpack[NumberCommon]) -> numbers.Binomial:
    """Successes among `trials`, each with chance `p`."""
    return _make(numbers.Binomial, trials=trials, p=p, **common)


def bernoulli(p: Parameter = 0.5, **common: Unpack[Common]) -> numbers.Bernoulli:
    """True with chance `p`."""
    return _make(numbers.Bernoulli, p=p, **common)


def zipf(
    exponent: float = 1.1,
    max: int = 1000,
    *,
    min: Parameter | None = None,
    decimals: int | None = None,
    **common: Unpack[Common],
) -> numbers.Zipf:
    """A rank from 1 to `max`, with probability proportional to rank ** -exponent."""
    return _make(numbers.Zipf, exponent=exponent, max=max, min=min, decimals=decimals, **common)


def mixture(
    of: Sequence[AbstractNumber | tuple[float, AbstractNumber]], **common: Unpack[NumberCommon]
) -> numbers.Mixture:
    """Each row from one of several numbers: `mixture([(3, normal(5, 1)), (1, normal(9, 2))])`."""
    weighted = [item if isinstance(item, tuple) else (1.0, item) for item in of]
    parts = [{"weight": weight, "column": column} for weight, column in weighted]
    return _make(numbers.Mixture, of=parts, **common)


def datetime(
    start: dt.date | str,
    end: dt.date | str | None = None,
    *,
    within: str | None = None,
    date: bool = False,
    hours: str | tuple[float, float] | None = None,
    weekdays: str | Sequence[str | int] | None = None,
    season: Mapping[str, float] | Sequence[float] | None = None,
    **common: Unpack[Common],
) -> times.Datetime:
    """A time between `start` and `end`, or `within` a duration (`"30d"`) after `start`."""
    return _make(
        times.Datetime,
        start=start,
        end=end,
        within=within,
        date=date,
        hours=hours,
        weekdays=weekdays,
        season=dict(season) if isinstance(season, Mapping) else season,
        **common,
    )


def pattern(regex: str, **common: Unpack[Common]) -> words.Pattern:
    """A string that matches a regular expression."""
    return _make(words.Pattern, regex=regex, **common)


def template(text: str, **common: Unpack[Common]) -> words.Template:
    """Text from other columns of the row: `template("{{ first }}.{{ last }}")`."""
    return _make(words.Template, text=text, **common)


def expr(sql: str, **common: Unpack[Common]) -> words.Expr:
    """A SQL expression over this row and, through a reference, the parent's row."""
    return _make(words.Expr, sql=sql, **common)


def person(
    field: words.PersonField = "name",
    *,
    locale: str | Sequence[str] = "en",
    who: str = "person",
    **common: Unpack[Common],
) -> words.Person:
    """One attribute of a made-up person; the attributes of one row agree."""
    return _make(words.Person, field=field, locale=locale, who=who, **common)


def provider(
    name: str, *, locale: str = "en", size: int = 10_000, **common: Unpack[Common]
) -> words.Provider:
    """A value of a Mimesis or Faker provider: `provider("finance.company")`."""
    return _make(words.Provider, name=name, locale=locale, size=size, **common)


def llm(
    description: str = "",
    *,
    type: str | Sequence[str | float] | Mapping[str, Any] = "str",
    min: float | None = None,
    max: float | None = None,
    pattern: str | None = None,
    examples: Sequence[Scalar] = (),
    prompt: str | None = None,
    model: str | None = None,
    **common: Unpack[Basics],
) -> words.Llm:
    """A value that a language model fills in, together with the table's other `llm` columns."""
    return _make(
        words.Llm,
        description=description,
        type=type,
        min=min,
        max=max,
        pattern=pattern,
        examples=examples,
        prompt=prompt,
        model=model,
        **common,
    )


def text(
    prompt: str,
    *,
    min_words: int | None = None,
    max_words: int | None = None,
    language: str | None = None,
    examples: Sequence[str] = (),
    model: str | None = None,
    **common: Unpack[Common],
) -> words.Text:
    """Free text that a language model writes for each row from a Jinja prompt."""
    return _make(
        words.Text,
        prompt=prompt,
        min_words=min_words,
        max_words=max_words,
        language=language,
        examples=examples,
        model=model,
        **common,
    )


def judge(
    of: str | Sequence[str],
    rubric: str | Mapping[str, str],
    *,
    at_least: float | None = None,
    model: str | None = None,
    **common: Unpack[Common],
) -> words.Judge:
    """A language model's verdict on other columns of the row, by a question or a rubric."""
    scales = dict(rubric) if isinstance(rubric, Mapping) else rubric
    return _make(words.Judge, of=of, rubric=scales, at_least=at_least, model=model, **common)


def reasoning(of: str | Sequence[str], **common: Unpack[Common]) -> words.Reasoning:
    """What a language model thought before it filled other columns of the row."""
    return _make(words.Reasoning, of=of, **common)


def program(
    prompt: str,
    *,
    type: Literal["str", "int", "float", "bool", "date"] = "str",
    of: Sequence[str] | None = None,
    examples: Sequence[Scalar] = (),
    pattern: str | None = None,
    model: str | None = None,
    **common: Unpack[Common],
) -> words.Program:
    """A value that a function computes, which a language model writes once for the column."""
    return _make(
        words.Program,
        prompt=prompt,
        type=type,
        of=of,
        examples=examples,
        pattern=pattern,
        model=model,
        **common,
    )


def learned(
    file: str,
    *,
    column: str | None = None,
    given: Mapping[str, Any] | None = None,
    sha256: str | None = None,
    **common: Unpack[Common],
) -> learning.Learned:
    """A value that a fitted synthesizer draws: its column of the same name, or `column`."""
    return _make(learning.Learned, file=file, column=column, given=given, sha256=sha256, **common)


def _make(kind: type[ColumnT], **parameters: Any) -> ColumnT:
    """A column, or a `SpecError` in plain words."""
    try:
        return kind(**parameters)
    except ValidationError as error:
        raise SpecError(violations_of(error, parameters, model=kind)) from error
