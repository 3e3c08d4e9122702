"""Notes: free text in which people are mentioned."""

from fabula.privacy.notes.masking import MaskedNotes, mask_notes
from fabula.privacy.notes.needles import Mention

__all__ = ["MaskedNotes", "Mention", "mask_notes"]
