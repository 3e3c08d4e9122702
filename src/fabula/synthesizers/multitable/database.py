"""Several related tables, learned and newly generated together."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Generic, Literal

import pyarrow as pa

from fabula.errors import UsageError
from fabula.io.notes import notes_of, without_notes
from fabula.options import known_options
from fabula.relationships.digests import Digest
from fabula.relationships.keys import CONTAINED, Keys, singular
from fabula.relationships.stated import known_keys
from fabula.render.amounts import count, percent
from fabula.render.results import Result
from fabula.spec.tables import DatasetSpec
from fabula.synthesizers.catalogue import check_seed
from fabula.synthesizers.codecs.codec import PROTECTED_ROWS
from fabula.synthesizers.codecs.string_formats.doubts import doubtful, doubts
from fabula.synthesizers.codecs.string_formats.texts import WrittenTexts
from fabula.synthesizers.model import Steps
from fabula.synthesizers.multitable.across.across import Across
from fabula.synthesizers.multitable.alike import alike_of, told_alike
from fabula.synthesizers.multitable.circles import closed
from fabula.synthesizers.multitable.declared import (
    demand,
    kept_links,
    keys_of_spec,
    sensitive_columns,
    with_declared,
)
from fabula.synthesizers.multitable.determinants import determinants_of
from fabula.synthesizers.multitable.entities import with_entities
from fabula.synthesizers.multitable.finishing import finished, stream_of
from fabula.synthesizers.multitable.foreign_keys import (
    Links,
    children_of,
    links_of,
    making_order,
    row_links,
)
from fabula.synthesizers.multitable.layout import MadeTable, Seen
from fabula.synthesizers.multitable.learning import Lesson
from fabula.synthesizers.multitable.orphans import repeats, settled
from fabula.synthesizers.multitable.people import (
    SamePeople,
    people_of_rows,
    same_people,
)
from fabula.synthesizers.multitable.persistence import read_database, write_database
from fabula.synthesizers.multitable.reach import Reach
from fabula.synthesizers.multitable.sampling import Making
from fabula.synthesizers.multitable.shortfalls import tell_shortfall
from fabula.synthesizers.multitable.table_model import TableModel
from fabula.synthesizers.multitable.written_times import (
    Mistyped,
    read_times,
    settled_times,
)
from fabula.synthesizers.persistence import drawing
from fabula.synthesizers.pii.details import details_of
from fabula.synthesizers.pii.finding import personal_columns
from fabula.synthesizers.pii.replacing import real_words
from fabula.types import Frame
from fabula.types import Path as PathLike


@dataclass(frozen=True)
class RelationalSynthesizer(Result, Generic[Frame]):
    """Learned tables with their keys; made by `fabula.fit` from several tables.

    Parents come first. A parent's number of children is one of its columns, so that it depends on
    what the parent is; the real numbers are then met rank by rank. Children see their parent, how
    many siblings they have, and the sibling before; times are learned as gaps. Another parent is
    chosen from the group that the model draws (`groups.py`), so that pairs which go together stay
    together.

    Attributes:
        models: What was learned of each table, parents before children.
        keys: Primary and foreign keys, and what comes near one.
        notes: Notes on foreign keys, columns and tables, by their names.
        digests: Digests of the tables' rows, by which `fabula.evaluate` knows them again.
        people: Columns that are about the same people as others.
        entities: Hidden tables of entities that have none, and notes on them.
        across: Rules across tables.
        hand_back: How a table goes back in the frame library that it came in; not saved.
        path: The folder that it was loaded from.
    """

    models: Mapping[str, TableModel]
    keys: Keys
    notes: Mapping[str, str] = field(default_factory=dict)
    digests: Mapping[str, Digest] = field(default_factory=dict)
    people: tuple[SamePeople, ...] = ()
    entities: Mapping[str, str] = field(default_factory=dict)
    across: Across = field(default_factory=Across)
    hand_back: Mapping[str, Callable[[pa.Table], Frame]] = field(default_factory=dict)
    path: PathLike | None = None

    @known_options
    def sample(self, scale: float = 1.0, *, seed: int = 0) -> dict[str, Frame]:
        """Make all tables.

        Args:
            scale: Rows of every table, in relation to the training rows.
            seed: The same seed gives the same tables.

        Returns:
            The tables by name, in the frame library that they came in; every foreign key is a
            key of its parent. A warning is logged if a table has fewer rows than requested,
            because its primary key has no more real values.
        """
        check_seed(seed)
        if not scale > 0:
            raise UsageError(f"`scale` must be above 0, not {scale}", code="usage.bad-size")
        made: dict[str, MadeTable] = {}
        models = self.models
        for name, model in models.items():
            streams = partial(stream_of, seed, name)
            with drawing(self.path):
                made[name] = Making(model, made, scale, seed, streams).make()
        for name, model in self.models.items():
            with drawing(self.path):
                made[name] = closed(model, made, seed, partial(stream_of, seed, name))
        with drawing(self.path):
            tables = finished(models, made, self.people, self.across, seed)
        tables = {name: table for name, table in tables.items() if name not in self.entities}
        for name, table in tables.items():
            tell_shortfall(models[name], scale, table.num_rows)
        back = self.hand_back
        return {name: back[name](rows) if name in back else rows for name, rows in tables.items()}

    def report(self) -> str:
        """The card as text."""
        return str(self.card())

    def save(self, path: PathLike) -> None:
        """Write the synthesizer to a folder; of tables that are not kept, no row is in it.

        Raises:
            SinkError: The place can't be written.
        """
        write_database(
            Path(path),
            self.models,
            self.keys,
            self.notes,
            digests=self.digests,
            people=self.people,
            across=self.across,
            entities=self.entities,
        )

    write = save

    @classmethod
    def load(cls, path: PathLike) -> RelationalSynthesizer[pa.Table]:
        """The synthesizer in a folder; it makes the same tables as the one that was saved.

        Raises:
            SourceError: The folder is missing or damaged.
        """
        return RelationalSynthesizer(**read_database(Path(path)), path=path)

    def card(self) -> str:
        """How each table is made, and what is not made of it."""
        lines = []
        for name, model in self.models.items():
            if name in self.entities:
                lines.append(f"{self.entities[name]}: newly generated, with as many rows each")
                continue
            driver = model.links.driver
            how = "kept as it is" if model.kept is not None else f"from {count(model.rows, 'row')}"
            under = "" if driver is None else f", led by `{driver.name}`"
            lines.append(f"{name}: {how}{under}")
            lines += [
                f"  {column}: {about}"
                for column, about in {**model.replaced, **model.prose}.items()
            ]
            lines += [f"  {column}: left out: {why}" for column, why in model.left_out.items()]
            lines += [f"  {item}" for item in model.identity.told]
            lines += [f"  {model.panel}"] * (model.panel is not None)
            if driver is not None and model.timeline is not None and model.timeline.apart:
                lines.append(f"  {model.timeline.time}: never twice under one {driver.name}")
            lines += [f"  {column}: {about}" for column, about in model.natural.items()]
            lines += [f"  {item}" for item in told_alike(model)]
            lines += [f"  {item.told}" for item in model.determinants]
            for relations in (model.relations, model.timed.relations):
                lines += [f"  on every row {relation}" for relation in relations.told]
        for key in self.keys.foreign:
            said = [self.notes[key.name]] if key.name in self.notes else []
            links, reach = self.models[key.child].links, self.models[key.child].reach.get(key)
            if reach is not None and reach.trees is not None:
                said.append(reach.trees.about)
            if reach is not None and reach.apart:
                said.append(f"never the parent of {', '.join(f'`{o.name}`' for o in reach.apart)}")
            if key in links.late:
                said.append(f"closes a circle of tables: chosen last; {_homing(reach)}")
            lines.append(f"key {key.name} → {key.target}" + f" ({'; '.join(said)})" * bool(said))
        for miss in self.keys.near:
            told = f"no key: {miss.key.name} is not taken to point at {miss.key.target}: {miss.why}"
            if miss.share >= CONTAINED:
                told += f"; `--key {miss.key.name}={miss.key.target}` declares it"
            lines.append(told)
        keys = {key.name for key in self.keys.foreign}
        lines += [f"{name}: {said}" for name, said in self.notes.items() if name not in keys]
        lines += [item.told for item in self.people]
        lines += self.across.told
        return "\n".join(lines)

    @property
    def personal(self) -> tuple[str, ...]:
        """The columns with personal details, as `table.column`; none of these is reproduced."""
        return tuple(
            f"{name}.{column}"
            for name, model in self.models.items()
            if model.replaced and model.columns is not None
            for column in model.columns.personal
        )

    def __repr__(self) -> str:
        return f"RelationalSynthesizer({len(self.models)} tables, {len(self.keys.foreign)} keys)"


def _homing(reach: Reach | None) -> str:
    """How often the parent of a key that closes a circle leads back to its child."""
    if reach is None or reach.back is None:
        return "its parents are chosen at random"
    return f"in {percent(reach.home)} of the rows `{reach.back.name}` leads back"


def fit_tables(
    tables: Mapping[str, pa.Table],
    *,
    keys: Mapping[str, str] | None = None,
    spec: DatasetSpec | None = None,
    keep: Collection[str] = (),
    sensitive: Collection[str] = (),
    orphans: Literal["drop", "keep"] = "drop",
    seed: int = 0,
    protect: int = PROTECTED_ROWS,
    exact: bool = True,
    progress: Steps | None = None,
    **options: Any,
) -> RelationalSynthesizer[Any]:
    """Learn several tables.

    Args:
        tables: The tables by name.
        keys: Foreign keys that their names don't tell, `"orders.buyer"` to `"people.id"`.
        spec: States primary and foreign keys; other parts of it are not used.
        keep: Tables that stay unchanged, such as lists of countries: their rows are real.
        sensitive: Columns that are replaced or left out, as `column` or `table.column`.
        orphans: Whether rows whose foreign key no parent has are left out, or samples have the
            same share of such rows; the card says how many there are.
        seed: The same data and seed give the same model.
        protect: Labels of fewer rows, and that many extreme numbers, are not learned.
        exact: Keep, within tables and across them, what holds on all rows.
        progress: Called with tables done and tables in all.
        options: Those of the `boosted` model.

    Raises:
        SourceError: A foreign key has values that its parent lacks, or primary keys form a circle.
        UsageError: `keys` or `keep` name what does not exist.
    """
    for name in keep:
        demand(name, tables, "keep")
    stated, primary = ({}, {}) if spec is None else keys_of_spec(spec)
    found = with_declared(known_keys(tables), {**stated, **(keys or {})}, tables, primary)
    noted = {name: "; ".join(notes_of(table)) for name, table in tables.items()}
    tables = {name: without_notes(table) for name, table in tables.items()}
    tables, astray, told = settled(tables, found, orphans)
    told |= repeats(tables, found)
    tables, every, entities = with_entities(tables, found, keep)
    rows = {key: row_links(tables, key, orphans=True) for key in every.foreign}
    links = links_of(tables, every, rows)
    links |= {name: kept_links(name, links[name], keep) for name in keep}
    models: dict[str, TableModel] = {}
    seen: dict[str, Seen] = {}
    order = making_order(links)
    read, written, mistyped = _with_times(tables, every, links, keep, protect)
    features = {name: read[name].drop_columns(_keys_of(name, every)) for name in order}
    declared = sensitive_columns(sensitive, features, tables)
    personal = personal_columns(features, protect, declared)
    real = real_words(personal.values())
    replaced = [name for name in order if name not in keep]
    people = same_people(tables, personal, found.foreign, replaced)
    repeated = {(item.table, item.column) for item in people}
    across = Across()
    if exact:
        across = Across.found(read, found, rows, links, keep, people=repeated, protect=protect)
    for done, name in enumerate(order):
        if progress:
            progress(done, len(order))
        model, seen[name] = Lesson(
            name=name,
            table=settled_times(across.learned(name, read, rows), mistyped[name]),
            times=settled_times(read[name], mistyped[name]),
            links=links[name],
            rows=rows,
            sizes={name: table.num_rows for name, table in tables.items()},
            primary=every.primary.get(name, ()),
            parents=seen,
            below=children_of(name, links, rows, tables[name].num_rows),
            kept=frozenset(keep),
            options=options,
            seed=seed,
            protect=protect,
            exact=exact,
            details=details_of(features[name], personal[name], singular(name), protect, real=real),
            persons=people_of_rows(name, tables, personal, found.foreign, protect),
            sensitive=declared.get(name, ()),
            across=across,
            astray=astray,
        ).learn()
        alike = alike_of(model, read[name], rows, across.given(name)) if exact else {}
        determinants = (
            determinants_of(
                model.columns, read[name], links[name], model.following, across.given(name)
            )
            if exact
            else ()
        )
        models[name] = replace(
            model,
            schema=tables[name].schema,
            written=written[name],
            alike=alike,
            determinants=determinants,
        )
    if progress:
        progress(len(order), len(order))
    across = across.ordered(
        {name: model.made_columns for name, model in models.items()},
        {name: model.following for name, model in models.items()},
    )
    for name, model in models.items():
        computed = across.computed(name)
        left_out = {column: why for column, why in model.left_out.items() if column not in computed}
        models[name] = replace(model, left_out=left_out)
    said = {name: notes for name, notes in noted.items() if notes}
    for name, model in models.items():
        doubted = dict(doubtful(written[name], tables[name]))
        if model.columns is not None:
            doubted |= doubts(model.columns, tables[name])
        said |= {f"{name}.{column}": doubt for column, doubt in doubted.items()}
    hidden = {entity.table: str(entity) for entity in entities}
    return RelationalSynthesizer(
        models, found, {**told, **said}, people=people, across=across, entities=hidden
    )


def _with_times(
    tables: Mapping[str, pa.Table],
    keys: Keys,
    links: Mapping[str, Links],
    keep: Collection[str],
    protect: int,
) -> tuple[dict[str, pa.Table], dict[str, dict[str, WrittenTexts]], dict[str, Mistyped]]:
    """The tables with their written times as times, but for keys; how these are written; strays."""
    read, written, mistyped = {}, {}, {}
    for name, table in tables.items():
        used = {column for key in links[name].all for column in key.columns}
        used |= set(keys.primary.get(name, ()))
        untouched = table.column_names if name in keep else used
        found = read_times(table, but=untouched, protect=protect)
        read[name], written[name], mistyped[name] = found
    return read, written, mistyped


def _keys_of(name: str, keys: Keys) -> list[str]:
    """The columns of a table's primary and foreign keys."""
    pointing = [column for key in keys.foreign if key.child == name for column in key.columns]
    return list(dict.fromkeys([*keys.primary.get(name, ()), *pointing]))
