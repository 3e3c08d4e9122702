"""A program as it is kept: editable constants on top, the model's code, and an end for by hand.

::

    ROWS = {"houses": 100}   # rows of each table
    SEED = 0
    …                        # the model's code, which takes them
    # ── by hand … ──        # from here on, `python program.py` writes the tables

`fabula program run` changes the constants, leaves the end away and runs the rest in the sandbox.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from fabula.codegen.conform import Made
from fabula.codegen.edits import Edit, before, edited, replacing, whole_number
from fabula.codegen.parameterize import (
    ROWS,
    SEED,
    quoted,
    rows_dict,
    seed_constant,
    seed_edits,
    size_edits,
)
from fabula.codegen.syntax import parsed
from fabula.errors import UsageError, did_you_mean

ABOUT = """\
# Kept by Fabula; change it as you like. `python program.py` writes each table as CSV,
# `fabula program run program.py -n 100000 --seed 7` runs it in the sandbox, checks and writes it.
"""
MARK = "# ---- by hand: each table as CSV ----"
_READERS = {".csv": "csv", ".tsv": "table", ".parquet": "parquet", ".json": "json"}
_RESULT = "made"


@dataclass(frozen=True)
class Kept:
    """A kept program, taken apart.

    Attributes:
        code: What runs, without the end for by hand.
        rows: Rows by table, where the program says so.
        seed: Its seed; None if it has none.
        names: The table that each expression is written as.
        end: The end for by hand, with its mark.
    """

    code: str
    rows: Mapping[str, int]
    seed: int | None
    names: Mapping[str, str]
    end: str


def keep(source: str, places: Mapping[str, Made], rows: Mapping[str, int]) -> str:
    """A program with its constants on top and its tables in variables; its end is still open."""
    tree = parsed(source)
    own = rows_dict(tree)
    edits = [] if own is not None else list(size_edits(tree, rows))
    code = edited(source, {*edits, *seed_edits(tree), *_exposing(tree, places)})
    sized = {
        table: count
        for table, count in rows.items()
        if any(f"{ROWS}[{quoted(table)}]" in edit.text for edit in edits)
    }  # other tables are as long as what the program writes out
    code = _seeded(code, ROWS + " = " + _literal(sized) + "\n" if sized else "")
    return code + "".join(_calls(tree, places))


def with_end(code: str, places: Mapping[str, Made]) -> str:
    """The kept program as a file: what it is, the code, and the end for by hand."""
    parts = [expression for made in places.values() if (expression := expression_of(made))]
    body = f"{ABOUT}\n{code.rstrip()}\n"
    if len(parts) < len(places):  # it prints its tables: by hand, so it does again
        return body
    listed = ", ".join(f"{quoted(name)}: {expression_of(made)}" for name, made in places.items())
    return f"""{body}
{MARK}
if __name__ == "__main__":
    import pandas as pd

    tables = {{{listed}}}
    for name, frame in tables.items():
        frame.to_csv(f"{{name}}.csv", index=frame.index.names != [None])
"""


def read_kept(text: str, file: str | None = None) -> Kept:
    """The parts of a kept program, which may have been edited; `file` is where it stands.

    Raises:
        UsageError: It is not Python.
    """
    code, mark, end = text.partition(MARK)
    try:
        tree, ending = parsed(code), parsed(end)
    except SyntaxError as error:
        raise UsageError(
            f"the program is not Python: {error.msg}",
            code="program.syntax",
            file=file,
            line=error.lineno,
            hint="fix the line, or give another program",
        ) from error
    sizes, seed = rows_dict(tree), seed_constant(tree)
    rows = {} if sizes is None else dict(_sizes(sizes))
    number = None if seed is None else whole_number(seed.value)
    return Kept(code, rows, number, dict(_names(ending)), mark + end)


def with_constants(kept: Kept, rows: Mapping[str, int], seed: int | None) -> str:
    """The code of a kept program with other numbers of rows, and another seed.

    Raises:
        UsageError: The program has no such constant.
    """
    tree = parsed(kept.code)
    sizes, constant = rows_dict(tree), seed_constant(tree)
    edits: list[Edit] = []
    if rows and sizes is None:
        raise UsageError(
            "the program does not say how many rows its tables have",
            code="program.no-rows",
            hint=f'write `{ROWS} = {{"table": 100}}` on top and take the numbers from it',
        )
    known = dict(_nodes(sizes)) if sizes is not None else {}
    for table, number in rows.items():
        if table not in known:
            raise UsageError(
                f"the program has no table `{table}`",
                code="usage.unknown-table",
                hint=did_you_mean(table, known) or f"there are {', '.join(known)}",
            )
        edits.append(replacing(known[table], str(number)))
    if seed is not None and constant is not None:
        edits.append(replacing(constant.value, str(seed)))
    return edited(kept.code, edits)


def scaled(rows: Mapping[str, int], n: int) -> dict[str, int]:
    """Rows of all tables when the largest is to have `n`; none gets empty unless `n` is 0."""
    most = max(rows.values(), default=0)
    if not n or not most:
        return dict.fromkeys(rows, n)
    return {table: max(1, round(count * n / most)) for table, count in rows.items()}


def expression_of(made: Made) -> str | None:
    """Where a kept program has a table: an expression; None if it only prints it."""
    match made.how:
        case "printed":
            return None
        case "saved":
            ending = made.place[made.place.rfind(".") :].lower()
            if ending == ".jsonl":
                return f"pd.read_json({made.place!r}, lines=True)"
            return f"pd.read_{_READERS[ending]}({made.place!r})"
        case "returned":
            return re.sub(r"^\w+\(\)", _RESULT, made.place)
    return made.place


def _exposing(tree: ast.Module, places: Mapping[str, Made]) -> Iterator[Edit]:
    """Makes variables of functions the program's own, and keeps results that it throws away."""
    functions: dict[str, list[str]] = {}
    for made in places.values():
        if made.how == "local":
            functions.setdefault(made.function, []).append(made.place)
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name in functions:
            first = node.body[0]
            if first.lineno > node.lineno:
                yield before(first, f"global {', '.join(functions[node.name])}")
    for call in _discarded(tree, places):
        yield Edit(call.lineno, call.col_offset, call.col_offset, f"{_RESULT} = ")


