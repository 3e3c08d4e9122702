"""What was written into notes, and the third parties that a detector finds in them afterwards."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import pyarrow as pa

from fabula.privacy.notes.detectors import Detector, Span, checked_spans

SPANS = pa.schema(
    [("row", pa.int64()), ("start", pa.int32()), ("end", pa.int32()), ("kind", pa.string())]
)
"""Places of written texts, in code points; `row` counts from 0."""

Inventor: TypeAlias = Callable[[str, Sequence[str]], Sequence[str]]
"""New values for details of a kind that belong to nobody known."""

_BATCH = 256
"""Texts that a detector gets at once."""


def tags(kind: str, values: Sequence[str]) -> list[str]:
    """The kind of detail in place of each value."""
    return [f"[{kind}]"] * len(values)


@dataclass
class Changes:
    """Written places, as columns of `SPANS`."""

    rows: list[int] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)

    def add(self, row: int, start: int, end: int, kind: str) -> None:
        """Add a place."""
        self.rows.append(row)
        self.starts.append(start)
        self.ends.append(end)
        self.kinds.append(kind)

    def by_row(self) -> dict[int, list[Span]]:
        """The places of each row."""
        found: dict[int, list[Span]] = {}
        spans = map(Span, self.starts, self.ends, self.kinds)
        for row, span in zip(self.rows, spans, strict=True):
            found.setdefault(row, []).append(span)
        return found


def write_third_parties(
    texts: list[str | None], changes: Changes, detector: Detector, invent: Inventor
) -> Changes:
    """Change what a detector finds between the places that were written before.

    Args:
        texts: The notes; changed in place.
        changes: What was written.
        detector: Finds people.
        invent: Writes new values.

    Returns:
        All written places.
    """
    known, together = changes.by_row(), Changes()
    rows = [row for row, text in enumerate(texts) if text]
    for start in range(0, len(rows), _BATCH):
        some = rows[start : start + _BATCH]
        found = checked_spans(detector, [texts[row] or "" for row in some])
        for row, spans in zip(some, found, strict=True):
            mine = known.get(row, [])
            fresh = [s for s in spans if all(s.end <= w.start or s.start >= w.end for w in mine)]
            new = {
                span: invent(span.kind, [(texts[row] or "")[slice(*span[:2])]])[0] for span in fresh
            }
            texts[row] = _write_row(texts[row] or "", row, mine, new, together)
    return together


def _write_row(
    text: str, row: int, written: Sequence[Span], new: Mapping[Span, str], changes: Changes
) -> str:
    """A text with new values; all of its written places are added to the changes."""
    pieces, at, new_at = [], 0, 0
    for span in sorted([*written, *new]):
        value = new.get(span, text[span.start : span.end])
        pieces += [text[at : span.start], value]
        new_at += span.start - at
        changes.add(row, new_at, new_at + len(value), span.kind)
        at, new_at = span.end, new_at + len(value)
    return "".join([*pieces, text[at:]])
