"""A whole spec on one line, for the shell.

`name person.name, age int 18..90, plan choice free|pro` is a table of three columns. Columns are
separated by commas; each is `NAME KIND[.FIELD] [ARGUMENTS] [KEY=VALUE …]`:

=========================  ==========================================================
`id key`                   any column kind by its name
`name person.name`         `person` with its field; likewise `provider.finance.company`
`age int 18..90`           whole numbers from 18 to 90, both included
`price float 0.5..99`      numbers; `decimals=2` rounds them
`born date 1950..2005`     dates from 1950 to 2005, both included; also `1950-06-01..`
`seen datetime 2024..2025` times, likewise
`vip bool 0.1`             true with chance 0.1
`plan choice free:3|pro`   one of several, with weights if given
`sku pattern /[A-Z]{3}/`   a string that matches a regular expression, in slashes or quotes
`weight normal 70 12`      arguments in the order of the Python function, `col.normal`
`note llm "a short note"`  quotes keep spaces and commas together
`city person.city locale=de nulls=0.1 unique`   parameters by name; `unique` and `drop` alone
=========================  ==========================================================
"""

from __future__ import annotations

import datetime as dt
import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any

from fabula.errors import SpecError, Violation
from fabula.kinds import KINDS
from fabula.kinds.base.columns import AbstractColumn
from fabula.spec import col
from fabula.spec.reading import read
from fabula.spec.synonyms import suggestion
from fabula.spec.tables import DatasetSpec, TableSpec

TABLE = "rows"
"""The name of the one table that a line describes."""

_EXAMPLE = "`name person.name, age int 18..90, plan choice free|pro`"
_WORD = re.compile(
    r"""
    /(?:\\.|[^/\\])*/(?=[\s,]|$)            # a regular expression
    | (?: "(?:\\.|[^"\\])*"                 # text in quotes
        | '(?:''|[^'])*'
        | \[[^\]]*\] | \{[^}]*\} | \([^)]*\)  # a list, a mapping, an expression
        | [^\s,"'] )+
    """,
    re.VERBOSE,
)
_SEPARATOR = re.compile(r"\s*(,)?\s*")
_KEYWORD = re.compile(r"([a-z_]+)=(.+)", re.DOTALL)
_WEIGHTED = re.compile(r"(.+):(\d+(?:\.\d+)?)", re.DOTALL)
_MARKS = {"/": "\\/", '"': '\\"', "'": "''"}
"""What may be around a regular expression, and how it is written inside."""
_OPTION = re.compile(r"""(?:"(?:\\.|[^"\\])*"|'(?:''|[^'])*'|[^|"'])+""")


def parse_line(text: str) -> DatasetSpec:
    """The spec that one line describes: a single table called `rows`, without a size.

    Raises:
        SpecError: A part can't be read; every bad part is named.

    Examples:
        >>> list(parse_line("name person.name, age int 18..90").tables["rows"].columns)
        ['name', 'age']
    """
    columns: dict[str, AbstractColumn] = {}
    problems: list[Violation] = []
    for words in _parts(text):
        name = words[0]
        if name in columns:
            problems.append(_problem(f"column `{name}` is given twice", words))
        try:
            columns[name] = _column(words)
        except SpecError as error:
            problems += [_in_part(item, words) for item in error.violations]
        except ValueError as error:
            problems.append(_problem(str(error), words))
    if problems:
        raise SpecError(problems)
    return DatasetSpec(name=TABLE, tables={TABLE: TableSpec(TABLE, columns=columns)})


