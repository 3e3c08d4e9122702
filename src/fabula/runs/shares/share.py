"""A share of a run, for the jobs of a batch system: `3/16` makes its parts of every table.

Parts go round the shares. What all shares must agree on comes before them, in share 0: functions
that a model writes, and tables whose rows a model fills and other tables build on.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from fabula.errors import UsageError
from fabula.kinds.base.columns import AbstractFilled
from fabula.kinds.program import Program
from fabula.planning.plan import Plan, TablePlan
from fabula.runs.parts import Layout

SHARE = "share.json"
"""What a share tells of itself, in its folder; written last."""

_TEXT = re.compile(r"(\d{1,6})/(\d{1,6})")
_FOLDER = re.compile(r"share-\d+-of-\d+")


@dataclass(frozen=True)
class Share:
    """Share `number` of `of`: from 1 to `of`, or 0 for what comes before all others."""

    number: int
    of: int

    @classmethod
    def read(cls, text: str) -> Share:
        """The share that a text such as `3/16` names.

        Raises:
            UsageError: It names none.
        """
        found = _TEXT.fullmatch(text.strip())
        number, of = (int(found[1]), int(found[2])) if found else (0, 0)
        if of < 1 or number > of:
            raise UsageError(
                f"`{text}` is not a share of the blocks",
                code="usage.blocks",
                hint="write `--blocks 3/16` for the third of 16 shares, counted from 1",
            )
        return cls(number, of)

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    def folder(self, output: Path) -> Path:
        """The folder of this share in the folder of the run."""
        digits = len(str(self.of))
        return output / f"share-{self.number:0{digits}}-of-{self.of}"

    def of_items(self, items: int) -> range:
        """The share's own ones of some items: neighbours, as many as others have."""
        return range(items * (self.number - 1) // self.of, items * self.number // self.of)

    def parts(self, plan: Plan, layout: Layout) -> list[int]:
        """The parts of a table that this share makes; each part belongs to one share."""
        if layout.table in first_tables(plan):
            return [*range(layout.parts)] if self.number == 0 else []
        offset = plan.order.index(layout.table)  # so that small tables don't all go to share 1
        return [
            part for part in range(layout.parts) if (part + offset) % self.of == self.number - 1
        ]


def is_share(name: str) -> bool:
    """Whether a folder is named like that of a share."""
    return _FOLDER.fullmatch(name) is not None


def shares_of(plan: Plan, of: int) -> list[Share]:
    """Every share of a run, share 0 among them where the plan needs one."""
    first = 0 if first_tables(plan) or writes_functions(plan) else 1
    return [Share(number, of) for number in range(first, of + 1)]


def first_tables(plan: Plan) -> set[str]:
    """Tables that models fill, and whose rows other rows depend on."""
    parents = {link.parent for table in plan.tables for link in table.references.values()}
    return {
        table.name
        for table in plan.tables
        if _asked(table) and (table.name in parents or _differ(table, _asked(table)))
    }


def writes_functions(plan: Plan) -> bool:
    """Whether a model writes functions for columns."""
    return any(
        isinstance(column.spec, Program)
        for table in plan.tables
        for column in table.columns.values()
    )


def _asked(table: TablePlan) -> set[str]:
    """The columns that a model fills row by row."""
    return {name for name, item in table.columns.items() if isinstance(item.spec, AbstractFilled)}


def _differ(table: TablePlan, asked: Collection[str]) -> bool:
    """Whether some of these columns may repeat no value, so that a row depends on earlier ones."""
    groups = (table.spec.primary_key, *table.spec.unique)
    single = any(table.columns[name].spec.unique for name in asked)
    return single or any(set(group) & set(asked) for group in groups)
