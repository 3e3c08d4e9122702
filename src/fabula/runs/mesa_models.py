"""Models of Mesa, recorded as keyed tables: agents, what their collector collected, its tables."""

from __future__ import annotations

import datetime as dt
import enum
import inspect
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from itertools import chain
from typing import Any

import numpy as np
import pyarrow as pa

from fabula.errors import PrerequisiteError, UsageError
from fabula.runs.dataset import Dataset
from fabula.simulation.faults import located
from fabula.simulation.populations import END
from fabula.simulation.shared_chance import no_other_chance

_NOT_DATA = frozenset({"unique_id", "model"})
_AXES = ("x", "y", "z")
_PLAIN = (bool, int, float, str, dt.date, dt.timedelta)


def record_mesa(
    model: Callable[..., Any],
    *,
    steps: int = 30,
    seed: int = 0,
    parameters: Mapping[str, Any] | None = None,
) -> Dataset:
    """Run an ordinary Mesa model, and return its agents and collected data as tables with keys.

    Args:
        model: The model's class, or a function that makes a model; it takes `seed` or `rng`.
        steps: Steps to make, unless the model stops before.
        seed: The model's seed.
        parameters: What else the model is made with.

    Returns:
        For each class of agents a table of all that ever lived: `id`, the step in which each was
        `born` and `left`, and its attributes, with their last values under `NAME_end` where they
        changed. `model_records` and `agent_records` have what a `DataCollector` collected, and each
        of its own tables has its name. References to agents are their `id`.

    Raises:
        PrerequisiteError: Mesa is not installed.
        UsageError: The model takes no seed, is not a Mesa model, or two tables have one name.
        SpecError: The model fails, or draws from a generator that everything shares; the error has
            its line.
    """
    try:
        import mesa
    except ImportError as error:
        raise PrerequisiteError.for_extra("agents", needed_by="recording Mesa models") from error
    if steps < 0:
        raise UsageError(f"{steps} steps can't be made", code="usage.steps")
    given = {**(parameters or {}), _seed_name(model): seed}
    with _told(model, "making the model"):
        made = model(**given)
    if not isinstance(made, mesa.Model):
        raise UsageError(f"`{_name(model)}` does not return a Mesa model", code="usage.model")
    living = _Living(made)
    done = 0
    while done < steps and made.running:
        with _told(type(made).step, f"step {done}"):
            made.step()
        done += 1
        living.look(done)
    tables = dict(living.tables())
    for name, table in _collected(getattr(made, "datacollector", None)):
        if name in tables:
            raise UsageError(
                f"two tables are called `{name}`",
                code="usage.model",
                hint="rename the collector's table",
            )
        tables[name] = table
    if living.dropped:
        listed = ", ".join(f"`{name}` of {n} agents" for name, n in living.dropped.items())
        warnings.warn(f"attributes that hold other objects are left out: {listed}", stacklevel=2)
    facts = {"steps": done, "seed": seed, "mesa": version("mesa"), "dropped": dict(living.dropped)}
    return Dataset(tables, {"name": type(made).__name__, "seed": seed, "simulation": facts})


def _name(model: Callable[..., Any]) -> str:
    return str(getattr(model, "__name__", type(model).__name__))


@contextmanager
def _told(function: Any, what: str) -> Iterator[None]:
    """Tell errors of the model with their line, and refuse generators that everything shares."""
    code = function if hasattr(function, "__code__") else function.__init__
    with located(code, f"mesa model, {what}".__str__), no_other_chance():
        yield


def _seed_name(model: Callable[..., Any]) -> str:
    """How the model takes its seed."""
    try:
        takes = inspect.signature(model).parameters
    except (TypeError, ValueError) as error:
        raise UsageError(f"`{model!r:.80}` is not a Mesa model", code="usage.model") from error
    if found := [name for name in ("seed", "rng") if name in takes]:
        return found[0]
    if any(each.kind is each.VAR_KEYWORD for each in takes.values()):
        return "seed"
    raise UsageError(
        f"`{_name(model)}` takes no seed, so its runs can't be repeated",
        code="usage.model",
        hint="write `def __init__(self, …, seed=None): super().__init__(seed=seed)`",
    )


