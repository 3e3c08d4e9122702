"""Columns resolved: what each needs, its SQL, its type, and the order in which they are made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from itertools import takewhile

import pyarrow as pa

from fabula.errors import Violation, did_you_mean
from fabula.io.expressions import (
    Expression,
    ExpressionError,
    case_labels,
    expression_type,
    parse_expression,
    syntax_tree,
)
from fabula.kinds.base.arrow import CATEGORY, column_type
from fabula.kinds.base.columns import AbstractColumn, AbstractFilled
from fabula.kinds.base.parameters import as_moment, is_expression
from fabula.kinds.base.sql import quoted
from fabula.kinds.learned import Learned
from fabula.kinds.llm import Llm
from fabula.kinds.reasoning import Reasoning
from fabula.kinds.reference import Reference
from fabula.kinds.source import Source
from fabula.kinds.text import Text
from fabula.planning.learned import learned_type
from fabula.planning.plan import ColumnPlan, ReferencePlan
from fabula.planning.references import References
from fabula.planning.sources import source_type
from fabula.planning.templates import TemplateError, template_needs
from fabula.spec.tables import DatasetSpec, TableSpec

Columns = dict[str, ColumnPlan]
Node = tuple[str, str]
"""A table and one of its columns."""

_UNTYPED = pa.null()
_JOINT_SKIPS = ("key", "uuid", "reference")


def plan_columns(
    spec: DatasetSpec, references: References, problems: list[Violation]
) -> dict[str, Columns]:
    """Plan every column of every table; note unknown names, cycles and bad SQL."""
    planned: dict[str, Columns] = {}
    for table in spec.tables.values():
        resolver = _Resolver(spec, table, references[table.name], problems)
        columns = {name: resolver.plan(name, column) for name, column in table.columns.items()}
        planned[table.name] = _join_model_columns(table, columns)
    _set_types(planned, references, problems)
    return planned


def make_steps(columns: Columns) -> tuple[tuple[str, ...], ...]:
    """Group column names so that each group needs only earlier ones."""
    levels: dict[str, int] = {}
    graph = {name: own_needs(plan, columns) for name, plan in columns.items()}
    for name in TopologicalSorter(graph).static_order():
        levels[name] = 1 + max((levels[need] for need in graph[name]), default=-1)
    for group in joint_groups(columns).values():
        deepest = max(levels[name] for name in group)
        levels.update(dict.fromkeys(group, deepest))
    depth = max(levels.values(), default=-1) + 1
    return tuple(tuple(name for name in columns if levels[name] == level) for level in range(depth))


def closure(names: Iterable[str], columns: Mapping[str, ColumnPlan]) -> set[str]:
    """Columns and everything of the same table that they need."""
    found: set[str] = set()
    ahead = list(names)
    while ahead:
        name = ahead.pop()
        if name not in found:
            found.add(name)
            ahead += own_needs(columns[name], columns)
    return found


def own_needs(plan: ColumnPlan, columns: Mapping[str, ColumnPlan]) -> set[str]:
    """Columns of the same table that a column needs, references of parents' columns included."""
    return {need if need in columns else need.partition(".")[0] for need in plan.needs}


def joint_groups(columns: Columns) -> dict[str | None, tuple[str, ...]]:
    """`llm` columns that are asked together, by their model."""
    groups: dict[str | None, tuple[str, ...]] = {}
    for name, plan in columns.items():
        if isinstance(plan.spec, Llm) and plan.spec.prompt is None:
            groups[plan.spec.model] = (*groups.get(plan.spec.model, ()), name)
    return groups


