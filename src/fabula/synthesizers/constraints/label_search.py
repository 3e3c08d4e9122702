"""Search for columns that follow from the label, or the common number, of another one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import pyarrow as pa
import pyarrow.compute as pc

from fabula.synthesizers.codecs.categories import OTHER, plain_values
from fabula.synthesizers.constraints.absences import find_absences
from fabula.synthesizers.constraints.choices import Choice
from fabula.synthesizers.constraints.lookups import Common, Labels, Lookup, lookup
from fabula.synthesizers.constraints.relation import ByLabel, Relation


@dataclass(eq=False)
class LabelSearch:
    """Lookups and choices, which are added to the relations found so far.

    Attributes:
        table: Training rows.
        names: Columns of labels and of numbers.
        times: Columns whose parts may be looked up.
        common: Labels that are told.
        given: Columns that follow from elsewhere.
        found: Relations by their targets; grows.
        is_free: Whether a column may still follow from others.
    """

    table: pa.Table
    names: Sequence[str]
    times: Sequence[str]
    common: Common
    given: Collection[str]
    found: dict[str, Relation]
    is_free: Callable[[str, Sequence[str]], bool]
    exact: Mapping[str, list[tuple[str, str]]] = field(default_factory=dict)
    nearly: Mapping[str, list[tuple[str, str]]] = field(default_factory=dict)

    def lookups(self, few: pa.Table, *, nearly: bool = False) -> None:
        """Labels and numbers that follow from another column.

        Where two follow from each other, a number does from a label, and a later column does.

        Args:
            few: Some of the rows.
            nearly: A few rows, or values of the other column, may disagree.
        """
        if not self.names:
            return
        labels = Labels(few, self.names, self.times)
        candidates = labels.candidates(nearly=nearly)
        if nearly:
            self.nearly = candidates
        else:
            self.exact = candidates
        for target in reversed(self.names):
            for source, part in candidates[target]:
                if self.is_free(target, (source,)):
                    how = lookup(self.table, target, source, part, self.common, nearly=nearly)
                    if how is not None:
                        self.found[target] = Relation(target, *how)

    def rest(self) -> None:
        """What holds for few values, and labels that go with a column which follows already.

        A lookup of few values still holds for them; where a lookup does not know a value, the
        column may follow from another one.
        """
        for target in reversed(self.names):
            if target not in self.found:
                ways = self._ways(target)
                if ways:
                    self.found[target] = Relation(target, ways[0], otherwise=ways[1:])
        self._choices()
        for target, item in list(self.found.items()):
            if isinstance(item.how, Lookup) and not item.otherwise:
                others: list[ByLabel] = [*self._ways(target), *self._wanted(target)]
                self.found[target] = replace(item, otherwise=tuple(others))
        find_absences(
            self.table, self.names, self.common, self.is_free,
            lambda target, rule: self.found.update({target: Relation(target, rule)}),
        )  # fmt: skip

    def _ways(self, target: str) -> tuple[Lookup, ...]:
        """Further lookups of a label by labels that hold on all rows, those of most rows first."""
        item = self.found.pop(target, None)
        used = () if item is None else item.sources
        ways: list[Lookup] = []
        labels = self.common.levels if target in self.common.levels else ()
        for source, part in self.exact.get(target, ()):
            new = not part and source in labels and source not in used
            if new and self.is_free(target, (source,)):
                how = lookup(self.table, target, source, "", self.common, least=0.0)
                ways += [] if how is None else [how[0]]
        if item is not None:
            self.found[target] = item
        return tuple(ways)

    def _wanted(self, target: str) -> list[Choice]:
        """The column of most labels that a label has to give, if that does not follow from it.

        One is enough: columns of fewer labels mostly follow from those of more.
        """
        item, found = self.found.pop(target), []
        for wanted in self.names:
            exact = (target, "") in self.exact.get(wanted, ()) and wanted not in item.sources
            if exact and self.is_free(target, (wanted,)):
                found += self._choice(wanted, target)
        self.found[target] = item
        return [how for how, _ in sorted(found, key=lambda way: -len(way[0].lookup.keys))[:1]]

    def _choices(self) -> None:
        """Labels that give a column which follows from another one, or another table, already."""
        given = [name for name, item in self.found.items() if isinstance(item.how, Lookup)]
        given += sorted(set(self.given) & self.common.levels.keys())
        for target in given:
            for source, part in (*self.nearly.get(target, ()), *self.exact.get(target, ())):
                if not part and source in self.common.levels and self.is_free(source, (target,)):
                    for how, broken in self._choice(target, source):
                        self.found[source] = Relation(source, how, broken)

    def _choice(self, wanted: str, target: str) -> list[tuple[Choice, int]]:
        """The choice of a label that gives what is wanted, if it is one, and rows that differ."""
        found = lookup(self.table, wanted, target, "", self.common, nearly=True, least=0.0)
        if found is None or target not in self.common.levels:
            return []
        how, broken = found
        values = self.table.column(target).combine_chunks()
        needed = plain_values(self.table.column(wanted).combine_chunks()).drop_null()
        lacking = not pc.all(pc.is_in(needed, value_set=how.values.cast(needed.type))).as_py()
        rest = OTHER if lacking and target in self.common.pooled else ""
        return [(Choice.of(wanted, how, values, rest), broken)]


def leads(sources: Mapping[str, Sequence[str]], start: str, end: str) -> bool:
    """Whether one column follows from another, maybe through others.

    Args:
        sources: What columns follow from.
        start: The column.
        end: The other one; every column leads to itself.
    """
    open_ = [start]
    while open_:
        name = open_.pop()
        if name == end:
            return True
        open_ += sources.get(name, ())
    return False
