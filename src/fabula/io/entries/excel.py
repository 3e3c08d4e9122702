"""`excel`: workbooks, of which each sheet is a table; read, not written."""

from __future__ import annotations

from fabula.io.formats import FILE_FORMATS, FileFormat

FILE_FORMATS.add(
    FileFormat(
        name="excel",
        title="Excel",
        endings=(".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"),
        tables="fabula.io.excel_files:read_sheets",
        tells="fabula.io.excel_files:is_workbook",
        keeps_types=5,
    )
)
