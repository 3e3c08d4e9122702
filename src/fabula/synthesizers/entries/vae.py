"""`vae`: a variational autoencoder."""

from __future__ import annotations

from dataclasses import dataclass

from fabula.synthesizers.catalogue import SYNTHESIZERS
from fabula.synthesizers.entry import SynthesizerEntry, option


@dataclass(frozen=True)
class VaeOptions:
    """Options of `vae`."""

    beta: float = option(
        1.0, "Weight of the divergence from the prior; more makes smoother rows.", low=0, high=1e3
    )
    hidden: int = option(256, "Width of the networks' layers.", low=1, high=1e4)
    max_seconds: float = option(600.0, "Training ends after this time.", low=0, high=1e7)


SYNTHESIZERS.add(
    SynthesizerEntry(
        name="vae",
        title="variational autoencoder",
        choose="To compare with a network; slower to fit and less realistic than `boosted`.",
        source="Kingma and Welling (2014), with a trained prior (Tomczak and Welling 2018)",
        model="fabula.synthesizers.models.vae:Vae",
        options=VaeOptions,
        extra="learned",
        learner="fabula.synthesizers.models.deep.autoencoder",
        learner_extra="deep",
        is_network=True,
    )
)
