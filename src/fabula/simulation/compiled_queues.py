"""The loop of `queues` as numba compiles it: the same visits, with heaps in arrays.

A set of heaps is their entries, where each one starts, and how many it has. An entry has a rank, a
time and a number; the smallest is on top. One heap has the services under way: when they end, and
whose they are. Each station has a heap of its free servers, and one of who waits there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba
import numpy as np
from numpy.typing import NDArray

ENTRY = np.dtype([("rank", np.int64), ("time", np.float64), ("number", np.int64)])
Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """The function as numba compiles it."""
    made: Function = numba.njit(function, inline="always")
    return made


def _heaps(sizes: NDArray[np.int64]) -> tuple[NDArray[Any], NDArray[np.int64], NDArray[np.int64]]:
    return np.empty(sizes.sum(), ENTRY), np.cumsum(sizes) - sizes, np.zeros_like(sizes)


@compiled
def _is_less(entry: Any, rank: Any, time: Any, number: Any) -> Any:
    # Without branches: no processor can predict which of two random numbers is smaller.
    later = (entry.time < time) | ((entry.time == time) & (entry.number < number))
    return (entry.rank < rank) | ((entry.rank == rank) & later)


@compiled
def _push(heaps: Any, heap: Any, rank: Any, time: Any, number: Any) -> None:
    entries, first, place = heaps[0], heaps[1][heap], heaps[2][heap]
    heaps[2][heap] += 1
    while place > 0:
        above = (place - 1) >> 1
        if _is_less(entries[first + above], rank, time, number):
            break
        entries[first + place] = entries[first + above]
        place = above
    entry = entries[first + place]
    entry.rank, entry.time, entry.number = rank, time, number


@compiled
def _replace_top(entries: Any, first: Any, size: Any, new: Any) -> None:
    rank, time, number = new
    place, below = 0, 1
    while below < size:
        if below + 1 < size:
            other = entries[first + below]
            below += _is_less(entries[first + below + 1], other.rank, other.time, other.number)
        if not _is_less(entries[first + below], rank, time, number):
            break
        entries[first + place] = entries[first + below]
        place, below = below, 2 * below + 1
    entry = entries[first + place]
    entry.rank, entry.time, entry.number = rank, time, number


@compiled
def _pop(heaps: Any, heap: Any) -> Any:
    """Take the top away; its rank, time and number."""
    entries, first, size = heaps[0], heaps[1][heap], heaps[2][heap] - 1
    heaps[2][heap] = size
    top, last = entries[first], entries[first + size]
    taken = top.rank, top.time, top.number
    _replace_top(entries, first, size, (last.rank, last.time, last.number))
    return taken


def passed(  # noqa: PLR0917  (arrays alone, which numba takes)
    times: NDArray[np.float64],
    order: NDArray[np.int64],
    places: NDArray[np.int64],
    lengths: NDArray[np.float64],
    ranks: NDArray[np.int64],
    servers: NDArray[np.int64],
) -> tuple[NDArray[Any], ...]:
    """What `queues.passed` returns."""
    comes = np.bincount(places[places >= 0], minlength=len(servers))
    whole, real = np.empty((3, comes.sum()), np.int64), np.empty((3, comes.sum()))
    ends, free, waiting = (_heaps(sizes) for sizes in (servers.sum(keepdims=True), servers, comes))
    free[0]["rank"] = np.arange(servers.sum()) - free[1].repeat(servers)
    free[0]["time"], free[0]["number"], free[2][:] = 0, 0, servers
    heaps = ends, free, waiting
    each = np.zeros(len(times), np.int64), np.empty(len(times), np.int64)
    _pass(times, order, places, lengths, ranks, heaps, each, (*whole, *real))
    entity, station, server = whole
    return entity, station, *real, server


@compiled
def _pass(  # noqa: PLR0917
    times: Any,
    order: Any,
    places: Any,
    lengths: Any,
    ranks: Any,
    heaps: Any,
    each: Any,
    made: Any,
) -> None:
    ends, free, waiting = heaps
    under_way, idle, queued = ends[2], free[2], waiting[2]
    visit_of, server_of = each
    entity, station, server, came, began, ended = made
    done, outside = 0, 0
    while outside < len(order) or under_way[0] > 0:
        arrives = times[order[outside]] if outside < len(order) else np.inf
        freed, which = -1, -1
        if under_way[0] > 0 and ends[0][0].time <= arrives:
            now, who = ends[0][0].time, ends[0][0].number  # makes room before the next one comes
            visit, which = visit_of[who], server_of[who]
            freed = places[who, visit]
            visit += 1
            visit_of[who] = visit
        else:
            now, who, visit = arrives, order[outside], 0
            outside += 1
        goes = places[who, visit] if visit < places.shape[1] else -1
        waits = goes >= 0 and (goes == freed or queued[goes] > 0 or idle[goes] == 0)
        if waits:
            _push(waiting, goes, ranks[who], now, who)
        if freed >= 0 and (queued[freed] == 0 or idle[freed] > 0):
            _pop(ends, 0)
            _push(free, freed, which, 0.0, 0)
            which = -1
        for place in (freed, goes):
            if place >= 0 and place == goes and not waits:
                since, next_one = now, who
            elif place >= 0 and queued[place] > 0 and (which >= 0 or idle[place] > 0):
                _, since, next_one = _pop(waiting, place)
            else:
                continue
            leaves = now + lengths[next_one, visit_of[next_one]]
            if which >= 0:  # the server goes on with the next one
                _replace_top(ends[0], 0, under_way[0], (0, leaves, next_one))
            else:
                which = _pop(free, place)[0]
                _push(ends, 0, 0, leaves, next_one)
            server_of[next_one] = which
            entity[done], station[done], server[done] = next_one, place, which
            came[done], began[done], ended[done] = since, now, leaves
            done += 1
            which = -1
