"""Plain arithmetic and CASE expressions on arrays, with exactly DuckDB's results.

Most expressions of a spec are products, sums, comparisons and CASE over a few columns. Those are
compiled to numpy, which spares the cost of a query for each block; everything else, and every
block that holds nulls, goes to DuckDB. A test compares the two.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fabula.engines.block import Array
from fabula.engines.scalars import microseconds
from fabula.fakers.joining import string_array
from fabula.io.arrays import array_of, numbers_of
from fabula.io.expressions import case_labels, constant_text, syntax_tree

Kind: TypeAlias = Literal["float", "int", "bool", "time", "text"]
Values: TypeAlias = Mapping[str, NDArray[Any]]

_DIGITS = 15
"""Decimal digits that a double holds exactly."""

_OPERATORS: dict[str, Callable[..., NDArray[Any]]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
}
_COMPARISONS: dict[str, Callable[..., NDArray[Any]]] = {
    "COMPARE_LESSTHAN": np.less,
    "COMPARE_LESSTHANOREQUALTO": np.less_equal,
    "COMPARE_GREATERTHAN": np.greater,
    "COMPARE_GREATERTHANOREQUALTO": np.greater_equal,
    "COMPARE_EQUAL": np.equal,
    "COMPARE_NOTEQUAL": np.not_equal,
}
_CONJUNCTIONS: dict[str, Callable[..., NDArray[Any]]] = {
    "CONJUNCTION_AND": np.logical_and,
    "CONJUNCTION_OR": np.logical_or,
}


class _Beyond(Exception):
    """The expression is more than this module understands."""


@dataclass(frozen=True)
class _Term:
    """A part of an expression: its kind, how it is computed, and its value if constant."""

    kind: Kind
    compute: Callable[[Values], Any]
    constant: Any = None


@dataclass(frozen=True)
class Compiled:
    """An expression that numpy computes."""

    needs: tuple[str, ...]
    _compute: Callable[[Values], Any]
    _labels: Array | None = None
    _column: str | None = None

    def __call__(self, values: Mapping[str, Array], rows: int) -> Array | None:
        """The result, or None if a column contains nulls."""
        if self._column is not None:
            return values[self._column]
        used = {name: values[name] for name in self.needs}
        if any(column.null_count for column in used.values()):
            return None
        with np.errstate(over="ignore", invalid="ignore"):  # infinity and NaN, as in SQL
            computed = self._compute({n: numbers_of(c) for n, c in used.items()})
        result = np.broadcast_to(computed, rows)
        if self._labels is None:
            return array_of(result)
        return pa.DictionaryArray.from_arrays(array_of(result), self._labels)


def compile_expression(sql: str, types: Mapping[str, pa.DataType]) -> Compiled | None:
    """Compile an expression, or return None if DuckDB must compute it."""
    node = syntax_tree(sql)
    if node["class"] == "COLUMN_REF":
        return Compiled(tuple(types), dict, _column=node["column_names"][0])
    try:
        if (labels := case_labels(node)) is not None:
            compute = _case([_Term("int", _always(i), i) for i in range(len(labels))], node, types)
            return Compiled(tuple(types), compute, string_array(labels))
        term = _term(node, types)
    except _Beyond:
        return None
    if term.kind not in ("float", "bool") or not types:
        return None
    return Compiled(tuple(types), term.compute)


def _term(node: Mapping[str, Any], types: Mapping[str, pa.DataType]) -> _Term:
    match node["class"]:
        case "COLUMN_REF":
            return _column(node["column_names"][0], types)
        case "CONSTANT":
            return _constant(node["literal"])
        case "FUNCTION":
            return _function(node, types)
        case "COMPARISON":
            return _comparison(node, types)
        case "CONJUNCTION" if node["type"] in _CONJUNCTIONS:
            parts = [_term(child, types) for child in node["children"]]
            return _Term("bool", _folded(_CONJUNCTIONS[node["type"]], parts))
        case "CAST":
            return _moment(node)
        case "CASE":
            checks = node["case_checks"]
            results = [_term(check["then_expr"], types) for check in checks]
            results.append(_term(node["else_expr"], types))
            if {result.kind for result in results} != {"float"}:
                raise _Beyond
            return _Term("float", _case(results, node, types))
    raise _Beyond


def _column(name: str, types: Mapping[str, pa.DataType]) -> _Term:
    kind = types.get(name)
    if kind == pa.float64():
        return _Term("float", lambda values: values[name])
    if kind == pa.int64():
        return _Term("int", lambda values: values[name])
    if kind == pa.timestamp("us"):
        return _Term("time", lambda values: values[name])
    raise _Beyond


def _constant(literal: Mapping[str, Any]) -> _Term:
    kind, text = literal["kind"], str(literal.get("text"))
    if kind not in ("INTEGER", "NUMERIC") or len(text) > _DIGITS:
        raise _Beyond
    value = int(text) if kind == "INTEGER" else float(text)
    return _Term("int" if kind == "INTEGER" else "float", _always(value), value)


def _function(node: Mapping[str, Any], types: Mapping[str, pa.DataType]) -> _Term:
    parts = [_term(argument["expression"], types) for argument in node["arguments"]]
    name = node["function_name"]
    if name in _OPERATORS and len(parts) == 2 and _are_floating(parts):
        return _Term("float", _folded(_OPERATORS[name], parts))
    places = parts[1].constant if name == "round" and len(parts) == 2 else None
    if isinstance(places, int) and 0 <= places <= 12 and parts[0].kind == "float":
        compute = parts[0].compute
        return _Term("float", lambda values: _rounded(compute(values), 10.0**places))
    raise _Beyond


def _comparison(node: Mapping[str, Any], types: Mapping[str, pa.DataType]) -> _Term:
    compare = _COMPARISONS.get(node["type"])
    parts = [_term(node[side], types) for side in ("left", "right")]
    kinds = {part.kind for part in parts}
    if compare is None or not (kinds in ({"time"}, {"int"}) or _are_floating(parts)):
        raise _Beyond
    return _Term("bool", _folded(compare, parts))


def _moment(node: Mapping[str, Any]) -> _Term:
    text = constant_text(node["child"])
    if text is None or node["type_expr"]["type_name"] != "TIMESTAMP":
        raise _Beyond
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        raise _Beyond from None
    if moment.tzinfo is not None:
        raise _Beyond
    value = microseconds(moment)
    return _Term("time", _always(value), value)


def _case(
    results: list[_Term], node: Mapping[str, Any], types: Mapping[str, pa.DataType]
) -> Callable[[Values], NDArray[Any]]:
    """The result of the first condition that holds, the last result otherwise."""
    conditions = [_term(check["when_expr"], types) for check in node["case_checks"]]
    if any(condition.kind != "bool" for condition in conditions):
        raise _Beyond
    whole = all(isinstance(result.constant, int) for result in results)

    def compute(values: Values) -> NDArray[Any]:
        tests = [condition.compute(values) for condition in conditions]
        chosen = np.full(np.shape(tests[0]), results[-1].compute(values))
        if whole:
            chosen = chosen.astype(np.int32)
        for test, result in zip(tests[::-1], results[-2::-1], strict=True):
            np.copyto(chosen, result.compute(values), where=test, casting="same_kind")
        return chosen

    return compute


def _are_floating(parts: list[_Term]) -> bool:
    """Whether the parts meet as doubles; constants among themselves would be exact decimals."""
    doubles = any(part.kind == "float" and part.constant is None for part in parts)
    return doubles and all(part.kind in ("float", "int") for part in parts)


def _folded(operator: Callable[..., Any], parts: list[_Term]) -> Callable[[Values], Any]:
    def compute(values: Values) -> Any:
        total = parts[0].compute(values)
        for part in parts[1:]:
            total = operator(total, part.compute(values))
        return total

    return compute


def _rounded(x: NDArray[np.float64], scale: float) -> NDArray[np.float64]:
    """Round half away from zero, as DuckDB does; infinite values stay.

    17.505 as a double is a little less and is rounded down, though its product with 100 is 1750.5.
    """
    scaled = np.asarray(x * scale)
    whole = np.trunc(scaled)
    rest = np.abs(scaled - whole)
    up = rest >= 0.5
    if (half := rest == 0.5).any():
        lost = _lost_by_product(x[half], scale) * np.sign(scaled[half])
        up[half] = lost >= 0
    whole += np.copysign(up, scaled)
    whole /= scale
    return np.where(np.isfinite(scaled), whole, x)


def _lost_by_product(x: NDArray[np.float64], scale: float) -> NDArray[np.float64]:
    """What the double of a product lacks of the product: Dekker's product of halves (1971)."""

    def halves(value: Any) -> tuple[Any, Any]:
        large = 134_217_729.0 * value  # 2^27 + 1
        high = large - (large - value)
        return high, value - high

    (a, b), (c, d) = halves(x), halves(scale)
    lost: NDArray[np.float64] = ((a * c - x * scale) + a * d + b * c) + b * d
    return lost


def _always(value: Any) -> Callable[[Values], Any]:
    return lambda _: value
