"""Attributes of made-up persons."""

from __future__ import annotations

from fabula.engines.block import Array, Block, Engine
from fabula.engines.kinds import TableFacts, engine_of
from fabula.fakers.people import People
from fabula.kinds.person import Person
from fabula.planning.plan import ColumnPlan


@engine_of("person")
def person_engine(column: ColumnPlan, table: TableFacts) -> Engine:
    """One attribute of a person; columns with the same `who` and locale describe the same one."""
    del table
    spec = column.spec
    assert isinstance(spec, Person)
    people = People(spec.locale)

    def make(block: Block) -> Array:
        drawn = people.draw(lambda part: block.rng(f"{spec.who}:{part}"), block.rows, [spec.field])
        return drawn[spec.field].cast(column.type)

    return make
