"""Pictures by a model behind an endpoint: asked, checked, asked again, kept, counted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import fabula as fb
from fabula.errors import BudgetReached, ModelError, PartialRunError, SpecError, UsageError
from fabula.testing.media import flat_png
from fabula.testing.replies import Reply, failed
from fabula.testing.server import ChatServer

SPEC = """
fabula: 1
name: shop
seed: 2
tables:
  makers:
    n: 2
    columns:
      id: {kind: key}
      town: {kind: choice, values: [Ulm, Bath]}
  chairs:
    n: 6
    columns:
      id: {kind: key}
      maker_id: {kind: reference, to: makers}
      colour: {kind: choice, values: [red, blue]}
      photo:
        kind: image
        prompt: "A {{ colour }} chair from {{ maker_id.town }}."
        model: openai:gpt-image-1
        size: 64x32%s
"""


@pytest.fixture
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FABULA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("OPENAI_API_KEY", "key")
    (tmp_path / "shop.yaml").write_text(SPEC % "", encoding="utf-8")
    return tmp_path / "shop.yaml"


def truth_of(run: Path) -> list[dict[str, Any]]:
    text = (run / "media/chairs/photo/truth-00000.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def test_each_row_has_a_picture_of_its_prompt_that_is_paid_for_once(
    spec: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ChatServer() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        made = fb.generate(spec, output=tmp_path / "run", workers=2)
        assert len(server.calls) == 6
        assert {call.path for call in server.calls} == {"/v1/images/generations"}
        assert all(call.body["size"] == "64x32" for call in server.calls)
        rows = made.to_arrow("chairs").to_pylist()
        towns = {row["id"]: row["town"] for row in made.to_arrow("makers").to_pylist()}
        told = truth_of(tmp_path / "run")
        for row, record in zip(rows, told, strict=True):
            assert record["prompt"] == f"A {row['colour']} chair from {towns[row['maker_id']]}."
            (file,) = record["files"]
            assert file["path"] == row["photo"]
            with Image.open(tmp_path / "run" / row["photo"]) as picture:
                assert picture.size == (file["width"], file["height"]) == (64, 32)
        card = made.manifest["documents"]["chairs.photo"]
        assert (card["documents"], card["tries"], card["missing"]) == (6, 6, 0)
        again = fb.generate(spec, output=tmp_path / "again")
        assert len(server.calls) == 6
        assert truth_of(tmp_path / "again") == told
        assert again.to_arrow("chairs") == made.to_arrow("chairs")
    assert "openai:gpt-image-1" in str(fb.plan(spec).report())


def test_refused_and_broken_pictures_are_asked_again(
    spec: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults = [
        failed(400, "rejected by our safety system", error="moderation_blocked"),
        Reply(content=flat_png(64, 32, b"abc")[:50]),
        Reply(content=flat_png(32, 32, b"abc")),
        Reply(content=b"no picture"),
        Reply(body='{"data": [{"url": "http://192.0.2.1/a.png"}]}'),
        Reply(body='{"data": [{"b64_json": "%%%"}]}'),
    ]
    with ChatServer(faults) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        made = fb.generate(spec, output=tmp_path / "run")
        assert len(server.calls) == 12
    assert made.manifest["documents"]["chairs.photo"]["tries"] == 12
    assert sum(record["tries"] for record in truth_of(tmp_path / "run")) == 12


def test_what_no_try_brings_is_told_and_the_same_command_asks_again(
    spec: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = True

    def script(call: Any) -> Reply | None:
        refused = blocked and "blue" in call.prompt
        return failed(400, "content policy violation") if refused else None

    with ChatServer(script) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        with pytest.raises(PartialRunError) as caught:
            fb.generate(spec, output=tmp_path / "run")
        blue = sum("blue" in record["prompt"] for record in truth_of(tmp_path / "run"))
        assert 0 < blue < 6
        assert f"{blue} of 6 files of `chairs.photo` were not made" in caught.value.message
        assert "refused" in caught.value.message
        assert len(server.calls) == 6 - blue + 3 * blue
        accepted = fb.generate(spec, output=tmp_path / "run", max_rejects=blue)
        assert accepted.manifest["documents"]["chairs.photo"]["missing"] == blue
        blocked = False
        before = len(server.calls)
        whole = fb.generate(spec, output=tmp_path / "run")
        assert len(server.calls) == before + blue
        assert whole.manifest["documents"]["chairs.photo"]["missing"] == 0


def test_a_budget_counts_pictures(
    spec: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ChatServer() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        with pytest.raises(BudgetReached):
            fb.generate(spec, output=tmp_path / "run", max_calls=4)
        assert len(server.calls) == 4
        fb.generate(spec, output=tmp_path / "run")
        assert len(server.calls) == 6
        with pytest.raises(UsageError, match="price"):
            fb.generate(spec, output=tmp_path / "other", max_cost=1, fresh=True)


def test_fields_that_an_endpoint_does_not_know_are_left_out(
    spec: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = ("response_format", "output_format")
    with ChatServer(refuse_parameters=refused) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        fb.generate(spec, output=tmp_path / "run")
        assert set(server.calls[-1].body) == {"model", "prompt", "size", "n"}
    with ChatServer(refuse_parameters=("size",)) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        with pytest.raises(ModelError, match="makes no pictures of this request"):
            fb.generate(spec, output=tmp_path / "other", fresh=True)


def test_gemini_and_another_format(spec: Path, tmp_path: Path) -> None:
    text = SPEC % ", format: jpg"
    text = text.replace("size: 64x32,", "retries: 0,").replace("openai:gpt-image-1", "g")
    text = text.replace("retries: 0, format: jpg", "retries: 0\n        format: jpg")
    with ChatServer() as server:
        text += f"""models:
  g: {{provider: gemini, name: gemini-2.5-flash-image, base_url: "{server.url}"}}
"""
        spec.write_text(text, encoding="utf-8")
        fb.generate(spec, output=tmp_path / "run")
        assert server.calls[0].body["model"] == "gemini-2.5-flash-image"
    record = truth_of(tmp_path / "run")[0]
    assert record["received"] == "PNG"
    with Image.open(tmp_path / "run" / record["files"][0]["path"]) as picture:
        assert picture.format == "JPEG"


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("{{ colour }}", "{{ color }}", "spec.unknown-column"),
        ("{{ colour }}", "{{ colour", "spec.bad-template"),
        ("values: [red, blue]}", "values: [red, blue], drop: true}", "spec.unknown-column"),
        ("size: 64x32", "size: 64", "spec.wrong-type"),
    ],
)
def test_a_prompt_that_does_not_fit_is_refused(
    spec: Path, tmp_path: Path, old: str, new: str, code: str
) -> None:
    spec.write_text((SPEC % "").replace(old, new), encoding="utf-8")
    with pytest.raises(SpecError) as caught:
        fb.generate(spec, output=tmp_path / "run")
    assert code in {each.code for each in caught.value.violations}
