"""Pictures of pages as scanners and telephones make them; boxes follow the geometry.

A picture is an array of rows, columns and three colours, from 0 to 1. Effects come in the order of
the things that happen to paper: it is old, folded, stained, stamped, then photographed, then kept.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fabula.extras import missing_extra
from fabula.kinds.document import EFFECTS, Scan

if TYPE_CHECKING:
    from PIL.Image import Image

Pixels: TypeAlias = NDArray[Any]
Floats: TypeAlias = NDArray[np.float64]
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
                    "box": _short(around(quad)),
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
            pixels, crossed = _handwriting(pixels, corners, severity, own)
        else:
            pixels = _LOOKS[effect](pixels, severity, own)
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


_GEOMETRY: Mapping[str, Callable[[Pixels, float, np.random.Generator], Floats]] = {
    "perspective": _perspective,
    "rotation": _rotation,
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


# Looks: the same geometry, other colours


def _paper(pixels: Pixels, severity: float, rng: np.random.Generator) -> Pixels:
    """Paper is not white, and has a grain."""
    tint = 1 - severity * np.array([0.04, 0.06, 0.14], dtype=np.float32)
    grain = _smooth(rng, pixels.shape[:2], 3) * 0.03 + _smooth(rng, pixels.shape[:2], 60) * 0.05
    made: Pixels = pixels * tint * (1 - severity * np.abs(grain)[..., None])
    return made


def _stain(pixels: Pixels, severity: float, rng: np.random.Generator) -> Pixels:
    """Rings of coffee."""
    height, width = pixels.shape[:2]
    y, x = np.ogrid[:height, :width]
    for _ in range(1 + int(3 * severity)):
        radius = rng.uniform(0.05, 0.12) * width
        away = np.hypot(x - rng.uniform(0, width), y - rng.uniform(0, height))
        ring = np.exp(-(((away - radius) / (0.06 * radius)) ** 2)) + 0.25 * (away < radius)
        brown = np.array([0.25, 0.42, 0.60], dtype=np.float32)
        pixels = pixels * (1 - (0.2 + 0.5 * severity) * ring[..., None].astype(np.float32) * brown)
    return pixels


def _fold(pixels: Pixels, severity: float, rng: np.random.Generator) -> Pixels:
    """The page was folded for an envelope: a dark and a light line across."""
    height = len(pixels)
    shade = np.zeros((height, 1), dtype=np.float32)
    rows = np.arange(height)[:, None]
    for place in (1 / 3, 2 / 3):
        off = rows - height * (place + rng.uniform(-0.01, 0.01))
        shade += np.exp(-((off / 2.5) ** 2)) - 0.25 * np.exp(-(((off - 7) / 9) ** 2))
    made: Pixels = pixels * (1 - 0.45 * severity * shade.astype(np.float32)[..., None])
    return made


def _stamp(pixels: Pixels, severity: float, rng: np.random.Generator) -> Pixels:
    """A red stamp, at an angle, where there is room or not."""
    from PIL import Image, ImageDraw, ImageFont

    height, width = pixels.shape[:2]
    size = max(width // 4, 40)
    stamp = Image.new("L", (size, size // 2))
    pen = ImageDraw.Draw(stamp)
    pen.rounded_rectangle((3, 3, size - 4, size // 2 - 4), size // 16, outline=255, width=4)
    word = ("RECEIVED", "PAID", "COPY")[int(rng.integers(3))]
    font = ImageFont.load_default(size // 8)
    pen.text((size // 2, size // 4), word, fill=255, font=font, anchor="mm")
    turned = stamp.rotate(float(rng.uniform(-25, 25)), expand=True)
    ink = np.asarray(turned, dtype=np.float32) / 255
    rows, columns = min(ink.shape[0], height), min(ink.shape[1], width)
    top = int(rng.uniform(0.05, 0.85) * (height - rows))
    left = int(rng.uniform(0.3, 1.0) * (width - columns))
    patchy = 0.7 + 0.3 * _smooth(rng, (rows, columns), 6)
    share = (0.35 + 0.5 * severity) * ink[:rows, :columns] * np.clip(patchy, 0, 1)
    red = np.array([0.75, 0.1, 0.15], dtype=np.float32)
    made = pixels.copy()
    under = made[top : top + rows, left : left + columns]
    made[top : top + rows, left : left + columns] = (
        under * (1 - share[..., None]) + red * under * share[..., None]
    )
    return made


def _light(pixels: Pixels, severity: float, rng: np.random.Generator) -> Pixels:
    """Little light, from one side."""
    height, width = pixels.shape[:2]
    angle = rng.uniform(0, 2 * np.pi)
    y, x = np.linspace(-1, 1, height)[:, None], np.linspace(-1, 1, width)[None]
    slope = (np.cos(angle) * x + np.sin(angle) * y) / np.sqrt(2)
    level = 1 - severity * (0.28 + 0.25 * slope)
    made: Pixels = pixels * level[..., None].astype(np.float32)
    return made


def _blur(pixels: Pixels, severity: float, rng: np.random.Generator) -> Pixels:
    """Out of focus by up to a few pixels at 110 dpi."""
    from PIL import Image, ImageFilter

    whole = Image.fromarray(np.clip(np.rint(pixels * 255), 0, 255).astype(np.uint8))
    radius = severity * rng.uniform(0.9, 1.1) * 2.4 * pixels.shape[1] / 910
    return np.asarray(whole.filter(ImageFilter.GaussianBlur(radius)), dtype=np.float32) / 255


def _noise(pixels: Pixels, severity: float, rng: np.random.Generator) -> Pixels:
    """Noise of the sensor."""
    grains = rng.standard_normal(pixels.shape[:2], dtype=np.float32)
    made: Pixels = pixels + 0.16 * severity * grains[..., None]
    return made


def _fax(pixels: Pixels, severity: float, rng: np.random.Generator) -> Pixels:
    """Two colours, half as many lines, some of them lost."""
    grey = pixels @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    step = 1 if severity < 0.2 else 2
    coarse = np.repeat(grey[::step], step, axis=0)[: len(grey)]
    black = coarse < 0.62 + 0.06 * _smooth(rng, grey.shape, 25)
    lost = rng.random(len(grey)) < 0.012 * severity
    black[lost] = False
    made: Pixels = np.repeat(np.where(black, 0, 1).astype(np.float32)[..., None], 3, axis=2)
    return made


def _jpeg(pixels: Pixels, severity: float, rng: np.random.Generator) -> Pixels:
    """Kept as a small JPEG file."""
    from PIL import Image

    del rng
    whole = Image.fromarray(np.clip(np.rint(pixels * 255), 0, 255).astype(np.uint8))
    packed = io.BytesIO()
    whole.save(packed, "JPEG", quality=round(90 - 78 * severity))
    with Image.open(packed) as again:
        kept: Pixels = np.asarray(again, dtype=np.float32) / 255
    return kept


def _weather(pixels: Pixels, severity: float, rng: np.random.Generator) -> Pixels:
    """Fog, and drops that leave streaks; meant for pictures of the world."""
    height, width = pixels.shape[:2]
    fog = np.clip(0.5 + 0.5 * _smooth(rng, (height, width), max(width // 4, 1)), 0, 1)
    pixels = pixels + (0.85 - pixels) * (0.55 * severity * fog)[..., None]
    drops = (rng.random((height, width)) < 0.002 * severity).astype(np.float32)
    length = max(height // 40, 2)
    streaks = np.cumsum(drops, axis=0)
    streaks[length:] = streaks[length:] - streaks[:-length]
    made: Pixels = pixels + 0.35 * np.clip(streaks, 0, 1)[..., None] * (1 - pixels)
    return made


_LOOKS: Mapping[str, Callable[[Pixels, float, np.random.Generator], Pixels]] = {
    "paper": _paper,
    "stain": _stain,
    "stamp": _stamp,
    "fold": _fold,
    "light": _light,
    "weather": _weather,
    "blur": _blur,
    "noise": _noise,
    "fax": _fax,
    "jpeg": _jpeg,
}


def _handwriting(
    pixels: Pixels, corners: Floats, severity: float, rng: np.random.Generator
) -> tuple[Pixels, set[int]]:
    """A pen ticks or underlines some fields: wavy lines of blue ink."""
    from PIL import Image, ImageDraw

    whole = Image.fromarray(np.clip(np.rint(pixels * 255), 0, 255).astype(np.uint8))
    pen = ImageDraw.Draw(whole)
    touched = np.flatnonzero(rng.random(len(corners)) < 0.03 + 0.12 * severity)
    for at in touched.tolist():
        left, top, right, bottom = around(corners[at])
        steps = np.linspace(0, 1, 24)
        wave = np.cumsum(rng.normal(0, 0.35, len(steps)))
        x, y = left + (right - left) * steps, bottom + 2 + wave
        if rng.random() < 0.4:  # a tick at its right
            x = right + np.array([3.0, 8.0, 18.0])
            y = np.array([(top + bottom) / 2, bottom, top - 4])
        line = list(zip(x.tolist(), y.tolist(), strict=True))
        pen.line(line, fill=(30, 45, 130), width=2, joint="curve")
    return np.asarray(whole, dtype=np.float32) / 255, set(touched.tolist())


def _smooth(rng: np.random.Generator, shape: tuple[int, ...], size: int) -> Pixels:
    """Noise from about -1 to 1 in patches of some pixels, by linear interpolation."""
    from PIL import Image

    rows, columns = (-(-side // size) + 1 for side in shape[:2])
    coarse = Image.fromarray(rng.standard_normal((rows, columns), dtype=np.float32) / 2)
    fine = coarse.resize((columns * size, rows * size), Image.Resampling.BILINEAR)
    return np.asarray(fine, dtype=np.float32)[: shape[0], : shape[1]]


def _short(numbers: Sequence[float]) -> list[float]:
    return [round(float(number), 1) for number in numbers]
