"""What was written into notes, and the third parties that a detector finds in them afterwards."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

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


def write_third_parties(
    texts: pa.Array, spans: pa.Table, detector: Detector, invent: Inventor
) -> tuple[pa.Array, pa.Table]:
    """Change what a detector finds between the places that were written before.

    Args:
        texts: The notes.
        spans: What was written, as `SPANS`.
        detector: Finds people.
        invent: Writes new values.

    Returns:
        The notes, and all written places.
    """
    known: dict[int, list[Span]] = {}
    for row, *span in zip(*spans.to_pydict().values(), strict=True):
        known.setdefault(row, []).append(Span(*span))
    notes, together = texts.to_pylist(), list[dict[str, Any]]()
    rows = [row for row, text in enumerate(notes) if text]
    for start in range(0, len(rows), _BATCH):
        some = rows[start : start + _BATCH]
        found = checked_spans(detector, [notes[row] for row in some])
        for row, hits in zip(some, found, strict=True):
            mine = known.get(row, [])
            fresh = [s for s in hits if all(s.end <= w.start or s.start >= w.end for w in mine)]
            new = {span: invent(span.kind, [notes[row][slice(*span[:2])]])[0] for span in fresh}
            notes[row], places = _with_new(notes[row], mine, new)
            together += [{"row": row, **place._asdict()} for place in places]
    return pa.array(notes, texts.type), pa.Table.from_pylist(together, SPANS)


def _with_new(
    text: str, written: Sequence[Span], new: Mapping[Span, str]
) -> tuple[str, list[Span]]:
    """A text with new values, and all of its written places."""
    pieces, at, new_at, places = [], 0, 0, []
    for span in sorted([*written, *new]):
        value = new.get(span, text[span.start : span.end])
        pieces += [text[at : span.start], value]
        new_at += span.start - at
        places.append(Span(new_at, new_at + len(value), span.kind))
        at, new_at = span.end, new_at + len(value)
    return "".join([*pieces, text[at:]]), places
