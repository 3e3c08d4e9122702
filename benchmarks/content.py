"""How much of what parents and grandparents tell of their children a sample keeps.

The measure is mutual information in nats: numbers in the five parts that are equally frequent in
the real data, labels the eight most frequent and all others. Other parents' values give some by
chance, the more the fewer parents there are, so what permuted parents give is taken off.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from fabula.relationships.keys import ForeignKey
from fabula.relationships.rules.rule import Copy
from fabula.synthesizers.codecs.categories import CategoryCodec
from fabula.synthesizers.codecs.codec import Places
from fabula.synthesizers.codecs.numbers import NumberCodec
from fabula.synthesizers.multitable.database import RelationalSynthesizer
from fabula.synthesizers.multitable.foreign_keys import row_links

LEAST, DEVIATIONS, CELLS = 0.01, 4, 10
"""Pairs that tell less, or less than chance does that often, are left out; cells of a column."""

Tables = Mapping[str, pa.Table]


class Told(NamedTuple):
    """What one column tells of another one in real and in made tables."""

    hops: str
    pair: str
    real: float
    made: float


def told(real: Tables, made: Tables, foreign: list[ForeignKey], but: set[str]) -> list[Told]:
    """All pairs of columns that tell something, those that tell most first.

    Args:
        real: Real tables.
        made: Made ones.
        foreign: The keys that lead from children to parents.
        but: Columns that are left out, as `table.column`, see `made_anew`.
    """
    foreign = [key for key in foreign if key.parent in real and key.parent != key.child]
    keyed = {f"{key.child}.{name}" for key in foreign for name in key.columns} | {*but}
    keyed |= {f"{key.parent}.{name}" for key in foreign for name in key.key}
    cells = {
        (table, name): _cells(column, made[table].column(name))
        for table, rows in real.items()
        for name, column in zip(rows.column_names, rows.columns, strict=True)
        if f"{table}.{name}" not in keyed and _is_told(column)
    }
    links = {key: [row_links(each, key, orphans=True) for each in (real, made)] for key in foreign}
    rng = np.random.default_rng(0)
    found = []
    for hops, above, below, ways in _ways(foreign, links):
        for (table, name), own in cells.items():
            for (other, column), values in cells.items():
                if (table, other) != (below, above):
                    continue
                pairs = [(values[at], own[at][ways[at][0]], ways[at][1]) for at in (0, 1)]
                nats, noise = _excess(*pairs[0], rng)
                if nats >= max(LEAST, DEVIATIONS * noise):
                    made_nats = _excess(*pairs[1], rng)[0]
                    found.append(Told(hops, f"{table}.{name} ~ {other}.{column}", nats, made_nats))
    return sorted(found, key=lambda item: -item.real)


def shown(real: Tables, model: RelationalSynthesizer[pa.Table]) -> Tables:
    """Real rows with the values that samples may show: rare labels and extreme numbers pooled.

    What these tell of each other is all that a sample of a protected model can keep.
    """
    found = {}
    for name, table in real.items():
        columns = model.models[name].columns
        found[name] = table
        for codec in () if columns is None else columns.codecs:
            if not isinstance(codec, (CategoryCodec, NumberCodec)):
                continue
            if codec.name not in table.column_names:
                continue
            at, values = table.column_names.index(codec.name), table.column(codec.name)
            places = Places(np.arange(len(values)), 0, np.random.default_rng(0))
            with suppress(pa.ArrowInvalid, pa.ArrowNotImplementedError):  # times made distances
                pooled = codec.decode(codec.encode(values.combine_chunks()), places)
                found[name] = found[name].set_column(at, codec.name, pooled.cast(values.type))
    return found


def made_anew(model: RelationalSynthesizer[pa.Table]) -> set[str]:
    """Columns whose values are new, as `table.column`: personal ones, their copies, and keys."""
    new = {f"{name}.{column}" for name, own in model.models.items() for column in own.replaced}
    new |= {f"{name}.{key.name}" for name, own in model.models.items() for key in own.identity.keys}
    for item in model.across.rules.kept:
        rule = item.rule
        if isinstance(rule, Copy) and {".".join(place) for place in rule.sources} & new:
            new.add(".".join(rule.target))
    return new


def kept(found: list[Told], hops: str) -> float:
    """The share of what pairs tell that made tables keep; too much in one makes up for nothing."""
    own = [item for item in found if item.hops == hops]
    most = sum(max(0.0, min(item.real, item.made)) for item in own)
    return most / sum(item.real for item in own) if own else float("nan")


def _ways(
    foreign: list[ForeignKey], links: Mapping[ForeignKey, list[np.ndarray]]
) -> Iterator[tuple[str, str, str, list[tuple[np.ndarray, np.ndarray]]]]:
    """From one table to another: the rows below that arrive, and the row above of each."""
    for key in foreign:
        yield "one", key.parent, key.child, [_there(rows) for rows in links[key]]
        for up in foreign:
            if up.child == key.parent and up.parent != key.child:
                pairs = zip(links[key], links[up], strict=True)
                ways = [_there(np.where(own >= 0, over[own], -1)) for own, over in pairs]
                yield "two", up.parent, key.child, ways
    for at, key in enumerate(foreign):
        for beside in foreign[at + 1 :]:
            if key.child == beside.child and key.parent != beside.parent:
                pairs = zip(links[key], links[beside], strict=True)
                ways = [(own[own + far >= 0], far[own + far >= 0]) for own, far in pairs]
                yield "both", beside.parent, key.parent, ways


def _there(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    there = np.flatnonzero(rows >= 0)
    return there, rows[there]


def _excess(
    above: np.ndarray, below: np.ndarray, rows: np.ndarray, rng: np.random.Generator
) -> tuple[float, float]:
    """What parents' values tell beyond permuted ones, and how much these vary."""
    chance = [_nats(rng.permutation(above)[rows], below) for _ in range(6)]
    return _nats(above[rows], below) - float(np.mean(chance)), float(np.std(chance))


