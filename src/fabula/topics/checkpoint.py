"""What is known about a run after each round, as a file that a killed run continues from."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from fabula.errors import SinkError
from fabula.io.places import write_text

FILE = "balance.json"


@dataclass(frozen=True)
class Topic:
    """A topic: its name, and whether it was invented rather than found."""

    name: str
    invented: bool = False


@dataclass(frozen=True)
class Round:
    """What one round asked for and brought; round 0 is the data as it came.

    Attributes:
        number: Its number.
        asked: Rows asked for, by topic.
        new: Rows taken.
        duplicates: Rows refused because they repeat a text.
        rejected: Rows refused or not had for other reasons.
        relabelled: Rows taken under another topic than was asked.
        counts: Rows of each topic after the round.
        evenness: Normalised entropy of those counts.
        coverage: Share of the rows wanted that are there.
        added: Topics that are new in this round.
        calls: Calls that the model answered, those from the ledger included.
    """

    number: int
    asked: Mapping[str, int]
    new: int
    duplicates: int
    rejected: int
    relabelled: int
    counts: Mapping[str, int]
    evenness: float
    coverage: float
    added: Sequence[str] = ()
    calls: int = 0


@dataclass
class Record:
    """A run so far.

    Attributes:
        key: A hash of all that decides the run.
        embedding: The model whose vectors it uses.
        topics: Every topic, the clusters first.
        targets: Rows that each topic should have.
        rounds: What each round brought, the data as it came first.
        rows: The new rows: their values, `topic` and `round`.
        rejects: Every row that was lost, with its round, reason and raw text.
        ended: Why the run ended, or nothing while it continues.
    """

    key: str
    embedding: str
    topics: list[Topic] = field(default_factory=list)
    targets: dict[str, int] = field(default_factory=dict)
    rounds: list[Round] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)
    rejects: list[dict[str, Any]] = field(default_factory=list)
    ended: str = ""

    def write(self, folder: Path | None) -> None:
        """Keep the record; without a folder it is kept nowhere."""
        if folder is not None:
            text = json.dumps(asdict(self), ensure_ascii=False, default=str)
            write_text(folder / FILE, text + "\n")


def read_record(folder: Path, key: str, *, overwrite: bool = False) -> Record | None:
    """The record in a folder of an earlier run with the same `key`; None if there is none.

    Raises:
        SinkError: The folder contains another run, which is not to be overwritten.
    """
    path = folder / FILE
    if not path.exists():
        return None
    problem = "can't be read"
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        record = Record(
            **{
                **found,
                "topics": [Topic(**each) for each in found["topics"]],
                "rounds": [Round(**each) for each in found["rounds"]],
            }
        )
    except (ValueError, TypeError, KeyError):
        pass
    else:
        if record.key == key:
            return record
        problem = "is of other data or other options"
    if overwrite:
        return None
    raise SinkError(
        f"the run in `{folder}` {problem}",
        code="sink.exists",
        where=str(path),
        hint="choose another folder with `-o`, or pass --overwrite",
    )
