"""Columns of words in bulk: people, patterns and any provider's values."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from fabula.engines.block import Array, Block, Engine
from fabula.errors import SpecError
from fabula.fakers.people import People
from fabula.fakers.pools import provider_pool
from fabula.fakers.regex import compile_pattern
from fabula.planning.plan import ColumnPlan
from fabula.spec.words import Pattern, Person, Provider


def person_engine(column: ColumnPlan) -> Engine:
    """One attribute of a person; columns with the same `who` and locale describe the same one."""
    spec = column.spec
    assert isinstance(spec, Person)
    people = People(spec.locale)

    def make(block: Block) -> Array:
        drawn = people.draw(lambda part: block.rng(f"{spec.who}:{part}"), block.rows, [spec.field])
        return drawn[spec.field].cast(column.type)

    return make


def pattern_engine(column: ColumnPlan) -> Engine:
    """Strings that match a regular expression."""
    spec = column.spec
    assert isinstance(spec, Pattern)
    pattern = compile_pattern(spec.regex)
    return lambda block: pattern.draw(block.rng(column.name), block.rows)


def provider_engine(column: ColumnPlan, *, seed: int, table: str) -> Engine:
    """Values of a provider, drawn from a pool that is made once."""
    spec = column.spec
    assert isinstance(spec, Provider)
    try:
        pool = provider_pool(spec.name, spec.locale, spec.size, seed)
    except SpecError as error:
        where = f"tables.{table}.columns.{column.name}"
        raise SpecError([replace(item, where=where) for item in error.violations]) from error

    def make(block: Block) -> Array:
        chosen = block.rng(column.name).integers(0, len(pool), block.rows, dtype=np.int32)
        return pool.take(chosen)

    return make
