"""`vllm`: a vLLM server of your own."""

from __future__ import annotations

from fabula.llm.client.presets import PROVIDERS, Provider

PROVIDERS.add(
    Provider(
        name="vllm",
        title="a vLLM server of your own",
        base_url="http://127.0.0.1:8000/v1",
        key_env=("VLLM_API_KEY",),
        url_env="VLLM_BASE_URL",
        url_path="/v1",
        dialect="plain",
        concurrency=128,
        start="vllm serve MODEL",
    )
)
