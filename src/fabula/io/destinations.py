"""A destination is one entry: an address or a file that takes all tables of a dataset at once.

Databases are destinations, and so are files of several tables. Files of one table, and folders of
them, are written by file formats. A load is all or nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, runtime_checkable

from typing_extensions import TypedDict

from fabula.errors import SourceError, UsageError
from fabula.extensions import Register
from fabula.io.formats import ENDINGS, FILE_FORMATS
from fabula.io.names import refuse_broken_address, scheme_of
from fabula.lookup import found_at

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.dataset as ds


@dataclass(frozen=True)
class Loading:
    """What the user allows a load to do.

    Attributes:
        append: Add rows to tables that hold some.
        truncate: Empty the tables first, in the same transaction.
        overwrite: Replace a file.
        fast_load: Drop indexes and constraints while rows are loaded, and add them again.
        allow_remote: Hosts other than this machine that may be written to.
        partition_by: Columns whose values divide a table into folders of files.
        public: Let everybody read what is pushed.
        license: The licence of what is pushed, as the Hub calls it: `cc-by-4.0`.
    """

    append: bool = False
    truncate: bool = False
    overwrite: bool = False
    fast_load: bool = False
    allow_remote: tuple[str, ...] = ()
    partition_by: tuple[str, ...] = ()
    public: bool = False
    license: str = ""

    @property
    def given(self) -> list[str]:
        """The options that are set, apart from `overwrite`, which files have, too."""
        return [
            option.name
            for option in fields(self)
            if option.name != "overwrite" and getattr(self, option.name)
        ]


class LoadOptions(TypedDict, total=False):
    """The options of verbs that load tables; those of `Loading`."""

    append: bool
    truncate: bool
    fast_load: bool
    allow_remote: Sequence[str]
    partition_by: Sequence[str]
    public: bool
    license: str


def allowing(options: LoadOptions, *, overwrite: bool = False) -> Loading:
    """What the options of a verb allow."""
    return Loading(
        append=options.get("append", False),
        truncate=options.get("truncate", False),
        overwrite=overwrite,
        fast_load=options.get("fast_load", False),
        allow_remote=tuple(options.get("allow_remote", ())),
        partition_by=tuple(options.get("partition_by", ())),
        public=options.get("public", False),
        license=options.get("license", ""),
    )


NOTHING_ALLOWED = Loading()
"""A load into tables that are empty, on this machine."""


@dataclass(frozen=True)
class Link:
    """A foreign key: columns whose values are keys of a table."""

    columns: tuple[str, ...]
    parent: str
    key: tuple[str, ...]


@dataclass(frozen=True)
class Incoming:
    """A table that will be loaded.

    Attributes:
        name: Its name.
        schema: Its columns.
        key: The columns of its primary key; empty if none is known.
        links: Its foreign keys.
        unique: Other columns that, together, never repeat.
        rows: Its number of rows, if it is known.
    """

    name: str
    schema: pa.Schema
    key: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()
    unique: tuple[tuple[str, ...], ...] = ()
    rows: int | None = None


Blocks: TypeAlias = "Callable[[str], Iterable[pa.Table]]"
"""The rows of a table, block by block, by its name."""


class Sink(Protocol):
    """An address or a file that was named, ready to be loaded."""

    @property
    def place(self) -> str:
        """What messages and the manifest call it; without passwords."""

    def check(self, tables: Sequence[Incoming]) -> None:
        """Refuse what can't be loaded, before any row is generated; change nothing.

        Raises:
            SinkError: Tables hold rows, lack columns, or the place can't be written.
        """

    def load(self, tables: Sequence[Incoming], rows: Blocks) -> Mapping[str, Any]:
        """Load every table, parents first; after any exception the place is as it was.

        Returns:
            JSON-ready facts for the manifest; `lines` among them are printed.
        """


@runtime_checkable
class KeepsRecord(Protocol):
    """A sink that also stores the manifest of the tables that it loads."""

    def keep_record(self, manifest: Mapping[str, Any]) -> None:
        """Take the manifest, before the load."""


@runtime_checkable
class KeepsFiles(Protocol):
    """A sink that also stores the files whose paths columns contain."""

    def keep_files(self, files: Mapping[str, Path]) -> None:
        """Take the files by the paths that columns contain, before the load."""


Opener: TypeAlias = Callable[[str, Loading], Sink]
"""Opens an address, or a path, for a load."""


@dataclass(frozen=True)
class Destination:
    """Everything known about one destination.

    Attributes:
        name: What users call it.
        title: Its name as its makers write it.
        opens: Opens it: a class or a function, or where it is as `module:function`.
        schemes: The schemes of its addresses: `postgresql` for `postgresql://…`.
        endings: The endings of its files, with the dot.
        reads: Finds the tables of an address or a file, by name; None if it is not read.
        options: The attributes of `Loading` that it understands; others are refused.
        needs: The package, or Fabula's extra, that it needs alongside the base install.
    """

    name: str
    title: str
    opens: str | Opener
    schemes: tuple[str, ...] = ()
    endings: tuple[str, ...] = ()
    reads: str | Callable[[str], Mapping[str, Callable[[], pa.Table | ds.Dataset]]] | None = None
    options: tuple[str, ...] = ()
    needs: str = ""


class Destinations(Register[Destination]):
    """The destinations by name."""

    def add(self, entry: Destination) -> Destination:
        """Register a destination under its name."""
        return self.register(entry.name, entry)


@dataclass(frozen=True)
class Target:
    """A destination and the address or file of it that a user named."""

    entry: Destination
    place: str

    @property
    def file(self) -> Path | None:
        """The file; None if it is an address."""
        return None if scheme_of(self.place) else Path(self.place)

    @property
    def is_shown(self) -> bool:
        """Whether rows can be looked at afterwards: there, or in the run folder of an address."""
        return self.file is None or self.entry.reads is not None

    def open(self, loading: Loading) -> Sink:
        """Open it; nothing there is changed yet.

        Raises:
            UsageError: The destination does not know an option that is set.
            PrerequisiteError: A package that it needs is not installed.
        """
        for option in loading.given:
            if option not in self.entry.options:
                raise UsageError(
                    f"{self.entry.title} has no option `{option}`",
                    code="usage.option",
                    hint=f"leave out `--{option.replace('_', '-')}`",
                )
        opens: Opener = found_at(
            self.entry.opens, needed_by=f"a load into {self.entry.title}", needs=self.entry.needs
        )
        return opens(self.place, loading)

    def rows(self, table: str) -> pa.Table | ds.Dataset:
        """The rows of a table there."""
        return self.tables()[table]()

    def tables(self) -> Mapping[str, Callable[[], pa.Table | ds.Dataset]]:
        """What reads the rows of each table there.

        Raises:
            SourceError: The destination is written, not read.
        """
        if self.entry.reads is None:
            raise SourceError(
                f"{self.entry.title} is written, not read",
                code="source.not-read",
                hint="generate into a folder to read the rows: `-o out/`",
            )
        reads: Callable[[str], Mapping[str, Callable[[], pa.Table | ds.Dataset]]] = found_at(
            self.entry.reads, needed_by=f"reading {self.entry.title}", needs=self.entry.needs
        )
        return reads(self.place)


def lack(name: str, entry: Destination) -> str | None:
    """What an entry lacks, in words."""
    if name != entry.name:
        return f"calls itself `{entry.name}`"
    if not entry.title.strip():
        return "has no `title`"
    if not entry.schemes and not entry.endings:
        return "has neither `schemes` such as `mydb` nor `endings` such as `.mydb`"
    if not all(re.fullmatch(r"[a-z][a-z0-9+.-]+", scheme) for scheme in entry.schemes):
        return "has a scheme that addresses can't have; write it in small letters, as `mydb`"
    if not all(ending.startswith(".") for ending in entry.endings):
        return "has an ending without its dot"
    if unknown := sorted({*entry.options} - {each.name for each in fields(Loading)}):
        return f"knows an option `{unknown[0]}`, which loads don't have"
    for ending in entry.endings:
        written = ending in ENDINGS and FILE_FORMATS[ENDINGS[ending]].writes is not None
        if written:
            return f"has the ending `{ending}`, which is the file format `{ENDINGS[ending]}`'s"
    for other in DESTINATIONS.known().values():
        taken = {*entry.schemes, *entry.endings} & {*other.schemes, *other.endings}
        if taken and other.name != name:
            return f"has `{min(taken)}`, which is `{other.name}`'s"
    return None


DESTINATIONS = Destinations("destination", home="fabula.io.destination_entries", lacks=lack)
"""Every destination."""


def destination_of(output: object, loading: Loading = NOTHING_ALLOWED) -> Target | None:
    """The destination that an address or a file name means; None for other files and folders.

    Raises:
        UsageError: `output` is a broken address, or `loading` allows something, and there is no
            destination.
    """
    refuse_broken_address(output)
    found = _destination(str(output))
    if found is None and (given := loading.given):
        meant = {
            "partition_by": "addresses such as `s3://…`, `file:///…` and `delta://…`",
            "public": "addresses of the Hub",
            "license": "addresses of the Hub",
        }
        raise UsageError(
            f"`{given[0]}` is for {meant.get(given[0], 'databases')}, and `{output}` is not one",
            code="usage.option",
            hint=f"leave out `--{given[0].replace('_', '-')}`",
        )
    return found


def _destination(place: str) -> Target | None:
    scheme, file = scheme_of(place), Path(place.partition("?table=")[0])
    ending = "" if scheme or file.is_dir() else file.suffix.lower()
    if not scheme and not ending:
        return None
    for _ in range(2):
        for entry in DESTINATIONS.known().values():
            if scheme in entry.schemes or ending in entry.endings:
                return Target(entry, place)
        if ending in ENDINGS or not DESTINATIONS.load():
            break
    return None


_NOT_WRITTEN = re.compile(
    r"\.(7z|accdb|avro|bz2|db|docx?|dta|duckdb|feather|gz|h5|hdf5|html?|md|mdb|np[yz]|ods|orc|pdf|pickle|pkl"
    r"|py|rds|sas7bdat|sav|sql|sqlite3?|tar|tgz|toml|txt|xls|xml|xz|ya?ml|zip|zst)"
)
"""Endings by which people know files; a folder of such a name would surprise them."""


def names_file(path: Path) -> bool:
    """Whether a path is named like one file of data, though perhaps of a format not written."""
    ending = path.suffix.lower()
    known = ending in ENDINGS or _NOT_WRITTEN.fullmatch(ending) is not None
    return known or destination_of(path) is not None
