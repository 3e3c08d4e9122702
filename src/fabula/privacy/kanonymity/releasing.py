"""`generalise`: a table in, the same rows out, coarse enough that nobody stands alone."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypedDict

from typing_extensions import Unpack

from fabula.errors import UsageError
from fabula.io.destinations import Loading, destination_of, names_file
from fabula.io.loading import load_tables
from fabula.io.names import output_path
from fabula.io.places import check_free, make_folder
from fabula.io.write import write_tables
from fabula.options import known_options
from fabula.privacy.files.sources import sources_of
from fabula.privacy.files.writing import Work, spare_originals
from fabula.privacy.kanonymity.combinations import combinations_of
from fabula.privacy.kanonymity.costs import cost_of
from fabula.privacy.kanonymity.generalised import MOST_BLANK, Generalised
from fabula.privacy.kanonymity.ladders import ladder_of
from fabula.privacy.kanonymity.measures import Wanted, promise_of
from fabula.privacy.kanonymity.proposing import must_be, proposed
from fabula.privacy.kanonymity.search import search
from fabula.types import Progress, TableLike


class GeneraliseOptions(TypedDict, total=False):
    """What `generalise` and `prepare` can be told, as `generalise` explains it."""

    quasi: Sequence[str]
    k: int
    sensitive: Sequence[str]
    l: int  # noqa: E741
    t: float
    max_blank: float
    importance: Mapping[str, float]
    hierarchies: Mapping[str, str | os.PathLike[str]]
    target: str | None


@known_options
def generalise(
    data: TableLike | Path,
    *,
    output: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    **options: Unpack[GeneraliseOptions],
) -> Generalised:
    """Make a table k-anonymous, l-diverse and t-close at the least loss.

    Values become coarser along ladders (numbers by width, dates by period, postcodes by prefix,
    rare categories together), searched for the levels that lose the fewest bits; then single
    cells of the rows that are left are blanked. No row is dropped.

    Args:
        data: A table in any form; the path of a CSV or Parquet file of any size, or an address.
        output: The file or the destination to write to. By default nothing is written, and
            `.table` has the rows.
        overwrite: Whether a file that is there may be replaced.
        **options: `quasi`: the columns that an outsider may know of a person; by default those
            that say so by name. `k`: fewest rows of a group, 5 by default. `sensitive`: columns
            that a group must not give away. `l`: fewest distinct sensitive values of a group.
            `t`: greatest distance of a group's sensitive values from those of all rows.
            `max_blank`: share of cells that may be blanked, 0.03 by default. `importance`: how
            much columns matter, such as `{"age": 3}`. `hierarchies`: files of levels by column,
            `value;level 1;level 2`. `target`: column of a model whose score is compared.

    Raises:
        UsageError: A column does not exist, or no release keeps what is wanted.
        SourceError: The data can't be read.
        SinkError: The place can't be written.

    Examples:
        >>> import fabula as fb
        >>> people = fb.preview("age int 18..90, sex choice F|M, plan choice free|pro", n=2000)
        >>> fb.generalise(people, quasi=["age", "sex"], k=10).after.k >= 10
        True
    """
    made = prepare(data, **options)
    if output is not None:
        write(made, output, overwrite=overwrite)
    return made


def prepare(data: Any, **options: Unpack[GeneraliseOptions]) -> Generalised:
    """Decide how a table is generalised, before a row is written.

    Raises:
        UsageError: A column does not exist, or no release keeps what is wanted.
        SourceError: The data can't be read.
    """
    sources, places, _ = sources_of(data)
    if len(sources) > 1:
        raise UsageError(
            f"there are {len(sources)} tables, and one is generalised at a time",
            code="kanonymity.several",
            hint=f"give the table of people alone, such as `{next(iter(sources))}`",
        )
    ((name, source),) = sources.items()
    wanted = _wanted(options)
    sensitive = list(dict.fromkeys(options.get("sensitive") or ()))
    reasons, notes = proposed(source, options.get("quasi"), sensitive, options.get("target"))
    quasi = list(reasons)
    importance = dict(options.get("importance") or {})
    files = {column: Path(path) for column, path in (options.get("hierarchies") or {}).items()}
    for column in (*sensitive, *importance, *files, *filter(None, [options.get("target")])):
        must_be(column, source.names)
    for column in (*importance, *files):
        if column not in quasi:
            raise UsageError(
                f"`{column}` is not a quasi-identifier",
                code="kanonymity.column",
                hint=f"add it: `--quasi {','.join([*quasi, column])}`",
            )
    if both := [column for column in sensitive if column in quasi]:
        raise UsageError(
            f"`{both[0]}` can't be both a quasi-identifier and sensitive",
            code="kanonymity.column",
            hint="leave it out of `quasi` or of `sensitive`",
        )
    grouped = combinations_of(source, quasi, sensitive)
    if not grouped.rows:
        raise UsageError(f"`{name}` has no rows", code="kanonymity.empty")
    ladders = tuple(ladder_of(column, files.get(column.name)) for column in grouped.columns)
    most = float(options.get("max_blank", MOST_BLANK))
    found = search(grouped, ladders, wanted, most_blank=most, importance=importance)
    target = options.get("target")
    made = Generalised(
        name, source, grouped, ladders, found, wanted,
        promise_of(grouped.codes, grouped.counts, grouped.sensitive),
        promise_of(found.codes, grouped.counts, grouped.sensitive),
        reasons, tuple(notes), max_blank=most, file=places.get(name),
    )  # fmt: skip
    if target is None:
        return made
    return replace(made, cost=cost_of(source, made.maker(), quasi, target))


def write(
    made: Generalised,
    output: str | os.PathLike[str],
    *,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> None:
    """Write a release to a file of the original's form; other columns of CSV stay to the byte.

    A database or an address may be written, too. Rows from elsewhere take the form that the file's
    name says.

    Args:
        made: What to write.
        output: The file, or a destination such as `s3://bucket/folder`.
        overwrite: Whether a file that is there may be replaced.
        progress: Hears of the rows that are done, and of about how many there are.

    Raises:
        UsageError: The place names no file.
        SinkError: The place exists, or can't be written.
    """
    source, maker, file = made.source, made.maker(), made.file
    if target := destination_of(output):
        load_tables(target, {made.name: made.table}, Loading(overwrite=overwrite))
        return
    output = output_path(output)
    if not names_file(output):
        ending = ".parquet" if file is None else file.suffix
        raise UsageError(
            f"`{output}` names no file",
            code="kanonymity.output",
            hint=f"write to `{made.name}-k{made.wanted.k}{ending}`",
        )
    if file is not None:
        spare_originals({made.name: output}, {made.name: file})
    check_free(output, overwrite=overwrite)
    if file is None:  # the rows are in memory, or come from an address
        write_tables(output, {made.name: made.table})
        return
    make_folder(output.parent)
    about = source.about_rows()

    def told() -> None:
        if progress is not None:
            progress(made.name, maker.counts.rows, max(about, maker.counts.rows))

    name = made.name
    Work({name: source}, {name: maker}, {name: ()}, "", told).write(output)


def _wanted(options: Mapping[str, Any]) -> Wanted:
    wanted = Wanted(options.get("k", 5), options.get("l", 1), options.get("t", 1.0))
    for name, value, least in (("k", wanted.k, 2), ("l", wanted.l, 1)):
        if not isinstance(value, int) or value < least:
            raise UsageError(
                f"`{name}` must be a whole number from {least} on, not {value!r}",
                code="kanonymity.number",
                hint=f"write `{'-k' if name == 'k' else '--l'} {max(least, 5)}`",
            )
    share = options.get("max_blank", MOST_BLANK)
    for name, part in (("t", wanted.t), ("max_blank", share)):
        if not isinstance(part, int | float) or not 0 <= part <= 1:
            raise UsageError(
                f"`{name}` must be a number from 0 to 1, not {part!r}", code="kanonymity.number"
            )
    if (wanted.l > 1 or wanted.t < 1) and not options.get("sensitive"):
        raise UsageError(
            "l-diversity and t-closeness are about sensitive columns, and none is named",
            code="kanonymity.sensitive",
            hint="name them: `--sensitive diagnosis`",
        )
    for column, weight in (options.get("importance") or {}).items():
        if not isinstance(weight, int | float) or not 0 < weight < float("inf"):
            raise UsageError(
                f"the importance of `{column}` must be a number above 0, not {weight!r}",
                code="kanonymity.number",
            )
    return wanted
