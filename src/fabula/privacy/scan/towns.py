"""New towns that are the old ones: how many of them chance brings.

How likely a town is drawn follows from the rows whose old town is another one. A town that was
left by mistake does not count there, so leaks do not excuse themselves. The rows of one person
that have one new town are one draw.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.io.arrays import whole_texts
from fabula.privacy.notes.needles import Mention
from fabula.privacy.scan.card import PLACES
from fabula.privacy.scan.chance import is_chance
from fabula.privacy.squeezed import Counts

_PERSON = (*PLACES, "name", "first_name", "last_name", "email", "username", "phone")
"""What the rows of a person share."""

_KNOWN = 20
"""Draws that are known before any row is read: one of so many people gets a given town."""

_LIMIT = 3
"""Standard errors that count, as few rows tell little about how likely a town is."""


def are_towns_by_chance(
    kind: str, rows: Sequence[int], chance: float, texts: pa.Array, own: Sequence[Mention]
) -> bool:
    """Whether rows of a column hold the old town, state or postcode of their person by chance.

    Args:
        kind: The kind of place.
        rows: The rows that hold the old one.
        chance: How many rows do with people moved to other rows; counts towns within addresses.
        texts: The new column.
        own: The real values of each row.

    Examples:
        >>> towns = pa.array(["Ulm", "Jena", "Kiel", "Bonn", "Hof"] * 40)
        >>> own = [Mention("city", towns, towns)]
        >>> new = pa.array(["Hof", "Hof", "Ulm", "Kiel", "Kiel"] * 39 + ["Ulm"] * 5)
        >>> same = [195]
        >>> are_towns_by_chance("city", same, 0.0, new, own)
        True
        >>> are_towns_by_chance("city", range(200), 0.0, towns, own)
        False
    """
    others = np.ones(len(texts), bool)
    others[np.asarray(rows)] = False
    persons = _numbered(pc.binary_join_element_wise(
        *(whole_texts(each.original) for each in own if each.kind in _PERSON),
        pa.scalar("\n", pa.large_string()), null_handling="replace"))  # fmt: skip
    draws = np.stack([persons, _numbered(texts)])[:, others]
    sizes = np.unique(draws, axis=1, return_counts=True)[1]
    at_once = float((sizes**2).sum() / sizes.sum()) if len(sizes) else 1.0
    expected = sum(_expected(whole_texts(each.original), texts, others, at_once)
                   for each in own if each.kind == kind)  # fmt: skip
    return is_chance(math.ceil(len(rows) / at_once), max(chance, expected) / at_once)


def _expected(old: pa.Array, new: pa.Array, others: NDArray[np.bool_], at_once: float) -> float:
    """In how many rows at most chance writes the old value, by how often other rows have it."""
    known = old.is_valid().to_numpy(zero_copy_only=False)
    numbers = _numbered(pa.concat_arrays([old, whole_texts(new)]))
    olds, news = numbers[: len(old)], numbers[len(old) :]
    size = int(numbers.max(initial=0)) + 1
    same = np.bincount(olds[others & (olds == news)], minlength=size)
    written = np.bincount(news[others], minlength=size) - same
    elsewhere = others.sum() - np.bincount(olds[others], minlength=size)
    draws = elsewhere / at_once + _KNOWN
    likely = (written / at_once + 1) / draws
    have = np.bincount(olds[known], minlength=size)
    count, unsure = (have * likely).sum(), (have**2 * likely / draws).sum()
    spread = count * at_once
    return float(count + _LIMIT * (math.sqrt(spread + unsure) - math.sqrt(spread)))


def _numbered(texts: pa.Array) -> Counts:
    """A number for each text, the same for equal ones in any case."""
    small = pc.utf8_lower(pc.fill_null(whole_texts(texts), ""))
    return np.asarray(small.dictionary_encode().indices.to_numpy(), np.int64)