def _parts(text: str) -> list[list[str]]:
    """The words of each column."""
    parts: list[list[str]] = [[]]
    position = len(text) - len(text.lstrip())
    text = text.rstrip()
    while position < len(text):
        word = _WORD.match(text, position)
        if word is None:
            rest = text[position : position + 30]
            reason = "a quote is not closed" if rest[0] in "\"'" else "a column is missing"
            raise SpecError([Violation("spec.line", f"{reason} at `{rest}`", hint=_EXAMPLE)])
        parts[-1].append(word.group())
        gap = _SEPARATOR.match(text, word.end())
        assert gap is not None
        position = gap.end()
        if gap.group(1):
            parts.append([])
    if not all(parts):
        reason = "the spec is empty" if len(parts) == 1 else "a column is missing after a comma"
        raise SpecError([Violation("spec.line", reason, hint=f"write {_EXAMPLE}")])
    return parts


def _column(words: list[str]) -> AbstractColumn:
    name, *rest = words
    if not rest:
        raise ValueError(f"column `{name}` has no kind")
    kind, _, field = rest[0].partition(".")
    arguments, keywords = _arguments(rest[1:])
    dotted = KINDS[kind].dotted if kind in KINDS else None
    if field and dotted is None and (kind in KINDS or kind in _SHORTHANDS):
        raise ValueError(f"`{kind}` has no field; write `{kind}`")
    if kind in _SHORTHANDS:
        return _SHORTHANDS[kind](arguments, keywords)
    if kind not in KINDS:
        known = sorted({*KINDS, *_SHORTHANDS})
        hint = suggestion(kind, known) or f"there are {', '.join(known)}"
        message = f"column kind `{kind}` does not exist"
        raise SpecError([Violation("spec.unknown-kind", message, _where(name), hint)])
    if field and dotted is not None:
        keywords = {dotted: field, **keywords}
    return _call(kind, [_value(word) for word in arguments], keywords)


def _call(kind: str, values: list[Any], keywords: Mapping[str, Any]) -> AbstractColumn:
    """Call the factory of a kind as Python would: `normal 170 8` is `col.normal(170, 8)`."""
    factory: Callable[..., AbstractColumn] = getattr(col, kind)
    positional = [
        parameter
        for parameter in inspect.signature(factory).parameters.values()
        if parameter.kind is parameter.POSITIONAL_OR_KEYWORD
    ]
    if len(values) > len(positional):
        takes = ", ".join(parameter.name for parameter in positional) or "nothing"
        raise ValueError(f"`{kind}` takes {takes}, not `{values[len(positional)]}`")
    given = {parameter.name: value for parameter, value in zip(positional, values, strict=False)}
    given |= keywords
    missing = [item.name for item in positional if item.default is item.empty]
    for parameter in missing:
        if parameter not in given:
            raise ValueError(f"`{kind}` needs `{parameter}`")
    return factory(**given)


def _arguments(words: list[str]) -> tuple[list[str], dict[str, Any]]:
    """Split the words after a kind into plain arguments and parameters by name."""
    arguments: list[str] = []
    keywords: dict[str, Any] = {}
    for word in words:
        named = _KEYWORD.fullmatch(word)
        if named:
            keywords[named.group(1)] = _value(named.group(2))
        elif word in ("unique", "drop"):
            keywords[word] = True
        else:
            arguments.append(word)
    return arguments, keywords


def _value(word: str) -> Any:
    """The value of a word as YAML would read it; text that is not YAML stands for itself."""
    try:
        return read(word).data
    except SpecError:
        return word


def _bounds(arguments: list[str], what: str) -> tuple[str, str] | None:
    """The two ends of `a..b`."""
    if not arguments:
        return None
    low, dots, high = arguments[0].partition("..")
    if len(arguments) > 1 or not (low and dots and high):
        raise ValueError(f"write the range as `{what}`, not `{' '.join(arguments)}`")
    return low, high


def _number(word: str, what: str) -> float:
    value = _value(word)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"write the range as `{what}`; `{word}` is not a number")
    return value


def _int(arguments: list[str], keywords: dict[str, Any]) -> AbstractColumn:
    low, high = _bounds(arguments, "0..100") or ("0", "100")
    bounds = (_number(low, "0..100"), _number(high, "0..100"))
    return _call("uniform", [], {"min": bounds[0], "max": bounds[1], "decimals": 0} | keywords)


