r"""Documents as plain text with places: pages and headings of PDF, DOCX, HTML, Markdown, text.

Offsets count characters of `Document.text`. Of Markdown and text files that is the file itself
(without a byte order mark, line ends as `\n`); of the others it is the text that they show.
"""

from __future__ import annotations

import io
import re
import zipfile
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from os import PathLike
from pathlib import Path
from typing import Any

from typing_extensions import override

from fabula.errors import SourceError
from fabula.extras import missing_extra
from fabula.io.names import missing_file

_HIDDEN = frozenset({"head", "script", "style", "template", "noscript", "svg", "math"})
_INLINE = frozenset(
    {"a", "abbr", "b", "bdi", "bdo", "cite", "code", "data", "del", "dfn", "em", "font", "i", "ins"}
    | {"kbd", "label", "mark", "q", "s", "samp", "small", "span", "strong", "sub", "sup", "time"}
    | {"tt", "u", "var", "wbr"}
)
_CELLS = frozenset({"td", "th"})
_HEADING = re.compile(r"h[1-6]")
_MARKDOWN = re.compile(r"^ {0,3}#{1,6}[ \t]+(.+?)[ \t]*#*[ \t]*$")
_FENCE = re.compile(r"^ {0,3}(?:```|~~~)")
_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?([\w-]+)", re.I)
_HYPHEN = re.compile("[\ufffe\u00ad]\\s*\n")
_WORD = re.compile(r"\w")


@dataclass(frozen=True)
class Document:
    """A document as text.

    Attributes:
        name: Its file name, or what the caller calls it.
        text: Its text.
        pages: Where each page starts; empty for formats without pages.
        headings: Where each heading starts, and what it says.
        notes: What was not read, or guessed.
    """

    name: str
    text: str = field(repr=False)
    pages: tuple[int, ...] = ()
    headings: tuple[tuple[int, str], ...] = field(default=(), repr=False)
    notes: tuple[str, ...] = ()

    def page(self, place: int) -> int | None:
        """The page, from 1, on which an offset lies."""
        return bisect_right(self.pages, place) or None

    def heading(self, place: int) -> str:
        """The last heading at or before an offset; empty if there is none."""
        at = bisect_right(self.headings, place, key=lambda heading: heading[0])
        return self.headings[at - 1][1] if at else ""


def read_documents(
    given: str | PathLike[str] | Mapping[str, str] | Sequence[str | PathLike[str]],
) -> tuple[list[Document], list[str]]:
    """Documents of files, folders, or texts by name; and files of folders that were left out.

    Raises:
        SourceError: A file is missing, of another format, damaged, or has no text.
    """
    if isinstance(given, Mapping):
        return [_with_text(_plain(name, text), name) for name, text in given.items()], []
    listed = [given] if isinstance(given, str | PathLike) else list(given)
    paths: list[Path] = []
    others: list[str] = []
    for path in map(Path, listed):
        if not path.is_dir():
            paths.append(path)
            continue
        files = [each for each in sorted(path.rglob("*")) if each.is_file()]
        files = [each for each in files if not each.name.startswith(".")]
        paths += [each for each in files if each.suffix.lower() in READERS]
        others += [str(each) for each in files if each.suffix.lower() not in READERS]
    if not paths:
        raise SourceError(
            f"there is no document in {', '.join(map(str, listed)) or 'an empty list'}",
            code="source.no-document",
            hint=f"give files that end with {', '.join(READERS)}",
        )
    paths = list(dict.fromkeys(paths))
    short = [path.name for path in paths]
    names = short if len(set(short)) == len(short) else [str(path) for path in paths]
    return [read_document(path, name) for path, name in zip(paths, names, strict=True)], others


def read_document(path: Path, name: str = "") -> Document:
    """One document of a file.

    Raises:
        SourceError: It is missing, of another format, damaged, or has no text.
        PrerequisiteError: The extra `media` is not installed.
    """
    reader = READERS.get(path.suffix.lower() or ".txt")
    if reader is None:
        raise SourceError(
            f"`{path}` has a format that can't be read as a document",
            code="source.document-format",
            where=str(path),
            hint=f"give a file that ends with {', '.join(READERS)}",
        )
    try:
        data = path.read_bytes()
    except FileNotFoundError as exc:
        raise missing_file(path) from exc
    except OSError as exc:
        raise SourceError(
            f"`{path}` can't be read: {exc.strerror or exc}",
            code="source.unreadable",
            where=str(path),
            hint=f"check who may read it: `ls -l {path}`",
        ) from exc
    return _with_text(reader(name or path.name, data), str(path))


def _with_text(document: Document, where: str) -> Document:
    if _WORD.search(document.text):
        return document
    raise SourceError(
        f"`{where}` has no text",
        code="source.no-text",
        where=where,
        hint="a scanned document has pictures of text: run a text recognition first",
    )


def _decoded(data: bytes) -> tuple[str, tuple[str, ...]]:
    """A text file's text, and a note where its encoding is guessed."""
    notes: tuple[str, ...] = ()
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text = data.decode("utf-16", "replace")
    else:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            text, notes = data.decode("cp1252", "replace"), ("read as Windows-1252",)
    return text.replace("\r\n", "\n").replace("\r", "\n"), notes


