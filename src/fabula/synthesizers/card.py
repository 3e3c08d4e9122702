"""What a fitted synthesizer tells about itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Card:
    """How a synthesizer was made, and what it does not do.

    Attributes:
        model: The model's name.
        options: The model's options that were given.
        rows: Training rows.
        holdout_rows: Rows that were held out of training.
        seed: The seed of the fit.
        protect: Labels of fewer rows, and that many extreme numbers, are not reproduced.
        columns: What was made of each column.
        left_out: Why a column was not learned.
        rules: What every sampled row keeps.
        exact: Columns that follow from others on every row.
        notes: What the model itself tells, such as its privacy budget.
        digests: Digests of the rows of both parts, `training` and `holdout`, by which
            `fabula.evaluate` knows them again. Empty with differential privacy, which covers no
            exact number.
    """

    model: str
    options: Mapping[str, Any]
    rows: int
    holdout_rows: int
    seed: int
    protect: int
    columns: Mapping[str, str]
    left_out: Mapping[str, str] = field(default_factory=dict)
    rules: tuple[str, ...] = ()
    exact: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    digests: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """The card as JSON-ready values."""
        return asdict(self)

    def __str__(self) -> str:
        """The card as text."""
        options = "".join(f", {name}={value}" for name, value in self.options.items())
        lines = [
            f"{self.model}{options}, seed {self.seed}",
            f"learned from {self.rows:,} rows; {self.holdout_rows:,} were held out",
            f"labels of fewer than {self.protect} rows and the {self.protect} smallest and largest"
            " numbers are not reproduced"
            if self.protect > 1
            else "rare labels and extreme numbers are not protected",
            *(f"  {name}: {about}" for name, about in self.columns.items()),
            *(f"  {name}: left out: {why}" for name, why in self.left_out.items()),
            *(f"on every row {relation}" for relation in self.exact),
            *(f"every row keeps: {rule}" for rule in self.rules),
            *self.notes,
        ]
        return "\n".join(lines)
