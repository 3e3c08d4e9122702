"""`vae`: a variational autoencoder over cells (Kingma and Welling 2014), trained in JAX.

The encoder sees one embedding for each column's cell and gives a Gaussian of latent vectors; the
decoder gives chances of the cells of every column. Numbers are cells as labels are, so a column
of several modes costs nothing extra. The prior is a mixture of Gaussians that is trained along
(Tomczak and Welling 2018), the divergence counts less than the reconstruction (β < 1, after a
slow start), and what is sampled from in the end is a finer mixture fitted to the latent vectors.
JAX is imported by the fit alone; sampling needs numpy.
"""

from __future__ import annotations

from dataclasses import dataclass

from fabula.streams import stream
from fabula.synthesizers.model import CellColumn, Codes, Steps
from fabula.synthesizers.models.deep.model import AbstractNetwork


@dataclass(frozen=True, eq=False)
class Vae(AbstractNetwork):
    """A fitted autoencoder."""

    @classmethod
    def fit(
        cls,
        codes: Codes,
        columns: tuple[CellColumn, ...],
        *,
        seed: int,
        progress: Steps,
        beta: float = 1.0,
        hidden: int = 256,
        max_seconds: float = 600,
    ) -> Vae:
        """Learn rows.

        Args:
            codes: Training rows.
            columns: The columns of `codes`.
            seed: Decides everything that is random.
            progress: Called with rounds of training done and rounds in all.
            beta: The weight of the divergence from the prior; less keeps more of what belongs
                together, more makes smoother rows.
            hidden: Width of the networks' layers.
            max_seconds: Training ends after this time, with what it has.

        Raises:
            SourceError: Losses were not finite.
        """
        from fabula.synthesizers.models.deep.autoencoder import train_autoencoder

        latent, told = train_autoencoder(
            codes, columns, stream(seed, "vae", "fit", 0), progress,
            beta=beta, hidden=hidden, max_seconds=max_seconds,
        )  # fmt: skip
        return cls(latent, (told,))
