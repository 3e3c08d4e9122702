"""Notices ids that a model counts wrongly: from 0, again from the start, or twice.

Where the rows' ids are Fabula's own, those of the model are left out; it is said all the same,
since other values may have been written to go with them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_ID = re.compile(r"id|.*[_ -]id|.*[a-z]Id", re.I)


class IdWatch:
    """Looks at the ids in the replies to one job.

    Args:
        names: The fields asked. An id is `id`, or the first of them where it is called so.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._first = names[0] if names and _ID.fullmatch(names[0]) else "id"
        self._seen: set[int] = set()
        self._start: int | None = None

    def notes(self, items: Sequence[Any]) -> Iterator[str]:
        """What is wrong with the ids of one reply, in words."""
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
            yield f"`{self._first}` holds values of an earlier reply again"
        if len(set(ids)) < len(ids):
            yield f"`{self._first}` holds a value twice in one reply"
        self._seen.update(ids)

    def _id(self, item: Any) -> int | None:
        """The whole number that is a row's id."""
        if not isinstance(item, Mapping):
            return None
        name = next((key for key in item if str(key).lower() == self._first.lower()), None)
        value = None if name is None else item[name]
        if isinstance(value, str) and value.strip().isdecimal():
            value = int(value)
        return value if isinstance(value, int) and not isinstance(value, bool) else None
