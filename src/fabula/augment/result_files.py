"""Results of models into files: what was made is written, whether or not all of it came.

Alongside the file stands, where there is something to say, `NAME.rejects.jsonl`: every piece of a
reply that gave nothing, with the reason. While rows are missing `.NAME.partial` marks the file, so
that the same command may replace it when it continues.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from fabula.errors import PartialRunError
from fabula.io.partial_files import is_unfinished, mark_finished, mark_unfinished
from fabula.io.places import write_text
from fabula.llm.rows.job import Reject

if TYPE_CHECKING:
    from fabula.training.export import Export
    from fabula.types import Path as PathLike


class Written(Protocol):
    """A result that can be written, with what it lost."""

    @property
    def rejects(self) -> Sequence[Reject]:
        """Rows that were given up."""
        ...

    def write(self, path: PathLike, **options: Any) -> Export:
        """Write the rows."""
        ...


W = TypeVar("W", bound=Written)


def may_replace(file: Path, export: Mapping[str, Any]) -> dict[str, Any]:
    """The options of an export; a file that an earlier run left unfinished is replaced."""
    return {**export, "overwrite": bool(export.get("overwrite")) or is_unfinished(file)}


def made_into(file: Path, make: Callable[[], W], how: Mapping[str, Any]) -> tuple[W, Export]:
    """Make rows and write them as `how` says.

    Raises:
        SinkError: The file can't be written.
        PartialRunError: Rows are missing; those that came are in the file.
    """
    try:
        made = make()
    except PartialRunError as error:
        if hasattr(error.rows, "write"):
            error.rows.write(file, **how)
            _write_rejects(file, error.rows)
            mark_unfinished(file)
        raise
    written = made.write(file, **how)
    _write_rejects(file, made)
    mark_finished(file)
    return made, written


def _write_rejects(output: Path, made: Written) -> None:
    path = output.with_name(f"{output.name}.rejects.jsonl")
    lost = [{"reason": reason, "raw": raw} for raw, reason in getattr(made, "unread", ())]
    lost += [{"reason": item.reason, "raw": item.raw} for item in made.rejects]
    if lost:
        write_text(path, "".join(json.dumps(item, ensure_ascii=False) + "\n" for item in lost))
    else:
        path.unlink(missing_ok=True)
