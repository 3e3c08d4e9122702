"""What a file is, read back from the disk: whether it opens, its sizes, its duration, its text."""

from __future__ import annotations

import email
import html
import io
import re
import wave
import zipfile
from dataclasses import dataclass
from email.policy import default
from pathlib import Path
from typing import Any

from fabula.extras import missing_extra
from fabula.media.typesetting import page_sizes, text_of

_PICTURES = {"png": "PNG", "jpg": "JPEG", "jpeg": "JPEG"}
_ZIPPED = {"docx": "word/document.xml", "xlsx": "xl/workbook.xml"}
_SOUND = ("flac", "mp3")
TEXTUAL = ("pdf", "html", "eml", "docx", "xlsx")
"""Endings of files whose text can be read."""


class UnreadableError(ValueError):
    """Why a file can't be read as what its ending says."""


@dataclass(frozen=True)
class FileFacts:
    """What a file is.

    Attributes:
        bytes: Its size.
        width: Of a picture or video, in pixels.
        height: The same.
        pages: Of a PDF.
        seconds: Of sound and video.
    """

    bytes: int
    width: int | None = None
    height: int | None = None
    pages: int | None = None
    seconds: float | None = None


def facts_of(path: Path) -> FileFacts:
    """What a file is, read from its first byte to its last.

    Raises:
        UnreadableError: It is not what its ending says, or damaged.
        PrerequisiteError: The extra that reads such files is missing.
    """
    content, ending = _content(path), path.suffix[1:].lower()
    size = len(content)
    try:
        if ending == "pdf":
            return FileFacts(size, pages=len(page_sizes(content)))
        if ending in _PICTURES:
            form, sides = picture_of(content)
            if form != _PICTURES[ending]:
                raise ValueError(f"it contains a picture of the form {form}")
            return FileFacts(size, *sides)
        if ending == "wav":
            return FileFacts(size, seconds=_wave_seconds(content))
        if ending in _SOUND:
            return FileFacts(size, seconds=_sound_seconds(content, ending))
        if ending == "mp4":
            return FileFacts(size, **video_of(content))
        if ending in _ZIPPED:
            _zipped(content, ending)
        elif ending in ("html", "eml"):
            content.decode("utf-8")
    except (ValueError, OSError, RuntimeError, EOFError, zipfile.BadZipFile, wave.Error) as exc:
        raise UnreadableError(f"is not a whole {ending.upper()} file: {exc}") from exc
    return FileFacts(size)


def text_in(path: Path) -> str:
    """The text of a file; see `TEXTUAL`.

    Raises:
        UnreadableError: It has none, or is damaged.
        PrerequisiteError: The extra that reads such files is missing.
    """
    content, ending = _content(path), path.suffix[1:].lower()
    try:
        if ending == "pdf":
            return "".join(text_of(content))
        if ending == "html":
            return _of_markup(content.decode("utf-8"))
        if ending == "eml":
            body = email.message_from_bytes(content, policy=default)
            told = [str(value) for value in body.values()]
            for part in body.walk():
                if part.get_content_maintype() == "text":
                    text = part.get_content()
                    told.append(_of_markup(text) if part.get_content_subtype() == "html" else text)
            return "\n".join(told)
        if ending in _ZIPPED:
            with zipfile.ZipFile(io.BytesIO(content)) as file:
                names = [name for name in file.namelist() if name.endswith(".xml")]
                return "\n".join(_of_markup(file.read(name).decode("utf-8")) for name in names)
    except (ValueError, RuntimeError, LookupError, zipfile.BadZipFile) as exc:
        raise UnreadableError(f"is not a whole {ending.upper()} file: {exc}") from exc
    raise UnreadableError(f"has no text that can be read ({ending or 'no ending'})")


def _content(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as exc:
        raise UnreadableError(f"can't be opened: {exc.strerror or exc}") from exc
    if not content:
        raise UnreadableError("is empty")
    return content


def _of_markup(text: str) -> str:
    """Text of HTML or XML without its tags."""
    text = re.sub(r"(?is)<(style|script)\b.*?</\1\s*>", "", text)
    return html.unescape(re.sub(r"<[^>]*>", "", text))


def picture_of(content: bytes) -> tuple[str, tuple[int, int]]:
    """The form of a picture, such as `PNG`, and its width and height, once all of it is read.

    Raises:
        UnreadableError: It is broken.
    """
    try:
        from PIL import Image
    except ImportError as exc:
        raise missing_extra(exc, needed_by="reading pictures") or exc from exc
    try:
        with Image.open(io.BytesIO(content)) as picture:
            picture.load()
            return str(picture.format), picture.size
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as exc:
        raise UnreadableError(f"can't be read: {exc}") from exc


def _wave_seconds(content: bytes) -> float:
    with wave.open(io.BytesIO(content)) as file:
        count = file.getnframes()
        if len(file.readframes(count)) != count * file.getsampwidth() * file.getnchannels():
            raise ValueError("samples are missing at its end")
        return float(count / file.getframerate())


def soundfile_module() -> Any:
    """The package that reads and writes FLAC and MP3.

    Raises:
        PrerequisiteError: The extra `speech` is missing.
    """
    try:
        import soundfile
    except ImportError as exc:
        raise missing_extra(exc, needed_by="FLAC and MP3") or exc from exc
    return soundfile


def _sound_seconds(content: bytes, ending: str) -> float:
    with soundfile_module().SoundFile(io.BytesIO(content)) as file:
        if file.format != ending.upper():
            raise ValueError(f"it contains sound of the form {file.format}")
        heard = sum(len(block) for block in file.blocks(1 << 16))
        if ending == "flac" and heard != file.frames:
            raise ValueError("samples are missing at its end")
        return float(heard / file.samplerate)


def video_of(content: bytes) -> dict[str, Any]:
    """The width, height and seconds of a video, once all of it is read.

    Raises:
        UnreadableError: It is broken.
        PrerequisiteError: The extra `video` is missing.
    """
    try:
        import av
    except ImportError as exc:
        raise missing_extra(exc, needed_by="reading videos") or exc from exc
    try:
        with av.open(io.BytesIO(content), "r") as file:
            (stream,) = file.streams.video
            frames = sum(1 for _ in file.decode(stream))
            if not frames or stream.frames not in (0, frames):  # 0 where the file does not say
                raise ValueError(f"{frames} of {stream.frames} frames can be read")
            rate = stream.average_rate
            seconds = float(frames / rate) if rate else None
            return {"width": stream.width, "height": stream.height, "seconds": seconds}
    except (OSError, ValueError, RuntimeError, EOFError) as exc:
        raise UnreadableError(f"is not a whole video: {exc}") from exc


def _zipped(content: bytes, ending: str) -> None:
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        if damaged := file.testzip():
            raise ValueError(f"{damaged} is damaged")
        if _ZIPPED[ending] not in file.namelist():
            raise ValueError(f"{_ZIPPED[ending]} is missing")
