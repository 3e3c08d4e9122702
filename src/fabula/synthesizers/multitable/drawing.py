"""The codes of one table's rows, drawn under their parents and one sibling after the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fabula.relationships.keys import ForeignKey
from fabula.synthesizers.model import CellColumn, Codes
from fabula.synthesizers.multitable.balance import DRAWS, FEW_ROWS, Balance
from fabula.synthesizers.multitable.foreign_keys import Rows
from fabula.synthesizers.multitable.layout import BESIDE, Seen, Siblings
from fabula.synthesizers.multitable.matching import any_parents
from fabula.synthesizers.multitable.table_model import TableModel

LONGEST = 4_096
"""Siblings that are drawn one after the other. Later ones are drawn in stretches of that many, side
by side; each stretch goes on from the end of the first."""

Streams = Callable[[str], np.random.Generator]
"""The random stream of a purpose."""


@dataclass(frozen=True, eq=False)
class Stubs:
    """The parents that rows ask for by a key that does not lead them.

    Attributes:
        seen: The parents.
        groups: The group of each.
        counts: How many children each shall have.
    """

    seen: Seen
    groups: NDArray[np.int64]
    counts: NDArray[np.int64]


@dataclass(frozen=True)
class Drawing:
    """Rows of one table.

    What a row has depends on the parents that it has by all keys. Keys that do not lead the table
    first draw a group of parents; one of the group stands in for the parent until every row has
    asked. Then parents are chosen, and rows are drawn once more under these.

    Attributes:
        model: What was learned of the table.
        siblings: Where each row stands.
        stubs: The parents that are chosen later.
        streams: The random stream of each purpose.
    """

    model: TableModel
    siblings: Siblings
    stubs: Mapping[ForeignKey, Stubs]
    streams: Streams

    @property
    def waits(self) -> bool:
        """Whether rows depend on parents that are chosen later."""
        return any(stubs.seen.cells for stubs in self.stubs.values())

    def place(self, codes: Codes, parents: Seen | None) -> None:
        """Fill in what is known about rows before they are drawn."""
        if parents is None:
            return
        layout = self.model.layout
        layout.part(codes, "above")[:] = parents.at(self.siblings.parents)
        numbers = (self.siblings.sizes, self.siblings.positions)
        for name, bins, values in zip(BESIDE, self.model.beside, numbers, strict=True):
            layout.part(codes, name)[:, 0] = bins.codes(values)

    def put_beside(self, codes: Codes, links: Mapping[ForeignKey, Rows]) -> None:
        """Fill in the parents of keys that do not lead the table."""
        for key, stubs in self.stubs.items():
            self.model.layout.part(codes, f"beside:{key.name}")[:] = stubs.seen.at(links[key])

    def draw(self, codes: Codes, links: Mapping[ForeignKey, Rows] | None = None) -> None:
        """Draw what is not known, in place; sibling after sibling where a model looks back.

        Args:
            codes: The rows.
            links: The parents that were chosen; None if they are not chosen yet.
        """
        model, layout, chosen = self.model.model, self.model.layout, links is not None
        if model is None or not len(codes):
            return
        rng = self.streams("chosen" if chosen else "drawn")
        known = layout.known(len(codes), ())
        known[:, layout.context()] = True
        if self.model.identity.alone is not None:
            at, cells = natural_at(self.model, self.model.identity.alone)
            if not chosen:
                codes[:, at] = np.sort(rng.choice(cells.cells, len(codes), replace=False))
            known[:, at] = True
        if (panel := self.model.panel) is not None:
            ats = [natural_at(self.model, column)[0] for column in panel.columns]
            if not chosen:
                codes[:, ats] = panel.drawn(self.siblings, self.streams("panel"))
            known[:, ats] = True
        if links is not None:
            known |= layout.known(len(codes), self._groups)
            self.put_beside(codes, links)
        asks, balance = self.waits and not chosen, self._balance()
        if not layout.looking_back():
            codes[:] = self._completed(
                codes, known, rng, balance, until=layout.asked if asks else None
            )
            return
        before = self._before()
        by_place = np.argsort(before.places, kind="stable")
        for place, rows in enumerate(
            np.split(by_place, np.cumsum(np.bincount(before.places))[:-1])
        ):
            part, told = codes[rows], known[rows]
            for block, source in layout.looking_back():
                layout.part(part, block)[:] = layout.seen(codes, (source,)).at(before.rows[rows])
            if asks:
                part = model.complete(part, told, rng, until=layout.asked).codes
                part = self._stayed(part, told, rng) if place else part
                told |= layout.known(len(rows), self._groups)
                for key, stubs in self.stubs.items():
                    group = layout.part(part, f"group:{key.name}")[:, 0]
                    rows_of = any_parents(group, stubs.groups, stubs.counts, rng)
                    layout.part(part, f"beside:{key.name}")[:] = stubs.seen.at(rows_of)
            codes[rows] = self._completed(part, told, rng, balance)

    def _completed(
        self,
        codes: Codes,
        known: NDArray[np.bool_],
        rng: np.random.Generator,
        balance: Balance | None,
        until: int | None = None,
    ) -> Codes:
        """Rows with what is not known, in small tables the most balanced of several draws."""
        model = self.model.model
        assert model is not None
        if balance is None:
            return model.complete(codes, known, rng, until=until).codes
        several, told = np.repeat(codes, DRAWS, axis=0), np.repeat(known, DRAWS, axis=0)
        draws = model.complete(several, told, rng, until=until).codes
        return balance.chosen(draws.reshape(len(codes), DRAWS, -1), rng)

    def _balance(self) -> Balance | None:
        """What chooses among draws of rows, if the rows are few."""
        layout = self.model.layout
        if len(self.siblings.parents) > FEW_ROWS:
            return None
        known = [
            at
            for block, (start, end) in layout.blocks.items()
            if block == "above" or block.startswith("beside:")
            for at in range(start, end)
        ]
        return Balance(layout.columns, layout.drawn(), known)

    @property
    def _groups(self) -> list[str]:
        return [block for block in self.model.layout.blocks if block.startswith("group:")]

    def _before(self) -> _Before:
        """The row before each, and its place; rows of one place are drawn side by side."""
        before, places = self.siblings.previous, self.siblings.positions.copy()
        later = np.flatnonzero(places >= LONGEST)
        places[later] = LONGEST + places[later] % LONGEST
        heads = later[places[later] == LONGEST]
        before[heads] = heads - self.siblings.positions[heads] + LONGEST - 1
        return _Before(before, places)

    def _stayed(self, codes: Codes, known: NDArray[np.bool_], rng: np.random.Generator) -> Codes:
        """Siblings put back to the group of the one before, as far as fewer real ones change it.

        Small errors of a model would add up: few albums have tracks of two genres.
        """
        model, layout = self.model.model, self.model.layout
        assert model is not None
        for key in self.model.links.others:
            at, before = (
                layout.blocks.get(f"{block}:{key.name}", (-1,))[0] for block in ("group", "before")
            )
            if before < 0:
                continue
            changed = np.flatnonzero(codes[:, at] != codes[:, before])
            most = rng.binomial(len(codes), self.model.reach[key].changes)
            back = rng.permutation(changed)[: max(0, len(changed) - most)]
            if len(back):
                codes[back, at] = codes[back, before]
                fixed = known[back]
                fixed[:, at] = True
                codes[back] = model.complete(codes[back], fixed, rng, until=layout.asked).codes
        return codes


def natural_at(model: TableModel, column: str) -> tuple[int, CellColumn]:
    """Where a part of the key that keeps its real values is in the codes, and its cells."""
    assert model.columns is not None
    at = model.layout.blocks["own"][0] + model.columns.names.index(column)
    return at, model.layout.columns[at]


@dataclass(frozen=True, eq=False)
class _Before:
    rows: Rows
    places: NDArray[np.int64]
