"""What compiled rules write: a fraction must not be cut off where whole numbers are kept.

Numba casts whatever is written, so the types that it found are looked at before the rule runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from numba import types
from numba.core import ir

from fabula.simulation.plain_rules import cut_off

_MOVES = {"take": (1,), "arrive": (1,), "give": (3,)}
"""The places of quantities among what methods of conserved columns are given."""
Write = tuple[str | None, Any, Any, int]
"""A column, its type, the type that it is given, and the line."""


def check_writes(compiled: Any, kinds: tuple[Any, ...], file: str) -> None:
    """Make sure that compiled code keeps the fractions of what it writes.

    Args:
        compiled: The dispatcher.
        kinds: The types that it was compiled for.
        file: The file of the rule: what others write is their own affair.

    Raises:
        ModelFault: It cuts them off; the error has the line.
    """
    for name, kind, given, line in _writes(compiled.overloads[kinds].type_annotation, file):
        kept, value = getattr(kind, "dtype", kind), getattr(given, "dtype", given)
        if isinstance(kept, types.Integer | types.Boolean) and isinstance(value, types.Float):
            fault = cut_off(name, str(kept), str(value))
            fault.line = line
            raise fault


def _writes(typed: Any, file: str) -> Iterator[Write]:
    """All that some typed code writes, and what it calls in the same file."""
    kinds = typed.typemap
    statements = [each for block in typed.blocks.values() for each in block.body]
    made: dict[str, Any] = {
        each.target.name: each.value for each in statements if isinstance(each, ir.Assign)
    }
    for each in statements:
        if each.loc.filename != file:
            continue
        line = each.loc.line
        if isinstance(each, ir.SetAttr) and isinstance(kinds[each.target.name], types.Record):
            kept = kinds[each.target.name].typeof(each.attr)
            yield each.attr, kept, kinds[each.value.name], line
        elif isinstance(each, ir.SetItem | ir.StaticSetItem):
            name = getattr(made.get(each.target.name), "attr", "an array")
            yield name, kinds[each.target.name], kinds[each.value.name], line
        elif isinstance(each, ir.Assign) and getattr(each.value, "op", "") == "call":
            call: Any = each.value
            called, given = kinds[call.func.name], [kinds[value.name] for value in call.args]
            if isinstance(called, types.Dispatcher):
                for inner in called.dispatcher.overloads.values():
                    if hasattr(inner.type_annotation, "blocks"):  # code from a file has none
                        yield from _writes(inner.type_annotation, file)
            elif isinstance(called, types.BoundFunction):
                method = getattr(made.get(call.func.name), "attr", "")
                yield from ((*kept, line) for kept in _given(called.this, method, given))


def _given(this: Any, method: str, given: list[Any]) -> Iterator[tuple[str | None, Any, Any]]:
    """The columns that a method writes to, or None for a quantity, with both types."""
    fields = getattr(this, "fields", ())
    if method == "add" and fields[:1] == ("count",):
        yield from zip(fields[1:], this.types[1:], given, strict=False)
    elif fields == ("amount", "moved"):
        for place in _MOVES.get(method, ()):
            if place < len(given):
                yield None, types.int64, given[place]
