"""A database as a destination: every table in one transaction, parents first, or nothing.

What the target promises itself (its foreign keys, its generated columns) decides over what the
data says about itself. Tables that are missing are created.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from fabula.databases.address import is_local
from fabula.databases.base import Database, Key, Place
from fabula.databases.creating import add_foreign_key, create_table, keepable
from fabula.databases.opening import address_of, database_at
from fabula.errors import SinkError, did_you_mean
from fabula.io.places import check_free, replacing

if TYPE_CHECKING:
    from fabula.io.destinations import Blocks, Incoming, Link, Loading


@dataclass
class _Target:
    """One table of a load.

    Attributes:
        table: What comes.
        name: What the table is called there.
        places: The columns that take values, by their names in the data.
        keys: The foreign keys that the database has.
        created: Whether the load creates it.
        late: Columns that are set once their parents are there.
        left: Columns that are left to the database.
    """

    table: Incoming
    name: str
    places: dict[str, Place]
    names: dict[str, str] = field(default_factory=dict)
    keys: list[Key] = field(default_factory=list)
    created: bool = True
    late: tuple[str, ...] = ()
    left: tuple[str, ...] = ()


class DatabaseSink:
    """A database that was named, ready to be loaded."""

    def __init__(self, place: str, loading: Loading) -> None:
        self._address, self._loading = address_of(place), loading

    @property
    def place(self) -> str:
        """The address without its password, or the file."""
        return self._address.name if self._address.is_file else self._address.shown

    def check(self, tables: Sequence[Incoming]) -> None:
        """Refuse what can't be loaded; see `Sink`.

        Raises:
            SinkError: The database is not on this machine, tables contain rows, or columns differ.
        """
        self._refuse_remote(self._address.remote_hosts())
        if self._address.is_file and (self._is_replaced or not self._address.path.exists()):
            check_free(self._address.path, overwrite=True)
            return
        with database_at(self._address) as database, database.failures():
            self._refuse_remote((getattr(database, "host", ""),))
            self._targets(database, tables)

    def load(self, tables: Sequence[Incoming], rows: Blocks) -> Mapping[str, Any]:
        """Load every table in one transaction; see `Sink`.

        Raises:
            SinkError: The database refuses something; it is as it was.
        """
        path, database = self._address.path, database_at(self._address)
        fresh = self._address.is_file and (self._is_replaced or not path.exists())
        self._refuse_remote(self._address.remote_hosts())
        if fresh or (self._loading.truncate and database.empties_in_copy):
            with replacing(path) as temporary:
                if not fresh:
                    shutil.copyfile(path, temporary)
                address = replace(self._address, name=str(temporary))
                with database_at(address) as copy, copy.failures(self.place):
                    return self._load(copy, tables, rows)
        with database, database.failures():
            return self._load(database, tables, rows)

    def rows_there(self, names: Sequence[str]) -> dict[str, tuple[int, int | None]]:
        """The rows of tables that are there, and the highest number of their keys."""
        if self._address.is_file and not self._address.path.exists():
            return {}
        with database_at(self._address) as database, database.failures():
            known = {_folded(name, database): name for name in database.tables()}
            found = {}
            for name in names:
                there = known.get(_folded(name, database))
                if there is not None:
                    found[name] = (database.count(there), database.highest_key(there))
            return found

    @property
    def _is_replaced(self) -> bool:
        return self._loading.overwrite and not (self._loading.append or self._loading.truncate)

    def _refuse_remote(self, hosts: Iterable[str]) -> None:
        allowed = {host.lower() for host in self._loading.allow_remote}
        for host in hosts:
            known = {named.lower() for named in self._address.remote_hosts()} & allowed
            if not is_local(host) and host.lower() not in allowed and not known:
                raise SinkError(
                    f"{host} is not this machine",
                    code="sink.remote",
                    where=self.place,
                    hint=f"pass --allow-remote {host} if you mean it",
                )

    def _targets(self, database: Database, tables: Sequence[Incoming]) -> list[_Target]:
        """The tables there, or to be created, in the order in which they can be loaded."""
        known = {_folded(name, database): name for name in database.tables()}
        targets = []
        for table in tables:
            name = known.get(_folded(table.name, database))
            if name is None:
                places = dict.fromkeys(table.schema.names, Place(array=True))
                targets.append(_Target(table, table.name, places, {n: n for n in places}))
                continue
            targets.append(self._matched(database, table, name))
        self._refuse_rows(database, [t.name for t in targets if not t.created])
        ordered = _ordered(targets)
        for number, target in enumerate(ordered):
            later = {other.name for other in ordered[number + 1 :]}
            target.late = self._late(database, target, later)
        return ordered

    def _matched(self, database: Database, table: Incoming, name: str) -> _Target:
        """A table that is there, whose columns take those of the data."""
        there = database.columns(name)
        folded = {_folded(column, database): column for column in there}
        names = {}
        for column in table.schema.names:
            match = folded.get(_folded(column, database))
            if match is None:
                raise SinkError(
                    f"table `{name}` has no column `{column}`",
                    code="sink.no-column",
                    where=f"{name}.{column}",
                    hint=did_you_mean(column, there)
                    or "leave the column out (`drop: true`), or add it to the table",
                )
            names[column] = match
        left = tuple(column for column, match in names.items() if there[match].generated)
        lacking = [n for n, place in there.items() if place.required and n not in names.values()]
        if lacking:
            raise SinkError(
                f"`{name}.{lacking[0]}` takes no gap, and the data has no such column",
                code="sink.lacks-column",
                where=f"{name}.{lacking[0]}",
                hint=f"add `{lacking[0]}` to the spec: `fabula init --from` writes all columns",
            )
        places = {column: there[match] for column, match in names.items() if column not in left}
        return _Target(table, name, places, names, database.keys(name), created=False, left=left)

    def _refuse_rows(self, database: Database, names: Sequence[str]) -> None:
        if self._loading.append or self._loading.truncate:
            return
        for name in names:
            count = database.count(name)
            if count:
                ways = f"--append adds, --truncate empties the {len(names)} tables first"
                raise SinkError(
                    f"table {name} holds {count:,} rows",
                    code="sink.not-empty",
                    where=f"{self.place} {name}",
                    hint=f"{ways}, --overwrite replaces the file"
                    if self._address.is_file
                    else ways,
                )

    def _late(self, database: Database, target: _Target, later: set[str]) -> tuple[str, ...]:
        """Columns that have to wait for their parents' rows.

        Raises:
            SinkError: They can't wait.
        """
        if target.created and (database.later_keys or not database.keys_first):
            return ()
        if database.checks_at_end or (self._loading.fast_load and database.later_keys):
            return ()
        keys = target.keys or [Key(k.columns, k.parent, k.key) for k in target.table.links]
        late: list[str] = []
        back = {_value: column for column, _value in target.names.items()}
        for key in keys:
            own = key.parent == target.name and database.checks_each_row
            if key.deferrable or not (key.parent in later or own):
                continue
            columns = [back[name] for name in key.columns if name in back]
            if target.table.key and all(target.places[name].nullable for name in columns):
                late += [name for name in columns if name not in target.table.key]
            elif not own:
                raise SinkError(
                    f"{target.name}.{key.columns[0]} → {key.parent} leads back, and the column is"
                    " neither nullable nor deferrable",
                    code="sink.cycle",
                    where=f"{target.name}.{key.columns[0]}",
                    hint="make one DEFERRABLE, or nullable",
                )
        return tuple(dict.fromkeys(late))

    def _load(self, database: Database, tables: Sequence[Incoming], rows: Blocks) -> dict[str, Any]:
        self._refuse_remote((getattr(database, "host", ""),))
        cleared = database.clear_unfinished([table.name for table in tables])
        lines = [f"removed empty tables of a killed load: {', '.join(cleared)}"] * bool(cleared)
        targets = self._targets(database, tables)
        there = [target.name for target in targets if not target.created]
        counts: dict[str, int] = {}
        with _transaction(database, targets) as after:
            if self._loading.truncate:
                database.empty(there)
            missing = _create(database, targets, after)
            database.defer()
            links, waiting = _Counter(), []
            with ExitStack() as stack:
                if self._loading.fast_load:
                    lines += stack.enter_context(database.fast(there))
                for target in targets:
                    held: list[pa.Table] = []
                    blocks = _prepared(rows(target.table.name), target, links, held)
                    places = {target.names[name]: place for name, place in target.places.items()}
                    counts[target.table.name] = database.insert(target.name, blocks, places)
                    waiting.append((target, held))
                for target, held in waiting:
                    if held:
                        key = [target.names[name] for name in target.table.key]
                        late = [target.names[name] for name in target.late]
                        database.update(target.name, late, key, pa.concat_tables(held))
                for statement in after:
                    database.run(statement)
            moved = sum(database.advance(target.name) for target in targets)
        told = [f"Foreign keys: {links.count:,} of {links.count:,} values resolve"] * bool(
            links.count
        )
        told += ["sequences advanced"] * bool(moved)
        told.append("one transaction, committed")
        left = [f"{t.name}.{name}" for t in targets for name in t.left]
        return {
            "rows": counts,
            "order": [target.table.name for target in targets],
            "sequences": moved,
            "foreign_key_values": links.count,
            "lines": [
                *lines,
                *(f"left to the database: {name}" for name in left),
                *(f"no foreign key in the database: {name}" for name in missing),
                " · ".join(told),
            ],
        }


@dataclass
class _Counter:
    """Values of foreign keys that were loaded."""

    count: int = 0


@contextmanager
def _transaction(database: Database, targets: Sequence[_Target]) -> Iterator[list[str]]:
    """One transaction; where the database commits what it creates, that is dropped on failure."""
    database.begin()
    try:
        yield []
        database.commit()
    except BaseException:
        database.rollback([target.name for target in targets if target.created])
        raise


def _create(database: Database, targets: Sequence[_Target], after: list[str]) -> list[str]:
    """Create the tables that are missing; returns the foreign keys that they can't have."""
    by_name = {target.table.name: target.table for target in targets}
    there = [target.name for target in targets if not target.created]
    unkept: list[str] = []
    made = set(there)
    new = [target for target in targets if target.created]
    late: list[tuple[str, Link]] = []
    for target in new:
        table = target.table
        kept = keepable(table, by_name, there)
        unkept += [
            f"{table.name} ({', '.join(link.columns)}) → {link.parent}"
            for link in table.links
            if link not in kept
        ]
        now = [
            link
            for link in kept
            if not database.later_keys
            and (
                database.checks_at_end
                or link.parent in made
                or (link.parent == table.name and database.own_keys)
            )
        ]
        database.create(create_table(table, now, database))
        made.add(target.name)
        late += [(target.name, link) for link in kept if link not in now]
    for name, link in late:
        if database.later_keys:
            after.append(add_foreign_key(name, link, database))
        elif database.keys_first:
            database.run(add_foreign_key(name, link, database))
        else:
            unkept.append(f"{name} ({', '.join(link.columns)}) → {link.parent}")
    if new:
        database.created()
    return unkept


