"""The people whom the rows of a table are about: made up, numbered, the same in all their columns.

A row has a person by its number, and everything about the person follows from that number, so that
a name and an e-mail of one row agree without being stored. Where real people come up in several
rows, invented ones do so as often.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache, partial
from typing import Any, Literal, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.fakers.locales import Locale, Name, load_locale, with_names
from fabula.fakers.people import People
from fabula.io.arrays import array_of
from fabula.streams import BLOCK_ROWS, stream
from fabula.synthesizers.pii.districts import Districts, abroad_elsewhere, neighbours
from fabula.synthesizers.pii.sieve import Sieve

Numbers = NDArray[np.int64]

ACCOUNTS = ("email", "username")
"""Fields that hold the person's number, so that no two people share one."""

_STREAM = "people of a synthesizer"
_SIEVE = "sieve "
_ATTEMPTS, _ATTEMPTS_TO_DIFFER = 200, 24
"""Where words are few, people share a name rather than have a real one."""

SINGLE = ("first_name", "last_name")
"""Fields whose real words are taken off the lists that new ones are drawn from."""

_PARTS = (
    ("company",),
    ("street", "address", "city", "state", "postcode"),
)
"""Fields that are drawn again together; all others are those of the name."""

CHANCE = 0.05
"""Where fewer rows than this share have the value of another one, names agree by chance."""

MOST_COMPARED = 2 * BLOCK_ROWS
"""People whose words are compared so that they differ; among more there are too few words."""


@dataclass(frozen=True, eq=False)
class Settled:
    """Whom some rows are about.

    Attributes:
        people: The person of each row.
        sexes: 0, 1 or -1 for each person with several rows.
        homes: The place of the locale of each of these, or -1.
        districts: The district of each of these, or -1.
    """

    people: Numbers
    sexes: Numbers
    homes: Numbers
    districts: Numbers


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
        sieves: What keeps a field from meeting real values: those of `SINGLE` shorten the lists,
            the others have values drawn again.
        first_number: The number that ends the account of the first person, so that no account is
            a real one.
        place: The field that identifies a person's country, where the rows do.
        abroad: How many countries without a locale have places of their own, all that are not
            told apart as one; 0 where every row has a locale.
        districts: The labels that follow from a person's town, if there are any.
    """

    name: str
    locales: tuple[str, ...] = ("en",)
    distinct: tuple[str, ...] = ()
    repeats: Numbers = field(default_factory=lambda: np.zeros(0, np.int64))
    alone: int = 1
    sieves: Mapping[str, Sieve] = field(default_factory=dict)
    first_number: int = 0
    place: str = ""
    abroad: int = 0
    districts: Districts | None = None

    @classmethod
    def of(cls, name: str, values: pa.Array, **details: Any) -> Crowd:
        """The crowd that the values of one column tell apart."""
        rows = values.drop_null().value_counts().field("counts").to_numpy()
        repeats = np.sort(rows[rows > 1])[::-1].astype(np.int64)
        if repeats.sum() < CHANCE * rows.sum():
            repeats = repeats[:0]
        return cls(name, repeats=repeats, alone=int((rows == 1).sum()), **details)

    def people(self, rows: Numbers, seed: int, sexes: Numbers | None = None) -> Numbers:
        """The number of each row's person: below `len(repeats)` for those with several rows.

        Where sexes are decided, such women have even numbers and men odd ones.
        """
        if not len(self.repeats):
            return rows
        sums = np.cumsum(np.append(self.repeats, self.alone))
        drawn = np.searchsorted(sums, self.uniform(rows, seed) * sums[-1], "right").astype(np.int64)
        if sexes is not None:  # the neighbour, of whom there are about as many rows
            wrong = (sexes >= 0) & (drawn % 2 != sexes) & (drawn ^ 1 < len(self.repeats))
            drawn = np.where(wrong & (drawn < len(self.repeats)), drawn ^ 1, drawn)
        return np.where(drawn < len(self.repeats), drawn, len(self.repeats) + rows)

    def uniform(self, rows: Numbers, seed: int) -> NDArray[np.float64]:
        """The number from 0 to 1 that decides each row's person."""
        u = np.empty(len(rows))
        for block, numbers, at in _blocks(rows):
            u[at] = self.stream(seed, "person", block).random(int(numbers.max()) + 1)[numbers]
        return u

    def fields(
        self,
        names: tuple[str, ...],
        rows: Numbers,
        seed: int,
        *,
        sexes: Numbers | None = None,
        homes: Numbers | None = None,
        districts: Numbers | None = None,
        settled: Settled | None = None,
    ) -> list[pa.Array]:
        """Some fields of each row's person, an array of strings for each.

        Args:
            names: The fields.
            rows: The numbers of the rows.
            seed: The sample's seed.
            sexes: 0 (female), 1 (male) or -1 (open) for each row, if anything is decided.
            homes: The place of each row's locale, -1 where it is open, or `ABROAD`, likewise.
            districts: The district of each row, or -1, likewise.
            settled: The rows' people, where they are decided; those of several rows else have
                sexes by turns, and any home.
        """
        several = np.arange(len(self.repeats), dtype=np.int64)
        open_ = np.full_like(several, -1)
        settled = settled or Settled(self.people(rows, seed, sexes), several % 2, open_, open_)
        people, first, index = np.unique(settled.people, return_index=True, return_inverse=True)
        known = several if self.distinct else several[:0]
        whole = np.concatenate([known, people[people >= len(known)]])
        alone = first[people >= len(several)]
        both = ((sexes, settled.sexes), (homes, settled.homes), (districts, settled.districts))
        decided = (
            None if own is None
            else np.concatenate([theirs[whole[whole < len(several)]], own[alone]])
            for own, theirs in both
        )  # fmt: skip
        group = _Group(self, whole, seed, *decided)
        place = array_of(np.searchsorted(whole, people)[index])
        return [group.field(name).take(place) for name in names]

    @cached_property
    def residents(self) -> People:
        """Whose first and last names are not those of real people."""
        single = [(name, self.sieves[name]) for name in SINGLE if name in self.sieves]
        return _residents(
            self.locales, tuple((name, sieve.marked.tobytes()) for name, sieve in single)
        )

    def stream(self, seed: int, purpose: str, block: int, attempt: int = 0) -> np.random.Generator:
        """The random stream of one purpose."""
        return stream(seed, f"{_STREAM} {self.name}", purpose, block, attempt=attempt)

    def state(self) -> tuple[dict[str, Any], Mapping[str, NDArray[Any]]]:
        """The crowd as plain values."""
        settings = {
            "crowd": self.name,
            "locales": self.locales,
            "distinct": self.distinct,
            "alone": self.alone,
            "first_number": self.first_number,
            "place": self.place,
            "abroad": self.abroad,
            "districts": None if self.districts is None else self.districts.state(),
        }
        sieves = {f"{_SIEVE}{name}": sieve.marked for name, sieve in self.sieves.items()}
        arrays: dict[str, NDArray[Any]] = {"repeats": self.repeats, **sieves}
        return settings, arrays

    @classmethod
    def restore(cls, settings: Mapping[str, Any], arrays: Mapping[str, Any]) -> Crowd:
        """The crowd of a state."""
        return cls(
            settings["crowd"],
            tuple(settings["locales"]),
            tuple(settings["distinct"]),
            arrays["repeats"],
            settings["alone"],
            {
                name.removeprefix(_SIEVE): Sieve(marked, words=True)
                for name, marked in arrays.items()
                if name.startswith(_SIEVE)
            },
            settings.get("first_number", 0),
            settings.get("place", ""),
            settings.get("abroad", 0),
            Districts.restore(settings.get("districts")),
        )


