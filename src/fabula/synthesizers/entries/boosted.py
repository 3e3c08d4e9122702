"""`boosted`: gradient-boosted trees, one column after the other."""

from __future__ import annotations

from dataclasses import dataclass

from fabula.synthesizers.catalogue import SYNTHESIZERS
from fabula.synthesizers.entry import SynthesizerEntry, option


@dataclass(frozen=True)
class BoostedOptions:
    """Options of `boosted`."""

    rounds: int = option(150, "Most trees of a level.", low=1, high=1e5)
    rate: float = option(0.15, "Learning rate.", low=1e-3, high=1)
    leaves: int = option(31, "Most leaves of a tree.", low=2, high=1_024)
    workers: int = option(
        0, "Columns learned at the same time; 0 for one a core.", low=0, high=1_024
    )


SYNTHESIZERS.add(
    SynthesizerEntry(
        name="boosted",
        title="sequential gradient-boosted trees",
        choose="The most realistic rows in seconds on a CPU; any values given; several tables.",
        source="Sequential trees as in synthpop (Nowok et al. 2016), with boosting over cells",
        model="fabula.synthesizers.models.boosted.model:Boosted",
        options=BoostedOptions,
        extra="learned",
    )
)