@dataclass(frozen=True)
class _Resolver:
    """Resolves the columns of one table; what can't be resolved is noted in `problems`."""

    spec: DatasetSpec
    table: TableSpec
    references: Mapping[str, ReferencePlan]
    problems: list[Violation]

    def plan(self, name: str, column: AbstractColumn) -> ColumnPlan:
        """Parse a column's expressions and templates; note names that mean nothing."""
        needs: dict[str, None] = {}
        sql: dict[str, str] = {}
        wanted: set[str] = set()
        for parameter, text in _formulas(column):
            where = f"tables.{self.table.name}.columns.{name}.{parameter}"
            try:
                if parameter in column.expressions:
                    sole = quoted(text) if text in self.table.columns else text  # `at`, `order`
                    parsed = parse_expression(sole, self.reference_names)
                    sql[parameter] = parsed.sql
                else:
                    parsed = Expression("", template_needs(text, self.reference_names))
            except ExpressionError as error:
                message = f"column `{name}`: {error}"
                self.problems.append(Violation("spec.bad-sql", message, where, error.hint))
                continue
            except TemplateError as error:
                message = f"column `{name}`: the template is not valid: {error}"
                self.problems.append(Violation("spec.bad-template", message, where))
                continue
            wanted.update(parsed.needs)
            needs.update(self.known(name, parsed.needs, where))
        where = f"tables.{self.table.name}.columns.{name}.of"
        before = takewhile(lambda other: other != name, self.table.columns)
        read = column.reads(tuple(before))
        wanted.update(read)
        needs.update(self.known(name, read, where))
        if isinstance(column, Reasoning):
            self.problems.extend(self._unreasoned(column, where))
        kind = self._type(name, column) or _UNTYPED
        if len(needs) < len(wanted):
            return ColumnPlan(name, column, kind)
        return ColumnPlan(name, column, kind, tuple(needs), sql)

    def _type(self, name: str, column: AbstractColumn) -> pa.DataType | None:
        if isinstance(column, Learned):
            return learned_type(column, name)
        if isinstance(column, Source):
            return source_type(column, name, self.table)
        return column_type(column)

    def _unreasoned(self, column: Reasoning, where: str) -> Iterator[Violation]:
        """Columns whose reasoning is wanted and that no model writes."""
        for name in column.of:
            other = self.table.columns.get(name)
            if other is not None and not isinstance(other, Llm | Text):
                message = f"`{name}` is a `{other.kind}` column, which has no reasoning"
                yield Violation(
                    "spec.bad-reasoning", message, where, "name `llm` or `text` columns"
                )

    @cached_property
    def reference_names(self) -> list[str]:
        """The table's references, those whose parent is not known included."""
        columns = self.table.columns.items()
        return [name for name, column in columns if isinstance(column, Reference)]

    def known(self, name: str, needs: Sequence[str], where: str) -> dict[str, None]:
        """The needs that exist; the others are noted."""
        found: dict[str, None] = {}
        for need in needs:
            root = need.partition(".")[0]
            if root in self.reference_names and root not in self.references:
                continue  # its parent is unknown, which is noted already
            problem = self.unknown(name, need, where)
            if problem is None:
                found[need] = None
            else:
                self.problems.append(problem)
        return found

    def unknown(self, name: str, need: str, where: str) -> Violation | None:
        """The violation of a name that is not a column of this row or of a parent's."""
        if need in self.table.columns:
            return None
        reference, _, attribute = need.partition(".")
        if reference in self.references:
            parent = self.spec.tables[self.references[reference].parent]
            if attribute in parent.columns:
                return None
            message = f"column `{name}` uses `{need}`, but `{parent.name}` has no `{attribute}`"
            hint = did_you_mean(attribute, parent.columns)
        else:
            message = f"column `{name}` uses `{need}`, which no column defines"
            hint = did_you_mean(need, self.table.columns)
        return Violation("spec.unknown-column", message, where, hint)


def _formulas(column: AbstractColumn) -> Iterator[tuple[str, str]]:
    """The parameters of a column that are SQL or a template."""
    for parameter in column.expressions:
        value = getattr(column, parameter)
        if is_expression(value) and (parameter not in column.times or as_moment(value) is None):
            yield parameter, value
    for parameter in column.templates:
        if (text := getattr(column, parameter)) is not None:
            yield parameter, text


