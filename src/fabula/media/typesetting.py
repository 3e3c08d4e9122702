"""Pages by Typst: a warm compiler for each thread, and where every value stands on which page."""

from __future__ import annotations

import io
import json
import shutil
import tempfile
import threading
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fabula.errors import FabulaError, SourceError
from fabula.extras import missing_extra
from fabula.media.catalogue import LIBRARY, TEMPLATES, Template

if TYPE_CHECKING:
    import typst

MOST_BYTES = 50 << 20
"""Bytes of the files next to a user's own template that it may use."""
_USED = {".typ", ".png", ".jpg", ".jpeg", ".svg", ".csv", ".json", ".toml", ".yaml"}
_LINE = 2.0
"""Boxes whose tops differ by less, in points, stand on the same line."""
_TAGS = "query(<fabula-field>).map(tag => (..tag.value, tag.location().position()))"
"""Typst's answer to where each tag stands: one pass, where a `context` would ask for several."""
_PDFIUM = threading.Lock()
"""PDFium works for one thread at a time."""

Box = tuple[float, float, float, float]
"""Left, top, right and bottom in points, from the page's top left corner."""


@dataclass(frozen=True)
class Place:
    """Where a value, or a line of it, stands: the page, from 1, and the box."""

    page: int
    box: Box


@dataclass(frozen=True)
class Pages:
    """A document as it was set.

    Attributes:
        pdf: The PDF's bytes.
        places: The places of each field, in reading order.
        sizes: Width and height of each page in points.
    """

    pdf: bytes
    places: Mapping[str, Sequence[Place]]
    sizes: Sequence[tuple[float, float]]


class Typesetter:
    """Sets documents by one template; each thread has its own compiler.

    Args:
        template: The template.
        fonts: A folder with further fonts.

    Raises:
        PrerequisiteError: The extra `media` is missing.
        SourceError: The template or the folder of fonts is missing.
    """

    def __init__(self, template: Template, fonts: str | None = None) -> None:
        self._typst = _typst()
        self._folder = tempfile.TemporaryDirectory(
            prefix="fabula-typst-", ignore_cleanup_errors=True
        )
        self._name = template.name
        root = Path(self._folder.name)
        shutil.copyfile(TEMPLATES / LIBRARY, root / LIBRARY)
        _check_there(template.path, "template")
        if template.is_own:
            _copy_neighbours(template.path, root)
        shutil.copyfile(template.path, root / "main.typ")
        if fonts is not None:
            _check_there(Path(fonts), "folder of fonts")
        paths: list[Path] = [] if fonts is None else [Path(fonts)]
        self._fonts = self._typst.Fonts(include_system_fonts=False, font_paths=paths)
        self._own = threading.local()
        self._unprintable: dict[str, bool] = {}
        self._looking = threading.Lock()

    def close(self) -> None:
        """Remove what was put aside."""
        self._folder.cleanup()

    def pages(self, data: Mapping[str, Any]) -> Pages:
        """Set a document.

        Raises:
            SourceError: The template can't be compiled.
        """
        compiler = self._compiler()
        try:
            pdf = compiler.compile(
                format="pdf", sys_inputs={"document": json.dumps(data)}, timestamp=0, pdf_tags=False
            )
            tags = json.loads(compiler.eval(_TAGS))
        except RuntimeError as exc:
            raise self._fault(exc) from exc
        assert isinstance(pdf, bytes)
        return Pages(pdf, _places(tags), page_sizes(pdf))

    def pictures(self, dpi: int) -> list[bytes]:
        """The pages of the document that this thread set last, as PNG."""
        pages = self._compiler().compile(format="png", ppi=float(dpi))
        return [pages] if isinstance(pages, bytes) else list(pages or ())

    def unprintable(self, texts: Iterable[str]) -> str:
        """The characters of some texts that no font has."""
        letters = {c for text in texts for c in text if c > "\u024f" and not c.isspace()}
        with self._looking:
            if new := sorted(letters - self._unprintable.keys()):
                self._unprintable.update(self._looked_up(new))
        return "".join(sorted(c for c in letters if self._unprintable[c]))

    def _looked_up(self, letters: Sequence[str]) -> dict[str, bool]:
        """Whether each character is missing: Typst draws it like one that exists nowhere."""
        source = (
            "#set page(width: 40pt, height: 40pt, margin: 4pt)\n"
            '#set text(font: "Libertinus Serif")\n'
            '#for letter in json(bytes(sys.inputs.at("letters"))) [#page[#letter]]'
        )
        with tempfile.TemporaryDirectory(prefix="fabula-typst-") as folder:
            path = Path(folder) / "letters.typ"
            path.write_text(source, encoding="utf-8")
            asked = [*letters, "\U000f0000", "\U0010fffd"]
            drawn = self._typst.Compiler(
                input=path, root=folder, font_paths=self._fonts, ignore_system_fonts=True
            ).compile(format="png", ppi=36.0, sys_inputs={"letters": json.dumps(asked)})
        assert isinstance(drawn, list)
        boxes = set(drawn[-2:])
        return {letter: page in boxes for letter, page in zip(letters, drawn, strict=False)}

    def _compiler(self) -> typst.Compiler:
        found: typst.Compiler | None = getattr(self._own, "compiler", None)
        if found is None:
            root = Path(self._folder.name)
            found = self._own.compiler = self._typst.Compiler(
                input=root / "main.typ",
                root=root,
                font_paths=self._fonts,
                ignore_system_fonts=True,
                package_path=root,
                package_cache_path=root,
            )
        return found

    def _fault(self, exc: RuntimeError) -> FabulaError:
        told = getattr(exc, "diagnostic", None) or str(exc)
        return SourceError(
            f"the template `{self._name}` can't be compiled: {told.strip()}",
            code="media.template",
            where=self._name,
            hint='correct the template; values are read by `value("name")` of `fabula.typ`',
        )


