"""A file format is one entry: its endings, how it is read, and how it is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath, PurePosixPath
from typing import TYPE_CHECKING, Any, TypeAlias

from typing_extensions import override

from fabula.errors import UsageError
from fabula.extensions import Register
from fabula.lookup import entry_of, found_at

if TYPE_CHECKING:
    import pyarrow as pa

Format: TypeAlias = str
"""The name of a file format; each that is written is also a file's ending."""

Reader: TypeAlias = "Callable[[Path], pa.Table]"
"""Reads a file whole."""

Writer: TypeAlias = "Callable[[pa.NativeFile, pa.Schema, Path, bool], Any]"
"""Opens an encoder (see `fabula.io.write.Encoder`) on a sink, for a schema, a path, and whether
texts that a spreadsheet would run are escaped."""


@dataclass(frozen=True)
class FileFormat:
    """Everything known about one file format.

    Attributes:
        name: What users call it; also the ending of written files.
        title: Its name as its makers write it.
        endings: The endings of its files, with the dot.
        reads: Reads a file whole: a function, or where it is as `module:function`; None if it
            is not read, or `dataset` reads it.
        writes: Opens an encoder: a class or a function, or where it is; None if it is not
            written.
        tables: Reads a file of several tables, by name; instead of `reads`.
        magic: The first bytes of each of its files, which tell it whatever the ending.
        tells: Whether a file is of the format, where its first bytes do not tell; its ending
            alone does not count then.
        dataset: Arrow's own name for it, where files are opened and not read.
        keeps_types: Its place among the formats by how well it keeps types, from 0.
        needs: The package that it needs alongside the base install; empty for none.
    """

    name: str
    title: str
    endings: tuple[str, ...]
    reads: str | Reader | None = None
    writes: str | Writer | None = None
    tables: str | Callable[[Path], dict[str, pa.Table]] | None = None
    magic: bytes = b""
    tells: str | Callable[[Path], bool] | None = None
    dataset: str = ""
    keeps_types: int = 9
    needs: str = ""

    def reader(self) -> Reader:
        """What reads a file.

        Raises:
            UsageError: The format is not read.
            PrerequisiteError: A package that it needs is not installed.
        """
        return self._found(self.reads, "read")

    def tables_of(self, path: Path) -> dict[str, pa.Table]:
        """The tables of a file, by name.

        Raises:
            UsageError: The format holds one table a file.
        """
        found: dict[str, pa.Table] = self._found(self.tables, "read as several tables")(path)
        return found

    def is_of(self, path: Path) -> bool:
        """Whether `tells` takes a file for one of the format."""
        return self.tells is not None and bool(self._found(self.tells, "told")(path))

    def writer(self) -> Writer:
        """What opens an encoder.

        Raises:
            UsageError: The format is not written.
            PrerequisiteError: A package that it needs is not installed.
        """
        return self._found(self.writes, "written")

    def _found(self, place: str | Callable[..., Any] | None, what: str) -> Callable[..., Any]:
        if place is None:
            raise UsageError(f"{self.title} files are not {what}", code="usage.format")
        found: Callable[..., Any] = found_at(
            place, needed_by=f"a {self.title} file", needs=self.needs
        )
        return found


class FileFormats(Register[FileFormat]):
    """The file formats by name."""

    def add(self, entry: FileFormat) -> FileFormat:
        """Register a format under its name."""
        return self.register(entry.name, entry)


def lack(name: str, entry: FileFormat) -> str | None:
    """What an entry lacks, in words."""
    if name != entry.name:
        return f"calls itself `{entry.name}`"
    if not entry.title.strip():
        return "has no `title`"
    if not entry.endings or not all(ending.startswith(".") for ending in entry.endings):
        return "has no `endings` such as `.parquet`"
    if not any((entry.reads, entry.tables, entry.writes, entry.dataset)):
        return "neither reads nor writes"
    if entry.writes is not None and f".{name}" not in entry.endings:
        return f"is written and has no ending `.{name}`"
    for other in FILE_FORMATS.known().values():
        taken = sorted({*entry.endings} & {*other.endings})
        if taken and other.name != name:
            return f"has the ending `{taken[0]}`, which is `{other.name}`'s"
    return None


FILE_FORMATS = FileFormats(
    "file format",
    home="fabula.io.entries",
    order=lambda name, entry: (entry.keeps_types, name),
    lacks=lack,
    apart_from="fabula.training.entries",
)
"""Every file format."""