def _float(arguments: list[str], keywords: dict[str, Any]) -> AbstractColumn:
    low, high = _bounds(arguments, "0.5..9.5") or ("0", "1")
    bounds = (_number(low, "0.5..9.5"), _number(high, "0.5..9.5"))
    return _call("uniform", [], {"min": bounds[0], "max": bounds[1]} | keywords)


def _bool(arguments: list[str], keywords: dict[str, Any]) -> AbstractColumn:
    return _call("bernoulli", [_value(word) for word in arguments], keywords)


def _date(arguments: list[str], keywords: dict[str, Any]) -> AbstractColumn:
    return _datetime(arguments, {"date": True, **keywords})


def _datetime(arguments: list[str], keywords: dict[str, Any]) -> AbstractColumn:
    """Both ends are included, so the column ends where the day (or year) after begins."""
    ends = _bounds(arguments, "2020..2024-06-30")
    if ends is None:
        return _call("datetime", [], {"start": dt.date(2020, 1, 1), "within": "5y"} | keywords)
    start, _ = _period(ends[0])
    _, end = _period(ends[1])
    return _call("datetime", [start, end], keywords)


def _period(word: str) -> tuple[dt.date, dt.date]:
    """The first day of a year or day, and the first day after it."""
    value = _value(word)
    if isinstance(value, int) and 1 <= value < dt.MAXYEAR:
        return dt.date(value, 1, 1), dt.date(value + 1, 1, 1)
    if isinstance(value, dt.datetime):
        return value, value
    if isinstance(value, dt.date):
        return value, value + dt.timedelta(days=1)
    raise ValueError(f"write dates as `2024` or `2024-06-30`, not `{word}`")


def _choice(arguments: list[str], keywords: dict[str, Any]) -> AbstractColumn:
    options = [option for word in arguments for option in _OPTION.findall(word)]
    if not options:
        raise ValueError("`choice` needs values: `choice free|pro`, or with weights `free:3|pro:1`")
    if len(arguments) > 1:
        raise ValueError(
            "separate the values of `choice` by `|`, and quote spaces: `'New York'|Rome`"
        )
    weighted = [_WEIGHTED.fullmatch(option) for option in options]
    values = [
        _value(pair.group(1) if pair else option)
        for pair, option in zip(weighted, options, strict=True)
    ]
    if any(weighted):
        weights = [float(pair.group(2)) if pair else 1.0 for pair in weighted]
        keywords = {"weights": weights, **keywords}
    return _call("choice", [values], keywords)


def _pattern(arguments: list[str], keywords: dict[str, Any]) -> AbstractColumn:
    if isinstance(given := keywords.get("regex"), str):
        keywords = {**keywords, "regex": _regex(given)}
    return _call("pattern", [_regex(word) for word in arguments], keywords)


def _regex(word: str) -> str:
    """A regular expression without the slashes or quotes around it; its backslashes stay."""
    mark = word[:1]
    if len(word) < 2 or mark not in _MARKS or word[-1] != mark:
        return word
    return word[1:-1].replace(_MARKS[mark], mark)


_SHORTHANDS: dict[str, Callable[[list[str], dict[str, Any]], AbstractColumn]] = {
    "int": _int,
    "float": _float,
    "bool": _bool,
    "date": _date,
    "datetime": _datetime,
    "choice": _choice,
    "pattern": _pattern,
}


def _problem(message: str, words: list[str]) -> Violation:
    return _in_part(Violation("spec.line", message), words)


def _in_part(problem: Violation, words: list[str]) -> Violation:
    """The problem with the part that it is in."""
    part = " ".join(words)
    message = f"{problem.message} (in `{part if len(part) <= 60 else part[:59] + '…'}`)"
    hint = problem.hint or f"write columns as in {_EXAMPLE}"
    return Violation(problem.code, message, _where(words[0]), hint)


def _where(name: str) -> str:
    return f"tables.{TABLE}.columns.{name}"
