# Written by `python -m tools.check_entries --write` from the classes in `fabula.kinds`.
# ruff: noqa: A002, I001  (names are those of a spec file)
import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, Literal
from fabula.kinds.base.columns import AbstractNumber
from fabula.kinds.key import Key as _Key
from fabula.kinds.reference import Reference as _Reference
from fabula.kinds.sequence import Sequence as _Sequence
from fabula.kinds.uuid import Uuid as _Uuid
from fabula.kinds.bernoulli import Bernoulli as _Bernoulli
from fabula.kinds.choice import Choice as _Choice
from fabula.kinds.constant import Constant as _Constant
from fabula.kinds.expr import Expr as _Expr
from fabula.kinds.beta import Beta as _Beta
from fabula.kinds.binomial import Binomial as _Binomial
from fabula.kinds.exponential import Exponential as _Exponential
from fabula.kinds.gamma import Gamma as _Gamma
from fabula.kinds.gompertz import Gompertz as _Gompertz
from fabula.kinds.lognormal import Lognormal as _Lognormal
from fabula.kinds.lomax import Lomax as _Lomax
from fabula.kinds.mixture import Mixture as _Mixture
from fabula.kinds.normal import Normal as _Normal
from fabula.kinds.pareto import Pareto as _Pareto
from fabula.kinds.poisson import Poisson as _Poisson
from fabula.kinds.triangular import Triangular as _Triangular
from fabula.kinds.uniform import Uniform as _Uniform
from fabula.kinds.weibull import Weibull as _Weibull
from fabula.kinds.zipf import Zipf as _Zipf
from fabula.kinds.datetime import Datetime as _Datetime
from fabula.kinds.duration import Duration as _Duration
from fabula.kinds.series import Series as _Series
from fabula.kinds.time_of_day import TimeOfDay as _TimeOfDay
from fabula.kinds.pattern import Pattern as _Pattern
from fabula.kinds.template import Template as _Template
from fabula.kinds.person import Person as _Person
from fabula.kinds.provider import Provider as _Provider
from fabula.kinds.judge import Judge as _Judge
from fabula.kinds.llm import Llm as _Llm
from fabula.kinds.program import Program as _Program
from fabula.kinds.reasoning import Reasoning as _Reasoning
from fabula.kinds.text import Text as _Text
from fabula.kinds.learned import Learned as _Learned
from fabula.kinds.source import Source as _Source
from fabula.kinds.document import Document as _Document
from fabula.kinds.file_detail import FileDetail as _FileDetail
from fabula.kinds.image import Image as _Image
from fabula.kinds.speech import Speech as _Speech
from fabula.kinds.video import Video as _Video
from fabula.kinds.function import Function as _Function
from fabula.kinds.simulation import Simulation as _Simulation

__all__: list[str]

def __getattr__(name: str) -> Any: ...
def key(
    *,
    start: int = ...,
    step: int = ...,
    nulls: float = ...,
    unique: bool = ...,
    drop: bool = ...,
    description: str = ...,
) -> _Key:
    """The table's own key: whole numbers from `start` by `step`."""

def reference(
    to: str,
    *,
    skew: float | None = ...,
    weights: str | None = ...,
    deferred: bool = ...,
    nulls: float = ...,
    unique: bool = ...,
    drop: bool = ...,
    description: str = ...,
) -> _Reference:
    """A foreign key: the key of some row of table `to` (or of column `table.column`)."""

def sequence(
    start: float | dt.date = ...,
    step: float | Literal["month", "quarter", "year"] | str = ...,
    *,
    within: str | None = ...,
    nulls: float = ...,
    unique: bool = ...,
    drop: bool = ...,
    description: str = ...,
) -> _Sequence:
    """Numbers or dates in steady steps, one per row."""

def uuid(
    *, nulls: float = ..., unique: bool = ..., drop: bool = ..., description: str = ...
) -> _Uuid:
    """A random (version 4) UUID."""

def bernoulli(
    p: float | str = ...,
    *,
    nulls: float = ...,
    unique: bool = ...,
    drop: bool = ...,
    description: str = ...,
) -> _Bernoulli:
    """True with chance `p`."""

