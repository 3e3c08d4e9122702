"""How many rows each topic should have, what is missing, and how even topics are."""

from __future__ import annotations

import heapq
import math
from collections.abc import Mapping, Sequence

from fabula.errors import UsageError, did_you_mean


def evenness(counts: Sequence[int]) -> float:
    """Shannon entropy of the shares over its maximum: 1 when all are equal, 0 with one topic."""
    total = sum(counts)
    if len(counts) < 2 or not total:
        return 0.0
    shares = [count / total for count in counts if count]
    return max(0.0, -sum(share * math.log(share) for share in shares)) / math.log(len(counts))


def missing(
    counts: Mapping[str, int], shares: Mapping[str, float], n: int | None
) -> dict[str, int]:
    """The rows that each topic lacks to have its share; nothing is ever removed.

    The topic that is farthest behind comes first, until all are level with the one that is
    farthest ahead, or `n` rows are dealt out.

    Examples:
        >>> missing({"cars": 5, "food": 2}, {"cars": 0.5, "food": 0.5}, None)
        {'food': 3}
    """
    level = max((counts[name] / share for name, share in shares.items() if share), default=0.0)
    behind = [
        (counts[name] / share, place) for place, (name, share) in enumerate(shares.items()) if share
    ]
    heapq.heapify(behind)
    names = list(shares)
    dealt: dict[str, int] = {}
    while behind and (n is None or sum(dealt.values()) < n):
        filled, place = behind[0]
        name = names[place]
        after = (counts[name] + dealt.get(name, 0) + 1) / shares[name]
        if filled >= level - 1e-9:
            break
        dealt[name] = dealt.get(name, 0) + 1
        heapq.heapreplace(behind, (after, place))
    return {name: dealt[name] for name in names if name in dealt}


def coverage(counts: Mapping[str, int], targets: Mapping[str, int]) -> float:
    """Share of the wanted rows that are there; a topic above its target counts as full."""
    wanted = sum(targets.values())
    return sum(min(counts[name], targets[name]) for name in targets) / wanted if wanted else 1.0


def read_shares(given: Mapping[str, float], topics: Sequence[str]) -> dict[str, float]:
    """The share of every topic: those given, by name or number, and equal parts of the rest.

    Raises:
        UsageError: A topic is unknown, or the shares exceed 1.
    """
    by_key = {str(number): name for number, name in enumerate(topics, 1)}
    by_key |= {name.casefold(): name for name in topics}
    shares: dict[str, float] = {}
    for key, share in given.items():
        name = by_key.get(key.strip().casefold())
        if name is None:
            near = did_you_mean(key, topics)
            hint = near or f"topics are {', '.join(topics)}; their numbers will do, too"
            raise UsageError(f"there is no topic `{key}`", code="usage.unknown-topic", hint=hint)
        shares[name] = share
    rest, left = 1 - sum(shares.values()), [name for name in topics if name not in shares]
    if min(shares.values(), default=0) < 0 or rest < -1e-9 or (not left and rest > 1e-9):
        raise UsageError(
            f"the shares add up to {1 - rest:g}, not to 1",
            code="usage.shares",
            hint="give shares between 0 and 1 that add up to 1, or leave topics out",
        )
    return {name: shares.get(name, rest / len(left) if left else 0.0) for name in topics}
