"""Notes without the people they are about: own mentions, other people's identifiers, patterns.

Layers look at the original text and touch no place twice: the longest run at a place wins, and
what an earlier layer wrote stays. Only those places change.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

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
    """Where notes are to change, in the stream of letters and digits."""

    kind: str
    starts: Counts
    lengths: Counts
    rows: Counts
    people: Counts
    write: Writer
    cuts: NDArray[np.int64] | None = None


@dataclass
class _Changes:
    """Written places, as columns of `SPANS`."""

    rows: list[int] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)


def mask_notes(texts: pa.Array | pa.ChunkedArray, own: Sequence[Mention]) -> MaskedNotes:
    """Replace what notes say of the person of their row.

    Args:
        texts: The notes, one a row; null where a row has none.
        own: What is known of each row's person, old and new.
    """
    if isinstance(texts, pa.ChunkedArray):
        texts = texts.combine_chunks()
    written: list[str | None] = []
    changes = _Changes()
    for start in range(0, len(texts), BLOCK):
        block = texts.slice(start, BLOCK).to_pylist()
        mine = [
            Mention(m.kind, m.original.slice(start, BLOCK), m.replacement.slice(start, BLOCK))
            for m in own
        ]
        notes, found = _search(block, mine)
        _write(block, notes, found, start, changes)
        written += block
    columns = (changes.rows, changes.starts, changes.ends, changes.kinds)
    arrays = [pa.array(values, kind) for values, kind in zip(columns, SPANS.types, strict=True)]
    table = pa.Table.from_arrays(arrays, schema=SPANS)
    return MaskedNotes(pa.array(written, texts.type), table, Counter(changes.kinds))


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
        cuts = needle.cuts(notes, words)
        yield _Places(needle.kind, notes.starts[words], lengths, rows, rows, needle.write, cuts)
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
    texts: list[str | None],
    notes: Squeezed,
    found: Sequence[_Places],
    first_row: int,
    changes: _Changes,
) -> None:
    """Change the texts in place, and add to the changes."""
    if not found:
        return
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
    cuts = [[] if places.cuts is None else places.cuts.ravel().tolist() for places in found]
    sizes = [0 if places.cuts is None else places.cuts.shape[1] for places in found]
    order -= np.cumsum([0, *(len(places.starts) for places in found)])[which]
    columns = (starts, starts + lengths, rows, people, which, begins, ends, order)
    done, row_now, at, new_at = -1, -1, 0, 0
    pieces: list[str] = []
    text, plain = "", True
    for start, stop, row, person, number, begin, end, hit in zip(
        *(column.tolist() for column in columns), strict=True
    ):
        if start < done:
            continue
        if row != row_now:
            if pieces:
                texts[row_now] = "".join([*pieces, text[at:]])
            row_now, pieces, at, new_at = row, [], 0, 0
            text = texts[row] or ""
            plain = text.isascii()
        if not plain:
            end = with_marks(text, end)
        places, size = found[number], sizes[number]
        mine = cuts[number][hit * size : (hit + 1) * size]
        new = places.write(Hit(text, begin, end, person, mine))
        if new is None:
            continue
        done = stop
        new_at += begin - at
        changes.rows.append(first_row + row)
        changes.starts.append(new_at)
        changes.ends.append(new_at + len(new))
        changes.kinds.append(places.kind)
        pieces += (text[at:begin], new)
        at, new_at = end, new_at + len(new)
    if pieces:
        texts[row_now] = "".join([*pieces, text[at:]])
