"""A folder with a release, and the real rows that it was made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fabula.errors import SourceError, UsageError
from fabula.evaluation.metrics.reidentification import QUASI
from fabula.io.run_files import MANIFEST, read_object
from fabula.io.sources import is_source
from fabula.io.tables import named_tables
from fabula.kinds.source import SourceTable
from fabula.planning.sources import held_rows, people_in, source_hash, table_rows
from fabula.runs.records import record
from fabula.synthesizers.parity import Parity


@dataclass(frozen=True, eq=False)
class Release:
    """A folder with a release, and the real rows that it was made of.

    Attributes:
        folder: The folder.
        name: The released table.
        source: What was asked for.
        rows: The released rows.
        manifest: How the run was made.
    """

    folder: Path
    name: str
    source: SourceTable
    rows: pa.Table
    manifest: Mapping[str, Any]

    @classmethod
    def of(cls, folder: Path, file: Path | None = None) -> Release | None:
        """The release in a folder; None if the folder contains something else.

        Args:
            folder: The folder.
            file: The real rows; by default the file of the spec, here or beside the folder.
        """
        manifest = read_object(record(folder, MANIFEST)) if folder.is_dir() else None
        for name, table in ((manifest or {}).get("spec") or {}).get("tables", {}).items():
            facts = table.get("source")
            if facts and (facts.get("synthesize") or facts.get("k")):
                known = {key: value for key, value in facts.items() if value is not None}
                known["file"] = str(file or _found(folder, known["file"]))
                return cls(folder, name, SourceTable(**known), named_tables(folder)[name],
                           manifest or {})  # fmt: skip
        return None

    @cached_property
    def real(self) -> pa.Table:
        """The real rows of the people who are in the release, in its order.

        Raises:
            SourceError: The file is missing or another one.
        """
        if not is_source(self.source.file):
            raise SourceError(
                f"the real rows `{self.source.file}` are not here",
                code="source.missing",
                where=self.source.file,
                hint=f"fabula evaluate {self.folder} --real PATH/{Path(self.source.file).name}",
            )
        if not self.is_of:
            raise SourceError(
                f"`{self.source.file}` is not the file that was released",
                code="evaluate.other-source",
                where=self.source.file,
                hint=f"name the right one: `fabula evaluate {self.folder} --real FILE`",
            )
        rows = table_rows(self.source)
        if rows.num_rows != self.rows.num_rows:
            raise SourceError(
                f"the release has {self.rows.num_rows:,} rows, and {rows.num_rows:,} real ones"
                " were released: they can't be told apart row by row",
                code="evaluate.rows-lost",
                where=str(self.folder),
                hint="release all rows: leave out checks that reject some",
            )
        return rows

    @cached_property
    def held(self) -> pa.Table:
        """The real rows of people who are not in it.

        Raises:
            UsageError: Nobody was kept out.
        """
        if not self.source.kept_out:
            raise UsageError(
                "a release is compared with people who are not in it, and nobody was held out",
                code="evaluate.no-holdout",
                hint="generate holds out a tenth by default; you passed `holdout: 0`",
            )
        return held_rows(self.source)

    @property
    def people(self) -> NDArray[np.int64] | None:
        """The person of each row; None if no column tells it, and rows count as people."""
        person = self.source.person
        return None if person is None else people_in(self.real, person)

    @property
    def parity(self) -> Parity | None:
        """The outcome whose rates were made equal."""
        asked = self.source.parity
        return None if asked is None else Parity.read(asked, self.source.rate)

    @property
    def is_of(self) -> bool:
        """Whether the real rows are those that were released."""
        return source_hash(self.source.file) == self.source.sha256

    @property
    def learned(self) -> list[str]:
        """The learned columns."""
        return [name for name in self.source.synthesize if name in self.rows.column_names]

    @property
    def kept(self) -> list[str]:
        """The columns that are copied as they are."""
        coarse = {*self.source.generalise, *(self.quasi if self.source.k else ())}
        return [
            name
            for name, action in self._actions.items()
            if action == "keep" and name not in {*coarse, *self.learned}
        ]

    @property
    def notes(self) -> list[str]:
        """The columns of free text that were searched for people."""
        columns = self.rows.column_names
        return [n for n, action in self._actions.items() if action == "notes" and n in columns]

    @cached_property
    def _actions(self) -> dict[str, str]:
        """What the masking did to each column."""
        table = self.manifest.get("masking", {}).get("tables", {}).get(self.name, {})
        return {name: facts["action"] for name, facts in table.get("columns", {}).items()}

    @property
    def quasi(self) -> list[str]:
        """The quasi-identifiers: those of the spec, else those whose names say so.

        A replaced column is that of a new person, whom no outsider knows.
        """
        named = [name for name in self.source.quasi if name in self.rows.column_names]
        new = {name for name, action in self._actions.items() if action in ("replace", "redact")}
        return named or [
            name
            for name in self.rows.column_names
            if name not in {*self.learned, *new} and QUASI.search(name.replace("-", "_"))
        ]


def _found(folder: Path, file: str) -> str:
    """The file of a spec, which may be next to the folder that the run wrote; or an address."""
    beside = folder.resolve().parent / file
    return str(beside) if beside.is_file() and not is_source(file) else file