def choice(
    values: Sequence[bool | float | dt.date | str | None] | Mapping[Any, float],
    *,
    weights: Sequence[float] | None = ...,
    balance: Literal["random", "exact"] = ...,
    nulls: float = ...,
    unique: bool = ...,
    drop: bool = ...,
    description: str = ...,
) -> _Choice:
    """One of `values`, by weight; `balance: exact` meets the shares exactly."""

def constant(
    value: bool | float | dt.date | str | None,
    *,
    nulls: float = ...,
    unique: bool = ...,
    drop: bool = ...,
    description: str = ...,
) -> _Constant:
    """The same value in every row."""

def expr(
    sql: str, *, nulls: float = ..., unique: bool = ..., drop: bool = ..., description: str = ...
) -> _Expr:
    """A SQL expression over this row and, through a reference, the parent's row."""

def beta(
    a: float | str,
    b: float | str,
    *,
    min: float | str | None = ...,
    max: float | str | None = ...,
    decimals: int | None = ...,
    nulls: float = ...,
    unique: bool = ...,
    drop: bool = ...,
    description: str = ...,
) -> _Beta:
    """A beta number between 0 and 1 with `a` and `b`."""

def binomial(
    trials: float | str,
    p: float | str,
    *,
    min: float | str | None = ...,
    max: float | str | None = ...,
    decimals: int | None = ...,
    nulls: float = ...,
    unique: bool = ...,
    drop: bool = ...,
    description: str = ...,
) -> _Binomial:
    """Successes among `trials`, each with chance `p`."""

def exponential(
    mean: float | str = ...,
    *,
    min: float | str | None = ...,
    max: float | str | None = ...,
    decimals: int | None = ...,
    nulls: float = ...,
    unique: bool = ...,
    drop: bool = ...,
    description: str = ...,
) -> _Exponential:
    """An exponential number with `mean`."""

def gamma(
    shape: float | str,
    scale: float | str = ...,
    *,
    min: float | str | None = ...,
    max: float | str | None = ...,
    decimals: int | None = ...,
    nulls: float = ...,
    unique: bool = ...,
    drop: bool = ...,
    description: str = ...,
) -> _Gamma:
    """A gamma number with `shape` and `scale` (mean: shape x scale)."""

def gompertz(
    shape: float | str,
    scale: float | str = ...,
    *,
    min: float | str | None = ...,
    max: float | str | None = ...,
    decimals: int | None = ...,
    nulls: float = ...,
    unique: bool = ...,
    drop: bool = ...,
    description: str = ...,
) -> _Gompertz:
    """A Gompertz number with `shape` and `scale`: ages at death, lifetimes of customers."""

def lognormal(
    median: float | str = ...,
    sigma: float | str = ...,
    *,
    min: float | str | None = ...,
    max: float | str | None = ...,
    decimals: int | None = ...,
    nulls: float = ...,
    unique: bool = ...,
    drop: bool = ...,
    description: str = ...,
) -> _Lognormal:
    """A number whose logarithm is normal: `median`, and `sigma` of the logarithm."""

def lomax(
    shape: float | str,
    scale: float | str = ...,
    *,
    min: float | str | None = ...,
    max: float | str | None = ...,
    decimals: int | None = ...,
    nulls: float = ...,
    unique: bool = ...,
    drop: bool = ...,
    description: str = ...,
) -> _Lomax:
    """A Lomax (Pareto II) number with `shape` of the tail and `scale`: losses, sizes of files."""

def mixture(
    of: Sequence[AbstractNumber | tuple[float, AbstractNumber]],
    *,
    min: float | str | None = ...,
    max: float | str | None = ...,
    decimals: int | None = ...,
    nulls: float = ...,
    unique: bool = ...,
    drop: bool = ...,
    description: str = ...,
) -> _Mixture:
    """Each row drawn from one of several distributions, chosen by weight."""

