"""The first spec of a release: what is dropped, learned and kept, and whom that singles out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from fabula.errors import UsageError, column_hint
from fabula.evaluation.metrics.reidentification import QUASI
from fabula.io.names import file_stem
from fabula.io.tables import as_table
from fabula.kinds.source import Source, SourceTable
from fabula.privacy.kanonymity.ladders import POSTCODE
from fabula.privacy.release.attacks import linkage_attack
from fabula.privacy.source_tables import with_sources
from fabula.render.amounts import percent
from fabula.render.grid import lines
from fabula.spec.tables import DatasetSpec, TableSpec

_ALLOWED = 0.05
"""The share of rows that may be singled out without a warning."""


@dataclass(frozen=True, eq=False)
class Draft:
    """A release as it is proposed.

    Attributes:
        spec: The spec.
        rows: The real rows.
        source: What is asked for.
        actions: What happens to each column of the file.
    """

    spec: DatasetSpec
    rows: pa.Table
    source: SourceTable
    actions: dict[str, str]

    @property
    def kept(self) -> list[str]:
        """Columns that stay real."""
        return [name for name, action in self.actions.items() if action.partition(":")[0] == "keep"]

    @property
    def quasi(self) -> list[str]:
        """Kept columns that outsiders may know, by their names."""
        return [name for name in self.kept if QUASI.search(name.replace("-", "_"))]

    def lines(self) -> Iterator[str]:
        """What happens to the columns."""
        rows, columns = self.rows.num_rows, self.rows.num_columns
        yield f"Read {rows:,} rows, {columns} columns; nothing left this machine"
        groups: dict[str, list[str]] = {}
        for name, action in self.actions.items():
            groups.setdefault(action.partition(":")[0], []).append(name)
        told = {
            "synthesize": "learned, given the kept columns",
            "keep": f"{len(self.kept)} columns stay REAL",
        }
        order = [
            "drop",
            "synthesize",
            *(g for g in groups if g not in told and g != "drop"),
            "keep",
        ]
        yield from lines(
            [
                (f"  {group}", ", ".join(groups[group]), told.get(group, ""))
                for group in order
                if group in groups
            ]
        )
        if self.source.kept_out:
            share = percent(self.source.kept_out)
            yield f"  {share} of the people are kept out, to measure the release with"

    def warning(self, path: Path) -> tuple[str, str] | None:
        """Whom the kept columns single out, and what to do about it; None if hardly anybody."""
        quasi = self.quasi
        if not quasi:
            return None
        attack = linkage_attack(self.rows.select(quasi))
        if attack.alone <= _ALLOWED:
            return None
        without = {
            name: linkage_attack(self.rows.select([q for q in quasi if q != name])).alone
            if len(quasi) > 1
            else 0.0
            for name in quasi
        }
        worst = min(without, key=lambda name: without[name])
        step = _step(worst, self.rows.schema.field(worst).type)
        said = (
            f"{' + '.join(quasi)} single out {round(attack.alone * attack.tries):,} rows"
            f" ({percent(attack.alone)})"
        )
        coarser = f"`generalise: {{{worst}: {step}}}`" if step else "`k: 5`"
        return said, f"add {worst} to --synthesize, or {coarser} in {path.name}"


def _step(name: str, kind: pa.DataType) -> str:
    """How a column becomes coarser, as a spec says it; nothing if only a search can tell."""
    if POSTCODE.search(name):
        return "3" if not pa.types.is_integer(kind) else "100"
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return "year"
    return "10" if pa.types.is_integer(kind) or pa.types.is_floating(kind) else ""


def draft(file: Path, synthesize: Sequence[str], drop: Sequence[str]) -> Draft:
    """Propose a release of a file.

    Args:
        file: The real rows.
        synthesize: Columns to learn.
        drop: Columns to leave out.

    Raises:
        UsageError: A column does not exist, or is to be learned and left out.
        SpecError: A sensitive column would be kept.
    """
    rows = as_table(file)
    for name in (*synthesize, *drop):
        if name not in rows.column_names:
            raise UsageError(
                f"`{file}` has no column `{name}`",
                code="usage.unknown-column",
                hint=column_hint(name, rows.column_names, most=20),
            )
    if both := [name for name in synthesize if name in drop]:
        raise UsageError(
            f"`{both[0]}` is to be learned and to be left out",
            code="usage.arguments",
            hint="name it in one of `--synthesize` and `--drop`",
        )
    source = SourceTable(
        file=str(file),
        synthesize=tuple(synthesize),
        columns=dict.fromkeys(drop, "drop"),
    )
    name = file_stem(file.name.partition(".")[0])
    table = TableSpec(name, source=source)
    spec = DatasetSpec(name=name, tables={name: table})
    settled = with_sources(spec).tables[name]
    actions = {
        column: "drop"
        if column not in settled.columns
        else "synthesize"
        if column in synthesize
        else _action(settled.columns[column])
        for column in rows.column_names
    }
    return Draft(spec, rows, source, actions)


def _action(column: object) -> str:
    return column.action if isinstance(column, Source) else ""
