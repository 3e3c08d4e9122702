"""Quality of related tables: children per parent, resolved keys, dependence on parents.

`declared_keys` tells which columns point at which table; `relational` measures every relation and
gives the results to the child's table.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fabula.evaluation.metrics.dependence import SOURCE, Kept, dependence_score, kept_pairs
from fabula.evaluation.metrics.frames import Array, Column, Frame, Frames
from fabula.evaluation.metrics.metric import METRICS, Metric, Score
from fabula.evaluation.metrics.result import MetricResult, noise
from fabula.evaluation.metrics.shapes import number_distance
from fabula.relationships.keys import ForeignKey, key_labels
from fabula.render.amounts import percent

CARDINALITY = 0.90
MOST_ROWS = 50_000
"""Children of each frame that trends look at."""

SHOWN = 5
"""Orphans that are named."""

COUNTS = METRICS.add(
    Metric(
        "quality.cardinality",
        "cardinality (children per parent)",
        "higher",
        "Kolmogorov-Smirnov statistic of children per parent, as 1 - distance",
        place=170,
    )
)
INTEGRITY = METRICS.add(
    Metric(
        "quality.foreign_keys",
        "referential integrity",
        "higher",
        "Share of foreign keys that are a key of the parent, missing ones left out",
        form="share",
        place=180,
    )
)
TRENDS = METRICS.add(
    Metric("quality.trends", "parent-child trends", "higher", SOURCE, form="share", place=190)
)
RULES = METRICS.add(
    Metric(
        "quality.rules",
        "constraints across tables",
        "higher",
        "Share of rows that keep what holds in all real rows between a table and its parents",
        form="share",
        place=200,
    )
)


@dataclass(frozen=True)
class _Link:
    """A relation in one frame: the parent's row of each child (-1: none), and the child's keys."""

    rows: Array
    parents: int
    keys: pa.ChunkedArray

    @property
    def children(self) -> Array:
        """Children of every parent, those without any included."""
        return np.bincount(self.rows[self.rows >= 0], minlength=self.parents).astype(float)

    @property
    def orphans(self) -> pa.Array:
        """Keys that no parent has."""
        return self.keys.filter(pa.array(self.rows < 0)).drop_null()

    @property
    def resolved(self) -> float:
        """The share of keys that a parent has; 1 if there are no keys."""
        filled = len(self.keys) - self.keys.null_count
        return 1 - len(self.orphans) / filled if filled else 1.0


def relational(
    made: Mapping[str, pa.Table],
    real: Mapping[str, pa.Table],
    frames: Mapping[str, Frames],
    relations: Sequence[ForeignKey],
) -> dict[str, list[MetricResult]]:
    """What can be measured of relations, by the child's table.

    Args:
        made: The synthetic tables.
        real: The real ones by the same names; empty if there are none.
        frames: The prepared tables.
        relations: The foreign keys.
    """
    results: dict[str, list[MetricResult]] = {}
    for child in dict.fromkeys(relation.child for relation in relations):
        own = [relation for relation in relations if relation.child == child]
        lacking = [
            f"the {frame} table `{table}` has no column `{column}`"
            for frame, tables in (("synthetic", made), ("real", real))
            for relation in own
            for table, columns in ((child, relation.columns), (relation.parent, relation.key))
            for column in columns
            if tables and column not in tables[table].column_names
        ]
        if lacking:
            results[child] = _unmeasured(lacking[0])
            continue
        links = {relation: _linked(relation, made) for relation in own}
        there = {relation: _linked(relation, real) for relation in own} if real else {}
        results[child] = [_foreign_keys(links, there)]
        if there:
            results[child].insert(0, _cardinality(links, there, frames[child]))
            results[child].append(_trends(links, there, frames, relations))
    return results


def _linked(relation: ForeignKey, tables: Mapping[str, pa.Table]) -> _Link:
    keys = key_labels(tables[relation.child], relation.columns)
    owners = key_labels(tables[relation.parent], relation.key)
    found = pc.index_in(keys, value_set=owners.combine_chunks(), skip_nulls=True)
    return _Link(pc.fill_null(found, -1).to_numpy(), len(owners), keys)


def _cardinality(
    links: Mapping[ForeignKey, _Link], there: Mapping[ForeignKey, _Link], frames: Frames
) -> MetricResult:
    """One minus the distance between the numbers of children, parents without any included."""
    scores, base = {}, []
    for relation, link in links.items():
        real = there[relation]
        scores[relation] = 1 - (number_distance(real.children, link.children) or 0.0)
        order = frames.rng(f"parents by {relation.name}").permutation(real.children)
        middle = len(order) // 2
        base.append(1 - (number_distance(order[:middle], order[middle:]) or 0.0))
    worst = min(scores, key=lambda relation: scores[relation])
    value = float(np.mean(list(scores.values())))
    sizes = links[worst].parents, there[worst].parents
    counts = {
        relation.name: {
            "score": score,
            "synthetic": float(links[relation].children.mean()),
            "real": float(there[relation].children.mean()),
        }
        for relation, score in scores.items()
    }
    mean = counts[worst.name]
    return COUNTS.result(
        Score(
            value,
            f"Numbers of children agree to {percent(value)}; farthest off is `{worst.name}`, where "
            f"a row of `{worst.parent}` has {mean['synthetic']:.2f} of them on average, and "
            f"{mean['real']:.2f} in the real data.",
            baseline=float(np.mean(base)),
            compared="real halves",
            threshold=min(CARDINALITY, 1 - noise(0.5, *sizes)),
            details={"relations": counts},
        )
    )


def _foreign_keys(
    links: Mapping[ForeignKey, _Link], there: Mapping[ForeignKey, _Link]
) -> MetricResult:
    """The share of keys that resolve, in the relation where it is lowest next to the real one."""
    ideal = {relation: there[relation].resolved if there else 1.0 for relation in links}
    worst = min(links, key=lambda relation: links[relation].resolved - ideal[relation])
    value, base = links[worst].resolved, ideal[worst]
    orphans = {
        relation.name: link.orphans.unique().slice(0, SHOWN).to_pylist()
        for relation, link in links.items()
    }
    named = ", ".join(f"`{key}`" for key in orphans[worst.name])
    bound = (
        base if base == 1 else base - noise(base, len(links[worst].rows), len(there[worst].rows))
    )
    return INTEGRITY.result(
        Score(
            value,
            (
                f"{percent(1 - value)} of the keys in `{worst.name}` are not a "
                f"`{'+'.join(worst.key)}` of `{worst.parent}`, such as {named}."
                if value < 1
                else "Every foreign key is a key of its parent."
            ),
            baseline=base,
            compared="real rows" if there else "ideal",
            threshold=bound,
            details={
                "relations": {relation.name: link.resolved for relation, link in links.items()},
                "orphans": orphans,
            },
        )
    )


def _trends(
    links: Mapping[ForeignKey, _Link],
    there: Mapping[ForeignKey, _Link],
    frames: Mapping[str, Frames],
    relations: Iterable[ForeignKey],
) -> MetricResult:
    """How much of what parents say about their children is kept."""
    keys = {(item.child, column) for item in relations for column in item.columns}
    keys |= {(item.parent, key) for item in relations for key in item.key}
    found: list[Kept] = []
    base: list[Kept] = []
    for relation, link in links.items():
        joined, parents = _joined(relation, link, there[relation], frames, keys)
        owned = {c.name for c in joined.columns if c.name.startswith(f"{relation.parent}.")}
        if not joined.synthetic.rows or not joined.truth.rows:
            continue
        columns = joined.measured
        found += kept_pairs(joined, columns, joined.truth, joined.synthetic, across=owned)
        order = joined.rng("halves of parents").permutation(there[relation].parents)
        first = order[parents] < len(order) // 2
        halves = [joined.truth.take(np.flatnonzero(half)) for half in (first, ~first)]
        if all(half.rows for half in halves):
            base += kept_pairs(joined, columns, halves[0], halves[1], across=owned)
    return TRENDS.result(dependence_score(found, base, compared="real halves"))


def _joined(
    relation: ForeignKey,
    made: _Link,
    real: _Link,
    frames: Mapping[str, Frames],
    keys: set[tuple[str, str]],
) -> tuple[Frames, Array]:
    """Children with their parents' columns, keys left out, and the real children's parents."""
    child, parent = frames[relation.child], frames[relation.parent]
    above = [c for c in parent.measured if (relation.parent, c.name) not in keys]
    below = [c for c in child.measured if (relation.child, c.name) not in keys]
    named = {f"{relation.parent}.{column.name}": column for column in above}
    rng = child.rng(f"children by {relation.name}")

    def sampled(link: _Link) -> Array:
        index = np.flatnonzero(link.rows >= 0)
        drawn = rng.choice(index, MOST_ROWS, replace=False) if len(index) > MOST_ROWS else index
        return np.sort(drawn)

    def together(link: _Link, index: Array, children: Frame, parents: Frame) -> Frame:
        values = {name: parents[column.name][link.rows[index]] for name, column in named.items()}
        values |= {column.name: children[column.name][index] for column in below}
        return Frame(len(index), values, {})

    columns: list[Column] = [replace(column, name=name) for name, column in named.items()] + below
    rows, of_made = sampled(real), sampled(made)
    joined = Frames(
        columns=tuple(columns),
        synthetic=together(made, of_made, child.synthetic, parent.synthetic),
        real=together(real, rows, child.truth, parent.truth),
        holdout=None,
        seed=child.seed,
    )
    return joined, real.rows[rows]


def _unmeasured(why: str) -> list[MetricResult]:
    return [entry.not_measured(why) for entry in (COUNTS, INTEGRITY, TRENDS)]
