"""One block of sampled rows: drawn, weighed, decoded, and drawn again where a rule is broken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fabula.errors import CheckError, UsageError
from fabula.io.arrays import array_of
from fabula.streams import stream
from fabula.synthesizers.codecs.codec import Places, Repeated
from fabula.synthesizers.codecs.copies import CopyCodec
from fabula.synthesizers.codecs.keys import KeyCodec
from fabula.synthesizers.codecs.learning import Columns
from fabula.synthesizers.codecs.numbers import NumberCodec
from fabula.synthesizers.codecs.string_formats.codec import WrittenCodec
from fabula.synthesizers.codecs.trees import TreeCodec
from fabula.synthesizers.conditions import Asked, Part
from fabula.synthesizers.constraints.relations import Fits, Relations
from fabula.synthesizers.model import CodeModel, Codes, Weights
from fabula.synthesizers.persistence import drawing
from fabula.synthesizers.pii.codec import DetailCodec
from fabula.synthesizers.pii.identities import Crowd
from fabula.synthesizers.rules import Rule
from fabula.synthesizers.several_rows import Draft, shared_by_crowd, with_people
from fabula.types import Path

STREAM = "synthesizer"
"""The table's name in all streams of samples."""

_TRIES = 100
_FEWEST, _MOST = 1_024, 65_536
"""Rows drawn at once where only some of them can be used."""


@dataclass(frozen=True)
class Sampler:
    """What is needed to draw the blocks of one sample; blocks don't depend on each other.

    Attributes:
        columns: How codes become values.
        model: What draws codes.
        rules: What every row keeps.
        relations: Columns that follow from others on every row.
        parts: Shares of the rows and what holds for them.
        seed: Decides everything that is random.
        path: The file that the model came from, if it came from one.
    """

    columns: Columns
    model: CodeModel
    rules: tuple[Rule, ...]
    relations: Relations
    parts: tuple[Part, ...]
    seed: int
    path: Path | None = None

    def block(self, index: int, start: int, rows: int) -> pa.Table:
        """The rows `start` … `start + rows - 1`; the same arguments give the same bytes.

        Raises:
            UsageError: What is given occurs so rarely that no row was found.
            CheckError: A rule is broken by nearly every row.
            SourceError: Drawing from the file that the model came from fails.
        """
        with drawing(self.path):
            return self._block(index, start, rows)

    def _block(self, index: int, start: int, rows: int) -> pa.Table:
        draw = _Draw(self, index)
        table, parts = self._parts(draw, rows)
        numbers = np.arange(start, start + rows, dtype=np.int64)
        people: dict[str, Repeated] = {}
        for crowd, names in self._shared.items():
            everyone, theirs = self._everyone[crowd.name]
            table, people[crowd.name] = with_people(
                Draft(table, self._codes(table, names, parts)),
                Draft(everyone.select(names), self._codes(everyone, names, theirs)),
                crowd,
                numbers,
                self.seed,
                relations=self.relations,
                rules=self.rules,
                rng=draw.rng(f"people {crowd.name}"),
            )
        return self.relations.narrowed(self._with_keys(table, draw, numbers, people))

    def _parts(self, draw: _Draw, rows: int) -> tuple[pa.Table, NDArray[np.int64]]:
        """Rows in their shares, and which part each belongs to."""
        counts = allotted([part.share for part in self.parts], rows)
        pieces = [
            draw.rows(part.asked, count)
            for part, count in zip(self.parts, counts, strict=True)
            if count
        ]
        table = pa.concat_tables(pieces) if pieces else self.columns.schema.empty_table()
        parts = np.repeat(np.arange(len(counts)), counts)
        if len(pieces) > 1:
            order = draw.rng("order").permutation(rows)
            return table.take(array_of(order)), parts[order]
        return table, parts

    @cached_property
    def _shared(self) -> dict[Crowd, list[str]]:
        """The learned columns that are the same in all rows of a person, by crowd."""
        return shared_by_crowd(self.columns.codecs)

    @cached_property
    def _everyone(self) -> dict[str, tuple[pa.Table, NDArray[np.int64]]]:
        """A row for each person with several, and its part, by the crowd's name."""
        return {
            crowd.name: self._parts(_Draw(self, 0, f"people {crowd.name} "), len(crowd.repeats))
            for crowd in self._shared
        }

    def _codes(self, table: pa.Table, names: Sequence[str], parts: NDArray[np.int64]) -> Codes:
        """The part of each row, and the codes of some columns."""
        codes = self.columns.encode(table)
        return np.column_stack(
            [parts, codes[:, [self.columns.names.index(name) for name in names]]]
        )

    def _with_keys(
        self,
        table: pa.Table,
        draw: _Draw,
        numbers: NDArray[np.int64],
        people: Mapping[str, Repeated],
    ) -> pa.Table:
        """Put identifiers and details in, which follow the final numbers of the rows.

        What points at identifiers of its own table points at rows of its own block.
        """
        for at, codec in enumerate(self.columns.codecs):
            if isinstance(codec, KeyCodec | CopyCodec | DetailCodec):
                rng = draw.rng(f"key {codec.name}")
                places = Places(numbers, self.seed, rng, table, people)
                values = codec.decode(codec.encode(table.column(at).combine_chunks()), places)
                table = table.set_column(at, self.columns.schema.field(at), values)
        for codec in self.columns.codecs:
            if isinstance(codec, TreeCodec):
                table = codec.hung(table, draw.rng(f"tree {codec.name}"))
            elif isinstance(codec, CopyCodec):
                at, rng = table.column_names.index(codec.name), draw.rng(f"copy {codec.name}")
                made = codec.repeated(table.column(at), table.column(codec.source), rng)
                table = table.set_column(at, self.columns.schema.field(at), made)
        return table


