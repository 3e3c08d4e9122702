"""The rounds of a run: ask for what topics lack, sort what comes, until there is enough.

The record is written after every round, and only then; so a round that is cut short is requested
again as it was, and its known replies cost nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from fabula.augment.asking import SAMPLE_STEP, counting
from fabula.errors import BudgetReached, FabulaError
from fabula.llm.client.chat import ChatModel
from fabula.llm.rows.ask import ask_rows
from fabula.llm.rows.job import RowsResult
from fabula.render.amounts import percent
from fabula.topics.analysis import Survey
from fabula.topics.assignment import drifted, repeats, usual_cosines
from fabula.topics.checkpoint import Record, Round, Topic
from fabula.topics.corpus import read_corpus
from fabula.topics.naming import invent_topics, name_clusters, samples_of
from fabula.topics.shares import coverage, evenness, missing, read_shares
from fabula.topics.vectors import TextVectors
from fabula.topics.writing import growth_of, round_job, topic_field

ROUNDS = 3
STALL = 0.1
"""A round that brings less than this share of what it asked ends the run."""


@dataclass
class Rounds:
    """One run under way; its record grows, and is kept in the folder, if there is one."""

    survey: Survey
    vectors: TextVectors
    model: ChatModel
    record: Record
    folder: Path | None
    wanted: Mapping[str, Any]
    say: Callable[[str], None]

    def __post_init__(self) -> None:
        corpus, clusters = self.survey.corpus, self.survey.clusters
        seed = self.wanted.get("seed", 0)
        self._usual = usual_cosines(self.survey.vectors, clusters)
        self._samples = samples_of(corpus.texts.to_pylist(), clusters, seed=seed)
        self._growth = growth_of(corpus, corpus.table, seed)

    async def run(self) -> None:
        """Run to the end, and say in the record why it is one."""
        record, most = self.record, self.wanted.get("rounds") or ROUNDS
        if not record.topics:
            await self._find_topics()
        lacking = self.wanted.get("new_topics", 0) - sum(each.invented for each in record.topics)
        if lacking:
            self.say(
                f"new topics that are missing: {lacking}; they are invented once only, at the "
                "start of a run, and `--fresh` starts over"
            )
        known = len(record.rounds)
        self._tell(record.rounds)
        record.ended = ""
        while not record.ended:
            if not (asked := self._lacking()):
                record.ended = "topics are full"
            elif self._is_even():
                record.ended = f"topics are as even as requested ({record.rounds[-1].evenness:.2f})"
            elif len(record.rounds) > known and self._has_stalled():
                record.ended = f"round {len(record.rounds) - 1} added hardly anything new"
            elif len(record.rounds) > most:
                record.ended = f"{most} rounds are done"
            elif not await self._round(asked):
                return  # what a round cut short brought is not kept: it is requested again whole
        record.write(self.folder)

    def whole_table(self) -> pa.Table:
        """The rows as they came and the new ones, with the topic and the round of each."""
        given, new = self.survey.corpus.given, self.record.rows
        made = self.survey.corpus.completed(self._new_rows())
        table = pa.concat_tables([given, made.select(given.column_names)]) if new else given
        names = self._names()
        topics = [names[group] for group in self.survey.clusters.labels.tolist()]
        extra = {
            "topic": topics + [row["topic"] for row in new],
            "round": [0] * len(topics) + [row["round"] for row in new],
        }
        for name, values in extra.items():
            free = name if name not in table.column_names else f"balance_{name}"
            table = table.append_column(free, pa.array(values))
        return table

    async def _find_topics(self) -> None:
        """Name the clusters, invent topics, and set what each should have."""
        texts = self.survey.corpus.texts
        samples = [texts.take(rows).to_pylist() for rows in self._samples]
        names, named = await name_clusters(self.model, samples)
        self._complain(named, "were named by their words, since the model did not name them")
        asked, invented = self.wanted.get("new_topics", 0), list[str]()
        calls = named.calls + named.cached
        if asked:
            about = self.wanted.get("prompt", "")
            invented, result = await invent_topics(self.model, names, asked, about)
            self._complain(result, "of the new topics were not named")
            calls += result.calls + result.cached
        record = self.record
        record.topics = [
            *(Topic(name) for name in names),
            *(Topic(name, invented=True) for name in invented),
        ]
        shares = read_shares(self.wanted.get("shares", {}), self._names())
        counts = dict.fromkeys(self._names(), 0)
        counts |= dict(zip(names, self.survey.clusters.sizes, strict=True))
        lacking = missing(counts, shares, self.wanted.get("n"))
        record.targets = {name: counts[name] + lacking.get(name, 0) for name in counts}
        record.rounds = [
            Round(
                0, {}, 0, 0, 0, 0, counts, evenness(list(counts.values())),
                coverage(counts, record.targets), tuple(invented), calls,
            )
        ]  # fmt: skip
        record.write(self.folder)

    async def _round(self, asked: Mapping[str, int]) -> bool:
        """One round: ask, sort, count, keep; whether it came to its end."""
        corpus, record = self.survey.corpus, self.record
        number = len(record.rounds)
        table = pa.concat_tables([corpus.table, self._new_rows()])
        growth = growth_of(corpus, table, self.wanted.get("seed", 0))
        names = self._names()
        wanted = self.wanted
        job = round_job(
            corpus, growth, asked, dict(zip(names, self._samples, strict=False)),
            prompt=wanted.get("prompt", ""),
            unique=wanted.get("unique", ()),
            rows_per_call=wanted.get("rows_per_call"),
            attempts=wanted.get("attempts", 3),
            temperature=wanted.get("temperature"),
            sample=(number + wanted.get("sample", 0)) * SAMPLE_STEP,
        )  # fmt: skip
        tell = counting(wanted.get("progress"), "rows", job.n)
        try:
            result = await ask_rows(self.model, job, on_rows=tell)
        except FabulaError as error:
            if not record.rows and not isinstance(error, BudgetReached):
                raise
            record.ended = error.message
            return False
        given = [str(next(iter(row.values()))) for row in job.given or ()]
        made = [(place, row) for place, row in enumerate(result.rows) if row is not None]
        try:
            kept, refused, duplicates, relabelled = await self._sort(
                [given[place] for place, _ in made],
                [row for _, row in made],
                topic_field(job),
                table,
            )
        except BudgetReached as error:  # an endpoint's embedding of the new rows
            record.ended = error.message
            return False
        rejects = [
            {"round": number, "reason": each.reason, "raw": each.raw} for each in result.rejects
        ]
        rejects += [{"round": number, **each} for each in refused]
        record.rows += [{"round": number, **each} for each in kept]
        record.rejects += rejects
        counts = dict(record.rounds[-1].counts)
        for each in kept:
            counts[each["topic"]] += 1
        record.rounds.append(
            Round(
                number, dict(asked), len(kept), duplicates, len(rejects) - duplicates, relabelled,
                counts, evenness(list(counts.values())), coverage(counts, record.targets), (),
                result.calls + result.cached,
            )
        )  # fmt: skip
        self._tell(record.rounds[-1:])
        if result.error is not None and result.error.code != "rows.unusable":
            record.ended = result.error.message
            return False
        record.write(self.folder)
        return True

    async def _sort(
        self, asked: Sequence[str], rows: Sequence[dict[str, Any]], field: str, table: pa.Table
    ) -> tuple[list[dict[str, Any]], list[dict[str, Any]], int, int]:
        """Rows to keep with their topic, rows refused with the reason, repeats and relabelled."""
        if not rows:
            return [], [], 0, 0
        corpus = self.survey.corpus
        new = self._growth.rows(list(enumerate(rows)))
        texts = read_corpus(new, corpus.fields, corpus.label).texts.to_pylist()
        old = read_corpus(table, corpus.fields, corpus.label).texts
        same = repeats(old, texts, self.wanted.get("similarity", 0.85))
        clusters = self.survey.clusters
        elsewhere = drifted(
            [row[field] for row in rows],
            await self.vectors.embed(texts), clusters.centres, self._usual, self._names(),
        )  # fmt: skip
        lacking = self._lacking()
        kept: list[dict[str, Any]] = []
        refused: list[dict[str, Any]] = []
        relabelled = 0
        topics = [elsewhere.get(at, str(row[field])) for at, row in enumerate(rows)]
        # Rows that kept to their topic come first; strays get what room they leave.
        for at in sorted(range(len(rows)), key=lambda at: topics[at] != asked[at]):
            values = {name: value for name, value in rows[at].items() if name != field}
            if at in same:
                other, near = same[at]
                reason = f"repeats a text ({percent(near)} alike): {other}"
            elif lacking.get(topics[at], 0) < 1:
                reason = f"asked about `{asked[at]}`, but is about `{topics[at]}`, which has enough"
            else:
                lacking[topics[at]] -= 1
                relabelled += topics[at] != asked[at]
                kept.append({"topic": topics[at], "values": values})
                continue
            refused.append({"reason": reason, "raw": texts[at]})
        return kept, refused, len(same), relabelled

    def _lacking(self) -> dict[str, int]:
        counts, targets = self.record.rounds[-1].counts, self.record.targets
        return {
            name: targets[name] - counts[name] for name in targets if targets[name] > counts[name]
        }

    def _has_stalled(self) -> bool:
        last = self.record.rounds[-1]
        return last.new < STALL * sum(last.asked.values())

    def _is_even(self) -> bool:
        wanted = self.wanted.get("evenness")
        return wanted is not None and self.record.rounds[-1].evenness >= wanted

    def _names(self) -> list[str]:
        return [topic.name for topic in self.record.topics]

    def _new_rows(self) -> pa.Table:
        return self._growth.rows(list(enumerate(row["values"] for row in self.record.rows)))

    def _complain(self, result: RowsResult, what: str) -> None:
        lost = sum(row is None for row in result.rows)
        if lost:
            why = result.rejects[0].reason if result.rejects else "the model gave no more"
            self.say(f"{lost} of {len(result.rows)} {what}: {why}")

    def _tell(self, rounds: Sequence[Round]) -> None:
        on_round = self.wanted.get("on_round")
        if on_round is not None:
            for each in rounds:
                on_round(each)
