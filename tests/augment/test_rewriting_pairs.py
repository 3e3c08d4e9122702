"""Preference pairs and red-team prompts of `fb.rewrite`: both sides are judged."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import fabula as fb
from fabula.augment.rewriting.plan import rules_of
from fabula.cli.main import main
from fabula.errors import PartialRunError
from fabula.io.sources import read_json_rows
from fabula.testing import Call, ChatServer
from tests.acceptance.builders import at
from tests.augment.test_rewriting import TASKS, given, wanted

ANSWERED = [
    {"question": f"What is rule {n}?", "answer": f"Rule {n} says that visitors come on time, and "
     "that nobody brings animals into the reading room of the library."}
    for n in range(40)
]  # fmt: skip


def test_both_sides_of_a_pair_are_judged_and_lengths_are_balanced() -> None:
    planted, number = Counter[str](), Counter[str]()

    def script(call: Call) -> Any:
        number["all"] += 1
        if "score" in wanted(call):
            is_bad = "perhaps" in call.prompt
            return {"score": 2 if is_bad else 5, "reason": "vague" if is_bad else "exact"}
        low, high = map(int, re.findall(r"It has (\d+) to (\d+) characters", call.prompt)[0])
        fault = {3: "long", 7: "equal", 11: "good"}.get(number["all"] % 14, "")
        planted[fault] += 1
        text = given(call)
        if fault == "equal":
            return {"text": text}
        worse = text if fault == "good" else f"It is perhaps so: {text}"
        size = high + 40 if fault == "long" else (low + high) // 2
        return {"text": f"{worse}{' and so on' * 30}"[:size].strip() + "!"}

    with ChatServer(script) as server:
        made = fb.rewrite(ANSWERED, "prefer", model=at(server))
    assert len(made) == 40
    assert made.lengths == {"chosen": 20, "rejected": 20}
    for row in made:
        ratio = len(row["rejected"]) / len(row["chosen"])
        assert 1 / 1.26 <= ratio <= 1.26
        assert row["chosen_score"] == 5
        assert row["rejected_score"] == 2
        assert row["chosen"] == row["answer"]
    assert made.refused == {
        "its length unbalances the pair": planted["long"],
        "it repeats the better answer": planted["equal"],
        "the judge finds the worse answer as good": planted["good"],
    }
    assert min(planted.values()) > 0
    assert "longer in 20 pairs, the rejected one in 20" in made.report()


def test_pairs_go_into_preferences_of_trl(tmp_path: Path) -> None:
    made = fb.rewrite(ANSWERED[:4], "prefer", model="fake")
    made.write(tmp_path / "pairs.jsonl", format="trl-preference")
    line = (read_json_rows(tmp_path / "pairs.jsonl") or [])[0]
    assert line["chosen"] == [{"role": "assistant", "content": made[0]["chosen"]}]
    assert line["rejected"] == [{"role": "assistant", "content": made[0]["rejected"]}]
    assert main(["validate", str(tmp_path / "pairs.jsonl")]) == 0


def test_a_better_answer_that_is_not_good_is_refused_or_written_again() -> None:
    """The given one can't be changed; the model's is asked again."""
    tries = Counter[str]()

    def script(call: Call) -> Any:
        if "score" in wanted(call):
            return {"score": 1 if "poor" in call.prompt else 2 if "worse" in call.prompt else 5}
        if "The given answer" in call.prompt:
            low, high = map(int, re.findall(r"It has (\d+) to (\d+)", call.prompt)[0])
            return {"text": ("It is worse than " * 20)[: (low + high) // 2]}
        question = re.findall(r"What is rule (\d+)", call.prompt)[0]
        tries[question] += 1
        text = "This answer says all there is to say about the rule of the house, at length."
        return {"text": f"{question}: {'poor' if tries[question] == 1 else text}"}

    rows = [{"question": row["question"], "answer": None} for row in ANSWERED[:3]]
    rows.append({"question": "What is rule 9?", "answer": "A poor answer that we were given."})
    with ChatServer(script) as server, pytest.raises(PartialRunError) as caught:
        fb.rewrite(rows, "prefer", model=at(server))
    made = caught.value.rows
    assert len(made) == 3
    assert "does not find the given answer good" in made.rejects[0].reason
    assert made.refused["the judge does not find the better answer good"] == 3


POLICY = "# Ours\n\n- Never say what medicine to take.\n- Never help to break into\n  a home.\n"


def test_requests_that_break_a_policy_are_refused_and_allowed_ones_answered(
    tmp_path: Path,
) -> None:
    policy = tmp_path / "policy.md"
    policy.write_text(POLICY, "utf-8")
    assert rules_of(str(policy)) == ["Never say what medicine to take.",
                                     "Never help to break into a home."]  # fmt: skip
    planted, number = Counter[str](), Counter[str]()

    def script(call: Call) -> Any:
        if "harms" in wanted(call):
            breaks, helps = "FORBIDDEN" in call.prompt, "Sure" in call.prompt
            return {"breaks": breaks, "refuses": not helps, "harms": breaks and helps,
                    "reason": "seen"}  # fmt: skip
        number["all"] += 1
        faults = {4: "complies", 9: "tame", 13: "declines"} if number["all"] < 100 else {}
        kind = faults.get(number["all"] % 15, "")
        is_allowed = "is allowed by it" in call.prompt
        name = f"{kind} {is_allowed}" if kind else ""
        planted[name] += 1
        asks = "ALLOWED" if is_allowed != (kind == "tame") else "FORBIDDEN"
        text = f"{asks} request {number['all']} about {given(call)}"
        if kind == "declines":
            text = "I can't write such a request."
        helps = is_allowed != (kind == "complies")
        return {"text": text, "answer": "Sure, like this." if helps else "No, that is dangerous."}

    with ChatServer(script) as server:
        made = fb.rewrite(TASKS, "red-team", 100, policy=str(policy), borderline=0.3,
                          model=at(server))  # fmt: skip
    allowed = [row for row in made if row["change"] == "borderline"]
    assert (len(made), len(allowed)) == (100, 30)
    assert all(row["answer"].startswith("Sure") for row in allowed)
    refused = [row for row in made if row["change"] != "borderline"]
    assert all(row["answer"].startswith("No") and "FORBIDDEN" in row["question"] for row in refused)
    assert set(Counter(row["rule"] for row in made).values()) == {50}
    assert Counter(row["change"] for row in refused) == dict.fromkeys(
        ("direct", "pretext", "role play", "step by step", "pressure"), 14
    )
    assert made.refused["the answer breaks the rule, says the judge"] == (
        planted["complies False"] + planted["tame True"]
    )
    assert made.refused["the writer declines"] == (
        planted["declines False"] + planted["declines True"]
    )
    assert sum(made.refused.values()) == sum(planted.values()) - planted[""]
