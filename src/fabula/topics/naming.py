"""Names for the topics that were found, and new topics that are none of them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fabula.llm.client.chat import ChatModel
from fabula.llm.providers.local_embeddings import embed_locally
from fabula.llm.rows.ask import ask_rows
from fabula.llm.rows.job import RowField, RowsJob, RowsResult
from fabula.streams import stream
from fabula.topics.clusters import Clusters
from fabula.topics.replies import TopicReplies, tidy_name

SAMPLES = 5
"""Texts of each topic that the model sees."""
SHOWN_TEXT = 200
NEAR = 0.8
"""Cosine of the names' word vectors from which two topics are the same."""
LONGEST = 60
_TOPIC = RowField(
    "topic",
    {"type": "string", "maxLength": 4 * LONGEST},
    "a topic of one to four words, specific, without a number",
)


def samples_of(
    texts: Sequence[str], clusters: Clusters, *, most: int = SAMPLES, seed: int = 0
) -> list[list[int]]:
    """Rows of each cluster to show, drawn by seed; no text twice, while there are others."""
    chosen = []
    for group in range(len(clusters.centres)):
        rows = np.flatnonzero(clusters.labels == group)
        shuffled = stream(seed, "topics", "samples", group).permutation(rows)
        seen: dict[str, int] = {}
        for row in shuffled.tolist():
            seen.setdefault(" ".join(texts[row].casefold().split()), row)
            if len(seen) == most:
                break
        chosen.append(list(seen.values()))
    return chosen


def naming_job(samples: Sequence[Sequence[str]]) -> RowsJob:
    """The job that asks for a name of every cluster, all in one call."""
    return RowsJob(
        subject="a name for each cluster of texts: the topic that its samples share and that "
        "tells it from the other clusters",
        fields=(_TOPIC,),
        n=len(samples),
        given=[{"samples": [_shown(text) for text in each]} for each in samples],
        rows_per_call=len(samples),
        unique=(("topic",),),
        check_row=_tidied,
    )


def inventing_job(topics: Sequence[str], n: int, about: str) -> RowsJob:
    """The job that asks for new topics alongside those that there are."""
    about = about.strip() or "the data set that these topics are of"
    return RowsJob(
        subject=f"new topics for {about}; each is of the same kind as the topics that exist, and "
        "none of them",
        fields=(_TOPIC,),
        n=n,
        examples=[{"topic": name} for name in topics],
        rows_per_call=n,
        unique=(("topic",),),
        used=[{"topic": name} for name in topics],
        check_row=_new_beside(topics),
    )


async def name_clusters(
    model: ChatModel, samples: Sequence[Sequence[str]]
) -> tuple[list[str], RowsResult]:
    """One distinct name for each cluster, and how it was had.

    A cluster that the model does not name, even when asked again, is named by the words that
    tell it from the others; so are all where the model only continues text, and can't look at
    samples.
    """
    words = _telling_words(samples)
    if model.form == "completion":
        result = RowsResult([{"topic": name} for name in words])
    else:
        result = await ask_rows(TopicReplies(model), naming_job(samples))
    names: list[str] = []
    for row, fallback in zip(result.rows, words, strict=True):
        name = row["topic"] if row is not None else fallback
        while name.casefold() in {known.casefold() for known in names}:
            name = f"{name} {len(names) + 1}"
        names.append(name)
    return names, result


async def invent_topics(
    model: ChatModel, topics: Sequence[str], n: int, about: str
) -> tuple[list[str], RowsResult]:
    """New topics, at most `n`: none equal or near to one that exists, or to each other."""
    result = await ask_rows(TopicReplies(model), inventing_job(topics, n, about))
    return [row["topic"] for row in result.rows if row is not None], result


def _tidied(row: dict[str, Any]) -> list[str]:
    row["topic"] = tidy_name(str(row["topic"]))
    if not re.search(r"\w", row["topic"]):
        return ["`topic` says nothing"]
    if len(row["topic"]) > LONGEST:
        return [f"`topic` is longer than {LONGEST} characters; give a few words"]
    return []


def _new_beside(topics: Sequence[str]) -> Callable[[dict[str, Any]], list[str]]:
    vectors = embed_locally(list(topics))

    def check(row: dict[str, Any]) -> list[str]:
        problems = _tidied(row)
        if problems:
            return problems
        near = vectors @ embed_locally([row["topic"]])[0]
        if len(near) and near.max() >= NEAR:
            known = topics[int(near.argmax())]
            return [f"`{row['topic']}` is too near to `{known}`, which exists"]
        return []

    return check


def _telling_words(samples: Sequence[Sequence[str]]) -> list[str]:
    """The two words of each cluster that are frequent in it and rare in the others."""
    counts = [
        Counter(word for text in each for word in set(re.findall(r"[^\W\d_]{3,}", text.casefold())))
        for each in samples
    ]
    spread = Counter(word for each in counts for word in each)
    named = []
    for number, each in enumerate(counts, 1):
        best = sorted(each, key=lambda word: (-each[word] / spread[word] ** 2, word))[:2]
        named.append(" ".join(best) or f"topic {number}")
    return named


def _shown(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= SHOWN_TEXT else line[: SHOWN_TEXT - 1] + "…"
