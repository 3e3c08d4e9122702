"""What a masker records about its files: which bytes it generated, and which it copied."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fabula.privacy.masked import CARD, card_path

PLACES = ("street", "address", "city", "state", "postcode", "company")


@dataclass(frozen=True)
class Card:
    """The card of a masking, as far as a scan needs it.

    Attributes:
        one_off: Whether no word of an original may recur; else parts may, in what was written.
        files: The files of masked tables, each with its table and how many rows that has.
        actions: What was done with each column, by table.
        written: By what name the places of a table's notes were written, where by another.
        places: The columns of streets and towns, whose new words may be names of people, too.
        fingerprints: Those of the key and of the word lists: they tell nothing of values.
    """

    one_off: bool
    files: Mapping[str, tuple[str, int]]
    actions: Mapping[str, Mapping[str, str]]
    places: frozenset[tuple[str, str]] = frozenset()
    written: Mapping[str, str] = field(default_factory=dict)
    fingerprints: frozenset[str] = frozenset()

    @classmethod
    def read(cls, root: Path) -> Card | None:
        """The card of a folder, or of one file; None if there is none that can be read."""
        single = root.is_file()
        path = card_path(root, single=single)
        try:
            run = path.with_name(path.name.removesuffix(CARD) + "manifest.json")
            card = _read(path) if path.is_file() or not run.is_file() else _read(run)["masking"]
            tables, written = card["tables"], {}
            if single:  # the file may be called otherwise than the table
                ((own, entry),) = tables.items()
                name = root.name.partition(".")[0]
                tables, written = {name: {**entry, "file": root.name}}, {name: own}
            actions = {
                table: {name: str(column["action"]) for name, column in entry["columns"].items()}
                for table, entry in tables.items()
            }
            places = frozenset(
                (table, name)
                for table, entry in tables.items()
                for name, column in entry["columns"].items()
                if {column.get("kind"), column.get("detail")} & set(PLACES)
            )
            files = {
                str(entry.get("file")): (name, int(entry.get("rows", 0)))
                for name, entry in tables.items()
            }
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None
        one_off = card.get("promise") == "one-off"
        prints = frozenset(str(card.get(name)) for name in ("key", "word_lists"))
        return cls(one_off, files, actions, places, written, prints)

    def action(self, table: str, column: str) -> str:
        """What was done with a column; empty if the card does not know it."""
        return self.actions.get(table, {}).get(column, "")

    def copied(self, table: str, column: str) -> bool:
        """Whether a column's bytes are those of the original, but for written places."""
        action = self.action(table, column)
        return not action or action.startswith(("keep", "notes"))


def _read(path: Path) -> dict[str, Any]:
    """A JSON object in a file: the card of `fabula mask`, or the manifest of a run."""
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found
