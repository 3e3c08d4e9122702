"""Pictures by a model behind an endpoint: asked, checked, asked again, kept, counted."""

from __future__ import annotations

import json
import wave
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import fabula as fb
from fabula.errors import BudgetReached, ModelError, PartialRunError, SpecError, UsageError
from fabula.llm.providers.catalogue import open_model
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


PNG = flat_png(32, 32, b"abc")


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
  g: {{provider: gemini, name: gemini-2.5-flash-image, base_url: "{server.root}/v1beta/openai"}}
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


def test_the_fake_model_draws_and_speaks_in_place_of_the_models_of_a_spec(
    spec: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    call = (
        "\n      call: {kind: speech, text: colour, model: openai:gpt-4o-mini-tts, voice: alloy}\n"
    )
    spec.write_text((SPEC % "").rstrip() + call, encoding="utf-8")
    one, two = (
        fb.generate(spec, output=tmp_path / name, model="fake", workers=workers)
        for name, workers in (("one", 1), ("two", 2))
    )
    assert one.manifest["fake"]
    assert not (tmp_path / "home").exists()  # nothing is kept of what nobody paid for
    pictures = [each["files"][0] for each in truth_of(tmp_path / "one")]
    assert truth_of(tmp_path / "two") == truth_of(tmp_path / "one")
    assert len({each["sha256"] for each in pictures}) == 6
    assert {(each["width"], each["height"]) for each in pictures} == {(64, 32)}
    for row in two.to_dicts("chairs"):
        with wave.open(str(tmp_path / "two" / row["call"])) as file:
            assert file.getnframes() / file.getframerate() == pytest.approx(1 / 3, abs=0.01)
    card = one.explain(0, "chairs").report()
    assert "image by fake (a fake model)" in card
    assert pictures[0]["sha256"] in card


def test_another_model_of_texts_leaves_the_model_of_pictures(spec: Path) -> None:
    asked = {call.model for call in fb.plan(spec, model="openai:gpt-4o-mini").calls}
    assert asked == {"openai:gpt-image-1"}


def test_money_is_limited_once_the_spec_says_what_a_picture_costs(
    spec: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ChatServer() as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        with pytest.raises(UsageError) as caught:
            fb.generate(spec, output=tmp_path / "unknown", max_cost=1)
        assert "price_per_file: 0.04" in str(caught.value.hint)
        priced = "models:\n  g: {provider: openai, name: gpt-image-1, price_per_file: 0.04}\n"
        spec.write_text(priced + (SPEC % "").replace("openai:gpt-image-1", "g"), encoding="utf-8")
        with pytest.raises(BudgetReached, match="max_cost"):
            fb.generate(spec, output=tmp_path / "run", max_cost=0.17)
        assert len(server.calls) == 4
        made = fb.generate(spec, output=tmp_path / "run", max_cost=0.08)
        assert len(server.calls) == 6
    (calls,) = fb.plan(spec).calls
    assert calls.cost == (pytest.approx(0.24), pytest.approx(0.72))
    card = made.explain(1, "chairs").report()
    record = truth_of(tmp_path / "run")[1]
    for told in (f"user: {record['prompt']}", "0.04 USD", record["files"][0]["sha256"]):
        assert told in card


def test_a_price_of_pictures_is_refused_for_a_model_of_texts() -> None:
    with pytest.raises(UsageError, match="it is asked for texts"):
        open_model("openai:gpt-4o-mini?price_per_file=0.04")


GEMINI = """models:
  g: {provider: gemini, name: %s, base_url: "%s/v1beta", api_key_env: GEMINI_API_KEY}
"""


@pytest.mark.parametrize("name", ["gemini-2.5-flash-image", "imagen-4.0-generate-001"])
def test_geminis_own_api_is_asked_and_its_refusals_are_told(
    spec: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", "secret-key")
    text = (
        (SPEC % "\n        quality: 1K")
        .replace("64x32", "32x32")
        .replace("openai:gpt-image-1", "g")
    )
    refused = {
        "gemini-2.5-flash-image": '{"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}',
        "imagen-4.0-generate-001": '{"predictions": [{"raiFilteredReason": "a face"}]}',
    }
    faults = [
        Reply(body=refused[name]),
        Reply(body="{}"),
        Reply(body='{"candidates": [{"finishReason": "IMAGE_SAFETY", "content": {}}]}'),
        Reply(body='{"candidates": 3}'),
        failed(400, "Unknown name 'imageSize', 'sampleImageSize': Cannot find field."),
    ]
    with ChatServer(lambda _: faults.pop() if faults else Reply(content=PNG)) as server:
        spec.write_text(GEMINI % (name, server.root) + text, encoding="utf-8")
        fb.generate(spec, output=tmp_path / "run")
    last = server.calls[-1]
    verb = "predict" if name.startswith("imagen") else "generateContent"
    assert last.path == f"/v1beta/models/{name}:{verb}"
    assert (last.headers["x-goog-api-key"], last.headers.get("Authorization")) == (
        "secret-key",
        None,
    )
    assert "'aspectRatio': '1:1'" in str(last.body)
    assert "1K" in str(server.calls[0].body)
    assert "1K" not in str(last.body)
    told = truth_of(tmp_path / "run")
    assert {record["prompt"] for record in told} >= {last.prompt}
    assert len(server.calls) == 11
    assert not faults


def test_a_picture_that_gemini_refuses_is_missing_with_its_reason(
    spec: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", "secret-key")
    text = (SPEC % "").replace("size: 64x32", "retries: 0").replace("openai:gpt-image-1", "g")
    blocked = Reply(body='{"candidates": [{"finishReason": "IMAGE_SAFETY"}]}')
    with ChatServer(lambda _: blocked) as server:
        spec.write_text(GEMINI % ("gemini-2.5-flash-image", server.root) + text, encoding="utf-8")
        with pytest.raises(PartialRunError, match="refused: IMAGE_SAFETY"):
            fb.generate(spec, output=tmp_path / "run")
    assert len(server.calls) == 6
