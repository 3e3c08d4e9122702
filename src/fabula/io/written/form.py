"""What every way to write numbers or times does, and when it is a column's own."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

FAITHFUL = 0.98
"""Share of the values whose text must come back letter by letter, for a form to be the column's."""

MOST_STRAY = 0.05
"""Share of the rows that may be mistyped: 3 %, and what chance adds in a part of the rows."""

Rows = NDArray[np.int64]
"""How many rows each of some differing texts has."""


class StringFormat(Protocol):
    """One way to write values of a type."""

    @property
    def type(self) -> pa.DataType:
        """What texts are read as."""
        ...

    @property
    def told(self) -> str:
        """The form by an example."""
        ...

    def read(self, texts: pa.Array) -> pa.Array:
        """Values; null where a text is not of this form."""
        ...

    def write(self, values: pa.Array) -> pa.Array:
        """Texts of values."""
        ...

    def state(self) -> dict[str, Any]:
        """The form as plain values."""
        ...


def suits(form: StringFormat, texts: pa.Array, rows: Rows) -> int:
    """How many rows can be read; 0 where too many can't, or don't come back as they were.

    `texts` differ, and `rows` tells how many rows have each of them; so for `of` of every form.
    """
    values = form.read(texts)
    known = flags(values.is_valid())
    read = int(rows[known].sum())
    if read < (1 - MOST_STRAY) * rows.sum():
        return 0
    same = flags(pc.equal(form.write(values), texts).fill_null(False))
    return read if rows[same].sum() >= FAITHFUL * read else 0


def flags(values: pa.Array) -> NDArray[np.bool_]:
    """Truth values of Arrow as numpy."""
    return np.asarray(values.to_numpy(zero_copy_only=False), bool)
