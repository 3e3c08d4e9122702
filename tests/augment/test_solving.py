"""`fb.solve` over real HTTP: what is kept is verified, the rest is counted."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import fabula as fb
from fabula.augment.solving.numbers import number_in
from fabula.cli.main import main
from fabula.errors import PartialRunError, UsageError
from fabula.io.sources import read_json_rows
from fabula.testing import Call, ChatServer
from tests.acceptance.builders import at

TASKS = [{"question": f"What is {a} times 7?", "answer": 7 * a} for a in range(10, 90)]
SHAPES = ("{}", "{} apples", "The answer is {}.", r"\boxed{{{}}}", "**{}**", "${}.00")


def product(call: Call) -> int:
    found = re.search(r"What is (\d+) times", call.prompt)
    assert found is not None
    return 7 * int(found[1])


def solver(wrong: Callable[[int], bool]) -> Callable[[Call], Any]:
    numbers = itertools.count()

    def answer(call: Call) -> Any:
        number = next(numbers)
        right = product(call)
        said = right + 1 + number % 9 if wrong(number) else right
        reasoning = f"Step {number}: seven times it. The answer is {said}."
        return {"reasoning": reasoning, "solution": SHAPES[number % len(SHAPES)].format(said)}

    return answer


def test_no_wrong_number_is_kept_though_a_quarter_of_the_answers_is_wrong() -> None:
    with ChatServer(solver(lambda number: number % 4 == 1)) as server:
        made = fb.solve(TASKS, model=at(server), samples=8)
        assert all(str(task["answer"]) not in call.prompt for call in server.calls
                   for task in TASKS if task["question"] in call.prompt)  # fmt: skip
    assert len(made) == len(TASKS) == made.solved
    assert all(number_in(row["solution"]) == row["answer"] for row in made)
    assert all("Step" in row["reasoning"] for row in made)
    assert made.rate == made.verified / made.answers
    assert made.answers - made.verified == made.failures["the number is another one"] > 10
    assert f"{made.verified} of {made.answers} answers verified" in made.report()


def test_a_question_that_is_never_answered_rightly_is_left_out_and_told() -> None:
    with ChatServer(solver(lambda _: True)) as server:
        made = fb.solve(TASKS[:3], model=at(server), samples=2)
        assert len(server.calls) == 6
        fb.solve(TASKS[:3], model=at(server), samples=3)
        assert len(server.calls) == 9  # known answers are not asked again
    assert len(made) == 0
    assert made.rate == 0
    assert "without a verified answer, left out: 3" in made.report()
    assert {reject.attempt for reject in made.rejects} == {2}


def test_a_right_number_after_a_reasoning_with_another_result_is_refused() -> None:
    def answer(call: Call) -> Any:
        return {"reasoning": "So the answer is 3.", "solution": str(product(call))}

    with ChatServer(answer) as server:
        made = fb.solve(TASKS[:2], model=at(server), samples=1)
    assert made.failures == {"the reasoning states another result": 2}


CHOICES = {
    "B": True, "b)": True, "(B)": True, "B) Paris": True, "Paris": True, "The city of B": False,
    "A": False, "B) Rome": False, "C": False, "A or B": False,
}  # fmt: skip


@pytest.mark.parametrize(("said", "right"), CHOICES.items())
def test_a_choice_is_known_by_its_letter_or_its_words(said: str, right: bool) -> None:
    task = {"question": "Capital of France?", "choices": "Rome|Paris", "answer": "B"}
    with ChatServer({"France": {"reasoning": "It is.", "solution": said}}) as server:
        made = fb.solve([task], by="choice", model=at(server), samples=1)
        assert "A) Rome\nB) Paris" in server.calls[0].prompt
    assert len(made) == right


CODE = {
    "right": ("def add(a, b):\n    return a + b", True),
    "fenced": ("```python\ndef add(a, b):\n    return a + b\n```", True),
    "wrong": ("def add(a, b):\n    return a - b", False),
    "a way out": ("import os\nos._exit(0)", False),
    "another way out": ("raise SystemExit(0)", False),
    "no end": ("def add(a, b):\n    return add(a, b)", False),
}


@pytest.mark.parametrize(("code", "right"), CODE.values(), ids=CODE)
def test_code_is_kept_where_its_tests_pass_in_the_sandbox(code: str, right: bool) -> None:
    tests = "assert add(1, 2) == 3\ndef test_zero():\n    assert add(0, 0) == 0\n"
    task = {"question": "Write `add`.", "tests": tests}
    with ChatServer({"add": {"reasoning": "Sum.", "solution": code}}) as server:
        made = fb.solve([task], by="tests", model=at(server), samples=1)
    assert len(made) == right


def test_a_program_must_compute_the_number_that_is_stated() -> None:
    replies = iter(["result = 6 * 7", "result = 6 + 7", "result = 1 / 0"])

    def answer(_: Call) -> Any:
        return {"reasoning": "Six times seven.", "code": next(replies), "solution": "42"}

    tasks = [{"question": f"Task {n}"} for n in range(3)]
    with ChatServer(answer) as server:
        made = fb.solve(tasks, by="program", model=at(server), samples=1)
    assert (made.solved, made.verified, made.answers) == (1, 1, 3)
    assert set(made.failures) == {
        "the program computes another number", "the program fails: exception",
    }  # fmt: skip


def test_samples_that_agree_are_kept_without_a_known_answer() -> None:
    said = {"easy": itertools.cycle(["12", "12.0", "12 apples", "13"]), "hard": itertools.count()}

    def answer(call: Call) -> Any:
        kind = "easy" if "easy" in call.prompt else "hard"
        return {"reasoning": f"R{call.number}", "solution": str(next(said[kind]))}  # type: ignore[call-overload]

    tasks = [{"question": "easy one"}, {"question": "hard one"}]
    with ChatServer(answer) as server:
        made = fb.solve(tasks, by="agreement", model=at(server), samples=4)
    assert [row["question"] for row in made] == ["easy one"]
    assert number_in(made[0]["solution"]) == 12
    assert made.failures == {"most samples say otherwise": 1, "too few samples agree": 4}


def test_a_budget_stops_and_the_same_call_continues() -> None:
    with ChatServer(solver(lambda _: False)) as server:
        with pytest.raises(PartialRunError) as partial:
            fb.solve(TASKS[:20], model=at(server), max_calls=7)
        assert len(partial.value.rows) == 7
        assert len(fb.solve(TASKS[:20], model=at(server))) == 20
        assert len(server.calls) == 20


def test_what_a_reasoning_model_thought_is_kept() -> None:
    from fabula.testing.replies import Reply

    def answer(call: Call) -> Any:
        content = f'{{"solution": "{product(call)}"}}'
        said = {"role": "assistant", "content": content, "reasoning_content": "Hm, seven times."}
        return Reply(message=said)

    with ChatServer(answer) as server:
        made = fb.solve(TASKS[:2], model=at(server), reasoning="keep")
    assert [row["reasoning"] for row in made] == ["Hm, seven times."] * 2


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown way": ({"by": "magic"}, "no verifier `magic`"),
    "no tests": ({"by": "tests"}, "no column `tests`"),
    "another column": ({"question": "frage"}, "no column `frage`"),
    "one sample": ({"by": "agreement", "samples": 1}, "can't verify with 1 samples"),
    "no number": ({"answer": "question"}, "is not one number"),
}


@pytest.mark.parametrize(("options", "told"), WRONG.values(), ids=WRONG)
def test_what_can_not_be_verified_is_refused(options: dict[str, Any], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        fb.solve([{"question": "x and y", "answer": 1}], model="fake", **options)


NUMBERS = {
    "1,299": "1299", "1.299,50": "1299.5", "3/4": "0.75", "50 %": "50", "-7": "-7", "−7": "-7",
    "6 x 7 = 42": "42", r"\frac{1}{2}": "0.5", "1e3": "1000", "3,5": "3.5", ".5": "0.5",
    "$1,000.00": "1000", "x = 4 apples": "4", "41 or 42": None, "none": None, "A1": None,
    "1/0": None,
}  # fmt: skip


@pytest.mark.parametrize(("text", "value"), NUMBERS.items())
def test_a_number_is_read_as_people_write_it(text: str, value: str | None) -> None:
    from fractions import Fraction

    assert number_in(text) == (None if value is None else Fraction(value))


def test_the_command_writes_a_set_that_its_validation_accepts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    rows = "\n".join(f"What is {a} times 7?,{7 * a}" for a in range(10, 20))
    Path("tasks.csv").write_text(f"question,answer\n{rows}\n", encoding="utf-8")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-none")
    with ChatServer(solver(lambda number: number % 4 == 1)) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        asked = ["solve", "tasks.csv", "--model", "openai:m", "-o", "set.jsonl"]
        assert main([*asked, "--format", "chat-jsonl"]) == 0
    assert "10 of 10 questions solved" in capsys.readouterr().err
    assert main(["validate", "set.jsonl"]) == 0
    lines = read_json_rows(Path("set.jsonl")) or []
    assert "Answer: " in lines[0]["messages"][-1]["content"]


def test_the_command_fails_and_tells_the_rate_where_no_question_is_solved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("tasks.csv").write_text("question,answer\nWhat is 6 times 7?,42\n", encoding="utf-8")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-none")
    wrong = {"reasoning": "It is 41.", "solution": "41"}
    right = {"reasoning": "Six sevens.", "solution": "42"}
    with ChatServer([wrong, wrong, right]) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        command = ["solve", "tasks.csv", "-o", "made.jsonl", "--model", "openai:gpt-4o-mini"]
        assert main([*command, "--samples", "2"]) == 4
        told = capsys.readouterr().err
        assert "0 of 1 questions solved, 0 of 2 answers verified (0 %)" in told
        assert Path("made.jsonl.rejects.jsonl").exists()
        assert main([*command, "--samples", "3"]) == 0  # the same file is replaced
        assert len(server.calls) == 3
    assert len(read_json_rows("made.jsonl") or ()) == 1
    assert not Path("made.jsonl.rejects.jsonl").exists()
