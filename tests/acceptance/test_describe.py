"""Texts about given fields, every value told, bounds kept, order kept, nothing lost."""

from __future__ import annotations

import asyncio
import copy
import csv
import json
from pathlib import Path
from typing import Any

import pytest

import fabula as fb
from fabula.errors import PartialRunError, UsageError
from fabula.testing import Call, ChatServer
from fabula.testing.replies import failed
from tests.acceptance.builders import at
from tests.acceptance.conftest import Run
from tests.acceptance.texts import facts_of, told

HANKS = {"actor": "Tom Hanks", "movies": ["Forrest Gump", "Green Mile"]}
MIKKELSEN = {"actor": "Mads Mikkelsen", "movies": ["Hannibal", "Another round"]}
REFERENCE: list[dict[str, Any]] = [
    {"fields": ["blue", "yellow"], "preferences": {}},
    {
        "fields": {"colors": ["blue", "yellow"]},
        "preferences": {"style": "Make it in a style of a weather forecast."},
    },
    {"fields": HANKS, "preferences": None},
    {
        "fields": [HANKS, MIKKELSEN],
        "preferences": {"minimum_length": 200, "style": "gossip"},
    },
]


def long_told(call: Call) -> str:
    return told(facts_of(call)) + ", as everybody has always known and told" * 5


def test_the_reference_inputs_give_texts_with_unchanged_fields() -> None:
    """List, mapping, list of mappings; the input objects stay as they were."""
    kept = copy.deepcopy(REFERENCE)
    with ChatServer(long_told) as server:
        made = fb.describe(REFERENCE, model=at(server))
    assert kept == REFERENCE
    assert [record["fields"] for record in made] == [item["fields"] for item in kept]
    assert [record["preferences"] for record in made] == [
        item["preferences"] or {} for item in kept
    ]
    assert "Green Mile" in (made[2]["text"] or "")
    assert len(made[3]["text"] or "") >= 200
    by_facts = {json.dumps(facts_of(call)): call.prompt for call in server.calls}
    assert "style: gossip" in by_facts[json.dumps([HANKS, MIKKELSEN])]
    assert "None" not in by_facts[json.dumps(HANKS)]


def test_a_missing_value_is_named_and_asked_again() -> None:
    script = ["Tom Hanks starred in Forrest Gump.", "Tom Hanks: Forrest Gump, The Green Mile."]
    with ChatServer(script) as server:
        [made] = fb.describe([HANKS], model=at(server))
    assert made["text"] == script[1]
    assert "does not mention movies: Green Mile" in server.calls[1].prompt


@pytest.mark.parametrize(
    ("wish", "bad", "cause"),
    [
        ({"minimum_length": 200}, "x" * 150, "150 characters; at least 200"),
        ({"max_characters": 120}, "Blue " * 40, "199 characters; at most 120"),
        ({"min_words": 8}, "Blue it is.", "3 words; at least 8"),
        ({"max_words": 12}, "blue and " * 10, "20 words; at most 12"),
        ({"must": ["sky"]}, "Blue it is for all of us here.", "does not contain `sky`"),
        ({"must_not": ["navy"]}, "Navy blue is what the sky is today.", "must not contain `navy`"),
        (
            {"language": "German"},
            "The sky is blue and it was blue for all the days of the year.",
            "not written in German",
        ),
        ({"language": "ru"}, "The sky is blue.", "not written in ru"),
    ],
)
def test_a_broken_preference_is_asked_again(wish: dict[str, Any], bad: str, cause: str) -> None:
    """Length in words and characters, words, language by its small words or script."""
    good = "blue: Der Himmel ist so blau wie noch nie und das Wetter ist schön, sky, голубое небо"
    good = f"{good} {'und so weiter ' * 20}" if "minimum_length" in wish else good
    good = "A blue sky, голубое, for you and all of us." if wish.keys() & {"max_words"} else good
    with ChatServer([bad, good]) as server:
        [made] = fb.describe([["blue"]], preferences=wish, model=at(server), attempts=1)
    assert made["text"] == good.strip()
    assert cause in server.calls[1].prompt


@pytest.mark.parametrize("nothing", [None, {}, ""])
def test_no_preferences_are_fine(nothing: Any) -> None:
    with ChatServer(lambda call: told(facts_of(call))) as server:
        [made] = fb.describe([HANKS], preferences=nothing, model=at(server))
        [same] = fb.describe(HANKS, model=at(server))
    assert made == same
    assert made["preferences"] == {}
    assert len(server.calls) == 1


