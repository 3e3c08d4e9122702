"""Files that belong to the rows of a run: documents and recordings, with the truth about them."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fabula.errors import PrerequisiteError
from fabula.io.destinations import KeepsFiles, Sink
from fabula.io.run_files import check_unchanged, inside
from fabula.media.places import MEDIA
from fabula.runs.belongings import recorded

logger = logging.getLogger(__name__)

_PICTURES = ("png", "jpg")


def media_files(folder: Path | None, manifest: Mapping[str, Any]) -> dict[str, Path]:
    """The files of a run that its columns name, by their path in the run's folder.

    Raises:
        SourceError: One is missing, or was changed since it was made.
    """
    if folder is None or not manifest.get("documents"):
        return {}
    found = {}
    for name, sha256 in recorded(folder).items():
        if name.startswith(f"{MEDIA}/"):
            found[name] = inside(folder, name)
            check_unchanged(found[name], sha256)
    return found


def hand_over(sink: Sink, folder: Path | None, manifest: Mapping[str, Any]) -> None:
    """Give a destination the files that columns name, or say that it gets their paths alone."""
    documents = manifest.get("documents")
    if not documents:
        return
    if isinstance(sink, KeepsFiles) and folder is not None:
        sink.keep_files(media_files(folder, manifest))
        return
    names = ", ".join(f"`{name}`" for name in documents)
    logger.warning(
        "`%s` gets the paths in %s, not the files; they stay in `%s`",
        sink.place,
        names,
        folder or "the run's folder",
    )


def with_pictures(rows: Any, table: str, folder: Path | None, manifest: Mapping[str, Any]) -> Any:
    """A `datasets.Dataset` whose columns of pictures open as pictures.

    Raises:
        PrerequisiteError: The extra `media` is missing.
    """
    for name, card in manifest.get("documents", {}).items():
        owner, _, column = name.rpartition(".")
        if owner != table or folder is None or card["formats"][0] not in _PICTURES:
            continue
        try:
            from datasets import Image

            paths = [name and str(inside(folder, name)) for name in rows[column]]
            at = rows.column_names.index(column)
            names = rows.column_names
            rows = rows.remove_columns(column).add_column(column, paths)
            rows = rows.select_columns([*names[:at], column, *names[at + 1 :]])
            rows = rows.cast_column(column, Image())
        except ImportError as exc:
            raise PrerequisiteError.for_extra("media", needed_by="pictures in `to_hf()`") from exc
    return rows
