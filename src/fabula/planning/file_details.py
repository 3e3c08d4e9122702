"""Columns of details of files: what they are of, and that nothing is made of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fabula.errors import Violation, did_you_mean
from fabula.kinds.base.files import AbstractFile
from fabula.kinds.file_detail import FileDetail, details_of
from fabula.planning.parents import references_of
from fabula.planning.plan import ColumnPlan
from fabula.planning.rules import check_needs
from fabula.spec.tables import DatasetSpec, TableSpec


def detail_violations(
    spec: DatasetSpec, planned: Mapping[str, Mapping[str, ColumnPlan]]
) -> Iterator[Violation]:
    """Details of no file or that its files lack, and uses of values that come after all rows."""
    details = {
        (table.name, name)
        for table in spec.tables.values()
        for name, column in table.columns.items()
        if isinstance(column, FileDetail)
    }
    if not details:
        return
    for table in spec.tables.values():
        for name, column in table.columns.items():
            where = f"tables.{table.name}.columns.{name}"
            if isinstance(column, FileDetail):
                yield from _of_violations(table, column, where)
            for need in planned[table.name][name].needs:
                if _owner(spec, table, need) in details:
                    yield _early(need, where)
        references = references_of(table)
        for at, check in enumerate(table.checks):
            for need in sorted(check_needs(check, references)):
                if _owner(spec, table, need) in details:
                    yield _early(need, f"tables.{table.name}.checks.{at}")
        for need in sorted({name for group in table.unique for name in group}):
            if (table.name, need) in details:
                yield _early(need, f"tables.{table.name}.unique")


def _of_violations(table: TableSpec, column: FileDetail, where: str) -> Iterator[Violation]:
    for part in ("nulls", "unique"):
        if getattr(column, part):
            message = f"a detail of a file takes no `{part}`: it is what the file has"
            yield Violation("spec.bad-key", message, f"{where}.{part}")
    source = table.columns.get(column.of)
    if source is None:
        near = did_you_mean(column.of, table.columns)
        message = f"`{table.name}` has no column `{column.of}`"
        yield Violation("spec.unknown-column", message, f"{where}.of", near)
    elif not isinstance(source, AbstractFile) or source.drop:
        message = f"`{column.of}` names no files that are made"
        hint = "name a written column of `kind: document`, `image`, `speech` or `video`"
        yield Violation("spec.wrong-type", message, f"{where}.of", hint)
    elif column.detail not in (known := details_of(source.endings[0])):
        message = f"the {source.endings[0].upper()} files of `{column.of}` have no {column.detail}"
        hint = f"they have {', '.join(known)}"
        yield Violation("spec.bad-value", message, f"{where}.detail", hint)


def _owner(spec: DatasetSpec, table: TableSpec, need: str) -> tuple[str, str]:
    """The table and the column that a name means; of a parent's, the parent's."""
    if need in table.columns:
        return table.name, need
    reference, _, attribute = need.partition(".")
    parent = getattr(table.columns.get(reference), "parent", "")
    return (parent, attribute) if parent in spec.tables else (table.name, need)


def _early(need: str, where: str) -> Violation:
    message = f"`{need}` is known when the files are made, after all rows and their checks"
    hint = "leave it out; `kind: size` and the other checks of files look at the files themselves"
    return Violation("spec.too-early", message, where, hint)
