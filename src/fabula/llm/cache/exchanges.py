"""What was asked of a model and what it answered, as the ledger keeps both."""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from fabula.errors import SinkError
from fabula.llm.cache.ledger import REASONING
from fabula.llm.cache.prices import price_of
from fabula.llm.client.chat import Usage
from fabula.llm.client.user_dirs import home

_SELECT = """
SELECT messages, text, model, identity, created, seconds, prompt_tokens, completion_tokens,
    finish, problem
FROM replies LEFT JOIN prompts USING (key) WHERE key = ?
"""
_LONGEST = 1 << 24
"""Bytes of a prompt; what unpacks to more is not read."""


@dataclass(frozen=True)
class Exchange:
    """One call to a language model.

    Attributes:
        key: Its key in the ledger.
        messages: The prompt, as pairs of role and text; empty where it was not kept.
        reply: What came.
        reasoning: What the model thought, where the endpoint told.
        model: The model's own name.
        created: When the reply came, in seconds since 1970.
        seconds: How long it took.
        prompt_tokens: Tokens sent, where the endpoint said.
        completion_tokens: Tokens received, where the endpoint said.
        cost: What it cost at list price, in USD; None where no price is known.
        problem: Why there is no payload, or why it ends early.
    """

    key: str
    messages: tuple[tuple[str, str], ...] = ()
    reply: str = ""
    reasoning: str = ""
    model: str = ""
    created: float = 0.0
    seconds: float = 0.0
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cost: float | None = None
    problem: str = ""


def exchanges(keys: Iterable[str], names: Mapping[str, str]) -> dict[str, Exchange]:
    """The calls of some keys that this machine's ledger keeps.

    Args:
        keys: Keys of the ledger, in hexadecimal.
        names: The name of each model by its identity, for prices.

    Raises:
        SinkError: The ledger is damaged.
    """
    path = home() / "ledger.sqlite"
    if not path.is_file():
        return {}
    try:
        with closing(_opened(path)) as connection:
            return {
                key: found
                for key in dict.fromkeys(keys)
                if (found := _exchange(connection, key, names)) is not None
            }
    except (sqlite3.Error, zlib.error, ValueError) as exc:
        raise SinkError(
            f"the ledger {path} can't be read: {exc}",
            code="ledger.damaged",
            hint=f"move it away (mv {path} {path}.damaged)",
        ) from exc


def _opened(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=2.0)


def _exchange(
    connection: sqlite3.Connection, key: str, names: Mapping[str, str]
) -> Exchange | None:
    row = connection.execute(_SELECT, (bytes.fromhex(key),)).fetchone()
    if row is None:
        return None
    packed, text, model, identity, created, seconds, sent, received, finish, problem = row
    unpacked = zlib.decompressobj().decompress(packed, _LONGEST) if packed else b"[]"
    price = price_of(names.get(identity, identity), identity)
    reply, _, reasoning = text.partition(REASONING)
    ended = "" if finish == "stop" else f"the reply ended early ({finish})"
    return Exchange(
        key,
        tuple((role, said) for role, said in json.loads(unpacked)),
        reply,
        reasoning,
        model or names.get(identity, ""),
        created,
        seconds,
        sent,
        received,
        None if price is None else price.cost(Usage(sent, received)),
        problem or ended,
    )
