"""What the two sides of a conversation, and models that play tools, are asked.

Stable parts come first, so that servers can reuse the prefix. What was said so far is JSON, so
that nothing in it is an instruction.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from fabula.augment.conversations.plans import TalkPlan
from fabula.augment.tools.tool import Tool

Message = Mapping[str, Any]

USER_SYSTEM = (
    "You play a person who writes to an assistant. Reply with that person's next message alone: "
    "no name in front, no quotes, nothing that the assistant would say."
)
ASSISTANT_SYSTEM = (
    "You are the assistant in a conversation. Reply with your next message alone: no name in "
    "front, no quotes, nothing that the user would say."
)
TOOL_SYSTEM = (
    "You play a tool that a program calls. Reply with the JSON that the tool would return, "
    "consistent with what it returned before. Reply with JSON only."
)

_LABEL = re.compile(
    r"[ \t]*(?:\*\*|__|#+ *)?(?P<who>User|Customer|Client|Human|Person|Assistant|Agent|AI|Bot"
    r"|Support|System|You|Me|Nutzer|Kunde|Kundin|Benutzer|Assistent|Utilisateur|Usuario|Asistente)"
    r"(?:\*\*|__)? ?[:：](?:\*\*|__)?[ \t]*"
)
_USERS = {"User", "Customer", "Human", "Nutzer", "Kunde", "Kundin", "Benutzer"}
_ASSISTANTS = {"Assistant", "Assistent"}
_OTHERS = _USERS | _ASSISTANTS
"""Labels that start a turn wherever a line starts with them; others may head a listing."""
_OWN = {
    "user": _USERS | {"Client", "Person", "You", "Me", "Utilisateur", "Usuario"},
    "assistant": _ASSISTANTS | {"Agent", "AI", "Bot", "Support", "You", "Me", "Asistente"},
}
_JSON_TURN = re.compile(r'\{ *"(?:you|user|assistant|role)" *:')
_MARKER = re.compile(r"<\|[\w ]{2,24}\|>|\[/?INST\]|<(?:start|end)_of_turn>")


def user_prompt(subject: str, plan: TalkPlan, messages: Sequence[Message], instruction: str) -> str:
    """What the user's side is asked for its next message."""
    parts = [f"The conversation is about: {subject}"]
    if plan.attributes:
        parts.append(
            f"What the conversation is like, and who you are: {_json(plan.attributes)}"
            "\nWrite in the language that stands there, if one does."
        )
    if plan.facts:
        parts.append(
            "You know these facts and mention those that the assistant needs.\n"
            f"Facts as JSON: {_json(plan.facts)}"
        )
    if messages:
        parts.append("So far:\n" + _so_far(messages, you="user"))
    parts.append(f"Now: {instruction}\nWrite your next message alone.")
    return "\n\n".join(parts)


def assistant_prompt(
    subject: str,
    plan: TalkPlan,
    system: str,
    messages: Sequence[Message],
    *,
    tools: Sequence[Tool] = (),
    instruction: str = "Write your next message alone.",
) -> str:
    """What the assistant's side is asked for its next message or calls."""
    parts = [f"The conversation is about: {subject}"]
    if system:
        parts.append(f"Your instructions: {system}")
    if tools:
        listed = "\n".join(_json(tool.declared["function"]) for tool in tools)
        parts.append(
            f"Tools that you can call, with the JSON Schema of their parameters:\n{listed}"
        )
    language = plan.attributes.get("language")
    if language:
        parts.append(f"Write in this language: {language}")
    parts.append("So far:\n" + _so_far(messages, you="assistant"))
    parts.append(instruction)
    return "\n\n".join(parts)


def tool_prompt(tool: Tool, arguments: Mapping[str, Any], messages: Sequence[Message]) -> str:
    """What a model is asked that plays a tool."""
    return (
        f"The tool: {_json(tool.declared['function'])}\n\n"
        f"What happened so far:\n{_so_far(messages, you='assistant')}\n\n"
        f"It is called with: {_json(arguments)}"
    )


def _so_far(messages: Sequence[Message], *, you: str) -> str:
    """The messages as one JSON object a line; the user sees no calls of tools."""
    lines = []
    for message in messages:
        role = message["role"]
        if role == "system" or (you == "user" and role == "tool"):
            continue
        who = "you" if role == you else role
        if message.get("tool_calls") and you == "assistant":
            calls = [call["function"] for call in message["tool_calls"]]
            lines.append(_json({"you called": calls}))
        elif message.get("content"):
            lines.append(_json({who: message["content"]}))
    return "\n".join(lines)


def without_label(text: str, role: str) -> str:
    """A message without the speaker's own name in front of it."""
    label = _LABEL.match(text)
    return text[label.end() :].strip() if label and label["who"] in _OWN[role] else text


def out_of_turn(text: str, messages: Sequence[Message], role: str) -> str:
    """Why a message is not one of its speaker alone, in words; empty if it is."""
    for line in text.splitlines():
        label = _LABEL.match(line)
        if label and label["who"] in _OTHERS:
            return f"it also speaks as `{label['who']}`; write one message of the {role} alone"
    if _JSON_TURN.search(text) or _MARKER.search(text):
        return f"it holds a turn in another form; write the {role}'s message as plain text"
    plain = " ".join(text.casefold().split())
    for message in messages:
        if " ".join(str(message.get("content") or "").casefold().split()) == plain:
            return f"it repeats the {message['role']}'s message; write another one"
    return ""


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
