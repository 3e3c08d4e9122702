"""A masking before its first row is written: what happens to which column, by which key.

The card says the same afterwards, with counts, and without any of the data.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pyarrow as pa

from fabula.fakers.locales import load_locale
from fabula.privacy.files.sources import Source, in_memory, tables_in
from fabula.privacy.masking import Counts, Masker
from fabula.privacy.notes import Detector, Everyone
from fabula.privacy.people import NewPeople
from fabula.privacy.proposing import MaskPlan
from fabula.privacy.secret import Secret

_SHOWN = 3


@dataclass(frozen=True, eq=False)
class Masking:
    """What a masking is going to do.

    Attributes:
        sources: Where the rows of each table are.
        files: The file of each table; empty for tables in memory.
        plan: What happens to each column.
        secret: The key.
        people: The new people.
        notes: What people should know.
        everyone: The identifiers of all people, if notes are searched.
        detector: Finds third parties in notes.
    """

    sources: Mapping[str, Source]
    files: Mapping[str, Path]
    plan: MaskPlan
    secret: Secret
    people: NewPeople
    notes: tuple[str, ...] = ()
    everyone: Everyone | None = None
    detector: Detector | None = None

    @property
    def promise(self) -> str:
        """Which of the two promises about names holds."""
        return "keyed" if self.secret.kept else "one-off"

    def masker(self, name: str) -> Masker:
        """Makes the new columns of a table."""
        table = self.plan.tables[name]
        return Masker(
            self.secret, self.people, table, everyone=self.everyone, detector=self.detector
        )

    def slice(self, name: str, masker: Masker, start: int, size: int) -> pa.Table:
        """Some masked rows of a table in memory."""
        source = in_memory(self.sources[name])
        rows, dropped = source.slice(start, size), self.dropped(name)
        return source.masked(rows, masker.mask(rows), dropped)

    def dropped(self, name: str) -> list[str]:
        """The columns of a table that are left out."""
        columns = self.plan.tables[name].columns.items()
        return [column for column, action in columns if action.action == "drop"]

    def tables_of(self, name: str) -> list[str]:
        """A table that has a file, and those that are lists in its rows."""
        return tables_in(self.sources, name)

    def preview(self, rows: int = _SHOWN) -> dict[str, dict[str, list[tuple[Any, Any]]]]:
        """Some values of each column that changes, before and after, by table."""
        shown: dict[str, dict[str, list[tuple[Any, Any]]]] = {}
        for name, source in self.sources.items():
            block = next(iter(source.tables(source.names)), None)
            some = block.slice(0, rows) if block is not None else pa.table({})
            new = self.masker(name).mask(some) if some.num_rows else {}
            shown[name] = {
                column: list(zip(some.column(column).to_pylist(), values.to_pylist(), strict=True))
                for column, values in new.items()
            }
        return shown


def card_of(masking: Masking, counts: Mapping[str, Counts]) -> dict[str, Any]:
    """What a masking did, without any of the data."""
    return {
        "format": 1,
        "made_by": f"fabula {version('fabula')}",
        "promise": masking.promise,
        "key": masking.secret.fingerprint if masking.secret.kept else None,
        "status": _STATUS[masking.secret.kept],
        "locales": list(masking.plan.locales),
        "word_lists": _word_lists(masking.plan.locales),
        "notes": list(masking.notes),
        "tables": {
            name: {
                "file": next(
                    (f.name for n, f in masking.files.items() if name in masking.tables_of(n)), None
                ),
                "rows": counts[name].rows,
                "person": table.person.told if table.person else None,
                "person_reason": table.person.reason if table.person else None,
                "columns": {
                    column: action.to_dict()
                    | {
                        told: number[column]
                        for told, number in asdict(counts[name]).items()
                        if told != "rows" and column in number
                    }
                    for column, action in table.columns.items()
                },
            }
            for name, table in masking.plan.tables.items()
        },
    }


_STATUS = {
    True: "pseudonymised: anyone who has the key can link new people to the originals, so the data "
    "stay personal; kept columns are real",
    False: "pseudonymised without a key: the key was discarded; kept columns are real",
}


@cache
def _word_lists(codes: tuple[str, ...]) -> str:
    """The fingerprint of the word lists: other lists give other names for the same key."""
    words = (
        text
        for code in codes
        for names in (*load_locale(code).first, *load_locale(code).last)
        for text in (name.text for name in names)
    )
    return hashlib.blake2b("\n".join(words).encode(), digest_size=8).hexdigest()


def fingerprint_of(masking: Masking) -> str:
    """Tells whether an earlier run was of the same masking; empty if it can't continue."""
    if not masking.secret.kept or masking.detector is not None:
        return ""
    states = [(name, file.stat()) for name, file in masking.files.items()]
    facts = [
        masking.secret.fingerprint, *masking.plan.locales, _word_lists(masking.plan.locales),
        *((name, state.st_size, state.st_mtime_ns) for name, state in states),
        *(
            (table.person, table.sex, [(c, a.text, a.to_dict()) for c, a in table.columns.items()])
            for table in masking.plan.tables.values()
        ),
    ]  # fmt: skip
    return hashlib.blake2b(repr(facts).encode(), digest_size=16).hexdigest()
