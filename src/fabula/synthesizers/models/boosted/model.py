"""`boosted`: rows drawn column by column, each decision by gradient-boosted trees.

p(row) = Π p(cell of column j | cells of earlier columns), and a cell is reached by yes-or-no
decisions in a mass-balanced tree of the column's cells. All decisions of one level of that tree
share a forest whose features are the earlier columns and the node; it starts from the node's own
share of the rows, and trees are added while they help on held-out rows. Near the idea of
"Unmasking Trees for Tabular Data" (McCarter 2024).
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fabula.streams import stream
from fabula.synthesizers.model import CellColumn, Codes, Drawn, State, Steps, Weights
from fabula.synthesizers.models.boosted.cell_tree import CellTree
from fabula.synthesizers.models.boosted.decisions import Decisions, learn_decisions
from fabula.synthesizers.models.boosted.features import (
    drawing_order,
    feature_codes,
    is_rare_flag,
    telling_columns,
)
from fabula.synthesizers.models.boosted.lines import Line, cell_scores
from fabula.synthesizers.models.boosted.odds import MOST_ROWS, THRESHOLDS
from fabula.synthesizers.models.boosted.prediction import Trees, Walkers, walk
from fabula.synthesizers.models.boosted.sound import (
    NO_VIEWS,
    OWNERS,
    check_arrays,
    check_decisions,
)
from fabula.synthesizers.models.boosted.training import BINS, Growth
from fabula.synthesizers.models.boosted.views import (
    Feature,
    View,
    likeness_orders,
    views_of,
)

SMALL = 1_200
"""Tables of fewer rows get leaves twice as large: else drawn rows lie nearer to learned ones."""
FINER = (0.2,)
"""Smaller leaves that are tried in related tables of few rows, of eight rows at least in the
smallest ones: a label of a parent may have few children, and these are children of several."""
MANY, MIDDLING = 10_000, 4_000
"""From that many rows on, a leaf's slope loses `ALONE`; between the two, leaves are larger besides.
Both keep outlying rows from being told apart. Of fewer rows they would cost realism: at 1,500,
detection was .68 in place of .67."""
ALONE, ALONE_OF_MIDDLING = 4.0, 6.0
PARTICLES = 8
"""Drawn completions of a row, of which one is chosen."""

FEWEST_TRIAL_ROWS, MOST_TRIAL_ROWS = 4_096, 16_384
"""Rows that a new model draws to see whether their shares are those of the training rows."""

_FREE = np.zeros(0, np.int32)
_UNTOLD = np.zeros((0, 2), np.int64)


@dataclass(frozen=True, eq=False)
class Boosted:
    """A fitted model.

    Attributes:
        columns: The columns, in the table's order.
        order: Positions of the columns in the order in which they are drawn.
        decisions: By position, the decisions of each column.
        context: Positions of columns that are always known, and so never drawn.
        views: Further features, in the order of their places.
    """

    columns: tuple[CellColumn, ...]
    order: tuple[int, ...]
    decisions: tuple[Decisions, ...]
    context: frozenset[int] = frozenset()
    views: tuple[View, ...] = ()

    @classmethod
    def fit(
        cls,
        codes: Codes,
        columns: tuple[CellColumn, ...],
        *,
        seed: int,
        progress: Steps,
        rounds: int = 150,
        rate: float = 0.15,
        leaves: int = 31,
        workers: int = 0,
        context: tuple[int, ...] | None = None,
    ) -> Boosted:
        """Learn rows (at most 524,288 of them, drawn at random).

        Args:
            codes: Training rows.
            columns: The columns of `codes`.
            seed: Decides which rows tell when to stop.
            progress: Called with columns done and columns in all.
            rounds: Most trees of a level.
            rate: Learning rate.
            leaves: Most leaves of a tree.
            workers: Columns learned at the same time; 0 for one a core. Changes nothing else.
            context: Of one of several tables, positions of columns that will always be known; with
                some, columns are drawn in the order in which they stand.
        """
        finer = () if context is None else FINER
        context = context or ()
        rng = stream(seed, "boosted", "rows", 0)
        rows = rng.permutation(len(codes))[:MOST_ROWS]
        learned = codes[rows]
        orders = likeness_orders(learned, columns)
        seen = _main_views(columns, orders)
        bins = np.stack([view(learned) for view in seen])
        numbers = [cell_scores(column) for column in columns]
        growth = Growth(rounds=rounds, rate=rate, leaves=leaves)
        if len(learned) < SMALL:  # larger leaves, so that none is about few people
            growth = growth._replace(least=2 * growth.least)
        elif not finer and MIDDLING <= len(learned) < MANY:
            growth = growth._replace(
                least=2 * growth.least, depth=growth.depth - 2, alone=ALONE_OF_MIDDLING
            )
        elif not finer and len(learned) >= MANY:
            growth = growth._replace(alone=ALONE)
        order = tuple(range(len(columns))) if context else drawing_order(columns)
        telling = telling_columns(bins, order, rng)
        views: list[View] = []
        features: dict[int, list[Feature]] = {}
        for at in order:
            earlier = () if at in context else telling[at]
            own = views_of(at, learned, columns, bins, earlier=earlier, orders=orders)
            places = range(len(columns) + len(views), len(columns) + len(views) + len(own))
            features[at] = [
                seen[other].feature(other, bins[other], rare=is_rare_flag(columns[other]))
                for other in earlier
            ]
            features[at] += [
                view.feature(place, view(learned)) for place, view in zip(places, own, strict=True)
            ]
            views += own
        node = Feature(len(columns) + len(views), bins[0], BINS, ordered=True)
        lock, done = Lock(), [0]

        def learn(at: int) -> Decisions:
            earlier = () if at in context else telling[at]
            found = learn_decisions(
                at, learned, columns, numbers, earlier=earlier, features=[*features[at], node],
                order=orders.get(at), growth=growth, finer=finer,
            )  # fmt: skip
            with lock:
                done[0] += 1
                progress(done[0], len(columns))
            return found

        costly_first = order[::-1]
        with ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool:
            found = dict(zip(costly_first, pool.map(learn, costly_first), strict=True))
        decisions = tuple(found[at] for at in range(len(columns)))
        return cls(columns, order, decisions, frozenset(context), tuple(views))._settled(
            learned, rng
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """Nothing beyond the card."""
        return ()

    def sample(self, rows: int, rng: np.random.Generator, allowed: Mapping[int, Weights]) -> Drawn:
        """Draw rows; decisions that `allowed` leaves no choice are weighed."""
        codes = np.zeros((rows, len(self.columns)), np.int32, order="F")  # decoded by columns
        drawing = _Drawing(self._views, rows, rng)
        for at in self.order:
            weights = allowed.get(at)
            codes[:, at] = drawing.column(at, self.decisions[at], weights, _FREE)
            if weights is not None:
                with np.errstate(divide="ignore"):
                    drawing.log_weights += np.log(weights)[codes[:, at]]
        return Drawn(codes, drawing.log_weights if allowed else None)

    def complete(
        self,
        codes: Codes,
        known: NDArray[np.bool_],
        rng: np.random.Generator,
        *,
        until: int | None = None,
    ) -> Drawn:
        """Draw what is unknown: several completions of a row, of which one is chosen by weight.

        One is enough if nothing known comes after something unknown.

        Args:
            codes: The rows.
            known: Which of their codes are known.
            rng: The only source of randomness.
            until: How many columns are drawn; later ones stay as they are. None for all.
        """
        drawn = [at for at in self.order[:until] if at not in self.context]
        count = PARTICLES if (~known[:, drawn[:-1]] & known[:, drawn[1:]]).any() else 1
        particles = np.where(np.repeat(known, count, axis=0), np.repeat(codes, count, 0), -1)
        drawing = _Drawing(self._views, len(particles), rng)
        for at in self.order[:until]:
            if at in self.context:
                particles[:, at] = codes[:, at].repeat(count)
                drawing.known(at, particles[:, at])
                continue
            targets = np.ascontiguousarray(particles[:, at], np.int32)
            particles[:, at] = drawing.column(at, self.decisions[at], None, targets)
        weights = drawing.log_weights.reshape(-1, count)
        sums = np.cumsum(np.exp(weights - weights.max(axis=1, keepdims=True)), axis=1)
        chosen = (rng.random((len(codes), 1)) * sums[:, -1:] >= sums).sum(axis=1)
        found = particles[np.arange(len(codes)) * count + chosen].astype(np.int32)
        return Drawn(found if until is None else np.hstack([found[:, :until], codes[:, until:]]))

    def state(self) -> State:
        """The model as plain values: the columns' arrays, one after the other."""
        arrays: dict[str, NDArray[Any]] = {
            "order": np.array(self.order, np.int32),
            "context": np.array(sorted(self.context), np.int32),
            "sizes": np.array(
                [
                    (
                        len(item.scores),
                        len(item.forests),
                        len(item.trees.roots),
                        len(item.trees.link),
                        len(item.line.uses),
                    )
                    for item in self.decisions
                ],
                np.int64,
            ),
        }
        for name in ("slopes", "means", "uses"):
            parts = [getattr(item.line, name) for item in self.decisions]
            arrays[name] = np.concatenate(parts).astype(np.int64)
        tables = [table for item in self.decisions for table in item.line.tables]
        arrays["lines"] = np.concatenate([np.zeros(0, np.int32), *tables])
        for name in ("scores", "bins", "forests"):
            arrays[name] = np.concatenate([getattr(item, name) for item in self.decisions])
        for name in Trees._fields:
            arrays[name] = np.concatenate([getattr(item.trees, name) for item in self.decisions])
        wide = [at for at, item in enumerate(self.decisions) if item.order is not None]
        ordered = [item.order for item in self.decisions if item.order is not None]
        arrays["wide"] = np.array(wide, np.int32)
        arrays["likeness"] = np.concatenate([np.zeros(0, np.int32), *ordered]).astype(np.int32)
        arrays["seen"] = np.array([(view.column, view.ordered) for view in self.views], np.int32)
        arrays["seen"] = arrays["seen"].reshape(-1, 2)
        codes = [view.codes for view in self.views]
        arrays["views"] = np.concatenate([np.zeros(0, np.uint8), *codes])
        return State({}, arrays)

    @classmethod
    def restore(cls, state: State, columns: tuple[CellColumn, ...]) -> Boosted:
        """The model of a state.

        Raises:
            ValueError: Its arrays don't fit each other, or these columns.
        """
        arrays = {**NO_VIEWS, **state.arrays}
        check_arrays(arrays, columns)
        orders = dict(zip(arrays["wide"].tolist(), _parts(arrays, "likeness", "wide", columns),
                          strict=True))  # fmt: skip
        views = tuple(
            View(at, np.ascontiguousarray(codes), ordered=bool(kind))
            for (at, kind), codes in zip(
                arrays["seen"].tolist(), _parts(arrays, "views", "seen", columns), strict=True
            )
        )
        cuts = np.cumsum(arrays["sizes"], axis=0)[:-1].T
        parts = {name: np.split(arrays[name], cuts[owner]) for name, owner in OWNERS.items()}
        used = [int(at) for at in arrays["uses"]]
        ends = np.cumsum([columns[at].cells for at in used])[:-1].astype(int)
        tables = iter(np.split(arrays["lines"], ends))
        lines = [
            Line(
                tuple(map(int, parts["uses"][at])),
                tuple(islice(tables, len(parts["uses"][at]))),
                parts["slopes"][at],
                parts["means"][at],
            )
            for at in range(len(columns))
        ]
        decisions = tuple(
            Decisions(
                CellTree.balanced(
                    column.counts if orders.get(at) is None else column.counts[orders[at]],
                    missing=column.missing,
                ),
                parts["scores"][at],
                parts["bins"][at],
                parts["forests"][at],
                Trees(*(np.ascontiguousarray(parts[name][at]) for name in Trees._fields)),
                lines[at],
                orders.get(at),
            )
            for at, column in enumerate(columns)
        )
        order, context = (tuple(map(int, arrays[name])) for name in ("order", "context"))
        for item in decisions:
            check_decisions(item, len(columns) + len(views))
        return cls(columns, order, decisions, frozenset(context), views)

    def _settled(self, codes: Codes, rng: np.random.Generator) -> Boosted:
        """The model, moved so that drawn rows have the shares of real ones in every column.

        Small errors of a column would otherwise add up in those that are drawn after it.
        """
        rows = min(max(len(codes), FEWEST_TRIAL_ROWS), MOST_TRIAL_ROWS)
        known = codes[rng.integers(0, len(codes), rows)]
        drawing, decisions = _Drawing(self._views, rows, rng), list(self.decisions)
        for at in self.order:
            if at in self.context:
                drawing.known(at, known[:, at])
                continue
            passed = np.zeros((len(decisions[at].scores), 2), np.int64)
            drawing.column(at, decisions[at], None, _FREE, passed)
            shares = decisions[at].tree.shares(decisions[at].in_order(self.columns[at].counts))
            decisions[at] = decisions[at].settled(shares, passed)
            drawing.column(at, decisions[at], None, _FREE)
        return replace(self, decisions=tuple(decisions))

    @cached_property
    def _views(self) -> tuple[View, ...]:
        """All features in the order of their places."""
        orders = {at: item.order for at, item in enumerate(self.decisions)}
        return (*_main_views(self.columns, orders), *self.views)


