"""What a pair holds: the fields of its input and of its output, however they were declared.

A sentence with an arrow (`product name and category → description`), lists of names, a Pydantic
class, a dataclass or a JSON Schema: all become a `PairFields`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fabula.augment.row_schema import Make, Shape, shape_of
from fabula.errors import UsageError, did_you_mean
from fabula.inference.guesses import words
from fabula.llm.rows.job import RowField

EXAMPLE = '"product name and category → description"'

_ARROW = re.compile(r"\s*(?:→|⇒|->|=>)\s*")
_HEAD = re.compile(r"(?P<about>[^:→]*[^:→\s])\s*:\s+(?P<rest>.*)", re.S)
_LISTED = re.compile(r"\s*(?:,|;|&|\band\b|\bplus\b)\s*(?![^()]*\))", re.I)
_BRACKET = re.compile(r"(?P<name>[^()]+?)\s*\((?P<about>.+)\)\s*")


@dataclass(frozen=True)
class PairFields:
    """The fields of a pair, what the pairs are about, and what makes an object of their values."""

    inputs: tuple[RowField, ...]
    outputs: tuple[RowField, ...]
    subject: str = ""
    make: Make = dict

    @property
    def input_names(self) -> tuple[str, ...]:
        """The names of the input's fields."""
        return tuple(each.name for each in self.inputs)

    @property
    def output_names(self) -> tuple[str, ...]:
        """The names of the output's fields."""
        return tuple(each.name for each in self.outputs)


def pair_fields(
    wanted: Any, *, inputs: Sequence[str] | str = (), outputs: Sequence[str] | str = ()
) -> PairFields:
    """The fields that a declaration means: a sentence with an arrow, a class, or names of fields.

    Without names, the output of a class is its last field, and all others are the input.

    Raises:
        UsageError: There is no arrow, no field on one side of it, or a field twice.

    Examples:
        >>> fields = pair_fields("product name and category → description")
        >>> fields.input_names, fields.output_names
        (('product_name', 'category'), ('description',))
    """
    given, asked = _names(inputs), _names(outputs)
    if wanted is not None and not isinstance(wanted, str):
        return _of_shape(shape_of(wanted), given, asked)
    text = wanted or ""
    if given or asked:
        return _apart(_fields(given), _fields(asked), text.strip())
    sides = _ARROW.split(text)
    if len(sides) != 2:
        raise UsageError(
            f"the sentence has {'no arrow' if len(sides) < 2 else 'more than one arrow'} between "
            "input and output",
            code="usage.pair-fields",
            hint=f"write {EXAMPLE}, or give the fields as `input` and `output`: "
            "`--input topic --output question`",
        )
    head = _HEAD.fullmatch(sides[0])
    left = head["rest"] if head else sides[0]
    subject = head["about"] if head else ""
    return _apart(_fields(_LISTED.split(left)), _fields(_LISTED.split(sides[1])), subject.strip())


def _apart(
    inputs: tuple[RowField, ...],
    outputs: tuple[RowField, ...],
    subject: str = "",
    make: Make = dict,
) -> PairFields:
    """The fields, once both sides have some and none stands on both."""
    for side, fields in (("input", inputs), ("output", outputs)):
        if not fields:
            raise UsageError(
                f"the {side} of a pair has no fields",
                code="usage.pair-fields",
                hint=f"write {EXAMPLE}, or give `input` and `output`",
            )
    names = [each.name for each in (*inputs, *outputs)]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(
                f"a pair has the field `{name}` twice",
                code="usage.pair-fields",
                hint="give each field another name",
            )
    return PairFields(inputs, outputs, subject, make)


def _of_shape(shape: Shape, inputs: Sequence[str], outputs: Sequence[str]) -> PairFields:
    known = {each.name: each for each in shape.fields}
    for name in (*inputs, *outputs):
        if name not in known:
            raise UsageError(
                f"there is no field `{name}`",
                code="usage.unknown-field",
                hint=did_you_mean(name, known) or f"there are {', '.join(known)}",
            )
    asked = outputs or [name for name in known if name not in inputs][-1 if not inputs else 0 :]
    given = inputs or [name for name in known if name not in asked]
    return _apart(
        tuple(known[name] for name in given),
        tuple(known[name] for name in asked),
        make=shape.make,
    )


def _fields(items: Sequence[str]) -> tuple[RowField, ...]:
    """Texts with these names; a bracket describes its field."""
    fields = []
    for item in filter(None, (each.strip(" .\"'") for each in items)):
        bracket = _BRACKET.fullmatch(item)
        written = bracket["name"] if bracket else item
        name = words(written) or written
        about = bracket["about"] if bracket else ("" if written == name else written)
        fields.append(RowField(name, {"type": "string", "minLength": 1}, about))
    return tuple(fields)


def _names(listed: Sequence[str] | str) -> list[str]:
    names = listed.split(",") if isinstance(listed, str) else listed
    return [name.strip() for name in names if name.strip()]
