"""Pictures, speech and videos from any server that speaks OpenAI's API of them.

Each acts as a chat model whose prompt is the request and whose reply is the digest of the bytes it
made (`Blobs`), so that the ledger, the budget and the limits of chat models hold for them too.
Providers with an API of their own name its class in their entry.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import re
import uuid
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Literal, Protocol

from fabula.errors import ModelError, UsageError
from fabula.llm.cache.blobs import Blobs
from fabula.llm.cache.prices import Price
from fabula.llm.client.chat import ChatModel, ChatReply, ChatRequest
from fabula.llm.client.completions import read_usage
from fabula.llm.client.endpoint import Endpoint
from fabula.llm.client.presets import imported, preset
from fabula.llm.client.responses import Answer, Rejection, error_of
from fabula.llm.providers.catalogue import model_settings
from fabula.spec.models import ModelSpec

_DONE, _FAILED = ("completed", "succeeded"), ("failed", "cancelled", "expired")
_NOT_JSON = (415, 422)
"""Statuses of servers that take a form in place of JSON."""
_REFUSES = re.compile(r"unknown|unsupported|not (support|permit|allow)|unrecogni[sz]ed|extra", re.I)


class Found(Protocol):
    """Where the bytes of a reply are found by their digest."""

    def find(self, digest: str) -> bytes | None:
        """The bytes, or None where they are gone."""


class MediaModel(ChatModel, Protocol):
    """A model whose replies are digests of bytes.

    Attributes:
        makes: What it makes, in a word.
        blobs: Where the bytes are.
        is_recorded: Whether its replies are kept in the ledger and counted in a budget.
    """

    @property
    def makes(self) -> str:
        """What it makes, in a word."""

    @property
    def blobs(self) -> Found:
        """Where the bytes are."""

    is_recorded: bool


class AbstractMediaModel(ABC):
    """One model on an endpoint that answers with bytes.

    Args:
        settings: The model.
        fields: Fields of every request.

    Raises:
        UsageError: It has no address.
    """

    form: Literal["chat", "completion"] = "chat"
    is_recorded = True
    path: str
    """The path of requests below the base URL."""
    text_field: str
    """The field of a request that is its text."""
    optional: frozenset[str] = frozenset()
    """Fields that are left out from now on where an endpoint refuses them."""

    def __init__(self, settings: ModelSpec, fields: Mapping[str, Any]) -> None:
        self._endpoint = self._opened(settings)
        provider = self._endpoint.preset
        if provider.opens is not None or not (provider.base_url or settings.base_url):
            raise UsageError(
                f"`{settings.provider}` has no endpoint that makes {self.makes}",
                code="model.no-media",
                hint="name one such as `openai:MODEL`, or give `base_url` and `name` under "
                "`models:` of the spec",
            )
        self.blobs = Blobs()
        each = settings.price_per_file
        self.price = None if each is None else Price(0.0, 0.0, each)
        # Prices of tokens are those of texts, so the name is not that of the price list.
        self.name = f"{settings.provider}:{settings.name} ({self.makes})"
        asked = " ".join(f"{name}={fields[name]}" for name in sorted(fields))
        self.identity = f"{self._endpoint.identity} {self.makes} {asked}".rstrip()
        self.concurrency = self._endpoint.limits.concurrency
        self._fields = dict(fields) | settings.extra_body
        self._left_out: set[str] = set()

    @property
    @abstractmethod
    def makes(self) -> str:
        """What it makes, in a word."""

    async def complete(self, request: ChatRequest) -> ChatReply:
        """Ask once; the reply's text is the digest of the bytes, or empty with a `problem`.

        Raises:
            ModelError: The endpoint can't be reached, or does not make such files.
            SinkError: The bytes can't be kept.
        """
        text = request.messages[-1].content
        async with self._endpoint.limits.place() as place:
            while True:
                fields = {k: v for k, v in self._fields.items() if k not in self._left_out}
                answer = await self._post(place, self._body(text, fields))
                if not isinstance(answer, Rejection):
                    break
                if answer.filtered:
                    return ChatReply("", "content_filter", problem=f"refused: {answer.message}")
                if not self._learned(answer, fields):
                    raise ModelError(
                        f"`{self._endpoint.model}` makes no {self.makes} of this request "
                        f"({answer.status}): {answer.message}",
                        code="model.rejected",
                        hint=f"name a model that makes {self.makes}, and a size, format or voice "
                        "that it has",
                    )
            self._endpoint.limits.went_well(0, None)
        return self._read(answer)

    async def close(self) -> None:
        """Release the connections."""
        await self._endpoint.close()

    def _opened(self, settings: ModelSpec) -> Endpoint:
        """The endpoint of a model."""
        return Endpoint(settings)

    def _body(self, text: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        """A request about a text."""
        return {"model": self._endpoint.model, self.text_field: text, **fields}

    @abstractmethod
    async def _post(self, place: Any, body: Mapping[str, Any]) -> Answer | Rejection:
        """Send a request until it is answered."""

    @abstractmethod
    def _read(self, answer: Answer) -> ChatReply:
        """The reply in an answer."""

    def _unpacked(self, given: str, answer: Answer) -> ChatReply:
        """The reply of bytes that were sent as Base64."""
        try:
            return self._kept(base64.b64decode(given, validate=True), answer)
        except (binascii.Error, ValueError):
            return ChatReply("", "unknown", problem="the endpoint sent a broken picture")

    def _kept(self, content: bytes, answer: Answer) -> ChatReply:
        model = str(answer.get("model") or self._endpoint.model)
        return ChatReply(self.blobs.keep(content), usage=read_usage(answer), model=model)

    def _learned(self, answer: Rejection, fields: Mapping[str, Any]) -> bool:
        """Leave out an optional field that is refused; False where none is."""
        words = f"{answer.param} {answer.message}"
        named = {name for name in self.optional & fields.keys() if re.search(rf"\b{name}\b", words)}
        self._left_out |= named if _REFUSES.search(words) else set()
        return bool(named) and bool(_REFUSES.search(words))


class PictureModel(AbstractMediaModel):
    """A model that makes one picture a call."""

    path = "/images/generations"
    text_field = "prompt"
    optional = frozenset({"response_format", "output_format", "quality"})

    @property
    def makes(self) -> str:
        """Pictures."""
        return "pictures"

    async def _post(self, place: Any, body: Mapping[str, Any]) -> Answer | Rejection:
        return await self._endpoint.post(place, self.path, {**body, "n": 1}, expects="data")

    def _read(self, answer: Answer) -> ChatReply:
        """The bytes of the picture; addresses are not followed."""
        listed = answer["data"] if isinstance(answer["data"], list) else []
        first = listed[0] if listed and isinstance(listed[0], dict) else {}
        given = first.get("b64_json")
        if not isinstance(given, str) or not given:
            told = "an address in place of a picture" if first.get("url") else "no picture"
            return ChatReply("", "unknown", problem=f"the endpoint sent {told}")
        return self._unpacked(given, answer)


class SpeechModel(AbstractMediaModel):
    """A model that speaks one text a call."""

    path = "/audio/speech"
    text_field = "input"
    optional = frozenset({"speed", "instructions"})

    @property
    def makes(self) -> str:
        """Speech."""
        return "speech"

    async def _post(self, place: Any, body: Mapping[str, Any]) -> Answer | Rejection:
        sent = self._endpoint.as_json(body)
        return await self._endpoint.deliver(place, "POST", self.path, sent, expects=None)

    def _read(self, answer: Answer) -> ChatReply:
        if not answer["content"]:
            return ChatReply("", "unknown", problem="the endpoint sent no sound")
        return self._kept(answer["content"], answer)


class VideoModel(AbstractMediaModel):
    """A model that makes one clip a call, which is begun, asked about, and fetched.

    Servers take a form or JSON; JSON is sent first. A clip that is not done in time counts as one
    that did not come.
    """

    path = "/videos"
    text_field = "prompt"
    optional = frozenset({"seconds"})
    longest, first_pause, longest_pause = 3_600.0, 0.25, 15.0
    """Seconds: of a clip's making, and between questions about it."""

    def __init__(self, settings: ModelSpec, fields: Mapping[str, Any]) -> None:
        super().__init__(settings, fields)
        self._as_form = False

    @property
    def makes(self) -> str:
        """Videos."""
        return "videos"

    async def _post(self, place: Any, body: Mapping[str, Any]) -> Answer | Rejection:
        begun = await self._begun(place, body)
        if isinstance(begun, Rejection) and begun.status in _NOT_JSON and not self._as_form:
            self._as_form = True
            begun = await self._begun(place, body)
        if isinstance(begun, Rejection):
            return begun
        path, answer, pause, waited = f"{self.path}/{begun['id']}", begun, self.first_pause, 0.0
        while (state := str(answer.get("status"))) not in (*_DONE, *_FAILED):
            if waited > self.longest:
                return answer | {"problem": f"the clip was `{state}` for {waited:,.0f} seconds"}
            await asyncio.sleep(pause)
            waited, pause = waited + pause, min(2 * pause, self.longest_pause)
            asked = await self._endpoint.deliver(place, "GET", path, expects="status")
            if isinstance(asked, Rejection):
                return asked
            answer = asked
        if state in _FAILED:
            told = error_of(answer)
            return answer | {"problem": f"{state}: {told.get('message') or 'no reason was given'}"}
        return await self._endpoint.deliver(place, "GET", f"{path}/content", expects=None)

    async def _begun(self, place: Any, body: Mapping[str, Any]) -> Answer | Rejection:
        if not self._as_form:
            return await self._endpoint.post(place, self.path, body, expects="id")
        form, content_type = multipart(body)
        return await self._endpoint.deliver(
            place, "POST", self.path, form, content_type=content_type, expects="id"
        )

    def _read(self, answer: Answer) -> ChatReply:
        if problem := answer.get("problem"):
            return ChatReply("", "unknown", problem=str(problem))
        if not answer["content"]:
            return ChatReply("", "unknown", problem="the endpoint sent no clip")
        return self._kept(answer["content"], answer)


