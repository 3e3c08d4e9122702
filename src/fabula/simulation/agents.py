"""Views of agents: how rules see populations, and the only way to change them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fabula.errors import did_you_mean
from fabula.simulation.faults import ModelFault
from fabula.simulation.members import Members
from fabula.simulation.moves import Arrival, Whole, ends, served, texts_alone, total, whole, within


class Told(Protocol):
    """An event table that is told about arrivals."""

    name: str

    def check_takes(self, members: Members) -> None:
        """Make sure that a row is a reference to a population and a quantity."""


class Agents:
    """Some agents of a population: their columns are arrays, one value an agent.

    `a[mask]` are those for whom a condition holds; `a.column = values` writes a `state` column.
    """

    __slots__ = ("_identity", "_rows", "_unique", "population")
    population: Members
    _rows: Whole | None
    _unique: bool
    _identity: NDArray[np.uint64] | None

    def __init__(self, population: Members, rows: Whole | None, *, unique: bool) -> None:
        _keep_population(self, population)
        _keep_rows(self, rows)
        _keep_unique(self, unique)
        _keep_identity(self, population.identity if rows is None else None)

    @property
    def rows(self) -> Whole:
        """Their row numbers."""
        return np.arange(len(self.population)) if self._rows is None else self._rows

    @property
    def identity(self) -> NDArray[np.uint64]:
        """The number that their draws are keyed by."""
        found = self._identity
        if found is None:
            found = self.population.identity[self._rows]
            _keep_identity(self, found)
        return found

    def __len__(self) -> int:
        return len(self.population) if self._rows is None else len(self._rows)

    def __getitem__(self, chosen: NDArray[Any]) -> Agents:
        known = self._rows
        size = len(self.population if known is None else known)
        places, rise = chosen_places(chosen, size)
        rows = places if known is None else known[places]
        return Agents(self.population, rows, unique=self._unique and rise)

    def __iter__(self) -> Any:
        raise ModelFault(
            "agents can't be looped over",
            "use arrays, or make the rule one of a single agent: `@world.rule(people)`",
        )

    def __getattr__(self, name: str) -> NDArray[Any]:
        if name.startswith("__"):  # numpy looks for protocols
            raise AttributeError(name)
        rows, population = self._rows, self.population
        if rows is None and name in population.views:
            return population.views[name]
        columns: dict[str, NDArray[Any]] = population.columns
        values = (columns[name] if name in columns else self._column(name))[rows]
        values.setflags(write=False)
        return values

    def __setattr__(self, name: str, values: ArrayLike) -> None:
        column, role = self._column(name), self.population.roles[name]
        if role.conserved:
            raise ModelFault(
                f"`{self.population.table_name}.{name}` is conserved, and can't be written",
                "use take, pay, transfer, serve or arrive",
            )
        if not role.changes:
            raise ModelFault(
                f"`{self.population.table_name}.{name}` does not change",
                f"declare it as `{name}=state(…)`",
            )
        target = self.population.targets.get(name)
        if isinstance(values, Members):
            values = values.all
        if isinstance(values, Agents):
            if values.population is not target:
                raise ModelFault(f"`{name}` does not refer to `{values.population.table_name}`")
            values = values.rows
        given = np.asarray(values)
        if given.ndim and given.shape != (len(self),):
            raise ModelFault(f"`{name}`: {given.size} values were given for {len(self)} agents")
        if given.ndim and not self._unique and len(np.unique(self.rows)) < len(self):
            raise ModelFault(
                f"`{name}`: an agent is written more than once, and one value would be lost",
                "write each agent once: add up by `np.bincount(a.rows)` or `np.unique` first",
            )
        is_text = column.dtype == object
        same = given.dtype == column.dtype and not is_text
        fits = same or texts_alone(given) or not is_text
        if not (same or (fits and np.can_cast(given.dtype, column.dtype, "same_kind"))):
            raise ModelFault(
                f"`{name}` is {'text' if is_text else column.dtype}, and {given.dtype} was given",
                f"declare it as `{name}=state(0.0)`, or round the values"
                if column.dtype.kind == "i" and given.dtype.kind == "f"
                else None,
            )
        if not (
            same or np.can_cast(given.dtype, column.dtype)
        ):  # 64 bits without a sign, or times to days
            kept = given.astype(column.dtype)
            if lost := (given[(kept != given) & (given == given)]).ravel().tolist():  # noqa: PLR0124
                raise ModelFault(f"`{name}` is {column.dtype}, and can't keep {lost[0]}")
        if target is not None and not within(given, -1, len(target) - 1):
            raise ModelFault(
                f"`{name}` refers to {target.table_name}, and a row number is not in"
                f" 0 … {len(target) - 1}, nor -1 for none"
            )
        column[slice(None) if self._rows is None else self._rows] = given

    def take(
        self,
        column: str,
        quantity: ArrayLike = 1,
        *,
        by: Agents | None = None,
        where: NDArray[np.bool_] | None = None,
    ) -> NDArray[np.bool_]:
        """Take a quantity out of a conserved column, where there is enough.

        Args:
            column: The conserved column.
            quantity: How much, one number or one per row.
            by: Who takes: where several want the last one, the first to come gets it.
            where: Who takes at all, shape (rows,); by default all.

        Returns:
            Who got it; shape (rows,).

        Raises:
            ModelFault: The column is not conserved, a quantity is a fraction or below 0, a shape
                does not fit, or rows that may be there twice are asked by nobody.
        """
        ok, rows, given = self._moved(column, quantity, by, where)
        self.population.move(column, rows, -given, unique=self._unique)
        self.population.accounts[column].taken += total(given, len(rows))
        return ok

    def pay(
        self, column: str, amount: ArrayLike, *, where: NDArray[np.bool_] | None = None
    ) -> NDArray[np.bool_]:
        """Pay an amount in whole cents, where there is enough; it leaves the world.

        Takes, returns and raises what `take` does: these agents ask for their own.
        """
        return self.take(column, amount, by=self, where=where)

    def transfer(
        self,
        column: str,
        amount: ArrayLike,
        to: Agents,
        into: str | None = None,
        *,
        where: NDArray[np.bool_] | None = None,
    ) -> NDArray[np.bool_]:
        """Move a quantity to others, where there is enough.

        Args:
            column: The conserved column that it leaves.
            amount: How much, one number or one per row.
            to: Who gets it: as many as there are givers.
            into: The column that it comes into; by default the same.
            where: Who gives at all; shape (agents,).

        Returns:
            Who gave; shape (agents,).

        Raises:
            ModelFault: There are more or fewer who get, or it is what `take` refuses.
        """
        target, giver = into or column, self.population
        if len(to) != len(self):
            raise ModelFault(f"{len(self)} agents give to {len(to)}")
        account = to.population.account_of(target)
        ok, rows, given = self._moved(column, amount, self, where)
        giver.move(column, rows, -given, unique=self._unique)
        to.population.move(target, to.rows[ok.nonzero()[0]], given, unique=False)
        if (giver, column) != (to.population, target):
            moved = total(given, len(rows))
            giver.accounts[column].taken += moved
            account.arrived += moved
        return ok

    def serve(
        self,
        column: str,
        by: Agents,
        *,
        steps: ArrayLike | str = 1,
        where: NDArray[np.bool_] | None = None,
    ) -> NDArray[np.bool_]:
        """Lend one unit of capacity (a bed, a seat) to each agent for some steps; first come.

        Args:
            column: The conserved column, such as free beds.
            by: Who asks.
            steps: After how many steps each unit comes back, or a length of time.
            where: Who asks at all.

        Returns:
            Who got one; shape (agents,).

        Raises:
            ModelFault: A unit is lent for less than a step, or it is what `take` refuses.
        """
        world = self.population.world
        given_steps = world.clock.steps_in(steps) if isinstance(steps, str) else steps
        lengths = np.broadcast_to(whole(given_steps, len(self), "serve"), (len(self),))
        if len(lengths) and int(lengths.min()) < 1:
            raise ModelFault("serve: a unit is lent for at least one step")
        ok, rows, given = self._moved(column, 1, by, where)
        self.population.move(column, rows, -given, unique=self._unique)
        self.population.accounts[column].lent += len(rows)
        for length in np.unique(lengths[ok]):
            back = rows[lengths[ok] == length]
            step = world.step + int(length)
            name, ones = self.population.table_name, np.ones_like(back)
            world.schedule(Arrival(step, name, column, back, ones, back=True))
        return ok

    def arrive(
        self,
        column: str,
        quantity: ArrayLike,
        *,
        after: str | int | None = None,
        into: Told | None = None,
    ) -> None:
        """Let a quantity come from outside, now or after a length of time.

        Args:
            column: The conserved column.
            quantity: How much, one number or one per row.
            after: When: `"2d"`, or a number of steps; by default now.
            into: An event table that gets a row when it comes: a reference to this population,
                and a whole number for the quantity.

        Raises:
            ModelFault: The column is not conserved, a quantity is a fraction or below 0, the time
                is not a whole number of steps, or the table has other columns.
        """
        self.population.account_of(column)
        if into is not None:
            into.check_takes(self.population)
        given = np.full(len(self), whole(quantity, len(self), "arrive"))
        world = self.population.world
        steps = 0 if after is None else world.clock.steps_in(after)
        event = None if into is None else into.name
        due = world.step + steps
        world.schedule(
            Arrival(due, self.population.table_name, column, self.rows, given, event=event)
        )

    def _moved(
        self,
        column: str,
        quantity: ArrayLike,
        by: Agents | None,
        where: NDArray[np.bool_] | None,
    ) -> tuple[NDArray[np.bool_], Whole, Whole]:
        """Who gets what they ask for, their rows, and how much each gets."""
        self.population.account_of(column)
        rows = self.rows
        asked = whole(quantity, len(rows), column)
        if where is not None:
            wanted = np.asarray(where)
            if wanted.shape != rows.shape or wanted.dtype != bool:
                raise ModelFault(f"`where` has {wanted.size} values for {len(self)} rows")
            places = wanted.nonzero()[0]  # choosing by places is three times as fast as by a mask
            rows, asked = rows[places], asked[places] if asked.ndim else asked
        ranks = None if self._unique else self._coming(by, None if where is None else places)
        fits = served(rows, asked, self.population.columns[column], ranks)
        if not fits.size or fits[fits.argmin()]:  # everybody
            return fits if where is None else wanted.copy(), rows, asked
        got = fits.nonzero()[0]
        ok = fits
        if where is not None:
            ok = np.zeros(len(wanted), dtype=bool)
            ok[places[got]] = True
        return ok, rows[got], asked[got] if asked.ndim else asked

    def _coming(
        self, by: Agents | None, places: Whole | None
    ) -> Callable[[Whole], NDArray[np.uint64]]:
        """What tells when some of those come who ask for these rows."""
        if by is None or len(by) != len(self):
            count = "nobody" if by is None else str(len(by))
            raise ModelFault(
                f"{len(self)} rows of `{self.population.table_name}` are asked by {count}",
                "say who takes: `by=` agents, one per row",
            )
        who, ranks = by, self.population.world.ranks
        return lambda some: ranks(who.identity[some if places is None else places[some]])

    def _column(self, name: str) -> NDArray[Any]:
        columns: dict[str, NDArray[Any]] = self.population.columns
        if name not in columns:
            hint = did_you_mean(name, columns) or f"it has {', '.join(columns)}"
            raise ModelFault(f"`{self.population.table_name}` has no column `{name}`", hint)
        return columns[name]


# What sets the slots, past `__setattr__`, which writes columns.
_slots: Mapping[str, Any] = vars(Agents)
_keep_population, _keep_rows = _slots["population"].__set__, _slots["_rows"].__set__
_keep_unique, _keep_identity = _slots["_unique"].__set__, _slots["_identity"].__set__


def chosen_places(chosen: ArrayLike, size: int, what: str = "") -> tuple[Whole, bool]:
    """The places that a condition or places choose, and whether each is higher than the last.

    Args:
        chosen: A condition, one value a row, or places.
        size: The rows to choose from.
        what: What they are, for messages.

    Raises:
        ModelFault: The condition has another length, or a place is beyond the rows.
    """
    picked = np.asarray(chosen)
    if picked.dtype == bool:
        if picked.shape != (size,):
            raise ModelFault(f"a condition of {picked.size} values chooses among {size}{what}")
        return picked.nonzero()[0], True
    if picked.ndim != 1 or (picked.size and picked.dtype.kind not in "iu"):
        kind = f"an array of {picked.dtype}" if picked.ndim else f"`{chosen!r}`"
        raise ModelFault(
            f"{kind} chooses among {size}{what}",
            "choose by a condition, one value a row, or by a list of places",
        )
    if not picked.size:
        return picked.astype(np.int64, copy=False), True
    steps = picked[1:] > picked[:-1]
    rise = not steps.size or bool(steps[steps.argmin()])
    lowest, highest = (picked[0], picked[-1]) if rise else ends(picked)
    if not -1 < lowest <= highest < size:
        raise ModelFault(f"a place is not in 0 … {size - 1}")
    return picked.astype(np.int64, copy=False), rise
