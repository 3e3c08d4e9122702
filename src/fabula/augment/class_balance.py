"""How many new rows each class gets, so that classes end as level as they can."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Sequence
from typing import Any


def levelling(values: Sequence[Any], n: int) -> list[Any]:
    """The classes of `n` new rows, in the order in which they are made.

    Each row goes to the class with the fewest rows so far, so the outcome is exact and does not
    depend on chance; missing values are not class.

    Examples:
        >>> levelling(["ok", "ok", "ok", "fraud"], 3)
        ['fraud', 'fraud', 'ok']
    """
    counts = Counter(value for value in values if value is not None)
    places = {value: place for place, value in enumerate(counts)}
    fewest = [(count, places[value]) for value, count in counts.items()]
    heapq.heapify(fewest)
    classes = list(places)
    chosen = []
    for _ in range(n):
        count, place = fewest[0]
        heapq.heapreplace(fewest, (count + 1, place))
        chosen.append(classes[place])
    return chosen