def page_sizes(pdf: bytes) -> list[tuple[float, float]]:
    """Width and height of each page of a PDF in points."""
    pypdfium2 = _pypdfium2()
    with _PDFIUM:
        document = pypdfium2.PdfDocument(pdf)
        sizes = [document.get_page_size(page) for page in range(len(document))]
        document.close()
    return sizes


def text_of(pdf: bytes) -> list[str]:
    """The text of each page of a PDF."""
    pypdfium2 = _pypdfium2()
    with _PDFIUM:
        document = pypdfium2.PdfDocument(pdf)
        texts = [page.get_textpage().get_text_range() for page in document]
        document.close()
    return texts


def first_page(pdf: bytes, width: int = 500) -> bytes:
    """The first page of a PDF as a PNG of so many pixels a line."""
    pypdfium2 = _pypdfium2()
    out = io.BytesIO()
    with _PDFIUM:
        document = pypdfium2.PdfDocument(pdf)
        scale = width / document.get_page_size(0)[0]
        document[0].render(scale=scale).to_pil().save(out, "PNG")
        document.close()
    return out.getvalue()


def squeezed(text: str) -> str:
    """A text without spaces and without what PDFium puts for hyphens at the ends of lines."""
    return "".join(text.split()).replace("\ufffe", "")


def _places(tags: Iterable[Sequence[Any]]) -> dict[str, list[Place]]:
    """The boxes of each field; pieces on one line of a page become one box."""
    found: dict[str, list[Place]] = {}
    starts: dict[str, Place] = {}
    for name, end, position in tags:
        page = int(position["page"])
        x, y = (float(position[axis].removesuffix("pt")) for axis in ("x", "y"))
        if end == 0:
            starts[name] = Place(page, (x, y, x, y))
            continue
        start = starts[name]
        left, top = start.box[:2]
        piece = Place(page, (left, top, x, y))
        lines = found.setdefault(name, [])
        if lines and lines[-1].page == page and abs(lines[-1].box[1] - top) < _LINE:
            a = lines[-1].box
            piece = Place(page, (min(a[0], left), min(a[1], top), max(a[2], x), max(a[3], y)))
            lines[-1] = piece
        else:
            lines.append(piece)
    return found


def _typst() -> Any:
    try:
        import typst
    except ImportError as exc:
        raise missing_extra(exc, needed_by="`kind: document`") or exc from exc
    return typst


def _pypdfium2() -> Any:
    try:
        import pypdfium2  # type: ignore[import-untyped]
    except ImportError as exc:
        raise missing_extra(exc, needed_by="reading PDF files") or exc from exc
    return pypdfium2


def _check_there(path: Path, what: str) -> None:
    if not path.exists():
        raise SourceError(
            f"the {what} `{path}` is missing",
            code="source.missing",
            where=str(path),
            hint="correct its path, which starts from the folder you run Fabula in",
        )


def _copy_neighbours(path: Path, root: Path) -> None:
    """Put the pictures and files next to a template where it finds them, links left out."""
    room = MOST_BYTES
    for other in sorted(path.resolve().parent.iterdir()):
        if other.suffix.lower() in _USED and other.is_file() and not other.is_symlink():
            room -= other.stat().st_size
            if room < 0:
                raise SourceError(
                    f"the files next to `{path}` are larger than {MOST_BYTES >> 20} MiB",
                    code="media.template",
                    where=str(path),
                    hint="put the template into a folder of its own, with the files that it uses",
                )
            if other.name not in (LIBRARY, "main.typ"):
                with suppress(OSError):
                    shutil.copyfile(other, root / other.name)
