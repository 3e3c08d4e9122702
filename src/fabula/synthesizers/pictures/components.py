"""Principal components of pixels: what networks see of a picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

KEPT, MOST = 0.995, 256
"""The share of the variance that components keep, and how many there are at most."""
MOST_ROWS = 20_000


@dataclass(frozen=True)
class Components:
    """A linear code of pictures.

    Attributes:
        mean: The mean picture, flat.
        basis: A direction a component, of shape (pixels, components).
        scale: What components are divided by, so that their mean variance is 1.
        shape: Height, width and colours.
        kept: The share of the variance that is kept.
    """

    mean: NDArray[np.float32]
    basis: NDArray[np.float32]
    scale: float
    shape: tuple[int, int, int]
    kept: float

    @classmethod
    def of(cls, pixels: NDArray[np.uint8]) -> Components:
        """The components of some pictures."""
        flat = pixels[:MOST_ROWS].reshape(min(len(pixels), MOST_ROWS), -1).astype(np.float64) / 255
        mean = flat.mean(axis=0)
        _, spreads, directions = np.linalg.svd(flat - mean, full_matrices=False)
        shares = np.cumsum(spreads**2) / max(1e-12, float((spreads**2).sum()))
        count = min(MOST, len(spreads), int(np.searchsorted(shares, KEPT)) + 1)
        basis = directions[:count].T
        values = (flat - mean) @ basis
        scale = float(np.sqrt((values**2).mean())) or 1.0
        height, width, colours = pixels.shape[1:]
        return cls(
            mean.astype(np.float32),
            basis.astype(np.float32),
            scale,
            (height, width, colours),
            float(shares[count - 1]),
        )

    def of_pixels(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The components of pictures."""
        flat = pixels.reshape(len(pixels), -1).astype(np.float32) / 255
        return ((flat - self.mean) @ self.basis / np.float32(self.scale)).astype(np.float32)

    def to_pixels(self, values: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Pictures from components."""
        flat = values * np.float32(self.scale) @ self.basis.T + self.mean
        whole = np.clip(np.rint(flat * 255), 0, 255).astype(np.uint8)
        return whole.reshape(len(values), *self.shape)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays of a file."""
        return {"mean": self.mean, "basis": self.basis}

    @classmethod
    def restored(
        cls, arrays: Mapping[str, NDArray[Any]], settings: Mapping[str, Any]
    ) -> Components:
        """What `arrays` and the settings of a file say."""
        height, width, colours = (int(side) for side in settings["shape"])
        mean, basis = (np.asarray(arrays[name], np.float32) for name in ("mean", "basis"))
        if mean.shape != (height * width * colours,) or len(basis) != len(mean):
            raise ValueError("components of another size")
        shape = (height, width, colours)
        return cls(mean, basis, float(settings["scale"]), shape, float(settings["kept"]))
