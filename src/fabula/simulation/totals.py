"""What is known of a run as a whole: its totals, by which runs are compared, and its keys."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from fabula.simulation.columns import CENTS
from fabula.simulation.faults import ModelFault, located
from fabula.simulation.watch import bounded
from fabula.simulation.world import World


def totals(world: World) -> dict[str, float]:
    """Numbers of the whole run by name; amounts of money are in units, not in cents.

    `orders` is the number of rows, `orders.total` the sum of a column, `products.stock.taken` what
    left a conserved column, and `.arrived` what came. Measures of the model have their own names.

    Raises:
        SpecError: A measure fails, or returns no number; the error has its line.
    """
    made: dict[str, float] = {}
    for name, event in world.events.items():
        made[name] = event.count
        for column, total in event.sums.items():
            is_money = event.columns[column] == "money"
            made[f"{name}.{column}"] = total / CENTS if is_money else total
    for name, population in world.populations.items():
        for column, account in population.accounts.items():
            unit = CENTS if population.roles[column].money else 1
            made[f"{name}.{column}.taken"] = account.taken / unit
            made[f"{name}.{column}.arrived"] = account.arrived / unit
    for name, measure in world.measures.items():
        with located(measure, f"measure {name}".__str__), bounded(world.limit):
            found = measure()
            if isinstance(found, bool) or not isinstance(found, int | float | np.number):
                raise ModelFault(f"the measure returns a {type(found).__name__}, not a number")
            if not math.isfinite(found):
                raise ModelFault(f"the measure returns {found}", "guard its divisions")
            made[name] = float(found)
    return made


def key_facts(world: World) -> dict[str, Any]:
    """The table whose key each column has, and the range of each table's keys."""
    tables: dict[str, Any] = {**world.populations, **world.events}
    return {
        "keys": {name: table.keys_shown() for name, table in tables.items()},
        "key_ranges": {name: table.key_range() for name, table in tables.items()},
    }
