"""`vllm-offline`: models that vLLM runs in this process."""

from __future__ import annotations

from fabula.llm.client.presets import PROVIDERS, Provider

PROVIDERS.add(
    Provider(
        name="vllm-offline",
        title="vLLM in this process (extra `vllm`; never tried on a GPU by our tests)",
        opens="fabula.llm.providers.offline:open_offline",
        concurrency=256,
        is_free=True,
    )
)
