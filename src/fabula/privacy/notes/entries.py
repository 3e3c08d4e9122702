"""Detectors of third parties by name: what `fabula mask --detector` takes besides models."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fabula.extensions import Register
from fabula.privacy.notes.detectors import Detector, ModelDetector, PresidioDetector


@dataclass(frozen=True)
class TextDetector:
    """Everything known about one detector of third parties in notes.

    Attributes:
        name: What users call it.
        title: Its name as its makers write it.
        opens: Opens it: something that `find`s the places of people in texts.
    """

    name: str
    title: str
    opens: Callable[[], Detector]


class TextDetectors(Register[TextDetector]):
    """The detectors of third parties by name."""

    def add(self, entry: TextDetector) -> TextDetector:
        """Register a detector under its name."""
        return self.register(entry.name, entry)


def lack(name: str, entry: TextDetector) -> str | None:
    """What an entry lacks, in words."""
    if name != entry.name or not name.strip() or ":" in name:
        return "has no name of its own without `:`, which names of models have"
    return None if entry.title.strip() else "has no `title`"


TEXT_DETECTORS = TextDetectors("text detector", home="fabula.privacy.notes.entries", lacks=lack)
"""Every detector of third parties."""

TEXT_DETECTORS.add(TextDetector("presidio", "Microsoft Presidio", PresidioDetector))


def detector_called(name: str) -> Detector:
    """A detector by its name, or the language model of that name, which then finds places.

    Raises:
        PrerequisiteError: Its package is not installed.
    """
    entry = TEXT_DETECTORS.get(name)
    return ModelDetector(name) if entry is None else entry.opens()
