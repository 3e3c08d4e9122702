"""`fb.rows`: N rows about a subject, as objects of a class, as dicts or as plain text.

A thin face over `ask_rows`: the wanted shape becomes fields, the caller's rules become checks, and
a shortfall becomes an error that carries the rows which are there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Required, TypeVar, Unpack, overload

from fabula.augment.asking import AskOptions, ask, job_options, kept_reasoning, shortfall
from fabula.augment.row_schema import TEXT, Shape, listed_in, shape_of
from fabula.augment.user_checks import CheckRow, CheckTable, row_check, table_check, unique_groups
from fabula.errors import UsageError
from fabula.io.examples import example_values
from fabula.llm.rows.job import RowsJob
from fabula.llm.rows.sync import run_sync

if TYPE_CHECKING:
    from fabula.types import TableLike

Row = TypeVar("Row")


class RowOptions(AskOptions, total=False):
    """What `rows` and `arows` take besides the shape of a row; see `rows`."""

    prompt: str
    n: Required[int]
    extra: str
    examples: TableLike
    unique: str | Sequence[str | Sequence[str]]
    check_row: CheckRow | None
    check_table: CheckTable | None
    reasoning: Literal["keep", "drop"]


@overload
def rows(schema: type[Row], **wanted: Unpack[RowOptions]) -> list[Row]: ...
@overload
def rows(schema: Mapping[str, Any], **wanted: Unpack[RowOptions]) -> list[dict[str, Any]]: ...
@overload
def rows(schema: str, **wanted: Unpack[RowOptions]) -> list[dict[str, Any]]: ...
@overload
def rows(schema: None = None, **wanted: Unpack[RowOptions]) -> list[str]: ...
def rows(schema: Any = None, **wanted: Unpack[RowOptions]) -> list[Any]:
    """Ask a language model for rows: exactly `n`, valid, distinct, in order.

    Every reply is kept, so the same call again costs nothing and gives the same rows, and after
    a failure it asks only for what is missing.

    Args:
        schema: A Pydantic class or dataclass (objects come out), a JSON Schema of an object or a
            sentence that lists fields, such as `"knights: name, motto"` (dicts), or None (text).
        wanted: The rest, by name.

            - `prompt`: What the rows are about, in words; a sentence says it itself.
            - `n`: Rows wanted.
            - `extra`: A further instruction.
            - `examples`: Human examples in any form: strings, mappings, objects, a frame.
            - `unique`: Fields, or groups of fields, whose values may not repeat.
            - `check_row`: Takes a row, returns its problems as texts, which go back to the model.
            - `check_table`: Takes all rows, returns `{position: problem}`.
            - `reasoning`: `keep` puts what the model thought before it wrote a row into the
              row's dict, as `reasoning`; rows requested together share it.
            - `model`: `local`, `fake`, `openai:NAME` …, or settings.
            - `rows_per_call`: Rows per call; by default chosen by the size of a row.
            - `attempts`: Retries of an invalid row.
            - `temperature`: Of the model; by default its own.
            - `sample`: Another number asks for other rows.
            - `fresh`: Ask again, even if replies are known.
            - `max_calls`, `max_tokens`, `max_cost`: Limits; the call stops before the next one.
            - `progress`: Called with `rows`, the rows made so far, and the rows wanted.
            - `on_result`: Called with the record of the calls: usage, modes, notes, rejects.
            - `rehearsal`: An `fb.Rehearsal()` that records the requests; nothing is called, and the
            rows are stand-ins.

    Raises:
        UsageError: The schema or an option is wrong.
        PartialRunError: Rows are missing; `rows` of the error holds those that are there.
        ModelError: The model can't be used at all.

    Examples:
        >>> city = {"properties": {"city": {"type": "string"}}}
        >>> len(rows(city, prompt="cities", n=2, model="fake"))
        2
    """
    return run_sync(arows(schema, **wanted))


@overload
async def arows(schema: type[Row], **wanted: Unpack[RowOptions]) -> list[Row]: ...
@overload
async def arows(
    schema: Mapping[str, Any], **wanted: Unpack[RowOptions]
) -> list[dict[str, Any]]: ...
@overload
async def arows(schema: str, **wanted: Unpack[RowOptions]) -> list[dict[str, Any]]: ...
@overload
async def arows(schema: None = None, **wanted: Unpack[RowOptions]) -> list[str]: ...
async def arows(schema: Any = None, **wanted: Unpack[RowOptions]) -> list[Any]:
    """`rows` for callers with their own event loop: same arguments, same rows."""
    if isinstance(schema, str):
        wanted = {"prompt": schema, **wanted}
        schema = listed_in(schema)
    shape = shape_of(schema)
    job = _job(shape, wanted)
    result = await ask(job, wanted, name="rows")
    made = [shape.make(row) for row in result.rows if row is not None]
    if len(made) < job.n:
        raise shortfall(result, made)
    return made


def _job(shape: Shape, wanted: RowOptions) -> RowsJob:
    if "prompt" not in wanted:
        raise UsageError(
            "`rows` needs `prompt`", code="usage.option", hint="give it by name: `prompt=`"
        )
    examples = example_values(wanted.get("examples", ()))
    alone = wanted.get("rows_per_call") in (None, 1)
    return RowsJob(
        subject=wanted["prompt"],
        fields=shape.fields,
        n=wanted["n"],
        examples=examples,
        extra=wanted.get("extra", ""),
        unique=unique_groups(wanted.get("unique", ()), shape.names),
        used=_whole_rows(shape, examples),
        check_row=row_check(shape.make, wanted.get("check_row")),
        check_table=table_check(shape.make, wanted.get("check_table")),
        text=shape.is_text and alone,
        reasoning=_reasoning(shape, wanted),
        **job_options(wanted),
    )


def _reasoning(shape: Shape, wanted: RowOptions) -> str:
    """The name under which rows keep what the model thought; only dicts have room for it."""
    name = kept_reasoning(wanted.get("reasoning", "drop"), shape.names)
    if name and shape.make is not dict:
        raise UsageError(
            "only rows that are dicts can keep the model's reasoning",
            code="usage.reasoning",
            hint="give a JSON Schema: `rows(YourClass.model_json_schema(), …)`",
        )
    return name


def _whole_rows(shape: Shape, examples: Sequence[Any]) -> list[dict[str, Any]]:
    """The examples that are rows themselves: a copy of one is not a new row."""
    if shape.is_text:
        return [{TEXT: item} for item in examples if isinstance(item, str)]
    return [item for item in examples if isinstance(item, dict) and set(shape.names) <= set(item)]
