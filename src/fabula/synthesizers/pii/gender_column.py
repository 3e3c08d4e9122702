"""The column of a table that identifies a person's sex, so that first names can agree with it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.inference.guesses import words
from fabula.io.arrays import is_text, plain_type
from fabula.synthesizers.codecs.categories import plain_values

_CALLED = re.compile(r"(^|_)(sex|gender|geschlecht|sexe|sexo|sesso)$")
_WORDS = (
    re.compile("female|f|w|woman|weiblich|frau|femme|féminin|mujer|femenino|donna|femmina"),
    re.compile("male|m|man|männlich|mann|homme|masculin|hombre|masculino|uomo|maschio"),
)
"""What women and men are called."""


@dataclass(frozen=True)
class SexColumn:
    """A column of sexes.

    Attributes:
        name: Its name.
        labels: Its labels for women and for men.
    """

    name: str
    labels: tuple[Sequence[str], Sequence[str]]

    @classmethod
    def of(cls, table: pa.Table) -> SexColumn | None:
        """The first such column of a table, or None."""
        for field in table.schema:
            if not _CALLED.search(words(field.name)) or not is_text(plain_type(field.type)):
                continue
            known = plain_values(pc.unique(table.column(field.name).combine_chunks())).to_pylist()
            female, male = (
                [text for text in known if text and called.fullmatch(text.casefold())]
                for called in _WORDS
            )
            if female and male:
                return cls(field.name, (female, male))
        return None

    def sexes(self, table: pa.Table) -> NDArray[np.int64]:
        """0 (female), 1 (male) or -1 (neither) for each row; the table may lack the column."""
        if self.name not in table.column_names:
            return np.full(table.num_rows, -1, np.int64)
        texts = plain_values(table.column(self.name).combine_chunks()).cast(pa.large_string())
        found = np.full(len(texts), -1, np.int64)
        for sex, labels in enumerate(self.labels):
            same = pc.is_in(texts, value_set=pa.array(labels, texts.type))
            found[same.to_numpy(zero_copy_only=False)] = sex
        return found
