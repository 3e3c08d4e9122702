"""The files of one folder of documents, and the truth about them, written when all are there."""

from __future__ import annotations

import hashlib
import html
import json
import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fabula.io.places import make_folder, remove_leftovers, sink_error, write_text
from fabula.io.run_files import inside, is_unchanged
from fabula.kinds.document import Document
from fabula.media.amounts import Row
from fabula.media.catalogue import Template, template
from fabula.media.composing import Composer, Content, Printed, plain
from fabula.media.offices import OFFICES, own_html
from fabula.media.places import document_path, truth_path
from fabula.media.printing import is_right_to_left
from fabula.media.scans import scanned
from fabula.media.truth import listed, records_of
from fabula.media.typesetting import Pages, Place, Typesetter, squeezed, text_of

POINTS = 72.0
"""Points in an inch."""


@dataclass(frozen=True)
class DocumentRow:
    """One row that gets a document: its number, its fields, its lines."""

    number: int
    fields: Row
    lines: Sequence[Row]


class AbstractMaker(ABC):
    """Makes the files of one column, folder by folder, from any thread.

    Args:
        folder: The run's folder.
        table: The table's name.
        column: The column's name.
    """

    def __init__(self, folder: Path, table: str, column: str) -> None:
        self._folder, self._table, self._column = folder, table, column

    @abstractmethod
    def close(self) -> None:
        """Let go of what it needed."""

    def _prepare(self, rows: Sequence[DocumentRow]) -> None:
        """Get at once what the rows of a folder need."""
        del rows

    @abstractmethod
    def _made(self, row: DocumentRow, other: Row) -> dict[str, Any]:
        """Make the files of a row and tell what is in them."""

    def is_made(self, folder: int) -> bool:
        """Whether the files of a folder are there as their truth says."""
        truth = self._folder / truth_path(self._table, self._column, folder)
        return (
            truth.is_file()
            and not any(record.get("missing") for record in records_of(truth))
            and all(
                is_unchanged(self._folder / name, digest) for name, digest in listed(truth).items()
            )
        )

    def make(self, folder: int, rows: Sequence[DocumentRow]) -> None:
        """Make the files of a folder, and then the truth about them.

        Raises:
            SinkError: A file can't be written.
        """
        place = inside(self._folder, document_path(self._table, self._column, 0, "x")).parent.parent
        make_folder(place / f"{folder:05d}")
        remove_leftovers(place / f"{folder:05d}")
        self._prepare(rows)
        lines = []  # texts, which take a tenth of the memory of what they tell
        for at, row in enumerate(rows):
            other = rows[at - 1] if at else rows[min(1, len(rows) - 1)]
            lines.append(json.dumps(self._made(row, other.fields), ensure_ascii=False) + "\n")
        write_text(self._folder / truth_path(self._table, self._column, folder), "".join(lines))

    def _path(self, number: int, ending: str) -> str:
        """The path of a row's file."""
        return document_path(self._table, self._column, number, ending)

    def _written(self, name: str, content: bytes) -> dict[str, Any]:
        """Write one file, whole or not at all; the truth proves later that it reached the disk."""
        path = self._folder / name
        temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        try:
            temporary.write_bytes(content)
            temporary.replace(path)
        except OSError as exc:
            with suppress(OSError):
                temporary.unlink()
            raise sink_error(exc, path) from exc
        return {"path": name, "sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}


class DocumentMaker(AbstractMaker):
    """Makes the documents of one column.

    Args:
        folder: The run's folder.
        table: The table's name.
        column: The column's name.
        spec: The column.
        seed: The run's seed.

    Raises:
        PrerequisiteError: The extra `media` is missing.
        SourceError: The template is missing.
    """

    def __init__(self, folder: Path, table: str, column: str, spec: Document, seed: int) -> None:
        super().__init__(folder, table, column)
        self._spec = spec
        self._template: Template = template(spec.template)
        self._composer = Composer(spec, self._template, table, column, seed)
        self._own_html = spec.template.endswith(".html")
        self._setter = None if self._own_html else Typesetter(self._template, spec.fonts)

    def close(self) -> None:
        """Let go of the template."""
        if self._setter is not None:
            self._setter.close()

    def _made(self, row: DocumentRow, other: Row) -> dict[str, Any]:
        """Make the files of a row and tell what is in them."""
        content = self._composer.content(row.number, row.fields, row.lines, other=other)
        pages = None if self._setter is None else self._setter.pages(content.to_dict())
        boxes: list[dict[str, Any]] = []
        files, scan, shown = [], None, None
        unknown: list[str] = []
        for ending in self._spec.format:
            if ending in ("png", "jpg"):
                assert pages is not None
                drawn, boxes, scan, sizes = self._pictures(row.number, pages, ending)
            elif self._own_html:
                line_names = dict.fromkeys(name for line in row.lines for name in line)
                made, unknown = own_html(self._template.path, content, row.fields, line_names)
                drawn, sizes, shown = [made], [{}], html.unescape(made.decode("utf-8"))
            else:
                drawn, sizes = [self._file(ending, content, pages)], [{}]
            for page, content_bytes in enumerate(drawn, 1):
                suffix = "" if page == 1 else f"-{page}"
                path = self._path(row.number, ending)
                path = path.removesuffix(f".{ending}") + f"{suffix}.{ending}"
                files.append(self._written(path, content_bytes) | sizes[page - 1])
        truth = truth_of(content, pages, boxes, shown)
        unprintable = self._setter.unprintable(content.texts()) if self._setter else ""
        return {
            "table": self._table,
            "row": row.number,
            "template": self._spec.template,
            "language": content.language,
            "layout": content.layout,
            "currency": content.currency,
            "files": files,
            "pages": [{"width": w, "height": h} for w, h in (pages.sizes if pages else ())],
            **truth,
            **({"defect": plain_defect(content.defect)} if content.defect else {}),
            **({"scan": scan} if scan else {}),
            **({"unprintable": unprintable} if unprintable else {}),
            **({"unread": unread} if (unread := unread_of(content, pages, unprintable)) else {}),
            **({"differs": list(content.differs)} if content.differs else {}),
            **({"unknown": unknown} if unknown else {}),
            **({"replaced": dict(content.replaced)} if content.replaced else {}),
        }

    def _file(self, ending: str, content: Content, pages: Pages | None) -> bytes:
        if ending == "pdf":
            assert pages is not None
            return pages.pdf
        return OFFICES[ending](content, pages.pdf if pages else b"")

    def _pictures(
        self, number: int, pages: Pages, ending: str
    ) -> tuple[list[bytes], list[dict[str, Any]], dict[str, Any] | None, list[dict[str, Any]]]:
        """The pages as pictures, the boxes in them, how they were scanned, and their sizes."""
        assert self._setter is not None
        scale = self._spec.dpi / POINTS
        drawn = self._setter.pictures(self._spec.dpi)
        sizes = [
            {"width": int.from_bytes(png[16:20]), "height": int.from_bytes(png[20:24])}
            for png in drawn  # where a PNG has them
        ]
        made, boxes, scan = scanned(
            drawn,
            [(name, place.page, scaled(place, scale)) for name, place in each_place(pages.places)],
            self._spec.scan,
            ending,
            lambda name: self._composer.rng(name, number),
        )
        return made, boxes, scan, sizes


def truth_of(
    content: Content,
    pages: Pages | None,
    boxes: Sequence[Mapping[str, Any]],
    shown: str | None = None,
) -> dict[str, Any]:
    """Every value of a document: as it is, as it is printed, on which page, in which box.

    `shown` is the text of a document without pages, if what it leaves out is to be found there.
    """
    text = None if shown is None else squeezed(shown)
    places = {} if pages is None else pages.places
    order = {name: at for at, name in enumerate(places)}
    in_pictures: dict[str, list[Any]] = {}
    for box in boxes:
        in_pictures.setdefault(box["name"], []).append(
            {k: v for k, v in box.items() if k != "name"}
        )

    def told(name: str, item: Printed) -> dict[str, Any]:
        found = item.to_dict()
        if name in places:
            spots = places[name]
            found["page"] = spots[0].page
            found["box"] = joined([spot for spot in spots if spot.page == spots[0].page])
            if len(spots) > 1:
                found["boxes"] = [{"page": spot.page, "box": _short(spot.box)} for spot in spots]
            found["order"] = order[name]
        elif pages is not None or (text is not None and squeezed(item.text) not in text):
            found["printed"] = ""  # the template leaves it out
        if name in in_pictures:
            found["picture"] = in_pictures[name]
        return found

    return {
        "fields": {name: told(name, item) for name, item in content.fields.items()},
        **{
            list_name: [
                {key: told(f"{list_name}.{at}.{key}", item) for key, item in row.items()}
                for at, row in enumerate(rows)
            ]
            for list_name, rows in content.lists.items()
        },
    }


def unread_of(content: Content, pages: Pages | None, unprintable: str) -> list[str]:
    """The fields whose printed form is not found again in the text of the PDF.

    Spaces don't count, as lines wrap. Words count by themselves where a page ends between them, and
    in scripts that run to the left: their order in a PDF is that of the page.
    """
    if pages is None:
        return []
    text = squeezed("".join(text_of(pages.pdf)))
    printed = dict(content.fields)
    for name, rows in content.lists.items():
        for at, row in enumerate(rows):
            printed |= {f"{name}.{at}.{key}": item for key, item in row.items()}
    unread = []
    for name, item in printed.items():
        if name not in pages.places or set(item.text) & set(unprintable):
            continue
        apart = is_right_to_left(item.text) or len({spot.page for spot in pages.places[name]}) > 1
        parts = item.text.split() if apart else [item.text]
        if not all(squeezed(part) in text for part in parts):
            unread.append(name)
    return unread


def plain_defect(defect: Mapping[str, Any]) -> dict[str, Any]:
    """A defect as JSON has it."""
    return {name: plain(value) for name, value in defect.items()}


def each_place(places: Mapping[str, Sequence[Place]]) -> Iterator[tuple[str, Place]]:
    """Every place with the name of its field."""
    for name, spots in places.items():
        for spot in spots:
            yield name, spot


def scaled(place: Place, scale: float) -> tuple[float, float, float, float]:
    """A box in pixels."""
    left, top, right, bottom = (edge * scale for edge in place.box)
    return left, top, right, bottom


def joined(places: Sequence[Place]) -> list[float]:
    """The box around all boxes."""
    edges = [place.box for place in places]
    box = (
        *map(min, zip(*(edge[:2] for edge in edges), strict=True)),
        *map(max, zip(*(edge[2:] for edge in edges), strict=True)),
    )
    return _short(box)


def _short(box: Sequence[float]) -> list[float]:
    return [round(edge, 2) for edge in box]
