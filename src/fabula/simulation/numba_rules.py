"""Rules of one agent, compiled by numba: the twin of `plain_rules`, number by number."""

from __future__ import annotations

import gc
import inspect
import re
import sys
from collections import namedtuple
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numba
import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import extending, types
from numba.core import cgutils
from numba.core.errors import NumbaError
from numba.core.typing.typeof import typeof
from numpy.typing import NDArray

from fabula.simulation import kept_rules
from fabula.simulation.draws import mixed
from fabula.simulation.faults import ModelFault
from fabula.simulation.numba_writes import check_writes
from fabula.simulation.plain_rules import KEY_BITS, KEYS, METHODS, at_most, begin, row_of, tuple_of
from fabula.simulation.populations import Population
from fabula.simulation.rule_keys import array_layout, rule_key
from fabula.simulation.shared_chance import other_chance
from fabula.simulation.watch import in_time

Held = namedtuple("Held", ["amount", "moved"])
Draws = namedtuple("Draws", ["state", "keys"])
_REASON = re.compile(r"(?!Failed|Resolution|Typing|During|>>>|File|$)")
_COLOR = re.compile(r"\x1b\[[0-9;]*m")
_OTHER_CHANCE = "_random_state"
"""What the code of a rule calls that draws from numba's twins of `random` and `numpy.random`."""
_NEAR = {"forceinline": True}
"""Methods stand in the loop itself: to hand over twenty arrays takes longer than what they do."""
_CHECKED = {"boundscheck": True, **_NEAR}
"""Rows beyond an array are errors in compiled methods, too, and not other memory."""
MOST_COLUMNS = 24
"""Columns of an event table that a compiled rule can fill."""
RADIX = 11
"""Bits that are sorted at once."""
_intrinsic: Any = extending.intrinsic  # whose types lack what it makes of a function
AHEAD = 6
"""How many agents ahead of the one that acts are fetched from memory."""


def is_off() -> bool:
    """Whether numba is told not to compile."""
    config: Any = numba.config  # which lacks types
    return bool(config.DISABLE_JIT)


class NumbaDriver:
    """Compiles a rule, and calls it for one agent after the other, as `PlainDriver` does."""

    held = Held

    def __init__(self, step: Callable[..., Any], awake: Callable[..., Any] | None) -> None:
        _teach()
        self._file = Path(step.__code__.co_filename).name
        self._rules = (step, awake)
        self._loops = _loops(step, awake, counted=False)
        self._run: tuple[Any, Any] = None, None
        self._known: set[Any] = set()  # numba's own list takes a quarter of a small step
        self._room = np.empty((4, 0), dtype=np.int64)
        self._starts = np.empty((2, (1 << RADIX) + 1), dtype=np.int64)

    @staticmethod
    def draws() -> Draws:
        """The draws of an agent."""
        return Draws(np.zeros(3, dtype=np.uint64), np.zeros(KEYS, dtype=np.uint64))

    @staticmethod
    def states(_: str, values: NDArray[Any]) -> NDArray[Any]:
        """A column that rules write."""
        return values.view()

    @staticmethod
    def table(count: NDArray[np.int64], columns: dict[str, NDArray[Any]]) -> Any:
        """Room for the rows of an event table."""
        return tuple_of("Table", ["count", *columns])(count, **columns)

    def called(  # noqa: PLR0917
        self,
        work: Callable[[], None],
        limit: float,
        population: Population,
        seen: Any,
        draw: Draws,
        tables: Any,
    ) -> None:
        """Do the work of a step, which must end; the time to compile is not the rule's.

        Args:
            work: Calls `order` and `run`.
            limit: CPU seconds.
            population: The agents.
            seen: What they see.
            draw: Their draws.
            tables: Opens the tables that they add to.
        """
        if len(self._room[0]) < len(population):
            self._room = np.empty((4, len(population)), dtype=np.int64)
        if population.packed is not self._run[0]:
            self._run = population.packed, _layout((population.packed, *seen))
        layout = self._run[1], _layout(getattr(seen, "given", ()))
        with self._told():
            if layout not in self._known:
                some = (self._room[0], seen, draw, np.uint64(0), *tables.open())
                self._compile(population.packed, seen, draw, some)
                self._known.add(layout)
            in_time(work, limit)

    def order(
        self, population: Population, seen: Any, draw: Draws, keys: tuple[int, int]
    ) -> NDArray[np.int64]:
        """The rows of the agents that act, in the order in which they come."""
        given = (population.packed, seen, draw, *map(np.uint64, keys), self._room, self._starts)
        return self._room[0, : self._loops[0](*given)]

    def run(self, population: Population, place: int, *loop: Any) -> int:
        """Let agents act until all did, or a table is nearly full; how many did."""
        order, seen, draw, key, out, counts = loop
        given = (order, seen, draw, np.uint64(key), out, counts)
        return int(self._loops[1](population.packed, place, *given))

    def _compile(self, packed: Any, seen: Any, draw: Draws, loop: tuple[Any, ...]) -> None:
        """Compile both loops for some types, or read them where they are kept."""
        zero = np.uint64(0)
        given = (packed, seen, draw, zero, zero, self._room, self._starts), (packed, 0, *loop)
        kinds = [tuple(map(typeof, each)) for each in given]
        if all(kind in each.overloads for each, kind in zip(self._loops, kinds, strict=True)):
            return
        key = rule_key(self._rules, tuple(kinds))
        if key is not None and kept_rules.read(key, self._loops, kinds):
            return
        _spare_scipy()
        try:
            self._compile_for(kinds)
        except NumbaError:  # perhaps a rule that makes arrays, whose uses are counted
            self._loops = _loops(*self._rules, counted=True)
            self._compile_for(kinds)
        for each, kind in zip(self._loops, kinds, strict=True):
            if _OTHER_CHANCE in each.inspect_llvm(kind):
                raise other_chance()
            check_writes(each, kind, self._rules[0].__code__.co_filename)
        if key is not None:
            kept_rules.write(key, self._loops, kinds)

    def _compile_for(self, kinds: list[tuple[Any, ...]]) -> None:
        is_frozen = gc.get_freeze_count() > 0
        if not is_frozen:
            gc.freeze()  # looking through all that was there takes a tenth of the time
        try:
            for each, kind in zip(self._loops, kinds, strict=True):
                each.compile(kind)
        finally:
            if not is_frozen:
                gc.unfreeze()

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Tell what numba can't compile, with the line of the rule."""
        try:
            yield
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


