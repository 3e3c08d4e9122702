"""Where new people live: each new town lies in one country, and has what follows from real towns.

Where a real town tells the region, the warehouse or the tariff of its rows, a new one does, too.
Which towns lie where follows from their names, so that every block of rows agrees.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.fakers.locales import load_locale
from fabula.inference.guesses import words
from fabula.io.arrays import array_of, is_text, plain_type
from fabula.streams import name_key
from fabula.synthesizers.codecs.categories import OTHER, plain_values
from fabula.synthesizers.constraints.evidence import lookup_is_sure
from fabula.synthesizers.constraints.lookups import coded
from fabula.synthesizers.pii.sieve import Sieve

Numbers = NDArray[np.int64]

ABROAD = -2
"""The home of a person whose country has no locale: this number for the first such country, lower
ones for the others, and the lowest for all that are not told apart."""

ANY = "any"
"""Towns of countries in which no district is known."""

_CALLED = re.compile(r"(^|_)(region|state|province|county|prefecture|canton|district)(_|$)")
_FINE = 2**20
_MOST = 12
"""Districts that are told apart in a country: a locale has about twenty towns."""


@dataclass(frozen=True)
class Districts:
    """Labels that follow from the town.

    Attributes:
        columns: The columns of these labels.
        labels: The different combinations of them, as text.
        shares: The share of each combination in the rows of a home, by the home as text.
    """

    columns: tuple[str, ...]
    labels: tuple[str, ...]
    shares: Mapping[str, tuple[float, ...]]

    @classmethod
    def of(
        cls,
        table: pa.Table,
        towns: pa.Array,
        homes: Numbers | None,
        personal: Collection[str],
        least: int,
    ) -> Districts | None:
        """The labels of a table that follow from its towns; None where there are none.

        Args:
            table: Training rows.
            towns: Their towns.
            homes: The home of each row, where a column tells it.
            personal: Columns that are replaced, or tell the country.
            least: Labels of fewer rows are not told.
        """
        there = np.flatnonzero(towns.is_valid().to_numpy(zero_copy_only=False))
        places = coded(towns.take(array_of(there)))[0]
        lived = np.full(len(there), -1) if homes is None else homes[there]
        columns = []
        for field in table.schema:
            if field.name in personal or not is_text(plain_type(field.type)):
                continue
            labels = coded(table.column(field.name).combine_chunks().take(array_of(there)))[0]
            if not _follows(places, labels) or _follows(lived, labels):
                continue
            sure = _CALLED.search(words(field.name)) or lookup_is_sure(
                places, labels, columns=table.num_columns
            )
            by_home = [len(np.unique(labels[lived == home])) for home in np.unique(lived)]
            if sure and max(by_home) <= _MOST:
                columns.append(field.name)
        if not columns:
            return None
        rows = pa.table({name: _told(table.column(name), least) for name in columns})
        texts = _texts(rows.take(array_of(there)), columns).dictionary_encode()
        codes = texts.indices.to_numpy().astype(np.int64)
        size = len(texts.dictionary)
        counts = {str(home): np.bincount(codes[lived == home], minlength=size)
                  for home in np.unique(lived).tolist()}  # fmt: skip
        counts[ANY] = np.bincount(codes, minlength=size)
        shares = {home: tuple((each / each.sum()).tolist()) for home, each in counts.items()}
        return cls(tuple(columns), tuple(texts.dictionary.to_pylist()), shares)

    def of_rows(self, table: pa.Table) -> Numbers:
        """The district of each row; -1 for one that no real row has."""
        known = pa.array(self.labels, pa.large_string())
        found = pc.index_in(_texts(table, self.columns), value_set=known)
        return np.asarray(found.fill_null(-1), np.int64)

    def elsewhere(self, towns: pa.Array, homes: Numbers | None, districts: Numbers) -> Numbers:
        """Which towns lie in another district than that of their person."""
        u = (Sieve.bucket(towns, _FINE) + 0.5) / _FINE
        lived = np.full(len(u), -1) if homes is None else homes
        found = np.zeros(len(u), bool)
        for home in np.unique(lived).tolist():
            rows = np.flatnonzero((lived == home) & (districts >= 0))
            shares = np.array(self.shares.get(str(home), self.shares[ANY]))
            own = np.searchsorted(np.cumsum(shares), u[rows], "right")
            found[rows] = (own != districts[rows]) & (shares[districts[rows]] > 0)
        return found

    def state(self) -> dict[str, Any]:
        """The districts as plain values."""
        return asdict(self)

    @classmethod
    def restore(cls, state: Mapping[str, Any] | None) -> Districts | None:
        """The districts of a state."""
        if state is None:
            return None
        shares = {home: tuple(each) for home, each in state["shares"].items()}
        return cls(tuple(state["columns"]), tuple(state["labels"]), shares)


def shares_given(towns: pa.Array, values: pa.Array, homes: Numbers | None) -> dict[str, float]:
    """The share of the rows of each home that have a value, where each town has one or none.

    Args:
        towns: The town of each row.
        values: What some of them lack, such as the state.
        homes: The home of each row, where a column tells it.
    """
    there = towns.is_valid().to_numpy(zero_copy_only=False)
    filled = values.is_valid().to_numpy(zero_copy_only=False)[there]
    places = coded(towns.filter(array_of(there)))[0]
    if filled.all() or not filled.any() or not _follows(places, filled.astype(np.int64)):
        return {}
    lived = np.full(len(filled), -1) if homes is None else homes[there]
    shares = {str(home): float(filled[lived == home].mean()) for home in np.unique(lived).tolist()}
    return {**shares, ANY: float(filled.mean())}


def have_one(
    towns: pa.Array, homes: Numbers | None, shares: Mapping[str, float]
) -> NDArray[np.bool_]:
    """Which towns have a value, of which a share of the towns of a home has one."""
    lived = np.full(len(towns), -1) if homes is None else homes
    known, place = np.unique(lived, return_inverse=True)
    theirs = np.array([shares.get(str(home), shares[ANY]) for home in known.tolist()])
    return np.asarray((Sieve.bucket(towns, _FINE) + 0.5) / _FINE < theirs[place.reshape(-1)])


def abroad_elsewhere(
    towns: pa.Array, homes: Numbers, abroad: int, locales: Sequence[str], field: str
) -> NDArray[np.bool_]:
    """Which towns lie in another country than that of their person: a town has one country.

    Args:
        towns: The towns, or states.
        homes: The home of each person.
        abroad: How many countries without a locale have places of their own.
        locales: The locales of the people.
        field: `city`, or `state`.
    """
    found = np.zeros(len(towns), bool)
    if abroad:  # at least a fifth of the places stay with known countries
        share = _dealt(towns, tuple(locales), field, abroad + 2 + abroad // 4)
        found = np.where(homes <= ABROAD, share != ABROAD - homes, share < abroad)
    shared = pa.array(_shared_places(tuple(locales), field), towns.type)
    met = pc.is_in(towns, value_set=shared).to_numpy(zero_copy_only=False)
    return np.asarray((found | met) & (homes != -1))


def _dealt(towns: pa.Array, locales: tuple[str, ...], field: str, hands: int) -> Numbers:
    """The hand that each town is in: those of a locale are dealt out, so that none is empty."""
    known, numbers = _hands(locales, field, hands)
    if not known:
        return Sieve.bucket(towns, hands)
    place = pc.index_in(towns, value_set=pa.array(known, towns.type))
    dealt = numbers[place.fill_null(0).to_numpy(zero_copy_only=False)]
    listed = place.is_valid().to_numpy(zero_copy_only=False)
    return np.where(listed, dealt, Sieve.bucket(towns, hands))


def neighbours(lost: NDArray[np.bool_], decided: Sequence[Numbers]) -> Numbers:
    """Everybody, in place of those who are lost another person who lives there, if any.

    Args:
        lost: Who has no town of their own.
        decided: What is decided of where they live.
    """
    who = np.arange(len(lost))
    places = np.unique(np.column_stack(decided), axis=0, return_inverse=True)[1].reshape(-1)
    for place in np.unique(places[lost]).tolist():
        there = np.flatnonzero((places == place) & ~lost)
        here = np.flatnonzero((places == place) & lost)
        if len(there):
            who[here] = there[np.arange(len(here)) % len(there)]
    return who


def _follows(sources: Numbers, targets: Numbers) -> bool:
    """Whether every source has one target."""
    pairs = np.unique(np.column_stack([sources, targets]), axis=0)
    return len(pairs) == len(np.unique(sources))


def _told(values: pa.ChunkedArray, least: int) -> pa.Array:
    """Labels, of which rare ones are `other`."""
    plain = plain_values(values.combine_chunks())
    counted = plain.drop_null().value_counts()
    rare = counted.field("values").filter(pc.less(counted.field("counts"), least))
    return pc.if_else(pc.is_in(plain, value_set=rare), pa.scalar(OTHER, plain.type), plain)


def _texts(table: pa.Table, columns: Sequence[str]) -> pa.Array:
    """The labels of some columns of each row as one text."""
    parts = [
        pc.fill_null(
            plain_values(table.column(name).combine_chunks()).cast(pa.large_string()), "\0"
        )
        for name in columns
    ]
    return pc.binary_join_element_wise(*parts, pa.scalar("\1", pa.large_string()))


@lru_cache(maxsize=32)
def _shared_places(locales: tuple[str, ...], field: str) -> tuple[str, ...]:
    """The towns, or states, that several locales have."""
    names = [{getattr(place, field) for place in load_locale(code).places} for code in locales]
    counted = Counter(name for each in names for name in each)
    return tuple(sorted(name for name, count in counted.items() if count > 1))


@lru_cache(maxsize=32)
def _hands(locales: tuple[str, ...], field: str, hands: int) -> tuple[tuple[str, ...], Numbers]:
    """The towns, or states, of locales, and the hand of each."""
    dealt: dict[str, int] = {}
    for code in locales:
        names = {getattr(place, field) for place in load_locale(code).places}
        for number, name in enumerate(sorted(names, key=name_key)):
            dealt.setdefault(name, number % hands)
    return tuple(dealt), np.array([*dealt.values()], np.int64)
