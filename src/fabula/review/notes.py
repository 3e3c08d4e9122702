"""What reviewers said, for the next request: comments as demands, good rows as examples.

`review_import` writes the notes alongside the reviewed table; `with_review` puts them into a spec,
so that a run with notes is another run than one without.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Any, TypeAlias

from fabula.errors import SourceError, UsageError
from fabula.kinds.base.columns import AbstractColumn
from fabula.kinds.judge import Judge
from fabula.kinds.llm import Llm
from fabula.kinds.text import Text
from fabula.spec.reading import read
from fabula.spec.tables import DatasetSpec, TableSpec
from fabula.types import Path

_KEYS = ("key", "uuid", "reference")


@dataclass(frozen=True)
class ReviewNotes:
    """What the next request is told: comments on the reviewed columns, and rows that are right."""

    columns: tuple[str, ...]
    comments: tuple[str, ...]
    examples: tuple[dict[str, Any], ...]

    @property
    def demands(self) -> str:
        """The comments as one demand; empty if there are none."""
        told = "; ".join(self.comments)
        return f"Reviewers of earlier rows demand: {told}" if told else ""

    def to_json(self) -> str:
        """The notes as the text of their file."""
        return json.dumps(vars(self), indent=2, ensure_ascii=False) + "\n"


ReviewLike: TypeAlias = ReviewNotes | Path
"""Notes, or the file that holds them."""


def read_review(review: ReviewLike) -> ReviewNotes:
    """The notes that a caller means.

    Raises:
        SourceError: The file is missing or holds no notes.
        SpecError: It is neither JSON nor YAML; with the line.
    """
    if isinstance(review, ReviewNotes):
        return review
    path = FilePath(review)
    try:
        data = read(path.read_text(encoding="utf-8"), file=str(path)).data
    except (OSError, UnicodeDecodeError) as exc:
        reason = (getattr(exc, "strerror", None) or "it is not UTF-8").lower()
        raise SourceError(
            f"`{path}` can't be read: {reason}",
            code="review.unreadable",
            file=str(path),
            hint="`fabula review import` writes it alongside the reviewed table",
        ) from exc
    fields = ("columns", "comments", "examples")
    lists = isinstance(data, Mapping) and all(isinstance(data.get(key), list) for key in fields)
    if not lists or not _well_formed(data):
        raise SourceError(
            f"`{path}` holds no review",
            code="review.no-notes",
            file=str(path),
            hint="give the `.review.json` file that `fabula review import` wrote",
        )
    return ReviewNotes(*(tuple(data[key]) for key in fields))


def with_review(spec: DatasetSpec, review: ReviewLike) -> DatasetSpec:
    """The spec whose language model is told what reviewers said.

    Raises:
        SourceError: The file is missing or holds no notes.
        UsageError: No table, or more than one, has the reviewed columns and asks a model.
    """
    notes = read_review(review)
    fitting = [
        name
        for name, table in spec.tables.items()
        if set(notes.columns) <= set(table.columns)
        and any(isinstance(column, Llm | Text) for column in table.columns.values())
    ]
    if len(fitting) != 1:
        which = f"{len(fitting)} tables have" if fitting else "no table has"
        raise UsageError(
            f"{which} the reviewed columns ({', '.join(notes.columns)}) and asks a language model",
            code="review.which-table",
            hint="a review steers the `llm` and `text` columns of the one table it was made for",
        )
    tables = {**spec.tables, fitting[0]: _told(spec.tables[fitting[0]], notes)}
    return spec.model_copy(update={"tables": tables})


def _told(table: TableSpec, notes: ReviewNotes) -> TableSpec:
    columns = {name: _told_column(name, column, notes) for name, column in table.columns.items()}
    shown = {
        name
        for name, column in columns.items()
        if column.kind not in _KEYS and not isinstance(column, Text | Judge)
    }
    examples = tuple({k: v for k, v in row.items() if k in shown} for row in notes.examples)
    about = table.prompt or f"rows of a table named {table.name}"
    return table.model_copy(
        update={
            "columns": columns,
            "prompt": f"{about}\n{notes.demands}" if notes.demands else table.prompt,
            "examples": (*filter(None, examples), *table.examples),
        }
    )


def _told_column(name: str, column: AbstractColumn, notes: ReviewNotes) -> AbstractColumn:
    """A column that has a prompt of its own sees neither the table's words nor its examples."""
    if not isinstance(column, Llm | Text) or column.prompt is None:
        return column
    values = [row[name] for row in notes.examples if row.get(name) is not None]
    scalars = [value for value in values if isinstance(value, str | int | float)]
    described = column.description or (name.replace("_", " ") if notes.demands else "")
    return column.model_copy(
        update={
            "description": ". ".join(filter(None, (described, notes.demands))),
            "examples": (*dict.fromkeys(scalars), *column.examples),
        }
    )


def _well_formed(data: Mapping[str, Any]) -> bool:
    texts = (*data["columns"], *data["comments"])
    return all(isinstance(text, str) for text in texts) and all(
        isinstance(row, dict) for row in data["examples"]
    )
