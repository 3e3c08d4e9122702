"""`private`: a tree of noisy marginals, with differential privacy."""

from __future__ import annotations

from fabula.synthesizers.catalogue import SYNTHESIZERS
from fabula.synthesizers.entry import SynthesizerEntry

SYNTHESIZERS.add(
    SynthesizerEntry(
        name="private",
        title="differentially private marginals",
        choose="A mathematical guarantee counts: give a budget `epsilon`.",
        source="Marginals of a tree of columns, MST (McKenna et al. 2021)",
        model="fabula.synthesizers.models.private.tree:PrivateTree",
        extra="learned",
        learner="fabula.synthesizers.models.private.accounting",
        learner_extra="privacy",
    )
)
