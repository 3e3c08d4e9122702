"""Arguments that several verbs take, and how their texts are read."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from fabula.errors import UsageError
from fabula.types import Size

if TYPE_CHECKING:
    from fabula.spec.tables import DatasetSpec

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
ReasoningOption = Annotated[
    Literal["keep"] | None,
    typer.Option("--reasoning", help="Keep what models think, in a column `reasoning`."),
]
RowsOption = Annotated[
    list[str] | None,
    typer.Option("-n", metavar="N|TABLE=N", help="Rows, in all or of one table; repeatable."),
]
SeedOption = Annotated[int | None, typer.Option("--seed", help="Seed in place of the spec's.")]
ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="NAME",
        help="Language model in place of the spec's: `local`, `fake`, `openai:NAME` …; settings "
        "go behind a `?`: `openai:NAME?reasoning_effort=low`.",
    ),
]
PromptOption = Annotated[
    str | None,
    typer.Option("--prompt", metavar="TEXT", help="What the rows are about, for the model."),
]
OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Replace the file to write.")]
FreshOption = Annotated[
    bool, typer.Option("--fresh", help="Ask again, even where replies are known.")
]
MaxCallsOption = Annotated[
    int | None, typer.Option("--max-calls", min=0, help="Most calls to language models.")
]
MaxTokensOption = Annotated[
    int | None, typer.Option("--max-tokens", min=0, help="Most tokens, sent and received.")
]
MaxCostOption = Annotated[
    float | None, typer.Option("--max-cost", min=0, metavar="USD", help="Most US dollars.")
]
ReviewOption = Annotated[
    Path | None,
    typer.Option(
        "--review",
        metavar="FILE",
        help="Notes of `fabula review import`, for the model: comments, and rows that are right.",
    ),
]

_NUMBER = re.compile(r"\d+(?:_\d+)*")


def read_spec(text: str, *, prompt: str | None = None) -> DatasetSpec:
    """The spec that an argument means; `-` is YAML on standard input."""
    from fabula.api import resolve
    from fabula.spec.loading import parse_spec

    return resolve(parse_spec(sys.stdin.read()) if text == "-" else text, prompt=prompt)


def read_sizes(texts: Sequence[str] | None) -> Size:
    """`["100"]` as 100, `["orders=9", "items=20"]` as a mapping.

    Raises:
        UsageError: A text is not a number of rows, or both forms are mixed.
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
                f"`-n {text}` does not say of which table",
                code="usage.rows",
                hint="give `-n 100` once, or `-n TABLE=100` for each table",
            )
        sizes[table] = _rows(number, text)
    return sizes


def read_names(text: str) -> list[str]:
    """`name, year` as two names; nothing as none."""
    return [name.strip() for name in text.split(",") if name.strip()]


def read_share(text: str | None) -> float | int | None:
    """`5%` and `0.05` as a share, `12` as a number of rows.

    Raises:
        UsageError: The text is neither.
    """
    if text is None:
        return None
    number = text.removesuffix("%").strip()
    if _NUMBER.fullmatch(number) and number == text:
        return int(number)
    try:
        share = float(number) / (100 if text.endswith("%") else 1)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise UsageError(
            f"`{text}` is not a share of rows",
            code="usage.share",
            hint="write `5%`, `0.05` or `12`",
        )
    return share


def read_shares(text: str | None) -> dict[str, float]:
    """`train=0.9,test=10%` as shares by name; nothing as none.

    Raises:
        UsageError: The text is not a list of shares.
    """
    shares: dict[str, float] = {}
    for part in (text or "").split(",") if text is not None else ():
        name, _, number = (side.strip() for side in part.partition("="))
        try:
            share = float(number.removesuffix("%")) / (100 if number.endswith("%") else 1)
        except ValueError:
            share = -1.0
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


def _rows(number: str, text: str) -> int:
    if not _NUMBER.fullmatch(number):
        raise UsageError(
            f"`{text}` is not a number of rows",
            code="usage.rows",
            hint="write `-n 1000`, or `-n orders=1000` for one table",
        )
    return int(number)
