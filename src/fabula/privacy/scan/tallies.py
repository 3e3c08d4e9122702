"""What a scan counts: real values by file and sort, of which chance explains some."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fabula.privacy.notes.details import TAIL
from fabula.privacy.scan.chance import is_chance
from fabula.privacy.scan.leaks import Leak, hidden
from fabula.privacy.scan.real_values import BEGINNING, Sought
from fabula.render import amounts

_MOST_ENDS = 1000
_PAIR = Sought("", "first and last name", "name", "near to each other")
_SINGLE = Sought("", "first or last name", "name", "by itself")
PARTS = ("local part", BEGINNING, "last digits", _PAIR.form, _SINGLE.form)
"""Parts of values, and names that two people may share."""


class Source(NamedTuple):
    """Where a text is from.

    Attributes:
        file: The file, or the table.
        part: The part of the file, or the column.
        how: How the text was written there.
        table: Whether the file contains tables.
    """

    file: str
    part: str
    how: str
    table: bool


@dataclass
class _Tally:
    """Leaks of one sort in one file.

    Attributes:
        place: Where the first is.
        example: The first, hidden.
        counts: How many there are, by part of the file.
        ends: Their last signs: numbers that differ in the area code alone are one draw of chance.
    """

    place: str
    example: str
    counts: dict[str, int] = field(default_factory=dict)
    ends: set[str] = field(default_factory=set)


class Tallies:
    """What was found so far.

    Args:
        sought: The sorts of real values.

    Attributes:
        sorts: The same; the last two are single names, and names of one person (-2 and -1).
        as_places: How often a sort was seen in new streets and towns of a table.
        notes: What chance explains.
    """

    def __init__(self, sought: Sequence[Sought]) -> None:
        self.sorts = [*sought, _SINGLE, _PAIR]
        self.as_places: Counter[tuple[str, Sought]] = Counter()
        self.notes: list[str] = []
        self._tallies: dict[tuple[str, Sought, str], _Tally] = {}
        self._expected: dict[tuple[str, str, str], NDArray[np.float64]] = {}

    def add(self, source: Source, sought: Sought, place: Callable[[], str], value: str) -> None:
        """Count a value; `place` tells where it is."""
        key = (source.file, sought, source.how)
        tally = self._tallies.get(key)
        if tally is None:
            tally = self._tallies[key] = _Tally(place(), hidden(value))
        tally.counts[source.part] = tally.counts.get(source.part, 0) + 1
        if len(tally.ends) < _MOST_ENDS:
            tally.ends.add("".join(filter(str.isalnum, value))[-TAIL:])

    def put(self, table: str, sought: Sought, place: str, value: str, count: int) -> None:
        """Count many values of a table at once, of which chance explains none."""
        self._tallies[table, sought, "as it is"] = _Tally(place, hidden(value), {"": count})

    def chance(self, source: Source) -> NDArray[np.float64]:
        """How many values of each sort chance brings where a text is from."""
        key = source.file, source.part, source.how
        return self._expected.setdefault(key, np.zeros(len(self.sorts) - 2))

    def leaks(self, tables: Mapping[str, str]) -> Iterator[Leak]:
        """Everything that was found, without what chance explains.

        Args:
            tables: The tables of files.
        """
        numbers = {sought: at for at, sought in enumerate(self.sorts[:-2])}
        for (file, sought, how), tally in self._tallies.items():
            column = ".".join(part for part in (sought.table, sought.column) if part)
            chances = {
                part: float(self._expected[file, part, how][numbers[sought]])
                if sought in numbers and (file, part, how) in self._expected
                else 0.0
                for part in tally.counts
            }
            known = 0 < len(tally.ends) < _MOST_ENDS
            few = len(tally.ends) if known else sum(tally.counts.values())
            if all(is_chance(min(n, few), chances[part]) for part, n in tally.counts.items()):
                part = max(tally.counts, key=tally.counts.__getitem__)
                self.notes.append(
                    f"{file}: {amounts.count(tally.counts[part], 'number')} equal real ones of"
                    f" `{column}` ({sought.form or how}); chance brings about {chances[part]:.2g}"
                )
                continue
            count = max(tally.counts.values())
            if how == "as it is":  # a new street may be called like someone
                count -= self.as_places[tables.get(file, ""), sought]
            if count <= 0:
                continue
            told = ", ".join(part for part in (sought.form, how) if part and part != "as it is")
            yield Leak(file, tally.place, sought.kind, column, told or how, count, tally.example)
