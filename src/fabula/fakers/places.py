"""Addresses of one locale, whose town, state and postcode agree."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from fabula.fakers.draws import SLOTS, Draws, Index, frequency_table
from fabula.fakers.joining import Phrase, Template
from fabula.fakers.locales import Locale, Place
from fabula.fakers.regex import compile_pattern
from fabula.streams import name_key

LOCALITY_POOL = 8_192
"""Pairs of town and postcode that the rows of a locale share."""
HOUSE_NUMBER_POOL = 1_024

_PLACE_SHIFT = 4


class Places:
    """One locale's dictionaries of places.

    The town of an address is drawn by its rank in size. An address joins a house number, a street
    name and a locality out of pools: for `en`, some fifty billion different ones.
    """

    def __init__(self, locale: Locale) -> None:
        places, postcodes = _localities(locale.places)
        self._cities = Phrase([place.city for place in places])
        self._states = Phrase([place.state for place in places])
        self._postcodes = Phrase(postcodes)
        parts = {
            "locality": [
                locale.locality.format(postcode=postcode, **vars(place))
                for place, postcode in zip(places, postcodes, strict=True)
            ],
            "postcode": postcodes,
            "number": _drawn(locale.house_number, HOUSE_NUMBER_POOL, "house_number"),
            "name": locale.streets,
            "suffix": locale.suffixes,
        }
        self._sizes = {name: len(words) for name, words in parts.items()}
        self._streets = Template(locale.street, parts)
        self._addresses = Template(locale.address.replace("{street}", locale.street), parts)

    def city(self, draws: Draws) -> pa.StringArray:
        """A town."""
        return self._cities.take(self._locality_index(draws))

    def state(self, draws: Draws) -> pa.StringArray:
        """The town's state, province or region."""
        return self._states.take(self._locality_index(draws))

    def postcode(self, draws: Draws) -> pa.StringArray:
        """A postcode of the town."""
        return self._postcodes.take(self._locality_index(draws))

    def street(self, draws: Draws) -> pa.StringArray:
        """A street and house number."""
        return self._joined(self._streets, draws)

    def address(self, draws: Draws) -> pa.StringArray:
        """The street and the town, on one line."""
        return self._joined(self._addresses, draws)

    def _joined(self, template: Template, draws: Draws) -> pa.StringArray:
        return template.take({name: self._index(name, draws) for name in template.names})

    def _index(self, name: str, draws: Draws) -> Index:
        match name:
            case "locality" | "postcode":
                return self._locality_index(draws)
            case "number":
                return draws.slots("house_number") % HOUSE_NUMBER_POOL
            case _:
                return draws.uniform(name, self._sizes[name])

    def _locality_index(self, draws: Draws) -> Index:
        return draws.slots("locality") % LOCALITY_POOL


def _localities(places: Sequence[Place]) -> tuple[list[Place], list[str]]:
    """The pool: each town as often as its rank deserves, each time with a postcode of its own."""
    ranks = frequency_table(len(places), _PLACE_SHIFT)[:: SLOTS // LOCALITY_POOL]
    counts = np.bincount(ranks, minlength=len(places)).tolist()
    pool: list[Place] = []
    postcodes: list[str] = []
    for place, count in zip(places, counts, strict=True):
        pool += [place] * count
        postcodes += _drawn(place.postcodes, count, place.city)
    return pool, postcodes


def _drawn(regex: str, count: int, name: str) -> list[str]:
    """A fixed sample of a pattern, so that a pool is the same in every run."""
    rng = np.random.Generator(np.random.SFC64(name_key(name)))
    return [str(text) for text in compile_pattern(regex).draw(rng, count).to_pylist()]
