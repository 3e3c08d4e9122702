"""Templates rendered row by row by the Jinja sandbox."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from fabula.engines.block import Block, rows_of
from fabula.errors import SpecError, Violation
from fabula.planning.templates import environment

_FAILURES = (
    TypeError,
    ValueError,
    LookupError,
    ArithmeticError,
    RecursionError,
    MemoryError,
)


def render(
    text: str, needs: Sequence[str], block: Block, *, where: str, rows: Sequence[int] | None = None
) -> list[str]:
    """The template's text for each row (or for some of them).

    Raises:
        SpecError: The template fails on the data.
    """
    import jinja2

    try:
        template = environment().from_string(text)
        return [template.render(row) for row in _contexts(needs, block, rows)]
    except (jinja2.TemplateError, *_FAILURES) as error:
        reason = str(error) or "it needs too much memory"
        message = f"the template failed on the data: {reason}"
        raise SpecError([Violation("engine.template", message, where)]) from error


def _contexts(
    needs: Sequence[str], block: Block, rows: Sequence[int] | None
) -> Iterator[Mapping[str, Any]]:
    """Each row's values by name; a parent's columns as attributes of the reference."""
    chosen = range(block.rows) if rows is None else rows
    columns = {name: rows_of(block.values[name], chosen) for name in needs}
    groups: dict[str, list[str]] = {}
    for name in needs:
        if "." in name:
            groups.setdefault(name.partition(".")[0], []).append(name)
    for i in range(len(chosen)):
        row = {name: values[i] for name, values in columns.items() if "." not in name}
        for reference, names in groups.items():
            row[reference] = SimpleNamespace(
                **{name.partition(".")[2]: columns[name][i] for name in names}
            )
        yield row
