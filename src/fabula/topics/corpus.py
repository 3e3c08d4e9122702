"""The rows of a table as texts: one column, several joined, or the turns of a conversation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from fabula.errors import SourceError, UsageError, did_you_mean
from fabula.io.arrays import is_text, plain_type

LABEL_NAMES = ("label", "category", "topic", "class", "intent")
"""Columns of these names hold labels if nobody says which does."""
TURNS = {"user": "what the user says", "assistant": "what the assistant answers"}
"""The columns that stand for a conversation, with what they hold."""
_MESSAGES = "messages"


@dataclass(frozen=True)
class Corpus:
    """A table and the text of each of its rows.

    Attributes:
        given: The table as it came.
        table: The table with one column a turn in place of conversations.
        texts: The text of each row; no nulls.
        fields: The columns that make the text.
        label: The column that holds labels, or None.
        is_chat: Whether the rows are conversations.
    """

    given: pa.Table
    table: pa.Table
    texts: pa.Array
    fields: tuple[str, ...]
    label: str | None
    is_chat: bool

    def completed(self, rows: pa.Table) -> pa.Table:
        """New rows in the columns and types of the table as it came."""
        if not self.is_chat:
            return rows
        opening = _system_turns(self.given)
        turns = [
            [*opening, *({"role": role, "content": row[role]} for role in TURNS)]
            for row in rows.select(list(TURNS)).to_pylist()
        ]
        made = pa.array(turns, self.given.schema.field(_MESSAGES).type)
        columns = [
            made if name == _MESSAGES else rows.column(name) for name in self.given.schema.names
        ]
        return pa.table(columns, schema=self.given.schema)


def read_corpus(table: pa.Table, fields: Sequence[str] = (), label: str | None = None) -> Corpus:
    """The texts of a table: all columns of text joined, or those that are named.

    Raises:
        UsageError: A column that is named does not exist or holds no text.
        SourceError: There is no text.
    """
    is_chat = _MESSAGES in table.column_names and pa.types.is_list(
        table.schema.field(_MESSAGES).type
    )
    plain = _without_conversations(table) if is_chat else table
    known = [each.name for each in plain.schema if is_text(plain_type(each.type))]
    for name in [*fields, *([label] if label else [])]:
        if name not in plain.column_names:
            hint = did_you_mean(name, known) or f"there are {', '.join(plain.column_names)}"
            raise UsageError(f"there is no column `{name}`", code="usage.unknown-column", hint=hint)
    chosen = tuple(fields) or tuple(known)
    if not chosen or not set(chosen) <= set(known):
        wrong = ", ".join(f"`{name}`" for name in chosen if name not in known)
        raise UsageError(
            f"{wrong} holds no text" if wrong else "no column holds text",
            code="usage.no-text",
            hint=f"there is text in {', '.join(known)}" if known else "give data with texts",
        )
    parts = [plain.column(name).cast(pa.string()).fill_null("") for name in chosen]
    joined = parts[0] if len(parts) == 1 else pc.binary_join_element_wise(*parts, "\n")
    texts = pc.utf8_trim_whitespace(joined)
    if not pc.any(pc.not_equal(texts, "")).as_py():
        raise SourceError(
            "the data holds no text to balance",
            code="source.empty",
            hint="give a file with at least one text, or name its column with `--text`",
        )
    if label is None:
        named = [name for name in plain.column_names if name.casefold() in LABEL_NAMES]
        label = named[0] if named else None
    return Corpus(table, plain, pa.concat_arrays(texts.chunks), chosen, label, is_chat)


def _without_conversations(table: pa.Table) -> pa.Table:
    """The table with the user's and the assistant's words as columns."""
    words: dict[str, list[str | None]] = {role: [] for role in TURNS}
    for turns in table.column(_MESSAGES).to_pylist():
        for role, texts in words.items():
            said = [_content(turn) for turn in turns or () if turn and turn.get("role") == role]
            texts.append("\n".join(filter(None, said)) or None)
    rest = table.drop_columns([_MESSAGES])
    for role, texts in words.items():
        rest = rest.append_column(role, pa.array(texts, pa.string()))
    return rest


def _content(turn: dict[str, Any]) -> str:
    content = turn.get("content")
    return content if isinstance(content, str) else ""


def _system_turns(table: pa.Table) -> list[dict[str, Any]]:
    """What conversations begin with, where the first one has a system message."""
    first = table.column(_MESSAGES)[0].as_py() or []
    return [turn for turn in first if turn and turn.get("role") == "system"][:1]
