"""What outputs name: do their tables, columns, templates and files fit the spec?"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace

from fabula.errors import Violation, did_you_mean
from fabula.io.formats import written_formats
from fabula.io.names import file_stem
from fabula.planning.templates import TemplateError, template_needs
from fabula.spec.outputs import CONVERSATIONS, OutputSpec
from fabula.spec.tables import DatasetSpec
from fabula.spec.training_formats import TRAINING_FORMATS

ROW = "row"
"""The name by which a template reaches columns that are not identifiers: `row["unit price"]`."""


def output_violations(spec: DatasetSpec) -> Iterator[Violation]:
    """Problems of a spec's outputs."""
    yield from _shared_files(spec)
    taken: dict[str, str] = {}
    for i, output in enumerate(spec.outputs):
        where = f"outputs.{i}"
        for name in output.tables:
            if name not in spec.tables:
                yield _unknown("table", name, spec.tables, f"{where}.tables")
        yield from _unknown_format(output, where)
        if not output.is_export:
            continue
        table = table_of(output, spec)
        if table is None:
            if output.table:
                yield _unknown("table", output.table, spec.tables, f"{where}.table")
            else:
                message = f"the spec has {len(spec.tables)} tables; the output must say which"
                hint = f"add `table: {next(iter(spec.tables))}`"
                yield Violation("spec.missing-key", message, where, hint)
            continue
        columns = spec.tables[table].columns
        written = spec.tables[table].written
        if lacking := lacks_texts(output, written):
            yield Violation("spec.missing-key", lacking, where, "add `user` and `assistant`")
        for name in _used(output, columns):
            if name not in written:
                yield _unwritten(name, columns, where)
        yield from _template_problems(output, columns, where)
        for file in files_of(output, table).values():
            owner = taken.get(file)
            if owner or file.removesuffix(output.ending) in spec.tables:
                message = f"{owner or 'a table'} writes `{file}` too"
                hint = f"give this output its own `path`, such as `path: {output.format}`"
                yield Violation("spec.repeated-file", message, where, hint)
            taken[file] = f"`{where}`"


def _shared_files(spec: DatasetSpec) -> Iterator[Violation]:
    """Tables that would overwrite each other where file names ignore case, as on macOS."""
    known: dict[str, str] = {}
    for name in spec.tables:
        stem = file_stem(name).casefold()
        if stem in known:
            message = f"tables `{known[stem]}` and `{name}` share a file where names ignore case"
            yield Violation("spec.repeated-file", message, f"tables.{name}", "rename one of them")
        known[stem] = name


def table_of(output: OutputSpec, spec: DatasetSpec) -> str | None:
    """The table that an output is made of; None if it is unknown or not said."""
    if output.table:
        return output.table if output.table in spec.tables else None
    return next(iter(spec.tables)) if len(spec.tables) == 1 else None


def files_of(output: OutputSpec, table: str) -> dict[str, str]:
    """The file of each split, under a name that stays in the run's folder and is free there."""
    return {
        split: file_stem(file.removesuffix(output.ending)) + output.ending
        for split, file in output.files(table).items()
    }


def output_files(spec: DatasetSpec) -> list[str]:
    """The names of the files that a spec's outputs make besides tables."""
    return [
        file
        for output in spec.outputs
        if output.is_export
        for file in files_of(output, table_of(output, spec) or "").values()
    ]


def lacks_texts(output: OutputSpec, columns: Collection[str]) -> str:
    """In words, that neither texts nor conversations make the examples; empty if some do."""
    if not output.is_talk or conversation_column(columns):
        return ""
    return (
        f"`{output.format}` needs `user` and `assistant`, columns or templates, or a column"
        " `messages` of conversations"
    )


def conversation_column(columns: Collection[str]) -> str | None:
    """The column that holds conversations, by its name."""
    return next((name for name in CONVERSATIONS if name in columns), None)


def unknown_columns(output: OutputSpec, columns: Collection[str]) -> list[str]:
    """Names that an output uses and a table lacks.

    Raises:
        TemplateError: A template can't be read.
    """
    for problem in _template_problems(output, columns, ""):
        raise TemplateError(problem.message)
    return [name for name in _used(output, columns) if name not in columns]


def _used(output: OutputSpec, columns: Collection[str]) -> list[str]:
    """Columns that an output names, in its templates too."""
    used = [*output.score, *filter(None, [output.stratify])]
    for text in output.texts:
        if text in columns:
            used.append(text)
        elif "{" in text:
            try:
                needs = template_needs(text, ())
            except TemplateError:
                continue
            used += [name for name in needs if name != ROW or ROW in columns]
        elif text != output.system:  # what the system says may be a plain text
            used.append(text)
    return list(dict.fromkeys(used))


def _template_problems(
    output: OutputSpec, columns: Collection[str], where: str
) -> Iterator[Violation]:
    for text in output.texts:
        if text in columns:
            continue
        try:
            template_needs(text, ())
        except TemplateError as error:
            yield Violation("spec.bad-template", f"the template {text!r}: {error}", where)


def _unknown_format(output: OutputSpec, where: str) -> Iterator[Violation]:
    if not output.is_training and output.format not in written_formats():
        known = (*written_formats(), *TRAINING_FORMATS.written())
        problem = _unknown("format", output.format, known, f"{where}.format")
        yield replace(problem, hint=problem.hint or f"there are {', '.join(known)}")


def _unknown(noun: str, name: str, known: Collection[str], where: str) -> Violation:
    return Violation(
        f"spec.unknown-{noun}", f"there is no {noun} `{name}`", where, did_you_mean(name, known)
    )


def _unwritten(name: str, columns: Collection[str], where: str) -> Violation:
    if name not in columns:
        return _unknown("column", name, columns, where)
    message = f"an output uses the written columns, and `{name}` is dropped"
    return Violation("spec.dropped-column", message, where, f"keep `{name}`")
