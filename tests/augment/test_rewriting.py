"""`fb.rewrite` over real HTTP: what is kept holds, what is refused is counted and asked again."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fabula as fb
from fabula.augment.rewriting.languages import code_of, language_of, name_of
from fabula.augment.solving.numbers import number_in
from fabula.cli.main import main
from fabula.errors import PartialRunError, UsageError
from fabula.io.sources import read_json_rows
from fabula.llm.providers.local_embeddings import embed_locally
from fabula.testing import Call, ChatServer
from tests.acceptance.builders import at

WHO = ("hen", "goose", "duck", "baker", "tailor", "miller", "farmer", "sailor", "potter", "nurse")
WHAT = ("eggs", "loaves", "coats", "baskets")
TASKS: list[dict[str, Any]] = [
    {"question": f"How many {what} does the {who} bring to the market in {n} weeks?",
     "answer": n * 7, "topic": what}
    for n, (who, what) in enumerate(((who, what) for who in WHO for what in WHAT), 3)
]  # fmt: skip
GIVEN = re.compile(r"^The given (?:text|answer): (\".*\")$", re.M)
PARTS = re.compile(r"How many (\w+) does the (\w+) bring to the market in (\d+) weeks\?")


def given(call: Call) -> str:
    return str(json.loads(GIVEN.findall(call.prompt)[-1]))


def wanted(call: Call) -> set[str]:
    """The fields that a request asks for."""
    assert call.schema is not None
    return set(call.schema["properties"])


def other_words(text: str, number: int) -> str:
    what, who, weeks = PARTS.match(text).groups()  # type: ignore[union-attr]
    return (
        f"If the {who} sells {what} at the market, what is their number after {weeks} weeks?",
        f"The {who} takes {what} to the market for {weeks} weeks. Count all of the {what}.",
        f"Over {weeks} weeks, what number of {what} reaches the market from the {who}?",
        f"Tell me the count of {what} which the {who} has brought to market in {weeks} weeks.",
    )[number % 4]


GERMAN = "Wie viele Sachen bringt die Frau in der Woche auf den Markt und was kosten sie?"


class Script:
    """A writer who errs as planned, and a judge."""

    def __init__(self, fault: Callable[[int], str]) -> None:
        self.fault = fault
        self.number = 0
        self.planted: Counter[str] = Counter()

    def __call__(self, call: Call) -> Any:
        if "is_right" in wanted(call):
            return {"is_right": True}
        self.number += 1
        text, fault = given(call), self.fault(self.number)
        self.planted.update([fault] * bool(fault))
        told: dict[str, Callable[[], str]] = {
            "": partial(other_words, text, self.number),
            "near": lambda: text.replace("How many", "How  many of the"),
            "far": lambda: "Say in short who invented the steam engine, and where.",
            "same": text.upper,
            "language": lambda: GERMAN,
            "declines": lambda: "I'm sorry, I can't help with that.",
            # of its own in each call, or it might repeat another rewrite of the same text
            "number": lambda: other_words(text, self.number).replace(
                "weeks", f"and {900 + self.number} weeks"
            ),
        }
        return {"text": told[fault]()}


REASONS = {
    "near": "too near to the given text",
    "far": "too far from the given text",
    "same": "it repeats the given text",
    "language": "wrong language",
    "declines": "the writer declines",
    "number": "it has another number",
}


def distance(one: str, other: str) -> float:
    first, second = embed_locally([one, other])
    return float(1 - np.dot(first, second))


def test_every_paraphrase_is_within_the_band_though_a_third_of_the_replies_is_not() -> None:
    faults = dict(enumerate(REASONS, 1))
    script = Script(lambda number: faults.get(number % 18, ""))
    with ChatServer(script) as server:
        made = fb.rewrite(TASKS, "paraphrase", 80, distance=(0.05, 0.6), model=at(server))
        asked = len(server.calls)
        again = fb.rewrite(TASKS, "paraphrase", 80, distance=(0.05, 0.6), model=at(server))
        assert len(server.calls) == asked
    assert again.rows == made.rows
    assert len(made) == 80
    assert Counter(row["original"] for row in made) == dict.fromkeys(
        (task["question"] for task in TASKS), 2
    )
    assert sorted(Counter(row["change"] for row in made).values()) == [26, 27, 27]
    assert len({row["question"] for row in made}) == 80
    for row in made:
        apart = distance(row["original"], row["question"])
        assert 0.05 <= apart <= 0.6
        assert apart == pytest.approx(row["distance"], abs=1e-3)
        assert (row["answer"], row["topic"]) in {(t["answer"], t["topic"]) for t in TASKS}
    planted = {REASONS[fault]: count for fault, count in script.planted.items()}
    assert {why: made.refused[why] for why in planted} == planted
    assert sum(planted.values()) > 20
    assert f"{planted['wrong language']} refused: wrong language" in made.report()
    assert "answers are kept and not verified" in made.report()


def test_what_can_not_be_rewritten_is_missing_counted_and_asked_again_later() -> None:
    spoiled, calls = {"on": True}, Counter[str]()

    def script(call: Call) -> Any:
        if "is_right" in wanted(call):
            return {"is_right": True}
        text = given(call)
        calls[text] += 1
        is_lost = spoiled["on"] and "baker" in text
        return {"text": text if is_lost else other_words(text, calls[text])}

    with ChatServer(script) as server:
        ask: dict[str, Any] = {"model": at(server), "attempts": 1, "distance": (0.01, 0.7)}
        with pytest.raises(PartialRunError) as caught:
            fb.rewrite(TASKS, "paraphrase", **ask)
        made = caught.value.rows
        assert len(made) + len(made.rejects) == made.asked == 40
        assert len(made.rejects) == 4
        assert all("is the given one" in each.reason for each in made.rejects)
        spoiled["on"] = False
        before = Counter(calls)
        whole = fb.rewrite(TASKS, "paraphrase", **ask)
        assert len(whole) == 40
        assert {text for text in calls if calls[text] > before[text]} == {
            task["question"] for task in TASKS if "baker" in task["question"]
        }


def test_a_budget_stops_and_the_same_call_asks_only_for_what_is_missing() -> None:
    with ChatServer(Script(lambda _: "")) as server:
        ask: dict[str, Any] = {"model": at(server), "distance": (0.0, 0.9)}
        with pytest.raises(PartialRunError) as caught:
            fb.rewrite(TASKS, "paraphrase", max_calls=50, **ask)
        assert len(caught.value.rows) == 10  # 40 are written, and 10 of them are read
        whole = fb.rewrite(TASKS, "paraphrase", **ask)
        assert len(server.calls) == 80
    assert whole.rows[:10] == caught.value.rows.rows


def test_a_judge_refuses_with_its_reason_which_the_writer_is_told() -> None:
    told = Counter[bool]()

    def script(call: Call) -> Any:
        if "is_right" in wanted(call):
            is_right = "goose" not in call.prompt or "Count all" in call.prompt
            return {"is_right": is_right, "reason": "it drops the selling"}
        hears = "it drops the selling" in call.prompt
        told[hears] += 1
        return {"text": other_words(given(call), 1 if hears else 0)}

    with ChatServer(script) as server:
        made = fb.rewrite(TASKS, "paraphrase", model=at(server), distance=(0.01, 0.7))
    assert made.refused == {"it does not hold, says the judge": 4}
    assert told == {False: 40, True: 4}


def test_harder_questions_are_kept_where_a_solver_reaches_their_answer() -> None:
    def script(call: Call) -> Any:
        fields = wanted(call)
        weeks = int(re.findall(r"in (\d+) weeks", call.prompt)[-1])
        if "solution" in fields:
            return {"reasoning": "Seven a week, and one more.", "solution": str(7 * weeks + 1)}
        assert fields == {"text", "answer"}
        text = given(call).replace("?", ", where one more is left in the stable in the end?")
        is_wrong = weeks % 4 == 0 and "solver" not in call.prompt
        return {"text": text, "answer": str(7 * weeks + (5 if is_wrong else 1))}

    with ChatServer(script) as server:
        made = fb.rewrite(TASKS, "deeper", by="number", samples=1, model=at(server))
    assert len(made) == 40
    assert all(number_in(row["answer"]) == 7 * int(row["question"].split()[11]) + 1 for row in made)
    wrong = sum(int(PARTS.match(t["question"])[3]) % 4 == 0 for t in TASKS)  # type: ignore[index]
    assert made.refused == {"a solver reaches another answer": wrong}
    assert sorted(Counter(row["change"] for row in made).values()) == [10, 10, 10, 10]


FRENCH = "Combien de {what} est-ce que le {who} a dans les {weeks} semaines au marché ?"


def test_translations_come_back_near_and_in_their_language() -> None:
    planted, number = Counter[str](), Counter[str]()

    def script(call: Call) -> Any:
        if "is_right" in wanted(call):
            return {"is_right": True}
        text = given(call)
        number["all"] += 1
        if "Into French" in call.prompt:
            what, who, weeks = PARTS.match(text).groups()  # type: ignore[union-attr]
            if number["all"] % 9 == 0:
                planted["language"] += 1
                return {"text": other_words(text, 0)}
            return {"text": FRENCH.format(what=what, who=who, weeks=weeks)}
        what, who, weeks = re.findall(r"Combien de (\w+) est-ce que le (\w+) .* (\d+)", text)[0]
        if number["all"] % 10 == 0:
            planted["far"] += 1
            return {"text": "Say in short who invented the steam engine, and where."}
        return {"text": f"How many {what} has the {who} at the market over {weeks} weeks?"}

    with ChatServer(script) as server:
        back = fb.rewrite(TASKS, "back-translate", languages=["fr"], model=at(server))
        planted_back = dict(planted)
        there = fb.rewrite(TASKS, "translate", languages=["fr"], model=at(server), answer="answer")
    for row in back:
        assert language_of(row["question"]) == "en"
        assert row["question"] != row["original"]
        assert 0.02 <= row["distance"] <= 0.6
        assert language_of(row["translation"]) == "fr"
    assert back.refused["wrong language"] == planted_back["language"] > 0
    assert back.refused["too far from the given text"] == planted_back["far"] > 0
    assert len(back) == len(there) == 40
    assert {language_of(row["question"]) for row in there} == {"fr"}
    assert all(distance(row["original"], row["came_back"]) <= 0.6 for row in there)


def test_a_language_is_known_by_its_words_or_its_script() -> None:
    texts = {
        "de": "Wie lange ist der Laden offen?", "fr": "Où est la gare et que coûte le billet ?",
        "es": "¿Cuánto cuesta un billete para el museo?", "pl": "Ile kosztuje bilet do muzeum?",
        "it": "Quanto costa un biglietto per il museo?", "ja": "1週間に卵をいくつ産みますか",
        "nl": "Hoeveel eieren legt de kip in een week?", "uk": "Скільки яєць їсть її син?",
        "": "Oslo 1994", "en": "How many eggs does the hen lay?",
    }  # fmt: skip
    assert {language_of(text): text for text in texts.values()} == texts
    assert (code_of("de-AT"), code_of("German"), code_of("Klingon")) == ("de", "de", "")
    assert name_of("pt-BR") == "Portuguese (pt-BR)"


WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("harder", {}, "no way `harder`"),
    ("deeper", {"kinds": ["stepz"]}, "no kind `stepz`"),
    ("deeper", {"by": "agreement"}, "no verifier `agreement`"),
    ("deeper", {"text": "q"}, "no column `q`"),
    ("translate", {}, "needs languages"),
    ("red-team", {}, "needs the policy"),
    ("red-team", {"policy": "missing.md"}, "neither a file nor a policy"),
    ("red-team", {"policy": "Be kind.", "judge": False}, "needs a judge"),
    ("prefer", {"distance": (0, 1)}, "means nothing to `prefer`"),
    ("prefer", {"at_least": 9}, "not possible"),
    ("paraphrase", {"policy": "x y"}, "means nothing to `paraphrase`"),
    ("paraphrase", {"distance": (0.6, 0.1)}, "`distance` is 0.6, 0.1"),
    ("paraphrase", {"balance": {"topic": ["a"]}}, "has a column `topic`"),
]


@pytest.mark.parametrize(("how", "options", "told"), WRONG)
def test_what_can_not_be_meant_is_refused_before_anything_is_asked(
    how: str, options: dict[str, Any], told: str
) -> None:
    with pytest.raises(UsageError, match=re.escape(told)):
        fb.rewrite(TASKS, how, model="fake", **options)


def test_a_rewrite_can_be_rewritten_and_the_command_writes_both(tmp_path: Path) -> None:
    rows, first, second = (tmp_path / name for name in ("rows.jsonl", "one.jsonl", "two.jsonl"))
    rows.write_text("".join(json.dumps(task) + "\n" for task in TASKS[:6]), "utf-8")
    ask = ["--model", "fake", "-n", "6"]
    assert main(["rewrite", "deeper", str(rows), "-o", str(first), *ask]) == 0
    more = ["--kinds", "words:2,order", "--distance", "0.01..0.9", "--balance", "tone=calm,angry"]
    assert main(["rewrite", "paraphrase", str(first), "-o", str(second), *ask, *more]) == 0
    one, two = (read_json_rows(path) or [] for path in (first, second))
    assert {row["original"] for row in two} == {row["question"] for row in one}
    assert Counter(row["change"] for row in two) == {"words": 4, "order": 2}
    assert Counter(row["tone"] for row in two) == {"calm": 3, "angry": 3}
    assert main(["rewrite", "deeper", str(rows), "--dry-run", "--model", "fake"]) == 0
