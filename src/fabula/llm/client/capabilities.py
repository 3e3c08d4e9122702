"""Remembers what endpoints accept, so that a refusal costs one call, not every call.

This works alike for every interface: a request is built with every field, and `fit` adapts it to
the endpoint.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from fabula.llm.client.responses import Rejection

Mode = Literal["json_schema", "tools", "json_object", "prompt"]
LADDER: tuple[Mode, ...] = ("json_schema", "tools", "json_object", "prompt")
OPTIONAL = frozenset(
    {"temperature", "top_p", "top_k", "min_p", "seed", "stop", "stop_sequences", "stream_options"}
)
"""Optional fields of a request."""
TOKEN_FIELDS = ("max_completion_tokens", "max_tokens")
FEWEST_TOKENS = 16
"""A smaller number in a refusal is not a token limit."""
_LOG = logging.getLogger(__name__)
_HABITS: dict[str, Habits] = {}
_UNSUPPORTED = re.compile(
    r"not (currently )?support|unsupported|unrecogni[sz]ed|unknown|not permitted|not allowed|"
    r"extra (inputs|fields)|does not (support|accept)|only the default|deprecated|"
    r"(can ?not|can't) both|mutually exclusive|no longer|is not available|may only be",
    re.I,
)
_NO_SYSTEM = re.compile(
    r"system.{0,12}(role|message|prompt|instruction)|developer instruction|"
    r"roles must alternate|unexpected role.{0,10}system|['\"`]system['\"`]",
    re.I,
)
_ONLY_STREAMS = re.compile(
    r"\bnon.?stream|stream(ing)?\b.{0,30}(only|requir|must|mode)|only.{0,20}stream", re.I
)
_TOKENS = re.compile(r"max_(completion_|output_|new_)?tokens|(completion|output) tokens", re.I)


@dataclass
class Habits:
    """What an endpoint accepts; shared by all models of one identity."""

    mode: Mode | None = None
    left_out: set[str] = field(default_factory=set)
    tokens_name: str = "max_tokens"
    most_tokens: int | None = None
    system: bool = True
    stream: bool = False

    def fit(self, body: dict[str, Any]) -> dict[str, Any]:
        """A request's body in the form that this endpoint accepts."""
        body = {name: value for name, value in body.items() if name not in self.left_out}
        if self.tokens_name != "max_tokens" and "max_tokens" in body:
            body[self.tokens_name] = body.pop("max_tokens")
        if self.most_tokens and body.get(self.tokens_name, 0) > self.most_tokens:
            body[self.tokens_name] = self.most_tokens
        if not self.system:
            body = _without_system(body)
        if self.stream:
            body["stream"] = True
        return body

    def learn(self, rejection: Rejection, payload: Mapping[str, Any]) -> bool:
        """Learn from a refusal; False if it contains nothing new."""
        if self.fit(dict(payload)) != payload:
            return True  # another call has learned it meanwhile
        words = f"{rejection.param} {rejection.message}"
        if "max_tokens" in payload and "max_completion_tokens" in words:
            self.tokens_name = "max_completion_tokens"
            return True
        return (
            self._learn_stream(words, payload)
            or self._learn_tokens(words, payload)
            or self._learn_system(words, payload)
            or self._learn_left_out(words, payload)
        )

    def _learn_stream(self, words: str, payload: Mapping[str, Any]) -> bool:
        if payload.get("stream") or not _ONLY_STREAMS.search(words):
            return False
        self.stream = True
        return True

    def _learn_tokens(self, words: str, payload: Mapping[str, Any]) -> bool:
        asked = next((payload[name] for name in TOKEN_FIELDS if name in payload), 0)
        numbers = [int(text.replace(",", "")) for text in re.findall(r"\d[\d,]*", words)]
        below = [number for number in numbers if FEWEST_TOKENS <= number < asked]
        if not below or not _TOKENS.search(words):
            return False
        self.most_tokens = max(below)
        _LOG.warning("the endpoint accepts at most %d as `max_tokens`; it is lowered", max(below))
        return True

    def _learn_system(self, words: str, payload: Mapping[str, Any]) -> bool:
        if not self.system or not has_system(payload) or not _NO_SYSTEM.search(words):
            return False
        self.system = False
        return True

    def _learn_left_out(self, words: str, payload: Mapping[str, Any]) -> bool:
        if not _UNSUPPORTED.search(words):
            return False
        optional = payload.keys() & OPTIONAL
        named = {name for name in optional if re.search(rf"\b{name}\b", words)}
        if len(named) > 1 and "both" in words and "temperature" in named:
            named.discard("temperature")  # one of them is enough
        for name in named:
            _LOG.warning("the endpoint does not accept `%s`; it is left out from now on", name)
        self.left_out |= named
        return bool(named)


def has_system(body: Mapping[str, Any]) -> bool:
    """Whether a request has a system message, in the form of either interface."""
    messages = body.get("messages", ())
    return "system" in body or any(message.get("role") == "system" for message in messages)


def _without_system(body: dict[str, Any]) -> dict[str, Any]:
    """A request with its system text moved in front of the first user message."""
    own = body.pop("system", None)
    messages = body["messages"]
    texts = [own] if own else []
    texts += [message["content"] for message in messages if message["role"] == "system"]
    rest = [message for message in messages if message["role"] != "system"]
    if texts and rest:
        first = {**rest[0], "content": "\n\n".join([*texts, rest[0]["content"]])}
        rest = [first, *rest[1:]]
    return {**body, "messages": rest or [{"role": "user", "content": "\n\n".join(texts)}]}


def habits_of(identity: str) -> Habits:
    """The capabilities of one endpoint and model, shared within this process."""
    return _HABITS.setdefault(identity, Habits())


def forget_habits(address: str) -> None:
    """Forget what the models at an address accept, for example after a server change."""
    for identity in [identity for identity in _HABITS if identity.startswith(f"{address} ")]:
        del _HABITS[identity]
