"""Every failure for every verb that asks: the same again, once the server is well, completes.

Good replies are paid once; what failed is asked again and never replayed as an answer.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

import fabula as fb
from fabula.errors import FabulaError
from fabula.llm.client import limits
from fabula.spec.tables import ModelSpec
from fabula.testing import Call, ChatServer, Reply
from fabula.testing.replies import cut, failed, invalid_envelope, reset
from tests.acceptance import kinds, texts
from tests.acceptance.builders import as_reply, asked_rows, at, known_rows
from tests.acceptance.kinds import thing
from tests.acceptance.test_matrix import BAD_REPLIES
from tests.codegen.builders import GOOD, fenced, made
from tests.llm.builders import QUICK
from tests.topics import topic_server

N = 6
Verb = Callable[[ModelSpec], Any]

FAILURES = {
    **BAD_REPLIES,
    "choices null": invalid_envelope('{"choices": null, "base_resp": {"status_msg": "busy"}}'),
    "error in 200": invalid_envelope('{"error": {"message": "upstream failed"}}'),
    "web page": Reply(body="<html>maintenance</html>"),
    "500": failed(500),
    "503": failed(503),
    "429": failed(429, "slow down"),
    "reset": reset(),
    "cut": cut('{"rows": [{"na'),
    "broken off": Reply('{"rows": [{"na', finish="error"),
    "unknown end": Reply("half a sen", finish="exhausted", as_text=True),
    "placeholders": Reply('{"name": "<name>", "price": "...", "verdict": "<verdict>"}'),
    "no such values": Reply('{"name": null, "price": "unknown", "verdict": "perhaps"}'),
}

SOME = dict(list(FAILURES.items())[::3])
"""For the verbs whose runs take long."""


class Sick:
    """A server that answers one call well, then none until it is healed.

    Args:
        failure: What it answers while it is ill.
        good: What it answers else, given a call and the number of rows to write at most.
    """

    def __init__(self, failure: Reply, good: Callable[[Call, int], str]) -> None:
        self.failure = failure
        self.good = good
        self.well = False
        self.answered: list[str] = []

    def __call__(self, call: Call) -> Any:
        if self.answered and not self.well:
            return self.failure
        self.answered.append(json.dumps(call.body))
        return self.good(call, N if self.well else N // 2)


def things() -> Callable[[Call, int], str]:
    """Things, at most that many in a reply; their number continues from call to call."""
    made = 0

    def answer(call: Call, most: int) -> str:
        nonlocal made
        rows = [thing(made + place) for place in range(min(asked_rows(call), most))]
        made += len(rows)
        return as_reply(*rows)

    return answer


def honest() -> Callable[[Call, int], str]:
    return lambda call, _: texts.honest(call)


def judged() -> Callable[[Call, int], str]:
    """Verdicts on the rows that a call shows."""

    def answer(call: Call, most: int) -> str:
        rows = [{"row": place + 1, "verdict": True} for place in range(len(known_rows(call)))]
        return json.dumps({"rows": rows[:most]} if len(rows) > 1 else {"verdict": True})

    return answer


def judge(model: ModelSpec) -> list[dict[str, Any]]:
    """Verdicts on six rows of a table."""
    spec = {
        "fabula": 1,
        "name": "graded",
        "models": {"default": model.model_dump(exclude_defaults=True)},
        "tables": {
            "t": {
                "n": N,
                "columns": {
                    "id": {"kind": "key"},
                    "fine": {"kind": "judge", "of": ["id"], "rubric": "Is it a number?"},
                },
            }
        },
    }
    return fb.generate(spec).to_dicts()


def calls_of(make: Callable[..., Any]) -> Verb:
    return lambda model: make(model, N)


VERBS: dict[str, tuple[Verb, Callable[[], Callable[[Call, int], str]]]] = {
    **{name: (calls_of(make), things) for name, make in kinds.KINDS.items()},
    **{name: (calls_of(make), honest) for name, make in texts.KINDS.items()},
    "judge": (judge, judged),
}


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES)
@pytest.mark.parametrize("verb", VERBS)
def test_what_failed_is_asked_again_and_what_was_good_is_not(
    verb: str, failure: Reply, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "Patience", lambda: QUICK)
    make, good = VERBS[verb]
    sick = Sick(failure, good())
    with ChatServer(sick) as server:
        model = at(server, concurrency=1)
        with pytest.raises(FabulaError):
            make(model)
        sick.well, paid = True, len(server.calls)
        rows = make(model)
        healed = len(server.calls)
        assert make(model) == rows
    assert len(rows) == N
    assert paid < healed == len(server.calls)
    assert len(sick.answered) == len(set(sick.answered))


@pytest.mark.parametrize("failure", SOME.values(), ids=SOME)
def test_a_balance_that_failed_goes_on(failure: Reply, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names of topics and rows of rounds alike."""
    monkeypatch.setattr(limits, "Patience", lambda: QUICK)
    script = topic_server.Script()
    well, good = False, list[str]()

    def sick(call: Call) -> Reply:
        writes = "Rows that are wanted" in call.prompt
        if writes and not well and any("Rows that are wanted" in prompt for prompt in good):
            return failure
        good.append(json.dumps(call.body))
        return script(call)

    def balanced(model: ModelSpec) -> Any:
        vectors = model.model_copy(update={"name": "vectors"})
        return fb.balance(topic_server.skewed(), model=model, embedding=vectors, rows_per_call=5)

    with ChatServer(sick) as server:
        model = topic_server.model_at(server)
        with suppress(FabulaError):
            assert len(balanced(model).table) < 80
        well, paid = True, len(server.calls)
        again = balanced(model)
        healed = len(server.calls)
        balanced(model)
    assert again.table.num_rows == 80
    assert paid < healed == len(server.calls)
    assert len(good) == len(set(good))


@pytest.mark.parametrize("failure", SOME.values(), ids=SOME)
def test_a_program_that_failed_is_asked_for_again(
    failure: Reply, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "Patience", lambda: QUICK)
    well = False
    with ChatServer(lambda _: fenced(GOOD) if well else failure) as server:
        with pytest.raises(FabulaError):
            made(server)
        well, paid = True, len(server.calls)
        assert made(server)["housing_data"].num_rows == 100
        made(server)
    assert len(server.calls) == paid + 1
