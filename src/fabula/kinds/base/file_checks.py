"""What checks of files have in common: the files that a column names, once they are made."""

from __future__ import annotations

from typing import ClassVar, TypeAlias

from pydantic import model_validator

from fabula.kinds.base.checks import AbstractCheck

Amount: TypeAlias = int | tuple[int, int]
"""A number, or the lowest and the highest."""


class AbstractFileCheck(AbstractCheck):
    """A rule on the files that a column names.

    Attributes:
        column: A column of files, such as one of `kind: document`.
    """

    column: str

    of_files: ClassVar = True

    @model_validator(mode="after")
    def _fails(self) -> AbstractFileCheck:
        if self.repair != "fail":
            raise ValueError("files are made when all rows are, so `repair` is `fail`")
        return self


def in_bounds(number: int, amount: Amount) -> bool:
    """Whether a number is the one that is asked for, or between both."""
    low, high = amount if isinstance(amount, tuple) else (amount, amount)
    return low <= number <= high


def amount_in_words(amount: Amount) -> str:
    """`5`, or `5 to 9`."""
    return f"{amount[0]:,} to {amount[1]:,}" if isinstance(amount, tuple) else f"{amount:,}"
