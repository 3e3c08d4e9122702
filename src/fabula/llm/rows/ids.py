"""Detects IDs that a model counts wrongly: from 0, restarting, or twice.

If Fabula generates the IDs, the model's are left out; the fault is still reported, since other
values may depend on them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_ID = re.compile(r"id|.*[_ -]id|.*[a-z]Id", re.I)


class IdWatch:
    """Checks the IDs in the replies to one job.

    Args:
        names: The requested fields. The ID is `id`, or the first field if its name says so.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._first = names[0] if names and _ID.fullmatch(names[0]) else "id"
        self._seen: set[int] = set()
        self._start: int | None = None

    def notes(self, items: Sequence[Any]) -> Iterator[str]:
        """Describes what is wrong with the IDs of one reply."""
        ids = [value for item in items if (value := self._id(item)) is not None]
        if not ids:
            return
        if self._start is None:
            self._start = ids[0]
            if ids[0] == 0:
                yield f"`{self._first}` starts at 0 in the replies"
        elif ids[0] == self._start and len(self._seen) > 1:
            yield f"`{self._first}` starts again at {self._start} in a further reply"
        elif self._seen & set(ids):
            yield f"`{self._first}` repeats values of an earlier reply"
        if len(set(ids)) < len(ids):
            yield f"`{self._first}` has a value twice in one reply"
        self._seen.update(ids)

    def _id(self, item: Any) -> int | None:
        """A row's integer ID."""
        if not isinstance(item, Mapping):
            return None
        name = next((key for key in item if str(key).lower() == self._first.lower()), None)
        value = None if name is None else item[name]
        if isinstance(value, str) and value.strip().isdecimal():
            value = int(value)
        return value if isinstance(value, int) and not isinstance(value, bool) else None
