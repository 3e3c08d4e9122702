"""`openrouter`: OpenRouter, a gateway to many vendors."""

from __future__ import annotations

from fabula.llm.client.presets import PROVIDERS, Provider

PROVIDERS.add(
    Provider(
        name="openrouter",
        title="OpenRouter, a gateway to many vendors",
        base_url="https://openrouter.ai/api/v1",
        key_env=("OPENROUTER_API_KEY",),
        url_env="OPENROUTER_BASE_URL",
        url_path="/api/v1",
    )
)
