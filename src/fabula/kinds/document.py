"""Documents: a file for each row, from the row and the rows that belong to it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal, TypeAlias, get_args

from pydantic import BeforeValidator, Field, model_validator

from fabula.kinds import column_kind
from fabula.kinds.base.files import AbstractFile
from fabula.kinds.base.parameters import Probability, Scalar, SpecModel, listed
from fabula.kinds.base.problems import Problem

DocumentFormat: TypeAlias = Literal["pdf", "png", "jpg", "docx", "html", "eml", "xlsx"]
Effect: TypeAlias = Literal[
    "paper",
    "stain",
    "fold",
    "stamp",
    "handwriting",
    "perspective",
    "rotation",
    "crop",
    "light",
    "weather",
    "blur",
    "noise",
    "fax",
    "jpeg",
]
EFFECTS: tuple[str, ...] = get_args(Effect)
"""What happens to pictures of pages, in the order in which it happens."""
DEFECTS = ("wrong", "missing", "duplicate")
"""What a deliberate defect does to a field."""


class Scan(SpecModel):
    """How pictures look as if somebody had printed, handled and scanned the document.

    Attributes:
        severity: 0 (hardly) to 1 (badly), or the lowest and the highest of a uniform draw.
        effects: What happens; by default what happens on a desk: paper, rotation, light, blur,
            noise and JPEG.
    """

    severity: Probability | Annotated[tuple[Probability, Probability], Field()] = 0.3
    effects: Annotated[tuple[Effect, ...], BeforeValidator(listed)] = (
        "paper",
        "rotation",
        "light",
        "blur",
        "noise",
        "jpeg",
    )


@column_kind(
    example="{kind: document, template: invoice, format: [pdf, png]}",
    aka=("pdf", "invoice", "receipt", "letter", "docx", "scan", "file"),
)
class Document(AbstractFile):
    """A file made from the row and its children, such as the invoice of an order.

    The column contains the file's path in the run's folder. Alongside the files stands
    `truth-00000.jsonl`: what is printed in each, and where.

    Attributes:
        template: A template of Fabula's (`invoice`), a Typst file (`mine.typ`), or a Jinja file
            (`mine.html`).
        format: One or several of `pdf`, `png`, `jpg`, `docx`, `html`, `eml` and `xlsx`; the column
            contains the path of the first.
        lines: The table whose rows are the document's lines; a column of it refers to this table.
        fields: The column of each field of the template, where their names differ; columns of
            parents are `customer_id.name`.
        line_fields: The same for the lines.
        constants: A field's value in all documents; of a list, each document draws one. Fields
            that every template has are `language` (`en`, `de`, `fr`), `layout` and `currency`.
        scan: Makes pictures look scanned; boxes in the truth follow.
        defects: Shares of documents with a mistake, which the truth names: `wrong_total`,
            `missing_date`, `duplicate_number`.
        dpi: Dots per inch of pictures.
        fonts: A folder with further fonts.
        labels: Also write labels of the pictures as `coco.json`, or as `metadata.jsonl` for Donut
            and `datasets`.
    """

    kind: Literal["document"] = "document"
    template: str = "letter"
    format: Annotated[tuple[DocumentFormat, ...], BeforeValidator(listed)] = Field(
        default=("pdf",), min_length=1
    )
    lines: str | None = None
    fields: dict[str, str] = Field(default_factory=dict)
    line_fields: dict[str, str] = Field(default_factory=dict)
    constants: dict[str, Scalar | tuple[Scalar, ...]] = Field(default_factory=dict)
    scan: Scan | None = None
    defects: dict[str, Probability] = Field(default_factory=dict)
    dpi: int = Field(default=110, ge=30, le=600)
    fonts: str | None = None
    labels: Annotated[tuple[Literal["coco", "donut"], ...], BeforeValidator(listed)] = ()

    positional: ClassVar = ("template",)
    short_forms: ClassVar = {
        "format": {"enum": list(get_args(DocumentFormat))},
        "labels": {"enum": ["coco", "donut"]},
        "scan": {
            "anyOf": [
                {"type": ["boolean", "number"]},
                {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2},
            ]
        },
    }

    @model_validator(mode="before")
    @classmethod
    def _scan_as_number(cls, data: object) -> object:
        if isinstance(data, dict) and isinstance(data.get("scan"), int | float | list):
            given = data["scan"]
            scan = ({} if given else None) if isinstance(given, bool) else {"severity": given}
            return {**data, "scan": scan}
        return data

    @property
    def endings(self) -> tuple[str, ...]:
        """The endings of its files, the one that the column names first."""
        return self.format

    def problems(self) -> Iterator[Problem]:
        """Formats named twice, defects that do nothing, scans without pictures."""
        if len(set(self.format)) < len(self.format):
            yield Problem("spec.repeated", "a format is named twice", "format")
        for part, told in (("scan", "can look scanned"), ("labels", "have labels")):
            if getattr(self, part) and not {"png", "jpg"} & set(self.format):
                hint = "write `format: [pdf, png]`"
                yield Problem("spec.missing-key", f"only pictures {told}", part, hint)
        for name in self.defects:
            what, _, field = name.partition("_")
            if what not in DEFECTS or not field:
                hint = "write `wrong_total`, `missing_date` or `duplicate_number`"
                yield Problem("spec.bad-defect", f"there is no defect `{name}`", "defects", hint)
        if sum(self.defects.values()) > 1:
            message = "a document has one defect at most, and these shares add up to more than 1"
            yield Problem("spec.bad-number", message, "defects")
        if self.scan and isinstance(self.scan.severity, tuple):
            low, high = self.scan.severity
            if low > high:
                yield Problem("spec.empty-range", "the lowest severity comes first", "scan")
