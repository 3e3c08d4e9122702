"""`llama.cpp`: a llama.cpp server of your own."""

from __future__ import annotations

from fabula.llm.client.presets import PROVIDERS, Provider

PROVIDERS.add(
    Provider(
        name="llama.cpp",
        title="a llama.cpp server of your own",
        base_url="http://127.0.0.1:8080/v1",
        key_env=("LLAMA_API_KEY",),
        url_env="LLAMA_CPP_BASE_URL",
        url_path="/v1",
        dialect="plain",
        concurrency=4,
        start="llama-server -m MODEL.gguf --parallel 4",
        aliases=("llamacpp",),
    )
)
