"""Pictures learned from a folder: `fit_pictures`, and what it returns."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator, Mapping
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fabula.errors import SourceError, UsageError, did_you_mean
from fabula.extras import missing_extra
from fabula.io.places import check_free, make_folder, replacing
from fabula.render.amounts import percent
from fabula.render.cells import watched
from fabula.render.results import Result
from fabula.streams import stream
from fabula.synthesizers.model import State
from fabula.synthesizers.persistence import ABOUT, Saved, read_saved, sound, write_saved
from fabula.synthesizers.pictures.components import Components
from fabula.synthesizers.pictures.copies import SHIFT, TURN, moved_copies
from fabula.synthesizers.pictures.judging import NAME, split
from fabula.synthesizers.pictures.reading import Pictures, Pixels, read_pictures
from fabula.synthesizers.pictures.sampling import drawn
from fabula.types import ProgressLike

if TYPE_CHECKING:
    from PIL.Image import Image

Model = Literal["flow", "vae", "gan"]
MODELS: tuple[str, ...] = ("flow", "vae", "gan")
STEPS = {"flow": 12_000, "vae": 6_000, "gan": 6_000}
HIDDEN = {"flow": 512, "vae": 256, "gan": 256}
BLOCK = 1_000
"""Pictures that are drawn at once; each block has a stream of its own."""
FEWEST = 50
_FILE = "pictures-"
"""What the name of the model begins with in a file, so that no table is read from it."""


class PictureSynthesizer(Result):
    """A model of small pictures, which draws new ones."""

    def __init__(
        self,
        model: str,
        layers: Mapping[str, NDArray[Any]],
        components: Components,
        labels: tuple[tuple[str, ...], NDArray[np.float64]],
        card: Mapping[str, Any],
    ) -> None:
        self.model, self._layers, self._components = model, layers, components
        (self.names, self._shares), self.card = labels, card

    def sample(self, n: int, *, label: str | None = None, seed: int = 0) -> Pictures:
        """Draw pictures; the same seed draws the same, and more of them begin with fewer.

        Args:
            n: How many.
            label: Their label; by default, labels come in the shares of the pictures learned from.
            seed: Where chance starts.

        Raises:
            UsageError: The label is unknown.
        """
        blocks = list(self._blocks(n, label, seed))
        pixels = np.concatenate([pixels for pixels, _ in blocks])
        return Pictures(pixels, np.concatenate([labels for _, labels in blocks]), self.names)

    def write(
        self, path: str | PathLike[str], n: int = 1_000, *, label: str | None = None, seed: int = 0
    ) -> Path:
        """Draw pictures into a folder, a subfolder a label, one block after the other.

        Args:
            path: A folder that is empty or missing.
            n: How many.
            label: Their label; by default all.
            seed: Where chance starts.

        Raises:
            SinkError: The folder contains something, or can't be written.
        """
        folder = Path(path)
        check_free(folder, folder=True)
        number = 0
        for pixels, labels in self._blocks(n, label, seed):
            for picture, at in zip(pixels, labels, strict=True):
                place = folder / (self.names[at] if self.names else ".")
                make_folder(place)
                with replacing(place / f"{number:07d}.png") as temporary:
                    drawn_picture(picture).save(temporary, "PNG")
                number += 1
        return folder

    def _blocks(
        self, n: int, label: str | None, seed: int
    ) -> Iterator[tuple[Pixels, NDArray[np.int64]]]:
        if n < 1:
            raise UsageError(f"`n` is at least 1, not {n}", code="usage.bad-size")
        if label is not None and label not in self.names:
            known = ", ".join(self.names) or "none"
            raise UsageError(
                f"there is no label `{label}`; there are {known}",
                code="usage.label",
                hint=did_you_mean(label, self.names),
            )
        labels = len(self.names)
        for block in range(-(-n // BLOCK)):
            rng = stream(seed, NAME, "sample", block)
            count = min(BLOCK, n - block * BLOCK)
            # A whole block is drawn, so that its first pictures do not depend on `n`.
            of_block = np.searchsorted(np.cumsum(self._shares), rng.random(BLOCK), side="right")
            of_block = np.minimum(of_block, max(0, labels - 1)).astype(np.int64)
            if label is not None:
                of_block[:] = self.names.index(label)
            conditions = np.eye(labels, dtype=np.float32)[of_block] if labels else _none(BLOCK)
            values = drawn(self.model, self._layers, conditions, rng)[:count]
            yield self._components.to_pixels(values), of_block[:count]

    def save(self, path: Path | str) -> None:
        """Write the model to a file of plain values.

        Raises:
            SinkError: The place can't be written.
        """
        components = self._components
        settings = {
            "shape": list(components.shape),
            "scale": components.scale,
            "kept": components.kept,
            "names": list(self.names),
        }
        arrays = {"shares": self._shares, **components.arrays(), **self._layers}
        state = State(settings, arrays)
        write_saved(path, Saved(_FILE + self.model, state, pa.schema([]), {}, self.card))

    @classmethod
    def load(cls, path: Path | str) -> PictureSynthesizer:
        """The model in a file; it draws the pictures that the saved one draws.

        Raises:
            SourceError: The file is missing, damaged, or is not a model of pictures.
        """
        saved = read_saved(path)
        model = saved.model.removeprefix(_FILE)
        if model not in MODELS or model == saved.model:
            raise SourceError(
                f"`{path}` contains the model `{saved.model}`, which draws no pictures",
                code="synthesizer.unknown",
                where=str(path),
                hint="read it by `fb.load_synthesizer`",
            )
        with sound(path):
            arrays = dict(saved.state.arrays)
            components = Components.restored(arrays, saved.state.settings)
            names = tuple(str(name) for name in saved.state.settings["names"])
            shares = np.asarray(arrays.pop("shares"), np.float64)
            layers = {name: each for name, each in arrays.items() if "." in name}
            found = cls(model, layers, components, (names, shares), saved.card)
            found.sample(1)
            return found

    def report(self) -> str:
        """How the model was made."""
        card = self.card
        height, width, colours = self._components.shape
        lines = [
            f"{self.model}, {width} x {height} pixels, {'colour' if colours == 3 else 'grey'}",
            f"learned from {card['pictures']:,} pictures, {card['holdout']:,} held out, "
            f"seed {card['seed']}",
            f"{len(self.names)} labels: {', '.join(self.names)}" if self.names else "no labels",
            f"{self._components.basis.shape[1]} principal components keep "
            f"{percent(self._components.kept)} of the variance; finer detail is lost",
            card["training"],
            *card["notes"],
        ]
        return "\n".join(lines)


def holds_picture_model(path: Path) -> bool:
    """Whether a file is a model of pictures, by what it says of itself."""
    try:
        with zipfile.ZipFile(path) as archive:
            return str(json.loads(archive.read(ABOUT))["model"]).startswith(_FILE)
    except (OSError, KeyError, TypeError, ValueError, zipfile.BadZipFile):
        return False  # whoever reads it as another file says what is wrong


def fit_pictures(
    data: Path | str,
    *,
    model: Model = "flow",
    size: tuple[int, int] | None = None,
    holdout: float = 0.2,
    seed: int = 0,
    steps: int | None = None,
    hidden: int | None = None,
    max_seconds: float | None = None,
    progress: ProgressLike = None,
) -> PictureSynthesizer:
    """Learn a folder of small pictures, and return a model that draws new ones.

    Subfolders are labels, which pictures can then be drawn by. Pictures have one size, up to
    64 x 64, in grey or colour.

    Args:
        data: The folder.
        model: `flow` (flow matching), `vae` or `gan`.
        size: Width and height to which pictures are resized; None leaves them.
        holdout: Share of pictures held out of training, for `evaluate_pictures`.
        seed: The same pictures and seed give the same model, unless time was up.
        steps: Steps of training at most; by default 12,000 of `flow`, 6,000 of others.
        hidden: Width of the networks' layers; by default 512 of `flow`, 256 of others.
        max_seconds: Training ends after this time, with what it has; by default steps decide.
        progress: Called with steps done.

    Raises:
        PrerequisiteError: The extra `deep` or `media` is missing.
        SourceError: There are too few pictures, one can't be read, or sizes differ.
        UsageError: The model is unknown, or a number is out of its range.
    """
    if model not in MODELS:
        raise UsageError(
            f"there is no model `{model}` of pictures; there are {', '.join(MODELS)}",
            code="usage.model",
            hint=did_you_mean(model, MODELS) or 'write `model="flow"`',
        )
    steps = STEPS[model] if steps is None else steps
    hidden = HIDDEN[model] if hidden is None else hidden
    if not 0 <= holdout < 1 or steps < 1 or hidden < 1:
        raise UsageError(
            "`holdout` lies from 0 to below 1, `steps` and `hidden` are at least 1",
            code="usage.bad-size",
        )
    pictures = read_pictures(data, size)
    rows, held = split(len(pictures), holdout, seed)
    train = pictures.taken(rows)
    if len(train) < FEWEST:
        raise SourceError(
            f"`{data}` has {len(train):,} pictures to learn from; {FEWEST} are the fewest",
            code="source.too-few",
            where=str(data),
            hint="add pictures, or make worn copies of them by `fb.scan_pictures`",
        )
    try:
        from fabula.synthesizers.pictures.networks import train_pictures
    except ImportError as exc:
        raise missing_extra(exc, needed_by="learned pictures") or exc from exc
    components = Components.of(train.pixels)
    copies = moved_copies(train.pixels, stream(seed, NAME, "copies", 0))
    count = len(pictures.names)
    conditions = np.eye(count, dtype=np.float32)[train.labels] if count else _none(len(train))
    watch = watched(progress)

    def told(done: int, rounds: int) -> None:
        if watch:
            watch("fit", len(train) * done // rounds, len(train))

    layers, training = train_pictures(
        model,
        components.of_pixels(train.pixels),
        conditions,
        stream(seed, NAME, "training", 0),
        told,
        copies=[components.of_pixels(each) for each in copies],
        steps=steps,
        hidden=hidden,
        max_seconds=max_seconds,
    )
    counts = np.bincount(train.labels, minlength=max(1, count))
    lost = [name for name, each in zip(pictures.names, counts, strict=False) if not each]
    notes = [*pictures.notes]
    if copies:
        notes.append(
            f"{len(copies)} copies of each picture, moved by some {percent(SHIFT)} of a side, "
            f"turned by {np.degrees(TURN):.0f} degrees and scaled, were learned too"
        )
    if lost:
        notes.append(f"no pictures of {', '.join(lost)} were learned; all were held out")
    card = {
        "pictures": len(train),
        "holdout": len(held),
        "seed": seed,
        "training": training,
        "notes": notes,
    }
    shares = counts / counts.sum()
    return PictureSynthesizer(model, layers, components, (pictures.names, shares), card)


def contact_sheet(
    pictures: Pictures | Path | str, path: Path | str, *, each: int = 10, scale: int = 4
) -> Path:
    """Draw some pictures of each label side by side, a row a label, into one PNG.

    Args:
        pictures: What `sample` returned, or a folder.
        path: The PNG file.
        each: Pictures a label.
        scale: How many times larger they are drawn.

    Raises:
        SourceError: The folder can't be read.
        SinkError: The place can't be written.
    """
    shown = read_pictures(pictures) if isinstance(pictures, str | Path) else pictures
    height, width, colours = shown.pixels.shape[1:]
    rows = []
    for label in range(max(1, len(shown.names))):
        own = shown.pixels[shown.labels == label][:each]
        row = np.full((each, height + 1, width + 1, colours), 255, np.uint8)
        row[: len(own), :height, :width] = own
        rows.append(row.transpose(1, 0, 2, 3).reshape(height + 1, -1, colours))
    whole = np.concatenate(rows).repeat(scale, axis=0).repeat(scale, axis=1)
    place = Path(path)
    make_folder(place.parent)
    with replacing(place) as temporary:
        drawn_picture(whole).save(temporary, "PNG")
    return place


def drawn_picture(pixels: Pixels) -> Image:
    """An array as a picture.

    Raises:
        PrerequisiteError: The extra `media` is missing.
    """
    try:
        from PIL import Image
    except ImportError as exc:
        raise missing_extra(exc, needed_by="pictures") or exc from exc
    return Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels)


def _none(count: int) -> NDArray[np.float32]:
    return np.zeros((count, 0), np.float32)