def _layout(values: Any) -> Any:
    """What the types of arrays in tuples depend on."""
    if isinstance(values, np.ndarray):
        return values.dtype, values.ndim, array_layout(values)
    return tuple(map(_layout, values)) if isinstance(values, tuple) else type(values)


@_intrinsic  # type: ignore[untyped-decorator]
def fetch(_: Any, array: Any, place: Any) -> Any:
    """Bring an element of an array near while others are worked on."""

    def made(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        kind = signature.args[0]
        memory = context.make_array(kind)(context, builder, given[0])
        item: Any = cgutils.get_item_pointer
        at = item(context, builder, kind, memory, [given[1]])
        at, word = builder.bitcast(at, cgutils.voidptr_t), ir.IntType(32)
        called = ir.FunctionType(ir.VoidType(), [at.type, word, word, word])
        prefetch = builder.module.declare_intrinsic("llvm.prefetch", [at.type], called)
        builder.call(prefetch, [at, *(ir.Constant(word, number) for number in (0, 3, 1))])
        return context.get_dummy_value()

    return types.void(array, place), made


def _loops(rule: Any, asked: Any, *, counted: bool) -> tuple[Any, Any]:
    """What finds the agents that act, in their order, and the loop over them.

    Counting the uses of arrays doubles the time of a rule, and only one that makes arrays needs it.
    """
    njit: Any = numba.njit  # whose types lack options that it takes
    options = {"nogil": True, "boundscheck": True, "_nrt": counted}
    step, awake = (njit(each, inline="always", _nrt=counted) for each in (rule, asked or _is_awake))

    @njit(**options)
    def order(packed, seen, draw, key, arrival, room, starts):  # type: ignore[no-untyped-def]  # noqa: PLR0917
        begin(draw, key)
        state, count, rows = draw.state, 0, room[0]
        for row in range(len(packed)):
            state[0] = packed[row].identity
            state[1] = 0
            rows[count] = row
            if awake(packed[row], seen, draw):
                count += 1
        for place in range(count):
            ahead = place + AHEAD
            fetch(packed, rows[ahead if ahead < count else count - 1])
            room[1, place] = mixed(packed[rows[place]].identity + arrival) >> KEY_BITS
        some: Any = np.int64(count)  # or it is compiled for a constant 0, too
        in_order(room, starts, some)
        return count

    @njit(**options)
    def run(packed, place, order, seen, draw, key, out, counts):  # type: ignore[no-untyped-def]  # noqa: PLR0917
        begin(draw, key)
        state = draw.state
        while place < len(order):
            for table in range(len(counts)):
                if counts[table, 0] > counts[table, 2]:
                    return place
            ahead, last = place + AHEAD, len(order) - 1
            fetch(packed, order[ahead if ahead < last else last])
            row = order[place]
            state[0] = packed[row].identity
            state[1] = 0
            step(packed[row], seen, draw, out)
            place += 1
        return place

    return order, run


def _is_awake(me: Any, world: Any, draw: Any) -> bool:  # noqa: ARG001
    return True


@numba.njit()
def in_order(room: NDArray[np.int64], starts: NDArray[np.int64], count: int) -> None:
    """Sort the first rows of a room by their ranks of 44 bits, equal ones in the order of rows.

    A radix sort by the first 22 bits leaves next to nothing to do for the others.
    """
    mask = (1 << RADIX) - 1
    starts[:] = 0
    for place in range(count):
        for digit in range(2):
            starts[digit, ((room[1, place] >> (2 + digit) * RADIX) & mask) + 1] += 1
    for digit in range(2):
        shift, old = (2 + digit) * RADIX, 2 * digit
        for bucket in range(mask):
            starts[digit, bucket + 1] += starts[digit, bucket]
        for place in range(count):
            bucket = (room[old + 1, place] >> shift) & mask
            new = starts[digit, bucket]
            starts[digit, bucket] += 1
            room[2 - old, new], room[3 - old, new] = room[old, place], room[old + 1, place]
    for place in range(1, count):
        row, rank, new = room[0, place], room[1, place], place
        while new > 0 and room[1, new - 1] > rank:
            room[0, new], room[1, new] = room[0, new - 1], room[1, new - 1]
            new -= 1
        room[0, new], room[1, new] = row, rank


def _spare_scipy() -> None:
    """Let numba load scipy where a rule multiplies matrices, and not to see whether one could.

    It takes 45 MB and a third of a second of each process that compiles.
    """
    if "numba.np.arraymath" in sys.modules or find_spec("scipy") is None:
        return
    algebra: Any = import_module("numba.np.linalg")
    look = getattr(algebra, "ensure_blas", None)
    algebra.ensure_blas = lambda: None
    try:
        import_module("numba.np.arraymath")
    finally:
        algebra.ensure_blas = look


@cache
def _teach() -> None:
    """Teach numba the methods of what rules see."""
    for helper in (mixed, row_of, begin, at_most):
        extending.register_jitable(helper)
    for of in (Held, Draws):
        for function in METHODS[of.__name__]:
            extending.register_jitable(**_CHECKED)(function)
            _method(function, of._fields)

    def add(self: Any, *values: Any) -> Any:
        given = [value for value in values if not isinstance(value, types.Omitted)]
        if self.fields[:1] != ("count",) or len(given) != len(self.fields) - 1:
            return None
        return _adding(self.fields[1:])

    add.__signature__ = inspect.signature(_adding(("one",)))  # type: ignore[attr-defined]
    method: Any = extending.overload_method  # whose types lack options that it takes
    method(types.BaseNamedTuple, "add", jit_options=_NEAR)(add)


def _method(function: Callable[..., Any], fields: tuple[str, ...]) -> None:
    """Make a function a method of tuples of some fields."""
    signature = inspect.signature(function)

    def chosen(self: Any, *_: Any) -> Any:
        return function if self.fields == fields else None

    chosen.__signature__ = signature  # type: ignore[attr-defined]
    overloaded: Any = extending.overload_method  # whose types lack options that it takes
    overloaded(types.BaseNamedTuple, function.__name__, jit_options=_CHECKED)(chosen)


def _adding(columns: tuple[str, ...]) -> Any:
    """The function that adds a row to a table of some columns; numba needs it spelled out."""
    values = [f"v{place}" for place in range(MOST_COLUMNS)]
    lines = [f"        self.{name}[place] = v{place}" for place, name in enumerate(columns)]
    text = "\n".join(
        [
            f"def add(self, {', '.join(f'{value}=None' for value in values)}):",
            "    used = self.count[0]",
            "    self.count[0] = used + 1",
            f"    if used < len(self.{columns[0]}):",  # all have this length
            "        place = unsigned(used)",
            *lines,
            "    return used + self.count[1]",
        ]
    )
    names: dict[str, Any] = {"unsigned": np.uint64}
    exec(text, names)
    return names["add"]
