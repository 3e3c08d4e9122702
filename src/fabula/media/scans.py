"""Pictures of pages as scanners and telephones make them; boxes follow the geometry.

A picture is an array of rows, columns and three colours, from 0 to 1. Effects come in the order of
the things that happen to paper: it is old, folded, stained, stamped, then photographed, then kept.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fabula.extras import missing_extra
from fabula.kinds.document import EFFECTS, Scan
from fabula.media.looks import LOOKS, Floats, Pixels, handwriting

if TYPE_CHECKING:
    from PIL.Image import Image

NamedBox = tuple[str, int, tuple[float, float, float, float]]
"""A field, the page from 1, and its box in pixels: left, top, right, bottom."""


def scanned(
    pages: Sequence[bytes],
    boxes: Sequence[NamedBox],
    scan: Scan | None,
    ending: str,
    rng: Callable[[str], np.random.Generator],
) -> tuple[list[bytes], list[dict[str, Any]], dict[str, Any] | None]:
    """Pages as pictures, each box in them, and how they were scanned.

    Args:
        pages: The pages as PNG.
        boxes: Where fields stand on them.
        scan: How they are scanned; None leaves them as they are.
        ending: `png` or `jpg`.
        rng: Opens a stream by its name.

    Raises:
        PrerequisiteError: The extra `media` is missing.
    """
    if scan is None:
        made = list(pages) if ending == "png" else [encoded(opened(p), ending) for p in pages]
        told = [{"name": name, "page": page, "box": _short(box)} for name, page, box in boxes]
        return made, told, None
    severity = scan.severity
    if isinstance(severity, tuple):
        severity = float(rng("severity").uniform(*severity))
    made, told = [], []
    for number, page in enumerate(pages, 1):
        here = [box for box in boxes if box[1] == number]
        corners = np.array([corners_of(box) for *_, box in here]).reshape(-1, 4, 2)
        picture, moved, handwritten = worn(
            opened(page), corners, scan.effects, severity, rng(f"page {number}")
        )
        made.append(encoded(picture, ending))
        for at, ((name, _, _), quad) in enumerate(zip(here, moved, strict=True)):
            told.append(
                {
                    "name": name,
                    "page": number,
                    "box": _short(seen(quad, picture.size)),
                    "quad": [_short(corner) for corner in quad.tolist()],
                    **({"handwritten_over": True} if at in handwritten else {}),
                }
            )
    return made, told, {"severity": round(float(severity), 4), "effects": list(scan.effects)}


def worn(
    picture: Image,
    corners: Floats,
    effects: Sequence[str],
    severity: float,
    rng: np.random.Generator,
) -> tuple[Image, Floats, set[int]]:
    """A picture after all effects, the corners in it, and which boxes a pen has crossed.

    Args:
        picture: The picture.
        corners: Corners of boxes, of shape (boxes, 4, 2): x and y in pixels.
        effects: What happens; the order is that of `EFFECTS`.
        severity: 0 to 1.
        rng: Where chance comes from.
    """
    from PIL import Image

    pixels: Pixels = np.asarray(picture.convert("RGB"), dtype=np.float32) / 255
    corners = np.asarray(corners, dtype=np.float64).copy()
    crossed: set[int] = set()
    streams = dict(zip(EFFECTS, rng.spawn(len(EFFECTS)), strict=True))
    for effect in EFFECTS:
        if effect not in effects:
            continue
        own = streams[effect]
        if effect in _GEOMETRY:
            pixels, corners = _warped(pixels, corners, _GEOMETRY[effect](pixels, severity, own))
        elif effect == "handwriting":
            pixels, crossed = handwriting(pixels, corners, severity, own)
        else:
            pixels = LOOKS[effect](pixels, severity, own)
    whole = np.clip(np.rint(pixels * 255), 0, 255).astype(np.uint8)
    return Image.fromarray(whole), corners, crossed


def opened(content: bytes) -> Image:
    """A picture from the bytes of a file, in three colours.

    Raises:
        PrerequisiteError: The extra `media` is missing.
    """
    try:
        from PIL import Image
    except ImportError as exc:
        raise missing_extra(exc, needed_by="pictures") or exc from exc
    with Image.open(io.BytesIO(content)) as picture:
        return picture.convert("RGB")


def encoded(picture: Image, ending: str) -> bytes:
    """A picture as the bytes of a PNG or JPEG file."""
    packed = io.BytesIO()
    if ending == "jpg":
        picture.save(packed, "JPEG", quality=88)
    else:
        picture.save(packed, "PNG", compress_level=4)
    return packed.getvalue()


def corners_of(box: Sequence[float]) -> list[tuple[float, float]]:
    """The four corners of a box, clockwise from the top left."""
    left, top, right, bottom = box
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


def around(quad: Floats) -> list[float]:
    """The upright box around four corners."""
    return [*quad.min(axis=0).tolist(), *quad.max(axis=0).tolist()]


def seen(quad: Floats, size: tuple[int, int]) -> list[float]:
    """The upright box around four corners, as far as it lies in a picture of a size."""
    left, top, right, bottom = around(quad)
    width, height = size
    left, right = (min(max(edge, 0.0), width) for edge in (left, right))
    top, bottom = (min(max(edge, 0.0), height) for edge in (top, bottom))
    return [left, top, right, bottom]


# Geometry: a 3 x 3 matrix that takes a point of the page to the picture


def _rotation(pixels: Pixels, severity: float, rng: np.random.Generator) -> Floats:
    """The page lies at an angle, up to 4 degrees."""
    height, width = pixels.shape[:2]
    angle = np.deg2rad(rng.uniform(0.4, 1.0) * 4 * severity * rng.choice((-1, 1)))
    cos, sin = np.cos(angle), np.sin(angle)
    x, y = width / 2, height / 2
    return np.array(
        [
            [cos, -sin, x - cos * x + sin * y],
            [sin, cos, y - sin * x - cos * y],
            [0.0, 0.0, 1.0],
        ]
    )


def _perspective(pixels: Pixels, severity: float, rng: np.random.Generator) -> Floats:
    """The camera looks from the side: each corner moves inwards, by up to 7 % of the page."""
    height, width = pixels.shape[:2]
    start = np.array([(0, 0), (width, 0), (width, height), (0, height)], dtype=np.float64)
    inwards = np.array([(1, 1), (-1, 1), (-1, -1), (1, -1)])
    moved = start + inwards * rng.uniform(0, 0.07 * severity, (4, 2)) * (width, height)
    return _homography(start, moved)


def _crop(pixels: Pixels, severity: float, rng: np.random.Generator) -> Floats:
    """Only a part of the picture, up to a half of its width and height less, at its size."""
    height, width = pixels.shape[:2]
    scale = 1 / (1 - 0.5 * severity * rng.uniform(0.5, 1.0))
    left, top = rng.uniform(0, scale - 1, 2) * (width, height)
    return np.array([[scale, 0.0, -left], [0.0, scale, -top], [0.0, 0.0, 1.0]])


_GEOMETRY: Mapping[str, Callable[[Pixels, float, np.random.Generator], Floats]] = {
    "perspective": _perspective,
    "rotation": _rotation,
    "crop": _crop,
}


def _homography(start: Floats, end: Floats) -> Floats:
    """The matrix that takes four points to four others (Hartley and Zisserman, 4.1)."""
    rows = []
    for (x, y), (u, v) in zip(start, end, strict=True):
        rows.append([x, y, 1, 0, 0, 0, -u * x, -u * y])
        rows.append([0, 0, 0, x, y, 1, -v * x, -v * y])
    solved = np.linalg.solve(np.array(rows), end.reshape(-1))
    return np.append(solved, 1.0).reshape(3, 3)


def _warped(pixels: Pixels, corners: Floats, matrix: Floats) -> tuple[Pixels, Floats]:
    """The picture and the corners after a homography; what the page leaves bare is table."""
    from PIL import Image

    height, width = pixels.shape[:2]
    back = np.linalg.inv(matrix)
    back /= back[2, 2]
    whole = Image.fromarray(np.clip(np.rint(pixels * 255), 0, 255).astype(np.uint8))
    turned = whole.transform(
        (width, height),
        Image.Transform.PERSPECTIVE,
        data=back.reshape(-1)[:8].tolist(),
        resample=Image.Resampling.BICUBIC,
        fillcolor=(96, 92, 88),
    )
    points = np.concatenate([corners, np.ones((*corners.shape[:2], 1))], axis=2) @ matrix.T
    return np.asarray(turned, dtype=np.float32) / 255, points[..., :2] / points[..., 2:]


def _short(numbers: Sequence[float]) -> list[float]:
    return [round(float(number), 1) for number in numbers]
