"""The people whom the rows of a table tell of: made up, numbered, the same in all their columns.

A row has a person by its number, and everything about the person follows from that number, so that
a name and an e-mail of one row agree without being stored. Where real people come up in several
rows, invented ones do so as often.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.io.arrays import array_of
from fabula.streams import BLOCK_ROWS, stream
from fabula.words.people import People

Numbers = NDArray[np.int64]

ACCOUNTS = ("email", "username")
"""Fields that hold the person's number, so that no two people share one."""

_STREAM = "people of a synthesizer"
_ATTEMPTS = 24


@dataclass(frozen=True, eq=False)
class Crowd:
    """People that rows share, or have to themselves.

    Attributes:
        name: Tells this crowd's random streams from those of others.
        locales: Languages and countries of their names, such as `en` or `pt-br`.
        distinct: Fields, other than accounts, in which no two people of a block agree, as far as
            there are words.
        repeats: Rows of each real person that has several, the most frequent first.
        alone: Rows of the real people that have one row each.
    """

    name: str
    locales: tuple[str, ...] = ("en",)
    distinct: tuple[str, ...] = ()
    repeats: Numbers = field(default_factory=lambda: np.zeros(0, np.int64))
    alone: int = 1

    @classmethod
    def of(cls, name: str, values: pa.Array, **details: Any) -> Crowd:
        """The crowd that the values of one column tell apart."""
        rows = values.drop_null().value_counts().field("counts").to_numpy()
        repeats = np.sort(rows[rows > 1])[::-1].astype(np.int64)
        return cls(name, repeats=repeats, alone=int((rows == 1).sum()), **details)

    def people(self, rows: Numbers, seed: int) -> Numbers:
        """The number of each row's person: below `len(repeats)` for those with several rows."""
        if not len(self.repeats):
            return rows
        sums = np.cumsum(np.append(self.repeats, self.alone))
        u = np.empty(len(rows))
        for block, numbers, at in _blocks(rows):
            u[at] = self._stream(seed, "person", block).random(int(numbers.max()) + 1)[numbers]
        drawn = np.searchsorted(sums, u * sums[-1], "right").astype(np.int64)
        return np.where(drawn < len(self.repeats), drawn, len(self.repeats) + rows)

    def fields(self, names: tuple[str, ...], rows: Numbers, seed: int) -> list[pa.Array]:
        """Some fields of each row's person, an array of strings for each."""
        people, index = np.unique(self.people(rows, seed), return_inverse=True)
        known = np.arange(len(self.repeats), dtype=np.int64)
        whole = np.concatenate([known, people[people >= len(known)]])
        attempts = self._attempts(whole, seed)
        place = np.searchsorted(whole, people)[index]
        return [self._field(name, whole, attempts, seed).take(array_of(place)) for name in names]

    def _attempts(self, people: Numbers, seed: int) -> Numbers:
        """How often each person is drawn again so that no two agree; earlier ones stay."""
        attempts = np.zeros(len(people), np.int64)
        values = {name: self._drawn(name, people, seed, 0) for name in self.distinct}
        for attempt in range(1, _ATTEMPTS):
            again = np.zeros(len(people), bool)
            for each in values.values():
                again |= _repeated(each)
            if not again.any():
                break
            attempts[again] = attempt
            for name, each in values.items():
                drawn = self._drawn(name, people[again], seed, attempt)
                values[name] = pc.replace_with_mask(each, array_of(again), drawn)
        return attempts

    def _field(self, name: str, people: Numbers, attempts: Numbers, seed: int) -> pa.Array:
        values = self._drawn(name, people, seed, 0)
        for attempt in np.unique(attempts[attempts > 0]).tolist():
            rows = np.flatnonzero(attempts == attempt)
            again = self._drawn(name, people[rows], seed, attempt)
            values = pc.replace_with_mask(values, array_of(attempts == attempt), again)
        return values

    def _drawn(self, name: str, people: Numbers, seed: int, attempt: int) -> pa.Array:
        """A field of some people, drawn with all of their block up to the last of them."""
        drawn = People(self.locales)
        pieces, places = [], []
        for block, numbers, rows in _blocks(people):
            size = int(numbers.max()) + 1
            open_stream = partial(self._stream, seed, block=block, attempt=attempt)
            if name in ACCOUNTS:
                whole = block * BLOCK_ROWS + np.arange(size)
                account = cast(Literal["email", "username"], name)
                made = drawn.draw_unique(open_stream, whole, account)
            else:
                made = drawn.draw(open_stream, size, [name])[name]
            pieces.append(made.take(array_of(numbers)))
            places.append(rows)
        if not pieces:
            return pa.array([], pa.string())
        return pa.concat_arrays(pieces).take(array_of(np.argsort(np.concatenate(places))))

    def _stream(self, seed: int, purpose: str, block: int, attempt: int = 0) -> np.random.Generator:
        return stream(seed, f"{_STREAM} {self.name}", purpose, block, attempt=attempt)

    def state(self) -> tuple[dict[str, Any], Mapping[str, Numbers]]:
        """The crowd as plain values."""
        settings = {
            "crowd": self.name,
            "locales": self.locales,
            "distinct": self.distinct,
            "alone": self.alone,
        }
        return settings, {"repeats": self.repeats}

    @classmethod
    def restore(cls, settings: Mapping[str, Any], arrays: Mapping[str, Any]) -> Crowd:
        """The crowd of a state."""
        return cls(
            settings["crowd"],
            tuple(settings["locales"]),
            tuple(settings["distinct"]),
            arrays["repeats"],
            settings["alone"],
        )


def _blocks(numbers: Numbers) -> Iterator[tuple[int, Numbers, Numbers]]:
    """Blocks that hold some numbers: the block, the places in it, and where the numbers stand."""
    block, place = np.divmod(numbers, BLOCK_ROWS)
    for each in np.unique(block).tolist():
        rows = np.flatnonzero(block == each)
        yield each, place[rows], rows


def _repeated(values: pa.Array) -> NDArray[np.bool_]:
    """Which values stand in an earlier place, too."""
    codes = values.dictionary_encode().indices.to_numpy(zero_copy_only=False)
    first = np.unique(codes, return_index=True)[1]
    repeated = np.ones(len(codes), bool)
    repeated[first] = False
    return repeated
