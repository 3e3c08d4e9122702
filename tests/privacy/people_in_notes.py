"""People of several languages with notes about them, and what each spelling should turn into."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import distribution
from pathlib import Path

import numpy as np
import pyarrow as pa

from fabula.fakers.people import People
from fabula.privacy.notes import Mention
from fabula.streams import stream

LANGUAGES = ("en", "de", "fr", "es", "pl", "ru")


@dataclass(frozen=True)
class Crowd:
    """People, and those who take their place.

    Attributes:
        first: First names.
        last: Last names.
        own: Both as mentions, old and new.
    """

    first: list[str]
    last: list[str]
    own: list[Mention]


def crowd(language: str, rows: int, *, seed: int = 1) -> Crowd:
    """People of a language; nobody's new name shares a word with the old one."""
    fields = ["first_name", "last_name"]
    old, new = (
        People(language).draw(lambda name, n=n: stream(n, "people", name, 0), rows, fields)
        for n in (seed, seed + 100)
    )
    own = [Mention(field, old[field], new[field]) for field in fields]
    return Crowd(old["first_name"].to_pylist(), old["last_name"].to_pylist(), own)


@lru_cache
def sentences(language: str) -> list[str]:
    """Prose of a language."""
    root = Path(str(distribution("mimesis").locate_file("mimesis/datasets")))
    found: list[str] = json.loads((root / language / "text.json").read_text("utf-8"))["text"]
    return found


def notes_about(language: str, mentions: list[str], *, seed: int = 3) -> tuple[list[str], pa.Array]:
    """Notes with a mention between two sentences, as texts and as a column."""
    rng = np.random.default_rng(seed)
    prose = sentences(language)
    picks = rng.integers(0, len(prose), (len(mentions), 2))
    texts = [
        f"{prose[a][:70]} | {mention} | {prose[b][:60]}"
        for mention, (a, b) in zip(mentions, picks.tolist(), strict=True)
    ]
    return texts, pa.array(texts)
