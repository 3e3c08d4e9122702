"""The checks: one file each, with parameters, words, SQL and an example; all of it plain Python.

A check of single rows states its condition. Any other check has the module of the same name in
`fabula.checks.kinds`, which evaluates it on finished tables.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Annotated, TypeAlias, TypeVar

from fabula.extensions import Register
from fabula.kinds import AnyKind
from fabula.kinds.base.checks import AbstractCheck

CheckT = TypeVar("CheckT", bound=AbstractCheck)


def _lack(name: str, cls: type[AbstractCheck]) -> str | None:
    """The first part that a check lacks."""
    if missing := sorted(getattr(cls, "__abstractmethods__", ())):
        return f"does not define `{missing[0]}`"
    if cls.of_rows and not cls.in_python and cls.condition is AbstractCheck.condition:
        return "does not define `condition`"
    if not inspect.cleandoc(cls.__doc__ or "").partition("\n\n")[0].endswith("."):
        return "has no docstring that begins with a sentence"
    if f"kind: {name}" not in cls.example:
        return f"has no example with `kind: {name}`"
    return None


CHECKS: Register[type[AbstractCheck]] = Register(
    "check kind", home="fabula.kinds.checks", lacks=_lack
)
"""Every check kind by name."""


def check_kind(*, example: str) -> Callable[[type[CheckT]], type[CheckT]]:
    """Register a class as a check, under the default of its field `kind`.

    Args:
        example: One check of the kind, as YAML.

    Raises:
        UsageError: The name is taken, or the class lacks a part.
    """

    def registered(cls: type[CheckT]) -> type[CheckT]:
        cls.example = example
        CHECKS.register(str(cls.model_fields["kind"].default), cls)
        return cls

    return registered


Check: TypeAlias = Annotated[AbstractCheck, AnyKind(CHECKS, AbstractCheck)]
"""A check of any kind."""