@dataclass(frozen=True, eq=False)
class _Group:
    """Some people of a crowd.

    Attributes:
        crowd: The crowd.
        people: Their numbers, rising.
        seed: The sample's seed.
        sexes: 0, 1 or -1 for each; None where nothing is decided.
        homes: The place of the locale of each, -1 or `ABROAD`; None where nothing is decided.
        districts: The district of each, or -1; None where nothing is decided.
    """

    crowd: Crowd
    people: Numbers
    seed: int
    sexes: Numbers | None
    homes: Numbers | None = None
    districts: Numbers | None = None

    def field(self, name: str) -> pa.Array:
        """A field of each."""
        attempts, who = self._attempts(_part(name))
        values = self._drawn(name, np.arange(len(self.people)), 0)
        for attempt in np.unique(attempts[attempts > 0]).tolist():
            again = attempts == attempt
            drawn = self._drawn(name, np.flatnonzero(again), attempt)
            values = pc.replace_with_mask(values, array_of(again), drawn)
        return values if name == "street" else values.take(array_of(who))

    def _attempts(self, part: int) -> tuple[Numbers, Numbers]:
        """How often a part of each is drawn again, and whose part each has.

        No two agree, and no value is a real one. Earlier ones of two that agree stay. Whoever finds
        no place in their country has that of another person there.
        """
        few = len(self.people) <= MOST_COMPARED
        compared = [name for name in self.crowd.distinct if few and _part(name) == part]
        sieves = {name: sieve for name, sieve in self.crowd.sieves.items()
                  if _part(name) == part and name not in SINGLE}  # fmt: skip
        attempts = np.zeros(len(self.people), np.int64)
        all_of_them = np.arange(len(self.people))
        place = self.crowd.place
        decided = [own for own in (self.homes, self.districts) if own is not None]
        placed = [place] * bool(place and decided and _part(place) == part)
        values = {name: self._drawn(name, all_of_them, 0) for name in {*compared, *sieves, *placed}}
        stopped = {name: sieve.stops(values[name]) for name, sieve in sieves.items()}
        for attempt in range(1, _ATTEMPTS):
            again = np.zeros(len(self.people), bool)
            for name in compared if attempt < _ATTEMPTS_TO_DIFFER else ():
                again |= _repeated(values[name])
            for found in stopped.values():
                again |= found
            for name in placed:
                again |= self._elsewhere(values[name])
            if not again.any():
                break
            attempts[again] = attempt
            for name, each in values.items():
                drawn = self._drawn(name, np.flatnonzero(again), attempt)
                values[name] = pc.replace_with_mask(each, array_of(again), drawn)
                if name in sieves:
                    stopped[name][again] = sieves[name].stops(drawn)
        who = all_of_them
        for name in placed:
            who = neighbours(self._elsewhere(values[name]), decided)
        return attempts, who

    def _elsewhere(self, places: pa.Array) -> NDArray[np.bool_]:
        """Which places lie elsewhere than a person: a place has one country and one district."""
        crowd, found = self.crowd, np.zeros(len(places), bool)
        if self.homes is not None:
            found |= abroad_elsewhere(places, self.homes, crowd.abroad, crowd.locales, crowd.place)
        if crowd.districts is not None and self.districts is not None:
            found |= crowd.districts.elsewhere(places, self.homes, self.districts)
        return found

    def _drawn(self, name: str, which: Numbers, attempt: int) -> pa.Array:
        """A field of some of them, drawn with all of their block up to the last one."""
        drawn = self.crowd.residents
        pieces, places = [pa.array([], pa.string())], [np.zeros(0, np.int64)]
        for block, numbers, at in _blocks(self.people[which]):
            size = int(numbers.max()) + 1
            open_stream = partial(self._stream, block, attempt)
            sexes, homes = (
                None
                if decided is None
                else _placed(np.maximum(decided[which][at], -1), numbers, size)
                for decided in (self.sexes, self.homes)
            )
            if name in ACCOUNTS:
                whole = self.crowd.first_number + block * BLOCK_ROWS + np.arange(size)
                account = cast(Literal["email", "username"], name)
                made = drawn.draw_unique(open_stream, whole, account, sexes=sexes, homes=homes)
            else:
                made = drawn.draw(open_stream, size, [name], sexes=sexes, homes=homes)[name]
            pieces.append(made.take(array_of(numbers)))
            places.append(at)
        return pa.concat_arrays(pieces).take(array_of(np.argsort(np.concatenate(places))))

    def _stream(self, block: int, attempt: int, purpose: str) -> np.random.Generator:
        """The stream of one purpose; who is drawn again still lives in the same country."""
        attempt = 0 if purpose == "locale" else attempt
        return self.crowd.stream(self.seed, purpose, block, attempt)


