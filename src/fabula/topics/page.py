"""The report of a balanced text set: one HTML page, and its charts as files."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment
from markupsafe import Markup

from fabula.evaluation.metrics.result import percent
from fabula.io.formats import Format
from fabula.io.places import make_folder, write_text
from fabula.io.write import write_table
from fabula.render import amounts
from fabula.render.charts import rounds_chart, score_chart, topics_chart
from fabula.topics import summary
from fabula.topics.analysis import Survey
from fabula.topics.balance import Balanced

MOST_LISTED = 50


def write_balanced(made: Balanced, folder: Path, name: str, file_format: Format) -> Path:
    """Write the data, the report, its charts and the rejects into a folder.

    Returns:
        The file that holds the data.

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


def write_charts(charts: dict[str, str], folder: Path) -> None:
    """Write each chart as an SVG file of its own."""
    make_folder(folder)
    for chart, svg in charts.items():
        write_text(folder / f"{chart}.svg", svg)


def survey_charts(survey: Survey) -> dict[str, str]:
    """The chart of the scores that decided the number of topics; none where it was given."""
    clusters = survey.clusters
    if not clusters.scores:
        return {}
    return {"scores": score_chart(clusters.scores, len(clusters.centres), clusters.score)}


def balanced_charts(made: Balanced) -> dict[str, str]:
    """Every chart of the report by name."""
    rounds = made.rounds
    lines = {
        "evenness": [each.evenness for each in rounds],
        "coverage": [each.coverage for each in rounds],
    }
    return {
        "topics": topics_chart(rounds[0].counts, rounds[-1].counts),
        "rounds": rounds_chart(lines),
        **survey_charts(made.survey),
    }


def balanced_page(made: Balanced, name: str) -> str:
    """The whole page: verdict, topics before and after, rounds, how topics were found."""
    before, after = made.rounds[0], made.rounds[-1]
    texts = made.survey.corpus.texts
    page: str = _template().render(
        name=name,
        made=made,
        before=before,
        after=after,
        rows=amounts.count(made.table.num_rows, "row"),
        added=amounts.count(sum(each.new for each in made.rounds), "row"),
        found=summary.found_text(made.survey),
        charts={key: Markup(svg) for key, svg in balanced_charts(made).items()},
        head=summary.HEAD,
        rounds=[summary.round_cells(each) for each in made.rounds],
        topics=[_topic(made, place) for place in range(len(made.topics))],
        reasons=summary.reasons(made.rejects),
        repeats=[
            {"alike": percent(each.similarity), "first": each.first, "second": each.second,
             "texts": [_short(texts[at].as_py()) for at in (each.first, each.second)]}
            for each in made.survey.matches[:MOST_LISTED]
        ],
        odd=[
            {"row": each.row, "label": each.label, "usual": each.usual,
             "topic": made.topics[each.cluster].name, "text": _short(texts[each.row].as_py())}
            for each in made.survey.mismatches[:MOST_LISTED]
        ],
    )  # fmt: skip
    return page


def _topic(made: Balanced, place: int) -> dict[str, Any]:
    topic, found = made.topics[place], place < len(made.survey.clusters.centres)
    return {
        "name": topic.name,
        "invented": topic.invented,
        "before": made.rounds[0].counts[topic.name],
        "after": made.rounds[-1].counts[topic.name],
        "wanted": made.targets[topic.name],
        "under": found and place in made.survey.clusters.under_represented,
        "sample": summary.sample(made.survey, place) if found else "",
    }


def _short(text: str) -> str:
    return text if len(text) <= 200 else text[:199] + "…"


@cache
def _template() -> Any:
    text = resources.files("fabula.topics").joinpath("page.html").read_text(encoding="utf-8")
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(text)
