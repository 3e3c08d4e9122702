"""How learned pictures compare with real ones: use, likeness, copies."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fabula.errors import UsageError
from fabula.extras import missing_extra
from fabula.render.amounts import percent
from fabula.render.results import Result
from fabula.streams import stream
from fabula.synthesizers.pictures.components import Components
from fabula.synthesizers.pictures.distances import frechet, nearest
from fabula.synthesizers.pictures.reading import Pictures, read_pictures

Floats = NDArray[Any]
NAME = "pictures"
COPY = 0.5
"""A picture is a copy when a real one is nearer than this share of what is near among real ones."""
FEWEST = 20


@dataclass(frozen=True)
class PictureReport(Result):
    """What `fb.evaluate_pictures` finds. Shares are from 0 to 1.

    Attributes:
        pictures: How many synthetic pictures were judged.
        tstr: Accuracy on held-out real pictures of a classifier that was trained on synthetic
            ones; None without labels.
        trtr: The same, trained on real ones.
        baseline: The same, trained on pictures whose pixels were drawn one by one, by label.
        frechet: Fréchet distance between synthetic and held-out pictures, on features of the
            classifier of real ones; on principal components without labels.
        frechet_real: The same for the real pictures that remain.
        frechet_baseline: The same for pixels drawn one by one.
        copies: Synthetic pictures that nearly are a real one of those that remain.
        nearer: Share of synthetic pictures that are nearer to a real picture that remains than to
            a held-out one, of as many of both; 0.5 is what pictures have that were never seen.
    """

    pictures: int
    tstr: float | None
    trtr: float | None
    baseline: float | None
    frechet: float
    frechet_real: float
    frechet_baseline: float
    copies: int
    nearer: float

    def to_dict(self) -> dict[str, Any]:
        """The figures as JSON-ready values."""
        return asdict(self)

    def report(self) -> str:
        """The figures in words."""
        lines = [f"{self.pictures:,} synthetic pictures"]
        if self.tstr is not None and self.trtr is not None and self.baseline is not None:
            lines.append(
                f"a classifier trained on them is right on {percent(self.tstr)} of held-out real "
                f"pictures; trained on real ones on {percent(self.trtr)}, on independent pixels on "
                f"{percent(self.baseline)}"
            )
        lines += [
            f"Fréchet distance to held-out pictures {self.frechet:.3g}; of real pictures "
            f"{self.frechet_real:.3g}, of independent pixels {self.frechet_baseline:.3g}",
            f"{self.copies:,} nearly copy a real picture; {percent(self.nearer)} are nearer to the "
            "pictures learned from than to held-out ones (50 % where nothing was learned by heart)",
        ]
        return "\n".join(lines)


def split(count: int, holdout: float, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The pictures to learn from and those held out: the same for `fit` and for judging."""
    order = stream(seed, NAME, "holdout", 0).permutation(count)
    held = round(holdout * count)
    return np.sort(order[held:]), np.sort(order[:held])


def evaluate_pictures(
    real: Path | str, synthetic: Path | str, *, holdout: float = 0.2, seed: int = 0
) -> PictureReport:
    """Compare two folders of small pictures, whose subfolders are labels.

    A part of the real pictures is held out. With the `holdout` and `seed` of the fit, it is the
    part that was not learned from. Real pictures take the size of synthetic ones.

    Args:
        real: The folder of real pictures.
        synthetic: The folder of synthetic ones.
        holdout: The share of real pictures that are held out.
        seed: Where chance starts.

    Raises:
        PrerequisiteError: The extra `media` or `deep` is missing.
        SourceError: A folder has no pictures, or can't be read.
        UsageError: There are too few pictures, or labels that only one side has.
    """
    made = read_pictures(synthetic)
    height, width, colours = made.pixels.shape[1:]
    found = read_pictures(real, (width, height))
    if found.pixels.shape[3] != colours:
        raise UsageError(
            "pictures of one folder are grey, and those of the other have colours",
            code="usage.pictures",
            hint="save both in the same colours",
        )
    if found.names != made.names:
        apart = sorted(set(found.names) ^ set(made.names))
        raise UsageError(
            f"only one of the folders has the labels {', '.join(f'`{each}`' for each in apart)}",
            code="usage.pictures",
            hint="name the subfolders of both alike",
        )
    return judged(found, made, holdout=holdout, seed=seed)


