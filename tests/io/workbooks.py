"""Small workbooks, written as Excel does."""

from __future__ import annotations

import datetime as dt
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

_MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = 'xmlns="http://schemas.openxmlformats.org/package/2006/relationships"'
_STYLES = (
    f'<styleSheet {_MAIN}><cellXfs count="3"><xf numFmtId="0"/>'
    '<xf numFmtId="14" applyNumberFormat="1"/><xf numFmtId="22" applyNumberFormat="1"/>'
    "</cellXfs></styleSheet>"
)
_DAY_ZERO = dt.datetime(1899, 12, 30)


def write_workbook(
    path: Path, sheets: Mapping[str, Sequence[Sequence[Any]]], *, hidden: Sequence[str] = ()
) -> Path:
    """A workbook of rows of texts, numbers, truth values, dates and times; None is not a cell."""
    with zipfile.ZipFile(path, "w") as archive:
        listed, linked = [], []
        for at, (name, rows) in enumerate(sheets.items(), 1):
            state = ' state="hidden"' if name in hidden else ""
            listed.append(f'<sheet name={quoteattr(name)} sheetId="{at}" r:id="r{at}"{state}/>')
            linked.append(f'<Relationship Id="r{at}" Type="{_OFFICE}/worksheet"'
                          f' Target="worksheets/s{at}.xml"/>')  # fmt: skip
            body = "".join(
                f"<row>{''.join(_cell(value, column, row) for column, value in enumerate(cells))}"
                "</row>"
                for row, cells in enumerate(rows, 1)
            )
            archive.writestr(
                f"xl/worksheets/s{at}.xml",
                f"<worksheet {_MAIN}><sheetData>{body}</sheetData></worksheet>",
            )
        archive.writestr(
            "xl/workbook.xml",
            f'<workbook {_MAIN} xmlns:r="{_OFFICE}"><sheets>{"".join(listed)}</sheets></workbook>',
        )
        linked.append(f'<Relationship Id="s" Type="{_OFFICE}/styles" Target="styles.xml"/>')
        archive.writestr("xl/styles.xml", _STYLES)
        archive.writestr(
            "xl/_rels/workbook.xml.rels",
            f"<Relationships {_PACKAGE}>{''.join(linked)}</Relationships>",
        )
        archive.writestr(
            "_rels/.rels",
            f'<Relationships {_PACKAGE}><Relationship Id="b" Type="{_OFFICE}/officeDocument"'
            ' Target="xl/workbook.xml"/></Relationships>',
        )
    return path


def _cell(value: Any, column: int, row: int) -> str:
    place = f'r="{chr(65 + column)}{row}"'
    if value is None:
        return ""
    if isinstance(value, str):
        return f'<c {place} t="inlineStr"><is><t>{escape(value)}</t></is></c>'
    if isinstance(value, bool):
        return f'<c {place} t="b"><v>{int(value)}</v></c>'
    if isinstance(value, dt.datetime):
        return f'<c {place} s="2"><v>{(value - _DAY_ZERO) / dt.timedelta(days=1)!r}</v></c>'
    if isinstance(value, dt.date):
        return f'<c {place} s="1"><v>{(value - _DAY_ZERO.date()).days}</v></c>'
    return f"<c {place}><v>{value!r}</v></c>"
