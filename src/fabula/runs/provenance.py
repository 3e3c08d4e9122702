"""How each value of a row was made: its kind, its stream, the calls, the program, the parent's row.

All of it stands in the run's folder, but prompts and replies, which stay in this machine's ledger.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from fabula.errors import FabulaError, SinkError
from fabula.io.read import TableRows
from fabula.io.run_files import is_unchanged
from fabula.kinds import KINDS
from fabula.kinds.base.columns import AbstractFilled
from fabula.kinds.base.files import AbstractFile
from fabula.llm.cache.exchanges import Exchange, exchanges
from fabula.media.places import FOLDER_ROWS, truth_path
from fabula.media.truth import records_of
from fabula.runs.parts import Call, Lost
from fabula.runs.summary import label
from fabula.spec.schema import summary
from fabula.streams import BLOCK_ROWS

_TOLD = ("kind", "description", "nulls", "unique", "drop")
_PROGRAM = "program.py"
_FILE_DETAIL = "file_detail"
"""A kind whose values are what files are, and not drawn."""
_FILE_FACTS = (
    *("prompt", "text", "voice", "tries", "missing", "template", "language", "layout"),
    *("defect", "scan", "differs", "replaced", "unknown", "unread"),
)
_FILE_SIZES = ("bytes", "width", "height", "seconds", "sample_rate")


class Made(Protocol):
    """What a run tells of itself: a dataset."""

    manifest: Mapping[str, Any]
    folder: Path | None

    @property
    def rejected(self) -> Sequence[Lost]:
        """The rows that were lost."""

    @property
    def calls(self) -> Sequence[Call]:
        """The calls to language models that brought its rows."""

    def rows(self, table: str) -> TableRows:
        """A table's rows where they are."""


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
        card: What the synthesizer that drew it tells of itself, or the truth of its file.
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


def origins(dataset: Made, table: str, number: int) -> dict[str, Origin]:
    """How each column of a row was made, as far as the run's records tell.

    Args:
        dataset: The run.
        table: The table.
        number: The row, from 1.

    Raises:
        SourceError: The run's record of its calls is damaged.
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
    files = {
        name: _truth(dataset, table, name, row)
        for name, column in columns.items()
        if isinstance(column, Mapping) and _is_file(column)
    }
    asked |= {name: list(truth.get("calls", ())) for name, truth in files.items()}
    names = {told["identity"]: told["model"] for told in manifest.get("models", {}).values()}
    try:
        kept, unread = exchanges((key for keys in asked.values() for key in keys), names), ""
    except SinkError as error:
        kept, unread = {}, error.message
    return {
        name: _origin(
            dataset,
            (table, name),
            column,
            row,
            [kept.get(key) for key in asked[name]],
            unread=unread,
            truth=files.get(name, {}),
        )
        for name, column in columns.items()
        if isinstance(column, Mapping) and "kind" in column
    }


def _origin(
    dataset: Made,
    place: tuple[str, str],
    column: Mapping[str, Any],
    row: int,
    calls: Sequence[Exchange | None],
    *,
    unread: str,
    truth: Mapping[str, Any],
) -> Origin:
    manifest, kind, (table, name) = dataset.manifest, column["kind"], place
    programs = [told.get("programs", {}) for told in manifest.get("models", {}).values()]
    code = next((each[f"{table}.{name}"] for each in programs if f"{table}.{name}" in each), "")
    known = KINDS.get(kind)
    is_asked = (known is not None and issubclass(known, AbstractFilled)) or "tries" in truth
    of_table = manifest["spec"]["tables"][table].get("model")
    is_default = "default" in manifest["spec"].get("models", {})
    named = column.get("model") or of_table or ("default" if is_default else "local")
    usage = manifest.get("models", {}).get(named, {})
    model = label(named, usage) if is_asked or code else ""
    fake = bool(model and manifest.get("fake"))
    missing = sum(call is None for call in calls)
    note = ""
    if "model" in truth:
        model = str(truth["model"])
        fake = fake and model == "fake"
        calls = [call and replace(call, cost=_price(manifest, model)) for call in calls]
    if is_asked and fake:
        note = "a fake model made it up: no prompt was sent"
    elif is_asked and not calls:
        note = "the run does not say which call brought it"
    elif missing:
        note = unread or f"{missing} of {len(calls)} calls are not in the ledger of this machine"
    return Origin(
        kind=kind,
        meaning=summary(known) if known else "",
        parameters={
            key: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            for key, value in column.items()
            if key not in _TOLD and value not in (None, [], {}, False)
        },
        stream=""
        if is_asked or kind == _FILE_DETAIL
        else f"seed {manifest.get('seed')}, table {table}, column {name}, "
        f"block {row // BLOCK_ROWS}",
        model=model,
        fake=fake,
        calls=tuple(call for call in calls if call is not None),
        note=note,
        code=code,
        card=_card(dataset, column) if kind == "learned" else _file_card(truth),
    )  # fmt: skip


def _is_file(column: Mapping[str, Any]) -> bool:
    known = KINDS.get(column.get("kind", ""))
    return known is not None and issubclass(known, AbstractFile)


def _truth(dataset: Made, table: str, column: str, row: int) -> Mapping[str, Any]:
    """The record of a row's file; empty where it is not there."""
    first = dataset.manifest["spec"]["tables"][table].get("after", 0)
    number = row + first
    path = (dataset.folder or Path()) / truth_path(table, column, number // FOLDER_ROWS)
    if not path.is_file():
        return {}
    return next((each for each in records_of(path) if each.get("row") == number), {})


def _price(manifest: Mapping[str, Any], model: str) -> float | None:
    """What a file of a model costs, as the spec tells; None where it doesn't."""
    settings = manifest["spec"].get("models", {}).get(model)
    return settings.get("price_per_file") if isinstance(settings, Mapping) else None


def _file_card(truth: Mapping[str, Any]) -> str:
    """What the truth tells of a file: the prompt, each file's digest and sizes, its mistake."""
    lines = [f"{name}: {truth[name]}" for name in _FILE_FACTS if truth.get(name)]
    for file in truth.get("files", ()):
        sizes = (f"{name} {file[name]}" for name in _FILE_SIZES if name in file)
        lines.append(f"{Path(file['path']).name}: {', '.join(sizes)}, SHA-256 {file['sha256']}")
    return "\n".join(lines)


def _asked_row(dataset: Made, table: str, position: int) -> int:
    """The number, among the rows that were asked for, of one of those written; both from 0."""
    lost = np.sort([each.row for each in dataset.rejected if each.table == table])
    before = np.searchsorted(lost - np.arange(len(lost)), position, side="right")
    return position + int(before)


def _of_program(dataset: Made, table: str) -> dict[str, Origin]:
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


def _card(dataset: Made, column: Mapping[str, Any]) -> str:
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