def normal(
    mean: float | str = ...,
    std: float | str = ...,
    *,
    min: float | str | None = ...,
    max: float | str | None = ...,
    decimals: int | None = ...,
    nulls: float = ...,
    unique: bool = ...,
    drop: bool = ...,
    description: str = ...,
) -> _Normal:
    """A normal number with `mean` and `std`."""

def pareto(
    shape: float | str,
    min: float | str = ...,
    *,
    max: float | str | None = ...,
    decimals: int | None = ...,
    nulls: float = ...,
    unique: bool = ...,
    drop: bool = ...,
    description: str = ...,
) -> _Pareto:
    """A Pareto number: `min` times a power tail of `shape`."""

def poisson(
    mean: float | str,
    *,
    min: float | str | None = ...,
    max: float | str | None = ...,
    decimals: int | None = ...,
    nulls: float = ...,
    unique: bool = ...,
    drop: bool = ...,
    description: str = ...,
) -> _Poisson:
    """A count with `mean`."""

def triangular(
    min: float | str,
    mode: float | str,
    max: float | str,
    *,
    decimals: int | None = ...,
    nulls: float = ...,
    unique: bool = ...,
    drop: bool = ...,
    description: str = ...,
) -> _Triangular:
    """A number between `min` and `max` that is likeliest at `mode`: estimates by experts."""

def uniform(
    min: float | str = ...,
    max: float | str = ...,
    *,
    decimals: int | None = ...,
    nulls: float = ...,
    unique: bool = ...,
    drop: bool = ...,
    description: str = ...,
) -> _Uniform:
    """A uniform number between `min` and `max`; whole numbers with `decimals: 0`."""

def weibull(
    shape: float | str,
    scale: float | str = ...,
    *,
    min: float | str | None = ...,
    max: float | str | None = ...,
    decimals: int | None = ...,
    nulls: float = ...,
    unique: bool = ...,
    drop: bool = ...,
    description: str = ...,
) -> _Weibull:
    """A Weibull number with `shape` and `scale`: lifetimes, wind speeds."""

def zipf(
    exponent: float = ...,
    max: int = ...,
    *,
    min: float | str | None = ...,
    decimals: int | None = ...,
    nulls: float = ...,
    unique: bool = ...,
    drop: bool = ...,
    description: str = ...,
) -> _Zipf:
    """A rank from 1 to `max`, with probability proportional to rank ** -exponent."""

def datetime(
    start: dt.date | str = ...,
    end: dt.date | str | None = ...,
    *,
    within: str | None = ...,
    step: Literal["month", "quarter", "year"] | str | None = ...,
    date: bool = ...,
    hours: Sequence[float] | str | None = ...,
    weekdays: Sequence[int] | str | Sequence[str | int] | None = ...,
    season: Sequence[float] | Mapping[Any, float] | None = ...,
    nulls: float = ...,
    unique: bool = ...,
    drop: bool = ...,
    description: str = ...,
) -> _Datetime:
    """A time between `start` and `end`, or `within` a duration after `start`."""

def duration(
    min: str = ...,
    max: str | None = ...,
    *,
    seconds: Any = ...,
    decimals: int = ...,
    nulls: float = ...,
    unique: bool = ...,
    drop: bool = ...,
    description: str = ...,
) -> _Duration:
    """A length of time between `min` and `max`: rides, calls, stays."""

def series(
    at: str,
    level: float | str = ...,
    *,
    of: str | None = ...,
    step: str | None = ...,
    spread: float = ...,
    trend: float | str = ...,
    since: dt.date | None = ...,
    yearly: Any = ...,
    weekly: Sequence[float] | None = ...,
    daily: Any = ...,
    noise: float | str = ...,
    ar: float = ...,
    shared: float = ...,
    shock: str | None = ...,
    effects: Literal["add", "multiply"] = ...,
    gaps: Any = ...,
    stuck: Any = ...,
    spikes: Any = ...,
    min: float | str | None = ...,
    max: float | str | None = ...,
    decimals: int | None = ...,
    nulls: float = ...,
    unique: bool = ...,
    drop: bool = ...,
    description: str = ...,
) -> _Series:
    """A number that follows the time in column `at`, for each value of column `of` its own."""

