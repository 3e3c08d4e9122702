"""One call that shows what a model can do, for `fabula models check` and `fabula doctor`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from time import perf_counter

from fabula.llm.client.chat import ChatModel, ChatRequest, Finish, Message

_SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string", "description": "the city's name"}},
    "required": ["city"],
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True)
class ModelCheck:
    """What a model did with one small structured request.

    Args:
        name: The model as the user named it.
        identity: Where it is.
        model: The name that it reports.
        mode: How structured output was requested.
        follows: Whether the reply was JSON of the requested form.
        finish: Why it stopped.
        seconds: How long the call took.
        reports_usage: Whether tokens were reported, so that costs are known.
        reply: Its reply.
    """

    name: str
    identity: str
    model: str
    mode: str
    follows: bool
    finish: Finish
    seconds: float
    reports_usage: bool
    reply: str


async def check_model(model: ChatModel) -> ModelCheck:
    """Ask a model one small question.

    Raises:
        FabulaError: The model can't be reached or used; its hint says what to do.
    """
    question = Message("user", "Which city is the capital of Austria? Answer as JSON.")
    started = perf_counter()
    reply = await model.complete(ChatRequest((question,), schema=_SCHEMA, purpose="check"))
    return ModelCheck(
        name=model.name,
        identity=model.identity,
        model=reply.model,
        mode=reply.mode,
        follows=_follows(reply.text),
        finish=reply.finish,
        seconds=perf_counter() - started,
        reports_usage=reply.usage.prompt_tokens is not None,
        reply=reply.text,
    )


def _follows(text: str) -> bool:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict) and set(value) == {"city"} and isinstance(value["city"], str)
