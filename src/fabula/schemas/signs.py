"""What declares tables, told by what only it has; nothing that a source needs is imported."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlalchemy import MetaData

DECLARING = (
    ".json", ".yaml", ".yml", ".avsc", ".avpr", ".desc", ".binpb", ".protoset", ".proto",
)  # fmt: skip
"""Endings of files that may declare tables."""


def declares_tables(thing: Any) -> bool:
    """Whether an object of Python is a model, several of them, or what keeps them."""
    if isinstance(thing, list | tuple):
        return bool(thing) and all(map(declares_tables, thing))
    return metadata_of(thing) is not None or is_django(thing)


def metadata_of(thing: Any) -> MetaData | None:
    """The metadata that a base, a class, a table or a module has; itself where it is some."""
    found = thing if type(thing).__name__ == "MetaData" else getattr(thing, "metadata", None)
    if isinstance(thing, ModuleType):
        kept = [metadata_of(v) for v in vars(thing).values() if not isinstance(v, ModuleType)]
        found = max(
            (each for each in kept if each is not None),
            key=lambda each: len(each.tables),
            default=None,
        )
    if isinstance(thing, type) and getattr(thing, "model_fields", None):
        found = found if hasattr(thing, "__table__") else None  # else rows without a table
    known = type(found).__module__.startswith("sqlalchemy") and hasattr(found, "sorted_tables")
    return found if known else None


def is_django(thing: Any) -> bool:
    """Whether an object is a model of Django."""
    return hasattr(getattr(thing, "_meta", None), "concrete_fields")
