"""`gan`: a generator against a critic over cells (Goodfellow et al. 2014), trained in JAX.

The generator turns noise into chances of the cells of every column and draws one of each,
straight through to the critic (Jang et al. 2017), which so sees rows of the form of real ones and
can't tell them by soft labels. Losses are relative, of a fake row against a real one, with
gradient penalties on both sides, which unlike Wasserstein's needs one critic step for each of the
generator's (Huang et al. 2024, "The GAN is dead; long live the GAN!"). The generator starts as
independent columns, is averaged over its steps, and its columns are calibrated in the end, so no
frequent label gets lost. As its output is chances given noise, any columns can be given.
JAX is imported by the fit alone; sampling needs numpy.
"""

from __future__ import annotations

from dataclasses import dataclass

from fabula.streams import stream
from fabula.synthesizers.model import CellColumn, Codes, Steps
from fabula.synthesizers.models.deep.model import AbstractNetwork


@dataclass(frozen=True, eq=False)
class Gan(AbstractNetwork):
    """A fitted generator."""

    @classmethod
    def fit(
        cls,
        codes: Codes,
        columns: tuple[CellColumn, ...],
        *,
        seed: int,
        progress: Steps,
        steps: int = 2_000,
        hidden: int = 256,
        max_seconds: float = 600,
    ) -> Gan:
        """Learn rows.

        Args:
            codes: Training rows.
            columns: The columns of `codes`.
            seed: Decides everything that is random.
            progress: Called with rounds of training done and rounds in all.
            steps: Steps of generator and critic at most.
            hidden: Width of the networks' layers.
            max_seconds: Training ends after this time, with what it has.

        Raises:
            SourceError: Losses were not finite.
        """
        from fabula.synthesizers.models.deep.adversaries import train_adversaries

        latent, told = train_adversaries(
            codes, columns, stream(seed, "gan", "fit", 0), progress,
            steps=steps, hidden=hidden, max_seconds=max_seconds,
        )  # fmt: skip
        return cls(latent, (told,))
