"""Notes without the people they are about: own mentions, other people's identifiers, patterns.

Layers look at the original text and touch no place twice: the longest run at a place wins, and
what an earlier layer wrote stays. Only those places change.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pyarrow as pa

from fabula.privacy.notes.details import NAMES, detail_needles, phones
from fabula.privacy.notes.names import misspelt, name_needles, person_names
from fabula.privacy.notes.needles import FirstLetters, Hit, Mention, Writer, with_marks
from fabula.privacy.squeezed import Counts, Squeezed

BLOCK = 8192
"""Notes that are searched at once: what fits into the caches of a processor."""

SPANS = pa.schema(
    [("row", pa.int64()), ("start", pa.int32()), ("end", pa.int32()), ("kind", pa.string())]
)
"""Places of written texts, in code points; `row` counts from 0."""


Change: TypeAlias = tuple[int, int, int, str]
"""A written place, as a row of `SPANS`."""


@dataclass(frozen=True)
class MaskedNotes:
    """Notes, and what was written into them.

    Attributes:
        texts: The notes.
        spans: The places that were written, as `SPANS`.
        counts: How many places of each kind were written.
    """

    texts: pa.Array
    spans: pa.Table
    counts: Mapping[str, int]


@dataclass(frozen=True)
class _Places:
    """Where notes are to change: in the stream of letters and digits."""

    kind: str
    starts: Counts
    lengths: Counts
    rows: Counts
    people: Counts
    write: Writer


def mask_notes(texts: pa.Array | pa.ChunkedArray, own: Sequence[Mention]) -> MaskedNotes:
    """Replace what notes say of the person of their row.

    Args:
        texts: The notes, one a row; null where a row has none.
        own: What is known of each row's person, old and new.
    """
    if isinstance(texts, pa.ChunkedArray):
        texts = texts.combine_chunks()
    written: list[str | None] = []
    changes: list[Change] = []
    for start in range(0, len(texts), BLOCK):
        block = texts.slice(start, BLOCK).to_pylist()
        mine = [
            Mention(m.kind, m.original.slice(start, BLOCK), m.replacement.slice(start, BLOCK))
            for m in own
        ]
        notes, found = _search(block, mine)
        changes += _write(block, notes, found, start)
        written += block
    columns = list(zip(*changes, strict=True)) or [(), (), (), ()]
    arrays = [pa.array(values, kind) for values, kind in zip(columns, SPANS.types, strict=True)]
    return MaskedNotes(pa.array(written, texts.type), pa.table(arrays, SPANS), Counter(columns[3]))


def _search(texts: Sequence[str | None], own: Sequence[Mention]) -> tuple[Squeezed, list[_Places]]:
    notes = Squeezed.of([text or "" for text in texts])
    if not len(notes.codes):
        return notes, []
    found = list(_own_places(notes, own))
    return notes, [places for places in found if len(places.starts)]


def _own_places(notes: Squeezed, own: Sequence[Mention]) -> Iterator[_Places]:
    by_first = FirstLetters(notes)
    names = person_names(own)
    named = np.zeros(len(notes.starts), dtype=bool)
    for needle in (*name_needles(names), *detail_needles(own)):
        words = needle.words(notes, by_first)
        rows = notes.rows[words]
        lengths = needle.runs.lengths[rows]
        yield _Places(needle.kind, notes.starts[words], lengths, rows, rows, needle.write)
        if needle.kind in NAMES:
            named[words] = True
    for each in names:
        words, lengths, write = misspelt(notes, each, named)
        rows = notes.rows[words]
        yield _Places(each.kind, notes.starts[words], lengths, rows, rows, write)
    for mention in own:
        if mention.kind == "phone":
            starts, lengths, rows, write = phones(notes, mention)
            yield _Places("phone", starts, lengths, rows, rows, write)


def _write(
    texts: list[str | None], notes: Squeezed, found: Sequence[_Places], first_row: int
) -> list[Change]:
    """Change the texts in place."""
    changes: list[Change] = []
    if not found:
        return changes
    starts = np.concatenate([places.starts for places in found])
    lengths = np.concatenate([places.lengths for places in found])
    people = np.concatenate([places.people for places in found])
    rows = np.concatenate([places.rows for places in found])
    which = np.repeat(np.arange(len(found)), [len(places.starts) for places in found])
    order = np.lexsort((which, -lengths, starts))
    starts, lengths, people, rows, which = (
        each[order] for each in (starts, lengths, people, rows, which)
    )
    offsets = notes.row_places[rows]
    begins, ends = notes.places[starts] - offsets, notes.places[starts + lengths - 1] - offsets + 1
    columns = (starts, lengths, rows, people, which, offsets, begins, ends)
    done, row_now, at, new_at = -1, -1, 0, 0
    pieces: list[str] = []
    text = ""
    for start, length, row, person, number, offset, begin, stop in zip(
        *(column.tolist() for column in columns), strict=True
    ):
        if start < done:
            continue
        if row != row_now:
            if pieces:
                texts[row_now] = "".join([*pieces, text[at:]])
            row_now, pieces, at, new_at = row, [], 0, 0
            text = texts[row] or ""
        end = with_marks(text, stop)
        places = found[number]
        letters = notes.places[start : start + length]
        new = places.write(Hit(text, begin, end, person, letters, offset))
        if new is None:
            continue
        done = start + length
        new_at += begin - at
        changes.append((first_row + row, new_at, new_at + len(new), places.kind))
        pieces += [text[at:begin], new]
        at, new_at = end, new_at + len(new)
    if pieces:
        texts[row_now] = "".join([*pieces, text[at:]])
    return changes
