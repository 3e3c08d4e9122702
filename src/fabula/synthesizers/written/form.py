"""What every way to write numbers or times does, and when it is a column's own."""

from __future__ import annotations

from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc

FAITHFUL = 0.98
"""Share of texts that must come back letter by letter, for a form to be the column's."""


class Form(Protocol):
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


def suits(form: Form, texts: pa.Array) -> bool:
    """Whether all texts can be read, and nearly all come back as they were."""
    values = form.read(texts)
    if values.null_count:
        return False
    same = pc.sum(pc.equal(form.write(values), texts)).as_py() or 0
    return bool(same >= FAITHFUL * len(texts))
