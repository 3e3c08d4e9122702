"""Synthetic rows for a blend: how many of which label, none equal to a real one."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fabula.errors import UsageError, column_hint, did_you_mean
from fabula.io.arrays import array_of, is_text, plain_type
from fabula.privacy.kanonymity.combinations import Keys
from fabula.synthesizers.rules import Rule
from fabula.synthesizers.synthesizer import Synthesizer

Wanted = Mapping[Any, int]

_ROUNDS = 30
_SPARE = 1.3
"""How many more rows are drawn than are wanted."""


def labels_of(table: pa.Table, column: str) -> dict[Any, int]:
    """How many rows have each label of a column, the rarest first.

    Raises:
        UsageError: There is no such column, or it has too many labels.
    """
    if column not in table.column_names:
        raise UsageError(
            f"there is no column `{column}`",
            code="blend.unknown-column",
            hint=column_hint(column, table.column_names),
        )
    found = table.column(column).drop_null().value_counts().to_pylist()
    if not 2 <= len(found) <= _MOST_LABELS:
        raise UsageError(
            f"`{column}` has {len(found):,} labels, and 2 to {_MOST_LABELS} can be balanced",
            code="blend.labels",
            hint="name a column of few categories",
        )
    return dict(sorted(((each["values"], each["counts"]) for each in found), key=lambda p: p[1]))


_MOST_LABELS = 50


def balanced(labels: Mapping[Any, int], rows: int, shares: Mapping[str, float]) -> Wanted:
    """How many synthetic rows each label gets, so that the result comes as near as it can.

    Args:
        labels: How many real rows each label has.
        rows: How many synthetic rows there are in all.
        shares: The wanted share of labels in the result; none for equal shares. The others keep
            their relation to each other.

    Raises:
        UsageError: A label does not occur, or the shares exceed 1.
    """
    real = sum(labels.values())
    named = {str(label): label for label in labels}
    for label in shares:
        if label not in named:
            raise UsageError(
                f"no real row has the label `{label}`",
                code="blend.label",
                hint=did_you_mean(label, named) or f"the labels are {', '.join(named)}",
            )
    rest = 1 - sum(shares.values())
    if rest < 0 or (rest > 1e-9 and len(shares) == len(labels)):
        raise UsageError(
            f"the shares add up to {sum(shares.values()):g}",
            code="blend.shares",
            hint="let them add up to 1, or name fewer labels",
        )
    others = real - sum(labels[named[label]] for label in shares)
    aims = {
        label: shares.get(str(label), rest * count / max(1, others)) if shares else 1 / len(labels)
        for label, count in labels.items()
    }
    lacking = np.array([max(0.0, aims[label] * (real + rows) - labels[label]) for label in labels])
    exact = lacking * rows / max(lacking.sum(), 1e-9)
    counts = np.floor(exact).astype(int)
    counts[np.argsort(counts - exact, kind="stable")[: rows - counts.sum()]] += 1
    return {label: int(count) for label, count in zip(labels, counts, strict=True) if count}


@dataclass(frozen=True, eq=False)
class Unlike:
    """Draws rows of a synthesizer that equal no real one.

    Attributes:
        real: The real rows.
        keys: The columns that identify rows; they do not tell whether rows are equal.
        only: What every row keeps.
    """

    real: pa.Table
    keys: Collection[str] = ()
    only: Rule | None = None

    def draw(
        self,
        model: Synthesizer[pa.Table],
        rows: int,
        *,
        column: str | None = None,
        wanted: Wanted | None = None,
        seed: int = 0,
    ) -> pa.Table:
        """Rows, none of which equals a real one; keys and other unique texts occur once.

        Args:
            model: The synthesizer.
            rows: How many.
            column: The column whose labels are wanted in numbers.
            wanted: How many rows of each label.
            seed: The same seed gives the same rows.

        Raises:
            UsageError: Hardly any row is unlike the real ones, or keeps the condition.
        """
        asked: list[tuple[dict[str, Any] | None, int]] = [(None, rows)]
        if wanted is not None and column is not None:
            asked = [({column: label}, count) for label, count in wanted.items()]
        found: list[pa.Table] = []
        for at, (given, count) in enumerate(asked):
            self._add(found, model, count, given, seed + 7919 * at)
        table = pa.concat_tables(found)
        order = np.random.default_rng(seed).permutation(table.num_rows)
        table = table.take(array_of(order))
        fresh = pa.concat_tables(model.blocks(table.num_rows, seed=seed))
        for key in self.keys:  # unique in one sample alone
            if key in table.column_names:
                table = table.set_column(table.column_names.index(key), key, fresh.column(key))
        return table

    def compared(self, made: pa.Table) -> list[str]:
        """The columns that tell whether rows are equal."""
        return [n for n in self.real.column_names if n in made.column_names and n not in self.keys]

    @cached_property
    def _unique(self) -> list[str]:
        """Texts that differ from row to row, such as e-mails."""
        rows = self.real.num_rows
        return [
            field.name
            for field in self.real.schema
            if field.name not in self.keys
            and is_text(field.type)
            and len(self.real.column(field.name).unique()) == rows
        ]

    def _add(
        self,
        found: list[pa.Table],
        model: Synthesizer[pa.Table],
        rows: int,
        given: Mapping[str, Any] | None,
        seed: int,
    ) -> None:
        left, tried = rows, 0
        for attempt in range(_ROUNDS):
            if left <= 0:
                return
            share = max((rows - left) / tried, 0.02) if tried else 1.0
            asked = min(int(left * _SPARE / share) + 20, 50 * rows + 100)
            made = pa.concat_tables(model.blocks(asked, given=given, seed=seed + 104_729 * attempt))
            tried += asked
            fits = ~are_among(made, self.real, self.compared(made))
            if self.only is not None:
                fits &= self.only.kept(made)
            for name in self._unique:
                for there in (self.real, *found) if name in made.column_names else ():
                    fits &= ~are_among(made, there, [name])
            made = made.filter(pa.array(fits)).slice(0, left)
            found.append(made)
            left -= made.num_rows
        if left > 0:
            of = "" if given is None else " with {} = {}".format(*next(iter(given.items())))
            raise UsageError(
                f"of {tried:,} synthetic rows{of} only {rows - left:,} "
                + (
                    "differ from every real row" if self.only is None else f"fit `{self.only.told}`"
                ),
                code="blend.too-few",
                hint="ask for fewer rows, or blend a table with more columns",
            )


def are_among(made: pa.Table, real: pa.Table, columns: Collection[str]) -> NDArray[np.bool_]:
    """Which rows equal a row of another table in some columns."""
    names = [name for name in columns if not pa.types.is_nested(real.schema.field(name).type)]
    if not names or not made.num_rows:
        return np.zeros(made.num_rows, bool)
    codes = []
    for name in names:
        kind = real.schema.field(name).type
        kind = plain_type(kind)
        parts = [table.column(name).cast(kind) for table in (made, real)]
        both = pa.chunked_array([c for part in parts for c in part.chunks], kind).combine_chunks()
        indices = both.dictionary_encode().indices.fill_null(-1)
        codes.append(np.asarray(indices.to_numpy(zero_copy_only=False), np.int64) + 1)
    numbers = Keys(np.column_stack(codes)).of
    return np.isin(numbers[: made.num_rows], numbers[made.num_rows :])
