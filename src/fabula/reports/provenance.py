"""How each value of a row was made: its kind, its stream, the calls, the program, the parent's row.

All of it stands in the run's folder, but prompts and replies, which stay in this machine's ledger.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fabula.errors import FabulaError
from fabula.io.run_files import is_unchanged
from fabula.kinds import KINDS
from fabula.kinds.base.columns import AbstractFilled
from fabula.llm.cache.exchanges import Exchange, exchanges
from fabula.reports.catalogue import summary
from fabula.runs.dataset import Dataset
from fabula.streams import BLOCK_ROWS

_TOLD = ("kind", "description", "nulls", "unique", "drop")
_PROGRAM = "program.py"


@dataclass(frozen=True)
class Origin:
    """How a value was made.

    Attributes:
        kind: The column's kind.
        meaning: What that kind does.
        parameters: Its parameters, as the spec gives them.
        stream: What its random numbers depend on; empty where a model or a program wrote it.
        model: The language model that wrote it, if one did.
        fake: Whether that model was a fake one.
        calls: The calls that asked for it, in their order; the last one brought it.
        note: What is not known of it, and why.
        code: The program that computed it, or the lines of it that name the column.
        card: What the synthesizer that drew it tells of itself.
    """

    kind: str
    meaning: str
    parameters: Mapping[str, str]
    stream: str = ""
    model: str = ""
    fake: bool = False
    calls: tuple[Exchange, ...] = ()
    note: str = ""
    code: str = ""
    card: str = ""


def origins(dataset: Dataset, table: str, number: int) -> dict[str, Origin]:
    """How each column of a row was made, as far as the run's records tell.

    Args:
        dataset: The run.
        table: The table.
        number: The row, from 1.

    Raises:
        SourceError: The run's record of its calls is damaged.
        SinkError: The ledger is damaged.
    """
    manifest = dataset.manifest
    if "program" in manifest:
        return _of_program(dataset, table)
    spec = manifest.get("spec") or {}
    columns = spec.get("tables", {}).get(table, {}).get("columns", {})
    row = _asked_row(dataset, table, number - 1)
    asked = {
        name: [call.key for call in dataset.calls
               if call.table == table and name in call.columns and row in call.rows]
        for name in columns
    }  # fmt: skip
    names = {told["identity"]: told["model"] for told in manifest.get("models", {}).values()}
    kept = exchanges((key for keys in asked.values() for key in keys), names)
    return {
        name: _origin(dataset, (table, name), column, row, [kept.get(k) for k in asked[name]])
        for name, column in columns.items()
        if isinstance(column, Mapping) and "kind" in column
    }


def _origin(
    dataset: Dataset,
    place: tuple[str, str],
    column: Mapping[str, Any],
    row: int,
    calls: Sequence[Exchange | None],
) -> Origin:
    manifest, kind, (table, name) = dataset.manifest, column["kind"], place
    programs = [told.get("programs", {}) for told in manifest.get("models", {}).values()]
    code = next((each[f"{table}.{name}"] for each in programs if f"{table}.{name}" in each), "")
    known = KINDS.get(kind)
    is_asked = known is not None and issubclass(known, AbstractFilled)
    of_table = manifest["spec"]["tables"][table].get("model")
    is_default = "default" in manifest["spec"].get("models", {})
    named = column.get("model") or of_table or ("default" if is_default else "local")
    model = str(named) if is_asked or code else ""
    fake = bool(model and manifest.get("fake"))
    missing = sum(call is None for call in calls)
    note = ""
    if is_asked and fake:
        note = "a fake model made it up: no prompt was sent"
    elif is_asked and not calls:
        note = "the run does not say which call brought it"
    elif missing:
        note = f"{missing} of {len(calls)} calls are not in the ledger of this machine"
    return Origin(
        kind=kind,
        meaning=summary(known) if known else "",
        parameters={
            key: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            for key, value in column.items()
            if key not in _TOLD and value not in (None, [], {}, False)
        },
        stream="" if is_asked else f"seed {manifest.get('seed')}, table {table}, column {name}, "
        f"block {row // BLOCK_ROWS}",
        model=model,
        fake=fake,
        calls=tuple(call for call in calls if call is not None),
        note=note,
        code=code,
        card=_card(dataset, column) if kind == "learned" else "",
    )  # fmt: skip


def _asked_row(dataset: Dataset, table: str, position: int) -> int:
    """The number, among the rows that were asked for, of one of those written; both from 0."""
    lost = np.sort([each.row for each in dataset.rejected if each.table == table])
    before = np.searchsorted(lost - np.arange(len(lost)), position, side="right")
    return position + int(before)


def _of_program(dataset: Dataset, table: str) -> dict[str, Origin]:
    """The columns of a run whose rows a program made: the lines that name each one."""
    try:
        lines = (Path(dataset.folder or "") / _PROGRAM).read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        lines = []
    found = {}
    for name in dataset.rows(table).schema.names:
        quoted = (f'"{name}"', f"'{name}'")
        named = [
            f"{at:>4}  {line}"
            for at, line in enumerate(lines, 1)
            if any(each in line for each in quoted) or f"{name}=" in line.replace(" ", "")
        ]
        found[name] = Origin(
            "program",
            f"The program `{_PROGRAM}` in the run's folder made the row.",
            {"seed": str(dataset.manifest.get("seed"))},
            note="" if named else f"no line of `{_PROGRAM}` names the column",
            code="\n".join(named),
        )
    return found


def _card(dataset: Dataset, column: Mapping[str, Any]) -> str:
    """The card of a learned column's synthesizer, where its very file is still there."""
    from fabula.synthesizers.persistence import read_saved  # where a column is learned

    name, digest = str(column.get("file", "")), str(column.get("sha256") or "")
    folder = dataset.folder or Path()
    for place in (folder / name, folder.parent / name, Path(name)):
        if place.is_file() and digest and is_unchanged(place, digest):
            try:
                return _card_text(read_saved(place).card)
            except FabulaError as error:
                return error.message
    return f"`{name}` is not here any more, or is another file than then"


def _card_text(told: Mapping[str, Any]) -> str:
    from fabula.synthesizers.card import Card

    known = {name: told[name] for name in Card.__dataclass_fields__ if name in told}
    return str(Card(**known))
