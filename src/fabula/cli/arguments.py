"""Arguments that several verbs share, and how they are parsed."""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from typing_extensions import TypedDict

from fabula.cli.options import Read
from fabula.errors import UsageError
from fabula.types import Size

if TYPE_CHECKING:
    from fabula.spec.tables import DatasetSpec

_NUMBER = re.compile(r"\d+(?:_\d+)*")


def read_spec(text: str, *, prompt: str | None = None) -> DatasetSpec:
    """The spec that an argument means; `-` is YAML on standard input."""
    from fabula.api import resolve
    from fabula.spec.loading import parse_spec

    return resolve(parse_spec(sys.stdin.read()) if text == "-" else text, prompt=prompt)


def read_sizes(texts: Sequence[str] | None) -> Size:
    """`["100"]` as 100, `["orders=9", "items=20"]` as a mapping.

    Raises:
        UsageError: A text is not a row count, or both forms are mixed.
    """
    if not texts:
        return None
    if len(texts) == 1 and "=" not in texts[0]:
        return _rows(texts[0], texts[0])
    sizes: dict[str, int] = {}
    for text in texts:
        table, _, number = text.rpartition("=")
        if not table:
            raise UsageError(
                f"`-n {text}` does not name its table",
                code="usage.rows",
                hint="give `-n 100` once, or `-n TABLE=100` for each table",
            )
        sizes[table] = _rows(number, text)
    return sizes


def read_names(text: str) -> list[str]:
    """`name, year` as two names; empty text as none."""
    return [name.strip() for name in text.split(",") if name.strip()]


def read_pairs(option: str, texts: Sequence[str], example: str) -> Iterator[tuple[str, str]]:
    """`["city=Wien"]` as names and values; `example` is a valid text to suggest.

    Raises:
        UsageError: A text has no `=`.
    """
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise UsageError(
                f"`{option} {text}` has no `=`",
                code="usage.option",
                hint=f"write `{option} {example}`",
            )
        yield name.strip(), value


def parted(wishes: Mapping[str, Any], named: type) -> tuple[dict[str, Any], dict[str, Any]]:
    """The options that a `TypedDict` does not name, and those that it does."""
    other = {name: wish for name, wish in wishes.items() if name not in named.__annotations__}
    return other, {name: wish for name, wish in wishes.items() if name not in other}


def number_of(text: str) -> float:
    """`0.05` and `5%` as 0.05; NaN if the text is not a number."""
    try:
        return float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        return math.nan


def read_share(text: str | None) -> float | int | None:
    """`5%` and `0.05` as a share, `12` as a number of rows.

    Raises:
        UsageError: The text is neither.
    """
    if text is None:
        return None
    if _NUMBER.fullmatch(text):
        return int(text)
    share = number_of(text)
    if not 0 <= share <= 1:
        raise UsageError(
            f"`{text}` is not a share of rows",
            code="usage.share",
            hint="write `5%`, `0.05` or `12`",
        )
    return share


def read_shares(text: str | None) -> dict[str, float]:
    """`train=0.9,test=10%` as shares by name; empty text as none.

    Raises:
        UsageError: The text is not a list of shares.
    """
    shares: dict[str, float] = {}
    for part in (text or "").split(",") if text is not None else ():
        name, _, number = (side.strip() for side in part.partition("="))
        share = number_of(number)
        if not name or name in shares or not 0 < share < float("inf"):
            raise UsageError(
                f"`{name}` has two shares of the split"
                if name in shares
                else f"`{part}` is not a share of a split",
                code="usage.share",
                hint="write `--split train=0.9,test=0.1`",
            )
        shares[name] = share
    return shares


def print_as(form: str, text: str, values: Any) -> None:
    """Print a result as text for people, or as JSON for programs."""
    typer.echo(json.dumps(values, ensure_ascii=False, default=str) if form == "json" else text)


def _rows(number: str, text: str) -> int:
    if not _NUMBER.fullmatch(number):
        raise UsageError(
            f"`{text}` is not a row count",
            code="usage.rows",
            hint="write `-n 1000`, or `-n orders=1000` for one table",
        )
    return int(number)


SpecArgument = Annotated[
    str,
    typer.Argument(
        metavar="SPEC",
        help="A spec: a file, `-` for stdin, `module:Model`, one line such as "
        "'name person.name, age int 18..90', or a sentence such as "
        "'10 rows of houses: id, size (m2), price'.",
        show_default=False,
    ),
]
Count = Annotated[int, typer.Option(min=0)]
Positive = Annotated[int, typer.Option(min=1)]
Words = Annotated[Sequence[str], Read(list, many=True)]
"""Texts of an option that may be repeated."""
Names = Annotated[Sequence[str], Read(read_names)]
Rows = Annotated[Size, Read(read_sizes, many=True)]
Printed = Literal["table", "json"]


class Modelled(TypedDict, total=False):
    """Which language model is asked.

    Options:
        model (NAME): Language model: `local`, `fake`, `openai:NAME` …; by default the spec's, else
            `local`. Settings follow a `?`: `openai:NAME?reasoning_effort=low`.
    """

    model: str


class CallLimits(TypedDict, total=False):
    """How much language models may be asked.

    Options:
        max_calls: Maximum number of calls to language models.
        max_tokens: Maximum number of tokens, sent and received.
        max_cost (USD): Maximum cost in US dollars.
    """

    max_calls: Count
    max_tokens: Count
    max_cost: Annotated[float, typer.Option(min=0)]


class Asking(Modelled, CallLimits, total=False):
    """How a language model is asked.

    Options:
        fresh: Ask again instead of reusing known replies.
    """

    fresh: bool


def read_output(text: str | None) -> Path | str | None:
    """A path; an address such as `postgresql://…`, even a broken one, stays a string."""
    from fabula.io.names import means_address

    return text if text is None or means_address(text) else Path(text)


Output = Annotated[Path | str | None, Read(read_output)]


class Loads(TypedDict, total=False):
    """What a load into a destination may do to what is there.

    Options:
        append: Add rows to database tables that already contain some.
        truncate: Empty the tables of a database first, in the same transaction.
        fast_load: Drop indexes and constraints of a database during the load, and add them again.
        allow_remote (HOST): Host other than this machine whose database may be written to;
            repeatable.
        partition_by (COLUMN): Column whose values divide a table into folders, in object stores
            and Delta tables; repeatable.
        public: Let everybody read what is pushed to the Hub; otherwise it is private.
        license (ID): Licence of what is pushed to the Hub: `cc-by-4.0`.
    """

    append: bool
    truncate: bool
    fast_load: bool
    allow_remote: Words
    partition_by: Words
    public: bool
    license: str


class Planned(Modelled, total=False):
    """What a spec is planned with.

    Options:
        seed: Seed; by default the spec's.
    """

    seed: int


class Splitting(TypedDict, total=False):
    """How rows are divided into files.

    Options:
        split (train=0.9,test=0.1): Write one file for each share.
        stratify (FIELD): Field whose values are spread evenly over the files.
        seed: Seed of the split.
        overwrite: Replace the files to write.
    """

    split: Annotated[Mapping[str, float], Read(read_shares)]
    stratify: str
    seed: int
    overwrite: bool


class Exporting(Splitting, total=False):
    """How training files are written.

    Options:
        user (TEMPLATE): The user's message in an export.
        system (TEMPLATE): The system message that comes first.
    """

    user: str
    system: str
