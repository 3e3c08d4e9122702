"""Files whose text says something."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, model_validator

from fabula.kinds.base.file_checks import AbstractFileCheck
from fabula.kinds.base.parameters import listed
from fabula.kinds.checks import check_kind


@check_kind(example="{kind: text_contains, column: invoice, text: Invoice, columns: [number]}")
class TextContainsCheck(AbstractFileCheck):
    """The text of every file contains texts and values of its row; spaces don't count.

    Attributes:
        text: One or several texts.
        columns: Columns of the same table whose value is in the text as it is; amounts and dates
            are printed in other forms.
    """

    kind: Literal["text_contains"] = "text_contains"
    text: Annotated[tuple[str, ...], BeforeValidator(listed)] = ()
    columns: Annotated[tuple[str, ...], BeforeValidator(listed)] = ()

    @model_validator(mode="after")
    def _asks(self) -> TextContainsCheck:
        if not self.text and not self.columns:
            raise ValueError("give `text` or `columns`")
        return self

    @property
    def looks_at(self) -> tuple[str, ...]:
        """The column of files, and those whose values are looked for."""
        return (self.column, *self.columns)

    def in_words(self) -> str:
        told = [*(f'"{each}"' for each in self.text), *(f"`{each}`" for each in self.columns)]
        return f"the text of every file of `{self.column}` contains {' and '.join(told)}"
