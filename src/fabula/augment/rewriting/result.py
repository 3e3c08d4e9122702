"""What `fb.rewrite` gives: the rewrites, how far they are from what was given, what was refused."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from fabula.augment.rewriting.plan import (
    ANSWER,
    CHANGE,
    CHOSEN,
    CHOSEN_SCORE,
    DISTANCE,
    LANGUAGE,
    REJECTED,
    REJECTED_SCORE,
    RULE,
)
from fabula.augment.rewriting.ways import PREFER
from fabula.augment.row_sequence import RowSequence
from fabula.llm.rows.job import Reject
from fabula.render.amounts import count as counted

if TYPE_CHECKING:
    import pyarrow as pa

    from fabula.training.export import Export
    from fabula.types import Path


@dataclass(frozen=True)
class Rewritten(RowSequence):
    """Rewrites; a sequence of dicts with the columns of the given rows and what is new.

    Attributes:
        rows: The rewrites, in the order of the given rows.
        how: The way.
        text: The column that was rewritten.
        asked: Rewrites that were asked for.
        answer: The column of the answers; empty if there is none.
        replies: Replies that were read.
        refused: Why some of them were refused, and how many.
        notes: What was not checked.
        rejects: Rewrites that were given up, with the reason.
    """

    rows: tuple[dict[str, Any], ...]
    how: str
    text: str
    asked: int
    answer: str = ""
    replies: int = 0
    refused: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    rejects: tuple[Reject, ...] = field(default=(), repr=False)

    def __repr__(self) -> str:
        return f"Rewritten({self.how}: {self.counted})"

    @property
    def counted(self) -> str:
        """`200 of 200 rewrites, 271 replies read, 71 refused`."""
        return (
            f"{len(self.rows):,} of {self.asked:,} rewrites, {self.replies:,} replies read, "
            f"{sum(self.refused.values()):,} refused"
        )

    @property
    def distances(self) -> tuple[float, float, float] | None:
        """The least, the middle and the largest distance from the given texts."""
        found = sorted(row[DISTANCE] for row in self.rows if DISTANCE in row)
        return (found[0], found[len(found) // 2], found[-1]) if found else None

    @property
    def lengths(self) -> dict[str, int]:
        """Of preference pairs: how often each side is the longer one."""
        sizes = [(len(row[CHOSEN]), len(row[REJECTED])) for row in self.rows if CHOSEN in row]
        return {
            CHOSEN: sum(one > other for one, other in sizes),
            REJECTED: sum(one < other for one, other in sizes),
        }

    def report(self) -> str:
        """How many were kept, refused and lost, and why; distances and lengths."""
        lines = [self.counted]
        for name in (LANGUAGE, CHANGE, RULE):
            counts = Counter(row[name] for row in self.rows if name in row)
            if len(counts) > 1:
                shares = ", ".join(f"{count:,} {_short(value)}" for value, count in counts.items())
                lines.append(f"{name}: {shares}")
        if self.distances:
            least, middle, most = self.distances
            lines.append(f"distance {least:.2f} to {most:.2f}, in the middle {middle:.2f}")
        if self.how == PREFER and self.rows:
            sides = self.lengths
            mean = {side: sum(len(row[side]) for row in self.rows) / len(self.rows)
                    for side in (CHOSEN, REJECTED)}  # fmt: skip
            lines.append(
                f"the chosen answer is longer in {counted(sides[CHOSEN], 'pair')}, the rejected "
                f"one in {sides[REJECTED]:,}; {mean[CHOSEN]:.0f} and {mean[REJECTED]:.0f} "
                "characters on average"
            )
        lines += [f"{count:,} refused: {why}" for why, count in self.refused.items()]
        lines += self.notes
        lost = Counter(_short(each.reason.partition("; then ")[0], 120) for each in self.rejects)
        return "\n".join([*lines, *(f"{count:,} lost: {why}" for why, count in lost.items())])

    def to_dict(self) -> dict[str, Any]:
        """The counts as plain values."""
        return {
            "how": self.how,
            "asked": self.asked,
            "rewrites": len(self.rows),
            "replies": self.replies,
            "refused": dict(self.refused),
            "distances": self.distances,
            **({"longer": self.lengths} if self.how == PREFER else {}),
            "notes": list(self.notes),
        }

    def to_arrow(self) -> pa.Table:
        """The rewrites as an Arrow table."""
        import pyarrow as pa

        from fabula.io.tables import as_table

        if not self.rows:
            return pa.table({self.text: pa.array([], pa.string())})
        return as_table(list(self.rows), name="rewrites")

    @override
    def write(self, path: Path, **options: Any) -> Export:
        """Write the rewrites; the options are those of `fb.export`.

        In a training format the user says the new text and the assistant its answer; preference
        pairs go into `preference` and `trl-preference` with their scores.
        """
        from fabula.options import known_options
        from fabula.spec.training_formats import TRAINING_FORMATS
        from fabula.training.export import export, plain_format

        how = {**options, "format": options.get("format") or plain_format(path)}
        entry = TRAINING_FORMATS.get(how["format"])
        if entry is not None and entry.writes is not None:
            how["user"] = how.get("user") or self.text
            if entry.compares:
                pair = {"assistant": [CHOSEN, REJECTED], "score": [CHOSEN_SCORE, REJECTED_SCORE]}
                how = {**pair, **{name: value for name, value in how.items() if value}}
            else:
                answer = CHOSEN if self.how == PREFER else self.answer or ANSWER
                how["assistant"] = how.get("assistant") or answer
        return known_options(export)(self.to_arrow(), path, **how)


def _short(value: object, most: int = 40) -> str:
    text = str(value)
    return text if len(text) <= most else f"{text[: most - 1]}…"
