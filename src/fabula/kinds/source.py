"""Columns of a real file, whose people are replaced: one of them, or all of a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator

from fabula.kinds import column_kind
from fabula.kinds.base.columns import AbstractColumn
from fabula.kinds.base.parameters import SpecModel

ACTIONS: Mapping[str, str] = {
    "keep": "copied byte for byte",
    "replace": "that of a new person, or another code of the same form",
    "shift": "moved by whole weeks, all dates of a person alike",
    "generalise": "made coarser",
    "jitter": "moved to a place nearby",
    "redact": "blanked",
    "drop": "left out",
    "notes": "kept, except for what identifies people",
}
"""Every action, and what a column's values become."""


@column_kind(example='{kind: source, column: mail, action: "replace: email"}')
class Source(AbstractColumn):
    """A column of the real file that the table's `source` names, without its people.

    Attributes:
        column: The column in the file; by default the one of the same name.
        action: What happens to its values, such as `keep: confirmed`; by default what masking
            proposes.
    """

    kind: Literal["source"] = "source"
    column: str | None = None
    action: str = ""

    section: ClassVar = "learned"
    positional: ClassVar = ("column",)
    elsewhere: ClassVar = True

    def arrow_type(self) -> None:
        """That of the file's column."""

    @property
    def never_repeats(self) -> bool:
        """Whether the file's values differ; they are not drawn, and so never drawn again."""
        return self.unique


class SourceTable(SpecModel):
    """A real file whose rows become the table's rows, with new people in place of the real ones.

    Attributes:
        file: The file: CSV, Parquet, JSON or another that Fabula reads.
        person: The column that tells the person; by default what masking proposes.
        columns: What happens to columns, such as `{city: "keep: confirmed", note: drop}`; masking
            proposes an action for all others.
        locale: Whose names new people have; by default those of the data.
        synthesize: Columns that are learned, given the kept ones; each row is drawn by a model
            that never saw it.
        generalise: Columns that become coarser, such as `{postcode: 3, born: year}`.
        k: Fewest rows of each combination of `quasi`; values become coarser until it holds.
        quasi: What outsiders may know of a person.
        sensitive: Kept columns that a combination must not give away.
        l: Fewest distinct values of a `sensitive` column in each combination.
        t: Greatest distance of a combination's `sensitive` values from those of all rows.
        parity: A learned outcome that becomes equally frequent in all groups of a kept column, as
            `hired~sex`, `hired~sex|department` or, with a `rate`, `hired=yes~sex`.
        rate: The share that the label of `parity` has in every group.
        holdout: Share of people who are kept out, to measure a release with; a tenth where columns
            are learned, else none.
        rows: The file's rows; planning fills it in.
        sha256: The file's hash; planning fills it in, and refuses another file.
        key: The fingerprint of the key that replaces people; planning fills it in.
    """

    file: str
    person: str | None = None
    columns: dict[str, str] = Field(default_factory=dict)
    locale: tuple[str, ...] = ()
    synthesize: tuple[str, ...] = ()
    generalise: dict[str, str | int] = Field(default_factory=dict)
    k: int | None = Field(default=None, ge=2)
    quasi: tuple[str, ...] = ()
    sensitive: tuple[str, ...] = ()
    l: int = Field(default=1, ge=1)  # noqa: E741  (the field's word)
    t: float = Field(default=1.0, ge=0, le=1)
    parity: str | None = None
    rate: float | None = Field(default=None, ge=0, le=1)
    holdout: float | None = Field(default=None, ge=0, lt=1)
    rows: int | None = None
    sha256: str | None = None
    key: str | None = None

    @field_validator("columns", mode="before")
    @classmethod
    def _actions_as_texts(cls, columns: object) -> object:
        if not isinstance(columns, dict):
            return columns
        return {name: as_action(value) or value for name, value in columns.items()}

    @property
    def is_release(self) -> bool:
        """Whether columns are made from all rows at once."""
        return bool(self.synthesize or self.k)

    @property
    def kept_out(self) -> float:
        """The share of people who are kept out."""
        return self.holdout if self.holdout is not None else 0.1 * bool(self.synthesize)

    @property
    def actions(self) -> dict[str, str]:
        """What is asked for, by column; learned columns are not masked."""
        coarser = {name: f"generalise: {step}" for name, step in self.generalise.items()}
        return {**self.columns, **coarser, **dict.fromkeys(self.synthesize, "keep: confirmed")}

    @field_validator("locale", mode="before")
    @classmethod
    def _one_locale(cls, locale: object) -> object:
        return (locale,) if isinstance(locale, str) else locale


def as_action(value: object) -> str | None:
    """An action as text, also where YAML reads `keep: confirmed` as a mapping; None for others."""
    if isinstance(value, str):
        return value if value.partition(":")[0].strip() in ACTIONS else None
    if isinstance(value, dict) and len(value) == 1:
        ((action, detail),) = value.items()
        if action in ACTIONS and (detail is None or isinstance(detail, str | int)):
            return f"{action}: {detail}" if detail is not None else str(action)
    return None


def spread(table: Mapping[str, Any]) -> dict[str, Any]:
    """A table `kind: source` as one with a `source`: its actions apart from its own columns."""
    own = {name: table[name] for name in SourceTable.model_fields if name in table}
    columns = own.pop("columns", None)
    rest = {n: v for n, v in table.items() if n not in SourceTable.model_fields and n != "kind"}
    if not isinstance(columns, dict | None):
        return {**rest, "source": own, "columns": columns}
    texts = {
        n: as_action(v) or (v if isinstance(v, str) else "") for n, v in (columns or {}).items()
    }
    actions = {name: text for name, text in texts.items() if text}
    made = {name: value for name, value in (columns or {}).items() if name not in actions}
    return {**rest, "source": {**own, "columns": actions}, "columns": made}