Makes = Literal["pictures", "speech", "videos"]
_OPENAI: Mapping[Makes, type[AbstractMediaModel]] = {
    "pictures": PictureModel,
    "speech": SpeechModel,
    "videos": VideoModel,
}


def media_model(makes: Makes, model: str | ModelSpec, fields: Mapping[str, Any]) -> MediaModel:
    """A model that makes pictures, speech or videos, by its provider's own API if it has one.

    Args:
        makes: What it makes.
        model: Its name, `PROVIDER:NAME`, or its settings.
        fields: Fields of every request, as OpenAI's API names them.

    Raises:
        UsageError: No such model, or one that has no address.
    """
    settings = model_settings(model) if isinstance(model, str) else model
    own = imported(preset(settings.provider).media.get(makes))
    opened: MediaModel = (own or _OPENAI[makes])(settings, fields)
    return opened


def multipart(body: Mapping[str, Any]) -> tuple[bytes, str]:
    """The fields of a request as a form, and its content type."""
    boundary = uuid.uuid4().hex
    parts = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'
        f"{value if isinstance(value, str) else json.dumps(value)}\r\n"
        for name, value in body.items()
    )
    content = "".join((*parts, f"--{boundary}--\r\n")).encode()
    return content, f"multipart/form-data; boundary={boundary}"
