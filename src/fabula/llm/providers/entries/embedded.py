"""`local`: the embedded model, or any GGUF file."""

from __future__ import annotations

from fabula.llm.client.presets import PROVIDERS, Provider

PROVIDERS.add(
    Provider(
        name="local",
        title="the embedded SmolLM2-135M, or `local:FILE.gguf`",
        opens="fabula.llm.providers.local:open_named",
        is_bare=True,
        is_free=True,
        seconds=(0.2, 1.5),
    )
)
