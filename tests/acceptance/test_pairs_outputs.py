"""A fine-tuning set from a spec: balanced topics, judged answers, no near-duplicates, a split."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

import fabula as fb
from fabula.errors import PartialRunError, UsageError
from fabula.testing import Call, ChatServer
from tests.acceptance.builders import at, known_rows
from tests.acceptance.conftest import Run

SPEC = """\
fabula: 1
name: sft
tables:
  turns:
    n: 40
    columns:
      topic: {kind: choice, values: [billing, login, refund, outage], balance: exact}
      persona: {kind: choice, values: [novice, expert, angry]}
      who: {kind: person, field: name, drop: true}
      question:
        kind: text
        prompt: "As {{ who }}, a {{ persona }} customer, ask about {{ topic }}."
      answer: {kind: text, prompt: "Reply calmly and correctly: {{ question }}"}
      score:
        kind: judge
        of: [question, answer]
        rubric: {helpful: 1..5, correct: "1..5 no fact is wrong"}
        drop: true
    checks:
      - {kind: minimum, column: score, at_least: 4, repair: retry}
      - {kind: near_duplicate, column: question, similarity: 0.85, repair: retry}
outputs:
  - format: chat-jsonl
    table: turns
    user: question
    assistant: answer
    split: {train: 0.9, test: 0.1}
    stratify: topic
