"""A language model's endpoint, as a spec names it; apart from tables, so that it loads quickly."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Literal, TypeAlias

from pydantic import Field, ValidationError, field_validator

from fabula.errors import UsageError
from fabula.kinds.base.parameters import SpecModel
from fabula.spec.messages import ToldInWords, violations_of

OWN_FIELDS = frozenset(
    {"messages", "model", "response_format", "stream", "system", "tool_choice", "tools"}
    | {"temperature", "max_tokens", "top_p", "top_k", "reasoning_effort"}
)
"""Fields of a request that have settings of their own, or that Fabula writes."""


class ModelSpec(SpecModel, metaclass=ToldInWords):
    """A language model endpoint; keys are named, never written here. None leaves the usual.

    Attributes:
        provider: A preset (`openai`, `anthropic`, `ollama` …) or `openai-compatible`.
        name: The model's name at the endpoint.
        base_url: The endpoint's address, up to and including `/v1`.
        api_key_env: The variable that holds the key. With a `base_url` of its own, a model gets
            no key unless this names one, so that no key travels to a place it was not meant for.
        headers: Sent with every request; `${NAME}` stands for an environment variable.
        temperature: Used where a request names none.
        max_tokens: Used where a request names none.
        top_p: The share of likely tokens that are drawn from.
        top_k: The number of likely tokens that are drawn from.
        reasoning_effort: How long a model thinks that can.
        thinking: Whether a model thinks before it answers.
        routing: Which vendors a gateway may use: OpenRouter's `provider` object.
        extra_body: Further fields of every request, as the endpoint's own documents name them.
        stream: Whether replies are asked for as a stream; endpoints that want it are found out.
        max_reply: Bytes of a reply after decompression; by default 64 MB.
        batch_requests: The most requests in one batch; by default the vendor's limit.
        batch_tokens: The most prompt tokens that batches may have queued at once, by estimate.
        timeout: Seconds for one request.
        concurrency: The most calls at once.
        rpm: The most requests a minute.
        tpm: The most tokens a minute.
        price_per_file: US dollars for each picture or recording that it makes, so that `max_cost`
            holds for them, too; prices of tokens are known.
        verify_tls: Whether the server's certificate is checked.
        ca_file: Certificates to trust instead of the system's.
        proxy: An HTTP proxy; by default the environment's (`HTTPS_PROXY`, `NO_PROXY` …).
    """

    provider: str = "openai-compatible"
    name: str
    base_url: str | None = None
    api_key_env: str | None = None
    headers: dict[str, str] = Field(default_factory=dict, repr=False)
    temperature: float | None = Field(default=None, ge=0)
    max_tokens: int | None = Field(default=None, ge=1)
    top_p: float | None = Field(default=None, gt=0, le=1)
    top_k: int | None = Field(default=None, ge=1)
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh"] | None = None
    thinking: bool | None = None
    routing: dict[str, Any] = Field(default_factory=dict)
    extra_body: dict[str, Any] = Field(default_factory=dict)
    stream: bool = False
    max_reply: int | None = Field(default=None, ge=1)
    batch_requests: int | None = Field(default=None, ge=1)
    batch_tokens: int | None = Field(default=None, ge=1)
    timeout: float | None = Field(default=None, gt=0)
    concurrency: int | None = Field(default=None, ge=1)
    rpm: int | None = Field(default=None, ge=1)
    tpm: int | None = Field(default=None, ge=1)
    price_per_file: float | None = Field(default=None, ge=0)
    verify_tls: bool = True
    ca_file: str | None = None
    proxy: str | None = Field(default=None, repr=False)

    @field_validator("extra_body")
    @classmethod
    def _leaves_the_request(cls, fields: dict[str, Any]) -> dict[str, Any]:
        own = sorted(fields.keys() & OWN_FIELDS)
        if own:
            raise ValueError(
                f"`{own[0]}` is set by Fabula and can't be in `extra_body`; it takes other fields "
                "of the request"
            )
        return fields

    @field_validator("api_key_env")
    @classmethod
    def _is_name(cls, name: str | None) -> str | None:
        if name is not None and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            raise ValueError("it takes the name of an environment variable, not a key")
        return name


ModelLike: TypeAlias = str | ModelSpec | Mapping[str, Any]
"""A model by its name, or by its settings as they are under `models:` of a spec."""


def as_model(model: ModelLike) -> str | ModelSpec:
    """A model by its name, or its settings once they are known to be right; see `model_spec`."""
    return model if isinstance(model, str) else model_spec(model)


def model_spec(settings: ModelSpec | Mapping[str, Any]) -> ModelSpec:
    """The settings of a model.

    Raises:
        UsageError: A setting that does not exist, or a value that it can't have.
    """
    if isinstance(settings, ModelSpec):
        return settings
    if not isinstance(settings, Mapping):
        raise UsageError(
            f"a model is a name or its settings, not {settings!r}",
            code="model.setting",
            hint="give a name, such as `openai:gpt-4o-mini`, or `base_url` and `name` in a mapping",
        )
    try:
        return ModelSpec.model_validate(dict(settings))
    except ValidationError as error:
        found = violations_of(error, settings, model=ModelSpec)
        first = next((each for each in found if each.code == "spec.unknown-key"), found[0])
        raise UsageError(
            first.message, code="model.setting", where=first.where, hint=first.hint
        ) from error
