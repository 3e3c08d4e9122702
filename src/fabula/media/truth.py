"""The truth about documents, as its file tells it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any


def records_of(truth: Path) -> Iterator[dict[str, Any]]:
    """The records of a truth, one a document."""
    with truth.open(encoding="utf-8") as lines:
        for line in lines:
            with suppress(ValueError, RecursionError):
                record = json.loads(line)
                if isinstance(record, dict):
                    yield record


def listed(truth: Path) -> dict[str, str]:
    """The hash of each file that a truth tells of, by its name in the run's folder."""
    return {
        str(file["path"]): str(file["sha256"])
        for record in records_of(truth)
        for file in record.get("files", ())
    }
