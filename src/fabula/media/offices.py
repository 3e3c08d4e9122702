"""Documents in other forms than pages: Word, Excel, HTML, e-mail.

The same content gives the same bytes: what these formats say of the time is fixed.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import html
import io
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Any

from fabula.errors import SourceError
from fabula.extras import missing_extra
from fabula.media.composing import Content, Printed

_THEN = dt.datetime(2020, 1, 1)
"""When office files say that they were made."""
_ZIPPED = (1980, 1, 1, 0, 0, 0)
_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:46rem;margin:3rem auto;color:#222}"
    "table{border-collapse:collapse;width:100%;margin:1.2rem 0}th,td{padding:.4rem .6rem;"
    "border-bottom:1px solid #ddd;text-align:left;vertical-align:top}"
    "td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}dl{display:grid;"
    "grid-template-columns:max-content 1fr;gap:.2rem 1rem}dt{color:#666}dd{margin:0}"
)


def as_html(content: Content, pdf: bytes = b"") -> bytes:
    """A page of HTML; each value carries the name of its field."""
    del pdf
    parts = [f"<h1>{html.escape(content.title)}</h1>"] if content.title else []
    parts.append("<dl>")
    for name, item in _told(content):
        label = html.escape(content.labels.get(name, name))
        parts.append(
            f'<dt>{label}</dt><dd data-field="{html.escape(name)}">{_html(item.text)}</dd>'
        )
    parts.append("</dl>")
    for name, columns, rows in _tables(content):
        labels = {key: html.escape(content.labels.get(f"{name}.{key}", key)) for key in columns}
        head = "".join(f"<th{_right(content, key)}>{labels[key]}</th>" for key in columns)
        parts.append(f"<table><thead><tr>{head}</tr></thead><tbody>")
        for at, row in enumerate(rows):
            cells = "".join(
                f'<td{_right(content, key)} data-field="{html.escape(f"{name}.{at}.{key}")}">'
                f"{_html(row[key].text) if key in row else ''}</td>"
                for key in columns
            )
            parts.append(f"<tr>{cells}</tr>")
        parts.append("</tbody></table>")
    if content.remark:
        parts.append(f"<p>{html.escape(content.words[content.remark])}</p>")
    title = html.escape(content.title or "document")
    page = (
        f'<!doctype html>\n<html lang="{content.language}"><head><meta charset="utf-8">'
        f"<title>{title}</title><style>{_STYLE}</style></head><body>\n"
    )
    return (page + "\n".join(parts) + "\n</body></html>\n").encode("utf-8", "replace")


def own_html(
    path: Path, content: Content, fields: Iterable[str], lines: Iterable[str]
) -> tuple[bytes, list[str]]:
    """A document by the user's own Jinja template; values are escaped.

    The template has `fields`, `lines`, `language`, `currency`, and each field under its own name.

    Args:
        path: The template.
        content: What the document says.
        fields: The names of all fields; missing values are empty.
        lines: The names of all fields of lines.

    Returns:
        The document, and the names that the template prints and nothing gives.

    Raises:
        SourceError: The template has a mistake.
    """
    from jinja2 import TemplateError, Undefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    unknown: list[str] = []

    class Noted(Undefined):
        """Is empty, as Jinja has it, and notes its name where it is printed or looped over."""

        def __str__(self) -> str:
            unknown.append(str(self._undefined_name))
            return ""

        def __iter__(self) -> Iterator[Any]:
            unknown.append(str(self._undefined_name))
            return iter(())

    environment = ImmutableSandboxedEnvironment(autoescape=True, undefined=Noted)
    told = dict.fromkeys(fields, "") | {name: item.text for name, item in content.fields.items()}
    empty = dict.fromkeys(lines, "")
    rows = [empty | {k: item.text for k, item in row.items()} for row in content.lists["lines"]]
    try:
        text = environment.from_string(path.read_text(encoding="utf-8")).render(
            {
                **told,
                "fields": told,
                "lines": rows,
                "language": content.language,
                "currency": content.currency,
            }
        )
    except (TemplateError, OSError, TypeError, ValueError) as exc:
        raise SourceError(
            f"the template `{path}` can't be rendered: {exc}",
            code="media.template",
            where=str(path),
            hint="correct the template; it has `fields`, `lines` and each field by its name",
        ) from exc
    return text.encode("utf-8", "replace"), sorted(set(unknown))


def as_docx(content: Content, pdf: bytes = b"") -> bytes:
    """A document for Word."""
    del pdf
    try:
        import docx
    except ImportError as exc:
        raise missing_extra(exc, needed_by="`format: docx`") or exc from exc
    document = docx.Document()
    properties = document.core_properties
    properties.created = properties.modified = _THEN
    properties.author, properties.title = "", content.title
    if content.title:
        document.add_heading(content.title, 0)
    told = list(_told(content))
    if told:
        table = document.add_table(rows=0, cols=2)
        for name, item in told:
            cells = table.add_row().cells
            cells[0].text, cells[1].text = content.labels.get(name, name), item.text
    for name, columns, rows in _tables(content):
        document.add_paragraph()
        table = document.add_table(rows=1, cols=len(columns), style="Light Grid Accent 1")
        for cell, key in zip(table.rows[0].cells, columns, strict=True):
            cell.text = content.labels.get(f"{name}.{key}", key)
        for row in rows:
            for cell, key in zip(table.add_row().cells, columns, strict=True):
                cell.text = row[key].text if key in row else ""
    if content.remark:
        document.add_paragraph(content.words[content.remark])
    packed = io.BytesIO()
    document.save(packed)
    return _same_zip(packed.getvalue())


def as_xlsx(content: Content, pdf: bytes = b"") -> bytes:
    """A sheet of Excel; numbers and dates are cells of that type, texts never run as formulas."""
    del pdf
    try:
        import xlsxwriter
    except ImportError as exc:
        raise missing_extra(exc, needed_by="`format: xlsx`") or exc from exc
    packed = io.BytesIO()
    book = xlsxwriter.Workbook(packed, {"in_memory": True, "default_date_format": "yyyy-mm-dd"})
    book.set_properties({"title": content.title, "created": _THEN})
    bold = book.add_format({"bold": True})
    dated = book.add_format({"num_format": "yyyy-mm-dd"})
    sheet = book.add_worksheet("document")
    sheet.set_column(0, 8, 18)
    sheet.write_string(0, 0, content.title, bold)
    at = 2
    for name, item in _told(content):
        sheet.write_string(at, 0, content.labels.get(name, name), bold)
        _write_cell(sheet, at, 1, item, dated)
        at += 1
    for name, columns, rows in _tables(content):
        at += 1
        for place, key in enumerate(columns):
            sheet.write_string(at, place, content.labels.get(f"{name}.{key}", key), bold)
        for row in rows:
            at += 1
            for place, key in enumerate(columns):
                if key in row:
                    _write_cell(sheet, at, place, row[key], dated)
        at += 1
    if content.remark:
        sheet.write_string(at + 1, 0, content.words[content.remark])
    book.close()
    return _same_zip(packed.getvalue())


def as_eml(content: Content, pdf: bytes = b"") -> bytes:
    """An e-mail with the document as PDF; the addresses are of domains that don't exist."""
    message = EmailMessage(policy=SMTP)
    number = _text(content, "number") or _text(content, "reference")
    sender, receiver = _text(content, "seller") or "sender", _text(content, "buyer") or "receiver"
    message["From"], message["To"] = _address(sender), _address(receiver)
    message["Subject"] = " ".join(filter(None, (content.title or "Document", _one_line(number))))
    date = content.fields.get("date")
    when = date.value if date and isinstance(date.value, dt.date) else _THEN.date()
    moment = when if isinstance(when, dt.datetime) else dt.datetime.combine(when, dt.time(9))
    message["Date"] = moment.replace(tzinfo=moment.tzinfo or dt.UTC)
    digest = hashlib.sha256(pdf + repr(content.texts()).encode()).hexdigest()[:24]
    message["Message-ID"] = f"<{digest}@fabula.invalid>"
    told = [f"{content.labels.get(n, n)}: {item.text}" for n, item in _told(content)]
    message.set_content("\n".join(told) + "\n", cte="quoted-printable")
    if pdf:
        name = "".join(c if c.isalnum() or c in "-_" else "-" for c in number) or "document"
        message.add_attachment(pdf, maintype="application", subtype="pdf", filename=f"{name}.pdf")
        message.set_boundary(f"=={digest}==")
    return message.as_bytes()


