"""A scripted server for topics: vectors by a text's first word, and answers for each request."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fabula.spec.tables import ModelSpec
from fabula.testing import Call, ChatServer
from fabula.testing.replies import Reply, says

GROUPS = {"Vehicle": 20, "Clothing": 20, "Toiletries": 20, "Food": 3}
KNOWN = [*GROUPS, "Toys", "Books", "Electronics"]
LETTERS = list("abcdefghijklmnopqrstuvwxyz")

Write = Callable[[list[str]], list[dict[str, Any]]]


def words(number: int) -> str:
    """Words that no other number gives."""
    rng = np.random.default_rng(number)
    return " ".join("".join(rng.choice(LETTERS, 6)) for _ in range(6))


def skewed() -> list[dict[str, str]]:
    """Sixty-three rows in four clear groups of 20, 20, 20 and 3."""
    topics = [name for name, count in GROUPS.items() for _ in range(count)]
    return [
        {"product": f"{name} {words(number)}", "description": words(1000 + number)}
        for number, name in enumerate(topics)
    ]


def vector(text: str) -> list[float]:
    """A vector near that of all texts that begin with the same word."""
    noise = np.random.default_rng(list(text.encode()))
    made = noise.normal(0, 0.03, len(KNOWN) + 1)
    first = text.split(maxsplit=1)[0] if text.split() else ""
    made[KNOWN.index(first) if first in KNOWN else -1] += 1
    return [float(value) for value in made]


class Script:
    """Answers embedding, naming, inventing and writing requests.

    Args:
        names: The naming replies in order; the last one again and again. None names rightly.
        new: The inventing replies in order.
        write: Makes the rows for the topics of a writing request.
    """

    def __init__(
        self,
        names: Sequence[str | Reply] = (),
        new: Sequence[str | Reply] = (),
        write: Write | None = None,
    ) -> None:
        self.names, self.new = list(names), list(new)
        self._write = write or self.rows
        self._made = 0

    def __call__(self, call: Call) -> Reply:
        if call.path.endswith("/embeddings"):
            return embedded(call)
        if "a name for each cluster" in call.prompt:
            return _next(self.names) or named(call)
        if "new topics for" in call.prompt:
            return _next(self.new) or says({"rows": [{"topic": "Toys"}, {"topic": "Books"}]})
        rows = self._write(about(call))
        return says({"rows": rows} if len(rows) > 1 else rows[0])

    def rows(self, topics: list[str]) -> list[dict[str, Any]]:
        """A row about each of the topics, unlike any other."""
        made = []
        for place, topic in enumerate(topics, 1):
            self._made += 1
            made.append(
                {
                    "row": place,
                    "topic": topic,
                    "product": f"{topic} {words(5000 + self._made)}",
                    "description": words(9000 + self._made),
                }
            )
        return made


def embedded(call: Call) -> Reply:
    """The vectors in another order than asked, as some servers send them."""
    data = [{"index": n, "embedding": vector(text)} for n, text in enumerate(call.body["input"])]
    return Reply(body=json.dumps({"data": data[::-1], "usage": {"prompt_tokens": 1}}))


def named(call: Call) -> Reply:
    """The name of every cluster, in the form of the notebook: spaces at the end, no JSON."""
    lines = [
        f"Cluster: {number}, topic: {next(name for name in KNOWN if name in line)}  "
        for number, line in enumerate(numbered(call), 1)
    ]
    return Reply("\n".join(lines), as_text=True)


def numbered(call: Call) -> list[str]:
    """The known values of each row that a request asks for."""
    many = re.findall(r"^\d+\. (\{.*\})$", call.prompt, re.M)
    return many or re.findall(r"^Known values of the row: (\{.*\})$", call.prompt, re.M)


def about(call: Call) -> list[str]:
    """The topics that a writing request asks for, one a row."""
    return [json.loads(line)["about"] for line in numbered(call)]


def writing_calls(server: ChatServer) -> list[Call]:
    """The requests that asked for rows."""
    return [call for call in server.calls if "Rows that are wanted" in call.prompt]


def naming_calls(server: ChatServer) -> list[Call]:
    """The requests that asked for names of clusters."""
    return [call for call in server.calls if "a name for each cluster" in call.prompt]


def model_at(server: ChatServer, name: str = "any") -> ModelSpec:
    """A model on the server."""
    return ModelSpec(provider="openai-compatible", base_url=server.url, name=name)


def _next(replies: list[str | Reply]) -> Reply | None:
    if not replies:
        return None
    reply = replies.pop(0) if len(replies) > 1 else replies[0]
    return Reply(reply, as_text=True) if isinstance(reply, str) else reply
