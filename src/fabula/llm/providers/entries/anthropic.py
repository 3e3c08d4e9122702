"""`anthropic`: Anthropic."""

from __future__ import annotations

from fabula.llm.client.presets import ANTHROPIC, PROVIDERS, Provider

PROVIDERS.add(
    Provider(
        name="anthropic",
        title="Anthropic",
        base_url="https://api.anthropic.com/v1",
        key_env=("ANTHROPIC_API_KEY",),
        url_env="ANTHROPIC_BASE_URL",
        url_path="/v1",
        dialect="plain",
        concurrency=16,
        interface=ANTHROPIC,
    )
)
