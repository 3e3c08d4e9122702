"""Notes without the people they are about: own mentions, other people's identifiers, patterns.

Layers look at the original text and touch no place twice: the longest run at a place wins, and
what an earlier layer wrote stays. Only those places change.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fabula.errors import UsageError
from fabula.privacy.notes.changes import SPANS, Changes, Inventor, tags, write_third_parties
from fabula.privacy.notes.details import NAMES, detail_needles, phones
from fabula.privacy.notes.detectors import Detector
from fabula.privacy.notes.everyone import Everyone
from fabula.privacy.notes.names import misspelt, name_needles, person_names
from fabula.privacy.notes.needles import (
    FirstLetters,
    Hit,
    Mention,
    Writer,
    with_marks,
    with_signs,
    written_whole,
)
from fabula.privacy.notes.nicknames import nicknames
from fabula.privacy.notes.patterns import find_patterns
from fabula.privacy.notes.spoken import spoken_numbers
from fabula.privacy.squeezed import Counts, Squeezed

BLOCK = 4096
"""Notes that are searched at once: what fits into the caches of a processor."""


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
class Places:
    """Where notes are to change, in the stream of letters and digits."""

    kind: str
    starts: Counts
    lengths: Counts
    rows: Counts
    people: Counts
    write: Writer
    cuts: NDArray[np.int64] | None = None


def mask_notes(
    texts: pa.Array | pa.ChunkedArray,
    own: Sequence[Mention],
    everyone: Everyone | None = None,
    detector: Detector | None = None,
    invent: Inventor = tags,
) -> MaskedNotes:
    """Replace what notes say about people.

    Args:
        texts: The notes, one per row; null where a row has none.
        own: What is known about each row's person, old and new.
        everyone: The identifiers of all people of the data set.
        detector: What finds third parties. It sees the texts after everything else is replaced.
        invent: Writes values for details that belong to nobody known, by kind; by default a tag
            such as `[phone]`.

    Raises:
        UsageError: A mention has another number of rows, or the detector gives wrong places.

    Examples:
        >>> ann, bea = pa.array(["Ann"]), pa.array(["Bea"])
        >>> mask_notes(pa.array(["ANN's mail"]), [Mention("first_name", ann, bea)]).texts[0].as_py()
        "BEA's mail"
    """
    _check_rows(texts, own)
    if isinstance(texts, pa.ChunkedArray):
        texts = texts.combine_chunks()
    written: list[str | None] = []
    changes = Changes()
    for start in range(0, len(texts), BLOCK):
        block = texts.slice(start, BLOCK).to_pylist()
        mine = [
            Mention(m.kind, m.original.slice(start, BLOCK), m.replacement.slice(start, BLOCK))
            for m in own
        ]
        notes = Squeezed.of([text or "" for text in block])
        found = [] if not len(notes.codes) else _search(notes, block, mine, everyone, invent)
        _write(block, notes, found, start, changes)
        written += block
    if detector is not None:
        changes = write_third_parties(written, changes, detector, invent)
    columns = (changes.rows, changes.starts, changes.ends, changes.kinds)
    arrays = [pa.array(values, kind) for values, kind in zip(columns, SPANS.types, strict=True)]
    table = pa.Table.from_arrays(arrays, schema=SPANS)
    return MaskedNotes(pa.array(written, texts.type), table, Counter(changes.kinds))


def _check_rows(texts: pa.Array | pa.ChunkedArray, own: Sequence[Mention]) -> None:
    for mention in own:
        for values in (mention.original, mention.replacement):
            if len(values) != len(texts):
                raise UsageError(
                    f"`{mention.kind}` has {len(values):,} rows, and the notes have {len(texts):,}",
                    code="notes.rows",
                    hint="give one value for each note, null where there is none",
                )


def _search(
    notes: Squeezed,
    texts: Sequence[str | None],
    own: Sequence[Mention],
    everyone: Everyone | None,
    invent: Inventor,
) -> list[Places]:
    """All places; the row's own person comes first where places are the same."""
    found = list(own_places(notes, own))
    if everyone is not None:
        for kind, starts, lengths, write in everyone.find(notes):
            found.append(_others(notes, kind, starts, lengths, write))
    taken = np.zeros(len(notes.codes) + 1, dtype=np.int64)
    for places in found:
        if places.kind not in ("first_name", "last_name"):
            np.add.at(taken, places.starts, 1)
            np.add.at(taken, places.starts + places.lengths, -1)
    is_free = np.cumsum(taken[:-1]) == 0
    busy = np.concatenate([[0], np.cumsum(~is_free)])
    by_kind: dict[str, list[tuple[int, int, str]]] = {}
    for row, span in find_patterns(notes, texts, is_free):
        offset = notes.row_places[row]
        start, end = np.searchsorted(
            notes.places, (offset + span.start, offset + span.end)
        ).tolist()
        if busy[start] == busy[end] and start < end:
            text, last = texts[row] or "", int(notes.places[end - 1] - offset) + 1
            begin = int(notes.places[start] - offset)
            begin = with_signs(text, begin, last) if span.kind == "phone" else begin
            by_kind.setdefault(span.kind, []).append((start, end - start, text[begin:last]))
    known = everyone.phones if everyone is not None else lambda tails: [None] * len(tails)
    spoken = list(spoken_numbers(notes, own, known, invent))
    for kind in dict.fromkeys(number.kind for number in spoken):
        mine = [number for number in spoken if number.kind == kind]
        starts, lengths = (np.array([each[at] for each in mine], np.int64) for at in (1, 2))
        found.append(_others(notes, kind, starts, lengths, _given([each.new for each in mine])))
    for kind, hits in by_kind.items():
        starts, lengths = (np.array([hit[at] for hit in hits], np.int64) for at in (0, 1))
        write = _given(invent(kind, [hit[2] for hit in hits]))
        found.append(_others(notes, kind, starts, lengths, write))
    return [places for places in found if len(places.starts)]