def _told(content: Content) -> Iterator[tuple[str, Printed]]:
    """The fields that are printed."""
    return ((name, item) for name, item in content.fields.items() if item.text)


def _tables(
    content: Content,
) -> Iterator[tuple[str, list[str], Sequence[Mapping[str, Printed]]]]:
    """The lists that have rows, with the columns that some row fills."""
    for name, rows in content.lists.items():
        columns = [
            key for key in content.columns[name] if any(key in r and r[key].text for r in rows)
        ]
        if columns:
            yield name, columns, rows


def _right(content: Content, key: str) -> str:
    return ' class="n"' if key in content.numeric else ""


def _html(text: str) -> str:
    return f"<bdi>{html.escape(text).replace(chr(10), '<br>')}</bdi>"


def _text(content: Content, name: str) -> str:
    return content.fields[name].text if name in content.fields else ""


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _address(name: str) -> str:
    """A name with an address that nobody has."""
    letters = "".join(c if c.isascii() and c.isalnum() else "." for c in name.lower())
    local = ".".join(filter(None, letters.split(".")))[:60] or "someone"
    shown = _one_line(name).replace("\\", " ").replace('"', "'")
    return f'"{shown}" <{local}@example.invalid>'


def _write_cell(sheet: Any, row: int, column: int, item: Printed, dated: Any) -> None:
    value = item.value
    if isinstance(value, bool) or value is None:
        sheet.write_string(row, column, item.text)
    elif isinstance(value, int | float | Decimal) and abs(float(value)) < 1e15:
        sheet.write_number(row, column, float(value))
    elif isinstance(value, dt.date) and not isinstance(value, dt.datetime) and value.year >= 1900:
        sheet.write_datetime(row, column, value, dated)
    else:
        sheet.write_string(row, column, item.text)


def _same_zip(packed: bytes) -> bytes:
    """The same archive with one fixed time for all of its files."""
    again = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(packed)) as old, zipfile.ZipFile(again, "w") as new:
        for name in old.namelist():
            entry = zipfile.ZipInfo(name, _ZIPPED)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o600 << 16
            new.writestr(entry, old.read(name))
    return again.getvalue()


OFFICES: Mapping[str, Callable[[Content, bytes], bytes]] = {
    "html": as_html,
    "docx": as_docx,
    "xlsx": as_xlsx,
    "eml": as_eml,
}
"""How each form that has no pages is made from a document's content and its PDF."""
