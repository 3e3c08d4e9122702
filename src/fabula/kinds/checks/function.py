"""Rules that a Python function of yours tells."""

from __future__ import annotations

import inspect
from typing import ClassVar, Literal

from pydantic import model_validator

from fabula.kinds.base.checks import AbstractCheck
from fabula.kinds.base.code import GENERATOR, AbstractCode
from fabula.kinds.checks import check_kind


@check_kind(example="{kind: function, function: rules.py:is_fair}")
class FunctionCheck(AbstractCode, AbstractCheck):
    """A Python function of yours returns True for every row.

    The function's parameters are named like the columns that they take. It returns True or False
    for one row, or with `blocks` one of them for each row of a block.
    """

    kind: Literal["function"] = "function"

    of_rows: ClassVar = True
    drops: ClassVar = True
    in_python: ClassVar = True

    @model_validator(mode="after")
    def _repeatable(self) -> FunctionCheck:
        if self.takes_generator:
            raise ValueError(f"a check can't take `{GENERATOR}`: its verdict must not change")
        return self

    def in_words(self) -> str:
        """The first line of the function's documentation, or its name and its columns."""
        told = inspect.getdoc(self.function) if hasattr(self.function, "__code__") else None
        line = (told or "").partition("\n")[0].rstrip(".")
        return line or f"{self.function_name}({', '.join(self.inputs)})"

    @property
    def looks_at(self) -> tuple[str, ...]:
        """The columns that the function takes."""
        return self.inputs
