"""What a masking is going to do, and what it did, as text for terminals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fabula.privacy.first_pass import SHORT_LIST
from fabula.privacy.masked import warning_lines
from fabula.privacy.prepared import Masking
from fabula.render import amounts
from fabula.render.grid import fit, lines, one_line

_VALUE = 28

_PROMISES: Mapping[str, str] = {
    "keyed": "keyed: the same key gives the same new people in other files and on other days; "
    "single words of new names may be those of real people",
    "one-off": "one-off: no name, street or town is one of the originals{but}; the key was "
    "discarded, so no other file will agree (`fabula mask --new-key FILE` makes one)",
}
"""What may be expected of new names."""


_NOTHING = (
    "nothing was replaced: no column looks personal; `--column NAME=ACTION` masks one that is"
)


def promise_of(card: Mapping[str, Any]) -> str:
    """What may be expected of a masking's new names, by its card."""
    actions = {a["action"] for table in card["tables"].values() for a in table["columns"].values()}
    few = any(SHORT_LIST in note for note in card["notes"])
    told = _PROMISES[card["promise"]].format(but=", but for those that a note names" if few else "")
    return _NOTHING if actions <= {"keep"} else told


def plan_lines(masking: Masking) -> Iterator[str]:
    """Each table, whom its rows are about, and each column's action with its reason."""
    for name, table in masking.plan.tables.items():
        who = f"people by `{table.person.told}`: {table.person.reason}" if table.person else ""
        yield f"{name}  {who or 'no people'}"
        rows = [(f"  {c}", a.text, a.reason) for c, a in table.columns.items()]
        yield from lines(rows)
    yield from (f"note: {note}" for note in masking.notes)


def preview_lines(masking: Masking) -> Iterator[str]:
    """Some values of each column that changes, before and after, side by side."""
    shown = masking.preview()
    for name, table in masking.plan.tables.items():
        who = f"people by `{table.person.told}`" if table.person else "no people"
        yield f"{name}  {who}"
        rows = [("  column", "action", "before", "after", "reason")]
        for column, action in table.columns.items():
            pairs = shown[name].get(column, [])
            start = (f"  {column}", action.text)
            rows += [
                (
                    *(start if not at else ("", "")),
                    _cell(old),
                    _cell(new),
                    "" if at else action.reason,
                )
                for at, (old, new) in enumerate(pairs)
            ] or [(*start, "", "", action.reason)]
        yield from lines(rows)
    yield from (f"note: {note}" for note in masking.notes)


def done_lines(card: Mapping[str, Any]) -> Iterator[str]:
    """What a masking did to each table's columns, what stayed real, and what may be expected."""
    for name, table in card["tables"].items():
        by: dict[str, list[str]] = {}
        for column, action in table["columns"].items():
            by.setdefault(action["action"], []).append(column)
        kept = by.pop("keep", [])
        person = f"people by `{table['person']}`" if table["person"] else "no people"
        told = [f"{action} {', '.join(columns)}" for action, columns in by.items()]
        stay = [f"{amounts.count(len(kept), 'column')} real: {', '.join(kept)}"] if kept else []
        yield f"  {name}: " + " · ".join([person, *told, *stay])
    yield from (f"  note: {note}" for note in card["notes"])
    yield from (f"  warning: {line}" for line in warning_lines(card))
    yield f"  {promise_of(card)}"


def _cell(value: object) -> str:
    return fit(one_line("" if value is None else str(value)), _VALUE)
