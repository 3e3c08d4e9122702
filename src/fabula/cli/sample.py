"""`fabula sample`: draw rows from a learned table, or make several related ones again."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from fabula.cli.arguments import Count, Positive, number_of, read_pairs, read_share
from fabula.cli.console import Talk, pasted
from fabula.cli.options import Read, verb
from fabula.cli.progress import progress
from fabula.errors import UsageError

if TYPE_CHECKING:
    from fabula.io.formats import Format
    from fabula.synthesizers.parity import Repaired

Shares = Mapping[str, Mapping[Any, float]]


def _given(texts: Sequence[str]) -> dict[str, Any]:
    """`["city=Wien|Graz", "age=18..30"]` by column; nothing after `=` means missing."""
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
    output: Path | None = None,
    form: str | None = None,
    given: Annotated[Mapping[str, Any] | None, Read(_given, many=True)] = None,
    share: Annotated[Shares | None, Read(_shares, many=True)] = None,
    parity: str | None = None,
    rate: Annotated[float | None, Read(read_share)] = None,
    seed: int = 0,
    workers: Positive = 1,
    overwrite: bool = False,
) -> None:
    """Sample rows from a fitted synthesizer.

    Rows are written block by block, so any number of them fits into memory.

    Options:
        synthesizer (MODEL): What `fabula fit` wrote.
        n (N): Rows to sample; by default 1,000.
        scale (X): For several tables: rows relative to the real ones.
        output: File to write, for several tables a folder; otherwise CSV on stdout.
        form (FORMAT): Of several tables: parquet, csv, jsonl, arrow; one file's ending says it
            itself.
        given (COLUMN=VALUE): What a column holds: `city=Wien`, `city=Wien|Graz`, `age=18..30`,
            `city=` for missing; repeatable.
        share (COLUMN=VALUE:SHARE): Share of rows of one value: `sex=F:0.5`; repeatable, for one
            column.
        parity (OUTCOME~GROUP): Make an outcome equally frequent in all groups: `hired~sex`; within
            each department: `hired~sex|department`.
        rate (10%): With --parity OUTCOME=LABEL~GROUP: the label's share in every group.
        seed: The same seed gives the same rows.
        workers: Blocks sampled in parallel.
        overwrite: Replace the file to write.
    """
    from fabula.io.formats import as_format, check_ending, format_of
    from fabula.io.formulas import tell
    from fabula.io.places import check_free, make_folder
    from fabula.io.write import CsvFile, write_table
    from fabula.synthesizers.parity import Parity, sample_with_parity
    from fabula.synthesizers.synthesizer import Synthesizer, load_synthesizer

    drawer = load_synthesizer(synthesizer)
    ending = None if form is None else as_format(form)
    if output is not None:
        check_free(output, overwrite=overwrite, folder=not isinstance(drawer, Synthesizer))
    if not isinstance(drawer, Synthesizer):
        if output is None or n is not None or given or share:
            raise UsageError(
                f"`{synthesizer}` holds several tables: they are written to a folder, sized by"
                " `--scale`",
                code="usage.several-tables",
                hint=f"fabula sample {synthesizer} --scale 2 -o made/",
            )
        tables = drawer.sample(1.0 if scale is None else scale, seed=seed)
        _several(talk, tables, output, ending or "parquet")
        return
    if scale is not None:
        raise UsageError("`--scale` is for several tables", code="usage.scale", hint="pass `-n`")
    if output is not None and ending is not None:
        check_ending(output, ending)
    elif ending not in (None, "csv"):
        raise UsageError(
            f"rows are printed as CSV, not as {ending}",
            code="usage.format",
            hint=f"write them to a file: `-o {synthesizer.stem}.{ending}`",
        )
    n = 1000 if n is None else n
    if parity is not None:
        if given or share:
            raise UsageError(
                "`--parity` decides the shares, so `--given` and `--share` can't",
                code="usage.option",
                hint="leave them out",
            )
        wanted = Parity.read(parity, rate)
        _repaired(talk, drawer, sample_with_parity(drawer, n, wanted, seed=seed), output)
        return
    if rate is not None:
        raise UsageError(
            "`--rate` is a rate of `--parity`", code="usage.option", hint="add `--parity`"
        )
    blocks = drawer.blocks(n, given=given, shares=share, seed=seed, workers=workers)
    if output is None:
        first = next(blocks)  # nothing is printed where nothing can be drawn
        writer = CsvFile(sys.stdout.buffer, drawer.schema)
        writer.write(first)
        for block in blocks:
            writer.write(block)
        writer.close()
        tell("standard output", writer.formulas, escaped=talk.escapes_formulas)
        return
    with progress(talk) as watch:
        done = 0

        def counted() -> Any:
            nonlocal done
            for block in blocks:
                yield block
                done += block.num_rows
                if watch:
                    watch(output.stem, done, n)

        make_folder(output.parent)
        write_table(output, counted(), drawer.schema, format_of(output))
    talk.say(f"Wrote `{output}` ({n:,} rows)")
    talk.hint(f"look at them with `fabula show {pasted(output)}`")


def _repaired(talk: Talk, drawer: Any, made: Repaired, output: Path | None) -> None:
    """Write rows with equal rates, and say what that costs."""
    from fabula.evaluation.parity import cost_line
    from fabula.io.formats import format_of
    from fabula.io.places import make_folder
    from fabula.io.write import CsvFile, write_table

    for line in made.lines():
        talk.say(line)
    talk.say(cost_line(drawer, made))
    if output is None:
        writer = CsvFile(sys.stdout.buffer, made.rows.schema)
        writer.write(made.rows)
        writer.close()
        return
    make_folder(output.parent)
    write_table(output, made.rows, made.rows.schema, format_of(output))
    talk.say(f"Wrote `{output}` ({made.rows.num_rows:,} rows)")


def _several(talk: Talk, tables: dict[str, Any], output: Path, ending: Format) -> None:
    """Write the tables, a file each."""
    from fabula.io.write import write_tables

    write_tables(output, tables, ending)
    for name, table in tables.items():
        talk.say(f"{name}  {table.num_rows:,} rows")
    talk.say(f"Wrote `{output}` ({len(tables)} tables)")
    talk.hint(
        f"compare them with the real tables: `fabula evaluate {pasted(output)} --real FOLDER`"
    )
