"""`private`: a tree of two-column tables, each counted with noise.

The noisy distribution of every column is counted first. Then the pairs of columns that these
explain worst are chosen, one by one and by a noisy maximum, until they join all columns to a tree;
each pair's table is counted with noise and brought in line with its columns (McKenna et al. 2021,
"Winning the NIST Contest", MST). A row is drawn from the root of the tree to its leaves. All that
follows the noisy counts costs no privacy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

from fabula.errors import UsageError
from fabula.render.amounts import percent
from fabula.synthesizers.layout import Layout
from fabula.synthesizers.model import CellColumn, Codes, Drawn, State, Steps, Weights

if TYPE_CHECKING:
    from fabula.synthesizers.models.private.accounting import Account

DELTA = 1e-6

MOST_EPSILON = 100
"""A budget above it protects nobody."""

COLUMNS, CHOICE, PAIRS = 0.3, 0.2, 0.5
"""Shares of the budget: counts of columns, choice of pairs, counts of pairs."""

_RAKINGS = 30
_FLOOR = 1e-6
_BATCH = 16_384

Table = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PrivateTree:
    """A fitted model.

    Attributes:
        layout: Where cells stand.
        order: Positions of columns, parents before children; the first is the root.
        parents: The parent of each column by position; -1 for the root.
        tables: For each column by position the chances of its cells given its parent's,
            shape (parent's cells, cells); (1, cells) for the root.
        rows: About how many rows it was learned from, a noisy number.
        notes: What was spent, and what that means.
    """

    layout: Layout
    order: tuple[int, ...]
    parents: tuple[int, ...]
    tables: tuple[Table, ...]
    rows: int
    notes: tuple[str, ...]

    @classmethod
    def fit(
        cls,
        codes: Codes,
        columns: tuple[CellColumn, ...],
        *,
        seed: int,
        progress: Steps,
        epsilon: float | None = None,
        delta: float = DELTA,
        account: Account | None = None,
    ) -> PrivateTree:
        """Learn rows; cells of `columns` must not depend on them.

        Args:
            codes: Training rows.
            columns: The columns of `codes`; their counts are not looked at.
            seed: Not used: noise that can be made again protects nobody.
            progress: Called with tables counted and tables in all.
            epsilon: The ε to spend.
            delta: The δ.
            account: What was spent of both before.

        Raises:
            UsageError: ε or δ is not a budget.
        """
        from fabula.synthesizers.models.private.accounting import Account, affordable, scale

        del seed
        check_budget(epsilon, delta)
        assert epsilon is not None
        layout, account = Layout.of(columns), account or Account()
        before = account.rho
        budget = affordable(epsilon, delta - account.delta) - before
        count = len(columns)
        share = COLUMNS if count > 1 else 1.0
        singles = [
            account.noisy(np.bincount(codes[:, at], minlength=size), share * budget / count)
            for at, size in enumerate(layout.sizes)
        ]
        progress(1, count)
        rows = max(1.0, float(np.mean([single.sum() for single in singles])))
        noise = scale(share * budget / count)
        shares = [_shares(single, noise) for single in singles]
        tables = _Tables(codes, layout, shares, rows, account)
        chosen = tables.choose(CHOICE * budget, count)
        pairs = {}
        for done, pair in enumerate(chosen):
            price = PAIRS * budget / len(chosen)
            pairs[pair] = tables.counted(pair, price, noise=scale(price))
            progress(done + 2, count)
        order, parents = _rooted(chosen, count)
        found = tuple(_chances(at, parents[at], shares, pairs) for at in range(count))
        spent = account.epsilon(delta)
        notes = _notes(spent, delta, account.rho, before)
        return cls(layout, order, parents, found, round(rows), notes)

    def sample(self, rows: int, rng: np.random.Generator, allowed: Mapping[int, Weights]) -> Drawn:
        """Draw rows; what is allowed is kept exactly."""
        evidence = [np.ones((1, size)) for size in self.layout.sizes]
        for at, weights in allowed.items():
            evidence[at] = np.asarray(weights, float)[None]
        pieces = [
            self._drawn(evidence, min(_BATCH, rows - start), rng)
            for start in range(0, max(rows, 1), _BATCH)
        ]
        codes = np.concatenate(pieces)
        weights = self.layout.weights(allowed)
        fits = (weights[self.layout.places(codes)] > 0).all(axis=1)
        return Drawn(codes) if fits.all() else Drawn(codes, np.where(fits, 0.0, -np.inf))

    def complete(self, codes: Codes, known: NDArray[np.bool_], rng: np.random.Generator) -> Drawn:
        """Draw what is unknown, from its exact distribution given what is known."""
        filled = codes.copy()
        for start in range(0, len(codes), _BATCH):
            part = slice(start, start + _BATCH)
            evidence = [
                np.where(known[part, at, None], np.eye(size)[codes[part, at]], 1.0)
                for at, size in enumerate(self.layout.sizes)
            ]
            drawn = self._drawn(evidence, len(codes[part]), rng)
            filled[part] = np.where(known[part], codes[part], drawn)
        return Drawn(filled)

    def state(self) -> State:
        """The model as plain values."""
        settings = {
            "order": list(self.order),
            "parents": list(self.parents),
            "rows": self.rows,
            "notes": list(self.notes),
        }
        return State(settings, {f"table{at}": table for at, table in enumerate(self.tables)})

    @classmethod
    def restore(cls, state: State, columns: tuple[CellColumn, ...]) -> PrivateTree:
        """The model of a state."""
        settings = state.settings
        tables = tuple(state.arrays[f"table{at}"] for at in range(len(columns)))
        return cls(
            Layout.of(columns), tuple(settings["order"]), tuple(settings["parents"]), tables,
            settings["rows"], tuple(settings["notes"]),
        )  # fmt: skip

    def _drawn(self, evidence: Sequence[Table], rows: int, rng: np.random.Generator) -> Codes:
        """Rows by their chances times the evidence (rows or 1, cells) of each column.

        Messages go from the leaves to the root, and rows are drawn from the root to the leaves.
        """
        weighed = list(evidence)
        for at in reversed(self.order[1:]):
            parent = self.parents[at]
            message = weighed[at] @ self.tables[at].T
            message = message / np.maximum(message.max(axis=1, keepdims=True), 1e-300)
            weighed[parent] = weighed[parent] * message
        codes = np.zeros((rows, len(self.order)), np.int32)
        for at in self.order:
            parent = self.parents[at]
            given = codes[:, parent] if parent >= 0 else np.zeros(rows, int)
            sums = np.cumsum(self.tables[at][given] * weighed[at], axis=1)
            found = (rng.random((rows, 1)) * sums[:, -1:] >= sums).sum(axis=1)
            codes[:, at] = np.minimum(found, self.layout.sizes[at] - 1)
        return codes


class _Tables:
    """Tables of two columns, chosen and counted with noise."""

    def __init__(
        self,
        codes: Codes,
        layout: Layout,
        shares: Sequence[Table],
        rows: float,
        account: Account,
    ) -> None:
        self._codes, self._layout, self._account = codes, layout, account
        self._shares, self._rows = shares, rows

    def choose(self, rho: float, count: int) -> list[tuple[int, int]]:
        """The pairs of a spanning tree that independent columns explain worst, about."""
        edges = list(combinations(range(count), 2))
        scores = {
            edge: float(np.abs(self._table(edge) - self._expected(edge)).sum()) for edge in edges
        }
        group = list(range(count))
        chosen: list[tuple[int, int]] = []
        while len(chosen) < count - 1:
            open_edges = [edge for edge in edges if group[edge[0]] != group[edge[1]]]
            asked = np.array([scores[edge] for edge in open_edges])
            edge = open_edges[self._account.largest(asked, rho / (count - 1))]
            chosen.append(edge)
            joined, into = group[edge[1]], group[edge[0]]
            group = [into if member == joined else member for member in group]
        return chosen

    def counted(self, edge: tuple[int, int], rho: float, *, noise: float) -> Table:
        """A noisy table in line with its columns' distributions; adds up to 1.

        Args:
            edge: The two columns.
            rho: What it costs.
            noise: The standard deviation that this price buys; smaller counts are taken as 0.
        """
        noisy = self._account.noisy(self._table(edge), rho)
        table = np.where(noisy < noise, 0.0, noisy) + _FLOOR * self._expected(edge)
        first, second = (self._shares[at] for at in edge)
        for _ in range(_RAKINGS):
            table *= (first / np.maximum(table.sum(axis=1), 1e-300))[:, None]
            table *= second / np.maximum(table.sum(axis=0), 1e-300)
        return np.asarray(table)

    def _table(self, edge: tuple[int, int]) -> NDArray[np.int64]:
        first, second = edge
        sizes = self._layout.sizes[first], self._layout.sizes[second]
        both = self._codes[:, first].astype(np.int64) * sizes[1] + self._codes[:, second]
        return np.bincount(both, minlength=sizes[0] * sizes[1]).reshape(sizes)

    def _expected(self, edge: tuple[int, int]) -> Table:
        """Rows in each field if the columns were independent, from noisy counts alone."""
        return self._rows * np.outer(self._shares[edge[0]], self._shares[edge[1]])


def check_budget(epsilon: float | None, delta: float) -> None:
    """Refuse what is not a budget.

    Raises:
        UsageError: ε or δ is missing or out of range.
    """
    if not _is_number(epsilon) or not 0 < epsilon <= MOST_EPSILON:
        told = "" if epsilon is None else f", not {epsilon!r}"
        raise UsageError(
            f"synthesizer `private` needs an `epsilon` above 0, at most {MOST_EPSILON}{told}",
            code="privacy.budget",
            hint="fb.fit(data, epsilon=1.0, domain={…}); smaller is more private",
        )
    if not _is_number(delta) or not 0 < delta < 1:
        raise UsageError(
            f"`delta` must be between 0 and 1, not {delta!r}",
            code="privacy.budget",
            hint="well below one over the number of rows, such as 1e-6",
        )


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _shares(noisy: Table, noise: float) -> Table:
    """A noisy column as shares: counts below the noise are 0, unless all are."""
    kept = np.where(noisy < noise, 0.0, noisy)
    kept = kept if kept.sum() > 0 else np.ones(len(kept))
    kept += _FLOOR * kept.sum()
    return np.asarray(kept / kept.sum())


def _rooted(
    edges: Sequence[tuple[int, int]], count: int
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """An order of the columns from column 0 on, and the parent of each."""
    order, parents = [0], [-1] * count
    for at in order:
        for first, second in edges:
            for one, other in ((first, second), (second, first)):
                if one == at and other not in order:
                    parents[other] = at
                    order.append(other)
    return tuple(order), tuple(parents)


def _chances(
    at: int, parent: int, shares: Sequence[Table], pairs: Mapping[tuple[int, int], Table]
) -> Table:
    """The chances of a column's cells for each cell of its parent."""
    if parent < 0:
        return shares[at][None]
    table = pairs[(parent, at)] if (parent, at) in pairs else pairs[(at, parent)].T
    return np.asarray(table / table.sum(axis=1, keepdims=True))


def _notes(epsilon: float, delta: float, rho: float, before: float) -> tuple[str, ...]:
    domain = "the given domain" if not before else "what was given of the domain"
    found = f"bounds and labels were found within the budget, at {percent(before / rho)} of ρ"
    return (
        f"differentially private: ε = {epsilon:.4g} at δ = {delta:g} (zCDP ρ = {rho:.4g}), for"
        " adding or removing one row; noise and accounting by OpenDP",
        "covered: the model, its file, and every row sampled from it, however many",
        *([found] if before else []),
        f"not covered: names and types of columns, {domain}, `holdout` rows, other fits of"
        " the same data (their ε add up), and people with several rows (ε for each row)",
    )
