"""The report of a balanced text set: one HTML page, and its charts as files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from markupsafe import Markup, escape

from fabula.io.formats import Format
from fabula.io.places import make_folder, write_text
from fabula.io.write import write_table
from fabula.render import amounts, charts
from fabula.render.amounts import percent
from fabula.render.pages import chip, page, worded
from fabula.render.svg import Drawing
from fabula.topics import summary
from fabula.topics.analysis import Survey
from fabula.topics.balance import Balanced

MOST_LISTED = 50
FEWEST_ROUNDS = 3
"""Of fewer rounds a chart would say nothing."""


def write_balanced(made: Balanced, folder: Path, name: str, file_format: Format) -> Path:
    """Write the data, the report, its charts and the rejects into a folder; gives the data's file.

    Raises:
        SinkError: The place can't be written.
    """
    make_folder(folder)
    data = folder / f"{name}.{file_format}"
    write_table(data, made.table, made.table.schema, file_format)
    lost = "".join(f"{json.dumps(each, ensure_ascii=False)}\n" for each in made.rejects)
    write_text(folder / "rejects.jsonl", lost)
    write_text(folder / "report.html", balanced_page(made, name))
    write_charts(balanced_charts(made), folder / "charts")
    return data


def write_charts(drawings: dict[str, Drawing], folder: Path) -> None:
    """Write each chart as an SVG file of its own."""
    make_folder(folder)
    for name, drawing in drawings.items():
        write_text(folder / f"{name}.svg", drawing.alone())


def survey_charts(survey: Survey) -> dict[str, Drawing]:
    """The chart of the scores that decided the number of topics; none if it was given."""
    clusters = survey.clusters
    if not clusters.scores:
        return {}
    drawing = charts.lines(
        "What found the number of topics", "number of topics", clusters.score,
        [str(count) for count in clusters.scores],
        {clusters.score: list(clusters.scores.values())}, marked=str(len(clusters.centres)),
    )  # fmt: skip
    return {"scores": drawing}


def balanced_charts(made: Balanced) -> dict[str, Drawing]:
    """Every chart of the report by name."""
    rounds = made.rounds
    lines = {
        "evenness": [each.evenness for each in rounds],
        "coverage": [each.coverage for each in rounds],
    }
    places = [str(each.number) for each in rounds]
    return {
        "topics": charts.added(rounds[0].counts, rounds[-1].counts, "Rows of each topic"),
        "rounds": charts.lines("Round by round", "round", "share", places, lines, high=1),
        **survey_charts(made.survey),
    }


def balanced_page(made: Balanced, name: str) -> str:
    """The whole page: verdict, topics before and after, rounds, how topics were found."""
    before, after = made.rounds[0], made.rounds[-1]
    drawn = balanced_charts(made)
    if len(made.rounds) < FEWEST_ROUNDS:
        del drawn["rounds"]
    rows = amounts.count(made.table.num_rows, "row")
    new = amounts.count(sum(each.new for each in made.rounds), "row")
    invented = sum(topic.invented for topic in made.topics)
    return page(
        "topics.html",
        name=name,
        full=after.coverage >= 1,
        summary=f"{rows}, {new} of them new; the run ended because {made.ended}.",
        figures=[
            (len(made.topics), f"topics, {invented} of them new"),
            (f"{before.evenness:.2f} → {after.evenness:.2f}", "evenness, 1 at best"),
            (f"{100 * after.coverage:.0f} %", "of the requested rows exist"),
            (amounts.count(len(made.rejects)), "rows rejected"),
        ],
        notes=made.notes,
        charts=drawn,
        topics=[_topic(made, place) for place in range(len(made.topics))],
        head=[*((title, "n") for title in summary.HEAD), ("topics added", "say")],
        rounds=[[*summary.round_cells(each), ", ".join(each.added)] for each in made.rounds],
        found=summary.found_text(made.survey),
        lists=[each for each in _lists(made) if each[2]],
    )


def _topic(made: Balanced, place: int) -> list[Any]:
    topic, found = made.topics[place], place < len(made.survey.clusters.centres)
    before, after = (made.rounds[at].counts[topic.name] for at in (0, -1))
    wanted = made.targets[topic.name]
    under = found and place in made.survey.clusters.under_represented
    mark: Any = chip("new") if topic.invented else chip("was under-represented") if under else ""
    if after < wanted:
        mark = chip(f"{wanted - after:,} missing", passed=False)
    sample = summary.sample(made.survey, place) if found else ""
    return [topic.name, *map(amounts.count, (before, after, wanted)), mark, sample]


def _lists(made: Balanced) -> Iterator[tuple[str, list[tuple[str, str]], list[list[Any]]]]:
    """Rows that were rejected, that repeat others, or that are labelled oddly."""
    survey = made.survey
    texts = survey.corpus.texts
    reasons = summary.reasons(made.rejects).items()
    rejected = [[amounts.count(count), worded(reason)] for reason, count in reasons]
    yield "Rejected", [("rows", "n"), ("reason", "say")], rejected
    yield (
        f"Near-duplicates in the data as it came: {len(survey.matches)}",
        [("alike", "n"), ("rows", "n"), ("texts", "say")],
        [
            [percent(each.similarity), _both(str(each.first), str(each.second)),
             _both(*(_short(texts[at].as_py()) for at in (each.first, each.second)))]
            for each in survey.matches[:MOST_LISTED]
        ],
    )  # fmt: skip
    yield (
        f"Labels that do not fit their topic: {len(survey.mismatches)}",
        [("row", "n"), ("label", ""), ("topic", ""), ("usual label there", ""), ("text", "say")],
        [
            [each.row, each.label, made.topics[each.cluster].name, each.usual,
             _short(texts[each.row].as_py())]
            for each in survey.mismatches[:MOST_LISTED]
        ],
    )  # fmt: skip


def _both(first: str, second: str) -> Markup:
    return escape(first) + Markup("<br>") + escape(second)


def _short(text: str) -> str:
    return text if len(text) <= 200 else text[:199] + "…"