class _Endings(Mapping[str, str]):
    """The format of each ending; those of plug-ins are asked where no built-in one has it."""

    @override
    def __getitem__(self, ending: str) -> str:
        for _ in range(2):
            for entry in FILE_FORMATS.known().values():
                if ending in entry.endings:
                    return entry.name
            if not ending or not FILE_FORMATS.load():
                break
        raise KeyError(ending)

    @override
    def __iter__(self) -> Iterator[str]:
        return (ending for entry in FILE_FORMATS.values() for ending in entry.endings)

    @override
    def __len__(self) -> int:
        return sum(1 for _ in self)


ENDINGS: Mapping[str, str] = _Endings()
"""File endings that are read, with the format that they mean."""


_PACKED = (".gz", ".zip")
_NO_TABLES = (
    "run.json", "manifest.json", "rejects.jsonl", "model-calls.jsonl", "dataset_infos.json",
)  # fmt: skip
"""Files of a run, or of a dataset, that hold none of its tables; a name may stand before them."""


def is_data(name: str) -> bool:
    """Whether a file, by its name or its path, may hold a table; hidden ones don't."""
    path = PurePosixPath(name)
    packed = path.suffix.lower() in _PACKED
    ending = PurePosixPath(path.stem).suffix if packed else path.suffix
    record = any(f".{path.name}".endswith(f".{other}") for other in _NO_TABLES)
    hidden = any(part[0] == "." for part in path.parts) or any(
        part[0] == "_" for part in path.parts[:-1]
    )
    known = ending.lower() in ENDINGS or path.suffix.lower() in ENDINGS
    return known and not record and not hidden


def table_name(path: PurePath) -> str:
    """What a file's table is called: `orders` of `orders.csv.gz`."""
    inner = PurePath(path.stem)
    packed = path.suffix.lower() in _PACKED and inner.suffix.lower() in ENDINGS
    return inner.stem if packed else path.stem


def ending_like(source: Path, *, otherwise: str) -> str:
    """The ending of a source; `otherwise` where files of its format are not written."""
    entry = FILE_FORMATS.get(ENDINGS.get(source.suffix.lower(), ""))
    return source.suffix if entry is not None and entry.writes is not None else otherwise


def book_format(path: Path) -> FileFormat | None:
    """The format of several tables a file that a file is of; None if it holds one table."""
    named = ENDINGS.get(path.suffix.lower())
    books = [entry for entry in FILE_FORMATS.known().values() if entry.tables is not None]
    return next(
        (book for book in books if (book.is_of(path) if book.tells else book.name == named)), None
    )


def written_formats() -> tuple[Format, ...]:
    """The formats that files are written in, the one that keeps types best first."""
    return tuple(name for name, entry in FILE_FORMATS.items() if entry.writes is not None)


def as_format(name: str | FileFormat) -> Format:
    """The format of that name that files can be written in; one of the caller's own is registered.

    Raises:
        UsageError: There is no such format.
    """
    if isinstance(name, FileFormat):
        known = name.name in FILE_FORMATS and FILE_FORMATS[name.name] == name
        return name.name if known else FILE_FORMATS.add(name).name
    known_entry = FILE_FORMATS.get(name)
    if known_entry is not None and known_entry.writes is not None:
        return name
    listed = ", ".join(written_formats())
    if known_entry is not None:
        raise UsageError(
            f"{known_entry.title} files are read, not written",
            code="usage.format",
            hint=f"choose one of {listed}",
        )
    return entry_of(FILE_FORMATS, name, code="usage.format", hint=f"choose one of {listed}").name


def separator_of(path: Path) -> str:
    """What is between the values of a CSV file: a tab where the ending says so."""
    return "\t" if path.suffix.lower() == ".tsv" else ","


def format_of(path: Path) -> Format:
    """The format that a file's ending asks for.

    Raises:
        UsageError: The ending names no format that can be written.
    """
    return as_format(ENDINGS.get(path.suffix.lower(), path.suffix.lstrip(".")))


def check_ending(path: Path, form: Format, *, called: str = "") -> None:
    """Refuse a file whose ending names another format than the one to be written.

    `called` is what users call the format, if it is another word.

    Raises:
        UsageError: The ending names another format.
    """
    if not path.suffix:
        raise UsageError(
            f"`{path.name}` has no ending, and one table is one file",
            code="usage.format",
            hint=f"write `-o {path.name}.{form}`",
        )
    if format_of(path) != form:
        raise UsageError(
            f"`{path.name}` can't hold `{called or form}`: its ending says {format_of(path)}",
            code="usage.format",
            hint=f"write `-o {path.with_suffix(f'.{form}').name}`, or choose another format",
        )
