"""Documents of a spec: which column fills which field of a template, and what does not fit."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from fabula.errors import UsageError, Violation, did_you_mean
from fabula.io.places import sha256_of
from fabula.kinds.document import DEFECTS, Document
from fabula.kinds.file_detail import FileDetail
from fabula.kinds.image import Image
from fabula.kinds.reference import Reference
from fabula.kinds.speech import Speech
from fabula.kinds.video import Video
from fabula.media.catalogue import (
    SETTINGS,
    Template,
    is_own,
    settings_of,
    template,
    template_names,
)
from fabula.planning.parents import references_of
from fabula.planning.templates import TemplateError, template_needs
from fabula.spec.tables import DatasetSpec, TableSpec

MEDIA = (Document, Speech, Image, Video)
"""The kinds whose columns name files that are made when all rows are."""
Media: TypeAlias = Document | Speech | Image | Video


@dataclass(frozen=True)
class DocumentPlan:
    """The documents of one column.

    Attributes:
        table: The table.
        column: The column.
        spec: Its parameters.
        fields: The column that fills each field; `customer_id.name` is a parent's.
        lines: The table of the lines, and its column that refers to `table`; None without lines.
        key: The column that the lines refer to.
        line_fields: The column of the lines that fills each field of a line.
    """

    table: str
    column: str
    spec: Media
    fields: Mapping[str, str]
    lines: tuple[str, str] | None
    key: str | None
    line_fields: Mapping[str, str]


def document_plans(spec: DatasetSpec) -> list[DocumentPlan]:
    """The documents of a spec without problems; videos of others come last."""
    plans = [
        _planned(spec, table, name, column)
        for table in spec.tables.values()
        for name, column in table.columns.items()
        if isinstance(column, MEDIA) and not column.drop
    ]
    return sorted(plans, key=lambda plan: isinstance(plan.spec, Video))


def model_of(column: object) -> str | None:
    """The model that makes the files of a column, if one does."""
    return column.model if isinstance(column, Image | Speech | Video) else None


def own_templates(spec: DatasetSpec) -> dict[str, str]:
    """The hash of each template of the user's own, by its name."""
    forms = {p.spec.template for p in document_plans(spec) if isinstance(p.spec, Document)}
    names = {name for name in forms if is_own(name)}
    return {Path(name).name: sha256_of(Path(name)) for name in sorted(names)}


def refuse_documents(spec: DatasetSpec) -> None:
    """Refuse a run without a folder for the documents that the spec wants.

    Raises:
        UsageError: It wants some.
    """
    for plan in document_plans(spec):
        raise UsageError(
            f"the files of `{plan.table}.{plan.column}` need a folder",
            code="usage.output",
            hint='name one: `-o out/`, or `output="out"` in Python',
        )


def document_violations(spec: DatasetSpec) -> Iterator[Violation]:
    """What is wrong with a spec's documents."""
    for table in spec.tables.values():
        for name, column in table.columns.items():
            where = f"tables.{table.name}.columns.{name}"
            if isinstance(column, Document):
                yield from _violations(spec, table, column, where)
            elif isinstance(column, Video):
                yield from _video_violations(spec, table, column, where)
            elif isinstance(column, Image):
                yield from _prompt_violations(spec, table, column.prompt, where)
            elif isinstance(column, Speech):
                yield from _speech_violations(spec, table, column, where)


def _speech_violations(
    spec: DatasetSpec, table: TableSpec, column: Speech, where: str
) -> Iterator[Violation]:
    owner = table
    if column.turns is not None:
        links = link_to(spec, table, column.turns)
        if len(links) != 1:
            yield _link_violation(spec, table, column.turns, f"{where}.turns", len(links))
            return
        owner = spec.tables[links[0][0]]
    for part in ("text", "voice_column", "speaker"):
        source = getattr(column, part)
        if source and (problem := _unknown(spec, owner, source)):
            near = did_you_mean(source, owner.written)
            yield Violation("spec.unknown-column", problem, f"{where}.{part}", near)