def _join_model_columns(table: TableSpec, columns: Columns) -> Columns:
    """Give jointly asked `llm` columns everything that is known before them."""
    joined = dict(columns)
    for group in joint_groups(columns).values():
        after = set(group)
        changed = True
        while changed:
            more = {n for n, p in columns.items() if own_needs(p, columns) & after} | {
                n for n, p in columns.items() if isinstance(p.spec, AbstractFilled)
            }
            changed = not more <= after
            after |= more
        known = tuple(
            name
            for name in table.columns
            if name not in after and columns[name].spec.kind not in _JOINT_SKIPS
        )
        for name in group:
            joined[name] = replace(columns[name], needs=known)
    return joined


def _set_types(
    planned: dict[str, Columns], references: References, problems: list[Violation]
) -> None:
    """Settle the types of references and expressions in the order of what they need."""
    graph: dict[Node, set[Node]] = {}
    for table, columns in planned.items():
        for name, plan in columns.items():
            graph[table, name] = {_node(table, need, references) for need in plan.needs}
            graph[table, name] |= {(table, own) for own in own_needs(plan, columns)}
            if name in references[table] and references[table][name].parent != table:
                link = references[table][name]
                graph[table, name].add((link.parent, link.key))
    try:
        order = list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        problems.append(_column_cycle(error.args[1][::-1]))
        return
    for table, name in order:
        plan = planned[table][name]
        if name in references[table]:
            link = references[table][name]
            kind = planned[link.parent][link.key].type
            planned[table][name] = replace(plan, type=kind)
        elif plan.sql:
            types = {need: _type_of(table, need, planned, references) for need in plan.needs}
            if any(pa.types.is_null(kind) for kind in types.values()):
                continue  # what it needs has a problem of its own
            kinds = _expression_types(table, plan, types, problems)
            if plan.spec.kind == "expr":
                kind = kinds.get("sql", pa.string())
                labels = pa.types.is_string(kind) and case_labels(syntax_tree(plan.sql["sql"]))
                planned[table][name] = replace(plan, type=CATEGORY if labels else kind)


def _expression_types(
    table: str, plan: ColumnPlan, types: Mapping[str, pa.DataType], problems: list[Violation]
) -> dict[str, pa.DataType]:
    """The type of each expression of a column; note those that DuckDB refuses."""
    found: dict[str, pa.DataType] = {}
    for parameter, sql in plan.sql.items():
        where = f"tables.{table}.columns.{plan.name}.{parameter}"
        try:
            found[parameter] = expression_type(sql, types)
        except ExpressionError as error:
            message = f"column `{plan.name}`: {error}"
            problems.append(Violation("spec.bad-sql", message, where, error.hint))
            continue
        wanted = "a time" if parameter in plan.spec.times else "a number"
        if plan.spec.kind != "expr" and not _suits(wanted, found[parameter]):
            message = (
                f"column `{plan.name}`: `{parameter}` must be {wanted}, not {found[parameter]}"
            )
            problems.append(Violation("spec.wrong-type", message, where))
    return found


def _suits(wanted: str, kind: pa.DataType) -> bool:
    if wanted == "a time":
        return bool(pa.types.is_temporal(kind))
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _type_of(
    table: str, need: str, planned: dict[str, Columns], references: References
) -> pa.DataType:
    owner, name = _node(table, need, references)
    return planned[owner][name].type


def _node(table: str, need: str, references: References) -> Node:
    """The table and column that a need of `table` means."""
    reference, _, attribute = need.partition(".")
    if attribute and reference in references[table]:
        return references[table][reference].parent, attribute
    return table, need


def _column_cycle(cycle: list[Node]) -> Violation:
    path = " → ".join(".".join(node) for node in cycle)
    table, name = cycle[0]
    return Violation(
        "plan.cycle",
        f"{path}: these columns depend on each other",
        f"tables.{table}.columns.{name}",
        "define one of them without the other",
    )
