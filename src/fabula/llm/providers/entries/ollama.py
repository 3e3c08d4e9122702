"""`ollama`: an Ollama server of your own."""

from __future__ import annotations

from fabula.llm.client.presets import PROVIDERS, Provider

PROVIDERS.add(
    Provider(
        name="ollama",
        title="an Ollama server of your own",
        base_url="http://127.0.0.1:11434/v1",
        key_env=("OLLAMA_API_KEY",),
        url_env="OLLAMA_HOST",
        url_path="/v1",
        dialect="plain",
        concurrency=4,
        start="ollama serve",
    )
)
