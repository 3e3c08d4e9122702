"""Columns that continue by themselves: increasing ids, UUIDs, constants and empty columns.

No model is asked for them, so they are exact: ids continue after the largest one.
"""

from __future__ import annotations

import itertools
import re
import uuid
from collections.abc import Callable, Sequence
from typing import TypeAlias

import pyarrow as pa

from fabula.inference.guesses import words
from fabula.streams import stream

Continue: TypeAlias = Callable[[int], list[object]]
"""The next values of a column, as many as asked."""

SURELY_CONSTANT = 5
"""Rows that must agree before a value counts as the column's only one."""

_KEY = re.compile(r"(^|_)(id|key|pk|no|nr|number|index|idx|serial|row)$")
_NUMBERED = re.compile(r"(.*?)(\d+)", re.S)


def continued(
    name: str, kind: pa.DataType, values: Sequence[object], *, first: bool, seed: int
) -> Continue | None:
    """How a column continues by itself, or None if someone must think of its values.

    Args:
        name: The column's name.
        kind: Its type.
        values: Its values so far.
        first: Whether it is the table's first column, where ids stand.
        seed: The seed of what is drawn.
    """
    if values and all(value is None for value in values):
        return lambda n: [None] * n
    if None in values:
        return None
    key = _KEY.search(words(name)) is not None
    if pa.types.is_integer(kind):
        numbers = [int(str(value)) for value in values]
        step = _id_step(numbers, key=key, first=first)
        if step is not None:
            start = max(numbers, default=1 - step)
            return lambda n: [start + step * place for place in range(1, n + 1)]
    texts = [value for value in values if isinstance(value, str)]
    if texts:
        made = _continued_texts(texts, name, key=key, first=first, seed=seed)
        if made is not None:
            return made
    if len(values) >= SURELY_CONSTANT and all(value == values[0] for value in values):
        return lambda n: [values[0]] * n
    return None


def _continued_texts(
    texts: list[str], name: str, *, key: bool, first: bool, seed: int
) -> Continue | None:
    """UUIDs, and codes that end in a rising number (`C-0007`)."""
    if all(_is_uuid(text) for text in texts):
        return lambda n: [
            str(uuid.UUID(bytes=rng.bytes(16), version=4))
            for rng in [stream(seed, "extend", name, 0)]
            for _ in range(n)
        ]
    parts = [_NUMBERED.fullmatch(text) for text in texts]
    known = [(part[1], part[2]) for part in parts if part is not None]
    if len(known) < len(texts) or len({prefix for prefix, _ in known}) > 1:
        return None
    prefix, width = known[0][0], min(len(digits) for _, digits in known)
    numbers = [int(digits) for _, digits in known]
    step = _id_step(numbers, key=key, first=first or prefix != "")
    if step is None:
        return None
    start = max(numbers)
    return lambda n: [f"{prefix}{start + step * place:0{width}}" for place in range(1, n + 1)]


def _id_step(numbers: Sequence[int], *, key: bool, first: bool) -> int | None:
    """The step of a column of ids; None if the column contains none."""
    if len(set(numbers)) < len(numbers):
        return None
    steps = {after - before for before, after in itertools.pairwise(numbers)}
    if first and steps == {1}:
        return 1
    if not key:
        return None
    (step, *others) = sorted(steps) or [1]
    return step if step > 0 and not others else 1


def _is_uuid(text: str) -> bool:
    try:
        return len(text) == 36 and bool(uuid.UUID(text))
    except ValueError:
        return False
