"""Discrete events: entities that go from station to station, each at its own time.

Arrivals, services and departures are events on one heap, so time jumps from one to the next. The
loop is compiled by numba where that is installed, and gives the same numbers without.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from heapq import heappop, heappush
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fabula.simulation.faults import ModelFault

COMPILED_FROM = 200_000
"""Visits from which compiling the loop costs less than it saves."""
_NOWHERE = -1


@dataclass(frozen=True)
class Visits:
    """What happened at the stations, one value a visit, in the order in which visits started.

    Attributes:
        entity: The row of who came.
        station: The place of the station among those given.
        arrived: When it came, in the unit of the times given.
        started: When its service began.
        left: When its service ended.
        server: Which server served it, from 0.
    """

    entity: NDArray[np.int64]
    station: NDArray[np.int64]
    arrived: NDArray[np.float64]
    started: NDArray[np.float64]
    left: NDArray[np.float64]
    server: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.entity)

    @property
    def waited(self) -> NDArray[np.float64]:
        """How long each waited."""
        return self.started - self.arrived


def visits(
    arrived: ArrayLike,
    stations: Mapping[str, int],
    *,
    service: ArrayLike,
    route: Sequence[Sequence[int]] | NDArray[np.int64] | None = None,
    priority: ArrayLike | None = None,
) -> Visits:
    """Let entities pass stations, each of which serves as many at a time as it has servers.

    Whoever waits with the lowest priority number is served first, then whoever came first, then
    the lower row.

    Args:
        arrived: When each entity comes to its first station; shape (entities,).
        stations: The servers of each station, by name.
        service: How long each service takes; shape (entities,) or (entities, visits).
        route: The stations that each entity passes, by their place among `stations`; -1 after the
            last. Shape (entities, visits); by default all pass all stations in their order.
        priority: A number for each entity; lower ones are served first.

    Raises:
        ModelFault: A time is below 0 or no number, or shapes or stations don't fit.

    Examples:
        >>> made = visits([0.0, 0.5, 1.0], {"desk": 1}, service=[2.0, 2.0, 2.0])
        >>> made.started.tolist()
        [0.0, 2.0, 4.0]
    """
    times = np.asarray(arrived, dtype=np.float64)
    n = len(times)
    places = np.arange(len(stations)) if route is None else np.asarray(route, dtype=np.int64)
    places = np.ascontiguousarray(np.broadcast_to(places, (n, places.shape[-1])))
    lengths = np.asarray(service, dtype=np.float64).reshape(n, -1 if n else places.shape[-1])
    lengths = np.ascontiguousarray(np.broadcast_to(lengths, places.shape))
    ranks = np.zeros(n, dtype=np.int64)
    ranks = ranks + np.asarray(0 if priority is None else priority, dtype=np.int64)
    servers = np.array([*stations.values()], dtype=np.int64)
    if servers.size and servers.min() < 1:
        raise ModelFault("a station has no server", "give each at least one")
    for what, values in (("arrivals", times), ("services", lengths[places >= 0])):
        if values.size and not (np.isfinite(values).all() and values.min() >= 0):
            raise ModelFault(f"a time of the {what} is below 0 or not a number")
    if places.size and not _NOWHERE <= places.min() <= places.max() < len(servers):
        raise ModelFault(f"a route leads to no station; there are {len(servers)}")
    order = np.lexsort((np.arange(n), times))
    loop = _compiled() if places.size >= COMPILED_FROM else _pass
    return Visits(*loop(times, order, places, lengths, ranks, servers))


@cache
def _compiled() -> Callable[..., Any]:
    """The loop as numba compiles it, or as it is."""
    try:
        import numba
    except ImportError:
        return _pass
    compiled: Callable[..., Any] = numba.njit(_pass)
    return compiled


def _pass(  # noqa: PLR0917  (arrays alone, which numba takes)
    times: NDArray[np.float64],
    order: NDArray[np.int64],
    places: NDArray[np.int64],
    lengths: NDArray[np.float64],
    ranks: NDArray[np.int64],
    servers: NDArray[np.int64],
) -> Any:
    """Work off the events: the next arrival from outside, or the next end of a service."""
    total = (places >= 0).sum()
    entity, station = np.empty(total, np.int64), np.empty(total, np.int64)
    came, began, ended = np.empty(total), np.empty(total), np.empty(total)
    server = np.empty(total, np.int64)
    # Each heap starts with an entry that never comes up, so that its type is known.
    ends = [(np.inf, -1, -1, -1)]  # when, entity, visit, server
    waiting = [[(2**62, np.inf, -1, -1)] for _ in servers]  # rank, since when, entity, visit
    free = [[2**62] for _ in servers]
    for place in range(len(servers)):
        for each in range(servers[place]):
            heappush(free[place], each)
    done, outside = 0, 0
    while outside < len(order) or len(ends) > 1:
        arrives = times[order[outside]] if outside < len(order) else np.inf
        if ends[0][0] <= arrives:  # who leaves makes room before the next one comes
            now, who, visit, which = heappop(ends)
            heappush(free[places[who, visit]], which)
            freed = places[who, visit]
            visit += 1
        else:
            now, who, visit, freed = arrives, order[outside], 0, -1
            outside += 1
        goes = -1
        if visit < places.shape[1] and places[who, visit] >= 0:
            goes = places[who, visit]
            heappush(waiting[goes], (ranks[who], now, who, visit))
        for place in (freed, goes):
            while place >= 0 and len(free[place]) > 1 and len(waiting[place]) > 1:
                _, since, next_one, its_visit = heappop(waiting[place])
                which = heappop(free[place])
                leaves = now + lengths[next_one, its_visit]
                heappush(ends, (leaves, next_one, its_visit, which))
                entity[done], station[done], server[done] = next_one, place, which
                came[done], began[done], ended[done] = since, now, leaves
                done += 1
    return entity[:done], station[:done], came[:done], began[:done], ended[:done], server[:done]
