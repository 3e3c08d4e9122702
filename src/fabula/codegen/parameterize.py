"""Finds the numbers of rows and the seeds that a program has written out, and names them.

A model that keeps to the request has `ROWS` and `SEED` already. Others write `size=100`,
`range(1, 101)` or `np.random.seed(42)`; those become `ROWS["houses"]` and `SEED`, at places only
that can mean nothing else: a price of 100 stays one.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping

from fabula.codegen.edits import Edit, replacing, whole_number

ROWS, SEED = "ROWS", "SEED"

_SIZE_NAME = re.compile(
    r"(^|_)(n|num|number|count|rows?|size|samples?|records?|entries|total|length)(_|$)", re.I
)
_SEED_NAME = re.compile(r"(^|_)seed$|^random_state$", re.I)
_SIZE_WORDS = {"size", "n", "num", "periods", "k", "n_rows", "num_rows", "n_samples"}
_SEED_WORDS = {"seed", "random_state"}
_SEEDERS = {"seed", "default_rng", "RandomState", "Random", "seed_instance", "SeedSequence"}
_SIZE_PLACE = {
    **dict.fromkeys(
        ("rand", "randn", "random", "random_sample", "standard_normal", "permutation"), 0
    ),
    **dict.fromkeys(("choice", "poisson", "exponential", "geometric", "pareto", "choices"), 1),
    **dict.fromkeys(
        (
            "normal",
            "uniform",
            "randint",
            "integers",
            "lognormal",
            "gamma",
            "beta",
            "binomial",
            "linspace",
        ),
        2,
    ),
    "triangular": 3,
}
"""Which argument of a drawing function is the number of draws."""


def rows_dict(tree: ast.Module) -> ast.Dict | None:
    """The program's own `ROWS = {"table": number}`; None if it has none."""
    for node in tree.body:
        assigned = _assigned(node, ROWS)
        if assigned is not None and isinstance(assigned.value, ast.Dict):
            numbers = [whole_number(value) for value in assigned.value.values]
            if numbers and None not in numbers:
                return assigned.value
    return None


def seed_constant(tree: ast.Module) -> ast.Assign | None:
    """The program's own `SEED = number`; None if it has none."""
    for node in tree.body:
        assigned = _assigned(node, SEED)
        if assigned is not None and whole_number(assigned.value) is not None:
            return assigned
    return None


def size_edits(tree: ast.Module, rows: Mapping[str, int]) -> Iterator[Edit]:
    """Numbers of rows that are written out, as `ROWS["table"]`."""
    lists = _listed(tree)
    for statement in ast.walk(tree):
        if isinstance(statement, ast.stmt):
            context, written = _context(statement), _lengths(statement, lists)
            for value, offset in _sizes_of(statement):
                number = whole_number(value)
                table = None if number is None else _table(number - offset, rows, context)
                if number is not None and number - offset in written:
                    continue  # as long as the values that are written out
                if table is not None:
                    name = f"{ROWS}[{quoted(table)}]" + (f" + {offset}" if offset else "")
                    yield replacing(value, name)


def _listed(tree: ast.Module) -> dict[str, int]:
    """The lengths of lists that are written out, by their variables."""
    return {
        node.targets[0].id: len(node.value.elts)
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.List | ast.Tuple)
    }


def _lengths(statement: ast.stmt, lists: Mapping[str, int]) -> set[int]:
    """The lengths of the lists that a statement writes out or uses; a loop's with its body's."""
    lengths = set()
    for node in ast.walk(statement) if isinstance(statement, ast.For) else _inside(statement):
        if isinstance(node, ast.List | ast.Tuple) and len(node.elts) > 1:
            lengths.add(len(node.elts))
        elif isinstance(node, ast.Name) and node.id in lists:
            lengths.add(lists[node.id])
    return lengths


def seed_edits(tree: ast.Module) -> Iterator[Edit]:
    """Seeds that are written out, and generators without one, as `SEED`."""
    own = seed_constant(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and node is not own:
            named = any(isinstance(t, ast.Name) and _SEED_NAME.search(t.id) for t in node.targets)
            if named and whole_number(node.value) is not None:
                yield replacing(node.value, SEED)
        if not isinstance(node, ast.Call):
            continue
        for keyword in node.keywords:
            if keyword.arg in _SEED_WORDS and whole_number(keyword.value) is not None:
                yield replacing(keyword.value, SEED)
        if _called(node) in _SEEDERS:
            if node.args and whole_number(node.args[0]) is not None:
                yield replacing(node.args[0], SEED)
            elif not node.args and not node.keywords and node.lineno == node.end_lineno:
                assert node.end_col_offset is not None
                end = node.end_col_offset - 1
                yield Edit(node.lineno, end, end, SEED)


def _sizes_of(statement: ast.stmt) -> Iterator[tuple[ast.expr, int]]:
    """Expressions of a statement that can only be numbers of rows, and how much they are above."""
    if isinstance(statement, ast.Assign):
        name = statement.targets[0]
        if isinstance(name, ast.Name) and _SIZE_NAME.search(name.id):
            yield statement.value, 0
    if isinstance(statement, ast.FunctionDef):
        given = statement.args
        for argument, default in zip(given.args[::-1], given.defaults[::-1], strict=False):
            if _SIZE_NAME.search(argument.arg):
                yield default, 0
    for node in _inside(statement):
        if isinstance(node, ast.Call):
            yield from _sizes_of_call(node)
        elif isinstance(node, ast.BinOp) and isinstance(node.left, ast.List):
            yield node.right, 0  # `[None] * 100`


def _sizes_of_call(call: ast.Call) -> Iterator[tuple[ast.expr, int]]:
    name, arguments = _called(call), call.args
    for keyword in call.keywords:
        if keyword.arg in _SIZE_WORDS:
            yield keyword.value, 0
    if name in ("range", "arange") and len(arguments) == 1:
        yield arguments[0], 0
    elif name in ("range", "arange") and len(arguments) == 2:
        start = whole_number(arguments[0])
        if start in (0, 1):
            yield arguments[1], start
    elif name in _SIZE_PLACE and len(arguments) > _SIZE_PLACE[name]:
        yield arguments[_SIZE_PLACE[name]], 0


def _inside(statement: ast.stmt) -> Iterator[ast.AST]:
    """The expressions of one statement, without those of statements inside it."""
    waiting = list(ast.iter_child_nodes(statement))
    while waiting:
        node = waiting.pop()
        if not isinstance(node, ast.stmt):
            yield node
            waiting += ast.iter_child_nodes(node)


def quoted(name: str) -> str:
    """A name as a Python literal."""
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _table(number: int, rows: Mapping[str, int], context: str) -> str | None:
    """The table of that many rows; of several the one that the statement is about."""
    found = [table for table, count in rows.items() if count == number]
    if len(found) > 1:
        found = [table for table in found if table.lower().rstrip("s") in context]
    return found[0] if len(found) == 1 else None


def _context(statement: ast.stmt) -> str:
    """What a statement is about: the names that it gives."""
    match statement:
        case ast.Assign(targets=targets):
            return " ".join(ast.unparse(target).lower() for target in targets)
        case ast.FunctionDef(name=name):
            return name.lower()
    return ""


def _called(call: ast.Call) -> str:
    """The last part of a called function's name."""
    match call.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def _assigned(node: ast.stmt, name: str) -> ast.Assign | None:
    """The statement where it gives a value to that name."""
    match node:
        case ast.Assign(targets=[ast.Name(id=target)]) if target == name:
            return node
    return None
