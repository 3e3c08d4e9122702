"""One call that says what a model can do."""

from __future__ import annotations

import pytest

from fabula.errors import ModelError
from fabula.llm.probe import check_model
from fabula.llm.providers.catalogue import open_model
from fabula.testing import ChatServer
from fabula.testing import replies as script
from tests.llm.builders import Opened


async def test_a_check_names_mode_latency_and_usage(opened: Opened) -> None:
    """One call more than the refused modes."""
    with ChatServer(latency=0.05, refuse=["json_schema"]) as server:
        check = await check_model(opened(server))
    assert (check.mode, check.follows, check.reports_usage) == ("tools", True, True)
    assert check.seconds >= 0.05
    assert len(server.calls) == 2


async def test_a_model_that_does_not_follow_is_no_failure(opened: Opened) -> None:
    """Usage missing, prose instead of JSON."""
    with ChatServer([script.no_usage("Vienna, of course")]) as server:
        check = await check_model(opened(server))
    assert (check.follows, check.reports_usage, check.reply) == (False, False, "Vienna, of course")


async def test_an_endpoint_that_is_down_says_so(opened: Opened) -> None:
    with pytest.raises(ModelError):
        await check_model(opened("http://127.0.0.1:9/v1"))


async def test_the_fake_model_passes_its_check() -> None:
    assert (await check_model(open_model("fake"))).follows
