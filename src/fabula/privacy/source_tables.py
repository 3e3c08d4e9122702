"""Tables of a spec whose rows are those of real files, without the people in them.

A spec is settled before it is planned: each column of a file is listed with its action. Keys are
never in a spec; it has their fingerprints alone, by which this process finds the key again.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from fabula.errors import (
    PrerequisiteError,
    SourceError,
    SpecError,
    UsageError,
    Violation,
    did_you_mean,
)
from fabula.io.names import has_secret, scheme_of
from fabula.kinds.base.columns import AbstractColumn
from fabula.kinds.source import Source, SourceTable
from fabula.planning.sources import look_again, source_hash, source_rows, table_rows
from fabula.privacy.actions import TableMask
from fabula.privacy.files.parquet import ArrowSource
from fabula.privacy.people import NewPeople
from fabula.privacy.prepared import Masking
from fabula.privacy.preparing import codes_of, completed
from fabula.privacy.proposing import propose
from fabula.privacy.secret import Secret
from fabula.spec.tables import DatasetSpec, TableSpec
from fabula.synthesizers.parity import Parity

_ACTIONS = ("synthesize", "generalise")
"""Parts of a release that say what happens to a column's values."""

_LEFT_OUT = "leave it out: the environment gives it, such as AWS_SECRET_ACCESS_KEY or PGPASSWORD"

_SECRETS: dict[str, Secret] = {}
"""The keys that this process has used, by their fingerprints."""


def with_sources(spec: DatasetSpec, *, key_file: Path | None = None) -> DatasetSpec:
    """The spec with every column of its source tables listed, and the action of each.

    Args:
        spec: What is wanted.
        key_file: The key; by default the file that `FABULA_KEY_FILE` names, or a key that is
            discarded.

    Raises:
        SpecError: A file can't be read, or a column can't be treated as asked; all problems at
            once.
        PrerequisiteError: There is no such key file.
    """
    tables = {name: table for name, table in spec.tables.items() if table.source is not None}
    if not tables:
        return spec
    problems: list[Violation] = []
    secret = _remembered(Secret.find(key_file))
    found = {name: _found(table, spec, secret, problems) for name, table in tables.items()}
    if problems:
        raise SpecError(spec.source.located(problems))
    masking = _proposed(spec, found)
    settled = {name: _listed(table, masking.plan.tables[name]) for name, table in found.items()}
    problems = [
        each
        for table in settled.values()
        for each in (*_repeating(table, masking), *_needed(table, masking))
    ]
    if problems:
        raise SpecError(spec.source.located(problems))
    return spec.model_copy(update={"tables": {**spec.tables, **settled}})


def masking_of(tables: Mapping[str, TableSpec]) -> Masking:
    """How source tables that are settled are masked, after a first pass over their rows.

    Raises:
        PrerequisiteError: The key of which the spec has the fingerprint isn't known.
        SpecError: National ids of different people would become the same.
    """
    masking = _proposed(DatasetSpec(tables=dict(tables)), tables)
    try:
        samples = {name: source.sample() for name, source in masking.sources.items()}
        return completed(masking, samples, _as_entry)
    except SpecError as error:
        raise SpecError(list(map(_placed(tables), error.violations))) from error


