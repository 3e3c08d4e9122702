"""What happens to the colours of a picture: paper, stains, light, blur, noise; nothing moves.

A picture is an array of rows, columns and three colours, from 0 to 1.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Pixels: TypeAlias = NDArray[Any]
Floats: TypeAlias = NDArray[np.float64]


def _paper(pixels: Pixels, severity: float, rng: np.random.Generator) -> Pixels:
    """Paper is not white, and has a grain."""
    tint = 1 - severity * np.array([0.04, 0.06, 0.14], dtype=np.float32)
    grain = smooth(rng, pixels.shape[:2], 3) * 0.03 + smooth(rng, pixels.shape[:2], 60) * 0.05
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
    patchy = 0.7 + 0.3 * smooth(rng, (rows, columns), 6)
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
    level = 1 - severity * (0.28 + 0.1 * slope)
    made: Pixels = pixels * level[..., None].astype(np.float32)
    return made


def _blur(pixels: Pixels, severity: float, rng: np.random.Generator) -> Pixels:
    """Out of focus by up to a few pixels at 110 dpi."""
    from PIL import Image, ImageFilter

    whole = Image.fromarray(np.clip(np.rint(pixels * 255), 0, 255).astype(np.uint8))
    radius = severity * rng.uniform(0.9, 1.1) * 1.6 * pixels.shape[1] / 910
    return np.asarray(whole.filter(ImageFilter.GaussianBlur(radius)), dtype=np.float32) / 255


def _noise(pixels: Pixels, severity: float, rng: np.random.Generator) -> Pixels:
    """Noise of the sensor."""
    grains = rng.standard_normal(pixels.shape[:2], dtype=np.float32)
    made: Pixels = pixels + 0.06 * severity * grains[..., None]
    return made


def _fax(pixels: Pixels, severity: float, rng: np.random.Generator) -> Pixels:
    """Two colours, half as many lines, some of them lost."""
    grey = pixels @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    step = 1 if severity < 0.2 else 2
    coarse = np.repeat(grey[::step], step, axis=0)[: len(grey)]
    black = coarse < 0.62 + 0.06 * smooth(rng, grey.shape, 25)
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
    fog = np.clip(0.5 + 0.5 * smooth(rng, (height, width), max(width // 4, 1)), 0, 1)
    pixels = pixels + (0.85 - pixels) * (0.55 * severity * fog)[..., None]
    drops = (rng.random((height, width)) < 0.002 * severity).astype(np.float32)
    length = max(height // 40, 2)
    streaks = np.cumsum(drops, axis=0)
    streaks[length:] = streaks[length:] - streaks[:-length]
    made: Pixels = pixels + 0.35 * np.clip(streaks, 0, 1)[..., None] * (1 - pixels)
    return made


LOOKS: Mapping[str, Callable[[Pixels, float, np.random.Generator], Pixels]] = {
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


def handwriting(
    pixels: Pixels, corners: Floats, severity: float, rng: np.random.Generator
) -> tuple[Pixels, set[int]]:
    """A pen ticks or underlines some fields: wavy lines of blue ink."""
    from PIL import Image, ImageDraw

    whole = Image.fromarray(np.clip(np.rint(pixels * 255), 0, 255).astype(np.uint8))
    pen = ImageDraw.Draw(whole)
    touched = np.flatnonzero(rng.random(len(corners)) < 0.03 + 0.12 * severity)
    for at in touched.tolist():
        left, top = corners[at].min(axis=0).tolist()
        right, bottom = corners[at].max(axis=0).tolist()
        steps = np.linspace(0, 1, 24)
        wave = np.cumsum(rng.normal(0, 0.35, len(steps)))
        x, y = left + (right - left) * steps, bottom + 2 + wave
        if rng.random() < 0.4:  # a tick at its right
            x = right + np.array([3.0, 8.0, 18.0])
            y = np.array([(top + bottom) / 2, bottom, top - 4])
        line = list(zip(x.tolist(), y.tolist(), strict=True))
        pen.line(line, fill=(30, 45, 130), width=2, joint="curve")
    return np.asarray(whole, dtype=np.float32) / 255, set(touched.tolist())


def smooth(rng: np.random.Generator, shape: tuple[int, ...], size: int) -> Pixels:
    """Noise from about -1 to 1 in patches of some pixels, by linear interpolation."""
    from PIL import Image

    rows, columns = (-(-side // size) + 1 for side in shape[:2])
    coarse = Image.fromarray(rng.standard_normal((rows, columns), dtype=np.float32) / 2)
    fine = coarse.resize((columns * size, rows * size), Image.Resampling.BILINEAR)
    return np.asarray(fine, dtype=np.float32)[: shape[0], : shape[1]]
