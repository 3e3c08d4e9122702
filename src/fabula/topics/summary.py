"""A balanced text set, or the plan of one, in words: for terminals and as plain values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fabula.render import amounts, grid
from fabula.topics.analysis import Survey
from fabula.topics.checkpoint import Round, Topic

SHOWN = 10
"""Repeats and odd labels that are listed; the rest is counted."""
TEXT_ROOM = 60
LOOKED_AT = 2_000
"""Texts of a topic among which one that stands for it is chosen."""
HEAD = ("round", "asked", "new", "repeats", "rejected", "relabelled", "calls", "evenness",
        "coverage")  # fmt: skip


def found_text(survey: Survey) -> str:
    """How many topics were found, and by what."""
    clusters, count = survey.clusters, len(survey.clusters.centres)
    fields = ", ".join(f"`{name}`" for name in survey.corpus.fields)
    words = f"{amounts.count(len(survey.corpus.texts), 'row')}, text of {fields}: "
    if clusters.score == "given":
        alike = " (all texts are alike)" if count == 1 else ""
        return f"{words}{amounts.count(count, 'topic')}{alike}"
    tried = " ".join(f"{count}: {value:.2f}" for count, value in clusters.scores.items())
    return f"{words}{amounts.count(count, 'topic')} by {clusters.score} ({tried})"


def repeats_text(survey: Survey) -> str:
    """Texts that repeat an earlier one, both shown."""
    if not survey.matches:
        return ""
    texts = survey.corpus.texts
    rows = [
        (amounts.percent(each.similarity), f"row {each.first}", short(texts[each.first].as_py()),
         f"row {each.second}", short(texts[each.second].as_py()))
        for each in survey.matches[:SHOWN]
    ]  # fmt: skip
    head = f"Near-duplicates: {len(survey.matches):,}"
    return "\n".join([head, *(f"  {line}" for line in grid.lines(rows, right=(True,)))])


def labels_text(survey: Survey) -> str:
    """Rows whose label is another one than most of their topic has."""
    if not survey.mismatches:
        return ""
    texts = survey.corpus.texts
    rows = [
        (f"row {each.row}", each.label, f"with rows of `{each.usual}`",
         short(texts[each.row].as_py()))
        for each in survey.mismatches[:SHOWN]
    ]  # fmt: skip
    head = f"`{survey.corpus.label}` that does not fit the topic: {len(survey.mismatches):,}"
    return "\n".join([head, *(f"  {line}" for line in grid.lines(rows))])


def topic_lines(
    topics: Iterable[Topic], rounds: Sequence[Round], targets: Mapping[str, int]
) -> list[str]:
    """A line for each topic: rows before and after, and wanted."""
    before, after = rounds[0].counts, rounds[-1].counts
    rows = [("topic", "before", "after", "wanted", "")]
    rows += [
        (each.name, f"{before[each.name]:,}", f"{after[each.name]:,}",
         f"{targets[each.name]:,}", "new" if each.invented else "")
        for each in topics
    ]  # fmt: skip
    return grid.lines(rows, right=(False, True, True, True))


def round_lines(rounds: Iterable[Round]) -> list[str]:
    """A line for each round."""
    return grid.lines([HEAD, *map(round_cells, rounds)], right=(True,) * len(HEAD))


def round_cells(each: Round) -> tuple[str, ...]:
    """The numbers of one round, in the order of `HEAD`."""
    numbers = (each.number, sum(each.asked.values()), each.new, each.duplicates, each.rejected,
               each.relabelled, each.calls)  # fmt: skip
    return (*(f"{n:,}" for n in numbers), f"{each.evenness:.2f}", f"{each.coverage:.2f}")


def reasons(rejects: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """How often each kind of reason occurs; what comes after a colon is one case of it."""
    return dict(Counter(str(each["reason"]).partition(":")[0] for each in rejects).most_common())


def sample(survey: Survey, group: int) -> str:
    """The text nearest to the middle of a topic, among its first ones."""
    rows = (survey.clusters.labels == group).nonzero()[0][:LOOKED_AT]
    near = survey.vectors[rows].astype(float) @ survey.clusters.centres[group]
    return short(survey.corpus.texts[int(rows[near.argmax()])].as_py())


def short(text: str) -> str:
    """The start of a text on one line."""
    return grid.fit(grid.one_line(text), TEXT_ROOM)
