"""What `fb.conversations` gives: the conversations, and how they came about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from fabula.augment.row_sequence import RowSequence
from fabula.llm.rows.job import Reject

if TYPE_CHECKING:
    import pyarrow as pa

    from fabula.training.export import Export
    from fabula.types import Path


@dataclass(frozen=True)
class Conversations(RowSequence):
    """Conversations; a sequence of dicts with the attributes, `moves`, `messages` and `tools`.

    Attributes:
        rows: The conversations, as OpenAI's chat writes them.
        asked: Conversations that were asked for.
        replies: Messages and calls that were read in models' replies.
        refused: Those that were refused: out of turn, empty, or breaking a tool's schema.
        counts: Calls of tools, those answered with an error, conversations stopped early.
        rejects: Conversations that were given up, with the reason.
    """

    rows: tuple[dict[str, Any], ...]
    asked: int
    replies: int = 0
    refused: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    rejects: tuple[Reject, ...] = field(default=(), repr=False)

    def __repr__(self) -> str:
        return f"Conversations({self.counted})"

    @property
    def openings(self) -> tuple[str, ...]:
        """The first message of each user."""
        talks = (row["messages"] for row in self.rows)
        return tuple(
            next(message["content"] for message in talk if message["role"] == "user")
            for talk in talks
        )

    @property
    def repeated_openings(self) -> int:
        """Conversations that open as an earlier one does, but for case and spaces."""
        plain = [" ".join(text.casefold().split()) for text in self.openings]
        return len(plain) - len(set(plain))

    @property
    def counted(self) -> str:
        """`300 of 300 conversations, 1,214 replies, 12 refused` and what else happened."""
        parts = [
            f"{len(self.rows):,} of {self.asked:,} conversations",
            f"{self.replies:,} replies read",
            f"{self.refused:,} refused",
        ]
        parts += [f"{count:,} {what}" for what, count in self.counts.items() if count]
        if self.repeated_openings:
            parts.append(f"{self.repeated_openings:,} repeat an opening")
        return ", ".join(parts)

    def report(self) -> str:
        """How many conversations were kept and lost, and why."""
        lost = Counter(each.reason for each in self.rejects)
        return "\n".join([self.counted, *(f"{n:,} lost: {why}" for why, n in lost.items())])

    def to_dict(self) -> dict[str, Any]:
        """The counts as plain values."""
        return {
            "asked": self.asked,
            "conversations": len(self.rows),
            "replies": self.replies,
            "refused": self.refused,
            "repeated_openings": self.repeated_openings,
            **self.counts,
        }

    def to_arrow(self) -> pa.Table:
        """The conversations as an Arrow table; `messages` and `tools` are JSON texts."""
        import json

        import pyarrow as pa

        from fabula.io.tables import as_table

        if not self.rows:
            return pa.table({"messages": pa.array([], pa.string())})
        flat = [
            {
                name: json.dumps(value, ensure_ascii=False)
                if isinstance(value, list | dict)
                else value
                for name, value in row.items()
            }
            for row in self.rows
        ]
        return as_table(flat, name="conversations")

    @override
    def write(self, path: Path, **options: Any) -> Export:
        """Write the conversations; the options are those of `fb.export`.

        Without a `format`, files of JSON Lines hold the rows with their attributes.
        """
        from fabula.options import known_options
        from fabula.training.export import export, plain_format

        how = {**options, "format": options.get("format") or plain_format(path)}
        return known_options(export)(list(self.rows), path, **how)
