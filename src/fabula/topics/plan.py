"""What a run would ask, before anything is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fabula.llm.rows.job import RowsJob
from fabula.llm.rows.prompt_format import Call
from fabula.llm.rows.prompts import REPLY_TOKENS, ChatForm
from fabula.llm.rows.reply import ReplyReader
from fabula.llm.rows.row_check import compile_fields
from fabula.render import amounts, grid
from fabula.render.results import Result
from fabula.topics.analysis import Survey
from fabula.topics.naming import inventing_job, naming_job, samples_of
from fabula.topics.shares import missing, read_shares
from fabula.topics.summary import found_text, labels_text, repeats_text, sample
from fabula.topics.writing import growth_of, round_job

CHARACTERS_A_TOKEN = 4
SHORT_REPLY_TOKENS = 15
"""Tokens of a topic's name in a reply."""
_LOOKED_AT = 1_000
"""Rows that tell how long values are."""
_PRICED = 100
"""Rows of the job whose prompts stand for those of the whole round."""


@dataclass(frozen=True, repr=False)
class BalancePlan(Result):
    """What a run would ask of the model, if every answer is good.

    Attributes:
        survey: What the data contains.
        wanted: Rows to write for each topic, called by its number before it is named.
        calls: Calls by what they are for.
        tokens: About how many tokens they take, prompts and replies.
    """

    survey: Survey
    wanted: Mapping[str, int]
    calls: Mapping[str, int]
    tokens: int

    def report(self) -> str:
        """What the data contains, and what a run would ask."""
        survey = self.survey
        rows = [("topic", "rows", "wanted", "", "such as")]
        under = set(survey.clusters.under_represented)
        for group, size in enumerate(survey.clusters.sizes):
            name = f"topic {group + 1}"
            mark = "under-represented" if group in under else ""
            wanted = f"+{self.wanted.get(name, 0):,}"
            rows.append((name, f"{size:,}", wanted, mark, sample(survey, group)))
        rows += [
            (name, "0", f"+{count:,}", "", "")
            for name, count in self.wanted.items()
            if name[:3] == "new"
        ]
        parts = [found_text(survey), "\n".join(grid.lines(rows, right=(False, True, True)))]
        parts += [text for text in (repeats_text(survey), labels_text(survey)) if text]
        calls = ", ".join(f"{count:,} for {what}" for what, count in self.calls.items())
        total = sum(self.calls.values())
        parts.append(
            f"A run would write {amounts.count(sum(self.wanted.values()), 'row')} in about "
            f"{amounts.count(total, 'call')} ({calls}), {amounts.large(self.tokens)} tokens"
        )
        return "\n\n".join(parts)

    def to_dict(self) -> dict[str, Any]:
        """The plan as JSON-ready values."""
        survey = self.survey
        texts = survey.corpus.texts
        return {
            "rows": len(texts),
            "text": list(survey.corpus.fields),
            "label": survey.corpus.label,
            "score": survey.clusters.score,
            "scores": dict(survey.clusters.scores),
            "topics": survey.clusters.sizes,
            "under_represented": survey.clusters.under_represented,
            "wanted": dict(self.wanted),
            "near_duplicates": [
                {"first": each.first, "second": each.second, "similarity": each.similarity,
                 "texts": [texts[each.first].as_py(), texts[each.second].as_py()]}
                for each in survey.matches
            ],
            "mismatches": [
                {"row": each.row, "label": each.label, "topic": each.cluster + 1,
                 "usual": each.usual, "text": texts[each.row].as_py()}
                for each in survey.mismatches
            ],
            "calls": dict(self.calls),
            "tokens": self.tokens,
        }  # fmt: skip


def plan_of(survey: Survey, wanted: Mapping[str, Any]) -> BalancePlan:
    """The calls of a run with these options of `balance`."""
    corpus, clusters, seed = survey.corpus, survey.clusters, wanted.get("seed", 0)
    samples = samples_of(corpus.texts.to_pylist(), clusters, seed=seed)
    found = [f"topic {number}" for number in range(1, len(samples) + 1)]
    invented = [f"new topic {number}" for number in range(1, wanted.get("new_topics", 0) + 1)]
    counts = dict.fromkeys([*found, *invented], 0)
    counts |= dict(zip(found, clusters.sizes, strict=True))
    shares = read_shares(wanted.get("shares", {}), list(counts))
    lacking = missing(counts, shares, wanted.get("n"))
    calls, tokens = {"naming": 1}, 0
    texts = [corpus.texts.take(rows).to_pylist() for rows in samples]
    tokens += _tokens(naming_job(texts), SHORT_REPLY_TOKENS * len(found))[1]
    if invented:
        job = inventing_job(found, len(invented), wanted.get("prompt", ""))
        calls["inventing"] = 1
        tokens += _tokens(job, SHORT_REPLY_TOKENS * len(invented))[1]
    if total := sum(lacking.values()):
        first = dict(list(lacking.items())[:1])
        small = {name: min(_PRICED, count) for name, count in first.items()}
        typical = range(min(_LOOKED_AT, len(corpus.texts)))
        rows = dict.fromkeys([*(row for rows in samples for row in rows), *typical])
        shown = corpus.table.take(list(rows))
        places = iter(range(len(shown)))
        job = round_job(
            corpus,
            growth_of(corpus, shown, seed),
            small,
            {name: [next(places) for _ in rows] for name, rows in zip(found, samples, strict=True)},
            prompt=wanted.get("prompt", ""),
            rows_per_call=wanted.get("rows_per_call"),
        )
        rows_per_call, each = _tokens(job, REPLY_TOKENS)
        calls["writing"] = -(-total // rows_per_call)
        tokens += each * calls["writing"]
    return BalancePlan(survey, lacking, calls, tokens)


def _tokens(job: RowsJob, reply_tokens: int) -> tuple[int, int]:
    """Rows that are asked in one call, and about the tokens of such a call."""
    form = ChatForm(job, ReplyReader(job.fields, compile_fields(job.fields)))
    rows = range(min(form.rows_per_call, job.n))
    prompt = sum(len(each.content) for each in form.request(Call(rows)).messages)
    return form.rows_per_call, prompt // CHARACTERS_A_TOKEN + reply_tokens
