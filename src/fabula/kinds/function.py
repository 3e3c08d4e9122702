"""Values that a Python function of yours computes."""

from __future__ import annotations

import inspect
from typing import ClassVar, Literal

from pydantic import model_validator

from fabula.kinds import column_kind
from fabula.kinds.base.code import AbstractCode
from fabula.kinds.base.columns import AbstractColumn
from fabula.kinds.base.values import type_of_wanted

_TYPES = {name: name for name in ("str", "int", "float", "bool", "date")}


@column_kind(example="{kind: function, function: rules.py:total}", aka=("lambda", "python"))
class Function(AbstractCode, AbstractColumn):
    """A value that a Python function computes: an object, or `FILE.py:NAME` of a file you allow.

    The function's parameters are named like the columns that they take. A parameter `rng` takes a
    NumPy generator of the block's own random stream, so that the same seed gives the same values.

    Attributes:
        type: `str`, `int`, `float`, `bool` or `date`; by default what the function says it returns.
    """

    kind: Literal["function"] = "function"
    type: Literal["str", "int", "float", "bool", "date"] | None = None

    section: ClassVar = "code"
    positional: ClassVar = ("function",)

    @model_validator(mode="after")
    def _typed(self) -> Function:
        self.arrow_type()
        return self

    def arrow_type(self) -> str:
        """The stated type, or that of the function's annotation."""
        returned = inspect.signature(self.function).return_annotation
        name = returned if isinstance(returned, str) else getattr(returned, "__name__", "")
        wanted = self.type or _TYPES.get(name.removeprefix("dt."))
        if wanted is None:
            raise ValueError("say what the function returns: `type=` str, int, float, bool or date")
        return type_of_wanted(wanted)

    def reads(self, before: tuple[str, ...]) -> tuple[str, ...]:
        """The columns that the function takes."""
        del before
        return self.inputs
