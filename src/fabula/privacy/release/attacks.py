"""Attacks on releases by somebody who knows people from elsewhere, each with its baseline."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.privacy.attacks import Attack, share_of

_WORDS = re.compile(r"\w+")
_BUCKETS = 1 << 14
"""Into how many numbers words are hashed."""

MOST_NOTES = 1_000
_PERSON = "\x00person"


@dataclass(frozen=True)
class Linkage:
    """What somebody achieves who looks people up in a release by what is known about them.

    Attributes:
        tries: How many people were looked up.
        alone: The share of them whom exactly one row fits.
        success: The expected share of right guesses, one row of a group at random.
        k: The smallest group.
    """

    tries: int
    alone: float
    success: float
    k: int


def linkage_attack(rows: pa.Table, people: NDArray[np.int64] | None = None) -> Linkage:
    """Look everybody up in a release, with an outside table of all quasi-identifiers and names.

    Blanks count as values: the attacker of Sweeney (2002) knows how the release was made, and so
    which people were blanked.

    Args:
        rows: The released quasi-identifiers.
        people: The person of each row, who counts once in a group; by default a row is a person.
    """
    if people is not None:
        whose = rows.append_column(_PERSON, pa.array(people))
        rows = whose.group_by(whose.column_names).aggregate([]).drop_columns([_PERSON])
    counted = rows.group_by(rows.column_names).aggregate([([], "count_all")])
    sizes = np.asarray(counted.column("count_all").to_numpy(), np.int64)
    total = int(sizes.sum())
    if not total:
        return Linkage(0, 0.0, 0.0, 0)
    alone = float((sizes == 1).sum() / total)
    return Linkage(total, alone, len(sizes) / total, int(sizes.min()))


def inference_attack(
    released: pa.ChunkedArray,
    real: pa.ChunkedArray,
    drawn: pa.ChunkedArray,
    held: pa.ChunkedArray,
) -> Attack:
    """Take a released learned value for the person's own one.

    The baseline is the same for people who are not in the release, whose values are drawn by
    somebody who has learned from it (Yeom et al. 2018). Numbers count as equal within a
    twentieth of their deviation.

    Args:
        released: The learned values.
        real: The real values of the same rows.
        drawn: Values drawn for people who are not in the release.
        held: Their real values.
    """
    baseline = _equal(drawn, held, held)
    return share_of("attribute inference", _equal(released, real, held), float(baseline.mean()))


def _equal(
    guess: pa.ChunkedArray, truth: pa.ChunkedArray, scale: pa.ChunkedArray
) -> NDArray[np.bool_]:
    if pa.types.is_floating(truth.type) or pa.types.is_integer(truth.type):
        one, two, third = (
            np.asarray(values.cast(pa.float64()).to_numpy(), float)
            for values in (guess, truth, scale)
        )
        return np.asarray(np.abs(one - two) <= np.nanstd(third) / 20)
    same = pc.equal(guess.cast(truth.type), truth)
    return np.asarray(pc.fill_null(same, False).to_numpy(), bool)


def told_by_group(rows: pa.Table, quasi: Sequence[str], sensitive: str) -> float:
    """The share of rows whose group has one sensitive value alone."""
    groups = _numbered([rows.column(name) for name in quasi])
    values = _numbered([rows.column(sensitive)])
    pairs = np.unique(np.column_stack([groups, values]), axis=0)
    alone = np.bincount(pairs[:, 0])[groups] == 1
    return float(alone.mean())


def intersection_attack(
    first: pa.Table,
    second: pa.Table,
    people: NDArray[np.int64] | None = None,
    *,
    whose: tuple[pa.ChunkedArray, pa.ChunkedArray] | None = None,
) -> Linkage:
    """Look everybody up in two releases at once (Ganta, Kasiviswanathan and Smith 2008).

    Args:
        first: The released quasi-identifiers.
        second: Those of another release; without `whose`, of the same rows in the same order.
        people: The person of each row; by default a row is a person.
        whose: The person of each row of both, who may have several rows in either: each
            combination that a person has in one meets each in the other.
    """
    second = second.rename_columns([f"second {name}" for name in second.column_names])
    if whose is None:
        for name in second.column_names:
            first = first.append_column(name, second.column(name))
        return linkage_attack(first, people)
    one, two = (
        rows.append_column(_PERSON, persons)
        for rows, persons in zip((first, second), whose, strict=True)
    )
    both = one.group_by(one.column_names).aggregate([]).join(
        two.group_by(two.column_names).aggregate([]), _PERSON, join_type="inner"
    )  # fmt: skip
    persons = both.column(_PERSON).combine_chunks().dictionary_encode().indices
    return linkage_attack(both.drop_columns([_PERSON]), persons.to_numpy(zero_copy_only=False))


def authorship_attack(originals: Sequence[str], released: Sequence[str]) -> Attack:
    """Pick the author of each note by the words that it shares with everybody's own notes.

    Words count by how rare they are (Narayanan et al. 2012). Somebody who does not read is right
    once in as many notes as there are people.

    Args:
        originals: A text that the attacker has of each person.
        released: The released note of each, in the same order.
    """
    if not len(originals):
        return share_of("authorship", np.zeros(0, bool), 0.0)
    known, asked = _counted(originals), _counted(released)
    rarity = np.log((len(known) + 1) / ((known > 0).sum(axis=0) + 1))
    known, asked = (_scaled(counts * rarity) for counts in (known, asked))
    near = asked @ known.T
    best = near.max(axis=1)
    # A note without any known word tells nothing of its author.
    right = np.where(best > 0, near.argmax(axis=1), -1) == np.arange(len(known))
    return share_of("authorship", right, 1 / len(known))


def _counted(texts: Sequence[str]) -> NDArray[np.float32]:
    counts = np.zeros((len(texts), _BUCKETS), np.float32)
    for row, text in enumerate(texts):
        for word in _WORDS.findall(text.casefold()):
            counts[row, zlib.crc32(word.encode()) % _BUCKETS] += 1
    return counts


def _scaled(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(lengths, lengths, 1), np.float32)


def _numbered(columns: Sequence[pa.ChunkedArray]) -> NDArray[np.int64]:
    """A number for each combination of values."""
    codes = []
    for column in columns:
        values = column.combine_chunks()
        if not pa.types.is_dictionary(values.type):
            values = values.dictionary_encode()
        filled = values.indices.fill_null(len(values.dictionary))
        codes.append(np.asarray(filled.to_numpy(zero_copy_only=False), np.int64))
    return np.unique(np.column_stack(codes), axis=0, return_inverse=True)[1].reshape(-1)
