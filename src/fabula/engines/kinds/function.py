"""Columns that a Python function of the user's computes, here or in the sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from fabula.codegen.columns import FunctionFault, fill
from fabula.engines.block import Array, Block, Engine
from fabula.engines.kinds import TableFacts, engine_of
from fabula.errors import SpecError, Violation
from fabula.kinds.base.code import GENERATOR, takes_generator
from fabula.kinds.function import Function
from fabula.planning.plan import ColumnPlan


@engine_of("function")
def function_engine(column: ColumnPlan, table: TableFacts) -> Engine:
    """What the function gives for each row of a block, in the column's type."""
    spec = column.spec
    assert isinstance(spec, Function)
    where = f"tables.{table.name}.columns.{column.name}"

    def make(block: Block) -> Array:
        arguments = [_plain(block.values[name]) for name in spec.reads(())]
        if spec.sandboxed:
            return _in_sandbox(column, spec.source(), arguments, block, where)
        named = {GENERATOR: block.rng(column.name)} if takes_generator(spec.function) else {}
        row = 0
        try:
            if spec.blocks:
                return _typed(_whole(spec, arguments, named), column.type, block.rows)
            values = []
            for row, given in enumerate(_rows(arguments, block.rows)):  # noqa: B007
                values.append(spec.function(*given, **named))
            row = -1
            return _typed(values, column.type, block.rows)
        except Exception as error:  # whatever the function raises, and values of other types
            if isinstance(error, SpecError):
                raise
            place = f"row {block.start + row + 1}" if not spec.blocks and row >= 0 else "the block"
            message = f"the function fails in {place}: {type(error).__name__}: {error}"
            if row < 0 or isinstance(error, _WrongValuesError):
                message = f"the function's values are not {column.type}: {error}"
            raise SpecError([Violation("engine.function", message, where)]) from error

    return make


class _WrongValuesError(Exception):
    """What a function gave is not one value for each row."""


def _plain(values: Array) -> Array:
    return values.dictionary_decode() if pa.types.is_dictionary(values.type) else values


def _rows(arguments: list[Array], rows: int) -> Iterator[tuple[Any, ...]]:
    """The arguments of each row."""
    if not arguments:
        return iter([()] * rows)
    return zip(*(values.to_pylist() for values in arguments), strict=True)


def _whole(spec: Function, arguments: list[Array], named: dict[str, Any]) -> Any:
    arrays = [values.to_numpy(zero_copy_only=False) for values in arguments]
    return spec.function(*arrays, **named)


def _typed(values: Any, kind: pa.DataType, rows: int) -> Array:
    """A function's values as an Arrow array, one a row."""
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    try:
        made = values if isinstance(values, pa.Array) else pa.array(values, from_pandas=True)
        if pa.types.is_boolean(made.type) != pa.types.is_boolean(kind) and len(made.drop_null()):
            raise _WrongValuesError(f"they are {made.type}")
        made = made.cast(kind)
    except (pa.ArrowException, TypeError) as error:
        raise _WrongValuesError(str(error)) from error
    if len(made) != rows:
        raise _WrongValuesError(f"{len(made)} values for {rows} rows")
    return made


def _in_sandbox(
    column: ColumnPlan, source: str, arguments: list[Array], block: Block, where: str
) -> Array:
    spec = column.spec
    assert isinstance(spec, Function)
    rows = pa.table(dict(zip(spec.reads(()), arguments, strict=True)))
    seed = int(block.rng(column.name).integers(np.iinfo(np.int64).max))
    try:
        return fill(column, source, rows, n=block.rows, start=block.start, seed=seed)
    except FunctionFault as fault:
        message = f"the function fails in the sandbox, in block {block.index}: {fault}"
        raise SpecError([Violation("engine.function", message, where)]) from fault