def _prepared(
    blocks: Iterable[pa.Table], target: _Target, links: _Counter, held: list[pa.Table]
) -> Iterator[pa.Table]:
    """Blocks with the columns that the database takes; late columns wait in `held`."""
    names = list(target.places)
    keys = [link.columns for link in target.table.links]
    for block in blocks:
        for key in keys:
            if set(key) <= set(block.column_names):
                whole = reduce(pc.and_, [pc.is_valid(block.column(name)) for name in key])
                links.count += pc.sum(whole).as_py() or 0
        taken = block.select(names)
        if target.late:
            waits = [*target.table.key, *target.late]
            some = taken.select(waits).filter(pc.is_valid(taken.column(target.late[0])))
            held.append(some.rename_columns([target.names[name] for name in waits]))
            for name in target.late:
                place = taken.schema.get_field_index(name)
                empty = pa.nulls(taken.num_rows, taken.schema.field(name).type)
                taken = taken.set_column(place, name, empty)
        yield taken.rename_columns([target.names[name] for name in names])


def _ordered(targets: Sequence[_Target]) -> list[_Target]:
    """Tables with their parents first, by the database's own keys; circles in the given order."""
    waiting, done = list(targets), []
    while waiting:
        names = {target.name for target in waiting}
        free = next((t for t in waiting if not _parents(t) & names - {t.name}), waiting[0])
        waiting.remove(free)
        done.append(free)
    return done


def _parents(target: _Target) -> set[str]:
    return {key.parent for key in target.keys} | {link.parent for link in target.table.links}


def _folded(name: str, database: Database) -> str:
    """A name for comparisons: PostgreSQL alone distinguishes capitals."""
    return name if database.dialect == "postgres" else name.lower()