def _others(notes: Squeezed, kind: str, starts: Counts, lengths: Counts, write: Writer) -> Places:
    """Places that mention someone else than the row's person; `write` gets their numbers."""
    rows = notes.row_of(starts)
    return Places(kind, starts, lengths, rows, np.arange(len(starts)), write)


def _given(values: Sequence[str]) -> Writer:
    return lambda hit: values[hit.row]


def own_places(notes: Squeezed, own: Sequence[Mention]) -> Iterator[Places]:
    """Where notes mention the person of their row."""
    by_first = FirstLetters(notes)
    names = person_names(own)
    named = np.zeros(len(notes.starts), dtype=bool)
    for needle in (*name_needles(names), *detail_needles(notes, own)):
        words = needle.words(notes, by_first)
        rows = notes.rows[words]
        lengths = needle.runs.lengths[rows]
        cuts = needle.cuts(notes, words)
        yield Places(needle.kind, notes.starts[words], lengths, rows, rows, needle.write, cuts)
        if needle.kind in NAMES:
            named[words] = True
    for each in names:
        if each.kind == "first_name":
            words = nicknames(notes, each.squeezed, np.flatnonzero(named))
            rows, sizes = notes.rows[words], (notes.word_ends - notes.starts)[words]
            write = written_whole(*each.texts)
            yield Places(each.kind, notes.starts[words], sizes, rows, rows, write)
        words, lengths, write = misspelt(notes, each, named)
        rows = notes.rows[words]
        yield Places(each.kind, notes.starts[words], lengths, rows, rows, write)
    for mention in own:
        if mention.kind == "phone":
            starts, lengths, rows, write = phones(notes, mention)
            yield Places("phone", starts, lengths, rows, rows, write)


def _write(
    texts: list[str | None],
    notes: Squeezed,
    found: Sequence[Places],
    first_row: int,
    changes: Changes,
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
    for start, stop, row, person, number, first, last, hit in zip(
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
        end = last if plain else with_marks(text, last)
        places, size = found[number], sizes[number]
        begin = max(at, with_signs(text, first, end)) if places.kind == "phone" else first
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