def _nats(first: np.ndarray, second: np.ndarray) -> float:
    counts = np.bincount(first * CELLS + second, minlength=CELLS * CELLS)
    shares = counts.reshape(CELLS, CELLS) / max(len(first), 1)
    alone = shares.sum(axis=1, keepdims=True) * shares.sum(axis=0, keepdims=True)
    there = shares > 0
    return float((shares[there] * np.log(shares[there] / alone[there])).sum())


def _is_told(column: pa.ChunkedArray) -> bool:
    """Whether a column has several values, and, if they are texts, some of them repeat."""
    distinct = len(column.unique())
    return distinct > 1 and (not pa.types.is_string(column.type) or distinct <= len(column) / 2)


def _cells(real: pa.ChunkedArray, made: pa.ChunkedArray) -> tuple[np.ndarray, np.ndarray]:
    """Both columns in cells of the real one."""
    if pa.types.is_string(real.type) or pa.types.is_boolean(real.type):
        counts = real.cast(pa.string()).value_counts().to_pylist()
        common = sorted(counts, key=lambda item: -item["counts"])[: CELLS - 2]
        place = {item["values"]: at for at, item in enumerate(common)}
        texts = (each.cast(pa.string()).to_pylist() for each in (real, made))
        first, second = (np.array([place.get(text, CELLS - 1) for text in each]) for each in texts)
        return first, second
    first, second = (_numbers(each.cast(real.type)) for each in (real, made))
    edges = np.unique(np.nanquantile(first, [0.2, 0.4, 0.6, 0.8]))
    places = (np.searchsorted(edges, each, "right") for each in (first, second))
    gaps = (np.isnan(first), np.isnan(second))
    one, two = (np.where(gap, CELLS - 1, at) for gap, at in zip(gaps, places, strict=True))
    return one, two


def _numbers(column: pa.ChunkedArray) -> np.ndarray:
    kind = column.type
    if pa.types.is_temporal(kind):
        column = column.cast(pa.int32() if kind.bit_width == 32 else pa.int64())
    return column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
