"""A fitted synthesizer, as users hold it: samples, fills gaps, tells about itself, saves itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Generic, TypeAlias, TypeVar, overload

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fabula.errors import UsageError
from fabula.io.arrays import array_of
from fabula.io.frames import handed_back
from fabula.io.places import make_folder
from fabula.io.tables import as_table, one_form
from fabula.lookup import entry_of
from fabula.options import known_options
from fabula.render.cells import watched
from fabula.render.results import Result
from fabula.streams import BLOCK_ROWS, stream
from fabula.synthesizers.card import Card
from fabula.synthesizers.catalogue import SYNTHESIZERS, check_seed
from fabula.synthesizers.codecs.codec import Places
from fabula.synthesizers.codecs.keys import KeyCodec
from fabula.synthesizers.codecs.learning import Columns
from fabula.synthesizers.codecs.trees import TreeCodec
from fabula.synthesizers.conditions import Given, Shares, read_given, read_shares
from fabula.synthesizers.constraints.relations import Relations
from fabula.synthesizers.model import CodeModel, Codes, CompletingModel, check_cells
from fabula.synthesizers.persistence import Saved, read_saved, sound, write_saved
from fabula.synthesizers.rules import Rule
from fabula.synthesizers.sampling import STREAM, Sampler
from fabula.types import ArrowFrame, Frame, Path, ProgressLike, TableLike

if TYPE_CHECKING:
    from fabula.synthesizers.multitable.database import RelationalSynthesizer

Filled = TypeVar("Filled", bound=ArrowFrame)
Flags: TypeAlias = NDArray[np.bool_]

_REFILLS = 50
"""Attempts to draw a value where a model draws a gap for a gap."""


class Synthesizer(Result, Generic[Frame]):
    """A learned table; made by `fabula.fit` or `Synthesizer.load`.

    Rows come as frames of the library that the training rows came in, else as Arrow tables.

    Examples:
        >>> import fabula as fb
        >>> people = fb.generate("age int 18..90, plan choice free|pro", n=500, seed=1)
        >>> model = fb.fit(people, model="boosted", seed=1)
        >>> model.sample(100, given={"plan": "pro", "age": "18..30"}).num_rows
        100
    """

    def __init__(
        self,
        columns: Columns,
        model: CodeModel,
        card: Card,
        *,
        rules: tuple[Rule, ...] = (),
        relations: Relations | None = None,
        training: pa.Table | None = None,
        holdout: pa.Table | None = None,
        hand_back: Callable[[pa.Table], Frame] | None = None,
        path: Path | None = None,
    ) -> None:
        self._path = path
        self._columns, self._model, self._card, self._rules = columns, model, card, rules
        self._relations = relations or Relations()
        self._training, self._holdout = training, holdout
        self._hand_back: Callable[[pa.Table], Frame] = hand_back or (lambda table: table)

    @property
    def schema(self) -> pa.Schema:
        """Names and types of the columns that are sampled."""
        return self._relations.narrowed(self._columns.schema.empty_table()).schema

    @property
    def training(self) -> Frame | None:
        """The rows that were learned from, for `fabula.evaluate`; None after loading."""
        return None if self._training is None else self._hand_back(self._training)

    @property
    def holdout(self) -> Frame | None:
        """The rows that were held out of training, for `fabula.evaluate`; None after loading."""
        return None if self._holdout is None else self._hand_back(self._holdout)

    def card(self) -> Card:
        """How this synthesizer was made, and what it does not do."""
        return self._card

    @property
    def personal(self) -> tuple[str, ...]:
        """The columns that hold personal details, none of which is reproduced."""
        return self._columns.personal

    @property
    def key(self) -> tuple[str, ...]:
        """The column of identifiers, where there is one and no other."""
        found = [codec.cells.name for codec in self._columns.codecs if isinstance(codec, KeyCodec)]
        return tuple(found) if len(found) == 1 else ()

    @property
    def replaced(self) -> tuple[str, ...]:
        """These columns and those of codes, all of which are newly generated."""
        return tuple(self._columns.replaced)

    @known_options
    def sample(
        self,
        n: int,
        *,
        given: Given | None = None,
        shares: Shares | None = None,
        seed: int = 0,
        workers: int = 1,
        progress: ProgressLike = None,
    ) -> Frame:
        """Draw rows, in the frame library that the training rows came in.

        Args:
            n: How many.
            given: What columns are to hold: a value, a list of values, or a range as
                `"18..30"`, `"18.."` or `range(18, 31)`; None is a missing value.
            shares: For one column the wanted share of each value or range; what is left to 1
                goes to its other values.
            seed: The same seed gives the same rows.
            workers: Blocks of 65,536 rows that are drawn at the same time; changes no row.
            progress: Called with `sample`, rows drawn and rows asked. In a notebook, progress
                shows below the cell, unless this is False.

        Raises:
            UsageError: What is given never occurs, or hardly ever; or a seed or shares are wrong.
            CheckError: Nearly no row keeps the rules of the spec.
        """
        watch, blocks = watched(progress), []
        for block in self.blocks(n, given=given, shares=shares, seed=seed, workers=workers):
            blocks.append(block)
            if watch:
                watch("sample", min(len(blocks) * BLOCK_ROWS, n), n)
        return self._hand_back(pa.concat_tables(blocks))

    def blocks(
        self,
        n: int,
        *,
        given: Given | None = None,
        shares: Shares | None = None,
        seed: int = 0,
        workers: int = 1,
        part: range | None = None,
    ) -> Iterator[pa.Table]:
        """The rows of `sample` as Arrow tables of at most 65,536 rows, at least one table.

        `part` tells which of these tables are made, by their numbers from 0 on.
        """
        sampler = self.sampler(given=given, shares=shares, seed=seed)
        for name, value, least in (("n", n, 0), ("workers", workers, 1)):
            if not isinstance(value, int) or value < least:
                raise UsageError(
                    f"`{name}` must be a whole number from {least} on, not {value!r}",
                    code="usage.bad-size",
                )
        starts = range(0, max(n, 1), BLOCK_ROWS)
        starts = starts if part is None else starts[part.start : part.stop]

        def block(start: int) -> pa.Table:
            return sampler.block(start // BLOCK_ROWS, start, min(BLOCK_ROWS, n - start))

        if not starts:
            yield self.schema.empty_table()
        if workers == 1 or len(starts) <= 1:
            yield from map(block, starts)
            return
        with ThreadPoolExecutor(workers) as pool:
            for first in range(0, len(starts), workers):
                yield from pool.map(block, starts[first : first + workers])

    def sampler(
        self, *, given: Given | None = None, shares: Shares | None = None, seed: int = 0
    ) -> Sampler:
        """What draws single blocks: each is repeatable on its own."""
        check_seed(seed)
        asked = read_given(self._columns, given)
        parts = read_shares(self._columns, shares, asked)
        return Sampler(
            self._columns, self._model, self._rules, self._relations, parts, seed, self._path
        )

    @overload
    def impute(self, data: Filled, *, seed: int = 0) -> Filled: ...
    @overload
    def impute(self, data: TableLike, *, seed: int = 0) -> pa.Table: ...
    def impute(self, data: TableLike, *, seed: int = 0) -> ArrowFrame:
        """The rows with their gaps filled: drawn given what is known about each row.

        Columns that were not learned stay unchanged.

        Args:
            data: Rows with the columns that were learned.
            seed: The same seed fills in the same values.

        Raises:
            UsageError: The model can't fill gaps.
            SourceError: A column is missing, or of another type.
        """
        if not isinstance(self._model, CompletingModel):
            raise UsageError(
                f"synthesizer `{self._card.model}` can't fill gaps",
                code="impute.model",
                hint='fit with model="boosted"',
            )
        check_seed(seed)
        form = one_form(data)
        given = self._typed(as_table(form))
        trees = [codec for codec in self._columns.codecs if isinstance(codec, TreeCodec)]
        table = given
        for tree in trees:
            table = tree.flattened(table)
        table = self._relations.widened(table)
        rng = partial(stream, seed, STREAM, block=0)
        gaps = {name: _gaps(table, name) for name in self._columns.names}
        known = ~np.column_stack(list(gaps.values()))
        codes = self._columns.encode(table)
        drawn = self._complete(self._model, codes, known, rng(column="gaps"))
        numbers = np.arange(table.num_rows, dtype=np.int64)
        for at, codec in enumerate(self._columns.codecs):
            name = self._columns.names[at]
            empty = np.flatnonzero(gaps[name])
            if not len(empty):
                continue
            beside = table.take(array_of(empty))
            places = Places(numbers[empty], seed, rng(column=f"gaps of {name}"), beside)
            made = codec.decode(np.ascontiguousarray(drawn[empty, at]), places)
            table = _filled(table, name, empty, made)
        table = self._relations.filled(table, gaps, rng(column="gaps of relations"))
        table = self._relations.narrowed(table)
        for tree in trees:
            at = table.column_names.index(tree.name)
            table = table.set_column(at, given.field(tree.name), given.column(tree.name))
        filled: ArrowFrame = handed_back(form)(table)
        return filled

    def keeps_rules(self, table: pa.Table) -> Flags:
        """Which rows satisfy the rules of the spec that the synthesizer was fitted with."""
        kept = np.ones(table.num_rows, bool)
        for rule in self._rules:
            kept &= rule.kept(table)
        return kept

    def _typed(self, table: pa.Table) -> pa.Table:
        """The table whose columns without any value, of type null, have the type learned."""
        known = {field.name: field for field in self.schema}
        for at, field in enumerate(table.schema):
            if pa.types.is_null(field.type) and field.name in known:
                gap = pa.nulls(table.num_rows, known[field.name].type)
                table = table.set_column(at, known[field.name], gap)
        return table

    def _complete(
        self, model: CompletingModel, codes: Codes, known: Flags, rng: np.random.Generator
    ) -> Codes:
        """The codes with their gaps filled; what is drawn as missing is drawn again."""
        drawn = model.complete(codes, known, rng).codes
        cells = [codec.cells for codec in self._columns.codecs]
        missing = np.array([item.cells - 1 if item.missing else -1 for item in cells])
        missing[[item.cells == 1 for item in cells]] = -1  # nothing else could be drawn
        for _ in range(_REFILLS):
            rows = np.flatnonzero((drawn == missing).any(axis=1))
            if not len(rows):
                break
            again = model.complete(drawn[rows], drawn[rows] != missing, rng).codes
            drawn[rows] = again
        return drawn

    def report(self) -> str:
        """The card as text."""
        return str(self.card())

    def save(self, path: Path) -> None:
        """Write the synthesizer to a file; no training row is in it.

        Raises:
            SinkError: The place can't be written.
        """
        make_folder(FilePath(path).parent)
        codecs = {codec.cells.name: codec.state() for codec in self._columns.codecs}
        card = {**self._card.to_dict(), "sql": [rule.sql for rule in self._rules]}
        state = self._model.state()
        schema, relations = self._columns.schema, self._relations.states()
        write_saved(path, Saved(self._card.model, state, schema, codecs, card, relations))

    write = save

    @classmethod
    def load(cls, path: Path) -> Synthesizer[pa.Table]:
        """The synthesizer in a file; it samples the same rows as the one that was saved.

        Raises:
            SourceError: The file is missing or damaged.
            PrerequisiteError: The model needs an extra that is not installed.
        """
        saved = read_saved(path)
        with sound(path):
            return cls._restored(saved, path)

    @classmethod
    def _restored(cls, saved: Saved, path: Path) -> Synthesizer[pa.Table]:
        told = dict(saved.card)
        sql = told.pop("sql")
        card = Card(**{**told, **{k: tuple(told.get(k, ())) for k in ("rules", "exact", "notes")}})
        columns = Columns.restore(saved.schema, saved.codecs, card.left_out)
        cells = tuple(codec.cells for codec in columns.codecs)
        check_cells(cells)
        entry = entry_of(
            SYNTHESIZERS,
            saved.model,
            code="synthesizer.unknown",
            hint="install the package that it was fitted with; `fabula plugins` lists those here",
        )
        model = entry.model_class().restore(saved.state, cells)
        rules = tuple(Rule(*pair) for pair in zip(card.rules, sql, strict=True))
        relations = Relations.restore(saved.relations, columns.codecs)
        return Synthesizer(columns, model, card, rules=rules, relations=relations, path=path)

    def __repr__(self) -> str:
        return f"Synthesizer({self._card.model}, {len(self.schema)} columns)"


def load_synthesizer(path: Path) -> Synthesizer[pa.Table] | RelationalSynthesizer[pa.Table]:
    """The synthesizer that `save` or `fabula fit` wrote.

    Args:
        path: Its file, or the folder of several tables.

    Raises:
        SourceError: It is missing or damaged.
    """
    if FilePath(path).is_dir():
        from fabula.synthesizers.multitable.database import RelationalSynthesizer

        return RelationalSynthesizer.load(path)
    return Synthesizer.load(path)


def _gaps(table: pa.Table, name: str) -> Flags:
    """Which values of a column are missing (a column that the table lacks is told later)."""
    if name not in table.column_names:
        return np.ones(table.num_rows, bool)
    values = table.column(name)
    nan = pa.types.is_floating(values.type)
    return np.asarray(values.is_null(nan_is_null=nan).to_numpy())


def _filled(table: pa.Table, name: str, empty: NDArray[np.int64], made: pa.Array) -> pa.Table:
    at = table.column_names.index(name)
    values = table.column(name).combine_chunks()
    both = pa.concat_arrays([values.cast(made.type), made])
    picked = np.arange(len(values))
    picked[empty] = len(values) + np.arange(len(empty))
    return table.set_column(
        at, table.schema.field(at), both.take(array_of(picked)).cast(values.type)
    )