def test_a_prompt_of_ones_own_is_filled_and_its_names_are_checked_early() -> None:
    """Data in a template is only ever a value."""
    odd = {**HANKS, "actor": "{{ 7 * 7 }} Hanks"}
    with ChatServer(lambda _: "7 * 7 Hanks: Forrest Gump, Green Mile") as server:
        fb.describe([odd], task="Praise {{ actor }} for {{ movies }}.", model=at(server))
        prompt = server.calls[0].prompt
        assert 'Praise {{ 7 * 7 }} Hanks for ["Forrest Gump", "Green Mile"].' in prompt
        for wrong in ("{{ acter }}", "{{ actor", "{% include 'x' %}"):
            with pytest.raises(UsageError) as caught:
                fb.describe([HANKS], task=wrong, model=at(server))
            assert caught.value.code == "usage.prompt"
        assert "did you mean" in str(_refused("{{ acter }}"))
    assert len(server.calls) == 1


def _refused(prompt: str) -> UsageError:
    with pytest.raises(UsageError) as caught:
        fb.describe([HANKS], task=prompt, model="fake")
    return caught.value


def test_claims_beyond_the_fields_are_listed_or_refused() -> None:
    """Names and numbers; with `faithful` such a text is asked again."""
    bold = "Tom Hanks, in Forrest Gump and The Green Mile, won 2 Oscars with Meg Ryan in 1994."
    plain = "We know Tom Hanks from Forrest Gump and The Green Mile, both of them."
    with ChatServer([bold]) as server:
        [made] = fb.describe([HANKS], model=at(server))
    assert made["text"] == bold
    assert made["unsupported"] == ["1994", "Oscars", "Meg Ryan"]
    with ChatServer([bold, plain]) as server:
        [made] = fb.describe([HANKS], faithful=True, model=at(server))
    assert (made["text"], made["unsupported"]) == (plain, [])
    assert "`Meg Ryan` is not in the facts" in server.calls[1].prompt


def test_one_of_a_thousand_fails_and_going_on_is_one_call() -> None:
    """Nothing is asked twice; no items give no texts."""
    items = [{"name": f"Item {number}"} for number in range(1000)]
    broken = True

    def script(call: Call) -> Any:
        if broken and facts_of(call) == items[500]:
            return failed(400, "this model's maximum context length is 1")
        return told(facts_of(call))

    with ChatServer(script) as server:
        with pytest.raises(PartialRunError, match="1 of 1,000") as caught:
            fb.describe(items, model=at(server))
        records = caught.value.rows
        assert [place for place, record in enumerate(records) if "error" in record] == [500]
        assert "longer than" in records[500]["error"]
        assert sum(record["text"] is not None for record in records) == 999
        calls, broken = len(server.calls), False
        made = fb.describe(items, model=at(server))
        assert len(server.calls) == calls + 1
        assert [record["text"] for record in made] == [told(item) for item in items]
        assert fb.describe([], model=at(server)) == []
        assert len(server.calls) == calls + 1


def test_variants_differ_and_items_may_have_wishes_of_their_own() -> None:
    """A repeated variant is asked again; order is kept."""
    counted = iter(range(1000))

    def script(call: Call) -> str:
        again = "already exists" in call.prompt
        return told(facts_of(call)) + (f" for the {next(counted)}th time" if again else "")

    wishes: Any = [{"style": "gossip"}, None]
    with ChatServer(script) as server:
        made = fb.describe([HANKS, MIKKELSEN], n=3, preferences=wishes, model=at(server))
    assert [record["fields"] for record in made] == [HANKS] * 3 + [MIKKELSEN] * 3
    assert [record["variant"] for record in made] == [1, 2, 3] * 2
    assert len({record["text"] for record in made}) == 6
    for call in server.calls:
        assert ("gossip" in call.prompt) == (facts_of(call) == HANKS)


def test_async_gives_the_same() -> None:
    """As D4.5."""
    with ChatServer(lambda call: told(facts_of(call))) as server:
        sync = fb.describe([HANKS, MIKKELSEN], model=at(server))
        assert asyncio.run(fb.adescribe([HANKS, MIKKELSEN], model=at(server))) == sync
    assert len(server.calls) == 2


FILMS = 'actor,movies,year\nTom Hanks,"[""Forrest Gump"", ""Green Mile""]",1994\nÉva Ruß,,2001\n'


