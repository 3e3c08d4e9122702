"""Columns of kind `program`: the function is asked for, tried, repaired, and run for whole blocks.

Takes what the column is to hold and some rows, gives the function's source; takes a source and the
rows of a block, gives the column. All of it that is the model's runs in the sandbox.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from fabula.codegen.code_shapes import form_problem
from fabula.codegen.replies import read_reply
from fabula.errors import OutputError
from fabula.functions.sandboxed import FunctionFault, fill
from fabula.kinds.program import Program
from fabula.llm.client.chat import COLUMN_PROGRAM, ChatReply, ChatRequest, Message
from fabula.planning.estimate import PROGRAM_REPAIRS
from fabula.planning.plan import ColumnPlan
from fabula.sandbox.run import Limits

TRIED_ROWS = 1_000
SHOWN_VALUES = 5
TRIAL = Limits(seconds=20)
"""What a function may take for the rows that it is tried on."""

_SYSTEM = """\
You write one small Python function that computes a column of a table of synthetic data. Reply \
with one Python code block that holds the function, what it imports, and nothing else. Write either
- `def column(rows, rng)`: `rows` is a pandas DataFrame of the columns that you are shown, its \
index is the number of the row; returns one value for each row, in order; best where whole columns \
are computed at once;
- or `def value(row, rng)`: `row` is a dict of one row; returns its value.
`rng` is a numpy Generator and the only source of chance. Only Python's standard library, numpy \
and pandas are there; no files, no network, no clock. Values of `rows` may be missing."""


@dataclass(frozen=True)
class Written:
    """A function that passed, and how often it went back to the model."""

    source: str
    repairs: int


def write_function(
    column: ColumnPlan, sample: pa.Table, ask: Callable[[ChatRequest], ChatReply], *, where: str
) -> Written:
    """Have a column's function written, try it on rows, and have it repaired where it fails.

    Raises:
        OutputError: It still failed after the last repair; its text and fault are in the error.
        PrerequisiteError: The sandbox is not available here.
    """
    messages = [Message("system", _SYSTEM), Message("user", _question(column, sample))]
    repairs, calls = 0, 0
    while calls <= PROGRAM_REPAIRS:  # what an earlier run was told in vain is not a try of this one
        reply = ask(ChatRequest(tuple(messages), sample=repairs, purpose=COLUMN_PROGRAM))
        calls += not reply.cached
        found = read_reply(reply)
        source = found.candidates[0].strip() if found.candidates else ""
        try:
            if found.problem:
                raise FunctionFault(f"there is no function: {found.problem}")
            _try(column, source, sample)
        except FunctionFault as fault:
            problem = str(fault)
        else:
            return Written(source, repairs)
        messages += [
            Message("assistant", reply.text or "(nothing)"),
            Message("user", f"{problem}\n\nReply with the whole corrected function."),
        ]
        repairs += 1
    raise OutputError(
        f"the model wrote no working function for the column in {repairs} tries; its last one:\n\n"
        f"{source}\n\n{problem}",
        code="program.unusable",
        where=where,
        hint="say in `prompt` what the values are made of, add `examples`, or name another `model`",
    )


def _try(column: ColumnPlan, source: str, sample: pa.Table) -> None:
    """Run a function twice on the same rows, and look at its values."""
    n = min(TRIED_ROWS, len(sample)) if sample.num_columns else TRIED_ROWS
    rows = sample[:n]
    first, again = (fill(source, rows, column.type, n=n, seed=1, limits=TRIAL) for _ in range(2))
    if not first.equals(again):
        raise FunctionFault(
            "The function gives other values when it is called again with the same rows and the "
            "same `rng`; use no other source of chance, no clock, and no order of a set."
        )
    if n and first.null_count == n:
        raise FunctionFault("The function returns no value for any row.")
    spec = _spec(column)
    problem = form_problem(pc.drop_null(first).to_pylist(), spec.examples, spec.pattern)
    if problem:
        raise FunctionFault(problem)


def _question(column: ColumnPlan, sample: pa.Table) -> str:
    spec = _spec(column)
    asked: dict[str, Any] = {"column": column.name, "values": spec.prompt, "type": spec.type}
    if spec.description:
        asked["description"] = spec.description
    if spec.examples:
        asked["examples"] = list(spec.examples)
    if spec.pattern:
        asked["pattern"] = spec.pattern
    asked["rows"] = {
        field.name: {"type": str(field.type), "values": _shown(sample[field.name])}
        for field in sample.schema
    }
    return json.dumps(asked, indent=1, ensure_ascii=False, default=str)


def _shown(values: pa.ChunkedArray) -> Sequence[Any]:
    shown: Sequence[Any] = pc.unique(values[:TRIED_ROWS])[:SHOWN_VALUES].to_pylist()
    return shown


def _spec(column: ColumnPlan) -> Program:
    assert isinstance(column.spec, Program)
    return column.spec
