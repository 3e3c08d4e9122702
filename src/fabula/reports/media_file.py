"""A picture, document, recording or video as the terminal shows it: its sizes, and a look at it."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path
from typing import Any

from fabula.errors import SourceError
from fabula.render import amounts

_PICTURES = ("png", "jpg", "jpeg")
_TEXTS = ("pdf", "docx", "eml")
_OTHERS = ("wav", "flac", "mp3", "mp4")
_COLUMNS = 60
_SHADES = "█▓▒░ "
_LINES = 8


def is_media(path: Path) -> bool:
    """Whether a file is a picture, document, recording or video by its ending."""
    ending = path.suffix[1:].lower()
    return ending in (*_PICTURES, *_TEXTS, *_OTHERS) and path.is_file()


def media_facts(path: Path) -> dict[str, Any]:
    """The path and the sizes of a file.

    Raises:
        SourceError: It is not what its ending says, or damaged.
        PrerequisiteError: The extra that reads such files is missing.
    """
    from fabula.media.probing import UnreadableError, facts_of

    try:
        facts = dataclasses.asdict(facts_of(path))
    except UnreadableError as exc:
        raise SourceError(
            f"`{path}` {exc}",
            code="source.unreadable",
            where=str(path),
            hint="make the file again",
        ) from exc
    return {
        "path": str(path),
        **{name: value for name, value in facts.items() if value is not None},
    }


def media_text(path: Path, facts: dict[str, Any]) -> str:
    """The sizes of a file in a line, and below it a picture in blocks, or its first lines."""
    told = [path.name, amounts.size(facts["bytes"])]
    if "width" in facts:
        told.append(f"{facts['width']} x {facts['height']} pixels")
    if "pages" in facts:
        told.append(amounts.count(facts["pages"], "page"))
    if "seconds" in facts:
        told.append(f"{facts['seconds']:.2f} s")
    ending = path.suffix[1:].lower()
    seen = []
    if ending in _PICTURES:
        seen = _blocks(path.read_bytes())
    elif ending in _TEXTS:
        from fabula.media.probing import text_in

        lines = [line.strip() for line in text_in(path).splitlines() if line.strip()]
        seen = lines[:_LINES] + ["…"] * (len(lines) > _LINES)
    return "\n".join([" · ".join(told), *(f"  {line}".rstrip() for line in seen)])


def _blocks(content: bytes) -> list[str]:
    """A picture in shades of grey, a character being twice as high as it is wide."""
    from PIL import Image

    with Image.open(io.BytesIO(content)) as picture:
        width = min(_COLUMNS, picture.width)
        height = max(1, round(width * picture.height / picture.width / 2))
        grey = picture.convert("L").resize((width, height), Image.Resampling.BOX).tobytes()
    rows = [grey[at : at + width] for at in range(0, len(grey), width)]
    return ["".join(_SHADES[value * len(_SHADES) // 256] for value in row) for row in rows]
