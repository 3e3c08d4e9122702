"""`mistral`: Mistral."""

from __future__ import annotations

from fabula.llm.client.presets import PROVIDERS, Provider

PROVIDERS.add(
    Provider(
        name="mistral",
        title="Mistral",
        base_url="https://api.mistral.ai/v1",
        key_env=("MISTRAL_API_KEY",),
        url_env="MISTRAL_BASE_URL",
        url_path="/v1",
        concurrency=8,
    )
)