class _Draw:
    """Draws rows of one block; every purpose has its own stream."""

    def __init__(self, sampler: Sampler, block: int, whose: str = "") -> None:
        self._sampler, self._block, self._whose = sampler, block, whose
        self._streams: dict[str, np.random.Generator] = {}

    def rng(self, purpose: str) -> np.random.Generator:
        """The stream of one purpose in this block."""
        if purpose not in self._streams:
            named = self._whose + purpose
            self._streams[purpose] = stream(self._sampler.seed, STREAM, named, self._block)
        return self._streams[purpose]

    def rows(self, asked: Asked, count: int) -> pa.Table:
        """Rows that fulfil what is asked and keep every rule."""
        rules = self._sampler.rules
        if not asked.allowed and not rules and not self._sampler.relations:
            drawn = self._sampler.model.sample(count, self.rng("rows"), {})
            if drawn.log_weights is None:
                return self._decoded(drawn.codes, asked)
        pieces: list[pa.Table] = []
        found, tried, broken = 0, 0, np.zeros(len(rules), int)
        top: float | None = None
        for _ in range(_TRIES):
            rate = found / tried if found else 1.0
            size = int(np.clip((count - found) / rate * 1.1, _FEWEST, _MOST))
            drawn = self._sampler.model.sample(size, self.rng("rows"), asked.allowed)
            codes = drawn.codes
            if drawn.log_weights is not None:
                top = float(drawn.log_weights.max()) if top is None else top
                codes = codes[self._accepted(drawn.log_weights, top)]
                top = None if top == -np.inf else top
            table = self._related(self._decoded(codes, asked), asked)
            for at, rule in enumerate(rules):
                kept = rule.kept(table)
                broken[at] += int((~kept).sum())
                table = table.filter(array_of(kept))
            tried += size
            found += table.num_rows
            pieces.append(table)
            if found >= count:
                return pa.concat_tables(pieces).slice(0, count)
        raise self._unsatisfiable(found, count, broken, asked)

    def _accepted(self, log_weights: Weights, top: float) -> NDArray[np.bool_]:
        """Rejection sampling: a row is kept with its weight as the chance."""
        if top == -np.inf:
            return np.zeros(len(log_weights), bool)
        chance = np.exp(np.minimum(log_weights - top, 0.0))
        return np.asarray(self.rng("accepted").random(len(chance)) < chance)

    def _decoded(self, codes: Codes, asked: Asked) -> pa.Table:
        columns, rules = self._sampler.columns, self._sampler.rules
        numbers = np.arange(len(codes), dtype=np.int64)
        values = []
        for at, codec in enumerate(columns.codecs):
            own = np.ascontiguousarray(codes[:, at])
            if isinstance(codec, DetailCodec) and not rules:
                values.append(codec.marks(own))
                continue
            rng = self.rng(f"column {codec.cells.name}")
            places = Places(numbers, self._sampler.seed, rng)
            values.append(codec.decode(own, places, asked.wanted.get(at)))
        return pa.Table.from_arrays(values, schema=columns.schema)

    def _related(self, table: pa.Table, asked: Asked) -> pa.Table:
        """The rows with columns that follow from others; what then is not as asked is left out."""
        names = self._sampler.columns.names
        fits = {names[at]: self._fits(at, asked) for at in asked.allowed}
        return self._sampler.relations.applied(table, fits, self.rng("relations"))

    def _fits(self, at: int, asked: Asked) -> Fits:
        """What tells whether values of a column are as asked."""
        codec, wanted = self._sampler.columns.codecs[at], asked.wanted.get(at)
        if isinstance(codec, NumberCodec | WrittenCodec) and wanted is not None:
            return partial(codec.fits, wanted=wanted)
        plain = codec.numbers if isinstance(codec, WrittenCodec) else codec
        return lambda values: np.asarray(asked.allowed[at][plain.encode(values)] > 0)

    def _unsatisfiable(
        self, found: int, count: int, broken: NDArray[np.int64], asked: Asked
    ) -> UsageError | CheckError:
        names = [self._sampler.columns.names[at] for at in asked.allowed]
        told = f"found {found:,} of {count:,} rows"
        if broken.any():
            worst = self._sampler.rules[int(broken.argmax())]
            return CheckError(
                f"{told}: nearly every row breaks the rule {worst.told}",
                code="engine.unsatisfiable",
                hint="ask for fewer rows, or fit on rows that keep the rule",
            )
        if not names:
            return CheckError(
                f"{told}: derived columns leave the learned ranges",
                code="engine.unsatisfiable",
                hint="fit with exact=False (`--no-exact`)",
            )
        return UsageError(
            f"{told} with the given {', '.join(names)}: they rarely occur together",
            code="engine.unsatisfiable",
            hint="ask for fewer rows, or fix fewer values",
        )


def allotted(shares: Sequence[float], rows: int) -> list[int]:
    """Whole rows for each share, adding up to all of them (largest remainders)."""
    exact = np.array(shares) * rows
    counts = np.floor(exact + 1e-9).astype(int)
    order = np.argsort(counts - exact, kind="stable")
    counts[order[: rows - int(counts.sum())]] += 1
    return [int(count) for count in counts]
