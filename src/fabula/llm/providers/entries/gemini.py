"""`gemini`: Google Gemini."""

from __future__ import annotations

from fabula.llm.client.presets import PROVIDERS, Provider

PROVIDERS.add(
    Provider(
        name="gemini",
        title="Google Gemini",
        base_url="https://generativelanguage.googleapis.com/v1beta/openai",
        key_env=("GEMINI_API_KEY", "GOOGLE_API_KEY"),
        url_env="GOOGLE_GEMINI_BASE_URL",
        url_path="/v1beta/openai",
        concurrency=16,
        media={"pictures": "fabula.llm.providers.gemini:gemini_pictures"},
    )
)
