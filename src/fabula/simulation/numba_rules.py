"""Rules of one agent, compiled by numba: the twin of `plain_rules`, number by number."""

from __future__ import annotations

import inspect
import re
import threading
import time
from collections import namedtuple
from collections.abc import Callable
from functools import cache
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import numba
import numpy as np
from numba import extending, types
from numba.core.errors import NumbaError
from numba.core.typing.typeof import typeof
from numpy.typing import NDArray

from fabula.simulation.draws import GOLDEN
from fabula.simulation.faults import EndlessRule, ModelFault
from fabula.simulation.plain_rules import (
    Acting,
    count_of,
    place_of,
    row_of,
    tuple_of,
    whole_of,
)
from fabula.simulation.populations import Population
from fabula.simulation.shared_chance import other_chance

Held = namedtuple("Held", ["amount", "moved"])
Draws = namedtuple("Draws", ["state"])
_REASON = re.compile(r"(?!Failed|Resolution|Typing|During|>>>|File|$)")
_COLOR = re.compile(r"\x1b\[[0-9;]*m")
_OTHER_CHANCE = "_random_state"
"""What the code of a rule calls that draws from numba's twins of `random` and `numpy.random`."""
_CHECKED = {"boundscheck": True}
"""Rows beyond an array are errors in compiled methods, too, and not other memory."""
MOST_COLUMNS = 24
"""Columns of an event table that a compiled rule can fill."""
RADIX = 11
"""Bits that are sorted at once."""


class NumbaDriver:
    """Compiles a rule, and calls it for one agent after the other."""

    held, draws = Held, Draws

    def __init__(
        self, step: Callable[..., Any], awake: Callable[..., Any] | None, limit: float
    ) -> None:
        _teach()
        self._limit, self._file = limit, Path(step.__code__.co_filename).name
        self._rules = (step, awake)
        self._loops = _loops(step, awake, counted=False)
        self.sorted: Any = numba.njit()(_sorted)

    @staticmethod
    def table(count: NDArray[np.int64], columns: dict[str, NDArray[Any]]) -> Any:
        """Room for the rows of an event table."""
        return tuple_of("Table", ["count", *columns])(count, **columns)

    def acting(
        self, population: Population, seen: Any, draw: Any, key: int
    ) -> NDArray[np.int64] | None:
        """The rows of the agents that act; None if all do."""
        if self._rules[1] is None:
            return None
        draw.state[0] = key
        found = np.zeros(len(population), dtype=bool)
        self._called(1, population.packed, population.identity, seen, draw, found)
        return np.flatnonzero(found)

    def run(self, acting: Acting, place: int) -> int:
        """Let agents act until all did, or a table is nearly full; how many did."""
        of = acting.population
        return int(self._called(0, of.packed, of.identity, place, *acting.loop))

    def _called(self, loop: int, *arguments: Any) -> Any:
        try:
            if not self._loops[loop].signatures:  # the time that this takes is not the rule's
                kinds = tuple(typeof(value) for value in arguments)  # type: ignore[no-untyped-call]
                try:
                    self._loops[loop].compile(kinds)
                except NumbaError:  # perhaps a rule that makes arrays, whose uses are counted
                    self._loops = _loops(*self._rules, counted=True)
                    self._loops[loop].compile(kinds)
                if _OTHER_CHANCE in self._loops[loop].inspect_llvm(kinds):
                    raise other_chance()
            return in_time(lambda: self._loops[loop](*arguments), self._limit)
        except NumbaError as error:
            file, text = self._file, str(error)
            lines = re.findall(rf'File "[^"]*{re.escape(file)}", line (\d+)', text)
            told = [line.strip(" -") for line in _COLOR.sub("", text).splitlines()]
            found = [line for line in told if _REASON.match(line)] or told
            reason = next((line for line in found if "readonly" in line), found[0])
            raise ModelFault(
                f"the rule can't be compiled: {reason}",
                "use only numbers, arrays and loops, or leave out `compiled=True`",
                line=int(lines[0]) if lines else None,
            ) from error


