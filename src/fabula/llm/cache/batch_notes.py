"""Notes on open batches: which requests they contain, and how to read their replies."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fabula.errors import SinkError
from fabula.llm.client.capabilities import Mode


@dataclass(frozen=True, slots=True)
class Asked:
    """What reading the reply to one request of a batch needs."""

    schema: Mapping[str, Any] | None
    purpose: str


@dataclass(frozen=True, slots=True)
class Batch:
    """A submitted batch.

    Args:
        id: The provider's name for it.
        identity: The model that it is for.
        submitted: Seconds since 1970.
        mode: How structured output was requested.
        asked: Its requests by their ledger keys.
    """

    id: str
    identity: str
    submitted: float
    mode: Mode
    asked: Mapping[str, Asked]


def write_note(path: Path, batch: Batch) -> None:
    """Record a batch. Equal schemas are written once."""
    schemas = {json.dumps(asked.schema): asked.schema for asked in batch.asked.values()}
    places = {text: place for place, text in enumerate(schemas)}
    note = {
        "id": batch.id,
        "identity": batch.identity,
        "submitted": batch.submitted,
        "mode": batch.mode,
        "schemas": list(schemas.values()),
        "asked": {
            key: [places[json.dumps(asked.schema)], asked.purpose]
            for key, asked in batch.asked.items()
        },
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".new")
    temporary.write_text(json.dumps(note), encoding="utf-8")
    temporary.replace(path)


def read_note(path: Path) -> Batch:
    """The batch of a note.

    Raises:
        SinkError: The file is damaged.
    """
    try:
        note = json.loads(path.read_text(encoding="utf-8"))
        schemas = note["schemas"]
        asked = {key: Asked(schemas[at], purpose) for key, (at, purpose) in note["asked"].items()}
        return Batch(note["id"], note["identity"], note["submitted"], note["mode"], asked)
    except (OSError, ValueError, LookupError, TypeError) as exc:
        raise SinkError(
            f"the note on a batch {path} is damaged",
            code="ledger.damaged-note",
            hint=f"delete {path}; its requests may be sent again",
        ) from exc
