"""Which texts may be real keys, as a bitmap that tells no key.

Each real key takes one of four times as many slots, by a hash. A new key whose slot is taken may be
a real one and is not used; since a fifth of all texts fall into a taken slot, that a text does so
says next to nothing of whether it was among the real ones.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.io.sql import locked_connection

SLOTS = 4
"""Slots a real key."""

TRIES = 16
"""Texts that a new key is chosen from; all of them are taken once in 10^10 times."""

_ROOM = 64
"""A form needs that many times as many texts as there are real keys to be chosen from."""


@dataclass(frozen=True, eq=False)
class Taken:
    """Slots of real keys.

    Attributes:
        slots: Whether each is taken.
    """

    slots: NDArray[np.bool_]

    @classmethod
    def of(cls, keys: pa.Array) -> Taken:
        """The slots of some keys."""
        slots = np.zeros(
            -(-SLOTS * len(keys) // 8) * 8, dtype=bool
        )  # whole bytes, as it is written
        slots[_hashed(keys) % np.uint64(len(slots))] = True
        return cls(slots)

    def __call__(self, keys: pa.Array) -> NDArray[np.bool_]:
        """Which keys may be real ones; all real ones are among them."""
        return np.asarray(self.slots[_hashed(keys) % np.uint64(len(self.slots))])

    def __str__(self) -> str:
        return base64.b64encode(np.packbits(self.slots).tobytes()).decode()

    @classmethod
    def read(cls, text: str) -> Taken:
        """The slots that `str` wrote."""
        return cls(np.unpackbits(np.frombuffer(base64.b64decode(text), np.uint8)).astype(bool))


def tries(size: int, keys: int) -> int:
    """How many of `size` texts each new key can be chosen from; 1 if they are too few."""
    return TRIES if size >= TRIES * _ROOM * keys else max(size // (_ROOM * max(keys, 1)), 1)


def _hashed(keys: pa.Array) -> NDArray[np.uint64]:
    labels = pc.cast(keys, pa.large_string())
    with locked_connection() as connection:
        connection.register("labels", pa.table({"label": labels}))
        found = connection.sql("SELECT md5_number_lower(label) AS hash FROM labels")
        return np.asarray(found.to_arrow_table().column("hash").to_numpy(), dtype=np.uint64)
