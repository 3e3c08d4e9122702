"""Files of a size."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from fabula.kinds.base.file_checks import AbstractFileCheck, Amount, amount_in_words
from fabula.kinds.checks import check_kind


@check_kind(example="{kind: size, column: photo, width: 512, bytes: [1000, 2000000]}")
class SizeCheck(AbstractFileCheck):
    """Every file has the size that is asked for: a number, or the lowest and the highest.

    Attributes:
        bytes: Of the file.
        width: Of a picture or video, in pixels.
        height: Of a picture or video, in pixels.
        pages: Of a PDF.
    """

    kind: Literal["size"] = "size"
    bytes: Amount | None = None
    width: Amount | None = None
    height: Amount | None = None
    pages: Amount | None = None

    @model_validator(mode="after")
    def _asks(self) -> SizeCheck:
        if not self.asked:
            raise ValueError("give `bytes`, `width`, `height` or `pages`")
        for name, amount in self.asked.items():
            if isinstance(amount, tuple) and amount[0] > amount[1]:
                raise ValueError(f"the lowest of `{name}` comes first")
        return self

    @property
    def asked(self) -> dict[str, Amount]:
        """The sizes that are asked for."""
        sizes = {"bytes": self.bytes, "width": self.width, "height": self.height}
        sizes["pages"] = self.pages
        return {name: amount for name, amount in sizes.items() if amount is not None}

    def in_words(self) -> str:
        told = (f"{name} {amount_in_words(amount)}" for name, amount in self.asked.items())
        return f"every file of `{self.column}` has {', '.join(told)}"