def _found(
    table: TableSpec, spec: DatasetSpec, secret: Secret, problems: list[Violation]
) -> TableSpec:
    """The table with the size and hash of its file; what is wrong is noted."""
    source, where, file = _source(table), f"tables.{table.name}", _source(table).file
    if has_secret(file):
        message = "the address holds a password or a key, and specs are stored and shared"
        problems.append(Violation("spec.secret", message, f"{where}.file", _LEFT_OUT))
        return table
    if spec.source.file and not scheme_of(file) and not Path(file).exists():
        beside = Path(spec.source.file).parent / file
        file = str(beside) if beside.exists() else file
    look_again(file)
    try:
        rows = source_rows(file)
    except (SourceError, UsageError, PrerequisiteError) as error:
        problems.append(Violation("spec.no-file", error.message, f"{where}.file", error.hint))
        return table
    known = rows.column_names
    for name, column in table.columns.items():
        original = column.column or name if isinstance(column, Source) else None
        if original is not None and original not in known:
            message = f"`{file}` has no column `{original}`"
            hint = did_you_mean(original, known) or f"columns: {', '.join(known[:20])}"
            place = f"{where}.columns.{name}"
            problems.append(Violation("spec.unknown-column", message, place, hint))
    sha256 = source_hash(file)
    if source.sha256 not in (None, sha256):
        message = f"`{file}` is another file than the one whose hash is given"
        problems.append(Violation("spec.other-file", message, f"{where}.sha256"))
    for name in dict.fromkeys(each for each, _ in _wanted(source) if each not in known):
        message = f"`{file}` has no column `{name}`"
        hint = did_you_mean(name, known) or f"columns: {', '.join(known[:20])}"
        problems.append(Violation("spec.unknown-column", message, where, hint))
    problems += _unequal(source, known, where)
    rows = table_rows(source.model_copy(update={"file": file}))
    facts = {"file": file, "rows": len(rows), "sha256": sha256}
    key = source.key if source.key in _SECRETS else secret.fingerprint
    source = source.model_copy(update={**facts, "key": key})
    n = len(rows) if table.n is None else table.n
    return table.model_copy(update={"source": source, "n": n})


def _unequal(source: SourceTable, known: list[str], where: str) -> Iterator[Violation]:
    """What is wrong with the outcome whose rates become equal."""
    where = f"{where}.parity"
    if source.parity is None:
        if source.rate is not None:
            yield Violation("parity.target", "`rate` is a rate of `parity`", where, "add `parity`")
        return
    try:
        parity = Parity.read(source.parity, source.rate)
    except UsageError as error:
        yield Violation(error.code, error.message, where, error.hint)
        return
    for name in (n for n in (*parity.cell, parity.outcome) if n not in known):
        hint = did_you_mean(name, known) or f"columns: {', '.join(known[:20])}"
        message = f"`{source.file}` has no column `{name}`"
        yield Violation("spec.unknown-column", message, where, hint)
    if parity.outcome not in source.synthesize:
        message = f"`{parity.outcome}` is not learned, and real outcomes stay as they are"
        yield Violation("parity.outcome", message, where, f"add `{parity.outcome}` to `synthesize`")
    for name in (n for n in parity.cell if n in source.synthesize):
        message = f"`{name}` is learned, and groups are of real people"
        yield Violation("parity.group", message, where, f"take `{name}` out of `synthesize`")


def _proposed(spec: DatasetSpec, tables: Mapping[str, TableSpec]) -> Masking:
    """What happens to each column of the files; problems are told as those of the spec."""
    sources = {name: _source(table) for name, table in tables.items()}
    secret = _secret_of({source.key or "" for source in sources.values()})
    held = {name: ArrowSource(_read_columns(table)) for name, table in tables.items()}
    asked = {
        f"{name}.{column}": action
        for name, table in tables.items()
        for column, action in _asked(table).items()
    }
    try:
        plan = propose(
            {name: source.sample() for name, source in held.items()},
            person={name: source.person for name, source in sources.items() if source.person},
            columns=asked,
            locales=codes_of([code for source in sources.values() for code in source.locale]),
            ask=_as_entry,
        )
    except SpecError as error:
        raise SpecError(spec.source.located(map(_placed(tables), error.violations))) from error
    except UsageError as error:
        problem = Violation(error.code, error.message, error.where, error.hint)
        raise SpecError(spec.source.located([_placed(tables)(problem)])) from error
    return Masking(held, {}, plan, secret, NewPeople(secret, ()))


def _listed(table: TableSpec, masked: TableMask) -> TableSpec:
    """The table with each column of its file, in the file's order, before the others."""
    columns: dict[str, AbstractColumn] = {}
    names = _names(table)
    for original in source_rows(_source(table).file).column_names:
        for name in names.get(original, (original,)):
            given = table.columns.get(name, Source())
            if not isinstance(given, Source):
                columns[name] = given
            elif (action := masked.columns[original]).action != "drop":
                unique = given.unique or original == masked.key
                facts = {"action": action.text, "unique": unique}
                columns[name] = given.model_copy(update=facts)
    for name, column in table.columns.items():
        if name not in columns and not isinstance(column, Source):
            columns[name] = column
    keys = [name for name in names.get(masked.key or "", (masked.key,)) if name in columns]
    key = table.primary_key or tuple(keys[:1])
    return table.model_copy(update={"columns": columns, "primary_key": key})


