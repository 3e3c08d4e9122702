"""Checks of the files that columns name: whether they open, their sizes, texts and durations."""

from __future__ import annotations

import io
import wave
from pathlib import Path
from typing import Any

import pytest

import fabula as fb
from fabula.cli.main import main
from fabula.errors import CheckError, SpecError
from fabula.extras import missing_extra
from fabula.media.probing import UnreadableError, facts_of, text_in
from fabula.web.files import shown, thumbnail
from tests.web.test_view import opened, place

pytest.importorskip("typst", reason="needs the extra `media`")
Image = pytest.importorskip("PIL.Image", reason="needs the extra `media`")

LETTERS = """
fabula: 1
name: letters
seed: 4
tables:
  letters:
    n: 3
    columns:
      id: {kind: key}
      subject: {kind: choice, values: [Your order, Your visit]}
      body: {kind: constant, value: Thank you for your order.}
      letter: {kind: document, template: letter, format: [%s]}
    checks:
      - %s
"""


def results_of(folder: Path, check: str, form: str = "pdf") -> Any:
    spec = folder.parent / f"{folder.name}.yaml"
    spec.write_text(LETTERS % (form, check), encoding="utf-8")
    return fb.generate(spec, output=folder)


def test_checks_of_files_run_when_the_files_are_made(tmp_path: Path) -> None:
    checks = (
        "{kind: readable, column: letter}\n"
        "      - {kind: text_contains, column: letter, text: Thank you, columns: subject}\n"
        "      - {kind: size, column: letter, pages: 1, bytes: [500, 200000]}\n"
        "      - {kind: unique, columns: [id]}"
    )
    made = results_of(tmp_path / "run", checks)
    assert made.manifest["passed"]
    assert [each.kind for each in made.checks] == ["unique", "readable", "text_contains", "size"]
    assert [each.rows for each in made.checks][1:] == [3, 3, 3]
    found = fb.validate(tmp_path / "run.yaml", tmp_path / "run")
    assert found.passed
    assert len(found) == 6  # the key, and what it promises, too
    damaged = next((tmp_path / "run").glob("media/letters/letter/*/*1.pdf"))
    damaged.write_bytes(damaged.read_bytes()[:700])
    again = fb.validate(tmp_path / "run.yaml", tmp_path / "run")
    assert {each.kind for each in again.failed} == {"readable", "text_contains", "size"}
    assert again.failed[0].failing == 1
    assert again.failed[0].examples[0]["row"] == 1
    unknown = fb.validate(tmp_path / "run.yaml", made.to_arrow())
    assert "without the folder" in unknown.failed[0].message


@pytest.mark.parametrize(
    ("module", "extra"),
    [("PIL", "media"), ("docx", "media"), ("typst", "media"), ("soundfile", "speech")],
)
def test_a_missing_package_is_told_with_its_extra(module: str, extra: str) -> None:
    error = missing_extra(ModuleNotFoundError(name=module), needed_by="pictures")
    assert error is not None
    assert f"fabula[{extra}]" in str(error.hint)


@pytest.mark.parametrize(
    ("check", "form", "told"),
    [
        ("{kind: text_contains, column: letter, text: Goodbye}", "pdf", "lacks 'Goodbye'"),
        ("{kind: text_contains, column: letter, text: Goodbye}", "png", "has no text"),
        ("{kind: size, column: letter, pages: [2, 3]}", "pdf", "has pages 1"),
        ("{kind: size, column: letter, width: 5}", "pdf", "has no width"),
        ("{kind: min_duration, column: letter, seconds: 2}", "html", "has no duration"),
    ],
)
def test_a_broken_check_of_files_names_the_file_and_its_fault(
    tmp_path: Path, check: str, form: str, told: str
) -> None:
    with pytest.raises(CheckError) as caught:
        results_of(tmp_path / "run", check, form)
    assert told in caught.value.message
    assert f"0000000.{form}" in caught.value.message
    assert "fabula view" in str(caught.value.hint)


@pytest.mark.parametrize("form", ["docx", "html", "eml", "xlsx"])
def test_the_text_of_every_form_is_read(tmp_path: Path, form: str) -> None:
    check = (
        "{kind: text_contains, column: letter, text: Thank you for your order., columns: subject}"
    )
    assert results_of(tmp_path / "run", check, form).checks.passed


def test_a_check_of_files_on_another_column_or_with_a_repair_is_refused(tmp_path: Path) -> None:
    for check, code in (
        ("{kind: readable, column: body}", "spec.wrong-type"),
        ("{kind: readable, column: letter, repair: drop}", "spec.bad-value"),
        ("{kind: size, column: letter}", "spec.bad-value"),
        ("{kind: size, column: letter, pages: [3, 1]}", "spec.bad-value"),
    ):
        with pytest.raises(SpecError) as caught:
            results_of(tmp_path / "run", check)
        assert caught.value.violations[0].code == code
        assert not (tmp_path / "run").exists()


def test_files_that_are_not_what_they_say_are_unreadable(tmp_path: Path) -> None:
    picture = tmp_path / "a.png"
    Image.new("RGB", (30, 20), "red").save(picture)
    assert (facts_of(picture).width, facts_of(picture).height) == (30, 20)
    whole = picture.read_bytes()
    cases = {
        "cut.png": whole[:60],
        "other.jpg": whole,
        "empty.pdf": b"",
        "text.pdf": b"no pdf",
        "zip.docx": b"PK\x05\x06" + bytes(18),
        "no.xlsx": b"no zip",
        "latin.html": b"\xff\xfe\x00",
    }
    for name, content in cases.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UnreadableError):
            facts_of(tmp_path / name)
    sound = tmp_path / "a.wav"
    with wave.open(str(sound), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8_000)
        file.writeframes(bytes(8_000))
    assert facts_of(sound).seconds == 0.5
    sound.write_bytes(sound.read_bytes()[:-100])
    with pytest.raises(UnreadableError, match="samples are missing"):
        facts_of(sound)
    with pytest.raises(UnreadableError, match="no text"):
        text_in(sound)


def test_the_terminal_shows_a_picture_and_a_document(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = Image.new("L", (4, 4), 255)
    picture.paste(0, (0, 0, 2, 4))
    picture.save(tmp_path / "a.png")
    assert main(["show", str(tmp_path / "a.png")]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0].startswith("a.png · ")
    assert "4 x 4 pixels" in told[0]
    assert told[1:] == ["  ██", "  ██"]
    results_of(tmp_path / "run", "{kind: readable, column: letter}")
    letter = next((tmp_path / "run").glob("media/letters/letter/*/*0.pdf"))
    assert main(["show", str(letter), "--format", "json"]) == 0
    assert '"pages": 1' in capsys.readouterr().out
    assert main(["show", str(letter)]) == 0
    assert "Thank you for your order." in capsys.readouterr().out
    letter.write_bytes(b"%PDF-1.7")
    assert main(["show", str(letter)]) == 2


def test_the_page_shows_the_first_page_of_a_pdf(tmp_path: Path) -> None:
    results_of(tmp_path / "run", "{kind: readable, column: letter}")
    with fb.view(tmp_path / "run", open_browser=False) as page:
        get = opened(page)
        at = place(get)
        assert f"/{at}/file/letters/1/letter?thumbnail=1" in get(f"/{at}/row/letters/1")[1]
    letter = shown(next((tmp_path / "run").glob("media/letters/letter/*/*0.pdf")))
    drawn = thumbnail(letter)
    assert drawn is not None
    assert drawn.kind == "image"
    with Image.open(io.BytesIO(drawn.content)) as picture:
        assert picture.width == 500
