"""The loop of `queues` as numba compiles it: the same visits, in arrays.

Servers of all stations are numbered. One heap has when the service of each busy one ends, and a
heap of each station its free ones. Whoever waits at a station with one priority is in a line: they
come in the order of time, so only those of the same moment are put in order. One more heap of each
station has the lines in which somebody waits. Little memory is touched, as few wait at once. Uses
of arrays are not counted, which would take four times as long: none is made here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba
import numpy as np
from numpy.typing import NDArray

Function = TypeVar("Function", bound=Callable[..., Any])
_NONE = -1


def compiled(function: Function, **options: bool) -> Function:
    """The function as numba compiles it."""
    njit: Any = numba.njit  # whose types lack options that it takes
    made: Function = njit(function, inline="always", _nrt=False, **options)
    return made


def kept(function: Function) -> Function:
    """The function that Python calls: its code is kept on disk, with all that it calls."""
    return compiled(function, cache=True)


@compiled
def _push(heaps: Any, station: Any, number: Any) -> None:
    """Put a number on the heap of a station."""
    entries, first, place = heaps[0], heaps[1][station], heaps[2][station]
    heaps[2][station] += 1
    while place > 0:
        above = (place - 1) >> 1
        if entries[first + above] < number:
            break
        entries[first + place] = entries[first + above]
        place = above
    entries[first + place] = number


@compiled
def _pop(heaps: Any, station: Any) -> Any:
    """Take the least number from the heap of a station."""
    entries, first, size = heaps[0], heaps[1][station], heaps[2][station] - 1
    heaps[2][station] = size
    top, last = entries[first], entries[first + size]
    place, below = 0, 1
    while below < size:
        if below + 1 < size:
            below += entries[first + below + 1] < entries[first + below]
        if last < entries[first + below]:
            break
        entries[first + place] = entries[first + below]
        place, below = below, 2 * below + 1
    entries[first + place] = last
    return top


@compiled
def _is_first(ends: Any, who_at: Any, place: Any, time: Any, who: Any) -> Any:
    # Without a branch: no processor can predict which of two random numbers is smaller.
    is_less = ends[0][place] < time
    if ends[0][place] == time:
        is_less = who_at[ends[1][place]] < who
    return is_less


@compiled
def _add_end(ends: Any, who_at: Any, size: Any, time: Any, server: Any) -> None:
    place, who = size, who_at[server]
    while place > 0:
        above = (place - 1) >> 1
        if _is_first(ends, who_at, above, time, who):
            break
        ends[0][place], ends[1][place] = ends[0][above], ends[1][above]
        place = above
    ends[0][place], ends[1][place] = time, server


@compiled
def _replace_end(ends: Any, who_at: Any, size: Any, time: Any, server: Any) -> None:
    """Put an end in the place of the first one."""
    place, below, who = 0, 1, who_at[server]
    while below < size:
        if below + 1 < size:
            after = who_at[ends[1][below]]
            below += _is_first(ends, who_at, below + 1, ends[0][below], after)
        if not _is_first(ends, who_at, below, time, who):
            break
        ends[0][place], ends[1][place] = ends[0][below], ends[1][below]
        place, below = below, 2 * below + 1
    ends[0][place], ends[1][place] = time, server


@compiled
def _wait(lines: Any, busy: Any, station: Any, line: Any, one: Any) -> None:
    """Put somebody at the end of a line, before those of the same moment and a higher row."""
    tickets, ends, links, unused = lines
    firsts, lasts = ends
    before, behind = links
    new = unused[0]
    if new == _NONE:
        new = unused[1]
        unused[1] += 1
    else:
        unused[0] = behind[new]
    who, visit, now = one
    ticket = tickets[new]
    ticket.who, ticket.visit, ticket.since = who, visit, now
    last, after = lasts[line], _NONE
    if last < 0:
        _push(busy, station, line)
    while last >= 0 and tickets[last].since == now and tickets[last].who > who:
        after, last = last, before[last]
    before[new], behind[new] = last, after
    if last < 0:
        firsts[line] = new
    else:
        behind[last] = new
    if after < 0:
        lasts[line] = new
    else:
        before[after] = new


@compiled
def _next(lines: Any, busy: Any, station: Any) -> Any:
    """The ticket of the first one of a station's first line, who leaves it."""
    _, ends, links, unused = lines
    firsts, lasts = ends
    before, behind = links
    line = busy[0][busy[1][station]]
    first = firsts[line]
    after = behind[first]
    firsts[line] = after
    if after < 0:
        lasts[line] = _NONE
        _pop(busy, station)
    else:
        before[after] = _NONE
    behind[first], unused[0] = unused[0], first
    return first


