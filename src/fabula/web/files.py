"""Files that rows point at: pictures, sound and documents, typed by what they hold."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

from fabula.errors import PrerequisiteError, SourceError, UsageError

_MOST_BYTES = 64 << 20
_LONGEST = 1_000
_STARTS = (
    (b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"GIF8", "image/gif"),
    (b"OggS", "audio/ogg"), (b"fLaC", "audio/flac"), (b"ID3", "audio/mpeg"),
    (b"\xff\xfb", "audio/mpeg"), (b"\xff\xf3", "audio/mpeg"), (b"%PDF-", "application/pdf"),
)  # fmt: skip
_RIFF = {b"WEBP": "image/webp", b"WAVE": "audio/wav"}
Kind = Literal["image", "audio", "video", "text", "other"]
_PDF = "application/pdf"


@dataclass(frozen=True)
class ShownFile:
    """A file as it is sent: what it holds, of which type, and whether it is shown or saved."""

    content: bytes
    content_type: str
    name: str

    @property
    def kind(self) -> Kind:
        """How a page shows it."""
        start = self.content_type.partition("/")[0]
        return start if start in ("image", "audio", "video", "text") else "other"  # type: ignore[return-value]

    @property
    def disposition(self) -> str:
        """Whether the browser shows it or saves it."""
        way = "attachment" if self.kind == "other" else "inline"
        return f"{way}; filename*=UTF-8''{quote(self.name, safe='')}"


def file_of(folder: Path, value: Any) -> Path | None:
    """The file in a folder that a value names, as `pictures/1.png`; None where it names none.

    Links that lead out of the folder name nothing.
    """
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST or "\0" in value:
        return None
    root = folder.resolve()
    try:
        place = (root / value).resolve()
        return place if place.is_relative_to(root) and place.is_file() else None
    except (OSError, ValueError):
        return None


def shown(path: Path) -> ShownFile:
    """A file with its type, which its first bytes tell and never its name.

    Raises:
        UsageError: It is too large to show.
        SourceError: It can't be read.
    """
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise UsageError(f"`{path.name}` is larger than {_MOST_BYTES >> 20} MB",
                             code="view.too-large", hint=f"open it yourself: `{path}`")  # fmt: skip
        content = path.read_bytes()
    except OSError as exc:
        raise SourceError(f"`{path}` can't be read: {exc}", code="source.unreadable") from exc
    return ShownFile(content, _type(content), path.name)


def has_thumbnail(file: ShownFile) -> bool:
    """Whether a file has a first page; it is opened and not drawn."""
    if file.content_type != _PDF:
        return False
    from fabula.media.typesetting import page_sizes  # PDFs are rare, and their library is an extra

    try:
        return bool(page_sizes(file.content))
    except (PrerequisiteError, RuntimeError):  # what PDFium raises for damaged files
        return False


def thumbnail(file: ShownFile) -> ShownFile | None:
    """The first page of a PDF as a picture; None of other files, and where it can't be drawn."""
    if file.content_type != _PDF:
        return None
    from fabula.media.typesetting import first_page  # as above

    try:
        return ShownFile(first_page(file.content), "image/png", f"{file.name}.png")
    except (PrerequisiteError, RuntimeError):
        return None


def _type(content: bytes) -> str:
    for start, kind in _STARTS:
        if content.startswith(start):
            return kind
    if content[:4] == b"RIFF" and content[8:12] in _RIFF:
        return _RIFF[content[8:12]]
    if content[4:8] == b"ftyp":
        return "video/mp4"
    try:
        text = content[: 1 << 16].decode("utf-8", "strict" if len(content) <= 1 << 16 else "ignore")
    except ValueError:
        return "application/octet-stream"
    return "application/octet-stream" if "\0" in text else "text/plain"
