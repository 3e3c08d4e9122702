"""One request as the scripted server received it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Call:
    """One recorded request.

    Args:
        number: Its place in the order of arrival, from 1.
        path: The path that was called.
        body: The whole request body.
        headers: The request headers.
        batched: Whether it came in a batch file.
    """

    number: int
    path: str
    body: dict[str, Any]
    headers: Mapping[str, str]
    batched: bool = False

    @property
    def key(self) -> str:
        """The key that the request bore."""
        bearer = self.headers.get("Authorization", "").removeprefix("Bearer ")
        return self.headers.get("x-api-key", bearer)

    @property
    def texts(self) -> tuple[str, ...]:
        """The text of each message, the system message first."""
        system = self.body.get("system")
        contents = [system] if system else []
        contents += [message.get("content") for message in self.body.get("messages", ())]
        return tuple(text if isinstance(text, str) else json.dumps(text) for text in contents)

    @property
    def prompt(self) -> str:
        """All messages as one text; of pictures and speech, the text that was sent."""
        for name in ("prompt", "input"):
            if isinstance(self.body.get(name), str):
                return str(self.body[name])
        if "instances" in self.body:
            return str(self.body["instances"][0]["prompt"])
        if "contents" in self.body:
            return str(self.body["contents"][0]["parts"][0]["text"])
        return "\n".join(self.texts)

    @property
    def mode(self) -> str:
        """How structure was asked for: `json_schema`, `tools`, `json_object` or `prompt`."""
        if self.body.get("tools"):
            return "tools"
        return str(self._form.get("type", "prompt"))

    @property
    def _form(self) -> Mapping[str, Any]:
        """The form of a chat's reply; that of a picture is a word."""
        form = self.body.get("response_format")
        return form if isinstance(form, dict) else {}

    @property
    def schema(self) -> dict[str, Any] | None:
        """The JSON Schema of the wanted reply, wherever the request holds it."""
        if "json_schema" in self._form:
            return dict(self._form["json_schema"]["schema"])
        for tool in self.body.get("tools") or ():
            function = tool.get("function", tool)
            return dict(function.get("parameters") or function.get("input_schema") or {})
        return _schema_in_words(self.prompt)


def _schema_in_words(prompt: str) -> dict[str, Any] | None:
    """A schema that is in the prompt after the words "JSON Schema"."""
    _, found, rest = prompt.partition("JSON Schema:\n")
    if not found:
        return None
    try:
        value, _ = json.JSONDecoder().raw_decode(rest)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
