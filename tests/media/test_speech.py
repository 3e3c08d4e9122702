"""Speech of rows: recordings that say what the row says, with the time of each word."""

from __future__ import annotations

import csv
import json
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fabula as fb
from fabula.errors import PrerequisiteError, SourceError, SpecError
from fabula.kinds.speech import Speech
from fabula.media.speech.recording import words_of
from fabula.media.speech.sound import encoded, worn
from fabula.media.speech.voices import NATIVE, check_rate
from fabula.media.truth import records_of

pytest.importorskip("espeakng_loader", reason="needs the extra `speech`")

CALLS = """
fabula: 1
name: calls
seed: 3
tables:
  calls:
    n: 100
    columns:
      id: {kind: key}
      note: {kind: choice, values: ["The order has not arrived yet.", "Room 42 is free on Monday.",
        "Please call me back, it is urgent!", "Über die Brücke gehen, größer – na klar."]}
      recording: {kind: speech, text: note, voice: [en-gb, de], speed: [130, 190]%s}
"""


def recorded(folder: Path, options: str = "", **more: Any) -> list[dict[str, Any]]:
    """The truth about the recordings of a finished run."""
    spec = folder.parent / f"{folder.name}.yaml"
    spec.write_text(CALLS % options, encoding="utf-8")
    fb.generate(spec, output=folder, **more)
    truth = folder / "media/calls/recording/truth-00000.jsonl"
    return [json.loads(line) for line in truth.read_text(encoding="utf-8").splitlines()]


def test_a_hundred_sentences_have_times_that_fit_their_recordings(tmp_path: Path) -> None:
    truth = recorded(tmp_path / "run", ", sample_rate: 16000")
    assert len(truth) == 100
    assert {record["voice"] for record in truth} == {"en-gb", "de"}
    for record in truth:
        with wave.open(str(tmp_path / "run" / record["files"][0]["path"])) as file:
            assert file.getframerate() == record["sample_rate"] == 16_000
            assert file.getnframes() / 16_000 == pytest.approx(record["seconds"], abs=1e-3)
            loud = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        assert np.abs(loud).max() > 1_000
        words = record["words"]
        assert " ".join(each["word"] for each in words) == record["text"]
        assert all(each["start"] < each["end"] for each in words)
        ends = [each["end"] for each in words]
        assert ends[:-1] == [each["start"] for each in words[1:]]
        assert ends[-1] == record["seconds"]
        assert 0.5 < record["seconds"] < 8
    with (tmp_path / "run/media/calls/recording/files.csv").open(newline="") as lines:
        listed = list(csv.DictReader(lines))
    assert [float(each["seconds"]) for each in listed] == [each["seconds"] for each in truth]


@pytest.mark.slow
def test_the_same_seed_makes_the_same_recordings_and_a_lost_one_again(tmp_path: Path) -> None:
    options = ", telephone: true, noise: 0.1, reverb: 0.3, sample_rate: 8000"
    first = recorded(tmp_path / "one", options)
    assert recorded(tmp_path / "two", options, workers=2) == first
    lost = tmp_path / "two" / first[7]["files"][0]["path"]
    whole = lost.read_bytes()
    lost.unlink()
    (tmp_path / "two" / "manifest.json").unlink()
    assert recorded(tmp_path / "two", options) == first
    assert lost.read_bytes() == whole


def test_recordings_without_a_text_are_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    columns = {
        "id": {"kind": "key"},
        "note": {"kind": "choice", "values": ["Yes.", None]},
        "file": {"kind": "speech", "text": "note"},
    }
    spec = {"seed": 1, "tables": {"notes": {"n": 12, "columns": columns}}}
    fb.generate(spec, output=tmp_path / "out")
    records = list(records_of(tmp_path / "out/media/notes/file/truth-00000.jsonl"))
    silent = [record for record in records if not record["text"]]
    assert 0 < len(silent) < len(records)
    assert all(record["silent"] == 1 for record in silent)
    assert f"{len(silent)} recordings have texts that are empty" in caplog.text


def test_another_sample_rate_is_refused() -> None:
    with pytest.raises(SourceError, match="16,000 samples a second, where 22,050"):
        check_rate(16_000, 22_050)


def test_an_unknown_voice_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="there is no voice `xx-nowhere`"):
        _generate(tmp_path, "xx-nowhere")


def _generate(folder: Path, voice: str) -> None:
    spec = folder / "voice.yaml"
    spec.write_text(CALLS.replace("[en-gb, de]", voice) % "", encoding="utf-8")
    fb.generate(spec, output=folder / "voice")


def test_a_telephone_lets_through_its_band_alone() -> None:
    rng = np.random.default_rng(1)
    hum, tone, hiss = (
        np.sin(2 * np.pi * f * np.arange(22_050) / 22_050) for f in (100, 1_000, 6_000)
    )
    heard = worn(0.2 * (hum + tone + hiss), Speech(text="x", telephone=True), rng, NATIVE)
    power = np.abs(np.fft.rfft(heard)) / len(heard)
    assert power[1_000] == pytest.approx(0.1, rel=0.01)
    assert power[100] < 1e-6
    assert power[6_000] < 1e-6
    slower = worn(0.2 * tone, Speech(text="x", sample_rate=8_000), rng, NATIVE)
    assert len(slower) == 8_000
    assert np.abs(np.fft.rfft(slower)).argmax() == 1_000


def test_words_in_parts_and_words_in_one_go_are_all_there() -> None:
    text = "He has not 42 books."
    heard = [[0, 2, 0], [3, 3, 2_205], [11, 2, 4_410], [12, 1, 6_615], [14, 5, 8_820]]
    assert [each["word"] for each in words_of(text, heard, 1.0, NATIVE)] == [
        "He",
        "has not",
        "42",
        "books.",
    ]
    assert [each["start"] for each in words_of(text, heard, 1.0, NATIVE)] == [0.0, 0.1, 0.2, 0.4]
    assert words_of("", [], 0.0, NATIVE) == []
    assert len(encoded(np.zeros(0), 8_000, "wav")) == 44


def test_a_spec_without_its_text_is_refused(tmp_path: Path) -> None:
    spec = tmp_path / "calls.yaml"
    spec.write_text(CALLS.replace("text: note", "text: nots") % "", encoding="utf-8")
    with pytest.raises(SpecError, match="has no column `nots`") as caught:
        fb.validate(spec)
    assert "`note`" in str(caught.value)


def test_without_the_extra_its_name_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("fabula.media.speech.voices.find_spec", lambda _: None)
    with pytest.raises(PrerequisiteError, match="speech"):
        recorded(tmp_path / "run")