class _Caller(threading.Thread):
    """Calls compiled code, which no exception reaches, one function after the other."""

    def __init__(self) -> None:
        super().__init__(daemon=True, name="fabula-compiled")
        self.asked: SimpleQueue[Callable[[], Any]] = SimpleQueue()
        self.answers: SimpleQueue[tuple[Any, BaseException | None]] = SimpleQueue()
        self.start()

    def run(self) -> None:
        while True:
            function = self.asked.get()
            try:
                with np.errstate(divide="raise", invalid="raise", over="raise"):
                    self.answers.put((function(), None))
            except BaseException as error:
                self.answers.put((None, error))


_idle: list[_Caller] = []


def in_time(function: Callable[[], Any], limit: float) -> Any:
    """Call compiled code, and give up on it after `limit` CPU seconds.

    Raises:
        EndlessRule: It did not end.
    """
    caller = _idle.pop() if _idle and _idle[-1].is_alive() else _Caller()
    started = time.process_time()
    caller.asked.put(function)
    while True:
        try:
            found, error = caller.answers.get(timeout=0.2)
        except Empty:
            if time.process_time() - started > limit:
                message = f"the rule does not end within {limit:g} CPU seconds"
                raise EndlessRule(message) from None
            continue
        _idle.append(caller)
        if error is not None:
            raise error
        return found


def _loops(rule: Any, asked: Any, *, counted: bool) -> tuple[Any, Any]:
    """The loop over agents that act, and the one that asks who does.

    Counting the uses of arrays doubles the time of a rule, and only one that makes arrays needs it.
    """
    njit: Any = numba.njit  # whose types lack options that it takes
    options = {"nogil": True, "boundscheck": True, "_nrt": counted}
    step, awake = (each and njit(each, inline="always", _nrt=counted) for each in (rule, asked))

    @njit(**options)
    def run(  # type: ignore[no-untyped-def]  # noqa: PLR0917
        packed, identity, place, order, seen, draw, out, counts
    ):
        state = draw.state
        while place < len(order):
            for table in range(len(counts)):
                if counts[table, 0] > counts[table, 2]:
                    return place
            row = order[place]
            state[1] = identity[row]
            state[2] = 0
            step(packed[row], seen, draw, out)
            place += 1
        return place

    if awake is None:
        return run, None

    @njit(**options)
    def acts(packed, identity, seen, draw, found):  # type: ignore[no-untyped-def]
        state = draw.state
        for row in range(len(packed)):
            state[1] = identity[row]
            state[2] = 0
            found[row] = awake(packed[row], seen, draw)

    return run, acts


