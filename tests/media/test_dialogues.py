"""Dialogues, other formats than WAV, and speech of a model behind an endpoint."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

import fabula as fb
from fabula.errors import PartialRunError, SourceError, SpecError
from fabula.media.probing import facts_of
from fabula.testing.replies import Reply, failed
from fabula.testing.server import ChatServer

pytest.importorskip("espeakng_loader", reason="needs the extra `speech`")

TALKS = """
fabula: 1
name: talks
seed: 3
tables:
  calls:
    n: 4
    columns:
      id: {kind: key}
      recording: {kind: speech, turns: turns, text: said, speaker: who, voice: [en-gb, de]%s}
  turns:
    per_parent: {of: calls, min: 3, max: 4}
    columns:
      id: {kind: key}
      call_id: {kind: reference, to: calls}
      who: {kind: choice, values: [caller, agent]}
      said: {kind: choice, values: ["The order is late.", "I am sorry to hear that, let me see."]}
"""


def talks(folder: Path, options: str = "", spec: str = TALKS) -> list[dict[str, Any]]:
    path = folder.parent / f"{folder.name}.yaml"
    path.write_text(spec % options, encoding="utf-8")
    fb.generate(path, output=folder)
    text = (folder / "media/calls/recording/truth-00000.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def test_a_dialogue_has_the_turns_of_its_table_with_a_voice_for_each_speaker(
    tmp_path: Path,
) -> None:
    told = talks(tmp_path / "run", ", format: flac, pause: [0.3, 0.5]")
    rows = fb.Dataset.open(tmp_path / "run").to_arrow("turns").to_pylist()
    for number, record in enumerate(told, 1):
        wanted = [(row["who"], row["said"]) for row in rows if row["call_id"] == number]
        turns = record["turns"]
        assert [(turn["speaker"], turn["text"]) for turn in turns] == wanted
        voices = {turn["speaker"]: turn["voice"] for turn in turns}
        assert len(set(voices.values())) == len(voices)
        for before, turn in itertools.pairwise(turns):
            assert 0.3 <= turn["start"] - before["end"] <= 0.5001
        for turn in turns:
            assert " ".join(word["word"] for word in turn["words"]) == turn["text"]
            assert turn["words"][0]["start"] >= turn["start"]
            assert turn["words"][-1]["end"] == pytest.approx(turn["end"], abs=1e-3)
        (file,) = record["files"]
        assert file["path"].endswith(".flac")
        seconds = facts_of(tmp_path / "run" / file["path"]).seconds
        assert seconds == pytest.approx(record["seconds"], abs=1e-3)
        assert record["seconds"] == pytest.approx(turns[-1]["end"], abs=1e-3)


def test_speakers_overlap_where_that_is_asked(tmp_path: Path) -> None:
    told = talks(tmp_path / "run", ", overlap: 1, format: mp3, sample_rate: 16000")
    for record in told:
        for before, turn in zip(record["turns"], record["turns"][1:], strict=False):
            assert before["start"] < turn["start"] < before["end"]
        file = tmp_path / "run" / record["files"][0]["path"]
        assert facts_of(file).seconds == pytest.approx(record["seconds"], abs=0.15)


MODEL = """
fabula: 1
name: calls
seed: 3
tables:
  calls:
    n: 3
    columns:
      id: {kind: key}
      note: {kind: constant, value: "Six words are in this sentence."}
      recording: {kind: speech, text: note, model: "openai:tts-1", voice: alloy%s}
"""


def test_a_model_speaks_and_is_asked_again_for_what_is_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FABULA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("OPENAI_API_KEY", "key")
    faults = [Reply(content=b"no sound"), Reply(content=b""), failed(400, "content policy")]
    with ChatServer(faults) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        told = talks(tmp_path / "run", ", sample_rate: 16000", MODEL)
        assert len(server.calls) == 6
        body = server.calls[-1].body
        assert (body["voice"], body["response_format"]) == ("alloy", "wav")
        assert [record["seconds"] for record in told] == [2.0] * 3
        assert sum(record["tries"] for record in told) == 6
        facts = facts_of(tmp_path / "run" / told[0]["files"][0]["path"])
        assert facts.seconds == pytest.approx(2.0, abs=1e-3)
        assert talks(tmp_path / "again", ", sample_rate: 16000", MODEL) == told
        assert len(server.calls) == 6
    with ChatServer(failed(400, "content policy")) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        with pytest.raises(PartialRunError, match="3 of 3 files"):
            talks(tmp_path / "none", ", retries: 0", MODEL)


@pytest.mark.parametrize(
    ("spec", "options", "code"),
    [
        (TALKS.replace("who,", "whom,"), "", "spec.unknown-column"),
        (TALKS.replace("turns: turns", "turns: turn"), "", "spec.unknown-table"),
        (MODEL, ", speed: 120", "spec.bad-key"),
        (MODEL.replace(", voice: alloy", ""), "", "spec.missing-key"),
        (MODEL, ", overlap: 0.2", "spec.missing-key"),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path: Path, spec: str, options: str, code: str) -> None:
    with pytest.raises(SpecError) as caught:
        talks(tmp_path / "run", options, spec)
    assert caught.value.violations[0].code == code


def test_a_set_of_conversations_is_spoken(tmp_path: Path) -> None:
    rows = [
        {"messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": f"Where is order {number}?"},
            {"role": "assistant", "content": "It is on its way."},
        ]}
        for number in (5, 7)
    ]  # fmt: skip
    path = tmp_path / "talks.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    out = tmp_path / "spoken"
    assert fb.speak(path, out, voices={"assistant": "de"}, format="flac", seed=2) == 2
    text = (out / "media/talks/recording/truth-00000.jsonl").read_text(encoding="utf-8")
    told = [json.loads(line) for line in text.splitlines()]
    assert [[(t["speaker"], t["voice"]) for t in each["turns"]] for each in told] == [
        [("user", "en-gb"), ("assistant", "de")]
    ] * 2
    assert told[1]["turns"][0]["text"] == "Where is order 7?"
    assert all((out / each["files"][0]["path"]).is_file() for each in told)
    with pytest.raises(SourceError, match="no turn"):
        fb.speak([{"messages": [{"role": "tool", "content": "x"}]}], tmp_path / "none")
