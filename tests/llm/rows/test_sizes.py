"""How many rows a call asks for, and what faults may cost."""

from __future__ import annotations

import random
from typing import Any

import pytest

from fabula.llm.rows import ask_rows
from fabula.llm.rows.sizes import CallSize
from fabula.testing import Call, ChatServer, Reply
from tests.acceptance.builders import asked_rows
from tests.llm.builders import Opened
from tests.llm.rows.jobs import listed, product, shop


def test_a_first_reply_that_is_cut_halves_the_next_call() -> None:
    size = CallSize(8)
    size.was_cut(8)
    assert size.rows == 4


def test_a_rare_cut_changes_nothing() -> None:
    size = CallSize(8)
    for number in range(100):
        size.was_cut(8) if number % 10 == 9 else size.came_whole(8)
    assert size.rows == 8


def test_a_size_grows_again_and_more_slowly_after_each_failure() -> None:
    """A model that can't write more than 4 rows is tried with 8 ever more rarely."""
    size, tried = CallSize(8), 0
    for _ in range(1000):
        if size.rows > 4:
            tried += 1
            size.was_cut(size.rows)
        else:
            size.came_whole(size.rows)
    assert 2 <= tried <= 12


@pytest.mark.parametrize("share", [0.0, 0.1])
async def test_one_malformed_reply_in_ten_costs_at_most_three_calls_in_ten(
    opened: Opened, share: float
) -> None:
    rng, made = random.Random(1), 0

    def script(call: Call) -> str | Reply:
        nonlocal made
        if rng.random() < share:
            return Reply('{"rows": [{"tex', as_text=True)
        wanted = asked_rows(call)
        made += wanted
        return listed(*(product(made - place) for place in range(wanted)))

    with ChatServer(script) as server:
        result = await ask_rows(opened(server), shop(600, rows_per_call=8))
    assert sum(row is not None for row in result.rows) == 600
    assert len(server.calls) <= 1.3 * 75


async def test_an_exception_in_a_check_of_the_users_ends_the_run_at_once(opened: Opened) -> None:
    def check(row: dict[str, Any]) -> list[str]:
        return [str(row["price"] / 0)]

    with ChatServer() as server, pytest.raises(ZeroDivisionError):
        await ask_rows(opened(server), shop(3, rows_per_call=1, check_row=check))
    assert len(server.calls) == 1
