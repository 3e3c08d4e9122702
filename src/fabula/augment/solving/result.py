"""What `fb.solve` gives: answers with their reasoning, verified, and the rate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from fabula.augment.row_sequence import RowSequence
from fabula.augment.solving.verifiers import REASONING, SOLUTION
from fabula.errors import PartialRunError
from fabula.llm.rows.job import Reject
from fabula.render.amounts import percent

if TYPE_CHECKING:
    import pyarrow as pa

    from fabula.training.export import Export
    from fabula.types import Path


@dataclass(frozen=True)
class Solved(RowSequence):
    """Verified answers; a sequence of dicts with the task's columns, `reasoning` and `solution`.

    Attributes:
        rows: The answers that were verified.
        question: The column of the question.
        tasks: Questions that were given.
        solved: Questions with a verified answer.
        answers: Answers that were judged.
        verified: Those of them that were verified.
        failures: Why the others were not, and how many.
        rejects: Questions without a verified answer, with the reason.
    """

    rows: tuple[dict[str, Any], ...]
    question: str
    tasks: int
    solved: int = 0
    answers: int = 0
    verified: int = 0
    failures: Mapping[str, int] = field(default_factory=dict)
    rejects: tuple[Reject, ...] = field(default=(), repr=False)

    def __repr__(self) -> str:
        return f"Solved({self.counted})"

    @property
    def rate(self) -> float | None:
        """Share of the answers that were verified; None if there were none."""
        return self.verified / self.answers if self.answers else None

    @property
    def counted(self) -> str:
        """`98 of 100 questions solved, 156 of 210 answers verified (74.3 %)`."""
        share = "" if self.rate is None else f" ({percent(self.rate)})"
        return (
            f"{self.solved:,} of {self.tasks:,} questions solved, "
            f"{self.verified:,} of {self.answers:,} answers verified{share}"
        )

    def report(self) -> str:
        """How many answers were verified, and why the others were not."""
        told = [f"{count:,} refused: {why}" for why, count in self.failures.items()]
        lost = self.tasks - self.solved
        told += [f"without a verified answer, left out: {lost:,}"] if lost else []
        return "\n".join([self.counted, *told])

    def to_dict(self) -> dict[str, Any]:
        """The counts as plain values."""
        return {
            "tasks": self.tasks,
            "solved": self.solved,
            "answers": self.answers,
            "verified": self.verified,
            "rate": self.rate,
            "failures": dict(self.failures),
        }

    def to_arrow(self) -> pa.Table:
        """The answers as an Arrow table."""
        import pyarrow as pa

        from fabula.io.tables import as_table

        if not self.rows:
            names = (self.question, REASONING, SOLUTION)
            return pa.table({name: pa.array([], pa.string()) for name in names})
        return as_table(list(self.rows), name="solved")

    @override
    def write(self, path: Path, **options: Any) -> Export:
        """Write the answers; the options are those of `fb.export`.

        In a training format the user says the question, and the assistant the reasoning and, below
        it, the answer. Without a `format`, the file's ending names one.
        """
        from fabula.options import known_options
        from fabula.spec.training_formats import TRAINING_FORMATS
        from fabula.training.export import export, plain_format

        how = {**options, "format": options.get("format") or plain_format(path)}
        if how["format"] in TRAINING_FORMATS.written():
            told = f"{{{{ {REASONING} }}}}\n\nAnswer: {{{{ {SOLUTION} }}}}"
            how = {"user": self.question, "assistant": told} | {k: v for k, v in how.items() if v}
        return known_options(export)(self.to_arrow(), path, **how)


def some_solved(made: Solved) -> Solved:
    """The answers, unless questions were asked and none of them is solved.

    Raises:
        PartialRunError: No question is solved; `rows` of the error holds the counts.
    """
    if made.solved or not made.tasks:
        return made
    error = PartialRunError(
        f"no question is solved: {made.counted}",
        code="solve.none",
        hint="give a higher `--samples`, a stronger `--model` or another `--by`; "
        "known replies cost nothing",
    )
    error.rows, error.rejects = made, made.rejects
    raise error
