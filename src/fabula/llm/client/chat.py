"""The one interface to language models: a request goes in, a reply comes out.

Everything that talks to a model implements `ChatModel`; everything that needs one takes it.
Knows nothing about tables or specs.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

Role = Literal["system", "user", "assistant"]
Finish = Literal["stop", "length", "refusal", "content_filter", "unknown"]
COLUMN_PROGRAM = "column program"
"""The purpose of a request for a column's function."""
VERDICTS = "strict verdicts on given rows"
"""What a judge's request asks for."""


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class Sampling:
    """How a reply is sampled; None leaves the endpoint's default."""

    temperature: float | None = None
    top_p: float | None = None
    min_p: float | None = None
    max_tokens: int | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A request to a model.

    Args:
        messages: The conversation, stable parts first so that servers can reuse a prefix.
        schema: JSON Schema that the reply must follow, or None for free text.
        sampling: How the reply is sampled.
        sample: Distinguishes equal requests; part of the ledger's key.
        purpose: What the call is for (`rows`, `text`, `judge`, `repair` …), for the record only.
    """

    messages: tuple[Message, ...]
    schema: Mapping[str, Any] | None = None
    sampling: Sampling = field(default_factory=Sampling)
    sample: int = 0
    purpose: str = "text"


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one or more calls; None if the endpoint did not report them."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            _total(self.prompt_tokens, other.prompt_tokens),
            _total(self.completion_tokens, other.completion_tokens),
        )


@dataclass(frozen=True, slots=True)
class ChatReply:
    """A model's reply.

    Args:
        text: The reply's payload: JSON text if a schema was requested, else prose.
        finish: Why the model stopped.
        usage: Tokens of this call.
        model: The model's own name for itself.
        mode: How structure was asked for: `json_schema`, `tools`, `json_object`, `prompt` or
            `grammar`.
        cached: True when the reply came from the ledger and nothing was called.
        problem: Why there is no payload, in words, where the endpoint says more than `finish`.
        reasoning: What the model thought, where the endpoint tells it apart from the payload.
        key: Its key in the ledger; empty where it is not kept.
    """

    text: str
    finish: Finish = "stop"
    usage: Usage = field(default_factory=Usage)
    model: str = ""
    mode: str = "prompt"
    cached: bool = False
    problem: str = ""
    reasoning: str = ""
    key: str = field(default="", compare=False)


class ChatModel(Protocol):
    """A language model of any kind: an HTTP endpoint, an embedded engine, a script.

    Attributes:
        name: The model as the user named it (`local`, `openai:gpt-4o-mini`).
        identity: What decides the reply besides the request (endpoint and model name); part of the
            ledger's key.
        form: Which prompts suit it: `chat` for instruction-following models, `completion` for small
            models, which continue a list of examples far better than they follow instructions.
        concurrency: Initial number of concurrent calls.
    """

    name: str
    identity: str
    form: Literal["chat", "completion"]
    concurrency: int

    async def complete(self, request: ChatRequest) -> ChatReply:
        """Answer one request.

        Raises:
            AuthenticationError: The key was refused.
            RateLimitError: The quota is used up.
            ModelError: The endpoint can't be reached or is not a model.
        """
        ...

    async def close(self) -> None:
        """Release connections and memory."""
        ...


class AbstractProxy(ABC):
    """A model that wraps another one and acts as that model to its callers."""

    def __init__(self, model: ChatModel) -> None:
        self.name = model.name
        self.identity = model.identity
        self.form: Literal["chat", "completion"] = model.form
        self.concurrency = model.concurrency
        self.price: Any = getattr(model, "price", None)
        self._model = model

    @abstractmethod
    async def complete(self, request: ChatRequest) -> ChatReply:
        """Answer one request; see `ChatModel`."""

    async def close(self) -> None:
        """Release the model."""
        await self._model.close()


def _total(left: int | None, right: int | None) -> int | None:
    if left is None and right is None:
        return None
    return (left or 0) + (right or 0)
