"""`openai-compatible`: any server that speaks OpenAI's API."""

from __future__ import annotations

from fabula.llm.client.presets import COMPATIBLE, PROVIDERS, Provider

PROVIDERS.add(
    Provider(
        name=COMPATIBLE,
        title="any other server that speaks OpenAI's API, by its `base_url`",
    )
)
