"""Whatever a server answers: rows asked are rows made and rows rejected, and asking ends."""

from __future__ import annotations

import random
from typing import Any

import pytest

from fabula.errors import ModelError
from fabula.llm.client.limits import Patience
from fabula.llm.rows import RowsResult, ask_rows
from fabula.testing import Call, ChatServer
from fabula.testing.replies import cut, empty, failed, filtered, says
from tests.llm.builders import Opened
from tests.llm.rows.jobs import shop

ROWS = 40
BROKEN = (
    failed(500),
    failed(413, "maximum context length exceeded"),
    cut('{"rows": [{"name": "a", "price": 3}, {"na'),
    empty(),
    filtered(),
    says([{"name": "a", "price": 3}]),
    says('name,price\n"x,3\ny,4'),
    says([{"name": "a", "price": "cheap"}]),
    says("[[["),
)
WISHES: dict[str, dict[str, Any]] = {
    "free": {},
    "unique": {"unique": (("name",),)},
    "given": {"given": [{"number": number} for number in range(ROWS)]},
    "one by one": {
        "given": [{"number": number} for number in range(ROWS)],
        "unique": (("name",),),
        "rows_per_call": 1,
    },
}


class Chaos:
    """A script that breaks a share of its replies and repeats itself in the rest."""

    def __init__(self, seed: int, broken: float) -> None:
        self._rng = random.Random(seed)
        self._broken = broken

    def __call__(self, call: Call) -> Any:
        del call
        rng = self._rng
        if rng.random() < self._broken:
            return rng.choice(BROKEN)
        rows = [
            {"name": f"name {rng.randrange(200)}", "price": rng.randrange(1, 9)}
            for _ in range(rng.randrange(1, 8))
        ]
        return {"rows": rows}


@pytest.mark.parametrize("broken", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("wish", WISHES)
async def test_rows_asked_are_rows_made_and_rows_rejected(
    opened: Opened, wish: str, broken: float
) -> None:
    with ChatServer(Chaos(7, broken)) as server:
        model = opened(server, patience=Patience(tries=1), concurrency=4)
        try:
            result = await ask_rows(model, shop(ROWS, **WISHES[wish]))
        except ModelError:
            return  # the server failed again and again before a first row
        assert len(server.calls) < 40 * ROWS
    check_accounts(result)
    if "unique" in WISHES[wish]:
        names = [row["name"] for row in result.rows if row is not None]
        assert len(set(names)) == len(names)


def check_accounts(result: RowsResult) -> None:
    made = [place for place, row in enumerate(result.rows) if row is not None]
    rejected = [reject.row for reject in result.rejects]
    assert len(result.rows) == ROWS
    assert not set(made) & set(rejected)
    assert len(set(rejected)) == len(rejected)
    assert all(reject.reason and reject.attempt >= 1 for reject in result.rejects)
    if result.error is None or result.error.code == "rows.unusable":
        assert len(made) + len(rejected) == ROWS