def time_of_day(
    start: str = ...,
    end: str = ...,
    *,
    seconds: Any = ...,
    decimals: int = ...,
    nulls: float = ...,
    unique: bool = ...,
    drop: bool = ...,
    description: str = ...,
) -> _TimeOfDay:
    """A time of day from `start` until before `end`, without a date."""

def pattern(
    regex: str, *, nulls: float = ..., unique: bool = ..., drop: bool = ..., description: str = ...
) -> _Pattern:
    """A string that matches a regular expression."""

def template(
    text: str, *, nulls: float = ..., unique: bool = ..., drop: bool = ..., description: str = ...
) -> _Template:
    """Text from other columns of the row: a sandboxed Jinja template."""

def person(
    field: Literal[
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
    ] = ...,
    *,
    locale: str | Sequence[str] = ...,
    who: str = ...,
    nulls: float = ...,
    unique: bool = ...,
    drop: bool = ...,
    description: str = ...,
) -> _Person:
    """One attribute of a made-up person; the attributes of one row agree."""

def provider(
    name: str,
    *,
    locale: str = ...,
    size: int = ...,
    nulls: float = ...,
    unique: bool = ...,
    drop: bool = ...,
    description: str = ...,
) -> _Provider:
    """A value of any Mimesis or Faker provider (`finance.company`, `faker.iban`)."""

def judge(
    of: Sequence[str] | str,
    rubric: str | Mapping[str, str],
    *,
    at_least: float | None = ...,
    model: str | None = ...,
    nulls: float = ...,
    unique: bool = ...,
    drop: bool = ...,
    description: str = ...,
) -> _Judge:
    """A language model's verdict on other columns of the row."""

def llm(
    description: str = ...,
    *,
    model: str | None = ...,
    type: Literal["str", "int", "float", "bool", "date", "list[str]", "list[int]", "list[float]"]
    | Sequence[str | float | bool]
    | Mapping[str, Any] = ...,
    min: float | None = ...,
    max: float | None = ...,
    pattern: str | None = ...,
    examples: Sequence[bool | float | dt.date | str | None] = ...,
    prompt: str | None = ...,
    nulls: float = ...,
    unique: bool = ...,
    drop: bool = ...,
) -> _Llm:
    """A value that a language model fills in, together with the table's other `llm` columns."""

def program(
    prompt: str,
    *,
    type: Literal["str", "int", "float", "bool", "date"] = ...,
    of: Sequence[str] | None = ...,
    examples: Sequence[bool | float | dt.date | str | None] = ...,
    pattern: str | None = ...,
    model: str | None = ...,
    nulls: float = ...,
    unique: bool = ...,
    drop: bool = ...,
    description: str = ...,
) -> _Program:
    """A value that a function computes, which a language model writes once for the column."""

def reasoning(
    of: Sequence[str] | str,
    *,
    nulls: float = ...,
    unique: bool = ...,
    drop: bool = ...,
    description: str = ...,
) -> _Reasoning:
    """What a language model thought before it filled other columns of the row."""

def text(
    prompt: str,
    *,
    min_words: int | None = ...,
    max_words: int | None = ...,
    language: str | None = ...,
    examples: Sequence[str] = ...,
    model: str | None = ...,
    nulls: float = ...,
    unique: bool = ...,
    drop: bool = ...,
    description: str = ...,
) -> _Text:
    """Free text that a language model writes for each row from a Jinja prompt."""

def learned(
    file: str,
    *,
    column: str | None = ...,
    given: Mapping[
        str, bool | float | dt.date | str | Sequence[bool | float | dt.date | str | None] | None
    ]
    | None = ...,
    sha256: str | None = ...,
    nulls: float = ...,
    unique: bool = ...,
    drop: bool = ...,
    description: str = ...,
) -> _Learned:
    """A value that a fitted synthesizer draws, together with the other columns of its file."""

