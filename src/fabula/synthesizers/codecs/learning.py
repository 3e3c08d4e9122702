"""Which codec suits each column of a table; what is out of reach is left out, with its reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fabula.errors import SourceError
from fabula.io.arrays import is_text, plain_type
from fabula.io.written.fields import plain_field
from fabula.pii import find
from fabula.pii.kinds import BLURRED, TITLES
from fabula.synthesizers.codecs.alike import joined_by_likeness
from fabula.synthesizers.codecs.categories import CategoryCodec, is_free_text, plain_values
from fabula.synthesizers.codecs.codec import CodecState, ColumnCodec
from fabula.synthesizers.codecs.codes import are_codes
from fabula.synthesizers.codecs.copies import CopyCodec
from fabula.synthesizers.codecs.fixed_point import is_exact
from fabula.synthesizers.codecs.keys import KeyCodec
from fabula.synthesizers.codecs.natural import NaturalCodec
from fabula.synthesizers.codecs.numbers import NumberCodec
from fabula.synthesizers.codecs.prose import ProseCodec
from fabula.synthesizers.codecs.stand_ins import StandInCodec
from fabula.synthesizers.codecs.string_formats.codec import WrittenCodec
from fabula.synthesizers.codecs.string_formats.labelled import LabelledCodec
from fabula.synthesizers.codecs.string_formats.several_numbers import SeveralNumbersCodec
from fabula.synthesizers.codecs.trees import TreeCodec
from fabula.synthesizers.model import Codes
from fabula.synthesizers.pii.codec import DetailCodec
from fabula.synthesizers.pii.details import details_of
from fabula.synthesizers.pii.finding import personal_columns, persons_in
from fabula.synthesizers.pii.neighbours import Neighbours
from fabula.synthesizers.pii.persons import (
    Persons,
    identifies_people,
    likeliest,
    numbered,
    numbers_something,
)

FEWEST_ROWS = 20

_RESTORE: Mapping[str, Callable[[str, pa.DataType, CodecState], ColumnCodec]] = {
    "number": NumberCodec.restore,
    "category": CategoryCodec.restore,
    "key": KeyCodec.restore,
    "copy": CopyCodec.restore,
    "written": WrittenCodec.restore,
    "labelled": LabelledCodec.restore,
    "several numbers": SeveralNumbersCodec.restore,
    "detail": DetailCodec.restore,
    "tree": TreeCodec.restore,
    "natural": NaturalCodec.restore,
    "stand-in": StandInCodec.restore,
    "prose": ProseCodec.restore,
}


@dataclass(frozen=True)
class Columns:
    """The columns of a table that can be learned, and why the others can't.

    Attributes:
        schema: Names and types of the learned columns, in the table's order.
        codecs: One for each of them.
        left_out: The reason for each other column.
        persons: Whom the training rows are about, where some people have several; not saved.
        neighbours: Columns of towns, of which the rare ones join others; not saved.
    """

    schema: pa.Schema
    codecs: tuple[ColumnCodec, ...]
    left_out: Mapping[str, str]
    persons: Persons | None = None
    neighbours: Mapping[str, Neighbours] = field(default_factory=dict)

    @classmethod
    def learn(
        cls,
        table: pa.Table,
        *,
        protect: int,
        known: Mapping[str, ColumnCodec] | None = None,
        sensitive: Collection[str] = (),
        protect_by: str | None = None,
        held: pa.Table | None = None,
    ) -> Columns:
        """Find a codec for each column.

        Args:
            table: Training rows.
            protect: Labels of fewer rows, and that many extreme numbers, are not reproduced.
            known: Codecs of some columns.
            sensitive: Columns that are personal whatever they hold.
            protect_by: The column that tells whom a row is about; None looks for one.
            held: Rows that are not learned, whose personal details may not come out either.

        Raises:
            SourceError: The table has too few rows or no column that can be learned.
        """
        _check(table)
        personal = personal_columns({"": table}, protect, {"": sensitive})[""]
        details = details_of(table, personal, "", protect, held=held)
        if protect_by is None:
            persons = likeliest(persons_in(table, personal), protect)
        else:
            told = plain_values(table.column(protect_by).combine_chunks())
            persons = numbered(protect_by, told)
        columns = cls.learnable(
            table,
            details,
            persons,
            protect=protect,
            known=known,
            sensitive=sensitive,
        )
        if not columns.codecs:
            name, reason = next(iter(columns.left_out.items()))
            raise SourceError(
                f"no column can be learned; `{name}`: {reason}",
                code="fit.no-column",
                where=name,
                hint="write a spec instead: `fabula init --from FILE`",
            )
        return columns

    @classmethod
    def learnable(
        cls,
        table: pa.Table,
        details: Mapping[str, DetailCodec],
        persons: Persons | None = None,
        *,
        protect: int,
        known: Mapping[str, ColumnCodec] | None = None,
        sensitive: Collection[str] = (),
    ) -> Columns:
        """As `learn`, for a table that may have no column to learn.

        Args:
            table: Training rows.
            details: How personal columns are replaced.
            persons: Whom the rows are about, where some people have several rows.
            protect: As for `learn`.
            known: Codecs of some columns.
            sensitive: Columns that are replaced or left out.
        """
        known = known or {}
        fields: list[pa.Field] = []
        codecs: list[ColumnCodec] = []
        left_out: dict[str, str] = {}
        neighbours: dict[str, Neighbours] = {}
        for column in table.schema:
            name, values = column.name, table.column(column.name).combine_chunks()
            decided = known.get(name) or details.get(name)
            if name in sensitive and decided is None:
                left_out[name] = f"named as sensitive; nothing replaces {column.type} values"
                continue
            joining = None if decided else Neighbours.of(table, name, persons, protect)
            if joining is not None:
                neighbours[name], values = joining, joining(values)
            coded = decided is None and are_codes(table, name)
            codec = decided or _codec(name, values, protect, persons, coded=coded)
            if isinstance(codec, str):
                left_out[name] = codec
                continue
            if joining is None and isinstance(codec, CategoryCodec) and codec.many_rare:
                others = [other for other in table.column_names if other not in {name, *details}]
                joining = joined_by_likeness(table, codec, others)
                if joining is not None:
                    neighbours[name], values = joining, joining(values)
                    codec = CategoryCodec.learn(name, values, protect=protect, persons=persons)
            if joining is not None and isinstance(codec, CategoryCodec):
                codec = replace(codec, joined=joining.told)
            if protect and isinstance(codec, NumberCodec | WrittenCodec):
                codec = _blurred(codec, values)
            kind = codec.type if isinstance(codec, DetailCodec) else column.type
            fields.append(plain_field(column.with_type(kind)))
            codecs.append(codec)
        return cls(pa.schema(fields), tuple(codecs), left_out, persons, neighbours)

    def made_anew(self, reason: str) -> Columns:
        """The columns of which nothing was learned; the others are left out for a reason."""
        pairs = list(zip(self.names, self.codecs, strict=True))
        unlearned = DetailCodec | NaturalCodec | StandInCodec
        replaced = self.only([name for name, codec in pairs if isinstance(codec, unlearned)])
        learned = [name for name in self.names if name not in replaced.names]
        return replace(replaced, left_out={**dict.fromkeys(learned, reason), **self.left_out})

    def with_stand_ins(self, table: pa.Table, *, protect: int, but: Collection[str]) -> Columns:
        """The columns, and in place of those left out others in their form, where there is one.

        So are columns of which no label is known; as these may count people and not rows, none of
        their values is drawn.
        """
        codecs = dict(zip(self.names, self.codecs, strict=True))
        kinds = {field.name: field for field in self.schema}
        left_out = dict(self.left_out)
        unknown = [
            codec.name
            for codec in self.codecs
            if isinstance(codec, CategoryCodec) and codec.rare and not len(codec.levels)
        ]
        reasons = left_out | dict.fromkeys(unknown, "few rows have each of its labels")
        for name, why in reasons.items():
            if name in but:
                continue
            values = table.column(name).combine_chunks()
            told = why.partition(",")[0].partition(";")[0]
            found = StandInCodec.learn(name, values, protect=protect, why=told)
            if found is not None and not (name in unknown and found.how == "drawn"):
                codecs[name], kinds[name] = found, plain_field(table.schema.field(name))
                left_out.pop(name, None)
        names = [name for name in table.column_names if name in codecs]
        schema = pa.schema([kinds[name] for name in names])
        return replace(
            self, schema=schema, codecs=tuple(codecs[name] for name in names), left_out=left_out
        )

    @property
    def replaced(self) -> dict[str, str]:
        """The columns of personal details, of codes, and of a form alone: what was made of each."""
        both = zip(self.names, self.codecs, strict=True)
        return {name: codec.about for name, codec in both if _is_replaced(codec)}

    @property
    def personal(self) -> tuple[str, ...]:
        """The replaced columns that are about people."""
        codes = {codec.name for codec in self.codecs if isinstance(codec, StandInCodec | CopyCodec)
                 or (isinstance(codec, DetailCodec) and not codec.is_personal)}  # fmt: skip
        return tuple(name for name in self.replaced if name not in codes)

    @property
    def names(self) -> list[str]:
        """Names of the learned columns."""
        return list(self.schema.names)

    def beside(self, table: pa.Table, *, protect: int) -> Columns:
        """The columns, and further ones of numbers."""
        further = (
            NumberCodec.learn(name, table.column(name).combine_chunks(), protect=protect)
            for name in table.column_names
        )
        schema = pa.unify_schemas([self.schema, table.schema])
        return replace(self, schema=schema, codecs=(*self.codecs, *further))

    def with_codecs(self, codecs: Mapping[str, ColumnCodec]) -> Columns:
        """The columns with other codecs of some."""
        own = zip(self.names, self.codecs, strict=True)
        return replace(self, codecs=tuple(codecs.get(name, codec) for name, codec in own))

    def keyed(self, table: pa.Table) -> Columns:
        """The columns, whose new keys meet none of a table; it may have further rows."""

        def apart(codec: ColumnCodec) -> ColumnCodec:
            if not isinstance(codec, KeyCodec):
                return codec
            values = table.column(codec.name).combine_chunks()
            return replace(KeyCodec.always(codec.name, values), rows=codec.rows)

        return replace(self, codecs=tuple(map(apart, self.codecs)))

    def only(self, names: Sequence[str]) -> Columns:
        """Some of the columns."""
        places = [self.names.index(name) for name in names]
        schema = pa.schema([self.schema.field(at) for at in places])
        return replace(self, schema=schema, codecs=tuple(self.codecs[at] for at in places))

    def encode(self, table: pa.Table) -> Codes:
        """A table's codes; it has all learned columns.

        Raises:
            SourceError: A column is missing, or of another type.
        """
        codes = np.empty((table.num_rows, len(self.codecs)), np.int32)
        for at, (name, codec) in enumerate(zip(self.names, self.codecs, strict=True)):
            if name not in table.column_names:
                raise SourceError(
                    f"the table has no column `{name}`", code="source.missing-column", where=name
                )
            values = table.column(name).combine_chunks()
            try:
                joined = self.neighbours[name](values) if name in self.neighbours else values
                codes[:, at] = codec.encode(joined)
            except pa.ArrowException as exc:
                raise SourceError(
                    f"column `{name}` holds {table.schema.field(name).type}, not"
                    f" {self.schema.field(name).type} as in training",
                    code="source.unsupported-value",
                    where=name,
                ) from exc
        return codes

    @classmethod
    def restore(
        cls, schema: pa.Schema, states: Mapping[str, CodecState], left_out: Mapping[str, str]
    ) -> Columns:
        """The columns of saved states."""
        codecs = tuple(
            _RESTORE[states[field.name].family](field.name, field.type, states[field.name])
            for field in schema
        )
        return cls(schema, codecs, left_out)


def _check(table: pa.Table) -> None:
    twice = [name for name, count in Counter(table.column_names).items() if count > 1]
    if twice:
        raise SourceError(
            f"column `{twice[0]}` appears {table.column_names.count(twice[0])} times",
            code="source.repeated-column",
            where=twice[0],
            hint="rename one of them",
        )
    if table.num_rows < FEWEST_ROWS:
        raise SourceError(
            f"{table.num_rows:,} training rows are too few to learn from; at least {FEWEST_ROWS}"
            " are needed",
            code="fit.too-few-rows",
            hint="describe the table in a spec instead: `fabula init --from FILE`",
        )


def _codec(
    name: str,
    values: pa.Array,
    protect: int,
    persons: Persons | None,
    *,
    coded: bool,
) -> ColumnCodec | str:
    """The codec of a column, or why there is none; whole numbers may be codes."""
    if identifies_people(name):
        persons = None  # each of its values is one person's
    people = None if persons is None else persons.numbers
    kind = plain_type(values.type)
    if pa.types.is_nested(kind):
        return f"nested values of type {kind}; give them as separate columns"
    if coded:
        return CategoryCodec.learn(name, values, protect=protect, persons=persons)
    whole = pa.types.is_integer(values.type)
    may = whole or is_text(values.type)
    labelled = LabelledCodec.learn(name, values, protect=protect, people=people)
    if labelled is not None:
        return labelled
    written = WrittenCodec.learn(name, values, protect=protect, people=people) if may else None
    several = None
    if written is None:
        several = SeveralNumbersCodec.learn(name, values, protect=protect, people=people)
    if several is not None:
        labels = CategoryCodec.learn(name, values, protect=protect, persons=persons)
        return labels if labels.is_known_mostly else several
    found = written or KeyCodec.learn(name, values)
    if found is not None:
        return found
    if isinstance(values.type, pa.DictionaryType) or pa.types.is_boolean(kind):
        return CategoryCodec.learn(name, values, protect=protect, persons=persons)
    inexact = (whole or pa.types.is_decimal(kind)) and not is_exact(values)
    if inexact or (whole and numbers_something(name)):
        labels = CategoryCodec.learn(name, values, protect=protect, persons=persons)
        if labels.is_known_mostly:
            return labels
    if _is_number(kind):
        return NumberCodec.learn(name, values, protect=protect, people=people)
    if is_free_text(values):
        told = "free text, which is not learned; a `text` or `llm` column of a spec writes it"
        return ProseCodec.learn(name, values, protect=protect, people=people) or told
    return CategoryCodec.learn(name, values, protect=protect, persons=persons)


def _blurred(codec: NumberCodec | WrittenCodec, values: pa.Array) -> NumberCodec | WrittenCodec:
    """The codec of numbers or times; those that are about people are blurred."""
    finding = find(values, codec.name)
    if finding is None or finding.kind not in BLURRED:
        return codec
    why = f"{finding.reason}; confidence {finding.confidence:.2f}"
    why = f"{TITLES[finding.kind]}, drawn evenly within each interval ({why})"
    known = plain_values(values).drop_null()
    differ = pc.count_distinct(known).as_py() == len(known)
    if isinstance(codec, WrittenCodec):
        return replace(codec, numbers=codec.numbers.blurred(why, differ=differ))
    return codec.blurred(why, differ=differ)


def _is_replaced(codec: ColumnCodec) -> bool:
    numbers = codec.numbers if isinstance(codec, WrittenCodec) else codec
    blurred = isinstance(numbers, NumberCodec) and bool(numbers.blur)
    return blurred or isinstance(codec, DetailCodec | StandInCodec | CopyCodec)


def _is_number(kind: pa.DataType) -> bool:
    tests = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_temporal)
    return any(test(kind) for test in tests)
