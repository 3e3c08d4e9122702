"""Videos: documents worn over time and rows over time, with the labels of each frame."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import fabula as fb
from fabula.errors import (
    BudgetReached,
    PartialRunError,
    SinkError,
    SourceError,
    SpecError,
    UsageError,
)
from fabula.media.probing import facts_of
from fabula.testing.media import pattern_mp4
from fabula.testing.replies import Reply, failed
from fabula.testing.server import ChatServer

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


CLIPS = """
fabula: 1
name: streets
seed: 4
models:
  camera: {provider: openai, name: wan, base_url: "%s", price_per_file: 0.2}
tables:
  towns:
    n: 2
    columns:
      id: {kind: key}
      town: {kind: choice, values: [Ulm, Bath]}
      clip:
        kind: video
        prompt: "A street in {{ town }}."
        model: camera
        size: 64x32
        seconds: 1
"""


@pytest.fixture
def clips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FABULA_HOME", str(tmp_path / "home"))
    return tmp_path / "streets.yaml"


def truth_of(run: Path) -> list[dict[str, object]]:
    text = (run / "media/towns/clip/truth-00000.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def test_clips_of_a_model_are_begun_asked_about_fetched_and_paid_for_once(
    clips: Path, tmp_path: Path
) -> None:
    with ChatServer() as server:
        clips.write_text(CLIPS % server.url, encoding="utf-8")
        made = fb.generate(clips, output=tmp_path / "run")
        assert {call.path for call in server.calls} == {"/v1/videos"}
        assert server.calls[0].body["seconds"] == "1"
        fb.generate(clips, output=tmp_path / "again")
        assert len(server.calls) == 2
        with pytest.raises(BudgetReached):
            fb.generate(clips, output=tmp_path / "dear", max_cost=0.3, seed=5)
    for row, told in zip(made.to_dicts("towns"), truth_of(tmp_path / "run"), strict=True):
        assert told["prompt"] == f"A street in {row['town']}."
        facts = facts_of(tmp_path / "run" / row["clip"])
        assert (facts.width, facts.height, facts.seconds) == (64, 32, 1)
    assert (tmp_path / "again" / row["clip"]).read_bytes() == (
        tmp_path / "run" / row["clip"]
    ).read_bytes()
    (calls,) = fb.plan(clips).calls
    assert calls.cost == pytest.approx((0.4, 1.2))


def test_clips_that_fail_or_are_broken_are_asked_again_and_servers_of_forms_get_forms(
    clips: Path, tmp_path: Path
) -> None:
    job = '{"id": "a", "status": "failed", "error": {"code": "moderation", "message": "a face"}}'
    faults = [
        Reply(body=job),
        Reply(content=b"no clip"),
        Reply(content=pattern_mp4("32x32", 1, bytes(32))),
        Reply(content=pattern_mp4("64x32", 3, bytes(32))),
    ]

    def script(call: object) -> Reply | None:
        is_form = "multipart" in call.headers["Content-Type"]  # type: ignore[attr-defined]
        if not is_form:
            return failed(422, "Field required: prompt")
        return faults.pop() if faults else None

    with ChatServer(script) as server:
        clips.write_text(CLIPS % server.url, encoding="utf-8")
        fb.generate(clips, output=tmp_path / "run")
        forms = [call for call in server.calls if "multipart" in call.headers["Content-Type"]]
    assert len(forms) == 6
    assert len(server.calls) <= 8  # JSON is tried once by each of two rows
    assert forms[-1].body == {
        "model": "wan",
        "prompt": forms[-1].prompt,
        "seconds": "1",
        "size": "64x32",
    }
    assert sum(int(str(told["tries"])) for told in truth_of(tmp_path / "run")) == 6
    with ChatServer(lambda _: Reply(body=job)) as server:
        clips.write_text(CLIPS % server.url, encoding="utf-8")
        with pytest.raises(PartialRunError, match="failed: a face"):
            fb.generate(clips, output=tmp_path / "none")


def test_the_fake_model_draws_clips(clips: Path, tmp_path: Path) -> None:
    clips.write_text(CLIPS % "http://127.0.0.1:9", encoding="utf-8")
    one, two = (
        fb.generate(clips, output=tmp_path / name, model="fake", workers=workers)
        for name, workers in (("one", 1), ("two", 2))
    )
    assert one.manifest["fake"]
    assert truth_of(tmp_path / "one") == truth_of(tmp_path / "two")
    assert len({file["clip"] for file in two.to_dicts("towns")}) == 2


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("model: camera\n", "model: camera\n        of: town\n", "either `of` or `prompt`"),
        ("        model: camera\n", "", "which model makes the clip"),
        ("seconds: 1", "fps: 4", "`fps` does not go with `prompt`"),
        ("{{ town }}", "{{ twn }}", "twn"),
    ],
)
def test_a_clip_that_does_not_fit_is_refused(
    clips: Path, tmp_path: Path, old: str, new: str, told: str
) -> None:
    clips.write_text((CLIPS % "http://127.0.0.1:9").replace(old, new), encoding="utf-8")
    with pytest.raises(SpecError, match=told):
        fb.generate(clips, output=tmp_path / "run")
