"""A folder of small pictures as one array, with the labels that its subfolders are."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fabula.errors import SourceError, UsageError
from fabula.extras import missing_extra
from fabula.io.pictures import holds_pictures, picture_files

Pixels = NDArray[np.uint8]
"""Pictures: of shape (pictures, height, width, 1 or 3 colours)."""

LARGEST = 64
_GREY = ("1", "L", "LA")


@dataclass(frozen=True)
class Pictures:
    """Pictures of one size.

    Attributes:
        pixels: The pictures.
        labels: The label of each as its place in `names`; all 0 without labels.
        names: The labels; empty without.
        notes: What reading changed.
    """

    pixels: Pixels
    labels: NDArray[np.int64]
    names: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.pixels)

    def taken(self, rows: NDArray[np.int64]) -> Pictures:
        """Some of the pictures."""
        return Pictures(self.pixels[rows], self.labels[rows], self.names, self.notes)


def refuse_pictures(data: object) -> None:
    """Say how a folder of pictures is learned, where one is given in place of tables.

    Raises:
        UsageError: It is such a folder.
    """
    if holds_pictures(data):
        raise UsageError(
            f"`{data}` is a folder of pictures",
            code="usage.pictures",
            hint=f'learn them in Python: `fb.fit_pictures("{data}")`',
        )


def read_pictures(folder: Path | str, size: tuple[int, int] | None = None) -> Pictures:
    """Read a folder of pictures; the subfolder of each is its label.

    Args:
        folder: The folder.
        size: Width and height to which pictures are resized; None leaves them.

    Raises:
        PrerequisiteError: The extra `media` is missing.
        SourceError: There are no pictures, one is broken, or sizes differ.
        UsageError: `size` is too large.
    """
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError as exc:
        raise missing_extra(exc, needed_by="pictures") or exc from exc

    if size is not None and not all(1 <= edge <= LARGEST for edge in size):
        raise UsageError(
            f"learned pictures have 1 to {LARGEST} pixels a side, not {size[0]} x {size[1]}",
            code="usage.bad-size",
            hint="write `size=(32, 32)`",
        )
    source = Path(folder)
    paths = picture_files(source)
    read, notes = [], Counter[str]()
    for path in paths:
        try:
            with Image.open(path) as picture:
                if "A" in picture.getbands() or "transparency" in picture.info:
                    notes["lost their transparency"] += 1
                if picture.mode.startswith(("I", "F")):
                    notes["of more than 8 bits a colour were cut to 8"] += 1
                drawn = picture.convert("L" if picture.mode in _GREY else "RGB")
                if size is not None and drawn.size != size:
                    notes[f"were resized to {size[0]} x {size[1]}"] += 1
                    drawn = drawn.resize(size, Image.Resampling.LANCZOS)
                read.append(np.asarray(drawn, dtype=np.uint8).reshape(*drawn.size[::-1], -1))
        except (UnidentifiedImageError, OSError, ValueError) as exc:
            raise SourceError(
                f"`{path}` can't be read as a picture: {exc}",
                code="source.unreadable",
                where=str(path),
                hint="remove the file, or save it again as PNG",
            ) from exc
    if any(each.shape[2] == 3 for each in read) and any(each.shape[2] == 1 for each in read):
        notes["in grey were read as colour"] += sum(each.shape[2] == 1 for each in read)
        read = [np.repeat(each, 3, axis=2) if each.shape[2] == 1 else each for each in read]
    _check_sizes(source, read)
    folders = [path.relative_to(source).parent.as_posix() for path in paths]
    names = tuple(sorted(set(folders) - {"."}))
    if names and "." in folders:
        raise SourceError(
            f"`{source}` contains pictures with and without a subfolder for their label",
            code="source.unlabelled",
            where=str(paths[folders.index(".")]),
            hint="move each picture into the folder of its label",
        )
    places = {name: at for at, name in enumerate(names)}
    labels = np.array([places.get(each, 0) for each in folders], dtype=np.int64)
    told = tuple(f"{count:,} pictures {what}" for what, count in notes.items())
    return Pictures(np.stack(read), labels, names, told)


def _check_sizes(source: Path, read: list[Pixels]) -> None:
    sizes = Counter((each.shape[1], each.shape[0]) for each in read)
    (width, height), _ = sizes.most_common(1)[0]
    if len(sizes) > 1 or max(width, height) > LARGEST:
        if len(sizes) > 1:
            message = f"the pictures in `{source}` have {len(sizes):,} sizes"
        else:
            message = f"the pictures in `{source}` have {width} x {height} pixels"
        raise SourceError(
            f"{message}; those that are learned have one, of {LARGEST} pixels a side at most",
            code="source.bad-size",
            where=str(source),
            hint="have them resized: `size=(32, 32)`",
        )
