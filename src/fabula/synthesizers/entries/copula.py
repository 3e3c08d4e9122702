"""`copula`: a Gaussian copula."""

from __future__ import annotations

from fabula.synthesizers.catalogue import SYNTHESIZERS
from fabula.synthesizers.entry import SynthesizerEntry

SYNTHESIZERS.add(
    SynthesizerEntry(
        name="copula",
        title="Gaussian copula",
        choose="A baseline that knows only how pairs of columns go together.",
        source="Gaussian copula (Nelsen 2006; for tables Patki et al. 2016)",
        model="fabula.synthesizers.models.copula:Copula",
        extra="learned",
    )
)
