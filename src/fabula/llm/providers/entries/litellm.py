"""`litellm`: Bedrock, Vertex, Azure and others, through LiteLLM in this process."""

from __future__ import annotations

from fabula.llm.client.presets import PROVIDERS, Provider

PROVIDERS.add(
    Provider(
        name="litellm",
        title="Bedrock, Vertex, Azure and others through LiteLLM (extra `bridge`)",
        opens="fabula.llm.providers.bridge:open_bridge",
        concurrency=16,
    )
)
