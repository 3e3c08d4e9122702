"""Columns in Python: one function for each kind, with the kind's own parameters."""

from __future__ import annotations

import inspect
import typing

import pytest

import fabula as fb
from fabula.errors import SpecError
from fabula.kinds import KINDS
from fabula.spec import col


def parameters(kind: str) -> set[str]:
    """The parameters that a function takes, those of `**common` included."""
    function = getattr(col, kind)
    found = set(inspect.signature(function).parameters) - {"common"}
    hints = typing.get_type_hints(function)
    if "common" in hints:
        (common,) = typing.get_args(hints["common"])
        found |= set(typing.get_type_hints(common))
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_function_with_the_same_parameters(kind: str) -> None:
    assert parameters(kind) == set(KINDS[kind].model_fields) - {"kind"}


@pytest.mark.parametrize("kind", KINDS)
def test_every_function_makes_its_kind_and_keeps_its_defaults(kind: str) -> None:
    cls = KINDS[kind]
    for name, parameter in inspect.signature(getattr(col, kind)).parameters.items():
        field = cls.model_fields.get(name)
        if field is not None and parameter.default is not parameter.empty:
            assert parameter.default == field.get_default(call_default_factory=True), name


def test_there_are_no_other_functions() -> None:
    assert set(col.__all__) == set(KINDS)


def test_weights_are_given_beside_values_or_with_them() -> None:
    assert col.choice({"a": 3, "b": 1}) == col.choice(["a", "b"], weights=[3, 1])


def test_parts_of_a_mixture_may_have_weights() -> None:
    mixed = col.mixture([(3, col.normal(5, 1)), col.poisson(9)])
    assert [part.weight for part in mixed.of] == [3, 1]


def test_wrong_parameters_are_told_in_plain_words() -> None:
    with pytest.raises(SpecError) as caught:
        col.normal([1], std={})
    assert [item.message for item in caught.value.violations] == [
        "`mean` must be a number or an expression over earlier columns, not a list",
        "`std` must be a number or an expression over earlier columns, not a mapping",
    ]
    with pytest.raises(SpecError, match="2 weights for 1 values"):
        col.choice(["a"], weights=[1, 2])


def test_misspelt_names_of_tables_and_specs_are_told_with_the_nearest() -> None:
    for made in (
        lambda: fb.TableSpec(colums={}),
        lambda: fb.DatasetSpec(tables={"t": {"colums": {}}}),
    ):
        with pytest.raises(SpecError, match="has no key `colums`") as caught:
            made()
        assert "did you mean `columns`?" in str(caught.value)
