"""What a run looks like over time: events, money, conserved quantities, and states of agents."""

from __future__ import annotations

from typing import Any

import numpy as np

from fabula.simulation.columns import CENTS
from fabula.simulation.world import World

POINTS = 200
"""The most points in time that are kept."""
MOST_STATES = 8
"""State columns of more values than this are not counted by value."""


class History:
    """Numbers of a world at evenly spread steps, for its page.

    Args:
        world: The world.
        steps: How many steps its run makes.
    """

    def __init__(self, world: World, steps: int) -> None:
        self._world, self._every = world, max(1, -(-steps // POINTS))
        self.values: dict[str, list[Any]] = {"step": []}

    def note(self) -> None:
        """Keep the numbers of the step that was just made, where its turn has come."""
        world = self._world
        if world.step % self._every:
            return
        self.values["step"].append(world.step)
        for name, event in world.events.items():
            self._add(f"rows {name}", event.count)
            for column, total in event.sums.items():
                if event.columns[column] == "money":
                    self._add(f"money {name}.{column}", total / CENTS)
        for name, population in world.populations.items():
            for column, account in population.accounts.items():
                scale = CENTS if population.roles[column].money else 1
                self._add(f"left {name}.{column}", account.due / scale)
                self._add(f"lent {name}.{column}", account.lent / scale)
            for column, role in population.roles.items():
                values = population.columns[column]
                if role.changes and len(values) and values.dtype.kind == "i":
                    known = values.min() >= 0 and values.max() < MOST_STATES
                    counts = np.bincount(values, minlength=MOST_STATES).tolist() if known else []
                    self._add(f"state {name}.{column}", counts)

    def _add(self, name: str, value: Any) -> None:
        self.values.setdefault(name, []).append(value)
