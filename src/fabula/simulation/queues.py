"""Discrete events: entities that go from station to station, each at its own time.

Arrivals, services and departures are events on one heap, so time jumps from one to the next. Large
runs are compiled where numba is installed, to the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fabula.simulation.faults import ModelFault

COMPILED_FROM = 500_000
"""Visits from which on compiling the loop costs less than it saves."""
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
    ranks = np.asarray(0 if priority is None else priority, dtype=np.int64)
    ranks = np.ascontiguousarray(np.broadcast_to(ranks, (n,)))
    servers = np.array([*stations.values()], dtype=np.int64)
    if servers.size and servers.min() < 1:
        raise ModelFault("a station has no server", "give each at least one")
    ends = bool(places.size) and int(places.min()) < 0  # some routes are shorter than others
    for what, values in (
        ("arrivals", times),
        ("services", lengths[places >= 0] if ends else lengths),
    ):
        if values.size and not (values.min() >= 0 and values.max() < np.inf):
            raise ModelFault(f"a time of the {what} is below 0 or not a number")
    if places.size and not _NOWHERE <= places.min() <= places.max() < len(servers):
        raise ModelFault(f"a route leads to no station; there are {len(servers)}")
    if ends and ((places[:, :-1] < 0) & (places[:, 1:] >= 0)).any():
        raise ModelFault("a route goes on after -1, which ends it", "put -1 after its last station")
    in_order = bool((times[1:] >= times[:-1]).all())
    order = np.arange(n) if in_order else np.argsort(times, kind="stable")
    return Visits(*_loop(places.size)(times, order, places, lengths, ranks, servers))


def _loop(count: int) -> Callable[..., Any]:
    """The loop for this many visits: compiled where that pays, and numba is there."""
    if count >= COMPILED_FROM:
        with suppress(ImportError):
            from fabula.simulation.compiled_queues import passed as compiled

            return compiled
    return passed


def passed(  # noqa: PLR0917  (arrays alone, which numba takes)
    times: NDArray[np.float64],
    order: NDArray[np.int64],
    places: NDArray[np.int64],
    lengths: NDArray[np.float64],
    ranks: NDArray[np.int64],
    servers: NDArray[np.int64],
) -> Any:
    """Work off the events: the next arrival from outside, or the next end of a service.

    Returns:
        What `Visits` keeps, in its order.
    """
    made: list[tuple[int, int, float, float, float, int]] = []
    route, took, urgency = places.tolist(), lengths.tolist(), ranks.tolist()
    ends: list[tuple[float, int, int, int]] = []  # when, entity, visit, server
    waiting: list[list[tuple[int, float, int, int]]] = [[] for _ in servers]  # rank, since, entity
    free = [[*range(count)] for count in servers.tolist()]
    coming = [*zip(times[order].tolist(), order.tolist(), strict=True)][::-1]
    while coming or ends:
        if ends and (not coming or ends[0][0] <= coming[-1][0]):
            now, who, visit, which = heappop(ends)  # makes room before the next one comes
            freed = route[who][visit]
            heappush(free[freed], which)
            visit += 1
        else:
            (now, who), visit, freed = coming.pop(), 0, _NOWHERE
        goes = route[who][visit] if visit < len(route[who]) else _NOWHERE
        if goes >= 0:
            heappush(waiting[goes], (urgency[who], now, who, visit))
        for place in (freed, goes):
            if place >= 0 and free[place] and waiting[place]:
                _, since, entity, visit = heappop(waiting[place])
                which = heappop(free[place])
                leaves = now + took[entity][visit]
                heappush(ends, (leaves, entity, visit, which))
                made.append((entity, place, since, now, leaves, which))
    columns = zip(*made, strict=True) if made else [()] * 6
    kinds = (np.int64, np.int64, np.float64, np.float64, np.float64, np.int64)
    return [np.array(column, kind) for column, kind in zip(columns, kinds, strict=True)]
