"""A user's own pictures, worn as scans are: poor light, weather, noise, crops; labels follow."""

from __future__ import annotations

import json
import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from fabula.errors import SinkError, SourceError, UsageError
from fabula.io.names import output_path
from fabula.io.pictures import picture_files
from fabula.io.places import make_folder, replacing, write_text
from fabula.kinds.document import EFFECTS, Scan
from fabula.media.scans import corners_of, encoded, opened, seen, worn
from fabula.streams import stream

logger = logging.getLogger(__name__)

_ENDINGS = (".png", ".jpg", ".jpeg")
_METADATA, _COCO = "metadata.jsonl", "coco.json"


def scan_pictures(
    folder: Path | str,
    output: Path | str,
    *,
    effects: Sequence[str] = Scan().effects,
    severity: float | tuple[float, float] = 0.3,
    copies: int = 1,
    seed: int = 0,
) -> int:
    """Make worn copies of the pictures in a folder, with their labels.

    Folders below `folder`, such as those of classes, are kept. Lines of `metadata.jsonl` follow
    their picture, and boxes of `coco.json` follow the geometry; a box that lies outside after a
    crop is left out, which is logged with its number.

    Args:
        folder: A folder with PNG or JPEG files.
        output: A folder that is empty or missing.
        effects: What happens to them: `paper`, `stain`, `fold`, `stamp`, `handwriting`,
            `perspective`, `rotation`, `crop`, `light`, `weather`, `blur`, `noise`, `fax`, `jpeg`.
        severity: 0 (hardly) to 1 (badly), or the lowest and the highest of a uniform draw.
        copies: Copies of each picture.
        seed: Where chance starts.

    Returns:
        The number of pictures written.

    Raises:
        PrerequisiteError: The extra `media` is not installed.
        UsageError: An effect is unknown, or a number is out of its range.
        SourceError: There are no pictures, or a file can't be read.
        SinkError: The output contains something.
    """
    source, target = Path(folder), output_path(output)
    low, high = severity if isinstance(severity, tuple) else (severity, severity)
    _check(effects, low, high, copies)
    names = [path.relative_to(source).as_posix() for path in picture_files(source, _ENDINGS)]
    if target.exists() and any(target.iterdir()):
        raise SinkError(
            f"`{target}` contains files already",
            code="sink.exists",
            where=str(target),
            hint="choose another folder",
        )
    metadata, coco = _metadata(source), _Boxes.read(source)
    lines = []
    for name in names:
        content = (source / name).read_bytes()
        for copy in range(copies):
            rng = stream(seed, name, "scan", copy)
            strength = float(rng.uniform(low, high))
            boxes = coco.of(name)
            corners = np.array([corners_of(box) for box in boxes], dtype=float).reshape(-1, 4, 2)
            try:
                picture, moved, _ = worn(opened(content), corners, effects, strength, rng)
            except OSError as exc:
                raise SourceError(
                    f"`{source / name}` can't be read: {exc}",
                    code="source.unreadable",
                    where=str(source / name),
                    hint="remove the file, or save it again as PNG",
                ) from exc
            made = _copy_name(name, copy, copies)
            make_folder((target / made).parent)
            with replacing(target / made) as temporary:
                ending = "png" if made.lower().endswith(".png") else "jpg"
                temporary.write_bytes(encoded(picture, ending))
            coco.add(name, made, picture.size, moved)
            told = {"severity": round(strength, 4), "source": name}
            lines.append({**metadata.get(name, {}), "file_name": made, **told})
    text = (json.dumps(line, ensure_ascii=False) for line in lines)
    write_text(target / _METADATA, "".join(f"{line}\n" for line in text))
    coco.write(target)
    return len(lines)


def _check(effects: Iterable[str], low: float, high: float, copies: int) -> None:
    for effect in effects:
        if effect not in EFFECTS:
            raise UsageError(
                f"there is no effect `{effect}`",
                code="usage.effect",
                hint=f"there are {', '.join(EFFECTS)}",
            )
    if not 0 <= low <= high <= 1:
        raise UsageError(
            f"`severity` lies in 0 to 1, not {low:g} to {high:g}",
            code="usage.severity",
            hint="write `severity=0.3` or `severity=(0.1, 0.6)`",
        )
    if copies < 1:
        raise UsageError(f"`copies` is at least 1, not {copies}", code="usage.bad-size")


def _copy_name(name: str, copy: int, copies: int) -> str:
    stem, _, ending = name.rpartition(".")
    return name if copies == 1 else f"{stem}-{copy + 1}.{ending}"


def _metadata(source: Path) -> dict[str, dict[str, Any]]:
    """The lines of `metadata.jsonl` by their picture; none without the file."""
    path = source / _METADATA
    if not path.is_file():
        return {}
    try:
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]
        return {str(line["file_name"]): dict(line) for line in lines}
    except (ValueError, KeyError, TypeError) as exc:
        raise SourceError(
            f"`{path}` is not the metadata of an ImageFolder: {exc}",
            code="source.unreadable",
            where=str(path),
            hint="each line is a JSON object with `file_name`",
        ) from exc


class _Boxes:
    """The boxes of a COCO file, and those of the copies."""

    def __init__(self, told: Mapping[str, Any] | None) -> None:
        self._told = told
        self._images: list[dict[str, Any]] = []
        self._made: list[dict[str, Any]] = []
        self._lost = 0
        self._by_name: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
        if told is not None:
            names = {image["id"]: str(image["file_name"]) for image in told["images"]}
            for each in told["annotations"]:
                self._by_name[names[each["image_id"]]].append(each)

    @classmethod
    def read(cls, source: Path) -> _Boxes:
        """The boxes of `coco.json`; none without the file."""
        path = source / _COCO
        if not path.is_file():
            return cls(None)
        try:
            return cls(json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, KeyError, TypeError) as exc:
            raise SourceError(
                f"`{path}` is not COCO: {exc!r}",
                code="source.unreadable",
                where=str(path),
                hint="it needs `images`, `annotations` and `categories`",
            ) from exc

    def of(self, name: str) -> list[tuple[float, float, float, float]]:
        """The boxes of a picture: left, top, right, bottom."""
        found = []
        for each in self._by_name[name]:
            left, top, width, height = each["bbox"]
            found.append((left, top, left + width, top + height))
        return found

    def add(self, name: str, made: str, size: tuple[int, int], moved: Any) -> None:
        """Take the boxes of a copy."""
        number = len(self._images) + 1
        self._images.append({"id": number, "file_name": made, "width": size[0], "height": size[1]})
        for each, quad in zip(self._by_name[name], moved, strict=True):
            left, top, right, bottom = (round(edge, 1) for edge in seen(quad, size))
            if right <= left or bottom <= top:
                self._lost += 1
                continue
            box = {
                "bbox": [left, top, round(right - left, 1), round(bottom - top, 1)],
                "area": round((right - left) * (bottom - top), 1),
                "segmentation": [[round(edge, 1) for edge in chain(*quad.tolist())]],
            }
            self._made.append({**each, "id": len(self._made) + 1, "image_id": number, **box})

    def write(self, target: Path) -> None:
        """Write `coco.json`, if there was one."""
        if self._told is None:
            return
        if self._lost:
            logger.warning("left out %d boxes that lie outside cropped pictures", self._lost)
        told = {**self._told, "images": self._images, "annotations": self._made}
        write_text(target / _COCO, json.dumps(told, ensure_ascii=False) + "\n")
