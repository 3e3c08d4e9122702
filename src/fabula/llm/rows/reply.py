"""Finds the rows of a job in a reply's text, whatever format the model chose to answer in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fabula.llm.rows.form import Reading
from fabula.llm.rows.job import RowField
from fabula.llm.rows.parse import is_cut, json_values, row_items


def read_items(text: str, fields: Sequence[RowField], *, asked: int, cut: bool) -> Reading:
    """The row items in a reply without thoughts.

    Args:
        text: The reply.
        fields: What each row was asked to hold.
        asked: How many rows were asked.
        cut: True when the endpoint says that the reply hit its token limit.
    """
    names = [each.name for each in fields]
    items: list[Any] = []
    for value in json_values(text):
        items += row_items(value, names)
        cut = cut or is_cut(value)
    if cut:
        return Reading(items, f"the reply was cut off after {len(items)} whole rows")
    if not items:
        start = " ".join(text.split())[:120]
        return Reading(items, f"the reply holds no rows in JSON: {start}")
    short = f"the reply holds {len(items)} rows of {asked}" if len(items) < asked else ""
    return Reading(items, short)
