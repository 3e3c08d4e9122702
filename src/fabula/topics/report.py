"""`fb.balance` and `fb.balance_plan`: the run, and what it leaves for people to read."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Unpack

from fabula.io.formats import ending_like, format_of
from fabula.io.names import output_path
from fabula.topics.balance import Balanced, BalanceOptions, plan, run, shortfall
from fabula.topics.page import survey_charts, write_balanced, write_charts
from fabula.topics.plan import BalancePlan
from fabula.types import TableLike


def balance(
    data: TableLike,
    *,
    output: str | PathLike[str] | None = None,
    overwrite: bool = False,
    **wanted: Unpack[BalanceOptions],
) -> Balanced:
    """Even out the topics of a text data set; a language model writes what topics lack.

    Texts are embedded and clustered, the clusters named, new topics invented on request, and
    rows written round by round. Rows that repeat a text, or are about another topic that has
    enough, are rejected.

    Args:
        data: One table, in any form; rows of `messages` are conversations.
        output: A folder for the data, the report, its charts and the rejects. A killed run in
            it continues at its round.
        overwrite: Replace another run in the folder.
        wanted: The rest, by name: `model`, `max_cost` … as `rows` takes them, and

            - `text`: Columns whose joined values are embedded; by default all columns of text.
            - `label`: A column of labels; rows whose label does not fit their topic are listed.
            - `prompt`: What the rows are about, in words.
            - `embedding`: `wordllama` on this machine, or a model of an endpoint.
            - `topics`, `sizes`: How many topics there are, or the rows of each.
            - `score`: `silhouette`, `gap` or `elbow`: what finds the number of topics.
            - `new_topics`: Topics to invent.
            - `shares`: Shares of topics by name or number; the others share the rest evenly.
            - `n`: Rows to write at most.
            - `rounds`, `evenness`: Where to stop: after this number of rounds, or at this entropy.
            - `similarity`: Similarity from which two texts count as near-duplicates.
            - `unique`: Columns of which no value may come twice.
            - `seed`: Decides the clusters and the samples that are shown.
            - `on_note`, `on_round`: Called with notes, and with each round.

    Raises:
        UsageError: An option is wrong, or there are fewer texts than topics.
        SourceError: The data contains no text.
        PartialRunError: Topics lack rows still; `dataset` of the error is what there is.
    """
    folder = None if output is None else output_path(output)
    made = run(data, folder=folder, overwrite=overwrite, **wanted)
    if folder is not None:
        source = Path(data) if isinstance(data, str | Path) else Path("data.parquet")
        otherwise = ".jsonl" if source.suffix.lower() == ".json" else ".parquet"
        kind = format_of(Path(f"_{ending_like(source, otherwise=otherwise)}"))
        write_balanced(made, folder, source.stem, kind)
    if error := shortfall(made):
        error.dataset = made
        raise error
    return made


def balance_plan(
    data: TableLike, *, charts: str | PathLike[str] | None = None, **wanted: Unpack[BalanceOptions]
) -> BalancePlan:
    """Report what `balance` would find and request, without calling a language model.

    Args:
        data: As `balance` takes it.
        charts: A folder for the chart of the scores that found the number of topics.
        wanted: As `balance` takes it.

    Raises:
        UsageError: An option is wrong, or there are fewer texts than topics.
        SourceError: The data contains no text.
    """
    planned = plan(data, **wanted)
    if charts is not None:
        write_charts(survey_charts(planned.survey), Path(charts))
    return planned
