"""Texts that are alike but for whole numbers: `137/85`, `Lot 12`, `3-2 (1-0)`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from fabula.inference.codes import LONGEST_NUMBER

_DIGITS = re.compile(r"[0-9]+")
_MOST_NUMBERS = 6
_LONGEST_TEXT = 60


@dataclass(frozen=True)
class TextOfNumbers:
    """A text with numbers in it.

    Attributes:
        around: What precedes, between and after the numbers.
        numbers: The numbers, one array for each place; missing where the text is.
        widths: Digits of each number, if all have as many with zeros before them; else 0.
    """

    around: tuple[str, ...]
    numbers: tuple[pa.Array, ...]
    widths: tuple[int, ...]

    @classmethod
    def of(cls, texts: pa.Array) -> TextOfNumbers | None:
        """The numbers of texts; None if more than numbers differs, or a zero precedes one.

        Args:
            texts: Strings, some of them null.
        """
        known = texts.drop_null()
        around = _DIGITS.split(known[0].as_py()) if len(known) else []
        if not 1 < len(around) <= _MOST_NUMBERS + 1 or len("".join(around)) > _LONGEST_TEXT:
            return None
        digits = pc.extract_regex(texts, cls.regex(around))
        if digits.null_count > texts.null_count:
            return None
        columns = [pc.struct_field(digits, [at]) for at in range(len(around) - 1)]
        widths = tuple(map(_width, columns))
        if -1 in widths:
            return None
        return cls(tuple(around), tuple(part.cast(pa.int64()) for part in columns), widths)

    @staticmethod
    def regex(around: Sequence[str]) -> str:
        """The regular expression of texts, a group for each number.

        Args:
            around: What precedes, between and after the numbers.
        """
        numbers = (
            f"(?P<n{at}>[0-9]{{1,{LONGEST_NUMBER}}}){re.escape(part)}"
            for at, part in enumerate(around[1:])
        )
        return f"^{re.escape(around[0])}{''.join(numbers)}$"

    @property
    def sql(self) -> str:
        """The expression that writes the texts; `{0}`, `{1}` … stand for the numbers' columns."""
        shown = "".join(
            part.replace("%", "%%") + f"%0{width}d" * bool(width) + "%d" * (not width)
            for part, width in zip(self.around, self.widths, strict=False)
        )
        shape = (shown + self.around[-1].replace("%", "%%")).replace("'", "''")
        shape = shape.replace("{", "{{").replace("}", "}}")
        numbers = ", ".join(f"CAST({{{at}}} AS BIGINT)" for at in range(len(self.widths)))
        return f"printf('{shape}', {numbers})"

    @property
    def told(self) -> str:
        """The form in words."""
        return f"whole numbers written as {'0'.join(self.around)}"


def _width(digits: pa.Array) -> int:
    """How many digits all numbers have that zeros precede; 0 for none, -1 for several."""
    if not pc.any(pc.match_substring_regex(digits, "^0[0-9]")).as_py():
        return 0
    lengths = pc.unique(pc.utf8_length(digits.drop_null()))
    return int(lengths[0].as_py()) if len(lengths) == 1 else -1