def _video_violations(
    spec: DatasetSpec, table: TableSpec, column: Video, where: str
) -> Iterator[Violation]:
    if column.of is None:
        yield from _prompt_violations(spec, table, column.prompt or "", where)
        return
    where = f"{where}.of"
    source = table.columns.get(column.of)
    if source is None:
        near = did_you_mean(column.of, table.columns)
        message = f"`{table.name}` has no column `{column.of}`"
        yield Violation("spec.unknown-column", message, where, near)
    elif not isinstance(source, Document) or source.drop or "png" not in source.format:
        message = f"`{column.of}` has no pictures of pages"
        hint = "name a written column of `kind: document` with `format: [pdf, png]`"
        yield Violation("spec.wrong-type", message, where, hint)


def _prompt_violations(
    spec: DatasetSpec, table: TableSpec, prompt: str, where: str
) -> Iterator[Violation]:
    with suppress(TemplateError):  # told with the column itself
        for name in template_needs(prompt, references_of(table)):
            known = name.partition(".")[0] in table.columns  # others are told there too
            if known and (problem := _unknown(spec, table, name)):
                yield Violation("spec.unknown-column", problem, f"{where}.prompt")


def link_to(spec: DatasetSpec, table: TableSpec, lines: str) -> list[tuple[str, str, str]]:
    """Where a table of lines refers to a table: its name, the reference, and the parent's key."""
    name, _, chosen = lines.partition(".")
    found = []
    for column, each in spec.tables[name].columns.items() if name in spec.tables else ():
        if isinstance(each, Reference) and each.parent == table.name and chosen in ("", column):
            key = each.parent_column or "".join(table.key[:1])
            found.append((name, column, key))
    return found


def _planned(spec: DatasetSpec, table: TableSpec, name: str, column: Media) -> DocumentPlan:
    if isinstance(column, Video) and column.of is not None:
        return DocumentPlan(table.name, name, column, {"of": column.of}, None, None, {})
    if isinstance(column, Image | Video):
        needs = template_needs(column.prompt or "", references_of(table))
        return DocumentPlan(table.name, name, column, dict(zip(needs, needs, strict=True)),
                            None, None, {})  # fmt: skip
    if isinstance(column, Speech):
        spoken = {"text": column.text, "voice": column.voice_column, "speaker": column.speaker}
        sources = {field: source for field, source in spoken.items() if source}
        if column.turns is None:
            return DocumentPlan(table.name, name, column, sources, None, None, {})
        ((child, link, own_key),) = link_to(spec, table, column.turns)
        return DocumentPlan(table.name, name, column, {}, (child, link), own_key, sources)
    form = template(column.template)
    lines: tuple[str, str] | None = None
    key: str | None = None
    line_fields: dict[str, str] = {}
    if column.lines is not None:
        ((child, link, key),) = link_to(spec, table, column.lines)
        lines = (child, link)
        own = form.lines if form.lines is not None else spec.tables[child].written
        line_fields = _filled(spec, spec.tables[child], own, column.line_fields, form.aka)
    own = form.fields if form.fields is not None else table.written
    names = list(dict.fromkeys([*own, *SETTINGS, *form.constants]))
    fields = _filled(spec, table, names, column.fields, form.aka, without=column.constants)
    fields = {field: source for field, source in fields.items() if source != name}
    return DocumentPlan(table.name, name, column, fields, lines, key, line_fields)


def _filled(
    spec: DatasetSpec,
    table: TableSpec,
    fields: Collection[str],
    told: Mapping[str, str],
    aka: Mapping[str, tuple[str, ...]],
    *,
    without: Collection[str] = (),
) -> dict[str, str]:
    """The column of each field: the one that is told, of the same name, or of another name of it.

    No column is taken twice for want of a better one.
    """
    found = dict(told)
    for field in fields:
        if field not in found and field not in without and field in table.written:
            found[field] = field
    taken = set(found.values())
    for field in fields:
        if field in found or field in without:
            continue
        for name in aka.get(field, ()):
            if name not in taken and _unknown(spec, table, name) is None:
                found[field] = name
                taken.add(name)
                break
    return {field: found[field] for field in [*fields, *found] if field in found}


