"""Random bits of people, a stream for each attribute, and how bits become words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

OpenStream: TypeAlias = Callable[[str], np.random.Generator]
"""Opens the stream of an attribute, such as `first_name`; the same name, the same stream."""
Index: TypeAlias = NDArray[np.integer]

Word = TypeVar("Word")

SLOTS = 2**16
"""Values of the bits that decide a word."""


class Draws:
    """The random bits of one block of rows.

    Each attribute takes a fixed number of bits a row from its own stream, so a field is the
    same whichever other fields are asked for, in the same call or in another.

    Args:
        open_stream: Opens the stream of an attribute.
        n: Rows.
        sexes: 0 (female), 1 (male) or -1 (open) for each row, if that is decided elsewhere.
        homes: The place of each row's locale among several, or -1, if that is decided.
    """

    def __init__(
        self,
        open_stream: OpenStream,
        n: int,
        sexes: Index | None = None,
        homes: Index | None = None,
    ) -> None:
        self.open_stream = open_stream
        self.n = n
        self._sexes = sexes
        self._homes = homes
        self._slots: dict[str, NDArray[np.uint16]] = {}
        self.words: dict[object, Index] = {}
        """The words that were drawn already, by what drew them."""

    def slots(self, attribute: str) -> NDArray[np.uint16]:
        """A number below 65,536 for each row, for a table of frequencies."""
        if attribute not in self._slots:
            stream = self.open_stream(attribute)
            self._slots[attribute] = stream.integers(0, SLOTS, self.n, dtype=np.uint16)
        return self._slots[attribute]

    def uniform(self, attribute: str, count: int) -> NDArray[np.int32]:
        """A number below `count` for each row."""
        bits = self.open_stream(attribute).integers(0, 2**32, self.n, dtype=np.uint32)
        return ((bits.astype(np.uint64) * np.uint64(count)) >> np.uint64(32)).astype(np.int32)

    def sex(self) -> Index:
        """0 for female, 1 for male."""
        drawn = self.slots("sex") & 1
        return drawn if self._sexes is None else np.where(self._sexes < 0, drawn, self._sexes)

    def home(self, count: int) -> Index:
        """The place of each row's locale among `count` of them."""
        drawn = self.uniform("locale", count)
        return drawn if self._homes is None else np.where(self._homes < 0, drawn, self._homes)


class BySex(Generic[Word]):
    """Words for women and for men as one dictionary, drawn by frequency.

    Args:
        words: The women's words and the men's, each commonest first.
        attribute: The stream that decides.
        shift: How even the frequencies are; see `frequency_table`.
        rare: Numbers of women's and men's common words, and the share of all others; None where
            the frequencies alone decide.
    """

    def __init__(
        self,
        words: tuple[Sequence[Word], Sequence[Word]],
        attribute: str,
        shift: float,
        rare: tuple[int, int, float] | None = None,
    ) -> None:
        female, male = words
        start = 0 if female == male else len(female)
        self.words = [*female, *(male if start else ())]
        self._attribute = attribute
        limits: list[tuple[int, float] | None] = (
            [None, None] if rare is None else [(count, rare[2]) for count in rare[:2]]
        )
        tables = [
            frequency_table(len(female), shift, limits[0]),
            start + frequency_table(len(male), shift, limits[1]),
        ]
        self._tables = tables if start else tables[:1]

    def index(self, draws: Draws) -> Index:
        """The position in `words` of each row's word."""
        if self not in draws.words:
            drawn = [table[draws.slots(self._attribute)] for table in self._tables]
            draws.words[self] = drawn[0] if len(drawn) == 1 else np.where(draws.sex(), *drawn[::-1])
        return draws.words[self]


def frequency_table(
    count: int, shift: float, rare: tuple[int, float] | None = None
) -> NDArray[np.int32]:
    """The rank, from 0, for each of 65,536 equally likely slots.

    Rank r, from 1, weighs (r + shift)^-1.5: a Zipf-Mandelbrot law, for the data tell the order of
    names but not how common each is. A shift of 20 gives the 35 commonest of 2,000 given names
    44 % of all rows; a shift of 2 makes one Korean in six a Kim. Words rarer than one in 65,536
    may be left out. `rare` gives all words after some first ones a share of their own.
    """
    rank = np.arange(1, count + 1) + shift
    # Multiplication and square root are exact to the last bit everywhere; `power` is not.
    weight = 1.0 / (rank * np.sqrt(rank))
    if rare is not None and 0 < rare[0] < count:
        common, others = np.split(weight, [rare[0]])
        scale = rare[1] / (1 - rare[1]) * np.cumsum(common)[-1] / np.cumsum(others)[-1]
        weight = np.concatenate([common, others * scale])
    share = np.cumsum(weight)
    middles = (np.arange(SLOTS) + 0.5) / SLOTS
    return np.searchsorted(share / share[-1], middles).astype(np.int32)
