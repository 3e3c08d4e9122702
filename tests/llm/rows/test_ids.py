"""Ids that a model counts wrongly are said."""

from __future__ import annotations

import pytest

from fabula.llm.rows.ask import ask_rows
from fabula.llm.rows.job import RowField, RowsJob
from fabula.testing import ChatServer
from fabula.testing.replies import says
from tests.llm.builders import Opened

NAME = RowField("name", {"type": "string"})
ORDER = RowField("order_id", {"type": "integer"})


@pytest.mark.parametrize(
    ("first", "second", "note"),
    [
        ([1, 2, 3], [4, 5, 6], None),
        ([0, 1, 2], [3, 4, 5], "starts at 0 in the replies"),
        ([1, 2, 3], [1, 2, 3], "starts again at 1 in a further reply"),
        ([1, 2, 3], [3, 4, 5], "repeats values of an earlier reply"),
        ([1, 2, 2], [3, 4, 5], "has a value twice in one reply"),
    ],
)
@pytest.mark.parametrize("asked", [True, False], ids=["asked", "added"])
async def test_ids_that_restart_are_said(
    opened: Opened, first: list[int], second: list[int], note: str | None, asked: bool
) -> None:
    """Whether the id was asked for, or the model wrote one by itself."""
    key = "order_id" if asked else "id"
    replies = [
        says(
            {
                "rows": [
                    {key: number, "name": f"{place} {number} {at}"} for at, number in enumerate(ids)
                ]
            }
        )
        for place, ids in enumerate((first, second))
    ]
    fields = (ORDER, NAME) if asked else (NAME,)
    with ChatServer(replies) as server:
        result = await ask_rows(
            opened(server, concurrency=1), RowsJob("orders", fields, 6, rows_per_call=3)
        )
    assert result.rows[-1] is not None
    found = [text for text in result.notes if text.startswith(f"`{key}`")]
    assert found == ([] if note is None else [f"`{key}` {note}"])
