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

from fabula.synthesizers.models.deep.model import AbstractNetwork


class Gan(AbstractNetwork):
    """A fitted generator."""

    name = "gan"
    learner = "adversaries"