def _repeating(table: TableSpec, masking: Masking) -> Iterator[Violation]:
    """Columns that are to be unique, and are not."""
    actions, rows = masking.plan.tables[table.name].columns, table_rows(_source(table))
    for name, column in table.columns.items():
        if isinstance(column, Source) and column.unique:
            values, action = rows.column(column.column or name), actions[column.column or name]
            where = f"tables.{table.name}.columns.{name}.unique"
            if len(values.unique()) < len(values):
                yield Violation("spec.not-unique", f"values of `{name}` repeat in the file", where)
            elif action.is_lossy:
                message = f"`{action.text}` makes different values of `{name}` equal"
                yield Violation("spec.not-unique", message, where, "write `replace: code`")


def _wanted(source: SourceTable) -> Iterator[tuple[str, str]]:
    """The columns that a release needs, with what needs each."""
    for what in (*_ACTIONS, "quasi", "sensitive"):
        yield from ((name, what) for name in getattr(source, what))


def _needed(table: TableSpec, masking: Masking) -> Iterator[Violation]:
    """Columns that a release needs as they are, and of which `columns` says something else."""
    source, planned = _source(table), masking.plan.tables[table.name].columns
    cell = Parity.read(source.parity, source.rate).cell if source.parity else ()
    for name, what in (*_wanted(source), *((name, "parity") for name in cell)):
        given = source.columns.get(name, "keep")
        if name in planned and planned[name].action == "drop":
            given = "drop"
        if given == "drop" or (what in _ACTIONS and not given.startswith("keep")):
            message = f"`columns` says `{name}: {given}`, and `{what}` needs the column"
            hint = f"take `{name}` out of `columns` or out of `{what}`"
            where = f"tables.{table.name}.columns.{name}"
            yield Violation("spec.two-actions", message, where, hint)


def _names(table: TableSpec) -> dict[str, tuple[str, ...]]:
    """The names that a spec gives to columns of the file, by theirs in the file."""
    names: dict[str, tuple[str, ...]] = {}
    for name, column in table.columns.items():
        if isinstance(column, Source):
            original = column.column or name
            names[original] = (*names.get(original, ()), name)
    return names


def _asked(table: TableSpec) -> dict[str, str]:
    """The actions that a spec gives, by the columns of the file."""
    own = {
        column.column or name: column.action
        for name, column in table.columns.items()
        if isinstance(column, Source) and column.action
    }
    return {**_source(table).actions, **own}


def _read_columns(table: TableSpec) -> pa.Table:
    """The columns of a table's file, but for those whose place a column of the spec takes."""
    source = _source(table)
    needed = {*_names(table), source.person}
    rows = table_rows(source)
    return rows.select([n for n in rows.column_names if n not in table.columns or n in needed])


def _source(table: TableSpec) -> SourceTable:
    assert table.source is not None
    return table.source


def _remembered(secret: Secret) -> Secret:
    return _SECRETS.setdefault(secret.fingerprint, secret)


def _secret_of(fingerprints: Collection[str]) -> Secret:
    """The key of which a spec has the fingerprint.

    Raises:
        PrerequisiteError: This process doesn't know it.
    """
    for fingerprint in fingerprints:
        if len(fingerprints) == 1 and fingerprint in _SECRETS:
            return _SECRETS[fingerprint]
    raise PrerequisiteError(
        "the spec was planned with another key, or with one that was discarded",
        code="mask.other-key",
        hint="leave `key` out of the spec's `source`",
    )


def _as_entry(column: str, action: str) -> str:
    """An action of a column as a spec has it."""
    name, written = column.rpartition(".")[2], f"{{{action}}}" if ":" in action else action
    return f"`{name}: {written}`"


def _placed(tables: Mapping[str, TableSpec]) -> Callable[[Violation], Violation]:
    """Puts problems of a masking where the spec has the column."""

    def placed(problem: Violation) -> Violation:
        for name in tables:
            if problem.where == f"{name}:person":
                return replace(problem, where=f"tables.{name}.person")
            if problem.where and problem.where.startswith(f"{name}."):
                column = problem.where.removeprefix(f"{name}.")
                return replace(problem, where=f"tables.{name}.columns.{column}")
        return problem

    return placed
