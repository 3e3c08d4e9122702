"""Notes: free text in which people are mentioned."""

from fabula.privacy.notes.detectors import (
    Detector,
    GlinerDetector,
    ModelDetector,
    PresidioDetector,
    Span,
)
from fabula.privacy.notes.entries import detector_called
from fabula.privacy.notes.everyone import Everyone
from fabula.privacy.notes.masking import MaskedNotes, mask_notes
from fabula.privacy.notes.needles import Mention

__all__ = [
    "Detector",
    "Everyone",
    "GlinerDetector",
    "MaskedNotes",
    "Mention",
    "ModelDetector",
    "PresidioDetector",
    "Span",
    "detector_called",
    "mask_notes",
]
