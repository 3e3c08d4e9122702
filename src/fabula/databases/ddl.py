"""From statements that define tables to a `Schema`.

A live database gives such statements too, so that a file and a database are read alike. Nothing is
left out in silence: what defines data and is not understood is in `Schema.unread`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from sqlglot import exp, parse_one
from sqlglot.errors import SqlglotError

from fabula.databases.brought import about, bits
from fabula.databases.linking import linked
from fabula.databases.schema import Column, ForeignKey, Schema, Table, Unique
from fabula.databases.statements import PARTITIONS, Statement, parseable, unquoted
from fabula.errors import SourceError

_DOMAIN = re.compile(r"CREATE\s+DOMAIN\s+(?P<name>[\w.\"]+)\s+(?:AS\s+)?(?P<rest>.*)", re.I | re.S)
_IDENTITY = re.compile(
    r"ALTER\s+TABLE\s+(?:ONLY\s+)?(?:[\w\"]+\.)?(?P<table>\"[^\"]+\"|\w+)\s+ALTER\s+(?:COLUMN\s+)?"
    r"(?P<column>\"[^\"]+\"|\w+)\s+ADD\s+GENERATED",
    re.I,
)
_PARTITION = re.compile(r"ATTACH\s+PARTITION\s+(?:[\w\"]+\.)?(?P<table>\"[^\"]+\"|\w+)", re.I)
_DEFINES = re.compile(
    r"\s*(CREATE\s+(OR\s+REPLACE\s+)?(CONSTRAINT\s+)?(TRIGGER|RULE|POLICY|TABLE|TYPE|DOMAIN"
    r"|UNIQUE\s+INDEX|FOREIGN\s+TABLE|VIRTUAL\s+TABLE)|ALTER\s+TABLE\b.*\bADD\b)",
    re.I | re.S,
)
_ONE_SIGN = ("postgres", "mysql")
"""Where `char` without a size has one sign."""
_SERIAL = {"SMALLSERIAL": "SMALLINT", "SERIAL": "INT", "BIGSERIAL": "BIGINT"}


@dataclass(frozen=True)
class _Domain:
    """A type with rules of its own, which are about a column called `value`."""

    column: Column
    checks: tuple[exp.Expression, ...]


class SchemaReader:
    """Takes statements one by one; `schema` is what they define."""

    def __init__(self, dialect: str) -> None:
        self.dialect = dialect
        self._tables: dict[str, Table] = {}
        self._enums: dict[str, tuple[str, ...]] = {}
        self._domains: dict[str, _Domain] = {}
        self._unread: list[str] = []
        self._rows = 0

    def schema(self, name: str) -> Schema:
        """What was defined.

        Raises:
            SourceError: No table was.
        """
        if not self._tables:
            raise SourceError(
                f"`{name}` defines no table",
                code="source.empty",
                where=name,
                hint="give a database or file with tables: `CREATE TABLE …`",
            )
        tables = {
            table.name: linked(table, self._tables, self._unread) for table in self._tables.values()
        }
        unread = list(self._unread)
        if self._rows:
            unread.append(f"{self._rows:,} statements that insert rows: not read")
        return Schema(name, self.dialect, tables, tuple(unread))

    def read(self, statement: Statement) -> None:
        """Take what a statement defines.

        Raises:
            SourceError: It defines a table and can't be read.
        """
        text = statement.text
        if not text:
            self._unread.append(statement.place)
            return
        if re.match(r"\s*(INSERT|REPLACE|COPY|UPDATE|DELETE)\b", text, re.I):
            self._rows += 1
            return
        if self._by_form(text):
            return
        if parts := PARTITIONS.search(text):
            told = " ".join(parts[0].split())[:60]
            self._unread.append(f"{statement.place}: {told}…: rows outside them are refused")
        try:
            tree = parse_one(parseable(text, self.dialect), read=self.dialect)
        except SqlglotError as exc:
            self._refuse(statement, str(exc).partition("\n")[0])
            return
        if isinstance(tree, exp.Create):
            self._create(tree, statement)
        elif isinstance(tree, exp.Alter):
            self._alter(tree, statement)
        elif isinstance(tree, exp.Comment):
            self._comment(tree)
        elif isinstance(tree, exp.Command) and _DEFINES.match(text):
            self._refuse(statement, "its syntax is not known")

    def _by_form(self, text: str) -> bool:
        """Take statements that the parser does not know; whether it was one."""
        if domain := _DOMAIN.match(text.strip()):
            tree = parse_one(f"CREATE TABLE d (value {domain['rest']})", read=self.dialect)
            made = self._column(tree.this.expressions[0], Table("d"))
            name = unquoted(domain["name"].rpartition(".")[2])
            self._domains[name] = _Domain(made.columns["value"], made.checks)
        elif identity := _IDENTITY.search(text):
            owner, column = unquoted(identity["table"]), unquoted(identity["column"])
            if owner in self._tables and column in self._tables[owner].columns:
                self._tables[owner] = self._tables[owner].with_column(column, identity=True)
        elif partition := _PARTITION.search(text):
            self._tables.pop(unquoted(partition["table"]), None)
        else:
            return False
        return True

    def _refuse(self, statement: Statement, reason: str) -> None:
        """Name what can't be read; a table that is missing would leave others without parents."""
        if re.match(r"\s*CREATE\s+(TEMP\w*\s+|UNLOGGED\s+)?TABLE\b", statement.text, re.I):
            raise SourceError(
                f"{statement.called} can't be read: {reason}",
                code="source.unreadable",
                where=statement.place,
                hint="give the statement in the SQL of PostgreSQL, MySQL, SQLite or DuckDB",
            )
        if _DEFINES.match(statement.text):
            self._unread.append(f"{statement.place}: {statement.called}: {reason}")

    def _create(self, tree: exp.Create, statement: Statement) -> None:
        kind = str(tree.args.get("kind") or "").upper()
        if kind == "TABLE":
            self._create_table(tree, statement)
        elif kind == "TYPE" and isinstance(tree.expression, exp.DataType):
            labels = tuple(str(label.this) for label in tree.expression.expressions)
            self._enums[self._name(tree.this)] = labels
        elif kind == "INDEX" and tree.args.get("unique"):
            self._unique_index(tree.this)
        elif kind == "TRIGGER":
            self._unread.append(f"{statement.place}: {statement.called}: it may change rows")
        elif kind == "TYPE":
            self._unread.append(f"{statement.place}: {statement.called}: not an enumeration")

    def _create_table(self, tree: exp.Create, statement: Statement) -> None:
        properties = tree.args.get("properties")
        if properties is not None and properties.find(exp.PartitionedOfProperty):
            return  # its rows are those of the table that it is a part of
        if not isinstance(tree.this, exp.Schema):
            self._unread.append(f"{statement.place}: {statement.called}: it lists no columns")
            return
        table = Table(self._name(tree.this.this))
        if table.name in self._tables:
            raise SourceError(
                f"two tables are called `{table.name}`",
                code="source.several",
                where=statement.place,
                hint="give the tables of one schema at a time",
            )
        later = []
        if properties is not None:
            for part in properties.find_all(exp.InheritsProperty):
                for parent in part.expressions:
                    table = self._as_of(parent, table, statement, kept=("COLUMNS", "CONSTRAINTS"))
        for part in tree.this.expressions:
            if isinstance(part, exp.ColumnDef):
                table = self._column(part, table)
            elif isinstance(part, exp.LikeProperty):
                words = tuple(str(each.args["value"]).upper() for each in part.expressions)
                table = self._as_of(part.this, table, statement, kept=words)
            else:
                later.append(part)
        comment = properties.find(exp.SchemaCommentProperty) if properties else None
        table = replace(table, comment=str(comment.this.this) if comment else "")
        for part in later:
            table = self._constrained(table, part)
        self._tables[table.name] = table

    def _as_of(
        self, tree: exp.Expression, table: Table, statement: Statement, *, kept: tuple[str, ...]
    ) -> Table:
        """A table with the columns of another one, and with what else is taken of it."""
        other = self._tables.get(self._name(tree))
        if other is None:
            what = f"it takes columns of `{self._name(tree)}`, which is not among the tables"
            self._unread.append(f"{statement.place}: {statement.called}: {what}")
            return table
        table = replace(table, columns={**table.columns, **other.columns})
        if {"ALL", "CONSTRAINTS"} & set(kept):
            table = replace(table, checks=(*table.checks, *other.checks))
        if {"ALL", "INDEXES"} & set(kept):
            table = replace(table, primary_key=other.primary_key, uniques=other.uniques)
        return table

    def _column(self, tree: exp.ColumnDef, table: Table) -> Table:
        """The table with a column, and with the rules that follow it."""
        name, kind = self._identifier(tree.this), tree.args.get("kind")
        if not isinstance(kind, exp.DataType):
            kind = exp.DataType.build("TEXT")  # SQLite's columns without a type hold anything
        column, checks = self._typed(name, kind)
        rules = [constraint.kind for constraint in tree.constraints]
        for rule in rules:
            column = self._described(column, rule)
        columns = {**table.columns, name: column}
        table = replace(table, columns=columns, checks=(*table.checks, *checks))
        for rule in rules:
            match rule:
                case exp.PrimaryKeyColumnConstraint():
                    numbers = self.dialect == "sqlite" and kind.sql("sqlite") == "INTEGER"
                    kept = {"nullable": False, "identity": column.identity or numbers}
                    table = replace(table.with_column(name, **kept), primary_key=(name,))
                case exp.CheckColumnConstraint():
                    table = replace(table, checks=(*table.checks, rule.this))
                case exp.UniqueColumnConstraint():
                    once = Unique((name,), nulls_repeat=not rule.args.get("nulls"))
                    table = replace(table, uniques=(*table.uniques, once))
                case exp.Reference():
                    table = self._with_link(table, (name,), rule)
        return table

    def _described(self, column: Column, rule: object) -> Column:
        """A column with what one of its rules says about its values."""
        match rule:
            case exp.NotNullColumnConstraint():
                return replace(column, nullable=bool(rule.args.get("allow_null")))
            case exp.DefaultColumnConstraint():
                return self._with_default(column, rule.this)
            case exp.GeneratedAsIdentityColumnConstraint() if rule.expression:
                return replace(column, generated=rule.expression)
            case exp.GeneratedAsIdentityColumnConstraint() | exp.AutoIncrementColumnConstraint():
                return replace(column, identity=True)
            case exp.ComputedColumnConstraint():
                return replace(column, generated=rule.this)
            case exp.CommentColumnConstraint():
                return replace(column, comment=str(rule.this.this))
        return column

    def _typed(self, name: str, kind: exp.DataType) -> tuple[Column, tuple[exp.Expression, ...]]:
        """A column of a type, with the rules that its domain brings."""
        called = kind.args.get("kind")
        if kind.this == exp.DType.ARRAY and kind.expressions:
            inner, _ = self._typed(name, kind.expressions[0])
            sizes = kind.args.get("values")  # a list of DuckDB that has one size
            whole = exp.DataType(
                this=kind.this, expressions=[inner.type], nested=True, values=sizes
            )
            return Column(name, whole, labels=inner.labels), ()
        own = self._identifier(called.find_all(exp.Identifier)) if called is not None else ""
        if own in self._domains:
            domain = self._domains[own]
            checks = tuple(about(check, name) for check in domain.checks)
            return replace(domain.column, name=name), checks
        if own in self._enums:
            return Column(name, exp.DataType.build("TEXT"), labels=self._enums[own]), ()
        plain = str(getattr(kind.this, "value", kind.this))
        if plain in _SERIAL:
            whole = exp.DataType.build(_SERIAL[plain])
            return Column(name, whole, nullable=False, identity=True), ()
        if plain.startswith("ENUM"):
            return Column(name, kind, labels=tuple(str(e.this) for e in kind.expressions)), ()
        if plain == "BIT" and self.dialect == "mysql":
            return bits(name, kind)
        if plain in ("CHAR", "NCHAR") and not kind.expressions and self.dialect in _ONE_SIGN:
            return Column(name, exp.DataType.build(f"{plain}(1)")), ()
        return Column(name, kind), ()

    def _with_default(self, column: Column, value: exp.Expression) -> Column:
        """The column with what the database fills in; the next number of a sequence is a key."""
        if "nextval" in value.sql().lower():
            return replace(column, identity=True)
        return replace(column, default=None if isinstance(value, exp.Null) else value)

    def _constrained(self, table: Table, rule: exp.Expression) -> Table:
        """A table with a rule that follows its columns."""
        match rule:
            case exp.Constraint():
                for part in rule.expressions:
                    table = self._constrained(table, part)
            case exp.PrimaryKey():
                key = self._names(rule.expressions)
                for name in key:
                    if name in table.columns:
                        table = table.with_column(name, nullable=False)
                table = replace(table, primary_key=key)
            case exp.UniqueColumnConstraint() if rule.this is not None:
                names = self._names(rule.this.expressions)
                once = Unique(names, nulls_repeat=not rule.args.get("nulls"))
                table = replace(table, uniques=(*table.uniques, once))
            case exp.ForeignKey():
                columns = self._names(rule.expressions)
                table = self._with_link(table, columns, rule.args["reference"])
            case exp.CheckColumnConstraint():
                table = replace(table, checks=(*table.checks, rule.this))
            case exp.ExcludeColumnConstraint():
                self._unread.append(f"{table.name}: {rule.sql(self.dialect)}")
            case exp.IndexColumnConstraint():
                pass  # an index promises nothing
            case _:
                self._unread.append(f"{table.name}: {rule.sql(self.dialect)}: not understood")
        return table

    def _with_link(self, table: Table, columns: tuple[str, ...], tree: exp.Reference) -> Table:
        target = tree.this
        parent = target.this if isinstance(target, exp.Schema) else target
        key = self._names(target.expressions) if isinstance(target, exp.Schema) else ()
        options = " ".join(map(str, tree.args.get("options") or ())).upper()
        deferrable = "DEFERRABLE" in options and "NOT DEFERRABLE" not in options
        link = ForeignKey(columns, self._name(parent), key, deferrable)
        return replace(table, foreign_keys=(*table.foreign_keys, link))

    def _unique_index(self, index: exp.Expression) -> None:
        table = self._tables.get(self._name(index.args["table"]))
        if table is None:
            return
        parameters = index.args["params"]
        parts = [
            part.this if isinstance(part, exp.Ordered) else part
            for part in parameters.args.get("columns") or ()
        ]
        plain = all(isinstance(part, exp.Column | exp.Identifier) for part in parts)
        once = Unique(
            self._names(parts) if plain else (),
            () if plain else tuple(parts),
            parameters.args["where"].this if parameters.args.get("where") else None,
        )
        if once not in table.uniques:
            self._tables[table.name] = replace(table, uniques=(*table.uniques, once))

    def _alter(self, tree: exp.Alter, statement: Statement) -> None:
        name = self._name(tree.this)
        table = self._tables.get(name)
        if table is None:
            self._unread.append(f"{statement.place}: `{name}` is altered and not defined")
            return
        for action in tree.args["actions"]:
            match action:
                case exp.AddConstraint():
                    for part in action.expressions:
                        table = self._constrained(table, part)
                case exp.ColumnDef():
                    table = self._column(action, table)
                case exp.AlterColumn() if action.args.get("allow_null") is not None:
                    full = action.args["allow_null"] is False
                    table = table.with_column(self._identifier(action.this), nullable=not full)
                case exp.AlterColumn() if action.args.get("default") is not None:
                    column = self._identifier(action.this)
                    made = self._with_default(table.columns[column], action.args["default"])
                    table = replace(table, columns={**table.columns, column: made})
                case _:
                    self._unread.append(
                        f"{statement.place}: {name}: {action.sql(self.dialect)}: not understood"
                    )
        self._tables[name] = table

    def _comment(self, tree: exp.Comment) -> None:
        text, target = str(tree.expression.this), tree.this
        kind = str(tree.args.get("kind")).upper()
        if kind == "TABLE" and (table := self._tables.get(self._name(target))):
            self._tables[table.name] = replace(table, comment=text)
        elif kind == "COLUMN" and isinstance(target, exp.Column):
            table = self._tables.get(self._identifier(target.args["table"]))
            column = self._identifier(target.this)
            if table is not None and column in table.columns:
                self._tables[table.name] = table.with_column(column, comment=text)

    def _name(self, tree: exp.Expression) -> str:
        """The name of a table or type, without its schema."""
        return self._identifier(tree.this if isinstance(tree, exp.Table) else tree)

    def _names(self, trees: Iterable[exp.Expression]) -> tuple[str, ...]:
        return tuple(self._identifier(tree) for tree in trees)

    def _identifier(self, tree: exp.Expression | Iterator[exp.Expression]) -> str:
        """A name as the database keeps it: PostgreSQL folds what is not quoted."""
        if not isinstance(tree, exp.Expression):
            *_, tree = tree
        found = tree if isinstance(tree, exp.Identifier) else tree.find(exp.Identifier)
        if found is None:
            return tree.name
        folded = self.dialect == "postgres" and not found.args.get("quoted")
        return found.name.lower() if folded else found.name
