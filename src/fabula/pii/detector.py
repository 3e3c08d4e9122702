"""A detector is one entry: a kind of personal detail, and what tells a column of it by its values.

Fabula's own kinds are weighed against each other in `fabula.pii.finding`; a detector of a plug-in
decides by itself, and before them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from fabula.extensions import Register

Share: TypeAlias = Callable[[Sequence[str], str], float]
"""The share of differing values that are of a kind, given them as texts and the column's name."""


@dataclass(frozen=True)
class Detector:
    """Everything known of one kind of personal detail.

    Attributes:
        name: The kind: `passport`.
        title: What a column of it holds: `passport numbers`.
        detects: The share of a column's differing values that are of the kind, from 0 to 1; None
            for Fabula's own kinds.
        told: What the values do, for the reason: `have the form of a passport number`.
        least: The share that tells a column of the kind.
        fewest: Differing values that are needed to tell.
        direct: One value can tell who somebody is.
        made_as: The kind of Fabula's own that new values are made as; `code`: of the same forms.
    """

    name: str
    title: str
    detects: Share | None = None
    told: str = ""
    least: float = 0.9
    fewest: int = 5
    direct: bool = True
    made_as: str = "code"


class Detectors(Register[Detector]):
    """The detectors by name."""

    def add(self, entry: Detector) -> Detector:
        """Register a detector under its name."""
        return self.register(entry.name, entry)
