"""Notes with their places written: no letter twice, and nothing else changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.io.arrays import array_of
from fabula.privacy.files.splice import pieces, spliced
from fabula.privacy.notes.changes import SPANS
from fabula.privacy.notes.writers import Hits, Writer, flags
from fabula.privacy.squeezed import Counts, Squeezed


@dataclass(frozen=True, eq=False)
class Places:
    """Where notes are to change, in the stream of letters and digits.

    Attributes:
        kind: What stands there.
        starts: Where each place starts.
        lengths: How many letters and digits it has.
        people: Whom it tells of, as `write` counts them.
        write: Writes what takes its place.
        cuts: Where its parts end and start, in code points of the joined notes.
    """

    kind: str
    starts: Counts
    lengths: Counts
    people: Counts
    write: Writer
    cuts: NDArray[np.int64] | None = None

    def hits(self, notes: Squeezed, some: Counts | slice = slice(None)) -> Hits:
        """Some of the places in the joined notes."""
        starts = self.starts[some]
        begins = notes.places[starts]
        ends = notes.with_marks(notes.places[starts + self.lengths[some] - 1] + 1)
        if self.kind == "phone":
            begins = _with_signs(notes, begins, ends)
        cuts = np.zeros((len(starts), 0), np.int64) if self.cuts is None else self.cuts[some]
        return Hits(notes, begins, ends, self.people[some], cuts)


def with_signs(text: str, begin: int, end: int) -> int:
    """The start of a phone number with the signs before its digits: `+49`, `(030) 12`."""
    while begin and (
        text[begin - 1] == "+"
        or (text[begin - 1] == "(" and text.count(")", begin, end) > text.count("(", begin, end))
    ):
        begin -= 1
    return begin


def written(notes: Squeezed, found: Sequence[Places]) -> tuple[pa.Array, pa.Table]:
    """The notes with their places written, and where they are now, as `SPANS`.

    The longest run at a place wins, and of equal ones the first.
    """
    rows = notes.row_places
    if not found:
        return pieces(notes.utf8, notes.in_bytes(rows[:-1]), notes.in_bytes(rows[1:]) - 1), \
            SPANS.empty_table()  # fmt: skip
    at, begins, ends, new = _settled(notes, found)
    which = np.repeat(np.arange(len(found)), [len(places.starts) for places in found])[at]
    places = notes.in_bytes(begins), notes.in_bytes(ends)
    sizes = _lengths(pc.binary_length(new)) - (places[1] - places[0])
    data = spliced(notes.utf8, *places, [new.cast(pa.large_binary())])
    before = np.concatenate([[0], np.cumsum(sizes)])
    bounds = notes.in_bytes(rows) + before[np.searchsorted(begins, rows)]
    texts = pieces(data, bounds[:-1], bounds[1:] - 1)
    lengths = _lengths(pc.utf8_length(new))
    row = np.searchsorted(rows, begins, side="right") - 1
    moved = np.concatenate([[0], np.cumsum(lengths - (ends - begins))])
    starts = begins - rows[row] + moved[:-1] - moved[np.searchsorted(row, row)]
    kinds = pa.array([places.kind for places in found]).take(array_of(which))
    columns = [*map(array_of, (row, starts, starts + lengths)), kinds]
    arrays = [each.cast(kind) for each, kind in zip(columns, SPANS.types, strict=True)]
    return texts, pa.Table.from_arrays(arrays, schema=SPANS)


def _lengths(values: pa.Array) -> Counts:
    return np.asarray(values.to_numpy(), np.int64)


def _settled(notes: Squeezed, found: Sequence[Places]) -> tuple[Counts, Counts, Counts, pa.Array]:
    """Which of all places are written, where each begins and ends, and what is written there."""
    starts = np.concatenate([places.starts for places in found])
    stops = starts + np.concatenate([places.lengths for places in found])
    which = np.repeat(np.arange(len(found)), [len(places.starts) for places in found])
    begins, ends = np.empty_like(starts), np.empty_like(starts)
    firsts = np.cumsum([0, *(len(places.starts) for places in found)])

    def made(some: Counts) -> pa.Array:
        """What is written at places that don't overlap."""
        by_kind = some[np.argsort(which[some], kind="stable")]
        parts = [pa.array([], pa.large_string())]
        bounds = np.searchsorted(which[by_kind], np.arange(len(found) + 1)).tolist()
        for number, places in enumerate(found):
            mine = by_kind[bounds[number] : bounds[number + 1]]
            if not len(mine):
                continue
            hits = places.hits(notes, mine - firsts[number])
            begins[mine], ends[mine] = hits.begins, hits.ends
            parts.append(places.write(hits))
        back = np.empty(len(some), np.int64)
        back[np.argsort(which[some], kind="stable")] = np.arange(len(some))
        return pa.concat_arrays(parts).take(array_of(back))

    kept, news = [np.zeros(0, np.int64)], [pa.array([], pa.large_string())]
    open_ = np.lexsort((which, starts - stops, starts))
    while len(open_):
        so_far = np.maximum.accumulate(stops[open_])
        leads = np.append(True, starts[open_][1:] >= so_far[:-1])
        some = open_[leads]
        new = made(some)
        is_written = flags(new.is_valid())
        kept.append(some[is_written])
        news.append(new.drop_null())
        done = np.where(is_written, stops[some], 0)[np.cumsum(leads) - 1]
        open_ = open_[~leads & (starts[open_] >= done)]
    at = np.concatenate(kept)
    order = np.argsort(starts[at])
    at = at[order]
    return at, begins[at], ends[at], pa.concat_arrays(news).take(array_of(order))


def _with_signs(notes: Squeezed, begins: Counts, ends: Counts) -> Counts:
    signed = (begins > 0) & np.isin(notes.raw[begins - 1], (ord("+"), ord("(")))
    found = begins.copy()
    found[signed] = [
        with_signs(notes.text, begin, end)
        for begin, end in zip(begins[signed].tolist(), ends[signed].tolist(), strict=True)
    ]
    return found
