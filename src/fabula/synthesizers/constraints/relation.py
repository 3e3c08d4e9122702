"""One column that follows from others, and how it is put to what they give."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fabula.io.arrays import array_of
from fabula.synthesizers.codecs.codec import CodecState
from fabula.synthesizers.constraints.absences import Absence
from fabula.synthesizers.constraints.cases import Formula, formula_of, formula_state
from fabula.synthesizers.constraints.choices import Choice
from fabula.synthesizers.constraints.lookups import Lookup
from fabula.synthesizers.constraints.measures import Flags, Measure
from fabula.synthesizers.constraints.sheet import Sheet

ByLabel: TypeAlias = Lookup | Choice | Absence

_BY_LABEL: Mapping[str, type[ByLabel]] = {"lookup": Lookup, "choice": Choice, "absence": Absence}


@dataclass(frozen=True, eq=False)
class Relation:
    """One column that follows from others.

    Attributes:
        target: The column.
        how: Its formula, or what each value of another column goes with.
        broken: Training rows that have another value.
        otherwise: What it follows from where a lookup does not know the other column's value.
    """

    target: str
    how: Formula | ByLabel
    broken: int = 0
    otherwise: tuple[ByLabel, ...] = ()

    @property
    def sources(self) -> tuple[str, ...]:
        """The columns that it follows from."""
        others = [name for how in self.otherwise for name in how.sources]
        return tuple(dict.fromkeys([*self.how.sources, *others]))

    def told(self, measures: Mapping[str, Measure]) -> str:
        """The relation in words."""
        how = self.how
        if isinstance(how, ByLabel):
            told = ", else ".join(item.told for item in (how, *self.otherwise))
        else:
            told = how.told(measures[self.target], measures)
        differ = f"{self.broken:,} training row{'s differ' if self.broken > 1 else ' differs'}"
        return f"{told} ({differ})" if self.broken else told

    def follow(self, sheet: Sheet, rows: Flags, rng: np.random.Generator) -> Flags:
        """Put the column, in some rows, to what follows for it; tells which values can be.

        A number that is as near as the column's decimals allow stays unchanged.
        """
        if not isinstance(self.how, ByLabel):
            return self._compute(self.how, sheet, rows)
        left, possible = np.ones(len(rows), bool), np.ones(len(rows), bool)
        for how in (self.how, *self.otherwise):
            drawn, source = sheet.values(self.target), sheet.values(how.source)
            if isinstance(how, Lookup):
                values, known = how.found(source)
                sheet.replace(self.target, merged(drawn, values, rows & left & known))
                left &= ~known
            else:
                values, can = how.put(drawn, source, rows & left, rng)
                sheet.replace(self.target, values)
                possible &= can | ~left
        return possible

    def _compute(self, formula: Formula, sheet: Sheet, rows: Flags) -> Flags:
        drawn, measure = sheet.values(self.target), sheet.measures[self.target]
        numbers, computed = sheet.numbers(self.target), formula.numbers(sheet)
        room = measure.tolerance(numbers, formula.size(sheet))
        other = rows & ~(np.abs(computed - numbers) <= room)
        sheet.replace(self.target, merged(drawn, measure.values(computed), other))
        return measure.inside(computed) | ~other

    def states(self) -> tuple[CodecState, ...]:
        """The relation as plain values; the first is `how`."""
        settings = {"target": self.target, "broken": self.broken}
        if not isinstance(self.how, ByLabel):
            return (CodecState("formula", {**settings, "formula": formula_state(self.how)}),)
        return tuple(how.state(settings) for how in (self.how, *self.otherwise))

    @classmethod
    def restore(cls, states: Iterable[CodecState]) -> list[Relation]:
        """The relations of states."""
        found: dict[str, Relation] = {}
        for state in states:
            target, how = state.settings["target"], _how(state)
            if target in found and isinstance(how, ByLabel):
                before = found[target]
                found[target] = replace(before, otherwise=(*before.otherwise, how))
            else:
                found[target] = cls(target, how, state.settings.get("broken", 0))
        return list(found.values())


def _how(state: CodecState) -> Formula | ByLabel:
    if state.family == "formula":
        return formula_of(state.settings["formula"])
    return _BY_LABEL[state.family].restore(state)


def merged(values: pa.Array, others: pa.Array, rows: Flags) -> pa.Array:
    """Values with others in some rows."""
    return pc.if_else(array_of(rows), others.cast(values.type), values)
