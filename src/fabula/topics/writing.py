"""Asks for the rows that a round lacks: that many of each topic, in the columns of the table."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from fabula.augment.extend import Growth
from fabula.augment.sequences import continued
from fabula.llm.rows.column_profiles import asked_column
from fabula.llm.rows.job import RowField, RowsJob
from fabula.topics.corpus import Corpus

ABOUT, TOPIC = "about", "topic"
"""The topic that a row is asked for, and the one that the reply says it has."""
EXAMPLES_A_TOPIC = 3


def growth_of(corpus: Corpus, table: pa.Table, seed: int) -> Growth:
    """How each column of the table continues: by rule, or written by the model."""
    values = {name: table.column(name).to_pylist() for name in table.column_names}
    rules, asked = {}, {}
    for place, name in enumerate(table.column_names):
        column, known = table.column(name), values[name]
        written = name in corpus.fields or name == corpus.label
        rule = None if written else continued(name, column.type, known, first=place == 0, seed=seed)
        if rule is not None:
            rules[name] = rule
            continue
        each = asked_column(name, column, known)
        if written and "enum" in each.field.schema:  # a new topic has values of its own
            field = dataclasses.replace(each.field, schema={"type": "string"})
            each = dataclasses.replace(each, field=field)
        asked[name] = each
    return Growth(table, values, rules, {}, asked, seed)


def round_job(
    corpus: Corpus,
    growth: Growth,
    wanted: Mapping[str, int],
    samples: Mapping[str, Sequence[int]],
    *,
    prompt: str = "",
    unique: Sequence[str] = (),
    **options: Any,
) -> RowsJob:
    """The job of one round: that many rows of each topic, whose prompts show samples of it."""
    counts = "; ".join(f"{name}: {count}" for name, count in wanted.items())
    about = _free(ABOUT, growth)
    # A row about anything else is refused with the list of topics, and asked again.
    allowed = {"type": "string", "enum": list(wanted)}
    topic = RowField(_free(TOPIC, growth), allowed, f"the `{about}` of the row, unchanged")
    groups = (*((name,) for name in unique), corpus.fields)
    examples = [
        {about: name, topic.name: name, **growth.row(row)}
        for number in range(EXAMPLES_A_TOPIC)
        for name, rows in samples.items()
        for row in rows[number : number + 1]
    ]
    return RowsJob(
        subject=prompt.strip() or "more rows of the table that the examples are from",
        fields=(topic, *(column.field for column in growth.asked.values())),
        n=sum(wanted.values()),
        given=[
            {about: name, "row_id": number}  # so that no two calls are the same
            for name, count in wanted.items()
            for number in range(1, count + 1)
        ],
        examples=examples,
        extra=f"Rows that are wanted for each topic: {counts}. Write each row about its topic, "
        "unlike the rows that exist.",
        unique=groups,
        used=_used(growth, groups),
        **options,
    )


def topic_field(job: RowsJob) -> str:
    """The field of a job that holds what a reply says is the row's topic."""
    return job.fields[0].name


def _free(name: str, growth: Growth) -> str:
    return name if name not in growth.asked else f"{name}_of_row"


def _used(growth: Growth, groups: Sequence[Sequence[str]]) -> list[dict[str, Any]]:
    """What may not come again of the rows that exist."""
    names = list(dict.fromkeys(name for group in groups for name in group))
    columns = [growth.values[name] for name in names]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
