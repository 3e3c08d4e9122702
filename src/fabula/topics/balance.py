"""`fb.balance`: a text data set whose topics have the rows that they should.

Texts are embedded and clustered (`topics.survey`), a model names the clusters and invents new
topics (`topics.naming`), and rounds of writing fill up what each topic lacks (`topics.rounds`).
After every round the run is on disk; a killed one continues with the next round, and calls of a
round that was cut short are answered from the ledger.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, Unpack

import pyarrow as pa
from typing_extensions import override

from fabula.augment.asking import AskOptions, budget_of
from fabula.errors import PartialRunError, UsageError
from fabula.io.formats import format_of
from fabula.io.names import output_path
from fabula.io.places import check_free, make_folder
from fabula.io.tables import as_table
from fabula.io.write import write_table
from fabula.llm.cache.budget import Budget
from fabula.llm.providers.local_embeddings import NAME as LOCAL_EMBEDDING
from fabula.llm.rows.sync import run_sync
from fabula.llm.session import models_of_run
from fabula.render.results import Result
from fabula.spec.tables import ModelSpec
from fabula.topics.analysis import Survey, survey
from fabula.topics.checkpoint import Record, Round, Topic, read_record
from fabula.topics.clusters import Score
from fabula.topics.corpus import Corpus, read_corpus
from fabula.topics.plan import BalancePlan, plan_of
from fabula.topics.rounds import ROUNDS, Rounds
from fabula.topics.summary import reasons, round_lines, topic_lines
from fabula.topics.vectors import TextVectors
from fabula.types import Path as PathLike

VERSION = 1
"""Raised when the same options would make other data."""


class BalanceOptions(AskOptions, total=False):
    """What `fabula.balance` takes besides the data; see there."""

    text: Sequence[str]
    label: str | None
    prompt: str
    embedding: str | ModelSpec
    topics: int | None
    sizes: Sequence[int]
    score: Score
    new_topics: int
    shares: Mapping[str, float]
    n: int | None
    rounds: int
    evenness: float | None
    similarity: float
    unique: Sequence[str]
    seed: int
    on_note: Callable[[str], None] | None
    on_round: Callable[[Round], None] | None


@dataclass(frozen=True, repr=False)
class Balanced(Result):
    """A balanced data set and how it came about.

    Attributes:
        table: The rows as they came, then the new ones; with their topic and round.
        survey: What the data held.
        topics: Every topic, those found first.
        targets: Rows that each topic should have.
        rounds: What each round brought; the first is the data as it came.
        rejects: Every row that was lost, with the reason.
        ended: Why the run ended.
        notes: What else is worth knowing.
    """

    table: pa.Table
    survey: Survey
    topics: Sequence[Topic]
    targets: Mapping[str, int]
    rounds: Sequence[Round]
    rejects: Sequence[Mapping[str, Any]]
    ended: str
    notes: Sequence[str]

    @property
    def missing(self) -> int:
        """Rows that topics still lack."""
        counts = self.rounds[-1].counts
        return sum(max(0, wanted - counts[name]) for name, wanted in self.targets.items())

    def report(self) -> str:
        """Topics before and after, and what each round brought."""
        parts = [
            "\n".join(topic_lines(self.topics, self.rounds, self.targets)),
            "\n".join(round_lines(self.rounds)),
        ]
        if lost := reasons(self.rejects):
            parts.append("\n".join(["Rejected:", *(f"  {n:,} × {why}" for why, n in lost.items())]))
        return "\n\n".join([*parts, *(f"note: {note}" for note in self.notes)])

    @override
    def write(self, path: PathLike) -> None:
        """Write the rows to a file, whose ending names the format."""
        place = output_path(path)
        make_folder(place.parent)
        write_table(place, self.table, self.table.schema, format_of(place))


def plan(data: Any, **wanted: Unpack[BalanceOptions]) -> BalancePlan:
    """What a run would find and ask; see `fabula.balance_plan`."""
    say = wanted.get("on_note") or _silent
    corpus = _corpus(data, wanted)
    vectors = _vectors(wanted, budget_of(wanted), say)
    return plan_of(run_sync(_survey(corpus, vectors, wanted)), wanted)


def run(
    data: Any,
    *,
    folder: Path | None = None,
    overwrite: bool = False,
    **wanted: Unpack[BalanceOptions],
) -> Balanced:
    """Balance the topics of a text data set, kept round by round in a folder; see `balance`."""
    return run_sync(_run(data, folder, overwrite, wanted))


def shortfall(made: Balanced) -> PartialRunError | None:
    """The error of a run that ended before every topic was filled; None if that was wanted."""
    if not made.missing or made.ended.startswith("topics are as even"):
        return None
    wanted, done = sum(made.targets.values()), len(made.rounds) - 1
    return PartialRunError(
        f"{made.missing:,} of {wanted:,} rows are missing: {made.ended}",
        code="balance.missing",
        hint=f"run it again with `--rounds {done + ROUNDS}` or a higher limit: it continues with "
        f"round {done + 1}, and known replies cost nothing",
    )


async def _run(data: Any, folder: Path | None, overwrite: bool, wanted: BalanceOptions) -> Balanced:
    notes: list[str] = []

    def say(note: str) -> None:
        notes.append(note)
        (wanted.get("on_note") or _silent)(note)

    corpus = _corpus(data, wanted)
    fresh = wanted.get("fresh", False)
    key = _key(corpus, wanted)
    budget = budget_of(wanted)
    known = None
    if folder is not None:
        check_free(folder, overwrite=True, folder=True)
        make_folder(folder)
        known = None if fresh else read_record(folder, key, overwrite=overwrite)
    vectors = _vectors(wanted, budget, say)
    if known is not None:
        vectors.keep_to(known.embedding)
    found = await _survey(corpus, vectors, wanted)
    record = known or Record(key, vectors.name)
    with models_of_run(fresh=fresh, budget=budget) as open_model:
        model = open_model(wanted.get("model", "local"))
        try:
            rounds = Rounds(
                found, vectors=vectors, model=model, record=record, folder=folder,
                wanted=dict(wanted), say=say,
            )  # fmt: skip
            await rounds.run()
        finally:
            await model.close()
    return Balanced(
        rounds.whole_table(), found, tuple(record.topics), dict(record.targets),
        tuple(record.rounds), tuple(record.rejects), record.ended, tuple(notes),
    )  # fmt: skip


def _corpus(data: Any, wanted: BalanceOptions) -> Corpus:
    """The texts, after a look at the options that the data has no say in."""
    for name, least in (("rounds", 1), ("new_topics", 0), ("n", 0)):
        value = wanted.get(name)
        if isinstance(value, int) and value < least:
            raise UsageError(
                f"`{name}` is {value}", code="usage.balance", hint=f"give {least} or more"
            )
    return read_corpus(as_table(data), wanted.get("text", ()), wanted.get("label"))


def _vectors(wanted: BalanceOptions, budget: Budget, say: Callable[[str], None]) -> TextVectors:
    model = wanted.get("embedding", LOCAL_EMBEDDING)
    return TextVectors(model, budget, fresh=wanted.get("fresh", False), say=say)


async def _survey(corpus: Corpus, vectors: TextVectors, wanted: BalanceOptions) -> Survey:
    return await survey(
        corpus,
        vectors,
        topics=wanted.get("topics"),
        sizes=wanted.get("sizes", ()),
        score=wanted.get("score", "silhouette"),
        similarity=wanted.get("similarity", 0.85),
        seed=wanted.get("seed", 0),
    )


_FREE = ("fresh", "max_calls", "max_tokens", "max_cost", "progress", "on_result", "on_note",
         "on_round", "rounds")  # fmt: skip
"""Options that change how far a run goes, and not what it makes."""


def _key(corpus: Corpus, wanted: BalanceOptions) -> str:
    options = {name: value for name, value in sorted(wanted.items()) if name not in _FREE}
    digest = blake2b(json.dumps([VERSION, options], default=str).encode(), digest_size=16)
    for text in corpus.texts.to_pylist():
        digest.update(text.encode() + b"\0")
    return digest.hexdigest()


def _silent(_: str) -> None:
    """Say nothing."""
