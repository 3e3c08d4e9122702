"""Where a document lies in a run's folder.

::

    media/orders/invoice/
    ├── 00000/0000000.pdf, 0000000.png, …    the documents of 500 rows
    ├── truth-00000.jsonl                    what is printed in them, written when all are there
    └── …
"""

from __future__ import annotations

from fabula.io.names import file_stem

MEDIA = "media"
FOLDER_ROWS = 500
"""Rows whose documents share a folder; they are made as one task."""


def document_path(table: str, column: str, number: int, ending: str) -> str:
    """The path of a row's document."""
    return f"{media_folder(table, column)}/{number // FOLDER_ROWS:05d}/{number:07d}.{ending}"


def media_folder(table: str, column: str) -> str:
    """The folder of a column's documents."""
    return f"{MEDIA}/{file_stem(table)}/{file_stem(column)}"


def truth_path(table: str, column: str, folder: int) -> str:
    """The path of the truth about one folder of documents."""
    return f"{media_folder(table, column)}/truth-{folder:05d}.jsonl"


def is_truth(name: str) -> bool:
    """Whether a run's file tells the truth about documents."""
    folder, _, file = name.rpartition("/")
    return folder.startswith(f"{MEDIA}/") and file.startswith("truth-")
