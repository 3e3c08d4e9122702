"""What a masking is going to do, and what it did, as text for terminals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fabula.privacy.prepared import Masking
from fabula.render.grid import fit, lines, one_line

_VALUE = 28

PROMISES: Mapping[str, str] = {
    "keyed": "keyed: the same key gives the same new people in other files and on other days; "
    "single words of new names may be those of real people",
    "one-off": "one-off: no name, street or town is one of the originals; the key was thrown away, "
    "so that no other file will agree (make one with `--new-key FILE`)",
}
"""What may be expected of new names."""


def plan_lines(masking: Masking) -> Iterator[str]:
    """Each table, whom its rows tell of, and each column's action with its reason."""
    for name, table in masking.plan.tables.items():
        who = (
            f"people by `{table.person.columns[0]}`: {table.person.reason}" if table.person else ""
        )
        yield f"{name}  {who or 'no people'}"
        rows = [(f"  {c}", a.text, a.reason) for c, a in table.columns.items()]
        yield from lines(rows)
    yield from (f"note: {note}" for note in masking.notes)


def preview_lines(masking: Masking) -> Iterator[str]:
    """Some values of each column that changes, before and after, side by side."""
    shown = masking.preview()
    for name, table in masking.plan.tables.items():
        who = f"people by `{table.person.columns[0]}`" if table.person else "no people"
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


def _cell(value: object) -> str:
    return fit(one_line("" if value is None else str(value)), _VALUE)
