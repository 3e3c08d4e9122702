"""The loop to a target, its record, its limits, and going on after it was killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import fabula as fb
from fabula.errors import PartialRunError, SinkError, UsageError
from fabula.testing import Call, ChatServer
from fabula.testing import replies as script
from fabula.topics.shares import evenness, missing, read_shares
from tests.acceptance.conftest import Run
from tests.topics.topic_server import Script, about, model_at, skewed, words, writing_calls


def stuck(topics: list[str]) -> list[dict[str, Any]]:
    """The same row over and over."""
    row = {"topic": topics[0], **skewed()[-1]}
    return [{"row": place, **row} for place in range(1, len(topics) + 1)]


def options(server: ChatServer, **wanted: Any) -> dict[str, Any]:
    return {"model": model_at(server), "embedding": model_at(server, "vectors"), **wanted}


def test_each_round_is_told() -> None:
    told: list[int] = []
    with ChatServer(Script()) as server:
        made = fb.balance(
            skewed(), **options(server, on_round=lambda each: told.append(each.number))
        )
    assert told == [0, 1]
    start, end = made.rounds
    assert start.counts["Food"] == 3
    assert start.evenness == pytest.approx(evenness([20, 20, 20, 3]))
    assert (end.new, end.duplicates, end.rejected, end.evenness) == (17, 0, 0, pytest.approx(1))


def test_enough_evenness_ends_the_run() -> None:
    with ChatServer(Script()) as server:
        made = fb.balance(skewed(), **options(server, evenness=0.8))
    assert made.ended.startswith("topics are as even as requested")
    assert writing_calls(server) == []


def test_a_stall_ends_the_run_and_every_lost_row_has_a_reason(tmp_path: Path) -> None:
    with (
        ChatServer(Script(write=stuck)) as server,
        pytest.raises(PartialRunError, match="17 of 80 rows are missing") as caught,
    ):
        fb.balance(skewed(), output=tmp_path / "out", **options(server))
    made = caught.value.dataset
    assert "hardly anything new" in made.ended
    assert len(made.rejects) == sum(made.rounds[1].asked.values()) == 17
    lines = (tmp_path / "out" / "rejects.jsonl").read_text().splitlines()
    assert len(lines) == 17
    assert made.table.num_rows == 63


def test_a_stalled_run_goes_on_where_it_is_run_again(tmp_path: Path) -> None:
    """What stalled is tried again, with a new round, and no row is lost for it."""
    writers = [stuck, Script().rows]

    def write(topics: list[str]) -> list[dict[str, Any]]:
        return writers[0](topics)

    with ChatServer(Script(write=write)) as server:
        wanted = options(server, output=tmp_path / "out", rounds=4)
        with pytest.raises(PartialRunError) as caught:
            fb.balance(skewed(), **wanted)
        assert caught.value.hint.startswith("run it again with `--rounds 4`")
        del writers[0]
        made = fb.balance(skewed(), **wanted)
    assert made.ended == "topics are full"
    assert [each.new for each in made.rounds] == [0, 0, 17]


def test_new_topics_that_did_not_come_are_missed_by_every_run(tmp_path: Path) -> None:
    """Topics are invented once only, so a run that continues says that some are missing."""
    told: list[str] = []
    with ChatServer(Script(new=[json.dumps({"rows": [{"topic": "Toys"}]})])) as server:
        wanted = options(server, new_topics=2, output=tmp_path / "out", on_note=told.append)
        for _ in range(2):
            fb.balance(skewed(), **wanted)
    assert [note for note in told if "missing: 1;" in note] == [told[-1]] * 2


def test_a_plan_knows_topics_by_number_only(fabula: Run) -> None:
    """A share of a topic that there is not is refused, and the near one is named."""
    Path("texts.jsonl").write_text("".join(json.dumps(row) + "\n" for row in skewed()))
    planned = fabula("balance", "texts.jsonl", "--plan", "--topics", "4", "--share", "4=0.1")
    assert planned.code == 0, planned.err
    refused = fabula("balance", "texts.jsonl", "--plan", "--topics", "4", "--share", "topic4=0.5")
    assert refused.code == 2
    assert "there is no topic `topic4`" in refused.err
    assert "did you mean `topic 4`" in refused.err


def test_a_limit_leaves_valid_data_and_the_same_call_goes_on(tmp_path: Path) -> None:
    with ChatServer(Script()) as server:
        wanted = options(server, output=tmp_path / "out", rows_per_call=5)
        with pytest.raises(PartialRunError, match="max_calls"):
            fb.balance(skewed(), max_calls=4, **wanted)
        calls = len(server.calls)
        made = fb.balance(skewed(), **wanted)
        asked = [json.dumps(call.body, sort_keys=True) for call in server.calls]
    assert calls == 4
    assert len(asked) == len(set(asked))  # nothing was asked twice
    assert made.rounds[-1].counts["Food"] == 20


def test_the_same_call_again_asks_nothing_and_gives_the_same(tmp_path: Path) -> None:
    with ChatServer(Script()) as server:
        wanted = options(server, output=tmp_path / "out")
        fb.balance(skewed(), **wanted)
        calls, data = len(server.calls), (tmp_path / "out" / "data.parquet").read_bytes()
        fb.balance(skewed(), **wanted)
        other = fb.balance(skewed(), **{**wanted, "output": tmp_path / "other"})
    assert len(server.calls) == calls
    assert (tmp_path / "out" / "data.parquet").read_bytes() == data
    assert (tmp_path / "other" / "data.parquet").read_bytes() == data
    assert other.ended == "topics are full"


def test_another_run_is_not_replaced_unasked(tmp_path: Path) -> None:
    with ChatServer(Script()) as server:
        wanted = options(server, output=tmp_path)
        fb.balance(skewed(), **wanted)
        with pytest.raises(SinkError, match="other data or other options"):
            fb.balance(skewed()[1:], **wanted)
        made = fb.balance(skewed()[1:], overwrite=True, **wanted)
    assert made.table.slice(0, 62).num_rows == 62


@pytest.mark.slow
def test_a_killed_run_goes_on_at_its_round_and_repeats_no_call(tmp_path: Path) -> None:
    """Killed in the second round, with one of its calls answered."""
    wanted = Script()
    rounds: list[str] = []

    def answer(call: Call) -> Any:
        if "Rows that are wanted" in call.prompt:
            rounds.append(call.prompt)
            if "Food: 17" in call.prompt:  # the first round keeps a part of what it asked
                topics = about(call)
                good = wanted.rows(topics[:9]) if len(rounds) == 1 else []
                made = [*good, *stuck(topics)[len(good) :]]
                return script.says({"rows": made} if len(made) > 1 else made[0])
            if "Food: 8" in call.prompt and not (tmp_path / "killed").exists():
                return script.slow(60)
        return wanted(call)

    data = tmp_path / "texts.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in skewed()))
    with ChatServer(answer) as server:
        environment = {**os.environ, "OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": "k"}
        command = [
            *(sys.executable, "-c", "from fabula.cli.main import main; raise SystemExit(main())"),
            *("balance", str(data), "-o", str(tmp_path / "out")),
            *("--model", "openai:any", "--embedding", "openai:vectors"),
        ]
        process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
        record = tmp_path / "out" / "balance.json"
        for _ in range(1200):
            assert process.poll() is None
            if record.exists() and any("Food: 8" in prompt for prompt in rounds):
                break
            time.sleep(0.1)
        process.send_signal(signal.SIGKILL)
        process.wait()
        kept = json.loads(record.read_text())
        (tmp_path / "killed").touch()
        before = len(server.calls)
        subprocess.run(command, env=environment, check=True, capture_output=True)
        asked = [json.dumps(call.body, sort_keys=True) for call in server.calls]
    assert [each["number"] for each in kept["rounds"]] == [0, 1]
    again = set(asked[:before]) & set(asked[before:])
    assert len(again) == 1  # the call that was open when the run was killed
    rows = [
        json.loads(line) for line in (tmp_path / "out" / "texts.jsonl").read_text().splitlines()
    ]
    assert sorted(row["round"] for row in rows) == [0] * 63 + [1] * 9 + [2] * 8


def test_from_the_command_line(fabula: Run, tmp_path: Path) -> None:
    """A file of conversations; the report is one page that asks for nothing."""
    lines = [
        {"messages": [{"role": "system", "content": "Be kind."},
                      {"role": "user", "content": row["product"]},
                      {"role": "assistant", "content": row["description"]}]}
        for row in skewed()
    ]  # fmt: skip
    data = tmp_path / "chats.jsonl"
    data.write_text("".join(json.dumps(line) + "\n" for line in lines))
    wanted = Script()

    def write(topics: list[str]) -> list[dict[str, Any]]:
        return [
            {"row": row["row"], "topic": row["topic"], "user": row["product"],
             "assistant": row["description"]}
            for row in wanted.rows(topics)
        ]  # fmt: skip

    with ChatServer(Script(write=write)) as server:
        arguments = ("balance", str(data), "--embedding", "openai:vectors", "--text", "user")
        planned = fabula(*arguments, "--plan", server=server)
        calls = len(server.calls)
        ended = fabula(*arguments, "-o", "out", server=server)
    assert planned.code == 0
    assert "4 topics by silhouette" in planned.out
    assert "under-represented" in planned.out
    assert calls == 1
    assert ended.code == 0, ended.err
    assert "evenness" in ended.out
    rows = [json.loads(line) for line in Path("out/chats.jsonl").read_text().splitlines()]
    assert len(rows) == 80
    assert [turn["role"] for turn in rows[-1]["messages"]] == ["system", "user", "assistant"]
    assert rows[-1]["messages"][1]["content"].startswith("Food")
    page = Path("out/report.html").read_text()
    assert "Topics before and after" in page
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org/2000/svg", "")
    assert Path("out/charts/topics.svg").exists()


@pytest.mark.parametrize(
    "arguments",
    [("--sizes", "a,b"), ("--share", "food"), ("--topics", "99"), ("--text", "nope"),
     ("--similarity", "0")],
)  # fmt: skip
def test_wrong_options_are_told_in_words(fabula: Run, arguments: tuple[str, str]) -> None:
    Path("few.csv").write_text("text\n" + "".join(f"{words(n)}\n" for n in range(9)))
    ended = fabula("balance", "few.csv", "--plan", *arguments)
    assert ended.code == 2
    assert "error[usage." in ended.err
    assert "hint:" in ended.err


def test_missing_rows_level_the_smallest_first() -> None:
    even = {"a": 1 / 3, "b": 1 / 3, "c": 1 / 3}
    counts = {"a": 5, "b": 1, "c": 0}
    assert missing(counts, even, None) == {"b": 4, "c": 5}
    assert missing(counts, even, 3) == {"b": 1, "c": 2}
    assert missing(counts, even, 0) == {}
    assert missing(counts, {"a": 0.5, "b": 0.5, "c": 0.0}, None) == {"b": 4}


def test_shares_are_read_by_name_or_number_and_refused_where_they_make_no_whole() -> None:
    topics = ["Food", "Cars", "Toys"]
    assert read_shares({"food": 0.5, "3": 0.2}, topics) == pytest.approx(
        {"Food": 0.5, "Cars": 0.3, "Toys": 0.2}
    )
    for wrong in ({"Food": 1.5}, {"Food": -0.1}, {"Food": 0.2, "Cars": 0.2, "Toys": 0.2}):
        with pytest.raises(UsageError, match=r"usage\.shares"):
            read_shares(wrong, topics)
    with pytest.raises(UsageError, match="did you mean `Food`"):
        read_shares({"Foood": 0.5}, topics)


def test_evenness_is_the_normalised_entropy() -> None:
    assert evenness([5, 5, 5, 5]) == pytest.approx(1)
    assert evenness([7, 0]) == evenness([7]) == evenness([]) == 0
    assert evenness([3, 1]) == pytest.approx(0.8112781)
