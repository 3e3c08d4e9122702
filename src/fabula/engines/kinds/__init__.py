"""The engine of each column kind, in a module of the kind's name.

An entry is a family of distributions, or a function that makes a column's engine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

from fabula.engines.block import Engine
from fabula.engines.families import AbstractFamily
from fabula.extensions import Register
from fabula.planning.plan import ColumnPlan


@dataclass(frozen=True)
class TableFacts:
    """What an engine may know of its column's table."""

    name: str
    rows: int
    seed: int


EngineMaker: TypeAlias = Callable[[ColumnPlan, TableFacts], Engine]

ENGINES: Register[AbstractFamily | EngineMaker] = Register("engine", home="fabula.engines.kinds")
"""The engine of each kind by the kind's name."""

MakerT = TypeVar("MakerT", bound=EngineMaker)
FamilyT = TypeVar("FamilyT", bound=AbstractFamily)


def engine_of(kind: str) -> Callable[[MakerT], MakerT]:
    """Register a function as what makes the engines of a kind's columns."""

    def registered(make: MakerT) -> MakerT:
        ENGINES.register(kind, make)
        return make

    return registered


def family_of(kind: str) -> Callable[[type[FamilyT]], type[FamilyT]]:
    """Register a family as how a distribution is drawn."""

    def registered(family: type[FamilyT]) -> type[FamilyT]:
        ENGINES.register(kind, family())
        return family

    return registered


def family(kind: str) -> AbstractFamily:
    """The family of a distribution."""
    found = ENGINES[kind]
    assert isinstance(found, AbstractFamily)
    return found
