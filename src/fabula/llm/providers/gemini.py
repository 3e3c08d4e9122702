"""Pictures by Gemini's own API: `generateContent` for Gemini's models, `predict` for Imagen."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from math import log
from typing import Any

from fabula.llm.client.chat import ChatReply, Usage
from fabula.llm.client.endpoint import Endpoint
from fabula.llm.client.presets import Interface, Provider, preset
from fabula.llm.client.responses import Answer, Rejection
from fabula.llm.providers.media import AbstractMediaModel, PictureModel
from fabula.spec.models import ModelSpec

_COMPATIBLE = "/openai"
"""The end of the address of Gemini's OpenAI-compatible API."""
_RATIOS = ("1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9")
_NEAR = 0.05
"""How far a ratio may be from one of these: Gemini's pictures of 16:9 have 1344 x 768 pixels."""


def _headers(key: str | None) -> dict[str, str]:
    return {"x-goog-api-key": key} if key else {}


_OWN = Interface("Gemini's generateContent", "", _headers)


def gemini_pictures(settings: ModelSpec, fields: Mapping[str, Any]) -> AbstractMediaModel:
    """A model by Gemini's own API; by OpenAI's if its `base_url` ends in `/openai`."""
    is_compatible = (settings.base_url or "").rstrip("/").endswith(_COMPATIBLE)
    return (PictureModel if is_compatible else GeminiPictures)(settings, fields)


class GeminiPictures(AbstractMediaModel):
    """A model of Google's that makes one picture a call."""

    optional = frozenset({"aspectRatio", "imageSize", "sampleImageSize"})

    def __init__(self, settings: ModelSpec, fields: Mapping[str, Any]) -> None:
        self._is_imagen = settings.name.startswith("imagen")
        own: dict[str, Any] = {}
        if ratio := ratio_of(str(fields.get("size") or "")):
            own["aspectRatio"] = ratio
        if quality := fields.get("quality"):
            own["sampleImageSize" if self._is_imagen else "imageSize"] = quality
        super().__init__(settings, own)

    @property
    def makes(self) -> str:
        """Pictures."""
        return "pictures"

    def _opened(self, settings: ModelSpec) -> Endpoint:
        return Endpoint(settings, provider=_own(preset(settings.provider)))

    def _body(self, text: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        asked = {name: fields[name] for name in self.optional & fields.keys()}
        more = {name: value for name, value in fields.items() if name not in asked}
        if self._is_imagen:
            wanted = {"sampleCount": 1, "includeRaiReason": True, **asked}
            return {"instances": [{"prompt": text}], "parameters": wanted, **more}
        config: dict[str, Any] = {"responseModalities": ["TEXT", "IMAGE"]}
        config |= {"imageConfig": asked} if asked else {}
        contents = [{"role": "user", "parts": [{"text": text}]}]
        return {"contents": contents, "generationConfig": config, **more}

    async def _post(self, place: Any, body: Mapping[str, Any]) -> Answer | Rejection:
        verb = "predict" if self._is_imagen else "generateContent"
        path, sent = f"/models/{self._endpoint.model}:{verb}", self._endpoint.as_json(body)
        # A refusal has no key that every answer has, so that any JSON is taken.
        return await self._endpoint.deliver(place, "POST", path, sent, expects=None)

    def _read(self, answer: Answer) -> ChatReply:
        try:
            told = json.loads(answer["text"])
        except ValueError:
            told = None
        if not isinstance(told, dict):
            return ChatReply("", "unknown", problem="the endpoint sent no picture")
        given, why = _of_imagen(told) if self._is_imagen else _of_gemini(told)
        if given:
            counted = told.get("usageMetadata") or {}
            usage = Usage(counted.get("promptTokenCount"), counted.get("candidatesTokenCount"))
            named = told.get("modelVersion") or self._endpoint.model
            return replace(self._unpacked(given, answer), usage=usage, model=str(named))
        finish, said = ("content_filter", f"refused: {why}") if why else ("unknown", "")
        return ChatReply("", finish, problem=said or "the endpoint sent no picture")  # type: ignore[arg-type]


def ratio_of(size: str) -> str:
    """The ratio of sides that Gemini names and that is near a size; empty where none is.

    Examples:
        >>> ratio_of("1344x768"), ratio_of("1000x100")
        ('16:9', '')
    """
    width, _, height = size.partition("x")
    if not (width.isdigit() and height.isdigit()):
        return ""

    def away(ratio: str) -> float:
        left, _, right = ratio.partition(":")
        return abs(log(int(width) / int(height) * int(right) / int(left)))

    nearest = min(_RATIOS, key=away)
    return nearest if away(nearest) <= _NEAR else ""


def _own(provider: Provider) -> Provider:
    """Gemini's own API at the address of its OpenAI-compatible one."""
    usual = provider.base_url.removesuffix(_COMPATIBLE)
    own = replace(provider, interface=_OWN, base_url=usual, url_path="/v1beta")
    if own.address().endswith(_COMPATIBLE):
        return replace(own, url_env=None, base_url=own.address().removesuffix(_COMPATIBLE))
    return own


def _of_gemini(told: Mapping[str, Any]) -> tuple[str, str]:
    """The first picture among the parts of a reply, or why there is none."""
    first = next((each for each in _dicts(told.get("candidates"))), {})
    content = first.get("content")
    parts = content.get("parts") if isinstance(content, dict) else ()
    for part in _dicts(parts):
        inline = part.get("inlineData") or part.get("inline_data")
        if isinstance(inline, dict) and isinstance(inline.get("data"), str):
            return inline["data"], ""
    feedback = told.get("promptFeedback")
    blocked = feedback.get("blockReason") if isinstance(feedback, dict) else ""
    ended = str(first.get("finishReason") or "")
    why = blocked or ("" if ended in ("STOP", "MAX_TOKENS") else ended)
    return "", str(first.get("finishMessage") or why) if why else ""


def _of_imagen(told: Mapping[str, Any]) -> tuple[str, str]:
    """The same of Imagen, which answers a refused prompt with an empty object."""
    if not told:
        return "", "no reason was given"
    for each in _dicts(told.get("predictions")):
        if isinstance(each.get("bytesBase64Encoded"), str):
            return each["bytesBase64Encoded"], ""
        if each.get("raiFilteredReason"):
            return "", str(each["raiFilteredReason"])
    return "", ""


def _dicts(values: Any) -> list[dict[str, Any]]:
    return [each for each in values if isinstance(each, dict)] if isinstance(values, list) else []
