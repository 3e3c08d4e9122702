"""Topics in whatever form a model lists them, given on in the form that was asked.

Asked for JSON, models still answer `Cluster: 2, topic: Footwear`, a numbered or a bulleted list,
a table row, or JSON under names of their own. `TopicReplies` precedes such a model.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from fabula.llm.client.chat import AbstractProxy, ChatReply, ChatRequest
from fabula.llm.json_schema.reading import json_values
from fabula.llm.rows.reasoning import without_thoughts

NUMBERS = ("row", "cluster", "cluster_id", "number", "id", "index", "group")
NAMES = ("topic", "name", "topic_area", "title", "label", "topic_name")

_NAMED = re.compile(
    r"(?:cluster|row|group)\W{0,4}(\d+)\W+(?:topic|name)(?:[ _](?:area|name))?\W*?[:=]\W*(.+)", re.I
)
_NUMBERED = re.compile(r"(?:cluster|row|group|topic)?\W{0,4}(\d+)\s*[.):\-–|=]+\s*(.+)", re.I)
_BULLET = re.compile(r"^(?:[-*•–]|\|)\s*(.+)")
_PREFIX = re.compile(r"^(?:new )?(?:topic|name)(?:[ _](?:area|name))?\s*(?:\d+\s*)?[:=]\s*", re.I)
_HEADING = re.compile(r"cluster topic mapping|new topics|^#|:\s*$", re.I)
_DECORATION = " \t*_`\"'“”‘’«»|,;"


@dataclass(frozen=True)
class NamedTopic:
    """A topic in a reply, with the number that stands by it, if any."""

    number: int | None
    name: str


def read_topics(text: str) -> list[NamedTopic]:
    """The topics in a reply, in order; nothing if it lists none."""
    return _last_list(_listed(without_thoughts(text)))


def _last_list(topics: list[NamedTopic]) -> list[NamedTopic]:
    """The topics from where their numbers begin again for the last time."""
    first = topics[0].number if topics else None
    starts = [place for place, topic in enumerate(topics) if topic.number == first]
    return topics if first is None else topics[starts[-1] :]


def _listed(text: str) -> list[NamedTopic]:
    """All topics in the last JSON list of a text, in JSON objects, or in its lines."""
    lists = [[*_of_json(value)] for value in json_values(text)]
    if lists and len(lists[-1]) > 1:
        return lists[-1]
    if any(lists):
        return [topic for listed in lists for topic in listed]
    lines = [line.strip().strip("`").strip() for line in text.splitlines()]
    lines = [line for line in lines if line and not _HEADING.search(line)]
    named = [match for line in lines if (match := _NAMED.search(line))]
    if named:
        return [NamedTopic(int(match[1]), tidy_name(match[2])) for match in named]
    return [topic for line in lines if (topic := _of_line(line)) is not None]


def tidy_name(text: str) -> str:
    """A topic's name without decoration: quotes, stars, `topic:`, a full stop, spaces."""
    name = " ".join(text.split()).strip(_DECORATION)
    name = _PREFIX.sub("", name).strip(_DECORATION)
    return name.removesuffix(".").strip(_DECORATION)


class TopicReplies(AbstractProxy):
    """A model whose lists of topics come as asked; a ledger keeps its own replies."""

    async def complete(self, request: ChatRequest) -> ChatReply:
        """Answer one request; a reply that lists no topic stays as it is."""
        reply = await self._model.complete(request)
        if self.form == "completion" or reply.finish in ("refusal", "content_filter"):
            return reply
        topics = read_topics(reply.text)
        if reply.finish == "length":
            topics = topics[:-1]  # its name may be cut
        if not topics:
            return reply
        return replace(reply, text=json.dumps(_as_asked(topics, request)))


def _as_asked(topics: list[NamedTopic], request: ChatRequest) -> Any:
    """The topics as rows; numbers that were not asked, and second names of one, are left out."""
    properties = (request.schema or {}).get("properties", {})
    if "rows" not in properties:
        return {"topic": topics[0].name}
    asked, item = properties["rows"]["maxItems"], properties["rows"]["items"]
    if "row" not in item["properties"]:
        return {"rows": [{"topic": topic.name} for topic in topics]}
    by_number: dict[int, str] = {}
    for place, topic in enumerate(topics, 1):
        unnumbered = topic.number is None and len(topics) == asked
        number = place if unnumbered else topic.number
        if number is not None and 1 <= number <= asked:
            by_number.setdefault(number, topic.name)
    return {"rows": [{"row": number, "topic": name} for number, name in by_number.items()]}


def _of_json(value: Any) -> Iterator[NamedTopic]:
    """Topics anywhere in a JSON value: objects, lists of names, or number → name."""
    if isinstance(value, list):
        for item in value:
            if isinstance(item, str):
                yield NamedTopic(None, tidy_name(item))
            else:
                yield from _of_json(item)
    elif isinstance(value, Mapping):
        lower = {str(key).casefold().replace(" ", "_"): item for key, item in value.items()}
        name = next((lower[key] for key in NAMES if isinstance(lower.get(key), str)), None)
        if name is not None:
            number = next((lower[key] for key in NUMBERS if key in lower), None)
            yield NamedTopic(_number(number), tidy_name(name))
            return
        for key, item in value.items():
            number = _number(key)
            if isinstance(item, str) and number is not None:
                yield NamedTopic(number, tidy_name(item))
            else:
                yield from _of_json(item)


def _of_line(line: str) -> NamedTopic | None:
    """A numbered or bulleted line; any other line is prose."""
    bullet = _BULLET.match(line)
    text = bullet[1] if bullet else line
    match = _NUMBERED.match(text)
    if match:
        return NamedTopic(int(match[1]), tidy_name(match[2]))
    if bullet or _PREFIX.match(line):
        return NamedTopic(None, tidy_name(text))
    return None


def _number(value: Any) -> int | None:
    found = re.search(r"\d+", str(value)) if value is not None else None
    return int(found[0]) if found else None
