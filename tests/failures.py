"""What models send instead of an answer, for every way of asking them."""

from __future__ import annotations

from fabula.testing import Reply
from fabula.testing.replies import (
    empty,
    failed,
    filtered,
    invalid_envelope,
    null_content,
    rate_limited,
    reasoning_only,
    refusal,
    reset,
    slow,
)

NO_ANSWERS: dict[str, Reply] = {
    "empty": empty(),
    "white space": Reply("  \n ", as_text=True),
    "null content": null_content(),
    "refusal": refusal(),
    "only thoughts": reasoning_only(),
    "filtered": filtered(),
}
"""Replies without data: they are asked again with the cause."""

PASSING: dict[str, Reply] = {
    "429": rate_limited(0.02),
    "500": failed(500),
    "503": failed(503),
    "reset": reset(),
    "timeout": slow(20.0),
    "no JSON": invalid_envelope(),
}
"""What passes by itself: it is waited for."""


def short(event: Reply) -> dict[str, float]:
    """The model's timeout for a reply that takes longer; a busy machine may take its time else."""
    return {"timeout": 2.0} if event.delay else {}
