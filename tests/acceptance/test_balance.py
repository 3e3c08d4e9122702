"""Topics found, named, invented and filled up, over real HTTP."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import fabula as fb
from fabula.errors import AuthenticationError, PartialRunError, SourceError, UsageError
from fabula.testing import ChatServer
from fabula.testing import replies as script
from fabula.topics.balance import Balanced
from fabula.topics.replies import read_topics
from tests.topics.topic_server import (
    GROUPS,
    Script,
    about,
    model_at,
    naming_calls,
    skewed,
    words,
    writing_calls,
)


def run(server: ChatServer, data: Any = None, **wanted: Any) -> Balanced:
    """A run whose embeddings and answers come from the server."""
    options = {"model": model_at(server), "embedding": model_at(server, "vectors"), **wanted}
    return fb.balance(skewed() if data is None else data, **options)


@pytest.mark.parametrize("score", ["silhouette", "gap", "elbow"])
def test_four_groups_are_found_by_themselves(score: str, tmp_path: Path) -> None:
    with ChatServer(Script()) as server:
        planned, again = (
            fb.balance_plan(
                skewed(), embedding=model_at(server), score=score, charts=tmp_path, seed=3
            )
            for _ in range(2)
        )
    clusters = planned.survey.clusters
    assert clusters.sizes == [20, 20, 20, 3]
    assert clusters.under_represented == [3]
    assert clusters.score == score
    assert {2, 3, 4, 5} <= set(clusters.scores)
    assert clusters.labels.tolist() == again.survey.clusters.labels.tolist()
    assert (tmp_path / "scores.svg").read_text().startswith("<svg")
    assert all("input" in call.body for call in server.calls)  # no generation call
    assert planned.calls == {"naming": 1, "writing": 1}
    assert sum(planned.wanted.values()) == 17


def test_the_number_of_topics_and_their_sizes_can_be_forced() -> None:
    with ChatServer(Script()) as server:
        embedding = model_at(server)
        two = fb.balance_plan(skewed(), embedding=embedding, topics=2)
        sized = fb.balance_plan(skewed(), embedding=embedding, sizes=[10, 30, 20, 3])
    assert len(two.survey.clusters.sizes) == 2
    assert sized.survey.clusters.sizes == [10, 30, 20, 3]


@pytest.mark.parametrize("n", [1, 2, 5])
def test_few_rows_are_no_crash(n: int) -> None:
    rows = [{"text": f"Food {words(number)}"} for number in range(n)]
    assert sum(fb.balance_plan(rows).survey.clusters.sizes) == n
    alike = fb.balance_plan([{"text": "the same"}] * n)
    assert alike.survey.clusters.sizes == [n]
    assert len(alike.survey.matches) == n - 1


def test_too_few_rows_are_said_in_words() -> None:
    with pytest.raises(SourceError, match="no text to balance"):
        fb.balance_plan(pa.table({"text": pa.array([], pa.string())}))
    with pytest.raises(UsageError, match="4 topics can't be found among 1 different texts"):
        fb.balance_plan([{"text": "one"}, {"text": "one"}], topics=4)
    with pytest.raises(UsageError, match="holds text"):
        fb.balance_plan([{"number": 1}])
    with pytest.raises(UsageError, match="did you mean `text`"):
        fb.balance_plan([{"text": "one"}], text=["txt"])


def test_embeddings_are_batched_kept_and_in_order() -> None:
    """The server answers in reverse."""
    with ChatServer(Script()) as server:
        first = fb.balance_plan(skewed(), embedding=model_at(server))
        asked = len(server.calls)
        again = fb.balance_plan(skewed(), embedding=model_at(server))
    assert asked == len(server.calls) == 1
    assert first.survey.vectors.tolist() == again.survey.vectors.tolist()


def test_an_endpoint_without_embeddings_gives_way_to_this_machine_and_that_is_said() -> None:
    notes: list[str] = []
    with ChatServer(lambda _: script.failed(404, "no such path")) as server:
        planned = fb.balance_plan(skewed(), embedding=model_at(server), on_note=notes.append)
    assert planned.survey.vectors.shape == (63, 256)
    assert "does not embed, so word vectors of this machine are used" in notes[0]


def test_a_refused_key_is_an_error_and_no_fallback() -> None:
    with (
        ChatServer(lambda _: script.failed(401, "bad key")) as server,
        pytest.raises(AuthenticationError),
    ):
        fb.balance_plan(skewed(), embedding=model_at(server))


def test_the_text_is_all_fields_unless_some_are_named() -> None:
    rows = skewed()
    assert fb.balance_plan(rows).survey.corpus.fields == ("product", "description")
    named = fb.balance_plan(rows, text=["description"]).survey.corpus
    assert named.texts[0].as_py() == rows[0]["description"]


def test_labels_that_do_not_fit_their_topic_are_listed() -> None:
    """`Tesla Model 3` under Mobile Phones."""
    rows = [{**row, "category": row["product"].split()[0]} for row in skewed()]
    rows[4] |= {"product": "Vehicle Tesla Model 3", "category": "Clothing"}
    with ChatServer(Script()) as server:
        embedding = model_at(server)
        planned = fb.balance_plan(rows, text=["product"], embedding=embedding)
    (odd,) = planned.survey.mismatches
    assert (odd.row, odd.label, odd.usual) == (4, "Clothing", "Vehicle")


SHAPES = {
    "trailing spaces": "Cluster: 1, topic: Cars  \nCluster: 2, topic: Food \n",
    "fence": "```\nCluster: 1, topic: Cars\nCluster: 2, topic: Food\n```",
    "bullets": "- Cluster 1: topic: Cars\n- Cluster 2: topic: Food",
    "blank lines": "\n\nCluster: 1, topic: Cars\n\n\nCluster: 2, topic: Food\n\n",
    "heading": "1. Cluster topic mapping\n\nCluster: 1, topic: Cars\nCluster: 2, topic: Food",
    "numbers": "1) Cars\n2) Food",
    "bold": "1. **Cars**\n2. **Food**",
    "prose": "Sure! Here are the names:\n1. Cars\n2. Food\nHope that helps.",
    "thoughts": "<think>1. Wrong\n2. Bad</think>\n1. Cars\n2. Food",
    "json": '{"rows": [{"row": 1, "topic": "Cars"}, {"row": 2, "topic": "Food"}]}',
    "json out of order": '[{"cluster": 2, "topic": "Food"}, {"cluster": 1, "topic": "Cars"}]',
    "fenced json": '```json\n[{"cluster": 1, "name": "Cars"}, {"cluster": 2, "name": "Food"}]\n```',
    "json by number": '{"1": "Cars", "2": "Food"}',
    "table": "| 1 | Cars |\n| 2 | Food |",
    "a draft": "Draft:\n1. Wrong\n2. Bad\n\nFinal:\n1. Cars\n2. Food",
    "a json draft": '{"1": "Wrong", "2": "Bad"}\n\nBetter:\n{"1": "Cars", "2": "Food"}',
    "an object a line": '{"cluster": 1, "topic": "Cars"}\n{"cluster": 2, "topic": "Food"}',
}


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_of_a_naming_reply_is_read(shape: str) -> None:
    read = sorted(read_topics(SHAPES[shape]), key=lambda topic: topic.number or 0)
    assert [(topic.number, topic.name) for topic in read] == [(1, "Cars"), (2, "Food")]


def test_a_colon_inside_a_topic_is_kept() -> None:
    (topic,) = read_topics("Cluster: 1, topic: Home: kitchen. Small appliances")
    assert topic.name == "Home: kitchen. Small appliances"


@pytest.mark.parametrize(
    "bad",
    [
        "Cluster: 1, topic: Clothing\nCluster: 2, topic: Toiletries\nCluster: 3, topic: Vehicle",
        "Cluster: 7, topic: Space\nCluster: 1, topic: Clothing",
        "Cluster: 1, topic: Same\nCluster: 2, topic: same \nCluster: 3, topic: SAME\n"
        "Cluster: 4, topic: Same.",
        "",
        "I cannot help with that.",
        script.refusal(),
        script.cut("Cluster: 1, topic: Clo"),
        script.null_content(),
    ],
    ids=["missing", "unknown id", "duplicates", "empty", "refused", "refusal", "cut", "null"],
)
def test_a_cluster_without_a_name_of_its_own_is_asked_again(bad: Any) -> None:
    wanted = Script()
    wanted.names = [bad]

    def answer(call: Any) -> Any:
        if "a name for each cluster" in call.prompt and wanted.names:
            first = wanted.names.pop()
            return first if isinstance(first, script.Reply) else script.Reply(first, as_text=True)
        return wanted(call)

    with ChatServer(answer) as server:
        made = run(server)
    names = [topic.name for topic in made.topics]
    assert len(set(names)) == 4
    assert set(GROUPS) - {"Space", "Same"} >= set(names) - {"Same"}
    assert 2 <= len(naming_calls(server)) <= 5


def test_samples_are_shown_without_repeats() -> None:
    rows = skewed() + [skewed()[0]] * 30
    with ChatServer(Script()) as server:
        run(server, rows)
    known = re.findall(r'^\d+\. \{"samples": (\[.*\])\}$', naming_calls(server)[0].prompt, re.M)
    assert len(known) == 4
    for samples in map(json.loads, known):
        assert 1 <= len(samples) == len(set(samples)) <= 5


def test_a_model_that_never_names_leaves_names_of_words() -> None:
    with ChatServer(Script(names=["no idea"])) as server:
        made = run(server)
    assert len({topic.name for topic in made.topics}) == 4
    assert "named by their words" in made.notes[0]


def test_new_topics_are_asked_and_stand_in_the_next_prompt_with_a_count() -> None:
    with ChatServer(Script()) as server:
        made = run(server, new_topics=2)
    (inventing,) = [call for call in server.calls if "new topics for" in call.prompt]
    assert "exactly 2 rows" in inventing.prompt
    prompt = writing_calls(server)[0].prompt
    assert "Food: 17; Toys: 20; Books: 20" in prompt
    assert made.rounds[-1].counts == dict.fromkeys([*made.targets], 20)
    assert {topic.name for topic in made.topics if topic.invented} == {"Toys", "Books"}


@pytest.mark.parametrize("near", ["Food", "food ", "Foods", "topic: Food."])
def test_new_topics_that_exist_are_refused_and_asked_again(near: str) -> None:
    replies = [f"- {near}\n- Toys", "- Books"]
    with ChatServer(Script(new=replies)) as server:
        made = run(server, new_topics=2)
    assert [topic.name for topic in made.topics if topic.invented] == ["Books", "Toys"]
    assert sum("new topics for" in call.prompt for call in server.calls) == 2


def test_the_small_topic_is_asked_for_what_it_lacks() -> None:
    with ChatServer(Script()) as server:
        made = run(server)
    asked = Counter(topic for call in writing_calls(server) for topic in about(call))
    assert asked == {"Food": 17}
    assert made.table.num_rows == 80
    assert Counter(made.table.column("topic").to_pylist()) == dict.fromkeys(GROUPS, 20)
    assert made.table.slice(0, 63).select(["product", "description"]).to_pylist() == skewed()


def test_given_shares_are_met() -> None:
    with ChatServer(Script()) as server:
        made = run(server, shares={"food": 0.4})
    assert made.rounds[-1].counts["Food"] == 40
    assert made.ended == "topics are full"


def test_a_topic_that_nobody_asked_for_goes_back_with_the_reason() -> None:
    """An unasked "Electronics"."""
    wanted = Script()
    calls: list[int] = []

    def write(topics: list[str]) -> list[dict[str, Any]]:
        rows = wanted.rows(topics)
        if not calls:
            rows[0]["topic"] = "Electronics"
        calls.append(len(rows))
        return rows

    with ChatServer(Script(write=write)) as server:
        made = run(server)
    again = "".join(call.prompt for call in writing_calls(server)[1:])
    assert "Earlier answers were not accepted" in again
    assert "Electronics" in again
    assert made.rounds[-1].counts["Food"] == 20


def test_rows_that_stray_are_relabelled_where_there_is_room_and_rejected_where_not() -> None:
    """Texts about clothing under the label of food."""
    wanted = Script()

    def write(topics: list[str]) -> list[dict[str, Any]]:
        rows = wanted.rows(topics)
        for row in rows[:5]:
            row["product"] = row["product"].replace("Food", "Clothing")
        return rows

    with ChatServer(Script(write=write)) as server, pytest.raises(PartialRunError) as caught:
        run(server, rounds=1)
    made = caught.value.dataset
    assert made.rounds[-1].counts["Food"] < 20
    assert made.rounds[-1].counts["Clothing"] == 20
    assert made.rounds[1].new + made.rounds[1].rejected + made.rounds[1].duplicates == 17
    assert "is about `Clothing`, which has enough" in made.rejects[-1]["reason"]


def test_near_duplicates_are_rejected_and_asked_again() -> None:
    wanted, old = Script(), skewed()[-1]
    calls: list[int] = []

    def write(topics: list[str]) -> list[dict[str, Any]]:
        rows = wanted.rows(topics)
        if not calls:
            rows[0] |= {"product": old["product"] + ".", "description": old["description"].upper()}
        calls.append(len(rows))
        return rows

    with ChatServer(Script(write=write)) as server:
        made = run(server)
    assert made.rounds[1].duplicates == 1
    assert made.rounds[-1].counts["Food"] == 20
    assert "repeats a text" in made.rejects[0]["reason"]
    assert old["product"] in made.rejects[0]["reason"]
