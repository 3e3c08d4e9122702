"""What a scan found: where a real value stands, never the value itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from fabula.errors import GateError
from fabula.render import amounts
from fabula.render.results import Result


@dataclass(frozen=True)
class Leak:
    """Real values of one sort in one place.

    Attributes:
        file: The file.
        place: The line, row, column or part of the file where the first one stands.
        kind: The kind of detail.
        column: The real column that it is from.
        how: How it is written: as it is, in an encoding, or as a part.
        count: How many there are.
        example: The first one, all but its first letter hidden.
    """

    file: str
    place: str
    kind: str
    column: str
    how: str
    count: int
    example: str


@dataclass(frozen=True, repr=False)
class ScanReport(Result):
    """The result of a scan.

    Attributes:
        leaks: What was found.
        files: How many files were read.
        size: Their bytes.
        searched: The real columns that were searched, with their kinds.
        unread: Files that could not be read to their end, and why.
        notes: What chance explains, and what was not searched.
    """

    leaks: tuple[Leak, ...]
    files: int
    size: int
    searched: Mapping[str, str]
    unread: Mapping[str, str]
    notes: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether everything was read and nothing was found."""
        return not self.leaks and not self.unread

    def __repr__(self) -> str:
        return f"ScanReport({len(self.leaks)} leaks in {amounts.count(self.files, 'file')})"

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON-ready values."""
        return {"passed": self.passed, **asdict(self), "searched": dict(self.searched)}

    def report(self) -> str:
        """Each leak with its place, what was not read, and how much was searched."""
        lines = [
            f"{leak.file}:{leak.place}  {amounts.count(leak.count, 'value')} of `{leak.column}`"
            f" ({leak.kind.replace('_', ' ')}, {leak.how})  {leak.example}"
            for leak in self.leaks
        ]
        lines += [f"{file}  not read: {why}" for file, why in self.unread.items()]
        lines += [f"note: {note}" for note in self.notes]
        searched = ", ".join(f"{name} ({kind})" for name, kind in self.searched.items())
        found = "no real value" if not self.leaks else amounts.count(len(self.leaks), "leak")
        files = f"{amounts.count(self.files, 'file')} ({amounts.size(self.size)})"
        lines.append(f"Searched {files} for {searched}: {found}")
        return "\n".join(lines)

    def raise_for_leaks(self) -> None:
        """Stop where a real value was found, or a file could not be read.

        Raises:
            GateError: There is a leak.
        """
        if self.leaks:
            total = sum(leak.count for leak in self.leaks)
            raise GateError(
                f"{amounts.count(total, 'real value')} found",
                code="scan.leak",
                where=f"{self.leaks[0].file}:{self.leaks[0].place}",
                hint="mask these columns again, or delete the file",
            )
        if self.unread:
            file, why = next(iter(self.unread.items()))
            raise GateError(f"`{file}` was not searched: {why}", code="scan.unread", where=file)


def hidden(text: str) -> str:
    """A value with all but its first letter hidden.

    Examples:
        >>> hidden("Anna Brown")
        'A••• •••••'
    """
    shown = "".join("•" if char.isalnum() else char for char in text[1:25])
    return f"{text[:1]}{shown}{'…' if len(text) > 25 else ''}"