def _main_views(
    columns: Sequence[CellColumn], orders: Mapping[int, NDArray[np.int64] | None]
) -> list[View]:
    """The feature of each column that all others see."""
    return [
        View(at, feature_codes(column, orders.get(at)), ordered=column.ordered)
        for at, column in enumerate(columns)
    ]


class _Drawing:
    """Rows of which some columns are drawn."""

    def __init__(self, views: tuple[View, ...], rows: int, rng: np.random.Generator) -> None:
        self._rng, self._places = rng, defaultdict[int, list[tuple[int, NDArray[np.uint8]]]](list)
        for place, view in enumerate(views):
            self._places[view.column].append((place, view.codes))
        self._bins = np.zeros((rows, len(views) + 1), np.uint8)
        self._cells = np.zeros((rows, len(self._places)), np.int32, order="F")  # read by columns
        self.log_weights = np.zeros(rows)

    def known(self, at: int, codes: NDArray[np.int32]) -> None:
        """Note a column that is not drawn."""
        for place, table in self._places[at]:
            self._bins[:, place] = table[codes]
        self._cells[:, at] = codes

    def column(
        self,
        at: int,
        decisions: Decisions,
        weights: Weights | None,
        targets: NDArray[np.int32],
        passed: NDArray[np.int64] = _UNTOLD,
    ) -> NDArray[np.int32]:
        """Draw one more column: any cell, cells of some weight, or each row's target."""
        rows = len(self.log_weights)
        codes = np.zeros(rows, np.int32)
        if len(decisions.forests):
            seeds = self._rng.integers(0, 2**64, rows, np.uint64)
            targets = decisions.places_of(targets)
            index = decisions.line.index(self._cells)
            walkers = Walkers(self._bins, seeds, index, targets, codes, self.log_weights, passed)
            walk(walkers, decisions.path(weights), decisions.trees, THRESHOLDS)
            codes = codes if decisions.order is None else decisions.order[codes].astype(np.int32)
        self.known(at, codes)
        return codes


def _parts(
    arrays: Mapping[str, NDArray[Any]], name: str, owner: str, columns: Sequence[CellColumn]
) -> list[NDArray[Any]]:
    """An array in parts, one for the cells of each column that `owner` lists."""
    owners = arrays[owner] if arrays[owner].ndim == 1 else arrays[owner][:, 0]
    ends = np.cumsum([columns[at].cells for at in owners])[:-1].astype(int)
    return np.split(arrays[name], ends) if len(owners) else []
