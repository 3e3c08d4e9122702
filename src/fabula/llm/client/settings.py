"""How one model is reached, as the user wrote it. Values only; `catalogue` opens the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class ModelSettings:
    """One model behind an HTTP endpoint. None leaves the provider's default.

    Args:
        provider: A preset (`openai`, `anthropic`, `ollama` …) or `openai-compatible`.
        name: The model's name at the endpoint.
        base_url: The endpoint's address, up to and including `/v1`.
        api_key_env: The variable that holds the key. With a `base_url` of its own, a model gets
            no key unless this names one, so that no key travels to a place it was not meant for.
        headers: Sent with every request; `${NAME}` stands for an environment variable.
        timeout: Seconds for one request.
        concurrency: The most calls at once.
        rpm: The most requests a minute.
        tpm: The most tokens a minute.
        temperature: Used where a request names none.
        max_tokens: Used where a request names none.
        top_p: The share of likely tokens that are drawn from.
        top_k: The number of likely tokens that are drawn from.
        reasoning_effort: How long the model thinks: `none`, `minimal`, `low`, `medium`, `high`.
        thinking: Whether the model thinks before it answers.
        routing: Which vendors a gateway may use: OpenRouter's `provider` object.
        extra_body: Further fields of every request, as the endpoint's own documents name them.
        stream: Whether replies are asked for as a stream; endpoints that want it are found out.
        max_reply: Bytes of a reply after decompression; by default 64 MB.
        batch_requests: The most requests in one batch; by default the vendor's limit.
        batch_tokens: The most prompt tokens that batches may have queued at once, by estimate.
        verify_tls: Whether the server's certificate is checked.
        ca_file: Certificates to trust instead of the system's.
        proxy: An HTTP proxy; by default the environment's (`HTTPS_PROXY`, `NO_PROXY` …).
    """

    provider: str
    name: str
    base_url: str | None = None
    api_key_env: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    timeout: float | None = None
    concurrency: int | None = None
    rpm: int | None = None
    tpm: int | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    top_p: float | None = None
    top_k: int | None = None
    reasoning_effort: str | None = None
    thinking: bool | None = None
    routing: Mapping[str, Any] = field(default_factory=dict)
    extra_body: Mapping[str, Any] = field(default_factory=dict)
    stream: bool = False
    max_reply: int | None = None
    batch_requests: int | None = None
    batch_tokens: int | None = None
    verify_tls: bool = True
    ca_file: str | None = None
    proxy: str | None = field(default=None, repr=False)
