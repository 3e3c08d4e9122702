"""Has a language model write a spec: a structured reply in the spec's own JSON Schema.

A spec that does not hold together goes back with its exact violations, until it validates and can
be tried out, or the rounds are used up. No code is written and none is run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fabula.errors import FabulaError, OutputError, RunInterrupted
from fabula.inference.prompts import counts_of
from fabula.io.formats import written_formats
from fabula.llm.client.chat import ChatModel, ChatReply, ChatRequest, Message
from fabula.llm.json_schema.reading import is_cut, json_values
from fabula.llm.json_schema.wording import with_text
from fabula.llm.rows.reasoning import without_thoughts
from fabula.llm.rows.sync import run_sync
from fabula.spec.loading import build_spec
from fabula.spec.schema import json_schema
from fabula.spec.tables import DatasetSpec

PURPOSE = "spec"

_SYSTEM = """\
You write specs for a generator of synthetic data. Reply with one JSON object that follows the \
given JSON Schema, and nothing else. A spec names tables; a table has `n` rows (or `per_parent`) \
and columns; each column has a `kind` with its own parameters.
- Every table begins with a `key` column called `id`; `reference` columns point to other tables.
- Numbers come from distributions, people and addresses from `person`, categories from `choice`, \
dates from `datetime`, values that follow from others from `expr`; only words that must make sense \
are `llm`, and such a table has a `prompt`.
- Rules that the rows must keep stand in the table's `checks`."""


@dataclass(frozen=True)
class WrittenSpec:
    """A spec that a model wrote.

    Attributes:
        spec: The spec.
        calls: Replies of the model.
        cached: Replies that were known.
    """

    spec: DatasetSpec
    calls: int
    cached: int


def write_spec(
    model: ChatModel, prompt: str, *, try_out: Callable[[DatasetSpec], object], rounds: int = 3
) -> WrittenSpec:
    """Have a model write the spec of what a sentence asks for.

    Args:
        model: Who is asked.
        prompt: The sentence.
        try_out: Raises a `FabulaError` where the spec can't be used.
        rounds: Times that it goes back with what is wrong.

    Raises:
        OutputError: No reply was a usable spec; names what was wrong with the last.
        ModelError: The model can't be used.
    """
    schema = json_schema(written_formats())
    opening = (Message("system", _SYSTEM), Message("user", f"The data that is wanted: {prompt}"))
    turns: tuple[Message, ...] = opening
    problem, cause, calls, cached = "", "", 0, 0
    while calls <= rounds:  # what an earlier run was told in vain is not a try of this one
        sample = calls + cached
        request = ChatRequest(turns, schema=schema, sample=sample, purpose=PURPOSE)
        reply = run_sync(model.complete(request))
        calls, cached = calls + (not reply.cached), cached + reply.cached
        try:
            spec = _with_rows(build_spec(_object(reply)), prompt)
            try_out(spec)
        except RunInterrupted:  # by the user, not by the spec
            raise
        except FabulaError as error:
            problem, cause = str(error), error.message
        else:
            return WrittenSpec(spec, calls, cached)
        told = f"The spec can't be used:\n{problem}\n\nReply with the whole corrected spec."
        turns = (*opening, Message("assistant", reply.text or "(nothing)"), Message("user", told))
    raise OutputError(
        f"`{model.name}` wrote no usable spec in {calls + cached} replies: {cause}",
        code="spec.unwritten",
        hint="describe more precisely what you want, try a stronger model, or start from "
        "`fabula init --template shop`",
    )


def _object(reply: ChatReply) -> Mapping[str, Any]:
    """The values of the last spec in a reply, out of whatever wrapper the model chose."""
    text = without_thoughts(reply.text)
    is_whole = reply.finish != "length"
    for value in reversed([*json_values(text)]):
        inside = value.values() if isinstance(value, Mapping) else ()
        found = next((item for item in (value, *inside) if _is_spec(item)), None)
        is_whole = is_whole and not is_cut(value)
        if found is not None and is_whole:
            return dict(found)
    cut = "holds no spec" if is_whole else "was cut off"
    raise OutputError(
        with_text(f"the reply {cut}", reply.problem or text),
        code="spec.no-object",
        hint="a spec is a JSON object with `tables` at its top",
    )


def _with_rows(spec: DatasetSpec, prompt: str) -> DatasetSpec:
    """The spec, whose only table has the rows that the sentence says."""
    said, tables = counts_of(prompt), list(spec.tables.items())
    if len(said) != 1 or len(tables) != 1:
        return spec
    ((name, table),) = tables
    return spec.model_copy(update={"tables": {name: table.model_copy(update={"n": said[0]})}})


def _is_spec(value: Any) -> bool:
    return isinstance(value, Mapping) and isinstance(value.get("tables"), Mapping | list)
