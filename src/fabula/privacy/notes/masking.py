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
import pyarrow.compute as pc

from fabula.errors import UsageError
from fabula.privacy.notes.changes import SPANS, Inventor, tags, write_third_parties
from fabula.privacy.notes.details import NAMES, detail_needles, phones
from fabula.privacy.notes.detectors import Detector
from fabula.privacy.notes.everyone import Everyone
from fabula.privacy.notes.names import misspelt, name_needles, person_names
from fabula.privacy.notes.needles import FirstLetters, Mention
from fabula.privacy.notes.nicknames import nicknames
from fabula.privacy.notes.patterns import find_patterns
from fabula.privacy.notes.spoken import spoken_numbers
from fabula.privacy.notes.writers import Texts, Writer, written_whole
from fabula.privacy.notes.writing import Places, with_signs, written
from fabula.privacy.squeezed import Counts, Squeezed

BLOCK = 8192
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
    made, spans = [pa.array([], pa.large_string())], [SPANS.empty_table()]
    for start in range(0, len(texts), BLOCK):
        mine = [
            Mention(m.kind, m.original.slice(start, BLOCK), m.replacement.slice(start, BLOCK))
            for m in own
        ]
        notes = Squeezed.of(texts.slice(start, BLOCK))
        found = [] if not len(notes.codes) else _search(notes, mine, everyone, invent)
        block, places = written(notes, found)
        made.append(block.cast(pa.large_string()))
        spans.append(places.set_column(0, SPANS[0], pc.add(places.column("row"), start)))
    new = pa.concat_arrays(made)
    if texts.null_count:
        new = pc.if_else(texts.is_valid(), new, pa.scalar(None, new.type))
    table = pa.concat_tables(spans)
    if detector is not None:
        new, table = write_third_parties(new, table, detector, invent)
    counts = Counter(table.column("kind").to_pylist())
    return MaskedNotes(new.cast(texts.type), table, counts)


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
    own: Sequence[Mention],
    everyone: Everyone | None,
    invent: Inventor,
) -> list[Places]:
    """All places; the row's own person comes first where places are the same."""
    found = list(own_places(notes, own))
    if everyone is not None:
        found += [_others(*each) for each in everyone.find(notes)]
    taken = np.zeros(len(notes.starts) + 1, dtype=np.int64)
    for places in found:
        if places.kind not in ("first_name", "last_name"):
            first, after = notes.words_at(places.starts, places.starts + places.lengths)
            np.add.at(taken, first, 1)
            np.add.at(taken, after, -1)
    is_free = np.cumsum(taken[:-1]) == 0
    busy = np.concatenate([[0], np.cumsum(~is_free)])
    by_kind: dict[str, list[tuple[int, int, str]]] = {}
    for row, span in find_patterns(notes, is_free):
        offset = int(notes.row_places[row])
        start, end = np.searchsorted(notes.places, (offset + span.start, offset + span.end))
        first, after = notes.words_at(start, end)
        if busy[first] == busy[after] and start < end:
            begin, last = int(notes.places[start]), int(notes.places[end - 1]) + 1
            begin = with_signs(notes.text, begin, last) if span.kind == "phone" else begin
            by_kind.setdefault(span.kind, []).append((start, end - start, notes.text[begin:last]))
    known = everyone.phones if everyone is not None else lambda tails: [None] * len(tails)
    spoken = list(spoken_numbers(notes, own, known, invent))
    for kind in dict.fromkeys(number.kind for number in spoken):
        mine = [number for number in spoken if number.kind == kind]
        starts, lengths = (np.array([each[at] for each in mine], np.int64) for at in (1, 2))
        found.append(_others(kind, starts, lengths, _given([each.new for each in mine])))
    for kind, hits in by_kind.items():
        starts, lengths = (np.array([hit[at] for hit in hits], np.int64) for at in (0, 1))
        write = _given(invent(kind, [hit[2] for hit in hits]))
        found.append(_others(kind, starts, lengths, write))
    return [places for places in found if len(places.starts)]


def _others(kind: str, starts: Counts, lengths: Counts, write: Writer) -> Places:
    """Places that mention somebody else than the row's person; `write` gets their numbers."""
    return Places(kind, starts, lengths, np.arange(len(starts)), write)


def _given(values: Sequence[str]) -> Writer:
    column = Texts(pa.array(values, pa.large_string()))
    return lambda hits: column.take(hits.rows)


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
        yield Places(needle.kind, notes.starts[words], lengths, rows, needle.write, cuts)
        if needle.kind in NAMES:
            named[words] = True
    for each in names:
        if each.kind == "first_name":
            words = nicknames(notes, each.squeezed, np.flatnonzero(named))
            rows, sizes = notes.rows[words], (notes.word_ends - notes.starts)[words]
            write = written_whole(*each.texts)
            yield Places(each.kind, notes.starts[words], sizes, rows, write)
        words, lengths, write = misspelt(notes, each, named)
        rows = notes.rows[words]
        yield Places(each.kind, notes.starts[words], lengths, rows, write)
    for mention in own:
        if mention.kind == "phone":
            starts, lengths, rows, write = phones(notes, mention)
            yield Places("phone", starts, lengths, rows, write)