def source(
    column: str | None = ...,
    *,
    action: str = ...,
    nulls: float = ...,
    unique: bool = ...,
    drop: bool = ...,
    description: str = ...,
) -> _Source:
    """A column of the real file that the table's `source` names, without its people."""

def document(
    template: str = ...,
    *,
    format: Sequence[Literal["pdf", "png", "jpg", "docx", "html", "eml", "xlsx"]] = ...,
    lines: str | None = ...,
    fields: Mapping[str, str] = ...,
    line_fields: Mapping[str, str] = ...,
    constants: Mapping[
        str, bool | float | dt.date | str | Sequence[bool | float | dt.date | str | None] | None
    ] = ...,
    scan: Any = ...,
    defects: Mapping[str, float] = ...,
    dpi: int = ...,
    fonts: str | None = ...,
    labels: Sequence[Literal["coco", "donut"]] = ...,
    nulls: float = ...,
    unique: bool = ...,
    drop: bool = ...,
    description: str = ...,
) -> _Document:
    """A file made from the row and its children, such as the invoice of an order."""

def file_detail(
    of: str,
    detail: Literal["sha256", "bytes", "width", "height", "seconds", "sample_rate"] = ...,
    *,
    nulls: float = ...,
    unique: bool = ...,
    drop: bool = ...,
    description: str = ...,
) -> _FileDetail:
    """What is known about the file that another column names, such as its digest or its width."""

def image(
    prompt: str,
    *,
    model: str,
    size: Sequence[int] | str | None = ...,
    format: Literal["png", "jpg"] = ...,
    quality: str | None = ...,
    retries: int = ...,
    nulls: float = ...,
    unique: bool = ...,
    drop: bool = ...,
    description: str = ...,
) -> _Image:
    """A picture of a prompt about the row, by a model behind an OpenAI-compatible endpoint."""

def speech(
    text: str = ...,
    *,
    turns: str | None = ...,
    speaker: str | None = ...,
    voice: Sequence[str] = ...,
    voice_column: str | None = ...,
    speed: int | Sequence[int] = ...,
    pause: float | Sequence[float] = ...,
    overlap: float = ...,
    format: Literal["wav", "flac", "mp3"] = ...,
    sample_rate: Literal[8000, 16000, 22050, 24000, 48000] = ...,
    telephone: bool = ...,
    noise: float = ...,
    reverb: float = ...,
    model: str | None = ...,
    retries: int = ...,
    nulls: float = ...,
    unique: bool = ...,
    drop: bool = ...,
    description: str = ...,
) -> _Speech:
    """A recording of a text of the row, or of a dialogue in another table, with word times."""

def video(
    of: str | None = ...,
    *,
    prompt: str | None = ...,
    model: str | None = ...,
    size: Sequence[int] | str | None = ...,
    retries: int = ...,
    seconds: float | None = ...,
    fps: int = ...,
    severity: Sequence[float] = ...,
    effects: Sequence[
        Literal[
            "paper",
            "stain",
            "fold",
            "stamp",
            "handwriting",
            "perspective",
            "rotation",
            "crop",
            "light",
            "weather",
            "blur",
            "noise",
            "fax",
            "jpeg",
        ]
    ] = ...,
    nulls: float = ...,
    unique: bool = ...,
    drop: bool = ...,
    description: str = ...,
) -> _Video:
    """A film of the first page of a document of the row, or a clip of a prompt about the row."""

def function(
    function: Any,
    *,
    type: Literal["str", "int", "float", "bool", "date"] | None = ...,
    of: Sequence[str] | None = ...,
    blocks: bool = ...,
    sandboxed: bool = ...,
    nulls: float = ...,
    unique: bool = ...,
    drop: bool = ...,
    description: str = ...,
) -> _Function:
    """A value that a Python function computes: an object, or `FILE.py:NAME` of a file you allow."""

def simulation(
    column: str | None = ...,
    *,
    type: str | None = ...,
    nulls: float = ...,
    unique: bool = ...,
    drop: bool = ...,
    description: str = ...,
) -> _Simulation:
    """A column of a table that a model of agents makes; the table names the model."""
