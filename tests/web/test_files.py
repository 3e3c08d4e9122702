"""Files that rows point at: shown by what they hold, from the run's folder alone."""

from __future__ import annotations

import http.client
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import fabula as fb
from fabula.web.files import file_of, shown
from tests.web.test_view import opened, place

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 60
KINDS = {
    "a.txt": (PNG, "image/png", "image"),
    "b.png": (b"<script>alert(1)</script>", "text/plain", "text"),
    "c.svg": (b"<svg onload='alert(1)'/>", "text/plain", "text"),
    "d.html": (b"<!doctype html><script>1</script>", "text/plain", "text"),
    "e.wav": (b"RIFF\x24\0\0\0WAVEfmt ", "audio/wav", "audio"),
    "f.pdf": (b"%PDF-1.7\n\xff", "application/pdf", "other"),
    "g.exe": (b"MZ\x90\x00\x03", "application/octet-stream", "other"),
    "h.txt": ("Grüße".encode(), "text/plain", "text"),
    "i.txt": (b"", "text/plain", "text"),
}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run whose rows name files, some of them elsewhere."""
    names = [*KINDS, "../secret.txt", "/etc/passwd", "link.txt", "manifest.json", "none.png"]
    values = ", ".join(f'"{name}"' for name in names)
    spec = f"""
fabula: 1
tables: {{files: {{n: {len(names)}, columns: {{file: {{kind: choice, values: [{values}],
  unique: true}}}}}}}}
"""
    fb.generate(spec, output=tmp_path / "run")
    for name, (content, _, _) in KINDS.items():
        (tmp_path / "run" / name).write_bytes(content)
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "run" / "link.txt").symlink_to(tmp_path / "secret.txt")
    return tmp_path / "run"


def test_files_are_typed_by_what_they_hold_and_never_by_their_names(run: Path) -> None:
    for name, (_, content_type, kind) in KINDS.items():
        file = shown(run / name)
        assert (file.content_type, file.kind) == (content_type, kind), name


def test_only_files_of_the_folder_are_found(run: Path) -> None:
    assert file_of(run, "b.png") == (run / "b.png").resolve()
    for value in ("../secret.txt", "/etc/passwd", "link.txt", ".", "", "a\0b", "x" * 5_000, 7, None,
                  "b.png/../../secret.txt", "..", "none.png"):  # fmt: skip
        assert file_of(run, value) is None, value


def test_the_first_page_of_a_pdf_is_drawn_once_for_a_card(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    typesetting = pytest.importorskip("fabula.media.typesetting", reason="needs the extra `media`")
    spec = """
fabula: 1
tables: {notes: {n: 2, columns: {id: {kind: key}, text: {kind: choice, values: [Hello]},
  note: {kind: document, template: letter}}}}
"""
    fb.generate(spec, output=tmp_path / "run")
    (tmp_path / "run/media/notes/note/00000/0000001.pdf").write_bytes(b"%PDF-1.7\nbroken")
    drawn, draw = [], typesetting.first_page
    monkeypatch.setattr(typesetting, "first_page", lambda pdf: drawn.append(pdf) or draw(pdf))
    with fb.view(tmp_path / "run", open_browser=False) as page:
        get = opened(page)
        at = place(get)
        text = get(f"/{at}/row/notes/1")[1]
        assert f"/{at}/file/notes/1/note?thumbnail=1" in text
        assert not drawn
        with pytest.raises(UnicodeDecodeError):  # it is a picture
            get(f"/{at}/file/notes/1/note?thumbnail=1")
        assert len(drawn) == 1
        assert "thumbnail=1" not in get(f"/{at}/row/notes/2")[1]


def test_a_file_that_is_sent_can_do_nothing(run: Path) -> None:
    rows = fb.Dataset.open(run)["file"].to_pylist()
    with fb.view(run, open_browser=False) as page:
        get = opened(page)
        at = place(get)
        token = urlsplit(page.url).query.removeprefix("token=")
        for number, name in enumerate(rows, 1):
            connection = http.client.HTTPConnection("127.0.0.1", page.port)
            cookie = {"Cookie": f"fabula-{page.port}={token}"}
            connection.request("GET", f"/{at}/file/files/{number}/file", headers=cookie)
            reply = connection.getresponse()
            content = reply.read()
            connection.close()
            if name in KINDS:
                assert content == KINDS[name][0]
                assert reply.headers["Content-Security-Policy"].startswith("sandbox; default-src")
                assert reply.headers["X-Content-Type-Options"] == "nosniff"
                assert "html" not in reply.headers["Content-Type"]
            elif name != "manifest.json":
                assert reply.status == 404
                assert b"secret" not in content
            status, text = get(f"/{at}/row/files/{number}")
            assert status == 200
            assert "<script>" not in text
            assert ("<img" in text) == (name == "a.txt")
            assert ("<audio" in text) == (name == "e.wav")
        for path in ("file/files/1", "file/files/99/file", "file/files/1/other", "file",
                     "file/files/1/..%2f..%2fsecret.txt"):  # fmt: skip
            assert get(f"/{at}/{path}")[0] == 404


def test_a_page_that_is_shown_as_it_is_runs_no_script(tmp_path: Path) -> None:
    """An HTML file from elsewhere could else ask the page to start runs."""
    (tmp_path / "report.html").write_text("<script>document.title = 'ran'</script>")
    with fb.view(tmp_path / "report.html", open_browser=False) as page:
        connection = http.client.HTTPConnection("127.0.0.1", page.port)
        token = urlsplit(page.url).query.removeprefix("token=")
        connection.request("GET", "/", headers={"Cookie": f"fabula-{page.port}={token}"})
        reply = connection.getresponse()
        assert reply.headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
        connection.close()
