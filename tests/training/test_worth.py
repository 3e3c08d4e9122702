"""`fb.worth`: a good set teaches more than a bad one, and repeats and gaps are told."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

import fabula as fb
from fabula.cli.main import main
from fabula.errors import UsageError

TOPICS = {
    "billing": ["invoice", "charge", "refund", "payment", "card", "bank", "statement", "price"],
    "travel": ["train", "flight", "hotel", "station", "ticket", "luggage", "platform", "airport"],
    "garden": ["rose", "soil", "seeds", "shovel", "tree", "hedge", "compost", "pruning"],
}


def rows(n: int, seed: int, *, wrong: float = 0.0, topics: Any = TOPICS) -> list[dict[str, str]]:
    rng, made = random.Random(seed), []
    for place in range(n):
        label = list(topics)[place % len(topics)]
        words = rng.sample(TOPICS[label], 3)
        said = (
            f"I have a question about the {words[0]} and the {words[1]}, not the {words[2]} {place}"
        )
        told = rng.choice(list(topics)) if rng.random() < wrong else label
        made.append({"text": said, "label": told})
    return made


REAL = rows(120, 1)


def test_a_set_with_right_labels_teaches_more_than_one_with_wrong_ones() -> None:
    good = fb.worth(rows(160, 2), against=REAL, label="label")
    bad = fb.worth(rows(160, 2, wrong=0.9), against=REAL, label="label")
    assert good.f1 > 0.9
    assert good.f1 - bad.f1 > 0.2
    assert good.real is not None
    assert good.real.f1 > 0.9
    assert good.guess.accuracy == pytest.approx(1 / 3)
    assert [point.rows for point in good.curve] == [10, 20, 40, 80, 160]
    assert "F1 by size: 10 rows" in good.report()
    assert "<svg" in good._repr_html_()


def test_repeats_and_gaps_are_told() -> None:
    few = {name: words for name, words in TOPICS.items() if name != "garden"}
    once = rows(40, 3, topics=few)
    narrow = fb.worth(once * 4, against=REAL, label="label", text="text")
    whole = fb.worth(rows(160, 2), against=REAL, label="label", text="text")
    assert narrow.redundancy >= 0.75
    assert whole.redundancy < narrow.redundancy
    assert narrow.coverage < whole.coverage - 0.2
    assert narrow.unknown == {"garden": 40}
    assert "label `garden` is missing in the set: 40 real rows" in narrow.report()


def test_real_rows_that_are_in_the_set_are_told() -> None:
    made = rows(40, 2)
    real = [*REAL[len(REAL) // 2 :], *made[:5]]
    texts = {row["text"] for row in made}
    shared = fb.worth(made, against=real, label="label", text="text")
    assert shared.shared == sum(row["text"] in texts for row in real) >= 5
    assert f"of the real rows, {shared.shared} are in the set word by word" in shared.report()
    pair = [*pairs(30, 1), *pairs(30, 2)]
    assert "of the real pairs, " in fb.worth(pair, against=pair[:30]).report()


def test_the_command_prints_and_writes_a_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made, real, page = tmp_path / "made.jsonl", tmp_path / "real.jsonl", tmp_path / "worth.html"
    for path, listed in ((made, [*rows(40, 2), {"text": "", "label": "x"}]), (real, REAL)):
        path.write_text("".join(json.dumps(row) + "\n" for row in listed), encoding="utf-8")
    command = ["worth", str(made), "--against", str(real), "--label", "label", "-o", str(page)]
    assert main(command) == 0
    assert "without a text or a label in the set: 1" in capsys.readouterr().out
    text = page.read_text(encoding="utf-8")
    assert text.startswith("<!doctype html>")
    assert "<figcaption><b>What parts of the set teach" in text


def test_too_few_rows_and_unknown_columns_are_refused() -> None:
    for options in ({"label": "lable"}, {"label": "label", "text": "txt"}):
        with pytest.raises(UsageError):
            fb.worth(REAL, against=REAL, **options)
    with pytest.raises(UsageError):
        fb.worth(REAL[:9], against=REAL, label="label")
    with pytest.raises(UsageError):
        fb.worth(REAL[::3], against=REAL, label="label")


GOOD = ("You find it on page {n} of the handbook.", "Press the button {n} and wait a minute.",
        "The office in room {n} answers until five.")  # fmt: skip
BAD = ("I don't know, perhaps ask somebody else.", "That depends on many things, who knows.",
       "Maybe, maybe not, it is hard to say.")  # fmt: skip


def pairs(n: int, seed: int, *, wrong: float = 0.0, turns: bool = False) -> list[dict[str, Any]]:
    rng, made = random.Random(seed), list[dict[str, Any]]()
    for place in range(n):
        prompt = f"Where do I change the {rng.choice(TOPICS['travel'])} {place}?"
        sides = [
            rng.choice(GOOD).format(n=place),
            f"{rng.choice(BAD)} {'So it is. ' * (place % 2)}",
        ]
        if rng.random() < wrong:
            sides.reverse()
        if turns:
            listed = [[{"role": "assistant", "content": side}] for side in sides]
            asked = [{"role": "user", "content": prompt}]
            made.append({"prompt": asked, "chosen": listed[0], "rejected": listed[1]})
        else:
            made.append({"question": prompt, "chosen": sides[0], "rejected": sides[1]})
    return made


def test_a_reward_model_learns_from_right_pairs_and_not_from_shuffled_ones(tmp_path: Path) -> None:
    real = pairs(60, 1, turns=True)
    good = fb.worth(pairs(160, 2), against=real)
    bad = fb.worth(pairs(160, 2, wrong=0.5), against=real)
    assert good.accuracy > 0.95
    assert bad.accuracy < good.accuracy - 0.1
    assert good.real > 0.95
    assert [point.rows for point in good.curve] == [10, 20, 40, 80, 160]
    assert good.real_pairs == 60
    assert "a reward model trained on 160 pairs, tested on 60 real ones" in good.report()
    assert "<svg" in good._repr_html_()
    assert "<svg" in good.write(tmp_path / "worth.html").read_text(encoding="utf-8")
    assert json.loads(json.dumps(good.to_dict()))["longer"] == list(good.longer)


def test_what_is_no_pair_is_told(tmp_path: Path) -> None:
    made = pairs(30, 3)
    found = fb.worth([*made, {"question": "?", "chosen": "", "rejected": "b"}], against=made)
    assert found.dropped == (1, 0)
    with pytest.raises(UsageError, match="19 rows with two different answers"):
        fb.worth(made[:19], against=made)
    with pytest.raises(UsageError, match="no column of labels is named"):
        fb.worth(REAL, against=REAL)
    paths = [tmp_path / "made.jsonl", tmp_path / "real.jsonl"]
    for path in paths:
        path.write_text("".join(json.dumps(row) + "\n" for row in made), "utf-8")
    assert main(["worth", str(paths[0]), "--against", str(paths[1])]) == 0
