"""`fabula sample`: draws rows from a fitted synthesizer."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Unpack

from fabula.cli.arguments import Count, Loads, Output, Positive, number_of, read_pairs, read_share
from fabula.cli.console import Talk, pasted
from fabula.cli.options import Read, verb
from fabula.cli.progress import progress
from fabula.errors import UsageError

if TYPE_CHECKING:
    import pyarrow as pa

    from fabula.io.destinations import Blocks, Incoming, Loading, Target
    from fabula.io.formats import Format
    from fabula.relationships.keys import Keys
    from fabula.runs.shares.share import Share
    from fabula.synthesizers.multitable.database import RelationalSynthesizer
    from fabula.synthesizers.synthesizer import Synthesizer

Shares = Mapping[str, Mapping[Any, float]]


def _given(texts: Sequence[str]) -> dict[str, Any]:
    """`["city=Wien|Graz", "age=18..30"]` by column; an empty value means missing."""
    given: dict[str, Any] = {}
    for column, value in read_pairs("--given", texts, "city=Wien"):
        values = value.split("|") if value else [None]
        given[column] = values[0] if len(values) == 1 else values
    return given


def _shares(texts: Sequence[str]) -> dict[str, dict[Any, float]]:
    """`["sex=F:0.5", "sex=M:0.5"]` by column and value."""
    shares: dict[str, dict[Any, float]] = {}
    for column, text in read_pairs("--share", texts, "sex=F:0.5"):
        value, colon, number = text.rpartition(":")
        share = number_of(number)
        if not colon or math.isnan(share):
            raise UsageError(
                f"`--share {column}={text}` is not a share of a value",
                code="usage.share",
                hint="write `--share COLUMN=VALUE:0.5`",
            )
        shares.setdefault(column, {})[value] = share
    return shares


@verb()
def sample(
    talk: Talk,
    synthesizer: Path,
    *,
    n: Count | None = None,
    scale: float | None = None,
    output: Output = None,
    form: str | None = None,
    given: Annotated[Mapping[str, Any] | None, Read(_given, many=True)] = None,
    share: Annotated[Shares | None, Read(_shares, many=True)] = None,
    parity: str | None = None,
    rate: Annotated[float | None, Read(read_share)] = None,
    seed: int = 0,
    workers: Positive = 1,
    executor: Literal["local", "ray"] = "local",
    address: str | None = None,
    blocks: str | None = None,
    overwrite: bool = False,
    **loading: Unpack[Loads],
) -> None:
    """Sample rows from a fitted synthesizer.

    Rows are written block by block, so any number of them fits into memory.

    Options:
        synthesizer (MODEL): What `fabula fit` wrote.
        n (N): Rows to sample; by default 1,000.
        scale (X): For several tables: their size relative to the real tables.
        output (PLACE): File to write, for several tables a folder, or a destination of all tables,
            such as `shop.sqlite` or a database's address; otherwise CSV on stdout.
        form (FORMAT): For several tables: parquet, csv, jsonl, arrow; a single file's ending
            decides it.
        given (COLUMN=VALUE): Value of a column: `city=Wien`, `city=Wien|Graz`, `age=18..30`,
            `city=` for missing; repeatable.
        share (COLUMN=VALUE:SHARE): Share of rows with a value: `sex=F:0.5`; repeatable, for one
            column.
        parity (OUTCOME~GROUP): Make an outcome equally frequent in all groups: `hired~sex`; within
            each department: `hired~sex|department`.
        rate (10%): With --parity OUTCOME=LABEL~GROUP: the label's share in every group.
        seed: The same seed gives the same rows.
        workers: Blocks sampled in parallel.
        executor: `ray` samples the blocks on the workers of a Ray cluster.
        address (HOST:PORT): Address of the cluster, `host:6379` or `auto`; by default the one that
            RAY_ADDRESS names, else a cluster of `--workers` that is started here.
        blocks (I/N): Share I of N of the rows, from 1 on: a file of its own in the folder of
            `--output`. The files of all shares are one table.
        overwrite: Replace the file to write.
    """
    from fabula.io.destinations import Incoming
    from fabula.io.fitted import fitted_file
    from fabula.runs.sampled import sampled, share_rows
    from fabula.runs.shares.share import Share
    from fabula.synthesizers.pictures.learned import holds_picture_model
    from fabula.synthesizers.synthesizer import Synthesizer, load_synthesizer

    if holds_picture_model(synthesizer):
        from fabula.cli.pictures import sample_folder

        others = {"scale": scale, "format": form, "share": share, "parity": parity, "rate": rate}
        others |= {"blocks": blocks, "executor": executor != "local"}
        sample_folder(talk, synthesizer, n, output, given=given or {}, seed=seed, others=others)
        return
    drawer = load_synthesizer(synthesizer)
    folder = not isinstance(drawer, Synthesizer)
    part = None if blocks is None else Share.read(blocks)
    if folder and (part is not None or executor != "local"):
        raise UsageError(
            "several tables are sampled by one process",
            code="usage.option",
            hint="leave out `--blocks` and `--executor`",
        )
    if part is not None:
        asked = (fitted_file(str(synthesizer)).sha256, n or 1000, seed, given, share)
        output = _share_place(part, output, form, *asked)
    place = _Place.of(output, form, allowed=loading, overwrite=overwrite, folder=folder)
    if isinstance(drawer, Synthesizer):
        _check_rows(scale, place, synthesizer)
        n = 1000 if n is None else n
        if parity is None and rate is None:
            schema = drawer.schema
            made = sampled(
                drawer,
                n,
                share=part,
                workers=workers,
                executor=executor,
                address=address,
                given=given,
                shares=share,
                seed=seed,
            )
        elif part is not None or executor != "local":
            raise UsageError(
                "`--parity` needs all rows at once",
                code="usage.option",
                hint="leave out `--blocks` and `--executor`",
            )
        elif given or share:
            raise UsageError(
                "`--parity` decides the shares, so `--given` and `--share` can't",
                code="usage.option",
                hint="leave them out",
            )
        else:
            whole = _repaired(talk, drawer, n, parity, rate, seed=seed)
            schema, made = whole.schema, iter([whole])
        if place.output is None:
            _print(talk, schema, made)
        else:
            rows = n if part is None else share_rows(part, n)
            table = Incoming(synthesizer.stem, schema, drawer.key, rows=rows)
            _write_one(talk, place, table, made)
        return
    if place.output is None or n is not None or given or share:
        raise UsageError(
            f"`{synthesizer}` holds several tables: they are written to a folder, sized by"
            " `--scale`",
            code="usage.several-tables",
            hint=f"fabula sample {synthesizer} --scale 2 -o made/",
        )
    _write_several(talk, place, drawer.sample(1.0 if scale is None else scale, seed=seed), drawer)


def _check_rows(scale: float | None, place: _Place, synthesizer: Path) -> None:
    """Refuse what one table can't have.

    Raises:
        UsageError: It is asked for.
    """
    if scale is not None:
        raise UsageError("`--scale` is for several tables", code="usage.scale", hint="pass `-n`")
    if place.output is None and place.form not in (None, "csv"):
        raise UsageError(
            f"rows are printed as CSV, not as {place.form}",
            code="usage.format",
            hint=f"write them to a file: `-o {synthesizer.stem}.{place.form}`",
        )


def _share_place(part: Share, output: Path | str | None, form: str | None, *asked: object) -> Path:
    """The file of a share of the rows.

    Raises:
        UsageError: The output is not a folder, or there is no such share.
        SourceError: The folder has shares of another sample.
    """
    from fabula.io.destinations import names_file
    from fabula.io.formats import as_format
    from fabula.io.names import scheme_of
    from fabula.runs.sampled import share_file

    if output is None or scheme_of(str(output)) or names_file(Path(output)):
        raise UsageError(
            "a share of the rows is written to a folder, as a file of its own",
            code="usage.blocks",
            hint="name one: `-o rows/`",
        )
    return share_file(Path(output), part, f".{as_format(form or 'parquet')}", *asked)


@dataclass(frozen=True)
class _Place:
    """Where to write rows.

    Attributes:
        output: The file or folder; None is standard output.
        form: The requested format.
        target: The destination that takes the rows instead of files.
        allowed: What a load into it may do.
    """

    output: Path | None
    form: Format | None
    target: Target | None
    allowed: Loading

    @classmethod
    def of(
        cls,
        output: Path | str | None,
        form: str | None,
        *,
        allowed: Loads,
        overwrite: bool,
        folder: bool,
    ) -> _Place:
        """The place that the options name, checked to be writable.

        Raises:
            UsageError: The options contradict each other.
            SinkError: The place already exists.
        """
        from fabula.io.destinations import allowing, destination_of
        from fabula.io.formats import as_format, check_ending
        from fabula.io.places import check_free

        ending = None if form is None else as_format(form)
        loading = allowing(allowed, overwrite=overwrite)
        target = None if output is None else destination_of(output, loading)
        if target is not None and ending is not None:
            raise UsageError(
                f"{target.entry.title} has its own format",
                code="usage.format",
                hint="leave out `--format`",
            )
        path = None if output is None else Path(output)
        if path is not None and target is None:
            check_free(path, overwrite=overwrite, folder=folder)
            if ending is not None and not folder:
                check_ending(path, ending)
        return cls(path, ending, target, loading)

    def load(self, tables: list[Incoming], rows: Blocks) -> dict[str, Any]:
        """Load tables; rows that are added have keys after those that are there.

        Raises:
            SinkError: The destination refuses; it is as it was.
        """
        from fabula.databases.continuing import after_those_there
        from fabula.io.loading import load

        assert self.target is not None
        sink = self.target.open(self.allowed)
        sink.check(tables)
        moved = after_those_there(sink, tables, rows) if self.allowed.append else rows
        return load(sink, tables, moved)


def _repaired(
    talk: Talk,
    drawer: Synthesizer[Any],
    n: int,
    parity: str | None,
    rate: float | None,
    *,
    seed: int,
) -> pa.Table:
    """Rows with equal rates; the cost is reported."""
    from fabula.evaluation.parity import cost_line
    from fabula.synthesizers.parity import Parity, sample_with_parity

    if parity is None:
        raise UsageError(
            "`--rate` is a rate of `--parity`", code="usage.option", hint="add `--parity`"
        )
    made = sample_with_parity(drawer, n, Parity.read(parity, rate), seed=seed)
    for line in (*made.lines(), cost_line(drawer, made)):
        talk.say(line)
    return made.rows


def _write_one(talk: Talk, place: _Place, table: Incoming, blocks: Iterator[pa.Table]) -> None:
    """Write a table, or load it."""
    from fabula.io.formats import format_of
    from fabula.io.places import make_folder
    from fabula.io.write import write_table
    from fabula.runs.summary import loaded_lines

    output, target, n = place.output or Path(), place.target, table.rows or 0
    with progress(talk) as watch:
        counted = _counted(blocks, lambda done: watch and watch(output.stem, done, n))
        if target is not None:
            loaded = place.load([table], lambda _: counted)
        else:
            make_folder(output.parent)
            write_table(output, counted, table.schema, format_of(output))
    if target is not None:
        talk.say("\n".join(loaded_lines(loaded)))
        return
    talk.say(f"Wrote `{output}` ({n:,} rows)")
    talk.hint(f"look at them with `fabula show {pasted(output)}`")


def _print(talk: Talk, schema: pa.Schema, blocks: Iterator[pa.Table]) -> None:
    """Print rows as CSV; print nothing if none can be drawn."""
    from fabula.io.formulas import tell
    from fabula.io.write import CsvFile

    first = next(blocks)
    writer = CsvFile(sys.stdout.buffer, schema)
    for block in chain([first], blocks):
        writer.write(block)
    writer.close()
    tell("standard output", writer.formulas, escaped=talk.escapes_formulas)


def _counted(blocks: Iterable[pa.Table], told: Callable[[int], object]) -> Iterator[pa.Table]:
    """The blocks, reporting progress after each."""
    done = 0
    for block in blocks:
        yield block
        done += block.num_rows
        told(done)


def _write_several(
    talk: Talk, place: _Place, tables: dict[str, pa.Table], drawer: RelationalSynthesizer[Any]
) -> None:
    """Write each table to a file, or all into one destination."""
    from fabula.io.loading import blocks_of
    from fabula.io.write import write_tables
    from fabula.runs.summary import loaded_lines

    output = place.output or Path()
    if place.target is not None:
        loaded = place.load(_with_keys(tables, drawer.keys), blocks_of(tables))
        talk.say("\n".join(loaded_lines(loaded)))
        return
    write_tables(output, tables, place.form or "parquet")
    for name, table in tables.items():
        talk.say(f"{name}  {table.num_rows:,} rows")
    talk.say(f"Wrote `{output}` ({len(tables)} tables)")
    talk.hint(
        f"compare them with the real tables: `fabula evaluate {pasted(output)} --real FOLDER`"
    )


def _with_keys(tables: dict[str, pa.Table], keys: Keys) -> list[Incoming]:
    """The tables to load, with the learned keys."""
    from fabula.io.destinations import Incoming, Link

    return [
        Incoming(
            name,
            rows.schema,
            keys.primary.get(name, ()),
            tuple(Link(k.columns, k.parent, k.key) for k in keys.foreign if k.child == name),
            rows=rows.num_rows,
        )
        for name, rows in tables.items()
    ]
