"""What `fb.pairs` gives: the pairs, which fields are input and output, and how they came about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from typing_extensions import override

from fabula.augment.pairs.fields import PairFields
from fabula.augment.row_sequence import RowSequence
from fabula.llm.rows.job import Reject, RowsResult

if TYPE_CHECKING:
    import pyarrow as pa

    from fabula.training.export import Export
    from fabula.types import Path


@dataclass(frozen=True)
class Pairs(RowSequence):
    """Training pairs; a sequence of dicts with the attributes, the input's fields, the output's.

    Attributes:
        rows: The pairs.
        fields: What is input and what is output.
        parsed: Pairs that were found in the replies.
        duplicates: Those of them that repeat an earlier input.
        unread: Pieces of replies that could not be read as a pair, each with the reason.
        rejects: Pairs that were given up, with the reason.
    """

    rows: tuple[dict[str, Any], ...]
    fields: PairFields
    parsed: int = 0
    duplicates: int = 0
    unread: tuple[tuple[str, str], ...] = ()
    rejects: tuple[Reject, ...] = field(default=(), repr=False)

    @classmethod
    def of(cls, fields: PairFields, rows: Sequence[dict[str, Any]], result: RowsResult) -> Pairs:
        """The pairs of a job that has ended."""
        unread, rejects = tuple(result.unread), tuple(result.rejects)
        return cls(tuple(rows), fields, result.parsed, result.repeats, unread, rejects)

    def __repr__(self) -> str:
        shape = f"{', '.join(self.fields.input_names)} → {', '.join(self.fields.output_names)}"
        return f"Pairs({shape}: {self.counted})"

    @property
    def counted(self) -> str:
        """`45 parsed, 9 duplicates, 36 kept`, and what else became of what was parsed."""
        parts = [
            f"{self.parsed:,} parsed",
            f"{self.duplicates:,} duplicate{'s' * (self.duplicates != 1)}",
        ]
        rest = self.parsed - self.duplicates - len(self.rows)
        parts += [f"{rest:,} refused or beyond those requested"] if rest > 0 else []
        parts += [f"{len(self.unread):,} unreadable"] if self.unread else []
        return ", ".join([*parts, f"{len(self.rows):,} kept"])

    @property
    def user(self) -> str:
        """The template of what the user says: the input's fields, named if there are several."""
        return _template(self.fields.input_names)

    @property
    def assistant(self) -> str:
        """The template of what the assistant answers."""
        return _template(self.fields.output_names)

    def report(self) -> str:
        """How many pairs were parsed, kept and lost, and why."""
        lost = Counter(each.reason for each in self.rejects)
        return "\n".join([self.counted, *(f"{n:,} rejected: {why}" for why, n in lost.items())])

    def to_arrow(self) -> pa.Table:
        """The pairs as an Arrow table."""
        import pyarrow as pa

        from fabula.io.tables import as_table

        if not self.rows:
            names = [*self.fields.input_names, *self.fields.output_names]
            return pa.table({name: pa.array([], pa.string()) for name in names})
        return as_table(list(self.rows), name="pairs")

    def to_models(self, cls: type) -> list[Any]:
        """The pairs as objects of a Pydantic class or dataclass."""
        from fabula.augment.row_schema import shape_of

        make = shape_of(cls).make
        return [make(row) for row in self.rows]

    @override
    def write(self, path: Path, **options: Any) -> Export:
        """Write the pairs; the rest is as `fb.export` takes it.

        Without a `format`, the file's ending names one, and the pairs are written as they are.
        `user` and `assistant` are by default the input's and the output's fields.
        """
        from fabula.options import known_options
        from fabula.training.export import export

        how = self.how_written(path, options)
        return known_options(export)(self.to_arrow(), path, **how)

    def how_written(self, output: Path, asked: Mapping[str, Any]) -> dict[str, Any]:
        """The options of an export, with what the pairs' shape says where nothing is asked."""
        from fabula.spec.training_formats import TRAINING_FORMATS
        from fabula.training.export import plain_format

        options = {**asked, "format": asked.get("format") or plain_format(output)}
        training = options["format"] in TRAINING_FORMATS.written()
        if training or options.get("split"):
            options["user"] = options.get("user") or self.user
        if training:
            options["assistant"] = options.get("assistant") or self.assistant
        return options


def _template(names: Sequence[str]) -> str:
    """One field as it is; several as lines with their names."""
    if len(names) == 1:
        return names[0]
    return "\n".join(f"{name.replace('_', ' ')}: {{{{ row[{name!r}] }}}}" for name in names)