TICKET = np.dtype([("who", np.int64), ("visit", np.int64), ("since", np.float64)])


def passed(  # noqa: PLR0917  (arrays alone, which numba takes)
    times: NDArray[np.float64],
    order: NDArray[np.int64],
    places: NDArray[np.int64],
    lengths: NDArray[np.float64],
    ranks: NDArray[np.int64],
    servers: NDArray[np.int64],
) -> tuple[NDArray[Any], ...]:
    """What `queues.passed` returns."""
    n, total = len(times), int(servers.sum())
    visits = int(np.count_nonzero(places >= 0))
    levels, first_line, line_of = _lines(places, ranks, len(servers))
    first_server = np.cumsum(servers) - servers
    free = np.arange(total), first_server, servers.copy()
    busy = np.empty(first_line[-1], np.int64), first_line, np.zeros_like(servers)
    ends = np.empty(total), np.empty(total, np.int64)
    at = (
        np.empty(total, np.int64),
        np.empty(total, np.int64),
        np.arange(len(servers)).repeat(servers),
    )
    lines = (
        np.empty(n, TICKET),
        (np.empty(first_line[-1], np.int64), np.full(first_line[-1], _NONE)),
        (np.empty(n, np.int64), np.empty(n, np.int64)),
        np.array([_NONE, 0]),
    )
    whole, real = np.empty((3, visits), np.int64), np.empty((3, visits))
    given = times, order, places, lengths, levels, line_of
    _pass(given, lines, (free, busy, ends), at, (*whole, *real))
    entity, station, server = whole
    return entity, station, *real, server


def _lines(
    places: NDArray[np.int64], ranks: NDArray[np.int64], stations: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """The level of each one, the first line of each station, and of each visit if they are few.

    Args:
        places: The stations that each one passes.
        ranks: Their priorities.
        stations: How many there are.
    """
    levels = ranks - ranks.min(initial=0)
    if levels.max(initial=0) > len(ranks):
        levels = np.unique(ranks, return_inverse=True)[1]
    firsts = np.arange(stations + 1) * (int(levels.max(initial=0)) + 1)
    if firsts[-1] <= 2 * places.size + stations:
        return levels, firsts, np.empty((0, 0), np.int64)
    lines = firsts[places] + levels[:, None]
    known, found = np.unique(lines, return_inverse=True)
    return levels, np.searchsorted(known, firsts), found.reshape(places.shape)


@kept
def _pass(given: Any, lines: Any, heaps: Any, at: Any, made: Any) -> None:
    times, order, places, lengths, levels, line_of = given
    free, busy, ends = heaps
    who_at, visit_at, station_of = at
    entity, station, server, came, began, ended = made
    tickets, idle, waiting, first_server = lines[0], free[2], busy[2], free[1]
    under_way, done, outside = 0, 0, 0
    while outside < len(order) or under_way > 0:
        now = times[order[outside]] if outside < len(order) else np.inf
        freed, which = _NONE, _NONE
        if under_way > 0 and ends[0][0] <= now:  # makes room before the next one comes
            now, which = ends[0][0], ends[1][0]
            who, visit, freed = who_at[which], visit_at[which] + 1, station_of[which]
        else:
            who, visit = order[outside], 0
            outside += 1
        goes = places[who, visit] if visit < places.shape[1] else _NONE
        if goes >= 0 and idle[goes] == 0:
            line = line_of[who, visit] if len(line_of) else busy[1][goes] + levels[who]
            _wait(lines, busy, goes, line, (who, visit, now))
            goes = _NONE
        if freed >= 0:
            if waiting[freed] > 0:  # the server goes on with the next one
                ticket = tickets[_next(lines, busy, freed)]
                who_at[which], visit_at[which] = ticket.who, ticket.visit
                leaves = now + lengths[ticket.who, ticket.visit]
                _replace_end(ends, who_at, under_way, leaves, which)
                entity[done], station[done] = ticket.who, freed
                server[done] = which - first_server[freed]
                came[done], began[done], ended[done] = ticket.since, now, leaves
                done += 1
            else:
                under_way -= 1
                _replace_end(ends, who_at, under_way, ends[0][under_way], ends[1][under_way])
                _push(free, freed, which)
        if goes >= 0:
            which = _pop(free, goes)
            who_at[which], visit_at[which] = who, visit
            leaves = now + lengths[who, visit]
            _add_end(ends, who_at, under_way, leaves, which)
            under_way += 1
            entity[done], station[done] = who, goes
            server[done] = which - first_server[goes]
            came[done], began[done], ended[done] = now, now, leaves
            done += 1
