"""`groq`: Groq."""

from __future__ import annotations

from fabula.llm.client.presets import PROVIDERS, Provider

PROVIDERS.add(
    Provider(
        name="groq",
        title="Groq",
        base_url="https://api.groq.com/openai/v1",
        key_env=("GROQ_API_KEY",),
        url_env="GROQ_BASE_URL",
        url_path="/openai/v1",
        concurrency=8,
    )
)