def _plain(name: str, text: str, notes: tuple[str, ...] = ()) -> Document:
    return Document(name, text, notes=notes)


def _text(name: str, data: bytes) -> Document:
    return _plain(name, *_decoded(data))


def _markdown(name: str, data: bytes) -> Document:
    text, notes = _decoded(data)
    headings: list[tuple[int, str]] = []
    place, is_code = 0, False
    for line in text.split("\n"):
        if _FENCE.match(line):
            is_code = not is_code
        elif not is_code and (found := _MARKDOWN.match(line)):
            headings.append((place, found[1]))
        place += len(line) + 1
    return Document(name, text, headings=tuple(headings), notes=notes)


def _html(name: str, data: bytes) -> Document:
    declared = _CHARSET.search(data[:4096])
    notes: tuple[str, ...] = ()
    try:
        text = data.decode(declared[1].decode() if declared else "utf-8-sig")
    except (UnicodeDecodeError, LookupError):
        text, notes = _decoded(data)
    page = _Page()
    page.feed(text)
    page.close()
    return Document(name, page.text, headings=tuple(page.headings), notes=notes)


class _Page(HTMLParser):
    """The text that a page shows, block by block."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.text = ""
        self.headings: list[tuple[int, str]] = []
        self._parts: list[str] = []
        self._hidden: list[str] = []
        self._size = 0
        self._blocks: list[str] = []

    @override
    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if self._hidden:
            if tag == self._hidden[0]:
                self._hidden.append(tag)
        elif tag in _HIDDEN:
            self._hidden.append(tag)
        elif tag in _CELLS and "".join(self._parts).strip():
            self._parts.append(" | ")
        elif tag not in _INLINE and tag not in _CELLS:
            self._end_block()

    @override
    def handle_endtag(self, tag: str) -> None:
        if self._hidden:
            if tag == self._hidden[0]:
                self._hidden.pop()
        elif tag not in _INLINE and tag not in _CELLS:
            self._end_block(heading=_HEADING.fullmatch(tag) is not None)

    @override
    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        if not self._hidden and tag not in _INLINE | _HIDDEN:
            self._end_block()

    @override
    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self._parts.append(data)

    @override
    def close(self) -> None:
        super().close()
        self._end_block()
        self.text = "\n\n".join(self._blocks)

    def _end_block(self, *, heading: bool = False) -> None:
        said = " ".join("".join(self._parts).split())
        self._parts = []
        if not said:
            return
        if heading:
            self.headings.append((self._size, said))
        self._blocks.append(said)
        self._size += len(said) + 2


def _pdf(name: str, data: bytes) -> Document:
    from fabula.media.typesetting import text_of

    try:
        pages = text_of(data)
    except RuntimeError as exc:
        raise _damaged(name, exc) from exc
    starts, parts, size = [], [], 0
    for page in pages:
        shown = _HYPHEN.sub("", page.replace("\r\n", "\n").replace("\r", "\n")).strip("\n")
        starts.append(size)
        parts.append(shown)
        size += len(shown) + 2
    empty = [str(number) for number, part in enumerate(parts, 1) if not _WORD.search(part)]
    notes = (f"no text on page {', '.join(empty)}",) if empty else ()
    return Document(name, "\n\n".join(parts), pages=tuple(starts), notes=notes)


def _docx(name: str, data: bytes) -> Document:
    try:
        import docx
    except ImportError as exc:
        raise missing_extra(exc, needed_by="reading DOCX files") or exc from exc
    try:
        document = docx.Document(io.BytesIO(data))
    except (zipfile.BadZipFile, KeyError, ValueError) as exc:
        raise _damaged(name, exc) from exc
    headings: list[tuple[int, str]] = []
    blocks: list[str] = []
    size = 0
    for text, is_heading in _blocks_of(document):
        if is_heading:
            headings.append((size, text))
        blocks.append(text)
        size += len(text) + 2
    return Document(name, "\n\n".join(blocks), headings=tuple(headings))


def _blocks_of(document: Any) -> Iterator[tuple[str, bool]]:
    """Paragraphs and rows of tables in order, and whether each is a heading."""
    for item in document.iter_inner_content():
        if hasattr(item, "rows"):
            for row in item.rows:
                cells = [" ".join(cell.text.split()) for cell in row.cells]
                if said := " | ".join(filter(None, cells)):
                    yield said, False
        elif item.text.strip():
            style = item.style.name if item.style is not None else ""
            yield item.text.strip(), style.startswith(("Heading", "Title"))


def _damaged(name: str, exc: Exception) -> SourceError:
    return SourceError(
        f"`{name}` can't be read: {exc}",
        code="source.damaged",
        where=name,
        hint="open it in its own program and save it again, without a password",
    )


READERS: Mapping[str, Callable[[str, bytes], Document]] = {
    ".pdf": _pdf,
    ".docx": _docx,
    ".html": _html,
    ".htm": _html,
    ".md": _markdown,
    ".markdown": _markdown,
    ".rst": _text,
    ".txt": _text,
}
"""How a document is read, by the ending of its file."""
