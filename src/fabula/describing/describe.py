"""`fb.describe`: texts that tell given fields, each value of them, within bounds.

A text is asked for each item (or several); code checks that it uses every value and keeps the
preferences, and what it lacks goes back to the model by name. Whether a reader finds the fields
again in the text is the round trip's matter (`verify`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypedDict, Unpack

from fabula.augment.asking import asking, shortfall
from fabula.describing.facts import holds_values
from fabula.describing.items import read_items
from fabula.describing.prompts import Prompts
from fabula.describing.verify import verify
from fabula.describing.writing import DescribeOptions, Task, Writer, Writing, unsupported
from fabula.errors import UsageError
from fabula.llm.rows.job import Reject, RowsResult
from fabula.llm.rows.sync import run_sync
from fabula.types import TableLike


class Described(TypedDict, total=False):
    """One text and what it was made of.

    Attributes:
        fields: The item, as it was given.
        preferences: What was wished, as it was given; `{}` for nothing.
        text: The text; None if no good one came.
        variant: Which text about the item, where several were asked.
        unsupported: Numbers and names in the text that the fields do not hold.
        round_trip: How the fields came back, if that was verified.
        error: Why there is no good text.
    """

    fields: Any
    preferences: dict[str, Any]
    text: str | None
    variant: int
    unsupported: list[str]
    round_trip: str
    error: str


def describe(data: TableLike, **wanted: Unpack[DescribeOptions]) -> list[Described]:
    """Write a text for each item that tells all of its fields.

    Args:
        data: A list of items, one table in any form, or one item as a mapping (put it into a list
            where its values are lists of one length, which would be columns). An item is a
            mapping, a list, a list of mappings, a plain value, or
            `{"fields": …, "preferences": …}`.
        wanted: The rest, by name: `model`, `attempts` … as `rows` takes them, and

            - `preferences`: `style`, `language`, `min_words`, `max_words`, `min_characters`,
              `max_characters`, `must`, `must_not`; for all items, or a list of one for each.
            - `n`: Texts about each item, no two alike.
            - `task`: A task of your own, a Jinja template over `fields`, `preferences`,
              `variant` and the items' names.
            - `columns`: The fields to tell; by default all.
            - `preferences_column`: The field that holds an item's own preferences.
            - `faithful`: Refuse texts with numbers or names that the fields do not hold; by
              default they are listed.
            - `examples`: Pairs of fields and a text that tells them.
            - `verify`: Have each text read again, and compare what comes out with the fields.
            - `rounds`: Times that a text whose fields do not come back is written again.
            - `failures`: What happens to those that never do: `drop` or `keep`.
            - `on_score`: Called with the score of the round trip.

    Returns:
        One record for each text, in the order of the items, with `fields`, `preferences`, `text`
        and `unsupported`.

    Raises:
        SourceError: The data can't be read.
        UsageError: An option is wrong; nothing was asked.
        PartialRunError: Some texts are missing; `rows` of the error holds every record, those
            without a text with their `error`.

    Examples:
        >>> [made] = describe({"actor": "Tom Hanks"}, model="fake")
        >>> "Tom Hanks" in made["text"]
        True
    """
    return run_sync(adescribe(data, **wanted))


async def adescribe(data: TableLike, **wanted: Unpack[DescribeOptions]) -> list[Described]:
    """`describe` for callers with an event loop of their own: same arguments, same texts."""
    writer = _writer(data, wanted)
    tasks = writer.tasks
    async with asking(wanted, name="texts") as ask:
        full = [place for place, task in enumerate(tasks) if holds_values(task.item.plain)]
        asked = await ask(writer.job(full))
        writing = Writing(tasks, _spread(asked, full, len(tasks)), {}, {})
        if wanted.get("verify"):
            await verify(writing, writer, ask)
    records = [_record(writing, place, task) for place, task in enumerate(tasks)]
    if any("error" in record for record in records):
        raise shortfall(_with_failures(writing), records)
    return records


def prompts_of(data: Any, **wanted: Unpack[DescribeOptions]) -> Sequence[str]:
    """The first prompt of every text that `describe` would ask for; nothing is asked."""
    writer = _writer(data, wanted)
    return writer.job(range(len(writer.tasks))).prompts or ()


def _writer(data: Any, wanted: DescribeOptions) -> Writer:
    items = read_items(
        data,
        preferences=wanted.get("preferences"),
        columns=wanted.get("columns", ()),
        preferences_column=wanted.get("preferences_column", ""),
    )
    n = wanted.get("n", 1)
    if n < 0:
        raise UsageError(f"{n} texts per item can't be written", code="usage.rows")
    tasks = [Task(item, variant, n) for item in items for variant in range(1, n + 1)]
    return Writer(tasks, Prompts(items, wanted.get("task", "")), wanted)


def _spread(asked: RowsResult, places: Sequence[int], n: int) -> RowsResult:
    """The result of some tasks as that of all; a task without a value is never asked for."""
    rows: list[dict[str, Any] | None] = [None] * n
    for place, row in zip(places, asked.rows, strict=True):
        rows[place] = row
    rejects = [replace(reject, row=places[reject.row]) for reject in asked.rejects]
    empty = set(range(n)).difference(places)
    rejects += [Reject(place, "the item has no values to describe", "", 0) for place in empty]
    return replace(asked, rows=rows, rejects=sorted(rejects, key=lambda reject: reject.row))


def _record(writing: Writing, place: int, task: Task) -> Described:
    """What comes out for one task."""
    text = None if place in writing.failures else writing.text(place)
    record: Described = {
        "fields": task.item.fields,
        "preferences": dict(task.item.given),
        "text": text,
        "unsupported": [] if text is None else unsupported(task.item, text),
    }
    if task.variants > 1:
        record["variant"] = task.variant
    if place in writing.verdicts:
        record["round_trip"] = writing.verdicts[place]
    if place in writing.failures:
        record["error"] = writing.failures[place]
    elif text is None:
        rejects = {reject.row: reject.reason for reject in writing.result.rejects}
        stopped = writing.result.error
        unknown = stopped.message if stopped else writing.result.stalled or "no text came"
        record["error"] = rejects.get(place, unknown)
    return record


def _with_failures(writing: Writing) -> RowsResult:
    """The result in which a text that failed its round trip counts as missing."""
    result = writing.result
    lost = [
        Reject(place, reason, writing.text(place) or "", 1)
        for place, reason in writing.failures.items()
    ]
    rows = [None if place in writing.failures else row for place, row in enumerate(result.rows)]
    rejects = sorted([*result.rejects, *lost], key=lambda reject: reject.row)
    return replace(result, rows=rows, rejects=rejects)
