"""What inference gives: a spec to edit, and why it is what it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from fabula.inference.advice import Advice, advice
from fabula.spec.tables import DatasetSpec
from fabula.spec.writing import to_yaml


@dataclass(frozen=True)
class Inferred:
    """A spec that was guessed, with the reasons.

    Attributes:
        spec: The spec.
        reasons: Why each column is what it is, by place (`tables.users.columns.age`).
        notes: What the reader of the data was not sure of.
    """

    spec: DatasetSpec
    reasons: Mapping[str, str]
    notes: tuple[str, ...] = ()

    @property
    def untouched(self) -> str:
        """What may be said of the source."""
        return "nothing left this machine"

    @property
    def advice(self) -> tuple[Advice, ...]:
        """The recommended way to make each column, with its reason."""
        return advice(self.spec, self.reasons)

    def to_yaml(self) -> str:
        """The spec as an editable file, each reason behind its line."""
        about = "".join(f"# {note}\n" for note in map(_one_line, self.notes))
        first, _, rest = to_yaml(self.spec, notes=self.reasons).partition("\n")
        return f"{first}\n{about}{rest}"

    def __repr__(self) -> str:
        lines = []
        for name, table in self.spec.tables.items():
            columns = table.columns.values()
            kinds = [column.kind for column in columns if not column.drop]
            counts = [f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds)]
            told = f"{name}: {len(kinds)} column{'s' * (len(kinds) != 1)} ({', '.join(counts)})"
            if helpers := len(columns) - len(kinds):
                told += f", and {helpers} that only others use"
            lines.append(told)
        lines += [f"note: {note}" for note in map(_one_line, self.notes)]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        from fabula.render.pages import fragment, worded  # only notebooks need templates

        tables = [
            {
                "caption": name,
                "columns": [("column", ""), ("kind", ""), ("why", "say")],
                "rows": [
                    (
                        column,
                        spec.kind,
                        worded(self.reasons.get(f"tables.{name}.columns.{column}", "")),
                    )
                    for column, spec in table.columns.items()
                ],
            }
            for name, table in self.spec.tables.items()
        ]
        return fragment("dataset_cell.html", tables=tables, notes=self.notes)


def _one_line(note: str) -> str:
    return " ".join(note.split())
