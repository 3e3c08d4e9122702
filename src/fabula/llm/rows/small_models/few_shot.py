"""Example rows for a job's prompt: the user's, or built-in ones under the job's field names."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fabula.llm.json_schema.samples import make_value
from fabula.llm.rows.job import RowField, RowsJob
from fabula.llm.rows.names import plain_name
from fabula.llm.rows.small_models.builtin_examples import Record, theme_for

SHOWN = 4
"""Number of examples in a prompt; more would dilute it and cost time."""

_LONG = re.compile(r"sentence|text|descri|note|review|message|paragraph", re.I)
_OTHER_NAMES = {
    "name": "name title product item label subject headline heading summary dish",
    "text": "text description blurb note comment review message body bio content details story",
    "category": "category type kind group department class topic issue",
    "colour": "colour color",
    "brand": "brand maker manufacturer vendor",
    "city": "city town place location",
    "job": "job role occupation profession position",
    "author": "author writer artist",
    "genre": "genre style",
    "diagnosis": "diagnosis disease condition illness",
    "treatment": "treatment therapy medication",
    "industry": "industry sector",
    "first_name": "firstname givenname forename",
    "last_name": "lastname surname familyname",
}
_ATTRIBUTE = {word: name for name, words in _OTHER_NAMES.items() for word in words.split()}


@dataclass(frozen=True, slots=True)
class Exemplar:
    """One example row.

    Args:
        row: Known and asked values by name.
        task: A task that the row's text answers.
    """

    row: Mapping[str, Any]
    task: str = "Another one like this."


def exemplars(job: RowsJob) -> list[Exemplar]:
    """Up to `SHOWN` examples: human ones if they map to the fields, else built-in."""
    human = list(_human(job, job.examples)) or list(_human(job, job.shown))
    return human[:SHOWN] or list(_built_in(job))[:SHOWN]


def human_lines(job: RowsJob) -> list[str]:
    """Human examples in plain text although several fields are requested."""
    if len(job.fields) == 1:
        return []
    return [" ".join(each.split()) for each in job.examples if isinstance(each, str)][:SHOWN]


def is_line(each: RowField) -> bool:
    """Whether a field is free text, which needs no grammar."""
    schema = each.schema
    return schema.get("type") == "string" and not schema.keys() & {"enum", "pattern", "format"}


def _human(job: RowsJob, examples: Sequence[Any]) -> Iterator[Exemplar]:
    for example in examples:
        value = example.model_dump(mode="json") if hasattr(example, "model_dump") else example
        if isinstance(value, str) and len(job.fields) == 1:
            yield Exemplar({job.fields[0].name: " ".join(value.split())})
        elif isinstance(value, Mapping) and all(each.name in value for each in job.fields):
            task = value.get("task") if job.prompts is not None else None
            yield Exemplar(dict(value), *([str(task)] if task else []))


def _built_in(job: RowsJob) -> Iterator[Exemplar]:
    """Records of the theme that fits the job, under the job's field names."""
    prompt = job.prompts[0] if job.prompts else ""
    described = " ".join(f"{each.name} {each.description}" for each in job.fields)
    theme = theme_for(f"{job.subject} {prompt} {described.replace('_', ' ')}")
    rng = random.Random(job.subject)
    for place, record in enumerate(theme.records):
        row: dict[str, Any] = {}
        for name, known in (job.given[place % job.n] if job.given else {}).items():
            row[name] = record.get(_attribute(name), known)
        for each in job.fields:
            row[each.name] = record["text"] if job.text else _value(each, record, rng, place)
        yield Exemplar(row, theme.task_of(record))


def _value(each: RowField, record: Record, rng: random.Random, place: int) -> Any:
    """A value for one field: from the record by name, else any valid one."""
    if "enum" in each.schema:
        return each.schema["enum"][place % len(each.schema["enum"])]
    if is_line(each):
        text = record.get(_attribute(each.name))
        if isinstance(text, str):
            return text
        return record["text" if _LONG.search(each.description) else "name"]
    schema = {"type": "object", "properties": {each.name: each.schema}, "required": [each.name]}
    schema |= {"$defs": each.schema["$defs"]} if "$defs" in each.schema else {}
    return make_value(rng, schema)[each.name]


def _attribute(name: str) -> str:
    """The name that a theme's records use for this field."""
    plain = plain_name(name)
    found = (other for word, other in _ATTRIBUTE.items() if plain.endswith(word))
    return _ATTRIBUTE.get(plain) or next(found, "")