class _Living:
    """Every agent that ever lived in a model: when it came and left, and its first values.

    Attributes:
        dropped: Attributes that hold other objects, with the number of agents that have them.
    """

    def __init__(self, model: Any) -> None:
        self._step = -1
        self._agents: dict[int, Any] = {}
        self._born: dict[int, int] = {}
        self._left: dict[int, int] = {}
        self._first: dict[int, dict[str, Any]] = {}
        self.dropped: Counter[str] = Counter()
        register, deregister = model.register_agent, model.deregister_agent

        def came(agent: Any) -> None:
            register(agent)
            self._came(agent)

        def left(agent: Any) -> None:
            self._left[agent.unique_id] = self._step + 1
            self._first.setdefault(agent.unique_id, dict(vars(agent)))
            deregister(agent)

        for agent in model.agents:
            self._came(agent)
        model.register_agent, model.deregister_agent = came, left
        self.look(0)

    def _came(self, agent: Any) -> None:
        self._agents[agent.unique_id] = agent
        self._born[agent.unique_id] = self._step + 1

    def look(self, done: int) -> None:
        """Keep the first values of who came, which were not set yet when it came."""
        self._step = done
        for number in self._agents.keys() - self._first.keys():
            self._first[number] = dict(vars(self._agents[number]))

    def tables(self) -> Iterator[tuple[str, pa.Table]]:
        """The agents of each class."""
        classes: dict[str, list[int]] = {}
        for number in sorted(self._agents):
            classes.setdefault(type(self._agents[number]).__name__, []).append(number)
        for name, numbers in classes.items():
            left = [self._left.get(number) for number in numbers]
            columns: dict[str, Any] = {
                "id": pa.array(numbers, pa.int64()),
                "born": pa.array([self._born[number] for number in numbers], pa.int64()),
                "left": pa.array(left, pa.int64()),
            }
            first = self._columns(name, [self._first[number] for number in numbers])
            last = self._columns(name, [vars(self._agents[number]) for number in numbers])
            for column in dict.fromkeys([*first, *last]):
                start = first.get(column, pa.nulls(len(numbers)))
                end = last.get(column, pa.nulls(len(numbers)))
                taken = column in columns
                columns[f"{column}_" if taken else column] = start
                if not end.equals(start):
                    columns[column + END] = end
            yield name, pa.table(columns)

    def _columns(self, name: str, rows: Sequence[Mapping[str, Any]]) -> dict[str, pa.Array]:
        found: dict[str, pa.Array] = {}
        names = dict.fromkeys(chain.from_iterable(rows))
        for column in (each for each in names if not (each in _NOT_DATA or each[0] == "_")):
            values = [row.get(column) for row in rows]
            made = _arrays(column, values)
            if made is None:
                self.dropped[f"{name}.{column}"] = sum(value is not None for value in values)
            else:
                found |= made
        return found


def _arrays(name: str, values: Sequence[Any]) -> dict[str, pa.Array] | None:
    """The columns of an attribute: one, or one an axis of a place; None for other objects."""
    plain = [_plain(value) for value in values]
    sizes = {len(value) for value in plain if isinstance(value, tuple)}
    if len(sizes) == 1 and sizes <= {2, 3}:
        places = [value if isinstance(value, tuple) else (None,) * 3 for value in plain]
        axes = range(sizes.pop())
        return {f"{name}_{_AXES[axis]}": _array([each[axis] for each in places]) for axis in axes}
    if not all(value is None or isinstance(value, _PLAIN) for value in plain):
        return None
    return {name: _array(plain)}


def _plain(value: Any) -> Any:
    """A value as tables have it: the id of an agent, the name of a choice, a place as a tuple."""
    if hasattr(value, "unique_id"):
        return value.unique_id
    if isinstance(value, enum.Enum):
        return value.name
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, tuple | np.ndarray) and 1 < len(value) < 4:
        parts = [_plain(part) for part in value]
        if all(isinstance(part, int | float) for part in parts):
            return tuple(parts)
    return value


def _array(values: Sequence[Any]) -> pa.Array:
    """Values as a column; of several types as texts."""
    try:
        return pa.array(values)
    except pa.ArrowException:
        if all(isinstance(value, int | float | None) for value in values):
            return pa.array(values, pa.float64())
        return pa.array([None if value is None else str(value) for value in values])


def _collected(collector: Any) -> Iterator[tuple[str, pa.Table]]:
    """What a `DataCollector` has: records of the model, of agents, and its own tables."""
    if collector is None:
        return
    if collector.model_vars and any(collector.model_vars.values()):
        yield "model_records", _keyed(dict(collector.model_vars))
    if collector.agent_reporters:
        rows = chain.from_iterable(collector._agent_records.values())
        yield "agent_records", _records(rows, collector.agent_reporters)
    for kind, reporters in collector.agenttype_reporters.items():
        rows = chain.from_iterable(
            by_kind.get(kind, ()) for by_kind in collector._agenttype_records.values()
        )
        yield f"{kind.__name__}_records", _records(rows, reporters)
    for name, columns in collector.tables.items():
        yield name, _keyed(columns)


def _records(rows: Iterable[tuple[Any, ...]], reporters: Iterable[str]) -> pa.Table:
    names = ["step", "agent", *reporters]
    columns = [*zip(*rows, strict=True)] or [()] * len(names)
    return _keyed(dict(zip(names, columns, strict=True)))


def _keyed(columns: Mapping[str, Sequence[Any]]) -> pa.Table:
    """Columns as a table with the key `id`."""
    size = max(map(len, columns.values()), default=0)
    key = {} if "id" in columns else {"id": pa.array(range(1, size + 1), pa.int64())}
    made: dict[str, pa.Array] = {}
    for name, values in columns.items():
        arrays = _arrays(name, values)
        made |= arrays or {name: _array([None if v is None else str(v) for v in values])}
    return pa.table({**key, **made})