def _unknown(spec: DatasetSpec, table: TableSpec, name: str) -> str | None:
    """Why a column can't fill a field; None if it can."""
    if isinstance(table.columns.get(name), FileDetail):
        return f"`{name}` is known when the files are made, after the rows"
    if name in table.written:
        return None
    if name in table.columns:
        return f"`{name}` is dropped, and documents are made from written columns"
    reference, dot, attribute = name.partition(".")
    column = table.columns.get(reference)
    if not dot or not isinstance(column, Reference) or column.parent not in spec.tables:
        return f"`{table.name}` has no column `{name}`"
    parent = spec.tables[column.parent]
    key = column.parent_column or "".join(parent.key[:1])
    for needed, owner in ((reference, table), (attribute, parent), (key, parent)):
        if needed not in owner.written:
            return f"`{owner.name}` writes no column `{needed}`"
    return None


def _violations(
    spec: DatasetSpec, table: TableSpec, column: Document, where: str
) -> Iterator[Violation]:
    name = column.template
    if is_own(name) and not Path(name).is_file():
        message = f"the template `{name}` is missing"
        hint = "give its path from the folder that you run Fabula in"
        yield Violation("spec.missing-file", message, f"{where}.template", hint)
        return
    if not is_own(name) and name not in template_names():
        known = ", ".join(template_names())
        told = did_you_mean(name, template_names()) or f"there are {known}"
        message = f"there is no template `{name}`"
        yield Violation("spec.unknown-template", message, f"{where}.template", told)
        return
    form = template(name)
    if name.endswith(".html") and set(column.format) - {"html"}:
        message = f"a template in HTML makes HTML, not {', '.join(column.format)}"
        hint = "write `format: html`, or a template in Typst"
        yield Violation("spec.bad-format", message, f"{where}.format", hint)
    child = table
    if column.lines is not None:
        links = link_to(spec, table, column.lines)
        child = spec.tables.get(column.lines.partition(".")[0], table)
        if len(links) != 1:
            yield _link_violation(spec, table, column.lines, f"{where}.lines", len(links))
            return
    elif column.line_fields:
        message = "the document has no lines"
        yield Violation("spec.missing-key", message, where, "say whose they are: `lines: TABLE`")
    for part, owner, slots in (("fields", table, form.fields), ("line_fields", child, form.lines)):
        for field, source in getattr(column, part).items():
            place = f"{where}.{part}.{field}"
            if problem := _unknown(spec, owner, source):
                near = did_you_mean(source, owner.written)
                yield Violation("spec.unknown-column", problem, place, near)
            yield from _unknown_field(form, field, slots, place)
    yield from _constant_violations(form, column, f"{where}.constants")
    for defect in column.defects:
        what, _, field = defect.partition("_")
        if what in DEFECTS:
            yield from _unknown_field(form, field, form.fields, f"{where}.defects.{defect}")


def _constant_violations(form: Template, column: Document, where: str) -> Iterator[Violation]:
    """Constants of fields that don't exist, and values that a setting can't have."""
    settings = settings_of(form)
    for field, value in column.constants.items():
        place = f"{where}.{field}"
        yield from _unknown_field(form, field, form.fields, place)
        for each in value if isinstance(value, tuple) else (value,):
            if field in settings and each not in settings[field]:
                known = settings[field]
                message = f"there is no {field} `{each}`"
                hint = did_you_mean(str(each), known) or f"there are {', '.join(known)}"
                yield Violation("spec.bad-value", message, place, hint)


def _link_violation(
    spec: DatasetSpec, table: TableSpec, lines: str, where: str, links: int
) -> Violation:
    name = lines.partition(".")[0]
    if name not in spec.tables:
        message, hint = f"there is no table `{name}`", did_you_mean(name, spec.tables)
        return Violation("spec.unknown-table", message, where, hint)
    if links > 1:
        message = f"`{name}` refers to `{table.name}` more than once"
        return Violation("spec.ambiguous-reference", message, where, f"write `{name}.COLUMN`")
    message = f"no column `{lines}` refers to `{table.name}`"
    hint = f"add a column `{{kind: reference, to: {table.name}}}` to `{name}`"
    return Violation("spec.unknown-reference", message, where, hint)


def _unknown_field(
    form: Template, field: str, slots: Mapping[str, object] | None, where: str
) -> Iterator[Violation]:
    """A field that the template does not have."""
    known = [*(slots or ()), *SETTINGS, *form.constants]
    if slots is not None and field not in known:
        message = f"the template `{form.name}` has no field `{field}`"
        hint = did_you_mean(field, known) or f"it has {', '.join(slots)}"
        yield Violation("spec.unknown-field", message, where, hint)