def _sorted(keys: NDArray[np.uint64], rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rows by their keys of 44 bits, equal ones in the order of rows: a radix sort."""
    mask = np.uint64((1 << RADIX) - 1)
    for digit in range(4):
        shift = np.uint64(digit * RADIX)
        starts = np.zeros((1 << RADIX) + 1, dtype=np.int64)
        for key in keys:
            starts[int((key >> shift) & mask) + 1] += 1
        starts = np.cumsum(starts)
        sorted_keys, sorted_rows = np.empty_like(keys), np.empty_like(rows)
        for place in range(len(keys)):
            bucket = int((keys[place] >> shift) & mask)
            sorted_keys[starts[bucket]] = keys[place]
            sorted_rows[starts[bucket]] = rows[place]
            starts[bucket] += 1
        keys, rows = sorted_keys, sorted_rows
    return rows


@cache
def _teach() -> None:
    """Teach numba the methods of what rules see."""
    for name, implementation in {**_held_methods(), **_draw_methods()}.items():
        fields = Held._fields if name in ("left", "take", "arrive", "give") else Draws._fields
        _method(name, fields, implementation)

    def add(self: Any, *values: Any) -> Any:
        given = [value for value in values if not isinstance(value, types.Omitted)]
        if self.fields[:1] != ("count",) or len(given) != len(self.fields) - 1:
            return None
        return _adding(self.fields[1:])

    add.__signature__ = inspect.signature(_adding(("one",)))  # type: ignore[attr-defined]
    overloaded: Any = extending.overload_method  # whose types lack options that it takes
    overloaded(types.BaseNamedTuple, "add", jit_options=_CHECKED)(add)


def _method(name: str, fields: tuple[str, ...], implementation: Callable[..., Any]) -> None:
    """Give tuples of some fields a method."""

    def chosen(self: Any, *_: Any) -> Any:
        return implementation if self.fields == fields else None

    chosen.__signature__ = inspect.signature(implementation)  # type: ignore[attr-defined]
    overloaded: Any = extending.overload_method  # whose types lack options that it takes
    overloaded(types.BaseNamedTuple, name, jit_options=_CHECKED)(chosen)


def _held_methods() -> dict[str, Callable[..., Any]]:
    """The methods of `plain_rules.Held`."""
    checked_row: Any = extending.register_jitable(row_of)

    def left(held: Any, row: Any) -> Any:
        return held.amount[checked_row(row)]

    @extending.register_jitable(**_CHECKED)
    def take(held: Any, row: Any, quantity: Any) -> Any:
        if quantity < 0 or held.amount[checked_row(row)] < quantity:
            return False
        held.amount[row] -= quantity
        held.moved[1] += quantity
        return True

    @extending.register_jitable(**_CHECKED)
    def arrive(held: Any, row: Any, quantity: Any) -> Any:
        if quantity > 0:
            held.amount[checked_row(row)] += quantity
            held.moved[0] += quantity

    def give(held: Any, row: Any, other: Any, to: Any, quantity: Any) -> Any:
        if held.moved[2] != other.moved[2]:
            if not take(held, row, quantity):
                return False
            arrive(other, to, quantity)
            return True
        if quantity < 0 or held.amount[checked_row(row)] < quantity:
            return False
        held.amount[row] -= quantity
        held.amount[checked_row(to)] += quantity
        return True

    return {"left": left, "take": take, "arrive": arrive, "give": give}


def _draw_methods() -> dict[str, Callable[..., Any]]:
    """The methods of `plain_rules.Draws`."""
    golden, low_bits = np.uint64(GOLDEN), np.uint64(11)
    first, second = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
    a, b, c, one = (np.uint64(number) for number in (30, 27, 31, 1))

    @extending.register_jitable
    def mixed(value: Any) -> Any:
        value ^= value >> a
        value *= first
        value ^= value >> b
        value *= second
        return value ^ (value >> c)

    @extending.register_jitable
    def uniform(draws: Any) -> Any:
        state = draws.state
        count = state[2]
        state[2] = count + one
        drawn = mixed(state[1] + mixed(state[0] + count * golden))
        return (drawn >> low_bits) * 2.0**-53

    compiled: Any = extending.register_jitable
    number, count, place = (compiled(each) for each in (whole_of, count_of, place_of))

    def whole(draws: Any, low: Any, high: Any) -> Any:
        return number(uniform(draws), low, high)

    def poisson(draws: Any, mean: Any) -> Any:
        return count(uniform(draws), mean)

    def pick(draws: Any, sums: Any, low: Any, high: Any) -> Any:
        return place(uniform(draws), sums, low, high)

    return {"uniform": uniform, "whole": whole, "poisson": poisson, "pick": pick}


def _adding(columns: tuple[str, ...]) -> Any:
    """The function that adds a row to a table of some columns; numba needs it spelled out."""
    values = [f"v{place}" for place in range(MOST_COLUMNS)]
    lines = [f"        self.{name}[used] = v{place}" for place, name in enumerate(columns)]
    text = "\n".join(
        [
            f"def add(self, {', '.join(f'{value}=None' for value in values)}):",
            "    used = self.count[0]",
            "    self.count[0] = used + 1",
            f"    if used < len(self.{columns[0]}):",
            *lines,
            "    return used + self.count[1]",
        ]
    )
    names: dict[str, Any] = {}
    exec(text, names)
    return names["add"]