def test_from_csv_to_csv_and_jsonl(fabula: Run) -> None:
    """Rows keep their columns and order; the same command again asks nothing."""
    Path("films.csv").write_text(FILMS, encoding="utf-8")
    with ChatServer(lambda call: told(facts_of(call))) as server:
        ended = fabula("describe", "films.csv", "--style", "gossip", server=server)
        assert ended.code == 0, ended.err
        assert fabula("describe", "films.csv", "--style", "gossip", server=server).code == 2
        again = fabula("describe", "films.csv", "--style", "gossip", "-o", "b.jsonl", server=server)
        assert again.code == 0, again.err
        assert len(server.calls) == 2
    with Path("films-described.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["actor"] for row in rows] == ["Tom Hanks", "Éva Ruß"]
    lines = [json.loads(line) for line in Path("b.jsonl").read_text("utf-8").splitlines()]
    assert [line["text"] for line in lines] == [row["text"] for row in rows]
    assert lines[0]["movies"] == ["Forrest Gump", "Green Mile"]


def test_jsonl_lines_of_any_form_come_back_as_fields(fabula: Run) -> None:
    """What fails stays in its row with the reason, and the command says so."""
    lines = [json.dumps(item) for item in REFERENCE[:3]]
    Path("items.jsonl").write_text("\n".join(lines), encoding="utf-8")
    script = [told(item["fields"]) for item in REFERENCE[:2]]
    with ChatServer(lambda _: script.pop(0) if script else "no") as server:
        ended = fabula("describe", "items.jsonl", "--attempts", "1", server=server)
    assert ended.code == 4
    assert "1 of 3 rows are missing" in ended.err
    rows = [json.loads(line) for line in Path("items-described.jsonl").read_text().splitlines()]
    assert [row["fields"] for row in rows] == [item["fields"] for item in REFERENCE[:3]]
    assert rows[1]["preferences"] == REFERENCE[1]["preferences"]
    assert rows[2]["text"] is None
    assert "Tom Hanks" in rows[2]["error"]


def test_a_dry_run_prints_every_prompt_and_asks_nothing(fabula: Run) -> None:
    """`--dry-run`."""
    Path("films.csv").write_text(FILMS, encoding="utf-8")
    with ChatServer() as server:
        ended = fabula("describe", "films.csv", "--dry-run", "--must", "star", server=server)
    assert ended.code == 0
    assert ended.out.count("Facts as JSON") == 2
    assert 'with the words "star"' in ended.out
    assert "2 calls" in ended.err
    assert server.calls == []


def test_an_item_without_a_value_is_never_asked_for() -> None:
    """It has an error of its own, and the others are in order."""
    items = [None, HANKS, {}, {"actor": None, "movies": []}, MIKKELSEN]
    with (
        ChatServer(lambda call: told(facts_of(call))) as server,
        pytest.raises(PartialRunError, match="3 of 5") as caught,
    ):
        fb.describe(items, model=at(server))
    records = caught.value.rows
    assert [record["text"] for record in records if record["text"]] == [
        told(HANKS),
        told(MIKKELSEN),
    ]
    assert [place for place, record in enumerate(records) if "error" in record] == [0, 2, 3]
    assert "no values to describe" in records[3]["error"]
    assert len(server.calls) == 2


def test_mixed_types_in_a_table_are_said_and_nothing_paid_for_is_lost(fabula: Run) -> None:
    Path("items.jsonl").write_text('["blue"]\n{"a": 1}\n', encoding="utf-8")
    with ChatServer(lambda call: told(facts_of(call))) as server:
        ended = fabula("describe", "items.jsonl", "-o", "out.parquet", server=server)
        assert (ended.code, "write JSON Lines" in ended.err) == (2, True)
        assert fabula("describe", "items.jsonl", "-o", "out.jsonl", server=server).code == 0
    assert len(server.calls) == 2


def test_the_same_command_completes_a_file_in_which_texts_are_missing(fabula: Run) -> None:
    """The unfinished file is replaced, only the missing text asked; then it is kept."""
    Path("films.csv").write_text(FILMS, encoding="utf-8")
    refuses = [True]

    def script(call: Call) -> str:
        facts = facts_of(call)
        return "no" if refuses[0] and facts["year"] == 2001 else told(facts)

    command = ("describe", "films.csv", "-o", "told.csv", "--attempts")
    with ChatServer(script) as server:
        assert fabula(*command, "0", server=server).code == 4
        asked, refuses[0] = len(server.calls), False
        ended = fabula(*command, "1", server=server)
        assert ended.code == 0, ended.err
        assert len(server.calls) == asked + 1
        assert fabula(*command, "1", server=server).code == 2
    assert "Éva Ruß" in Path("told.csv").read_text(encoding="utf-8")
    assert not Path(".told.csv.partial").exists()


def test_a_report_in_a_new_folder_is_written_and_one_that_cannot_be_is_said(fabula: Run) -> None:
    """The place of `--report` is not a cause for a traceback."""
    Path("films.csv").write_text(FILMS, encoding="utf-8")
    command = ("describe", "films.csv", "--verify", "--model", "fake", "--report")
    assert fabula(*command, "new/score.json").code == 4
    assert json.loads(Path("new/score.json").read_text())["rows"] == 2
    ended = fabula(*command, "films.csv/score.json")
    assert (ended.code, "error[sink." in ended.err) == (2, True), ended.err
