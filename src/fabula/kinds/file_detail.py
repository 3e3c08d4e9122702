"""Details of files: the digest, the size, the width of the file that another column names."""

from __future__ import annotations

from typing import ClassVar, Literal, TypeAlias

from fabula.kinds import column_kind
from fabula.kinds.base.columns import AbstractColumn

Detail: TypeAlias = Literal["sha256", "bytes", "width", "height", "seconds", "sample_rate"]
_TYPES = {"sha256": "string", "seconds": "float64"}
_PICTURE = ("width", "height")
_SOUND = ("seconds", "sample_rate")
_OF_ENDINGS: dict[str, tuple[str, ...]] = {
    "png": _PICTURE,
    "jpg": _PICTURE,
    "mp4": (*_PICTURE, "seconds"),
    "wav": _SOUND,
    "flac": _SOUND,
    "mp3": _SOUND,
}


@column_kind(
    example="{kind: file_detail, of: letter, detail: sha256}",
    aka=("digest", "checksum", "sha256", "hash", "file size"),
)
class FileDetail(AbstractColumn):
    """What is known about the file that another column names, such as its digest or its width.

    It is written when the files are made, after all rows, so no rule, check or other column can
    use it. It is missing where no file was made.

    Attributes:
        of: A column of the same table that names files: of `kind: document`, `image`, `speech` or
            `video`.
        detail: `sha256`, `bytes`, `width` and `height` of pictures and videos, `seconds` of
            recordings and videos, or `sample_rate` of recordings.
    """

    kind: Literal["file_detail"] = "file_detail"
    of: str
    detail: Detail = "sha256"

    section: ClassVar = "media"
    positional: ClassVar = ("of", "detail")

    def arrow_type(self) -> str:
        """A digest is a text, a length a number; the others are whole numbers."""
        return _TYPES.get(self.detail, "int64")


def details_of(ending: str) -> tuple[str, ...]:
    """The details that files of an ending have."""
    return ("sha256", "bytes", *_OF_ENDINGS.get(ending, ()))
