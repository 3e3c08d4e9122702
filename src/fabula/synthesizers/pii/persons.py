"""Which person a row tells of, so that rare labels are counted in people and not in rows.

A label of one person with a hundred rows is as telling as a label of one row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.relationships.column_names import name_words
from fabula.relationships.key_names import IDS, named_as_key, names_class, names_year

_WORDS = """
    customer client patient user member employee person student subscriber passenger driver player
    subject participant guest contact buyer borrower holder tenant resident donor voter citizen
    applicant candidate caller household kunde mitglied abonne usager cliente paciente usuario
    paziente utente klient pacjent
"""
OF_PEOPLE = frozenset(_WORDS.split())
"""Words for people in the names of columns that identify them."""

_THINGS = """
    movie film product book song track artist album video article recipe restaurant hotel listing
    store shop device machine vehicle merchant item
"""
_OF_THINGS = frozenset(_THINGS.split())
"""Words that numbers of things other than people are called by."""

IDENTIFYING = ("name", "email", "username", "phone", "account", "card", "national_id", "code")
"""Details of which no two people share one, hardly ever."""


@dataclass(frozen=True, eq=False)
class Persons:
    """The people of a table's rows.

    Attributes:
        told_by: The column, or the foreign key, that tells.
        numbers: A number for each row; rows of the same person have the same.
    """

    told_by: str
    numbers: NDArray[np.int64]

    @property
    def size(self) -> int:
        """How many there are."""
        return len(np.unique(self.numbers))

    @property
    def repeat(self) -> bool:
        """Whether people have more rows than one, on average at least a tenth more."""
        return self.size * 1.1 <= len(self.numbers)

    def take(self, rows: NDArray[np.int64]) -> Persons:
        """The people of some rows."""
        return Persons(self.told_by, self.numbers[rows])

    def of_labels(self, codes: NDArray[np.int64], size: int) -> NDArray[np.int64]:
        """How many people have each label.

        Args:
            codes: The label of each row; negative if there is none.
            size: How many labels there are.
        """
        known = codes >= 0
        pairs = np.unique(np.column_stack([codes[known], self.numbers[known]]), axis=0)
        return np.bincount(pairs[:, 0], minlength=size).astype(np.int64)


def identifies_people(name: str) -> bool:
    """Whether a column is named like the number of a person: `customer_id`."""
    return named_as_key(name) and not OF_PEOPLE.isdisjoint(name_words(name))


def numbers_something(name: str) -> bool:
    """Whether whole numbers in a column of such a name identify something: `user`, `movie_id`."""
    words = name_words(name)
    if not words or names_class(name) or names_year(name):
        return False
    return words[-1] in OF_PEOPLE | _OF_THINGS | IDS or words == ("nr",)


def numbered(told_by: str, values: pa.Array) -> Persons:
    """People told apart by values; every row without one is a person of its own."""
    codes = values.dictionary_encode().indices
    known = codes.is_valid().to_numpy(zero_copy_only=False)
    numbers = codes.fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
    alone = int(pc.max(codes).as_py() or 0) + 1 + np.arange(len(codes))
    return Persons(told_by, np.where(known, numbers, alone))


def likeliest(candidates: Sequence[Persons], protect: int) -> Persons | None:
    """The most people that have several rows each; None if they are fewer than `protect`."""
    usable = [item for item in candidates if item.repeat and item.size >= protect]
    return max(usable, key=lambda item: item.size, default=None)
