"""Agents: populations that act in steps, quantities that are conserved, events as tables.

>>> from fabula.simulation import World, conserved, money, state
"""

from fabula.simulation.columns import conserved, money, state, when
from fabula.simulation.queues import visits
from fabula.simulation.world import World

__all__ = ["World", "conserved", "money", "state", "visits", "when"]
