"""Random UUIDs."""

from __future__ import annotations

from typing import ClassVar, Literal

from fabula.kinds import column_kind
from fabula.kinds.base.columns import AbstractColumn


@column_kind(example="{kind: uuid}", aka=("guid",))
class Uuid(AbstractColumn):
    """A random (version 4) UUID."""

    kind: Literal["uuid"] = "uuid"

    section: ClassVar = "keys"

    def arrow_type(self) -> str:
        """Texts."""
        return "string"

    @property
    def never_repeats(self) -> bool:
        """With 122 random bits a repetition is out of the question."""
        return True
