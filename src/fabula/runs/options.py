"""How a run is made and kept: one value from the caller to the folder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fabula.io.destinations import NOTHING_ALLOWED, Loading
from fabula.io.formats import Format, as_format
from fabula.runs.exit_rules import Limit
from fabula.types import Progress

if TYPE_CHECKING:
    from fabula.runs.tables import Elsewhere


@dataclass(frozen=True)
class RunOptions:
    """How a run is made and kept.

    Attributes:
        format: The file format: `parquet`, `csv`, `jsonl` or `arrow`; None is what the ending of
            a file says, and `parquet` in a folder.
        workers: Parts of tables that are made at the same time.
        executor: Who makes the parts: `local`, or `ray` for the workers of a cluster.
        address: Of the Ray cluster.
        elsewhere: The workers that make the parts, once there are any.
        fresh: Start over instead of going on with what an earlier, equal run left.
        overwrite: Replace another run; files of no run in a folder are never touched.
        max_rejects: Lost rows that are accepted: a share (0.05), or a number of rows; else none.
        escape_formulas: Put `'` before cells of CSV that a spreadsheet would run.
        loading: What a load into a database may do to what is there.
        progress: Called with a table's name, its rows done and its rows asked.
        preview: Rows alone are wanted, not the documents that they point to.
    """

    format: str | None = None
    workers: int = 1
    executor: str = "local"
    address: str | None = None
    elsewhere: Elsewhere | None = None
    fresh: bool = False
    overwrite: bool = False
    max_rejects: Limit = None
    escape_formulas: bool = False
    loading: Loading = NOTHING_ALLOWED
    progress: Progress | None = None
    preview: bool = False

    @property
    def file_format(self) -> Format:
        """The format of files in a folder.

        Raises:
            UsageError: There is no such format.
        """
        return as_format(self.format or "parquet")


DEFAULT = RunOptions()
"""One worker, in Parquet, and nothing that is there is replaced."""
