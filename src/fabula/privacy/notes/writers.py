"""What is written where notes mention somebody: new values in the case and signs of the old ones.

Most places are written as whole columns. Only those whose case or punctuation is not that of the
value are looked at one by one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Protocol, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.io.arrays import array_of, whole_texts
from fabula.privacy.folding import LOWER, UPPER
from fabula.privacy.squeezed import Counts, Squeezed

_NOTHING = pa.scalar(None, pa.large_string())


@dataclass(frozen=True, eq=False)
class Hits:
    """Places in notes, in the code points of their joined text, rising.

    Attributes:
        notes: The notes.
        begins: Where each place starts.
        ends: Where it ends.
        rows: The row of the person, or the number of what is written.
        cuts: Where each part but the last ends, and where the next one starts.
    """

    notes: Squeezed
    begins: Counts
    ends: Counts
    rows: Counts
    cuts: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.begins)

    @cached_property
    def spans(self) -> pa.Array:
        """What stands there."""
        return self.notes.slices(self.begins, self.ends)

    def differ(self, values: pa.Array) -> NDArray[np.bool_]:
        """Where something else than a value stands."""
        return flags(pc.fill_null(pc.not_equal(self.spans, values), True))

    def are(self, test: Callable[[str, int, int], bool]) -> NDArray[np.bool_]:
        """At which places a test of the joined text, the start and the end holds."""
        places = zip(self.begins.tolist(), self.ends.tolist(), strict=True)
        return np.array([test(self.notes.text, *place) for place in places], dtype=bool)


Writer: TypeAlias = Callable[[Hits], pa.Array]
"""What is written at each place; null where it is not a mention after all."""


class Column(Protocol):
    """Values by row."""

    def take(self, rows: Counts) -> pa.Array:
        """The values of some rows as large strings."""


class Texts:
    """A column, changed where values are taken.

    Args:
        values: The column.
        change: What is done to its values.
    """

    def __init__(
        self,
        values: pa.Array | pa.ChunkedArray,
        change: Callable[[pa.Array], pa.Array] = lambda values: values,
    ) -> None:
        self._values, self._change = whole_texts(values), change

    def take(self, rows: Counts) -> pa.Array:
        """The values of some rows."""
        return self._change(self._values.take(array_of(rows)))


def flags(values: pa.Array) -> NDArray[np.bool_]:
    """Truth values."""
    found: NDArray[np.bool_] = values.to_numpy(zero_copy_only=False)
    return found


def rewritten(
    spans: pa.Array,
    values: pa.Array,
    odd: NDArray[np.bool_],
    write: Callable[..., str | None],
    *others: pa.Array,
) -> pa.Array:
    """Values, and at odd places what `write` makes of a span, its value, and further columns."""
    if not odd.any():
        return values
    some = array_of(odd)
    columns = (each.filter(some).to_pylist() for each in (spans, values, *others))
    made = [None if row[1] is None else write(*row) for row in zip(*columns, strict=True)]
    return pc.replace_with_mask(values, some, pa.array(made, values.type))


def only_where(write: Writer, fits: Callable[[Hits], NDArray[np.bool_]]) -> Writer:
    """Write at the places that fit alone."""
    return lambda hits: pc.if_else(array_of(fits(hits)), write(hits), _NOTHING)


def written_whole(old: Column, new: Column) -> Writer:
    """Write the new value as one, in the case of the old."""

    def write(hits: Hits) -> pa.Array:
        values = new.take(hits.rows)
        odd = has_other_case(hits.notes, hits.begins, hits.ends, values)
        if odd.any():
            odd &= hits.differ(old.take(hits.rows))
        return rewritten(hits.spans, values, odd, like) if odd.any() else values

    return write


def written_parts(*news: Column) -> Writer:
    """Write new parts, and keep what stands between them."""

    def write(hits: Hits) -> pa.Array:
        notes, start, pieces = hits.notes, hits.begins, []
        joined = np.zeros(len(hits), bool)
        for at, new in enumerate(news):
            is_last = at + 1 == len(news)
            stop = hits.ends if is_last else notes.with_marks(hits.cuts[:, 2 * at])
            after = hits.ends if is_last else hits.cuts[:, 2 * at + 1]
            values = new.take(hits.rows)
            if not is_last:
                joined = after == stop
            if joined.any():
                values = rewritten(values, values, joined, lambda _, value: _joined(value))
            odd = has_other_case(notes, start, stop, values)
            if odd.any():
                values = rewritten(notes.slices(start, stop), values, odd, like)
            pieces.append(values)
            if not is_last:
                pieces.append(notes.slices(stop, after))
            start = after
        return pc.binary_join_element_wise(*pieces, pa.scalar("", pa.large_string()))

    return write


def written_poured(old: Column, new: Column) -> Writer:
    """Write the signs of the new value in the punctuation of the old one."""

    def write(hits: Hits) -> pa.Array:
        odd = hits.differ(old.take(hits.rows))
        return rewritten(hits.spans, new.take(hits.rows), odd, poured)

    return write


def has_other_case(
    notes: Squeezed, starts: Counts, ends: Counts, values: pa.Array
) -> NDArray[np.bool_]:
    """At which places values may have to change their case."""
    cases = notes.cases(starts, ends)
    plain = (cases == UPPER | LOWER) | ((cases == 0) & notes.is_ascii)
    shouted = pc.and_(pc.utf8_is_upper(values), pc.greater(pc.utf8_length(values), 1))
    found: NDArray[np.bool_] = ~plain | flags(pc.fill_null(shouted, False))
    return found


@lru_cache(maxsize=1 << 14)
def like(old: str, new: str) -> str:
    """The new word in the case of the old one.

    Examples:
        >>> like("BROWN", "Novak"), like("brown", "Novak"), like("Brown", "NOVAK")
        ('NOVAK', 'novak', 'Novak')
    """
    if old.isupper():
        return new.upper() if len(old) > 1 or len(new) == 1 else new
    if old.islower():
        return new.lower()
    return new.title() if new.isupper() and len(new) > 1 and old.istitle() else new


def _joined(name: str) -> str:
    """A name as a part of a user name."""
    return "".join(char for char in name if char.isalnum())


_AS_DIGITS = "oOlI"
"""Letters that people write for digits."""


def poured(old: str, new: str) -> str:
    """The letters and digits of a new value in the punctuation of the old one.

    A value of another length is written as it is; further digits at the front of the old one, as
    those of a country, stay.

    Examples:
        >>> poured("4242-4242", "12345678"), poured("AB 12", "xyz"), poured("0049 123", "+49789")
        ('1234-5678', 'xyz', '0049 789')
    """
    places = [at for at, char in enumerate(old) if char.isalnum()]
    signs = [char for char in new if char.isalnum()]
    numbers = all(map(str.isdigit, signs)) and all(
        old[at].isdigit() or old[at] in _AS_DIGITS for at in places
    )
    if len(places) != len(signs) and not numbers:
        return new
    chars = list(old)
    for at, sign in zip(reversed(places), reversed(signs), strict=False):
        chars[at] = sign.lower() if chars[at].islower() else sign
    return "".join(chars)
