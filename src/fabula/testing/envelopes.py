"""The JSON of a scripted reply, as OpenAI's and Anthropic's servers write it."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import Any

from fabula.testing.calls import Call
from fabula.testing.embeddings import embedding
from fabula.testing.media import picture, speech
from fabula.testing.replies import Reply

_STOP_REASONS = {"stop": "end_turn", "length": "max_tokens", "content_filter": "refusal"}


def sent(call: Call, reply: Reply) -> bytes:
    """The bytes that answer a call: an envelope, or sound as it is."""
    plain = reply.body is None and reply.status == 200
    if plain and call.path.endswith("/audio/speech"):
        return speech(call) if reply.content is None else reply.content
    return envelope(call, reply).encode()


def envelope(call: Call, reply: Reply) -> str:
    """The body that carries a reply to a call."""
    if reply.body is not None:
        return reply.body
    if reply.status != 200:
        error = {"message": reply.text, "type": reply.error, "code": reply.error}
        return json.dumps({"error": error})
    if call.path.endswith("/embeddings"):
        return json.dumps(_embeddings(call))
    if call.path.endswith("/videos"):
        return json.dumps({"id": f"video-{call.number}", "object": "video", "status": "queued"})
    if call.path.endswith("/images/generations"):
        content = picture(call) if reply.content is None else reply.content
        return json.dumps({"created": 0, "data": [{"b64_json": b64encode(content).decode()}]})
    if call.path.endswith((":generateContent", ":predict")):
        return json.dumps(_gemini(call, picture(call) if reply.content is None else reply.content))
    if call.path.endswith("/messages"):
        return json.dumps(_anthropic(call, reply))
    return json.dumps(_openai(call, reply))


def _gemini(call: Call, content: bytes) -> dict[str, Any]:
    """A picture as Gemini's own API sends it."""
    packed = b64encode(content).decode()
    if call.path.endswith(":predict"):
        return {"predictions": [{"mimeType": "image/png", "bytesBase64Encoded": packed}]}
    inline = {"inlineData": {"mimeType": "image/png", "data": packed}}
    parts = [{"text": "Here it is."}, inline]
    usage = {"promptTokenCount": len(call.prompt) // 4 + 1, "candidatesTokenCount": 1290}
    candidate = {"content": {"role": "model", "parts": parts}, "finishReason": "STOP"}
    return {"candidates": [candidate], "usageMetadata": usage}


def _openai(call: Call, reply: Reply) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": reply.text}
    finish = reply.finish
    if reply.message is not None:
        message = dict(reply.message)
    elif call.mode == "tools" and not reply.as_text:
        name = call.body["tools"][0]["function"]["name"]
        function = {"name": name, "arguments": reply.text}
        message["content"] = None
        message["tool_calls"] = [{"id": "call_0", "type": "function", "function": function}]
        finish = "tool_calls" if finish == "stop" else finish
    body: dict[str, Any] = {
        "id": f"chatcmpl-{call.number}",
        "object": "chat.completion",
        "model": call.body.get("model"),
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
    }
    if reply.usage:
        prompt, completion = _tokens(call, reply)
        body["usage"] = {"prompt_tokens": prompt, "completion_tokens": completion}
    return body


def _anthropic(call: Call, reply: Reply) -> dict[str, Any]:
    content: list[dict[str, Any]] = [{"type": "text", "text": reply.text or ""}]
    stop = _STOP_REASONS.get(reply.finish, reply.finish)
    if call.mode == "tools" and not reply.as_text and reply.message is None:
        name = call.body["tools"][0]["name"]
        try:
            given = json.loads(reply.text or "null")
        except ValueError:
            given = {}
        content = [{"type": "tool_use", "id": "toolu_0", "name": name, "input": given}]
        stop = "tool_use" if stop == "end_turn" else stop
    body = {
        "id": f"msg_{call.number}",
        "type": "message",
        "role": "assistant",
        "model": call.body.get("model"),
        "content": content,
        "stop_reason": stop,
    }
    if reply.usage:
        prompt, completion = _tokens(call, reply)
        body["usage"] = {"input_tokens": prompt, "output_tokens": completion}
    return body


def _embeddings(call: Call) -> dict[str, Any]:
    given = call.body["input"]
    texts = [given] if isinstance(given, str) else given
    data = [
        {"object": "embedding", "index": place, "embedding": embedding(text)}
        for place, text in enumerate(texts)
    ]
    usage = {"prompt_tokens": sum(len(text) // 4 + 1 for text in texts)}
    # Servers may answer in any order; the index tells which is which.
    return {"object": "list", "data": data[::-1], "usage": usage}


def _tokens(call: Call, reply: Reply) -> tuple[int, int]:
    """A count of tokens that is the same for the same texts."""
    return len(call.prompt) // 4 + 1, len(reply.text or "") // 4 + 1
