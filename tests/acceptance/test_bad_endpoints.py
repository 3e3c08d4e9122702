"""What is wrong with an endpoint is said once, clearly, after as few requests as can tell."""

from __future__ import annotations

import pytest

from fabula.errors import FabulaError
from fabula.testing import ChatServer, Reply
from fabula.testing.replies import failed
from tests.acceptance.builders import at
from tests.acceptance.kinds import KINDS, Make

every_kind = pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)


@every_kind
def test_an_endpoint_that_is_down_is_one_error(make: Make) -> None:
    """No request can be counted; the error names the address at once."""
    with ChatServer() as server:
        model = at(server)
    with pytest.raises(FabulaError) as caught:
        make(model, 40)
    assert caught.value.code == "model.unreachable"


@every_kind
def test_an_endpoint_that_is_no_model_is_one_error_after_one_request(make: Make) -> None:
    """A web page instead of an answer."""
    page = Reply(body="<html><body>Welcome</body></html>")
    with ChatServer(lambda _: page) as server, pytest.raises(FabulaError) as caught:
        make(at(server), 40)
    assert len(server.calls) == 1
    assert caught.value.hint


@every_kind
def test_a_schema_that_no_server_accepts_is_one_error(make: Make) -> None:
    """Each of the four ways to ask for structure is tried once, with one call."""
    refused = failed(400, "Invalid schema for response_format 'reply'", error="invalid_schema")
    with ChatServer(lambda _: refused) as server, pytest.raises(FabulaError) as caught:
        make(at(server), 40)
    assert "Invalid schema" in caught.value.message
    assert len(server.calls) == 4


@every_kind
def test_a_prompt_larger_than_the_context_is_one_error(make: Make) -> None:
    """One row is requested again, because fewer rows may fit; then the error stands."""
    words = "This model's maximum context length is 100 tokens. However, you requested 900."
    too_long = failed(400, words, error="context_length_exceeded")
    with ChatServer(lambda _: too_long) as server, pytest.raises(FabulaError) as caught:
        make(at(server), 40)
    assert "context" in caught.value.message
    assert len(server.calls) == 2
