"""What a run returns: tables by name, with the record of how they were made."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pyarrow as pa
from typing_extensions import Unpack

from fabula.checks.results import CheckResults
from fabula.errors import PrerequisiteError, SourceError, UsageError, did_you_mean
from fabula.io.destinations import LoadOptions, allowing, destination_of, names_file
from fabula.io.formats import as_format
from fabula.io.loading import incoming, load_tables
from fabula.io.names import missing_file
from fabula.io.read import TableRows, typed
from fabula.io.write import write_tables
from fabula.options import known_options
from fabula.render.results import Result
from fabula.runs.attached import hand_over
from fabula.runs.parts import Call, Lost
from fabula.runs.records import read_calls, read_manifest, read_rejects, spec_of
from fabula.runs.table_rows import rows_of
from fabula.types import Path as PathLike

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    from pydantic import BaseModel

    from fabula.runs.row_card import RowCard

Row = TypeVar("Row", bound="BaseModel")


class Dataset(Mapping[str, Any], Result):
    """Tables by name, read from their files when they are first used; it never changes.

    A dataset of one table also behaves as that table: its columns are found by name, and
    pyarrow, DuckDB and others that read Arrow streams take it as it is.

    Args:
        tables: The rows of each table, in memory or in files, or a function that finds them.
        manifest: The record of the run.
        rejected: Rows that were asked for and are not there.
        calls: Calls to language models that brought its rows; without them, its folder's.
        folder: Where the run's files are.
        reused: Rows that an earlier, interrupted run had made.
        schemas: The types that text files were written from, by table.

    Examples:
        >>> import pyarrow as pa
        >>> data = Dataset({"cities": pa.table({"name": ["Wien", "Oslo"]})})
        >>> data["cities"].num_rows
        2
        >>> data["name"].to_pylist()
        ['Wien', 'Oslo']
    """

    def __init__(
        self,
        tables: Mapping[str, TableRows | Callable[[], TableRows]],
        manifest: Mapping[str, Any] | None = None,
        *,
        rejected: Sequence[Lost] = (),
        calls: Sequence[Call] | None = None,
        folder: Path | None = None,
        reused: int = 0,
        schemas: Mapping[str, pa.Schema] | None = None,
    ) -> None:
        self.manifest: Mapping[str, Any] = manifest or {}
        self.rejected = tuple(rejected)
        self._calls = calls
        self.folder = folder
        self.reused = reused
        self._schemas = schemas or {}
        self._sources = dict(tables)
        self._found: dict[str, TableRows] = {}
        self._read: dict[str, pa.Table] = {}

    @classmethod
    def open(
        cls,
        folder: PathLike,
        *,
        schemas: Mapping[str, pa.Schema] | None = None,
        reused: int = 0,
        trusted: bool = False,
    ) -> Dataset:
        """The dataset of a finished run's folder.

        Args:
            folder: The run's folder.
            schemas: The tables' types; without them, text files are read by their looks.
            reused: Rows that were there before the latest command.
            trusted: Read its files without a look at their hashes, since they were just written.

        Raises:
            SourceError: The folder contains no finished run, its records are damaged, or a file of
                it is missing; when rows are read, that a file was changed.
        """
        folder = Path(folder)
        manifest = read_manifest(folder)
        if manifest is None:
            again = "run `fabula generate` again with the same spec to finish it"
            raise SourceError(
                f"`{folder}` holds no finished run",
                code="source.no-run",
                where=str(folder),
                hint=again if folder.exists() else missing_file(folder).hint,
            )
        known = schemas or {}
        return cls(
            {
                name: rows_of(folder, table, known.get(name), trusted=trusted)
                for name, table in manifest["tables"].items()
            },
            manifest,
            rejected=read_rejects(folder),
            folder=folder,
            reused=reused,
            schemas=known,
        )

    @cached_property
    def checks(self) -> CheckResults:
        """What the run's checks found."""
        return CheckResults.from_dicts(self.manifest.get("checks", ()))

    @cached_property
    def calls(self) -> Sequence[Call]:
        """The calls to language models that brought its rows, where replies are kept."""
        if self._calls is None and self.folder is not None:
            return read_calls(self.folder)
        return self._calls or ()

    def __getitem__(self, name: str) -> Any:
        """A table by its name; with one table, also a column by its name."""
        if name in self._sources:
            return self.to_arrow(name)
        if len(self._sources) == 1 and name in self.schema.names:
            return self.to_arrow().column(name)
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._sources)

    def __len__(self) -> int:
        return len(self._sources)

    def rows(self, table: str | None = None) -> TableRows:
        """A table's rows where they are: an Arrow table, or a dataset over files."""
        name = self._name(table)
        if name not in self._found:
            source = self._sources[name]
            with self._readable(name):
                self._found[name] = source() if callable(source) else source
        return self._found[name]

    def forget(self) -> None:
        """Forget what was read, since files were written again."""
        self._found, self._read = {}, {}

    def count(self, table: str | None = None) -> int:
        """Number of rows of a table, without reading it."""
        rows = self.rows(table)
        with self._readable(table):
            return int(rows.num_rows if isinstance(rows, pa.Table) else rows.count_rows())

    @property
    def num_rows(self) -> int:
        """Rows of the only table."""
        return self.count()

    @property
    def schema(self) -> pa.Schema:
        """Columns and types of the only table."""
        return self.rows().schema

    def head(self, n: int = 10, table: str | None = None) -> pa.Table:
        """The first rows of a table, without reading the rest."""
        rows = self.rows(table)
        with self._readable(table):
            return rows.slice(0, n) if isinstance(rows, pa.Table) else rows.head(n)

    def explain(self, row: int, table: str | None = None) -> RowCard:
        """One row in full, with how each value was made: stream, prompt and reply, program, card.

        Args:
            row: Its place in the table, from 0.
            table: The table; may be left out where there is only one.

        Raises:
            UsageError: There is no such table or row.
            SourceError: The run's records are damaged.
        """
        from fabula.runs.provenance import origins  # reads the ledger
        from fabula.runs.row_card import RowCard

        name, rows = self._name(table), self.rows(table)
        if not 0 <= row < self.count(table):
            raise UsageError(
                f"`{name}` has no row {row:,}",
                code="usage.row",
                hint=f"its rows are numbered from 0 to {self.count(table) - 1:,}",
            )
        with self._readable(table):
            found = rows.slice(row, 1) if isinstance(rows, pa.Table) else rows.take([row])
        return RowCard(name, row, found.to_pylist()[0], origins(self, name, row + 1))

    def to_arrow(self, table: str | None = None) -> pa.Table:
        """A table as Arrow; the name may be left out if there is only one."""
        name = self._name(table)
        if name not in self._read:
            rows = self.rows(name)
            if not isinstance(rows, pa.Table):
                with self._readable(name):
                    rows = rows.to_table()
                    rows = typed(rows, self._schemas.get(name, rows.schema))
            self._read[name] = rows
        return self._read[name]

    def to_pandas(self, table: str | None = None) -> pd.DataFrame:
        """A table as a pandas frame."""
        _need("pandas", "to_pandas()")
        frame: pd.DataFrame = self.to_arrow(table).to_pandas()
        return frame

    def to_polars(self, table: str | None = None) -> pl.DataFrame:
        """A table as a polars frame."""
        _need("polars", "to_polars()")
        import polars as pl

        return pl.DataFrame(self.to_arrow(table))

    def to_dicts(self, table: str | None = None) -> list[dict[str, Any]]:
        """A table as a list of rows."""
        rows: list[dict[str, Any]] = self.to_arrow(table).to_pylist()
        return rows

    def to_hf(self, table: str | None = None, *, labels: Sequence[str] = ()) -> Any:
        """A table as a `datasets.Dataset`; several as a `DatasetDict` by their names.

        Columns of documents that are pictures become `Image` features, recordings `Audio`.

        Args:
            table: The table; by default all of them.
            labels: Columns of texts that become `ClassLabel` features: numbers with names.

        Raises:
            PrerequisiteError: The extra `hub` is not installed.
            UsageError: A table has no column of that name, or it contains no texts.
        """
        _need("datasets", "to_hf()", extra="hub")
        from datasets import DatasetDict

        from fabula.runs.hub_datasets import hub_datasets

        several = table is None and len(self) > 1
        names = list(self) if several else [self._name(table)]
        tables = {name: self.to_arrow(name) for name in names}
        made = hub_datasets(tables, labels, self.folder, self.manifest)
        return DatasetDict(made) if several else made[names[0]]

    def push_to_hub(
        self,
        repo: str,
        *,
        private: bool = True,
        overwrite: bool = False,
        license: str = "",  # noqa: A002
        evaluation: Any = None,
    ) -> None:
        """Push the tables to a dataset on the Hugging Face Hub, with a card and the manifest.

        All of it is one commit. The token comes from the variable `HF_TOKEN`.

        Args:
            repo: The owner and the name: `me/shop`.
            private: Only those whom the owner invites can read it.
            overwrite: Replace the data and the card of a dataset that holds some.
            license: Its licence, as the Hub calls it: `cc-by-4.0`.
            evaluation: What `fb.evaluate` returned; its gates stand in the card.

        Raises:
            PrerequisiteError: The extra `hub` is not installed.
            SinkError: The dataset holds files, is public although `private` is set, or the Hub
                refuses something; it is as it was.
        """
        gates = {} if evaluation is None else {"gates": evaluation.to_dict()["gates"]}
        tables = {name: self.rows(name) for name in self}
        record = {**self.manifest, **gates}
        described = Dataset(tables, record, folder=self.folder, schemas=self._schemas)
        place = f"hf://datasets/{repo}"
        described.write(place, overwrite=overwrite, public=not private, license=license)

    def to_models(self, model: type[Row], table: str | None = None) -> list[Row]:
        """A table as objects of a Pydantic class, which validates each row."""
        return [model.model_validate(row) for row in self.to_dicts(table)]

    def report(self) -> str:
        """How the run ended: its tables, every check, models and files."""
        from fabula.runs.summary import record_text

        return record_text(self)

    @known_options
    def write(
        self,
        path: PathLike,
        *,
        format: str = "parquet",  # noqa: A002
        escape_formulas: bool | None = None,
        overwrite: bool = False,
        **loading: Unpack[LoadOptions],
    ) -> None:
        """Write the tables: one file a table into a folder, or one table into one file.

        Args:
            path: A folder, or a file whose ending names the format; or a destination of all
                tables, such as `shop.sqlite`, `postgresql://localhost/shop` or `s3://bucket/shop`.
            format: The file format in a folder.
            escape_formulas: Put `'` before texts in CSV that a spreadsheet would run.
            overwrite: Replace what a destination holds; files are always replaced.
            **loading: Of a database: `append`: add to tables that hold rows. `truncate`: empty
                them first. `fast_load`: drop indexes and constraints during the load.
                `allow_remote`: hosts other than this machine. `partition_by`: columns that divide
                tables into folders. `public`: let everybody read what is pushed to the Hub.
                `license`: its licence there.

        Raises:
            UsageError: A file is named, but there are several tables.
            SinkError: The place can't be written.
        """
        permitted = allowing(loading, overwrite=overwrite)
        if target := destination_of(path, permitted):
            rows = {name: self.rows(name) for name in self}
            schemas = {name: table.schema for name, table in rows.items()}
            wanted = incoming(schemas, spec_of(self.manifest))
            attach = partial(hand_over, folder=self.folder, manifest=self.manifest)
            load_tables(target, rows, permitted, wanted, self.manifest, prepare=attach)
            return
        place = Path(path)
        named = {self._name(None)} if names_file(place) else self
        tables = {name: self.to_arrow(name) for name in named}
        write_tables(place, tables, as_format(format), escape_formulas=escape_formulas)

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self.to_arrow().__arrow_c_stream__(requested_schema)

    def __repr__(self) -> str:
        tables = ", ".join(f"{name}: {self.count(name):,} rows" for name in self)
        lost = f"; {len(self.rejected):,} rows lost" if self.rejected else ""
        return f"Dataset({tables}{lost})" + (f" in {self.folder}" if self.folder else "")

    def _repr_html_(self) -> str:
        from fabula.render.dataset import dataset_html

        return dataset_html(self)

    @contextmanager
    def _readable(self, table: str | None) -> Iterator[None]:
        """Say which table it is whose files can't be read."""
        try:
            yield
        except (pa.ArrowException, UnicodeDecodeError, OSError) as exc:
            reason = str(exc).partition("\n")[0]
            raise SourceError(
                f"the files of `{self._name(table)}` in `{self.folder}` can't be read: {reason}",
                code="source.unreadable",
                where=str(self.folder),
                hint="move them away and run `fabula generate` again with `--fresh`",
            ) from exc

    def _name(self, table: str | None) -> str:
        """The table that is meant."""
        if table is None and len(self._sources) == 1:
            return next(iter(self._sources))
        if table in self._sources:
            return table
        names = ", ".join(f"`{name}`" for name in self._sources)
        raise UsageError(
            f"there is no table `{table}`; there are {names}"
            if table is not None
            else f"say which table: {names}",
            code="usage.table",
            hint=did_you_mean(table or "", self._sources),
        )


def _need(module: str, call: str, extra: str = "") -> None:
    """Fail with the name of the extra where a library is not installed."""
    try:
        __import__(module)
    except ImportError as exc:
        raise PrerequisiteError.for_extra(extra or module, needed_by=f"`{call}`") from exc
