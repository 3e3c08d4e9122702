"""Human examples in any form, as plain values that a prompt can show.

Strings, mappings, Pydantic objects, dataclasses, rows of frames and whole frames are taken; the
caller's objects are copied, never changed.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import os
from collections.abc import Mapping, Sequence
from typing import Any

from fabula.errors import UsageError


def example_values(examples: Any) -> list[Any]:
    """The examples as strings and mappings; the rows of one table in any form are examples.

    Raises:
        UsageError: It is a single example.
        SourceError: A file can't be read.
    """
    if isinstance(examples, list | tuple):
        return [plain_value(item) for item in examples]
    from fabula.io.frames import is_frame  # Arrow, for tables alone
    from fabula.io.sources import is_source
    from fabula.io.tables import as_table, is_column, is_tabular

    if is_column(examples):
        return [plain_value(item) for item in examples]
    if (
        (isinstance(examples, Mapping) and is_tabular(examples))
        or (isinstance(examples, str | os.PathLike) and is_source(examples))
        or is_frame(examples)
    ):
        return [plain_value(row) for row in as_table(examples, name="examples").to_pylist()]
    if isinstance(examples, str | bytes | Mapping) or not isinstance(examples, Sequence):
        raise UsageError(
            f"`examples` is a {type(examples).__name__}, not a list of examples",
            code="usage.examples",
            hint="put a single example into a list: `examples=[…]`",
        )
    return [plain_value(item) for item in examples]


def plain_value(value: Any) -> Any:
    """A value as JSON has it: mappings, lists, text, numbers, true, false and null."""
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return plain_value(dataclasses.asdict(value))
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return plain_value(value._asdict())
    if isinstance(value, Mapping):
        return {str(key): plain_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain_value(item) for item in value]
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    for convert in ("to_dict", "as_py", "item"):  # rows of pandas, scalars of Arrow, of numpy
        if hasattr(value, convert):
            return plain_value(getattr(value, convert)())
    return str(value)
