"""Search for formulas that hold in some of the rows, and for what tells in which ones.

A formula counts where far more rows lie on it than just off it: the density of the distances
around it says how many would by chance. What is found is taken off the rows, most of them first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from fabula.io.arrays import array_of
from fabula.synthesizers.constraints.cases import Cases, Formula, best_case, free_name, holds
from fabula.synthesizers.constraints.evidence import CHOICE, EXCEPTIONS, SURE, digits, tolerable
from fabula.synthesizers.constraints.formulas import Extreme, Plain, Product, Sum, Threshold
from fabula.synthesizers.constraints.lines import line
from fabula.synthesizers.constraints.lookups import Common, Lookup, coded
from fabula.synthesizers.constraints.measures import Flags, Floats
from fabula.synthesizers.constraints.products import PERCENT
from fabula.synthesizers.constraints.sample import varies
from fabula.synthesizers.constraints.sheet import Sheet
from fabula.synthesizers.constraints.simplest import simplest_between

MANY = 30
"""Different numbers of a column below which a model draws each by itself."""

FEWEST = 20
LEAST = 0.01
"""Rows, and their share, that a case needs."""

COVERED = 0.1
"""The share of rows, at least, in which one of the formulas holds."""

USUAL = 0.05
"""A number of that share of the rows is a case of its own, such as no fee."""

MOST_CASES, MOST_COLUMNS = 12, 12
WINDOWS, WINDOW_ROWS = 8, 24
"""Parts of the rows, sorted by a column, in which lines are looked for."""

FIRST_ROWS, FIRST_HITS = 256, 0.04
"""Rows that most formulas fail on, and the share of them that one which is worth a look has."""

MOST_ROWS = 1_000
"""Rows in which a common factor is looked for."""

ROOMS = 5
"""How many times farther off a row lies that is near a formula by chance."""

PEAK = 2
"""How many times as many rows lie on a formula as on a number beside it, at least: numbers that
are near another column have a most frequent distance from it, too."""


@dataclass(frozen=True)
class Found:
    """What a column follows from.

    Attributes:
        target: The column.
        formula: Its formula.
        broken: Rows that have another value, where it is one formula.
        by: What the number of the case follows from; None if a model draws it.
    """

    target: str
    formula: Formula
    broken: int = 0
    by: Lookup | Threshold | None = None

    @property
    def sources(self) -> tuple[str, ...]:
        """The columns of the table that it follows from."""
        hidden = {self.formula.case} if isinstance(self.formula, Cases) else set()
        by = () if self.by is None else self.by.sources
        return tuple(name for name in (*self.formula.sources, *by) if name not in hidden)

    @property
    def complexity(self) -> tuple[float, ...]:
        """Sorts ways to tell the same: a tax by its net rather than a net by its tax."""
        cases = self.formula.formulas if isinstance(self.formula, Cases) else (self.formula,)
        factors = [made for each in cases if isinstance(each, Product) for made in each.factors]
        ratios = any(power < 0 for _, power, *_ in factors)
        left = 1 - sum(self.formula.shares) if isinstance(self.formula, Cases) else 0.0
        return round(left, 2), ratios, len(cases) > 1, digits(self.formula.constants)


def find_cases(
    few: Sheet,
    sheet: Sheet,
    targets: Sequence[str],
    labels: Sequence[str],
    common: Common,
    *,
    near: Mapping[str, Sequence[Plain]],
    is_free: Callable[[str, Sequence[str]], bool],
) -> Iterator[Found]:
    """Columns that follow one of several formulas, or one that is broken in many rows.

    Args:
        few: Some rows, in which formulas are looked for.
        sheet: All rows.
        targets: Columns of numbers that follow from nothing so far.
        labels: Columns that may tell which formula holds.
        common: Labels that are told.
        near: Formulas of a column that too many rows break for them to hold alone.
        is_free: Whether a column may follow from others.
    """
    numeric = [
        name
        for name, measure in few.measures.items()
        if not measure.is_time
        and len(known := few.numbers(name)[np.isfinite(few.numbers(name))])
        and varies(known)
    ]
    found = []
    for target in [name for name in targets if name in numeric]:
        names = [name for name in numeric if name != target and is_free(target, (name,))]
        formulas = _Search(few, target, names).cases(near.get(target, ()))
        item = _judged(sheet, target, formulas, (labels, names), common) if formulas else None
        found += [] if item is None else [item]
    for item in sorted(found, key=lambda item: (*item.complexity, -few.names.index(item.target))):
        if is_free(item.target, item.sources):
            yield item


class _Search:
    """Formulas of one column in some rows.

    Args:
        sheet: The rows.
        target: The column.
        names: Columns of numbers that it may follow from.
    """

    def __init__(self, sheet: Sheet, target: str, names: Sequence[str]) -> None:
        self._sheet, self._target = sheet, target
        y = sheet.numbers(target)
        numbers, counts = np.unique(y[np.isfinite(y)], return_counts=True)
        at = int(counts.argmax()) if len(counts) else 0
        self.usual = float(numbers[at]) if len(counts) and counts[at] >= USUAL * len(y) else None
        self._rows: Flags = np.isfinite(y) & (y != self.usual)
        left = int(self._rows.sum())
        varied = len(numbers) >= MANY and left >= max(3 * FEWEST, LEAST * len(y))
        self._names = [
            name
            for name in names
            if varied and (sheet.numbers(name)[self._rows] != 0).mean() > FIRST_HITS
        ]
        self._tried = 0

    def cases(self, near: Sequence[Plain]) -> list[Plain]:
        """The formulas, those of most rows first; last the usual number, if it is none of them.

        Args:
            near: Formulas that hold in most rows.
        """
        if not self._names:
            return []
        rows = self._rows
        found: list[Plain] = []
        candidates = [(formula, self._holds(formula)) for formula in (*near, *self._simple())]
        covered = np.zeros(len(rows), bool)
        while len(found) < MOST_CASES:
            left = rows & ~covered
            several = [*candidates, *((each, self._holds(each)) for each in self._scaled(left))]
            best = best_case(several, left)
            if best is None or not self._is_sure(best[0], left):
                break
            found.append(best[0])
            covered |= best[1]
        if (covered & rows).sum() < COVERED * rows.sum():
            return []
        if self.usual is not None:
            usual = self._sheet.numbers(self._target) == self.usual
            if (covered & usual).sum() < (1 - USUAL) * usual.sum():
                found.append(Sum((), self.usual))
        return found

    def _holds(self, formula: Plain) -> Flags:
        self._tried += 1
        return holds(formula, self._target, self._sheet)

    def _simple(self) -> Iterator[Plain]:
        """Formulas without numbers of their own that hold in some of the first rows."""
        rows = np.flatnonzero(self._rows)[:FIRST_ROWS]
        y = self._sheet.numbers(self._target)[rows]
        room = 1.01 * self._sheet.measures[self._target].tolerance(y, np.abs(y))
        names, x, plain, shares = self._names, [], [], []
        for name in names:
            numbers = self._sheet.numbers(name)
            x.append(numbers[rows])
            plain.append((name, 1, 0.0, 1.0))
            low, high = np.nanmin(numbers), np.nanmax(numbers)
            if low >= 0 and high <= PERCENT and len(names) <= MOST_COLUMNS:
                rate = 1.0 if high <= 1 else 1 / PERCENT
                shares += [(name, 1, 1.0, -rate), (name, 1, 1.0, rate), (name, 1, 0.0, rate)]
        parts = np.array(x)
        left = np.array([
            offset + rate * parts[names.index(name)] for name, _, offset, rate in shares
        ]).reshape(-1, len(rows))  # fmt: skip

        def hits(computed: Floats) -> list[tuple[int, ...]]:
            self._tried += computed.size // max(len(rows), 1)
            with np.errstate(invalid="ignore"):
                share = (np.abs(computed - y) <= room).mean(axis=-1)
            return [tuple(map(int, at)) for at in np.argwhere(share >= FIRST_HITS)]

        yield from (Sum(((names[at], 1.0),)) for (at,) in hits(parts))
        if not len(names) <= MOST_COLUMNS:
            return
        a, b = np.triu_indices(len(names), 1)
        pairs = [(names[i], names[j]) for i, j in zip(a, b, strict=True)]
        both = parts[a] * parts[b]
        yield from (
            Sum(tuple((name, 1.0) for name in pairs[at])) for (at,) in hits(parts[a] + parts[b])
        )
        yield from (Product((plain[a[at]], plain[b[at]])) for (at,) in hits(both))
        for first, second in ((a, b), (b, a)):
            for (at,) in hits(parts[first] - parts[second]):
                yield Sum(((names[first[at]], 1.0), (names[second[at]], -1.0)))
            with np.errstate(divide="ignore", invalid="ignore"):
                ratios = parts[first] / parts[second]
            for (at,) in hits(ratios):
                yield Product((plain[first[at]], (names[second[at]], -1, 0.0, 1.0)))
        for at, share in hits(parts[:, None] * left):
            if names[at] != shares[share][0]:
                yield Product((plain[at], shares[share]))
        for at, share in hits(both[:, None] * left):
            if shares[share][0] not in pairs[at]:
                yield Product((plain[a[at]], plain[b[at]], shares[share]))

    def _scaled(self, rows: Flags) -> Iterator[Plain]:
        """Multiples of a column, and lines, that most of some rows or of a part of them have."""
        y, measure = self._sheet.numbers(self._target), self._sheet.measures[self._target]
        room = measure.tolerance(y, np.abs(y))
        for name in self._names:
            x = self._sheet.numbers(name)
            there = rows & np.isfinite(x) & (x != 0)
            if there.sum() < 2 * FEWEST:
                continue
            some = np.flatnonzero(there)[:MOST_ROWS]
            factor = _factor(x[some], y[some], room[some])
            if factor is not None:
                yield Sum(((name, factor),))
            order = np.flatnonzero(there)[np.argsort(x[there], kind="stable")]
            if len(order) < 2 * WINDOW_ROWS:
                continue
            for start in np.linspace(0, len(order) - WINDOW_ROWS, WINDOWS).astype(int):
                part = order[start : start + WINDOW_ROWS]
                if not _may_be_line(x[part], y[part], room[part]):
                    continue
                fit = line(x[part], y[part], room[part])
                if fit is not None and fit[0]:
                    yield Sum(((name, fit[0]),), fit[1])

    def _is_sure(self, formula: Plain, rows: Flags) -> bool:
        """Whether far more of some rows lie on a formula than near it."""
        sheet = self._sheet
        numbers, computed = sheet.numbers(self._target), formula.numbers(sheet)
        room = sheet.measures[self._target].tolerance(numbers, formula.size(sheet))
        with np.errstate(invalid="ignore"):
            apart = np.abs(computed - numbers)[rows]
            on, near = apart <= room[rows], apart <= ROOMS * room[rows]
        hits, n = int(on.sum()), len(apart)
        if hits < max(FEWEST, LEAST * len(self._rows)):
            return False
        sources = np.column_stack([sheet.numbers(name)[rows][on] for name in formula.sources])
        if len(np.unique(sources, axis=0)) < FEWEST or len(np.unique(numbers[rows][on])) < FEWEST:
            return False
        p = min(hits / n, 1 - 1 / (2 * n))
        q = max((near.sum() - hits) / (ROOMS - 1), 0.5) / n
        if p <= PEAK * q:
            return False
        bits = n * (p * np.log2(p / q) + (1 - p) * np.log2((1 - p) / (1 - q)))
        needed = SURE + CHOICE * (sources.shape[1] + 1) + np.log2(self._tried + 1)
        return bool(bits >= needed + digits(formula.constants))


def _may_be_line(x: Floats, y: Floats, room: Floats) -> bool:
    """Whether a line of least squares is as near to some numbers as their decimals tell, about."""
    centred, most = x - x.mean(), float(room.max())
    spread = float(centred @ centred)
    if not spread or np.ptp(y) <= FEWEST * most:
        return False
    off = y - y.mean() - centred * float(centred @ y) / spread
    return bool(np.abs(off).max() <= 4 * most)


def _factor(x: Floats, y: Floats, room: Floats) -> float | None:
    """The simplest factor that most rows have, as near as their decimals tell; None if few do."""
    low, high = np.sort([(y - room) / x, (y + room) / x], axis=0)
    sharp = (high - low) <= LEAST * np.abs(high + low)
    low, high = low[sharp], high[sharp]
    if len(low) < FEWEST:
        return None
    places = np.concatenate([low, high])
    opens = np.repeat([1, -1], len(low))
    order = np.lexsort((-opens, places))
    depth = np.cumsum(opens[order])
    best = int(depth.argmax())
    if depth[best] < max(FEWEST, LEAST * len(x)):
        return None
    inside = places[order][best]
    over = (low <= inside) & (high >= inside)
    return simplest_between(float(low[over].max()), float(high[over].min())) or None


def _judged(
    sheet: Sheet,
    target: str,
    formulas: list[Plain],
    tellers: tuple[Sequence[str], Sequence[str]],
    common: Common,
) -> Found | None:
    """What formulas of some rows are on all of them; columns of labels and numbers tell cases."""
    labels, names = tellers
    numbers = sheet.numbers(target)
    known = np.isfinite(numbers)
    hits = np.column_stack([holds(formula, target, sheet)[known] for formula in formulas])
    equal = [name for name in names if Sum(((name, 1.0),)) in formulas]
    for which in ("max", "min") if len(equal) > 1 else ():
        extreme = Extreme(which, tuple(equal))
        broken = int((~holds(extreme, target, sheet)[known]).sum())
        if tolerable(broken, numbers[known]):
            return Found(target, extreme, broken)
    for at, formula in enumerate(formulas):
        broken = int((~hits[:, at]).sum())
        gaps = int((np.isfinite(formula.numbers(sheet)) != known).sum())
        if formula.sources and tolerable(broken + gaps, numbers):
            return Found(target, formula, broken + gaps)
    free = free_name(target, sheet.names)
    first = hits.argmax(axis=1)
    first[~hits.any(axis=1)] = -1
    shares = tuple(float((first == at).mean()) for at in range(len(formulas)))
    cases = Cases(free, target, tuple(formulas), shares)
    if len(formulas) > 1:
        for name in labels:
            by = _by_label(sheet, name, hits, known, common)
            if by is not None:
                return Found(target, replace(cases, by=by), by=by)
        for name in names if len(formulas) == 2 else ():
            threshold = _threshold(name, sheet.numbers(name)[known], hits)
            if threshold is not None:
                return Found(target, replace(cases, by=threshold), by=threshold)
    return Found(target, cases)


def _by_label(sheet: Sheet, name: str, hits: Flags, known: Flags, common: Common) -> Lookup | None:
    """The formula of each label, where nearly all rows of each label have one."""
    codes, keys = coded(sheet.values(name))
    codes = codes[known]
    if len(keys) > len(codes) / FEWEST:
        return None
    rows = np.column_stack([
        np.bincount(codes, hits[:, at], minlength=len(keys)) for at in range(hits.shape[1])
    ])  # fmt: skip
    best = rows.argmax(axis=1)
    if rows.max(axis=1).sum() < (1 - EXCEPTIONS) * len(codes) or len(np.unique(best)) < 2:
        return None
    told = np.flatnonzero(common(name, keys, codes))
    if not len(told):
        return None
    return Lookup(name, "", keys.take(array_of(told)), pa.array(best[told] + 1, pa.int64()))


def _threshold(name: str, x: Floats, hits: Flags) -> Threshold | None:
    """The bound of a column that separates the rows of one formula from those of the other."""
    if (~hits.any(axis=1)).sum() > EXCEPTIONS * len(x) or not np.isfinite(x).all():
        return None
    only = [hits[:, at] & ~hits[:, 1 - at] for at in (0, 1)]
    if min(part.sum() for part in only) < FEWEST:
        return None
    for low, high in ((0, 1), (1, 0)):
        end, start = float(x[only[low]].max()), float(x[only[high]].min())
        if end < start:
            at = simplest_between(float(np.nextafter(end, np.inf)), start)
            return Threshold(name, at, low + 1.0, high + 1.0)
    return None
