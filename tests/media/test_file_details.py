"""Columns that say what the files of a row are: digest and sizes, once the files are made."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

import fabula as fb
from fabula.cli.main import main
from fabula.errors import PartialRunError, SpecError
from fabula.runs.part_files import PartFiles
from fabula.testing.replies import failed
from fabula.testing.server import ChatServer

pytest.importorskip("PIL", reason="needs the extra `media`")

SPEC = """
fabula: 1
name: shop
seed: 2
tables:
  chairs:
    n: 8
    columns:
      id: {kind: key}
      colour: {kind: choice, values: ["=red", blue, null]}
      weight: {kind: normal, mean: 3, std: 1}
      made_on: {kind: datetime, start: 2025-01-01, end: 2025-03-01, date: true}
      photo: {kind: image, prompt: "A {{ colour }} chair.", model: fake, size: 64x32}
      photo_sha256: {kind: file_detail, of: photo}
      photo_bytes: {kind: file_detail, of: photo, detail: bytes}
      photo_width: {kind: file_detail, of: photo, detail: width}
      call: {kind: speech, text: colour, model: fake, voice: alloy, nulls: 0.3}
      call_seconds: {kind: file_detail, of: call, detail: seconds}
"""


ROW_CHECK = "{kind: row, sql: photo_width > 3}"


@pytest.fixture
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FABULA_HOME", str(tmp_path / "home"))
    (tmp_path / "shop.yaml").write_text(SPEC, encoding="utf-8")
    return tmp_path / "shop.yaml"


def test_rows_say_what_their_files_are_in_every_format(spec: Path, tmp_path: Path) -> None:
    whole: list[dict[str, Any]] = []
    for form in ("parquet", "csv", "jsonl"):
        folder = tmp_path / form
        made = fb.generate(spec, output=folder, format=form, escape_formulas=form == "csv")
        rows = made.to_dicts()
        for row in rows:
            content = (folder / row["photo"]).read_bytes()
            assert row["photo_sha256"] == hashlib.sha256(content).hexdigest()
            assert (row["photo_bytes"], row["photo_width"]) == (len(content), 64)
            assert (row["call_seconds"] is None) == (row["call"] is None)
        assert len({row["call_seconds"] for row in rows}) > 1
        assert made.schema.field("photo_width").type == "int64"
        told = made.manifest["tables"]["chairs"]["files"]
        for file in told:
            content = (folder / file["path"]).read_bytes()
            assert hashlib.sha256(content).hexdigest() == file["sha256"]
        if form == "csv":
            assert "'=red" in (folder / "chairs.csv").read_text(encoding="utf-8")
            assert "''=" not in (folder / "chairs.csv").read_text(encoding="utf-8")
            continue
        whole = whole or rows
        assert "file_detail, seed" not in made.explain(0).report()
        assert rows == whole
        again = fb.generate(spec, output=folder, format=form)
        assert again.to_dicts() == whole


def test_a_run_that_ends_while_details_are_filled_goes_on(
    spec: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = fb.generate(spec, output=tmp_path / "whole").to_arrow()
    rewrite = PartFiles.rewrite

    def ends(*given: Any) -> Any:
        rewrite(*given)  # the file has its name, and no record
        raise OSError("the machine stopped")

    monkeypatch.setattr(PartFiles, "rewrite", ends)
    with pytest.raises(OSError, match="stopped"):
        fb.generate(spec, output=tmp_path / "run")
    monkeypatch.setattr(PartFiles, "rewrite", rewrite)
    assert fb.generate(spec, output=tmp_path / "run").to_arrow() == whole
    assert (tmp_path / "run/chairs.parquet").read_bytes() == (
        tmp_path / "whole/chairs.parquet"
    ).read_bytes()


def test_what_was_not_made_has_no_details(
    spec: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "key")
    text = SPEC.replace("model: fake, size", "model: openai:painter, retries: 0, size")
    spec.write_text(text, encoding="utf-8")
    blocked = True

    def script(call: Any) -> Any:
        return (
            failed(400, "content policy violation") if blocked and "blue" in call.prompt else None
        )

    with ChatServer(script) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        with pytest.raises(PartialRunError):
            fb.generate(spec, output=tmp_path / "run")
        lost = fb.generate(spec, output=tmp_path / "run", max_rejects=8).to_dicts()
        assert {row["photo_width"] for row in lost if row["colour"] == "blue"} == {None}
        assert {row["photo_width"] for row in lost if row["colour"] != "blue"} == {64}
        blocked = False
        found = fb.generate(spec, output=tmp_path / "run").to_dicts()
        assert {row["photo_width"] for row in found} == {64}


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("of: photo}", "of: photos}", "spec.unknown-column"),
        ("of: photo}", "of: colour}", "spec.wrong-type"),
        ("detail: width", "detail: seconds", "spec.bad-value"),
        ("of: photo}", "of: photo, nulls: 0.5}", "spec.bad-key"),
        (
            "{kind: normal, mean: 3, std: 1}",
            "{kind: expr, sql: photo_width}",
            "spec.too-early",
        ),
        (
            "    n: 8\n",
            "    n: 8\n    checks: [{kind: row, sql: photo_width > 3}]\n",
            "spec.too-early",
        ),
        ("    n: 8\n", "    n: 8\n    unique: [[id, photo_width]]\n", "spec.too-early"),
        ("A {{ colour }} chair", "A {{ photo_width }} chair", "spec.too-early"),
    ],
)
def test_details_that_nothing_could_follow_from_are_refused(
    spec: Path, old: str, new: str, code: str
) -> None:
    spec.write_text(SPEC.replace(old, new), encoding="utf-8")
    with pytest.raises(SpecError) as caught:
        fb.validate(spec)
    assert code in {each.code for each in caught.value.violations}


def test_a_run_in_shares_has_its_files_and_their_details_when_it_is_merged(
    spec: Path, tmp_path: Path
) -> None:
    whole = fb.generate(spec, output=tmp_path / "whole").to_arrow()
    for share in ("1/2", "2/2"):
        assert main(["generate", str(spec), "-o", str(tmp_path / "run"), "--blocks", share]) == 0
    assert main(["merge", str(tmp_path / "run")]) == 0
    assert fb.Dataset.open(tmp_path / "run").to_arrow() == whole
