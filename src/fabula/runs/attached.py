"""Files that belong to the rows of a run: documents and recordings, with the truth about them."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fabula.io.destinations import KeepsFiles, Sink
from fabula.io.run_files import check_unchanged, inside
from fabula.media.places import MEDIA
from fabula.runs.belongings import recorded

logger = logging.getLogger(__name__)


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