def _calls(tree: ast.Module, places: Mapping[str, Made]) -> Iterator[str]:
    """The call of a function whose result nobody asks for."""
    called = {made.place.partition("(")[0] for made in places.values() if made.how == "returned"}
    if called and not list(_discarded(tree, places)):
        yield f"\n\n{_RESULT} = {sorted(called)[0]}()\n"


def _discarded(tree: ast.Module, places: Mapping[str, Made]) -> Iterator[ast.Expr]:
    """Statements that call a function and throw its tables away."""
    called = {made.place.partition("(")[0] for made in places.values() if made.how == "returned"}
    for node in _top_level(tree.body):
        match node:
            case ast.Expr(value=ast.Call(func=ast.Name(id=name), args=[], keywords=[])):
                if name in called:
                    yield node


def _top_level(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements of the program itself, also those under `if __name__`."""
    for node in body:
        yield node
        if isinstance(node, ast.If):
            yield from _top_level(node.body)


def _seeded(code: str, rows: str) -> str:
    """The code with its constants and seeds below its imports, or below a `SEED` of its own."""
    tree = parsed(code)
    constant = seed_constant(tree)
    head = _head(tree)
    place = head[-1].end_lineno or 0 if head else 0
    if constant is not None:
        place = max(place, constant.end_lineno or 0)
    above = [node for node in tree.body if (node.end_lineno or 0) <= place]
    added = [line for line in ("import random", "import numpy as np") if not _has(above, line)]
    own = "" if constant is not None else f"{SEED} = 0\n"
    top = [*(f"{line}\n" for line in added), "\n", rows, own]
    top += [f"random.seed({SEED})\n", f"np.random.seed({SEED})\n", "\n"]
    lines = code.splitlines(keepends=True)
    return "".join([*lines[:place], *top, *lines[place:]])


def _head(tree: ast.Module) -> list[ast.stmt]:
    """The docstring and the imports with which a program begins."""
    head: list[ast.stmt] = []
    for node in tree.body:
        text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if not isinstance(node, ast.Import | ast.ImportFrom) and not (text and not head):
            break
        head.append(node)
    return head


def _has(body: Sequence[ast.stmt], line: str) -> bool:
    return any(isinstance(node, ast.Import) and ast.unparse(node) == line for node in body)


def _sizes(node: ast.Dict) -> Iterator[tuple[str, int]]:
    for table, value in _nodes(node):
        number = whole_number(value)
        if number is not None:
            yield table, number


def _nodes(node: ast.Dict) -> Iterator[tuple[str, ast.expr]]:
    for key, value in zip(node.keys, node.values, strict=True):
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            yield key.value, value


def _names(ending: ast.Module) -> Iterator[tuple[str, str]]:
    for node in ast.walk(ending):
        match node:
            case ast.Assign(targets=[ast.Name(id="tables")], value=ast.Dict() as listed):
                for table, value in _nodes(listed):
                    yield ast.unparse(value), table


def _literal(rows: Mapping[str, int]) -> str:
    inside = ", ".join(f"{quoted(table)}: {count}" for table, count in rows.items())
    return f"{{{inside}}}  # rows of each table"
