"""`openai`: OpenAI."""

from __future__ import annotations

from fabula.llm.client.presets import PROVIDERS, Provider

PROVIDERS.add(
    Provider(
        name="openai",
        title="OpenAI",
        base_url="https://api.openai.com/v1",
        key_env=("OPENAI_API_KEY",),
        url_env="OPENAI_BASE_URL",
        concurrency=64,
        account={
            "OpenAI-Organization": "OPENAI_ORG_ID",
            "OpenAI-Project": "OPENAI_PROJECT_ID",
        },
    )
)
