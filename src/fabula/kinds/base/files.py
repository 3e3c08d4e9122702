"""What kinds of documents, pictures, recordings and videos have in common."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from fabula.kinds.base.columns import AbstractColumn


class AbstractFile(AbstractColumn):
    """A file for each row; the column holds its path."""

    section: ClassVar = "media"

    @property
    @abstractmethod
    def endings(self) -> tuple[str, ...]:
        """The endings of its files, the one that the column names first."""

    def arrow_type(self) -> str:
        """Paths."""
        return "string"

    @property
    def never_repeats(self) -> bool:
        """Each row has its own file."""
        return True
