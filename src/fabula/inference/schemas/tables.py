"""The tables of a schema as a spec: keys, references, sizes, and rules between columns.

What a spec can't keep is said in the notes, so that nobody takes it for kept.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

from sqlglot import exp

from fabula.databases.schema import Column, Schema, Table
from fabula.inference.guesses import words
from fabula.inference.schemas.conditions import Facts, conditions_of
from fabula.inference.schemas.counting import counted, number_within
from fabula.inference.schemas.following import computed, follow
from fabula.inference.schemas.kinds import (
    NULLS,
    Draft,
    Surroundings,
    draft_of,
    fits,
    sized,
)
from fabula.inference.schemas.links import Link, Links
from fabula.inference.schemas.running import row_check_of
from fabula.inference.schemas.showing import shown
from fabula.kinds.base.checks import AbstractCheck
from fabula.kinds.base.columns import AbstractColumn
from fabula.kinds.base.sql import quoted
from fabula.kinds.checks.row import RowCheck
from fabula.kinds.checks.unique import UniqueCheck
from fabula.kinds.datetime import Datetime
from fabula.kinds.key import Key
from fabula.kinds.person import Person
from fabula.relationships.keys import singular
from fabula.spec import col
from fabula.spec.tables import PerParent, TableSpec

ROOTS = 100
"""Rows of a table that follows from no other one."""
_CHILDREN = (8, 4, 2)
"""Most rows of a parent, by the depth of the table."""


class TableDraft:
    """One table on its way into a spec.

    Attributes:
        reasons: Why each column is what it is, by place.
        notes: What the spec does not keep.
        told: What is worth a line on the screen: place, what, why.
    """

    def __init__(self, table: Table, schema: Schema, links: Links) -> None:
        self.table, self._schema, self._links = table, schema, links
        self.reasons: dict[str, str] = {}
        self.notes: list[str] = []
        self.told: list[tuple[str, str, str]] = []
        self._columns: dict[str, AbstractColumn] = {}
        self._checks: list[AbstractCheck] = []
        self._found = conditions_of(table.checks, table.columns)
        self._once = {once.columns[0] for once in table.uniques if len(once.columns) == 1}
        self._once |= {table.primary_key[0]} if len(table.primary_key) == 1 else set()
        self._driver = links.driver(table.name)
        linked, driver = links.of(table.name), self._driver.column if self._driver else None
        self._numbered = number_within(table, linked, driver, self._once)
        self._once |= counted(table, linked) - set(self._found.facts)
        self._rows = ROOTS

    def spec(self) -> TableSpec:
        """The table's spec."""
        linked = self._links.of(self.table.name)
        for name, column in self.table.columns.items():
            if column.generated is not None:
                self.notes.append(f"{self.table.name}.{name} is left to the database: generated")
            elif name in linked:
                self._refer(name, column, linked[name])
                self._found.others += self._facts(name).beyond(())
            else:
                self._draw(name, column)
        self._compute()
        for later, earlier, equal in self._found.orders:
            self._order(later, earlier, equal=equal)
        self._add_conditions()
        groups = tuple(self._groups())
        self._rows = self._roots(groups)
        per_parent = self._per_parent()
        return TableSpec(
            self.table.name,
            n=self._rows if per_parent is None else None,
            per_parent=per_parent,
            columns=self._columns,
            primary_key=self.table.primary_key if self._has_key() else (),
            unique=groups,
            prompt=self.table.comment,
            checks=tuple(self._checks),
        )

    def _roots(self, groups: tuple[tuple[str, ...], ...]) -> int:
        """The rows of a root: no more than there are values of what may not repeat."""
        alone = [(name,) for name in self._once if name in self._columns]
        rooms = [
            math.prod(_room(self._columns[name]) for name in group) for group in (*alone, *groups)
        ]
        return int(min([ROOTS, *rooms]))

    def _has_key(self) -> bool:
        """Whether the key is to be named: where the first `key` column would be taken for it."""
        return bool(self.table.primary_key) and all(
            name in self._columns for name in self.table.primary_key
        )

    def _refer(self, name: str, column: Column, link: Link) -> None:
        """A foreign key's column: a reference, a copy through one, or empty."""
        nulls = NULLS if link.nullable else 0.0
        if link.copied is not None:
            made: AbstractColumn = col.expr(f"{quoted(link.copied[0])}.{quoted(link.copied[1])}")
            reason = f"with `{link.copied[0]}` a key of `{link.parent}`"
        elif link.empty:
            made, reason = col.constant(None, nulls=1.0), f"left empty: {link.empty}"
            self.notes.append(f"{self.table.name}.{name} is left empty: {link.empty}")
        else:
            made = col.reference(
                link.target,
                nulls=nulls,
                unique=name in self._once,
                deferred=link.deferred,
            )
            reason = f"foreign key to `{link.parent}`"
            if link.parent == self.table.name:
                self._refer_to_own(name, made, column, reason)
                return
        self._put(name, column, Draft(made, reason), nulls=None)

    def _refer_to_own(self, name: str, made: AbstractColumn, column: Column, reason: str) -> None:
        """A reference to the own table, whose first rows have no parent but themselves."""
        if name in self._once:  # earlier rows are drawn evenly, and so more than once
            own = self._links.key_of(self.table.name, name)
            alone = col.constant(None, nulls=1.0) if column.nullable else col.expr(quoted(own))
            told = "is left empty" if column.nullable else "leads to the row itself"
            self._put(name, column, Draft(alone, f"{reason}; unique"), nulls=None)
            self.notes.append(f"{self.table.name}.{name} {told}: a unique key to its own table")
            return
        if column.nullable:
            self._put(name, column, Draft(made, reason), nulls=None)
            self.told.append(
                (self.table.name, f"{name} → {self.table.name}", "self-reference, first level null")
            )
            return
        helper = f"{name}_earlier"
        own = self._links.key_of(self.table.name, name)
        self._columns[helper] = made.model_copy(update={"drop": True, "nulls": 0.0})
        sql = f"coalesce({quoted(helper)}, {quoted(own)})"
        self._put(name, column, Draft(col.expr(sql), f"{reason}; roots point to themselves"))
        self.told.append(
            (
                self.table.name,
                f"{name} → {self.table.name}",
                "self-reference, roots point to themselves",
            )
        )

    def _draw(self, name: str, column: Column) -> None:
        """A column with values of its own."""
        facts = self._facts(name)
        around = Surroundings(
            singular(words(self.table.name)),
            frozenset(map(words, self.table.columns)) - {words(name)},
            unique=name in self._once,
            grouped=any(name in once.columns for once in self.table.uniques)
            or name in self.table.primary_key,
            key=self._key_name(),
        )
        if column.drawn is not None:
            made = sized(name, column.drawn, column.reason, facts, around)
            self._keep(name, column, made)
            self._found.others += facts.beyond(("lengths",))
            return
        if name == self._numbered:
            within = self._driver.column if self._driver else None
            made = Draft(col.sequence(1, within=within), "counts within its parent")
            self._put(name, column, made)
            whole = facts.high is None and fits(1, facts)
            self._found.others += facts.beyond(("bounds",) if whole else ())
            return
        if column.identity and name not in self._found.facts:
            self._put(name, column, Draft(col.key(), "the database numbers its rows"), nulls=0.0)
            return
        made = draft_of(column, facts, around)
        if made.unknown:
            kind = column.type.sql()
            if column.nullable or column.default is not None:
                self.notes.append(f"{self.table.name}.{name} is left out: type {kind} is not known")
                return
            self.notes.append(f"{self.table.name}.{name}: {made.reason}: edit the column")
        if isinstance(made.column, Person) and column.who:
            made = replace(made, column=made.column.model_copy(update={"who": column.who}))
        self._keep(name, column, made)
        self._found.others += facts.beyond(made.keeps)
        if not column.hidden:
            self._tell(name, made)

    def _facts(self, name: str) -> Facts:
        facts = self._found.facts.get(name, Facts())
        facts.rules = self.table.rules
        return facts

    def _keep(self, name: str, column: Column, made: Draft) -> None:
        """Keep a column with its helpers and checks."""
        for check in made.checks:
            self._checks.append(RowCheck(sql=check, repair="resample"))
        self._columns |= made.helpers
        self._put(name, column, made, unique=name in self._once)

    def _tell(self, name: str, made: Draft) -> None:
        """Show what a condition became."""
        if not made.reason.endswith(f" from {self.table.rules}"):
            return
        what, _, why = made.reason.partition(" from ")
        told = f"{what} {shown(what, made.column)}"
        self.told.append((f"{self.table.name}.{name}", told, f"from {why}"))

    def _put(
        self,
        name: str,
        column: Column,
        made: Draft,
        *,
        unique: bool = False,
        nulls: float | None = -1,
    ) -> None:
        """Keep a column with what the schema says of it."""
        facts: dict[str, object] = {"description": column.comment, "drop": column.hidden}
        if nulls is not None and made.column.kind != "key":
            half = name in self._found.gaps
            wanted = nulls if nulls >= 0 else (0.5 if half else NULLS) * column.nullable
            facts["nulls"] = wanted
        if unique and not made.column.never_repeats:
            facts["unique"] = True
        self._columns[name] = made.column.model_copy(update=facts)
        self.reasons[f"tables.{self.table.name}.columns.{name}"] = made.reason

    def _compute(self) -> None:
        """Compute the numbers that a condition says, such as `gross = net + vat`."""
        done: set[str] = set()
        for condition in [each for each in self._found.others if isinstance(each, exp.EQ)]:
            found = computed(self._columns, condition, self._once | done)
            if found is None or row_check_of(condition, self.table) is None:
                continue
            name, made = found
            self._columns[name] = made
            rules = f"from {self.table.rules}"
            self.reasons[f"tables.{self.table.name}.columns.{name}"] = f"computed, {rules}"
            self.told.append((f"{self.table.name}.{name}", f"computed by {made.sql}", rules))
            self._found.others.remove(condition)
            self._found.others += self._facts(name).beyond(())
            done.add(name)

    def _order(self, later: str, earlier: str, *, equal: bool) -> None:
        """A column that follows another one starts there, where it can; a check says so, too."""
        rules = f"from {self.table.rules}"
        bounded = any(about == "bounds" for about, _ in self._facts(later).said)
        made = follow(self._columns, later, earlier, equal=equal, bounded=bounded)
        if made:
            self._columns |= made
            for name in made:
                told = f"after `{earlier}`" if name == later else f"before `{later}`"
                self.reasons[f"tables.{self.table.name}.columns.{name}"] = f"{told}, {rules}"
            self.told.append((f"{self.table.name}.{later}", f"after {earlier}", rules))
        if not made or not isinstance(made.get(later), Datetime):
            sql = f"{quoted(later)} {'>=' if equal else '>'} {quoted(earlier)}"
            self._checks.append(RowCheck(sql=sql, repair="resample"))

    def _add_conditions(self) -> None:
        """Conditions of another form: checked row by row, where DuckDB can run them."""
        absent = {name for name in self.table.columns if name not in self._columns}
        for condition in self._found.others:
            sql = row_check_of(condition, self.table)
            named = {node.name.lower() for node in condition.find_all(exp.Column)}
            if sql is None or named & {name.lower() for name in absent}:
                told = condition.sql(self._schema.dialect)
                self.notes.append(f"{self.table.name}: CHECK ({told}) is left to the database")
                continue
            self._checks.append(RowCheck(sql=sql, repair="resample"))
            self.told.append(
                (
                    self.table.name,
                    sql,
                    f"from {self.table.rules}; rows are drawn again until it holds",
                )
            )

    def _groups(self) -> Iterator[tuple[str, ...]]:
        """Groups of columns that may not repeat; one group of references is kept by drawing."""
        taken: set[str] = set()
        key = self.table.primary_key
        if self._all_references(key):
            taken |= set(key)
            self.told.append((self.table.name, f"key ({', '.join(key)})", "pairs kept unique"))
        for once in self.table.uniques:
            group = once.columns
            where = f" where {once.where.sql()}" if once.where is not None else ""
            if once.expressions:
                listed = ", ".join(part.sql() for part in once.expressions)
                names = {
                    node.name for part in once.expressions for node in part.find_all(exp.Column)
                }
                self._once_more(tuple(sorted(names & set(self._columns))))
                self.notes.append(
                    f"{self.table.name}: unique ({listed}){where} is kept by unique columns"
                )
                continue
            if where:
                self.notes.append(
                    f"{self.table.name}: unique ({', '.join(group)}){where} is kept for all rows"
                )
            made = [self.table.columns[name] for name in group if name in self.table.columns]
            if any(column.generated is not None for column in made):
                self._once_behind(made)
                continue
            if len(group) == 1 or group == key or any(name in self._once for name in group):
                continue
            if any(name not in self._columns for name in group):
                self.notes.append(
                    f"{self.table.name}: unique ({', '.join(group)}) is left to the database"
                )
            elif self._all_references(group) and taken & set(group):
                self._checks.append(UniqueCheck(columns=group, repair="resample"))
            elif not (self._numbered in group and self._driver and self._driver.column in group):
                taken |= set(group) if self._all_references(group) else set()
                yield group

    def _once_behind(self, group: list[Column]) -> None:
        """Make the columns unique that a unique group with generated columns is computed from."""
        behind = {
            node.name
            for column in group
            for node in (column.generated.find_all(exp.Column) if column.generated else ())
        }
        plain = {column.name for column in group if column.generated is None}
        self._once_more(tuple(sorted((behind | plain) & set(self._columns))))
        listed = ", ".join(column.name for column in group)
        told = f"unique ({listed}) is generated: kept by unique columns, as far as they decide it"
        self.notes.append(f"{self.table.name}: {told}")

    def _once_more(self, names: tuple[str, ...]) -> None:
        """Make columns unique whose expression must be."""
        for name in names:
            if not self._columns[name].never_repeats:
                changed = self._columns[name].model_copy(update={"unique": True})
                if changed.kind == "provider":
                    changed = col.pattern("[A-Z0-9]{10}", nulls=changed.nulls, unique=True)
                self._columns[name] = changed

    def _all_references(self, group: tuple[str, ...]) -> bool:
        kinds = [getattr(self._columns.get(name), "kind", None) for name in group]
        return len(group) > 1 and set(kinds) == {"reference"}

    def _key_name(self) -> str | None:
        """The key that numbers the rows, where the table has one."""
        for name, column in self.table.columns.items():
            made = self._columns.get(name)
            if isinstance(made, Key) or (made is None and column.identity):
                return name
        return None

    def _per_parent(self) -> PerParent | None:
        """How many rows a parent has, where the table follows from one."""
        if self._driver is None or not isinstance(
            self._columns.get(self._driver.column), AbstractColumn
        ):
            if not any(place == self.table.name for place, _, _ in self.told):
                self.told.insert(0, (self.table.name, "root", f"{self._rows} rows: edit `n`"))
            return None
        depth = min(self._links.depth(self.table.name), len(_CHILDREN)) - 1
        most = 1 if self._driver.column in self._once else _CHILDREN[depth]
        parent = singular(words(self._driver.parent)).replace("_", " ")
        self.told.insert(0, (self.table.name, f"0–{most} per {parent}", "guess: edit `per_parent`"))
        return PerParent(of=self._driver.column, min=0, max=most)


def _room(column: AbstractColumn) -> float:
    """How many values a column has, where they are listed."""
    if column.kind == "bernoulli":
        return 2
    return len(column.allowed) if column.kind == "choice" and column.allowed else math.inf
