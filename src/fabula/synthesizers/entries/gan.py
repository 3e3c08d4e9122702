"""`gan`: a generative adversarial network."""

from __future__ import annotations

from dataclasses import dataclass

from fabula.synthesizers.catalogue import SYNTHESIZERS
from fabula.synthesizers.entry import SynthesizerEntry, option


@dataclass(frozen=True)
class GanOptions:
    """Options of `gan`."""

    steps: int = option(2_000, "Steps of generator and critic at most.", low=1, high=1e7)
    hidden: int = option(256, "Width of the networks' layers.", low=1, high=1e4)
    max_seconds: float = option(600.0, "Training ends after this time.", low=0, high=1e7)


SYNTHESIZERS.add(
    SynthesizerEntry(
        name="gan",
        title="generative adversarial network",
        choose="To compare with a network; slower to fit and less realistic than `boosted`.",
        source="Goodfellow et al. (2014), relative losses as in Huang et al. (2024)",
        model="fabula.synthesizers.models.gan:Gan",
        options=GanOptions,
        extra="learned",
        learner="fabula.synthesizers.models.deep.adversaries",
        learner_extra="deep",
        is_network=True,
    )
)
