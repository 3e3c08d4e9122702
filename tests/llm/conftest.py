"""Models of the LLM plane's tests, closed when a test ends."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from fabula.llm.cache.budget import Budget
from fabula.llm.cache.ledger import Ledger
from fabula.llm.client.chat import ChatModel
from fabula.llm.client.limits import Patience
from fabula.llm.providers.catalogue import open_model
from fabula.spec.models import ModelSpec
from fabula.testing import ChatServer
from tests.llm.builders import QUICK, Opened


@pytest.fixture
async def opened() -> AsyncIterator[Opened]:
    """Opens models at a server or an address."""
    async with AsyncExitStack() as stack:

        def open_at(
            server: ChatServer | str,
            *,
            ledger: Ledger | None = None,
            budget: Budget | None = None,
            patience: Patience = QUICK,
            **settings: Any,
        ) -> ChatModel:
            url = server if isinstance(server, str) else server.url
            values = {"provider": "openai-compatible", "name": "m", "base_url": url, **settings}
            model = open_model(ModelSpec(**values), ledger=ledger, budget=budget, patience=patience)
            stack.push_async_callback(model.close)
            return model

        yield open_at
