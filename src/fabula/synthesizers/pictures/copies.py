"""Copies of pictures that are moved, turned and scaled a little, so that few teach more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fabula.synthesizers.pictures.reading import Pixels

if TYPE_CHECKING:
    from PIL.Image import Image

SMALLEST = 16
"""Pixels a side from which copies are made; the blur of a move would show in smaller pictures."""
TIMES, MOST = 8, 40_000
"""Copies a picture, and copies in all, at most."""
SHIFT, TURN, SCALE = 0.018, 0.06, 0.036
"""Standard deviations: of a move, in sides; of a turn, in radians; of a change of size, in sizes.

A picture of 28 pixels moves by half a pixel.
"""
_LARGEST = 2.0
_EDGE = 4
"""Pixels of the edge that are repeated, for what comes into sight."""


def moved_copies(pixels: Pixels, rng: np.random.Generator) -> list[Pixels]:
    """Further versions of all pictures, none of pictures that are small or many."""
    if min(pixels.shape[1:3]) < SMALLEST:
        return []
    return [_moved(pixels, rng) for _ in range(min(TIMES, MOST // len(pixels)))]


def _moved(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    from PIL import Image

    draws = rng.standard_normal((len(pixels), 4)).clip(-_LARGEST, _LARGEST)
    spreads = (SHIFT * pixels.shape[2], SHIFT * pixels.shape[1], TURN, SCALE)
    made = np.empty_like(pixels)
    for at, (picture, how) in enumerate(zip(pixels, draws * spreads, strict=True)):
        wide = np.pad(picture, ((_EDGE, _EDGE), (_EDGE, _EDGE), (0, 0)), "edge")
        flat = Image.fromarray(wide[..., 0] if wide.shape[2] == 1 else wide)
        made[at] = _turned(flat, how, pixels.shape[1:3]).reshape(pixels.shape[1:])
    return made


def _turned(picture: Image, how: NDArray[np.float64], sides: tuple[int, ...]) -> Pixels:
    """The middle of a picture after a move."""
    from PIL import Image

    height, width = sides
    right, down, turn, larger = how
    along, across = np.cos(turn) / (1 + larger), np.sin(turn) / (1 + larger)
    x, y = width / 2 + right, height / 2 + down
    matrix = (
        along,
        across,
        _EDGE + width / 2 - along * x - across * y,
        -across,
        along,
        _EDGE + height / 2 + across * x - along * y,
    )
    turned = picture.transform(
        (width, height), Image.Transform.AFFINE, matrix, Image.Resampling.BICUBIC
    )
    return np.asarray(turned, np.uint8)
