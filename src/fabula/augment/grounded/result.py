"""What `fb.grounded` gives: questions and answers with their spans, and what was refused."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from fabula.augment.grounded.documents import Document
from fabula.augment.grounded.wording import KINDS
from fabula.augment.row_sequence import RowSequence
from fabula.llm.rows.job import Reject
from fabula.render.amounts import count

if TYPE_CHECKING:
    import pyarrow as pa

    from fabula.training.export import Export
    from fabula.types import Path


@dataclass(frozen=True)
class Grounded(RowSequence):
    """Questions and answers; a sequence of dicts.

    Each has its attributes, `kind`, `question`, `answer`, `spans` and `context`. A span has
    `document`, `page`, `heading`, `start`, `end` and `quote`: `documents[name].text[start:end]` is
    the quote.

    Attributes:
        rows: The questions and answers.
        asked: Those that were asked for.
        documents: The documents by name, with the text that offsets count in.
        passages: Passages that the documents were cut into.
        replies: Replies that were read.
        refused: Why some of them were refused, and how many.
        judged: Whether a judge confirmed each answer.
        notes: What of the documents was not read, or guessed.
        rejects: Questions that were given up, with the reason.
    """

    rows: tuple[dict[str, Any], ...]
    asked: int
    documents: Mapping[str, Document] = field(default_factory=dict, repr=False)
    passages: int = 0
    replies: int = 0
    refused: Mapping[str, int] = field(default_factory=dict)
    judged: bool = True
    notes: tuple[str, ...] = ()
    rejects: tuple[Reject, ...] = field(default=(), repr=False)

    def __repr__(self) -> str:
        return f"Grounded({self.counted})"

    @property
    def counted(self) -> str:
        """`200 of 200 questions (120 one, 40 several, 40 none) from 3 documents, 71 refused`."""
        kinds = Counter(row["kind"] for row in self.rows)
        shares = ", ".join(f"{kinds[kind]:,} {kind}" for kind in KINDS if kinds[kind])
        told = f"{len(self.rows):,} of {self.asked:,} questions" + f" ({shares})" * bool(shares)
        return (
            f"{told} from {count(len(self.documents), 'document')} in "
            f"{count(self.passages, 'passage')}, "
            f"{self.replies:,} replies read, {sum(self.refused.values()):,} refused"
        )

    def report(self) -> str:
        """How many were kept, refused and lost, and why."""
        lines = [self.counted]
        lines += [f"{count:,} refused: {why}" for why, count in self.refused.items()]
        lines += [] if self.judged else ["no judge read whether the quotes carry the answers"]
        lines += self.notes
        lost = Counter(each.reason for each in self.rejects)
        return "\n".join([*lines, *(f"{count:,} lost: {why}" for why, count in lost.items())])

    def to_dict(self) -> dict[str, Any]:
        """The counts as plain values."""
        return {
            "asked": self.asked,
            "questions": len(self.rows),
            "kinds": dict(Counter(row["kind"] for row in self.rows)),
            "documents": list(self.documents),
            "passages": self.passages,
            "replies": self.replies,
            "refused": dict(self.refused),
            "judged": self.judged,
            "notes": list(self.notes),
        }

    def to_arrow(self) -> pa.Table:
        """The questions as an Arrow table; `spans` are JSON texts."""
        import pyarrow as pa

        from fabula.io.tables import as_table

        if not self.rows:
            return pa.table({name: pa.array([], pa.string()) for name in ("question", "answer")})
        flat = [{**row, "spans": json.dumps(row["spans"], ensure_ascii=False)} for row in self.rows]
        return as_table(flat, name="grounded")

    @override
    def write(self, path: Path, **options: Any) -> Export:
        """Write the questions; the options are those of `fb.export`.

        In a training format the user gives the context and, below it, the question. Without a
        `format`, files of JSON Lines hold the rows with their spans.
        """
        from fabula.options import known_options
        from fabula.spec.training_formats import TRAINING_FORMATS
        from fabula.training.export import export, plain_format

        how = {**options, "format": options.get("format") or plain_format(path)}
        if how["format"] in TRAINING_FORMATS.written():
            how["user"] = how.get("user") or "{{ context }}\n\n{{ question }}"
            how["assistant"] = how.get("assistant") or "answer"
        rows = list(self.rows) if how["format"] == "jsonl" else self.to_arrow()
        return known_options(export)(rows, path, **how)
