"""Python functions of the user's, called row by row, for whole blocks, or in the sandbox."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fabula.errors import SpecError, Violation
from fabula.functions.sandboxed import FunctionFault, fill
from fabula.io.arrays import numbers_of
from fabula.kinds.base.code import GENERATOR, AbstractCode


def _same() -> np.random.Generator:
    """The chance of a function whose values may not change: that of the sandbox starts from it."""
    return np.random.default_rng(0)


class _WrongValuesError(Exception):
    """What a function gave is not one value for each row."""


def called(
    spec: AbstractCode,
    columns: Mapping[str, pa.Array],
    kind: pa.DataType,
    *,
    rows: int,
    start: int,
    where: str,
    rng: Callable[[], np.random.Generator] = _same,
) -> pa.Array:
    """What a function gives for each row of a block.

    Raises:
        SpecError: The function fails, or does not give one value of the type for each row.
    """
    arguments = [_plain(columns[name]) for name in spec.inputs]
    if spec.sandboxed:
        table = pa.table(dict(zip(spec.inputs, arguments, strict=True)))
        seed = int(rng().integers(np.iinfo(np.int64).max))
        try:
            return fill(spec.source, table, kind, n=rows, start=start, seed=seed)
        except FunctionFault as fault:
            message = f"the function fails in the sandbox, from row {start + 1} on: {fault}"
            raise SpecError([Violation("engine.function", message, where)]) from fault
    named = {GENERATOR: rng()} if spec.takes_generator else {}
    row = 0
    try:
        if spec.blocks:
            return _typed(_whole(spec, arguments, named), kind, rows)
        values = []
        for row, given in enumerate(_rows(arguments, rows)):  # noqa: B007
            values.append(spec.function(*given, **named))
        row = -1
        return _typed(values, kind, rows)
    except (Exception, SystemExit) as error:  # whatever it raises, and values of other types
        place = f"row {start + row + 1}" if not spec.blocks and row >= 0 else "the block"
        message = f"the function fails in {place}: {type(error).__name__}: {error}"
        if row < 0 or isinstance(error, _WrongValuesError):
            message = f"the function's values are not {kind}: {error}"
        raise SpecError([Violation("engine.function", message, where)]) from error


def broken_rows(
    check: AbstractCode, columns: Mapping[str, pa.Array], *, rows: int, start: int, where: str
) -> NDArray[np.bool_]:
    """Which rows of a block a function of a check does not accept.

    Raises:
        SpecError: The function fails, or does not give True or False for each row.
    """
    kept = called(check, columns, pa.bool_(), rows=rows, start=start, where=where)
    if kept.null_count:
        row = start + kept.is_null().index(True).as_py() + 1
        message = f"the function gives nothing for row {row:,}, and not True or False"
        hint = "end it with `return`, and decide about missing values"
        raise SpecError([Violation("engine.function", message, where, hint)])
    return np.asarray(~numbers_of(kept), dtype=bool)


def _plain(values: pa.Array) -> pa.Array:
    return values.dictionary_decode() if pa.types.is_dictionary(values.type) else values


def _rows(arguments: list[pa.Array], rows: int) -> Iterator[tuple[Any, ...]]:
    """The arguments of each row."""
    if not arguments:
        return iter([()] * rows)
    return zip(*(values.to_pylist() for values in arguments), strict=True)


def _whole(spec: AbstractCode, arguments: list[pa.Array], named: dict[str, Any]) -> Any:
    arrays = [values.to_numpy(zero_copy_only=False) for values in arguments]
    return spec.function(*arrays, **named)


def _typed(values: Any, kind: pa.DataType, rows: int) -> pa.Array:
    """A function's values as an Arrow array, one per row."""
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
