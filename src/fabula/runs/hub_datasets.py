"""Tables of a run as datasets of the Hub's library, with its types for media and class labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from fabula.errors import PrerequisiteError, UsageError, did_you_mean
from fabula.io.arrays import plain_type
from fabula.io.run_files import inside

_FEATURES = {"png": "Image", "jpg": "Image", "wav": "Audio", "flac": "Audio", "mp3": "Audio"}
"""What `datasets` calls the columns of files."""


def hub_datasets(
    tables: Mapping[str, pa.Table],
    labels: Sequence[str],
    folder: Path | None,
    manifest: Mapping[str, Any],
) -> dict[str, Any]:
    """Each table as a `datasets.Dataset`.

    Args:
        tables: The rows by table.
        labels: Columns of texts that become class labels, in whichever table has them.
        folder: The run's folder, which contains the files that columns name.
        manifest: The run's record of those files.

    Raises:
        PrerequisiteError: The extra `media` is missing.
        UsageError: No table has a column of labels, or it contains no texts.
    """
    from datasets import Dataset

    known = [column for rows in tables.values() for column in rows.column_names]
    for label in labels:
        if label not in known:
            raise UsageError(
                f"no table has a column `{label}`",
                code="usage.unknown-column",
                hint=did_you_mean(label, known),
            )
    made = {}
    for name, rows in tables.items():
        plain = [(field.name, plain_type(field.type)) for field in rows.schema]
        converted = _with_media(Dataset(rows.cast(pa.schema(plain))), name, folder, manifest)
        own = [each for each in labels if each in converted.column_names]
        made[name] = _with_classes(converted, own)
    return made


def _with_media(rows: Any, table: str, folder: Path | None, manifest: Mapping[str, Any]) -> Any:
    """A `datasets.Dataset` whose columns of pictures and recordings open as such.

    Raises:
        PrerequisiteError: The extra `media` is missing.
    """
    for name, card in manifest.get("documents", {}).items():
        owner, _, column = name.rpartition(".")
        feature = _FEATURES.get(card["formats"][0])
        if owner != table or folder is None or feature is None:
            continue
        try:
            import datasets

            paths = [name and str(inside(folder, name)) for name in rows[column]]
            at = rows.column_names.index(column)
            names = rows.column_names
            rows = rows.remove_columns(column).add_column(column, paths)
            rows = rows.select_columns([*names[:at], column, *names[at + 1 :]])
            rows = rows.cast_column(column, getattr(datasets, feature)())
        except ImportError as exc:
            raise PrerequisiteError.for_extra("media", needed_by="pictures in `to_hf()`") from exc
    return rows


def _with_classes(rows: Any, columns: Sequence[str]) -> Any:
    """A `datasets.Dataset` whose columns of texts are numbers with names, in the names' order.

    Raises:
        UsageError: A column contains no texts.
    """
    from datasets import ClassLabel

    for column in columns:
        if rows.features[column].dtype not in ("string", "large_string"):
            raise UsageError(
                f"`{column}` contains no texts, and labels are texts",
                code="usage.labels",
                hint="name columns of texts",
            )
        names = sorted({value for value in rows.unique(column) if value is not None})
        rows = rows.cast_column(column, ClassLabel(names=names))
    return rows