def judged(found: Pictures, made: Pictures, *, holdout: float, seed: int) -> PictureReport:
    """Compare pictures in memory; see `evaluate_pictures`."""
    train, held = (found.taken(rows) for rows in split(len(found), holdout, seed))
    if min(len(train), len(held), len(made)) < FEWEST:
        raise UsageError(
            f"{len(train):,} real, {len(held):,} held-out and {len(made):,} synthetic pictures are "
            f"too few to compare; each is {FEWEST} at least",
            code="usage.bad-size",
            hint="write more pictures, or hold out a larger share: `holdout=0.4`",
        )
    components = Components.of(train.pixels)
    real, kept, new, plain = (
        components.of_pixels(each)
        for each in (train.pixels, held.pixels, made.pixels, independent(train, len(made), seed))
    )
    scores: dict[str, float | None] = {"tstr": None, "trtr": None, "baseline": None}
    features = [each.astype(np.float64) for each in (kept, new, real, plain)]
    if found.names:
        try:
            from fabula.synthesizers.pictures.classifying import Classifier
        except ImportError as exc:
            raise missing_extra(exc, needed_by="a classifier of pictures") or exc from exc

        def trained(values: Floats, labels: NDArray[np.int64]) -> Classifier:
            rng = stream(seed, NAME, "classifier", 0)
            return Classifier.trained(values, labels, len(found.names), rng)

        judge = trained(real, train.labels)
        scores["trtr"] = judge.accuracy(kept, held.labels)
        scores["tstr"] = trained(new, made.labels).accuracy(kept, held.labels)
        drawn = independent_labels(train, len(made), seed)
        scores["baseline"] = trained(plain, drawn).accuracy(kept, held.labels)
        features = [judge.features(each) for each in (kept, new, real, plain)]
    near_real, near_kept = _nearest(real, kept, new, seed)
    among = nearest(kept, real)
    return PictureReport(
        pictures=len(made),
        **scores,
        frechet=frechet(features[0], features[1]),
        frechet_real=frechet(features[0], features[2]),
        frechet_baseline=frechet(features[0], features[3]),
        copies=int((nearest(new, real) < COPY * np.quantile(among, 0.01)).sum()),
        nearer=float((near_real < near_kept).mean()),
    )


def _nearest(real: Floats, kept: Floats, new: Floats, seed: int) -> tuple[Floats, Floats]:
    """The nearest of as many pictures learned from as held out."""
    count = min(len(real), len(kept))
    rng = stream(seed, NAME, "nearest", 0)
    sides = (each[rng.permutation(len(each))[:count]] for each in (real, kept))
    first, second = (nearest(new, side) for side in sides)
    return first, second


def independent_labels(pictures: Pictures, count: int, seed: int) -> NDArray[np.int64]:
    """Labels in the shares of some pictures."""
    rng = stream(seed, NAME, "baseline labels", 0)
    return pictures.labels[rng.integers(0, len(pictures), count)]


def independent(pictures: Pictures, count: int, seed: int) -> NDArray[np.uint8]:
    """Pictures whose pixels are drawn one by one from those of the same label."""
    rng = stream(seed, NAME, "baseline", 0)
    labels = independent_labels(pictures, count, seed)
    flat = pictures.pixels.reshape(len(pictures), -1)
    made = np.empty((count, flat.shape[1]), np.uint8)
    for label in np.unique(labels):
        own, here = flat[pictures.labels == label], labels == label
        rows = rng.integers(0, len(own), (int(here.sum()), flat.shape[1]))
        made[here] = own[rows, np.arange(flat.shape[1])]
    return made.reshape(count, *pictures.pixels.shape[1:])
