"""Videos: documents worn over time and rows over time, with the labels of each frame."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import fabula as fb
from fabula.errors import SinkError, SourceError, SpecError, UsageError
from fabula.media.probing import facts_of

av = pytest.importorskip("av", reason="needs the extra `video`")
pytest.importorskip("typst", reason="needs the extra `media`")

CARDS = """
fabula: 1
name: cards
seed: 4
tables:
  people:
    n: 2
    columns:
      id: {kind: key}
      name: {kind: person, field: name}
      film: {kind: video, of: card, seconds: 0.5, fps: 8, severity: [0, 0.6]}
      card: {kind: document, template: id_card, format: [%s], fields: {name: name}}
    checks:
      - {kind: readable, column: film}
      - {kind: min_duration, column: film, seconds: 0.5}
"""


def test_a_document_is_worn_from_frame_to_frame_and_its_boxes_follow(tmp_path: Path) -> None:
    (tmp_path / "cards.yaml").write_text(CARDS % "png", encoding="utf-8")
    made = fb.generate(tmp_path / "cards.yaml", output=tmp_path / "run")
    assert made.checks.passed
    paths = made.to_arrow().column("film").to_pylist()
    for path in paths:
        film = tmp_path / "run" / path
        facts = facts_of(film)
        assert facts.seconds == 0.5
        lines = film.with_suffix(".jsonl").read_text(encoding="utf-8").splitlines()
        told = [json.loads(line) for line in lines]
        assert [each["second"] for each in told] == [0, 0.125, 0.25, 0.375]
        assert [each["severity"] for each in told] == [0, 0.2, 0.4, 0.6]
        assert all(each["boxes"] for each in told)
        assert told[0]["boxes"] != told[3]["boxes"]
        with av.open(str(film)) as file:
            drawn = [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)]
        assert len(drawn) == 4
        assert drawn[0].shape[:2] == (facts.height, facts.width)
        assert (drawn[0] != drawn[3]).mean() > 0.2
    fb.generate(tmp_path / "cards.yaml", output=tmp_path / "again", workers=2)
    for path in paths:
        assert (tmp_path / "run" / path).read_bytes() == (tmp_path / "again" / path).read_bytes()


def test_a_video_of_what_has_no_pictures_is_refused(tmp_path: Path) -> None:
    for text in (CARDS % "pdf", CARDS % "jpg", (CARDS % "png").replace("of: card", "of: id")):
        (tmp_path / "cards.yaml").write_text(text, encoding="utf-8")
        with pytest.raises(SpecError):
            fb.generate(tmp_path / "cards.yaml", output=tmp_path / "run")


def test_rows_over_time_become_a_film_with_a_label_for_each_dot(tmp_path: Path) -> None:
    rows = [
        {"step": step, "x": float(agent), "y": float(step * agent), "state": state}
        for step in range(5)
        for agent, state in enumerate(["well", "ill", "well"])
    ]
    assert fb.film(rows, tmp_path / "a.mp4", time="step", x="x", y="y", label="state") == 5
    assert facts_of(tmp_path / "a.mp4").seconds == 0.5
    told = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text().splitlines()]
    assert [each["time"] for each in told] == list(range(5))
    assert all(each["counts"] == {"well": 2, "ill": 1} for each in told)
    with av.open(str(tmp_path / "a.mp4")) as file:
        frames = [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)]
    for frame, each in zip(frames, told, strict=True):
        for across, down, _ in each["dots"]:
            assert frame[down, across].max() < 225  # a dot, not the white around it
    with pytest.raises(SinkError):
        fb.film(rows, tmp_path / "a.mp4", time="step", x="x", y="y")
    with pytest.raises(UsageError):
        fb.film(rows, tmp_path / "a.avi", time="step", x="x", y="y")
    with pytest.raises(SourceError, match="no numbers"):
        fb.film(rows, tmp_path / "b.mp4", time="step", x="state", y="y")
