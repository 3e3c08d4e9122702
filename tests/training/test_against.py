"""Overlaps with an evaluation file are found while asking and at export."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest

import fabula as fb
from fabula.cli.main import main
from fabula.dedup.against import Against
from fabula.errors import UsageError
from fabula.io.sources import read_json_rows
from fabula.io.tables import as_table
from fabula.testing import Call, ChatServer
from tests.acceptance.builders import as_reply, asked_rows, at
from tests.training.overlaps import CLEAN, PARAPHRASES, QUESTIONS

VERBATIM = [f"Hello there! {question} Many thanks." for question in QUESTIONS[20:]]


def _written(path: Path, texts: list[str], name: str) -> Path:
    path.write_text("".join(json.dumps({name: text}) + "\n" for text in texts), encoding="utf-8")
    return path


def test_verbatim_and_paraphrased_overlaps_are_left_out_and_clean_rows_stay(
    tmp_path: Path,
) -> None:
    """20 of each among 1,000 clean rows: all verbatim, at least 16 paraphrased, at most 1 clean."""
    assert (len(CLEAN), len(PARAPHRASES), len(VERBATIM)) == (1000, 20, 20)
    tests = _written(tmp_path / "test.jsonl", QUESTIONS, "question")
    rows = _written(tmp_path / "rows.jsonl", [*CLEAN, *PARAPHRASES, *VERBATIM], "text")
    made = fb.export(rows, tmp_path / "set.jsonl", format="jsonl", against=tests)
    kept = {row["text"] for row in read_json_rows(tmp_path / "set.jsonl") or ()}
    assert not kept & set(VERBATIM)
    assert len(kept & set(PARAPHRASES)) <= 4
    assert len(kept & set(CLEAN)) >= 999
    assert made.asked == 1040 == len(kept) + sum(made.left_out.values())
    assert "left out 20: shares words in a row with the evaluation file" in made.report()


@pytest.mark.parametrize("ending", ["csv", "parquet", "jsonl"])
def test_every_format_is_written_without_the_overlaps(tmp_path: Path, ending: str) -> None:
    rows = [{"user": text, "assistant": f"Answer {n}."} for n, text in enumerate(QUESTIONS[:6])]
    fb.export(rows, tmp_path / f"set.{ending}", format=ending, against=[{"q": QUESTIONS[2]}])
    table = as_table(tmp_path / f"set.{ending}")
    assert table["user"].to_pylist() == [*QUESTIONS[:2], *QUESTIONS[3:6]]


def test_thirteen_words_in_a_row_are_an_overlap_and_twelve_are_none() -> None:
    text = " ".join(f"word{n}" for n in range(40))
    against = Against([text], likeness=1)
    some = text.split()
    assert against.problem("so " + " ".join(some[5:18]) + " it is")
    assert not against.problem("so " + " ".join(some[5:17]) + " it is")


def test_a_short_text_overlaps_only_as_a_whole() -> None:
    against = Against(["Yes, of course.", "What is the capital of Peru?"], likeness=1)
    assert against.problem("yes of course")
    assert not against.problem("Yes, of course I can help you.")
    assert against.problem("Tell me: what is the capital of Peru, please?")


def test_pairs_that_overlap_are_asked_again() -> None:
    numbers = itertools.count()

    def answer(call: Call) -> str:
        made = []
        for _ in range(asked_rows(call)):
            number = next(numbers)
            asked = QUESTIONS[number % 20] if number % 3 == 0 else CLEAN[number]
            made.append({"question": asked, "answer": f"Reply {number}."})
        return as_reply(*made)

    with ChatServer(answer) as server:
        made = fb.pairs(
            "question → answer", 12, model=at(server), rows_per_call=1,
            against=[{"question": text} for text in QUESTIONS],
        )  # fmt: skip
    assert len(made) == 12
    assert not {row["question"] for row in made} & set(QUESTIONS)


def test_the_command_says_what_it_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tests = _written(tmp_path / "test.jsonl", QUESTIONS, "question")
    rows = _written(tmp_path / "rows.jsonl", [*CLEAN[:5], QUESTIONS[0]], "text")
    out = tmp_path / "set.jsonl"
    asked = ["export", str(rows), "-o", str(out), "--format", "jsonl", "--against", str(tests)]
    assert main(asked) == 0
    assert "left out 1: shares words in a row with the evaluation file" in capsys.readouterr().err


def test_a_file_without_texts_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no texts to compare"):
        fb.export([{"a": "b"}], tmp_path / "x.jsonl", format="jsonl", against=[{"n": 1}])
