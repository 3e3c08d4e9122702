"""Kinds explained from their classes."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter
from ruamel.yaml import YAML

from fabula.kinds import KINDS, Column
from fabula.kinds.base.code import AbstractCode
from fabula.reports import catalogue


def test_every_kind_has_an_example_and_nothing_else_has():
    """The list of examples grows with the list of kinds."""
    assert all(name in KINDS[name].example for name in KINDS)


@pytest.mark.parametrize(
    "kind", [n for n, cls in KINDS.items() if not issubclass(cls, AbstractCode)]
)
def test_examples_are_valid_columns(kind):
    """What `fabula kinds` shows can be pasted into a spec."""
    column = TypeAdapter(Column).validate_python(
        YAML(typ="safe", pure=True).load(KINDS[kind].example)
    )
    assert column.kind == kind


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_explained_with_all_its_parameters(kind):
    """A sentence, and every parameter exactly once."""
    described = [item.name for item in catalogue.parameters(KINDS[kind])]
    shared = [item.name for item in catalogue.shared_parameters()]
    assert catalogue.summary(KINDS[kind]).endswith(".")
    assert sorted([*described, *shared, "kind"]) == sorted(KINDS[kind].model_fields)
    text = catalogue.kind_text(kind)
    assert all(f"  {name}: " in text for name in described)
    assert KINDS[kind].example in text