@lru_cache(maxsize=32)
def _residents(locales: tuple[str, ...], marked: tuple[tuple[str, bytes], ...]) -> People:
    """People of some locales, without the names that sieves of these buckets stop."""
    if not marked:
        return People(locales)
    sieves = {name: Sieve(np.frombuffer(each, bool), words=True) for name, each in marked}
    return People([without(load_locale(code), sieves) for code in locales])


def lists_of(field: str, locale: Locale) -> tuple[Sequence[Name], Sequence[Name]]:
    """The first or last names that a locale has for women and for men."""
    return locale.first if field == "first_name" else locale.last


def without(locale: Locale, sieves: Mapping[str, Sieve]) -> Locale:
    """A locale without the first and last names that sieves of these fields stop."""

    def left(field: str, words: tuple[Sequence[Name], Sequence[Name]]) -> Any:
        if field not in sieves:
            return words
        stopped = (sieves[field].stops(pa.array([name.text for name in each])) for each in words)
        return tuple(
            [name for name, real in zip(each, flags, strict=True) if not real]
            for each, flags in zip(words, stopped, strict=True)
        )

    return with_names(locale, left("first_name", locale.first), left("last_name", locale.last))


def _placed(values: Numbers, places: Numbers, size: int) -> Numbers:
    """Values at some places, -1 at others."""
    found = np.full(size, -1)
    found[places] = values
    return found


def _part(field: str) -> int:
    """Which of `_PARTS` a field belongs to; one more than there are for the name."""
    return next((at for at, part in enumerate(_PARTS) if field in part), len(_PARTS))


def _blocks(numbers: Numbers) -> Iterator[tuple[int, Numbers, Numbers]]:
    """Blocks that hold some numbers: the block, the places in it, and where the numbers stand."""
    block, place = np.divmod(numbers, BLOCK_ROWS)
    for each in np.unique(block).tolist():
        rows = np.flatnonzero(block == each)
        yield each, place[rows], rows


def _repeated(values: pa.Array) -> NDArray[np.bool_]:
    """Which values are in an earlier place, too."""
    codes = values.dictionary_encode().indices.to_numpy(zero_copy_only=False)
    first = np.unique(codes, return_index=True)[1]
    repeated = np.ones(len(codes), bool)
    repeated[first] = False
    return repeated
