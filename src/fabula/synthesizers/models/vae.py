"""`vae`: a variational autoencoder over cells (Kingma and Welling 2014), trained in JAX.

The encoder sees one embedding for each column's cell and gives a Gaussian of latent vectors; the
decoder gives chances of the cells of every column. Numbers are cells as labels are, so a column
of several modes costs nothing extra. The prior is a mixture of Gaussians that is trained along
(Tomczak and Welling 2018), the divergence counts less than the reconstruction (β < 1, after a
slow start), and what is sampled from in the end is a finer mixture fitted to the latent vectors.
JAX is imported by the fit alone; sampling needs numpy.
"""

from __future__ import annotations

from fabula.synthesizers.models.deep.model import AbstractNetwork


class Vae(AbstractNetwork):
    """A fitted autoencoder."""

    name = "vae"
    learner = "autoencoder"
