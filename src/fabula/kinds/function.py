"""Values that a Python function of yours computes."""

from __future__ import annotations

import inspect
import textwrap
from typing import Any, ClassVar, Literal

from pydantic import model_validator

from fabula.kinds import column_kind
from fabula.kinds.base.code import Function as Code
from fabula.kinds.base.code import columns_read, digest, takes_generator
from fabula.kinds.base.columns import AbstractColumn
from fabula.kinds.base.values import type_of_wanted

_TYPES = {name: name for name in ("str", "int", "float", "bool", "date")}


@column_kind(example="col.function(total)", aka=("lambda", "python"))
class Function(AbstractColumn):
    """A value that a Python function of yours computes; from Python only, not in spec files.

    The function's parameters are named like the columns that they take. A parameter `rng` takes a
    NumPy generator of the block's own random stream, so that the same seed gives the same values.

    Attributes:
        function: The function: one value for one row, or with `blocks` one array for a block.
        of: The columns that it takes, in the order of its parameters, where their names differ.
        type: `str`, `int`, `float`, `bool` or `date`; by default what the function says it returns.
        blocks: It takes NumPy arrays of whole columns, and returns one value for each row.
        sandboxed: It runs in the sandbox, from its source alone: no files, no
            network, and what it imports, it imports inside itself.
    """

    kind: Literal["function"] = "function"
    function: Code
    of: tuple[str, ...] | None = None
    type: Literal["str", "int", "float", "bool", "date"] | None = None
    blocks: bool = False
    sandboxed: bool = False

    section: ClassVar = "code"
    python_only: ClassVar = True
    positional: ClassVar = ("function",)

    @model_validator(mode="after")
    def _readable(self) -> Function:
        columns_read(self.function, self.of)
        self.arrow_type()
        if self.sandboxed:
            self.source()
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
        return columns_read(self.function, self.of)

    def source(self) -> str:
        """The function's source, with a function of the form that the sandbox calls.

        Raises:
            ValueError: The function has no source of its own.
        """
        try:
            text = textwrap.dedent(inspect.getsource(self.function))
        except (OSError, TypeError) as error:
            raise ValueError("`sandboxed` needs a function whose source is in a file") from error
        name = self.function.__name__
        if not text.startswith(f"def {name}("):
            raise ValueError("`sandboxed` needs a plain function (`def`), without decorators")
        rng = ["rng=rng"] if takes_generator(self.function) else []
        columns = self.reads(())
        row = ", ".join([*(f"row[{column!r}]" for column in columns), *rng])
        whole = ", ".join([*(f"rows[{column!r}].to_numpy()" for column in columns), *rng])
        call = f"def value(row, rng):\n    return {name}({row})\n"
        if self.blocks:
            call = f"def column(rows, rng):\n    return {name}({whole})\n"
        return f"from __future__ import annotations\n\n{text}\n\n{call}"

    def shortened(self, plain: dict[str, Any]) -> dict[str, Any]:
        """A digest in the function's place."""
        return {**plain, "function": digest(self.function)}
