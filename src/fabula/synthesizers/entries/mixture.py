"""`mixture`: kinds of rows, each with its own distribution of every column."""

from __future__ import annotations

from dataclasses import dataclass

from fabula.synthesizers.catalogue import SYNTHESIZERS
from fabula.synthesizers.entry import SynthesizerEntry, option


@dataclass(frozen=True)
class MixtureOptions:
    """Options of `mixture`."""

    components: int = option(
        0, "Kinds of rows; 0 for one to 60 rows, at most 800.", low=0, high=1e5
    )
    passes: int = option(12, "Passes over the rows.", low=1, high=1e4)


SYNTHESIZERS.add(
    SynthesizerEntry(
        name="mixture",
        title="latent class mixture",
        choose="Exact answers for given values and gaps, and the density of rows.",
        source="Mixture of independent labels, by on-line EM (Cappé and Moulines 2009)",
        model="fabula.synthesizers.models.mixture:Mixture",
        options=MixtureOptions,
        extra="learned",
    )
)