"""

WORDS = ("amber", "basil", "cedar", "delta", "ember", "fjord", "grove", "haven", "inlet", "jade")


def fresh_words(number: int) -> str:
    """A sentence that shares hardly a word with those of other numbers."""
    picked = [WORDS[(number * step + step) % len(WORDS)] + str(number * step) for step in (3, 5, 7)]
    return " ".join([*picked, f"question{number}?"])


def server_of(
    *, grade: Callable[[dict[str, Any]], int] = lambda _: 5, repeat: int = 0
) -> Callable[[Call], str]:
    """Writes questions (the first `repeat` of them nearly the same), answers and grades."""
    asked = 0

    def script(call: Call) -> str:
        nonlocal asked
        if "verdicts" in call.prompt:
            rows = known_rows(call)
            grades = [{"helpful": grade(row), "correct": grade(row)} for row in rows]
            numbered = [{"row": i, **row} for i, row in enumerate(grades, 1)]
            return json.dumps(grades[0] if len(rows) == 1 else {"rows": numbered})
        if "Reply calmly" in call.prompt:
            question = call.prompt.rpartition("correctly: ")[2].partition("\n")[0]
            return f"The answer to {question} is simple."
        asked += 1
        if asked <= repeat:
            return f"How do I pay my very long monthly phone bill again?{'!' * asked}"
        return f"I ask {fresh_words(asked)}"

    return script


def spec_at(server: ChatServer, text: str = SPEC) -> fb.DatasetSpec:
    Path("sft.yaml").write_text(text, encoding="utf-8")
    return fb.load("sft.yaml").model_copy(update={"models": {"default": at(server)}})


def lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(name).read_text("utf-8").splitlines()]


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_run_writes_balanced_stratified_sets_that_pass_the_check() -> None:
    """Counts stand in the manifest; personas of the `person` kind are in the prompts."""
    with ChatServer(server_of()) as server:
        made = fb.generate(spec_at(server), output="sft")
    topics = Counter(pq.read_table("sft/turns.parquet").column("topic").to_pylist())
    assert topics == {"billing": 10, "login": 10, "refund": 10, "outage": 10}
    train, test = lines("sft/train.jsonl"), lines("sft/test.jsonl")
    assert (len(train), len(test)) == (36, 4)
    asked = {row["messages"][0]["content"] for row in test}
    rows = made.to_dicts()
    assert Counter(r["topic"] for r in rows if r["question"] in asked) == dict.fromkeys(topics, 1)
    assert not asked & {row["messages"][0]["content"] for row in train}
    assert fb.validate("sft/train.jsonl").passed
    (record,) = json.loads(Path("sft/manifest.json").read_text("utf-8"))["outputs"]
    assert [(f["path"], f["rows"]) for f in record["files"]] == [
        ("train.jsonl", 36),
        ("test.jsonl", 4),
    ]
    questions = [call.prompt for call in server.calls if "customer, ask about" in call.prompt]
    names = set(re.findall(r"As (.+?), a (?:novice|expert|angry)", "\n".join(questions)))
    assert len(names) > 30
    assert "no fact is wrong" in server.calls[-1].prompt


def test_rows_that_a_judge_grades_too_low_are_made_again() -> None:
    """A judge column with a threshold: the row is retried, the topics stay exact."""
    weak: set[str] = set()

    def grade(row: dict[str, Any]) -> int:
        """The first ten questions are bad ones."""
        if len(weak) < 10:
            weak.add(row["question"])
        return 1 if row["question"] in weak else 5

    with ChatServer(server_of(grade=grade)) as server:
        made = fb.generate(spec_at(server), output="sft")
    rows = made.to_dicts()
    assert len(rows) == 40
    assert not weak & {row["question"] for row in rows}
    assert set(Counter(row["topic"] for row in rows).values()) == {10}
    assert made.checks.passed
    assert next(iter(made.checks)).repaired == 10


def test_rows_that_stay_too_low_are_rejected_with_the_reason() -> None:
    """Requested = written + rejected; the sets hold what was written."""
    dropped = SPEC.replace("at_least: 4, repair: retry", "at_least: 4, repair: drop")
    script = server_of(grade=lambda row: 1 if "question1?" in row["question"] else 5)
    with ChatServer(script) as server, pytest.raises(PartialRunError) as caught:
        fb.generate(spec_at(server, dropped), output="sft")
    assert "1 of 40 rows failed" in caught.value.message
    assert "score at least 4" in caught.value.message
    assert len(lines("sft/train.jsonl")) + len(lines("sft/test.jsonl")) == 39


def test_near_duplicates_are_found_and_replaced() -> None:
    """Later texts that are nearly the same as an earlier one are made again."""
    with ChatServer(server_of(repeat=9)) as server:
        made = fb.generate(spec_at(server), output="sft")
    questions = made.to_arrow().column("question").to_pylist()
    assert sum("phone bill" in text for text in questions) == 1
    assert len(questions) == 40
    check = list(made.checks)[1]
    assert (check.kind, check.passed, check.repaired) == ("near_duplicate", True, 8)


def test_near_duplicates_fail_a_run_that_only_looks_for_them() -> None:
    """Both texts are shown; the data stays."""
    text = SPEC.replace("0.85, repair: retry", "0.85, repair: fail")
    with ChatServer(server_of(repeat=3)) as server, pytest.raises(fb.FabulaError) as caught:
        fb.generate(spec_at(server, text), output="sft")
    assert caught.value.exit_code == 1
    assert caught.value.message.count("phone bill") == 2
    assert len(lines("sft/train.jsonl")) == 36


def test_a_run_again_asks_nothing_and_leaves_the_same_sets() -> None:
    with ChatServer(server_of()) as server:
        spec = spec_at(server)
        fb.generate(spec, output="a")
        calls = len(server.calls)
        fb.generate(spec, output="a")
        fb.generate(spec, output="b")
    assert len(server.calls) == calls
    for name in ("train.jsonl", "test.jsonl"):
        assert Path("a", name).read_bytes() == Path("b", name).read_bytes()


def test_another_spec_takes_the_old_sets_away() -> None:
    """`--overwrite` removes what the earlier run wrote, and nothing else."""
    with ChatServer(server_of()) as server:
        spec = spec_at(server)
        fb.generate(spec, output="sft")
        Path("sft/mine.txt").write_text("keep", encoding="utf-8")
        fb.generate(spec.model_copy(update={"outputs": ()}), output="sft", overwrite=True)
    assert {path.name for path in Path("sft").iterdir()} == {
        *("mine.txt", "turns.parquet", "run.json", "manifest.json", "model-calls.jsonl")
    }


def test_sets_do_not_fit_into_one_file() -> None:
    """A spec with outputs needs a folder."""
    with ChatServer(server_of()) as server, pytest.raises(UsageError, match="don't fit"):
        fb.generate(spec_at(server), output="turns.csv")
    assert server.calls == []


@pytest.mark.parametrize(
    "wrong",
    [
        ("--format", "chat-jsonl", "-o", "pairs.parquet"),
        ("--split", "train=0.5,test=0.6", "-o", "sets"),
        ("--split", "train=0.5,train=0.5", "-o", "sets"),
        ("--split", "train=1,test=1", "--stratify", "tone", "-o", "sets"),
        ("--format", "chat-jsonl", "--system", "{{ tone }}"),
    ],
)
def test_a_set_that_cannot_be_written_is_refused_before_a_pair_is_asked(
    wrong: tuple[str, ...], fabula: Run
) -> None:
    """Nothing is paid for first."""
    with ChatServer() as server:
        ended = fabula("pairs", "question -> answer", "-n", "4", *wrong, server=server)
    assert (ended.code, server.calls) == (2, []), ended.err
