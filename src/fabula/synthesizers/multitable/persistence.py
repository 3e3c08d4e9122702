"""The folder of a fitted database: a file per table, and `database.json` with the keys.

::

    database.json     format, version, primary and foreign keys, tables in the order of making
    orders.fabula     what was learned of a table, in the format of single tables
    countries.arrow   the rows of a table that is kept as it is, an Arrow IPC file
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fabula.io.claims import read_arrow
from fabula.io.names import file_stem, missing_file
from fabula.io.places import make_folder, replacing
from fabula.relationships.digests import Digest
from fabula.relationships.keys import ForeignKey, Keys, NearMiss
from fabula.synthesizers.codecs.codec import CodecState
from fabula.synthesizers.codecs.keys import KeyCodec
from fabula.synthesizers.codecs.learning import Columns
from fabula.synthesizers.codecs.numbers import NumberCodec
from fabula.synthesizers.codecs.string_formats.texts import WrittenTexts
from fabula.synthesizers.constraints.relations import Relations
from fabula.synthesizers.model import CellColumn, State, check_cells
from fabula.synthesizers.models.boosted.model import Boosted
from fabula.synthesizers.multitable.across.across import Across
from fabula.synthesizers.multitable.bins import Bins
from fabula.synthesizers.multitable.determinants import Determinant
from fabula.synthesizers.multitable.foreign_keys import Links
from fabula.synthesizers.multitable.groups import Groups
from fabula.synthesizers.multitable.identity import Identity, Numbering
from fabula.synthesizers.multitable.layout import Layout
from fabula.synthesizers.multitable.panels import Panel
from fabula.synthesizers.multitable.people import SamePeople
from fabula.synthesizers.multitable.reach import Reach
from fabula.synthesizers.multitable.table_model import TableModel
from fabula.synthesizers.multitable.timed import Timed
from fabula.synthesizers.multitable.timeline import Timeline
from fabula.synthesizers.persistence import (
    UNSOUND,
    Saved,
    check_version,
    damaged,
    read_saved,
    write_saved,
)
from fabula.synthesizers.trees import Trees

FORMAT, VERSION, OLDEST = "fabula-database", 5, 3
ABOUT = "database.json"

_UNTIMED = {"relations": 0, "spreads": {}, "shifted": [], "reach": {}}
"""What earlier versions kept of times that are made late."""

Arrays = dict[str, NDArray[Any]]


def write_database(
    folder: Path,
    models: Mapping[str, TableModel],
    keys: Keys,
    notes: Mapping[str, str],
    *,
    digests: Mapping[str, Digest],
    people: Sequence[SamePeople],
    entities: Mapping[str, str],
    across: Across,
) -> None:
    """Write a folder; `database.json` comes last.

    Raises:
        SinkError: The place can't be written.
    """
    make_folder(folder)
    for name, model in models.items():
        write_saved(folder / f"{file_stem(name)}.fabula", _table_saved(model))
        if model.kept is not None:
            with (
                replacing(folder / f"{file_stem(name)}.arrow") as temporary,
                pa.ipc.new_file(temporary, model.kept.schema) as writer,
            ):
                writer.write_table(model.kept)
    about = {
        "format": FORMAT,
        "version": VERSION,
        "tables": list(models),
        "primary": keys.primary,
        "foreign": [asdict(key) for key in keys.foreign],
        "near": [asdict(miss) for miss in keys.near],
        "notes": dict(notes),
        "digests": {name: item.to_dict() for name, item in digests.items()},
        "people": [item.state() for item in people],
        "entities": dict(entities),
        "across": across.state(),
    }
    with replacing(folder / ABOUT) as temporary:
        temporary.write_text(json.dumps(about, indent=1, ensure_ascii=False), encoding="utf-8")


def read_database(folder: Path) -> dict[str, Any]:
    """Read a folder: what a synthesizer is made of, by name.

    Raises:
        SourceError: It is missing or damaged, or of another format.
    """
    try:
        about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
        if about["format"] != FORMAT:
            raise damaged(folder, "it is of another format")
        check_version(about["version"], VERSION, folder, oldest=OLDEST)
        primary = {table: tuple(columns) for table, columns in about["primary"].items()}
        foreign = tuple(_foreign_key(told) for told in about["foreign"])
        near = tuple(
            NearMiss(_foreign_key(told["key"]), told["share"], told["why"])
            for told in about["near"]
        )
        models: dict[str, TableModel] = {}
        for name in about["tables"]:
            saved = read_saved(folder / f"{file_stem(name)}.fabula")
            models[name] = _table_restored(name, saved, models, folder)
        digests = {name: Digest.from_dict(told) for name, told in about["digests"].items()}
        people = tuple(map(SamePeople.restore, about["people"]))
        across = Across.restore(about["across"])
    except FileNotFoundError as exc:
        raise missing_file(Path(exc.filename)) from exc
    except UNSOUND as exc:
        raise damaged(folder, f"{type(exc).__name__}: {exc}") from exc
    return {
        "models": models,
        "keys": Keys(primary, foreign, near),
        "notes": dict(about["notes"]),
        "digests": digests,
        "people": people,
        "across": across,
        "entities": dict(about["entities"]),
    }


def _foreign_key(told: Mapping[str, Any]) -> ForeignKey:
    columns, key = tuple(told["columns"]), tuple(told["key"])
    return ForeignKey(told["child"], columns, told["parent"], key)


def _table_saved(model: TableModel) -> Saved:
    layout, links = model.layout, model.links
    arrays: Arrays = {"counts": _joined([column.counts for column in layout.columns])}
    reach = []
    for at, (key, item) in enumerate(model.reach.items()):
        arrays[f"reach-{at}"] = item.counts
        if item.groups is not None:
            arrays[f"centres-{at}"] = item.groups.centres
            arrays[f"weights-{at}"] = item.groups.weights
        trees = None
        if item.trees is not None:
            trees, parts = item.trees.state()
            arrays |= {f"trees-{at}-{name}": values for name, values in parts.items()}
        groups = item.groups and [item.groups.each, item.groups.ranked, item.groups.parents]
        reach.append(
            {
                "key": asdict(key),
                "role": _role(key, links),
                "missing": item.missing,
                "distinct": item.distinct,
                "each": groups,
                "changes": item.changes,
                "trees": trees,
                "back": None if item.back is None else asdict(item.back),
                "home": item.home,
                "astray": item.astray,
                "apart": [asdict(other) for other in item.apart],
            }
        )
    for at, bins in enumerate(model.beside):
        arrays[f"beside-{at}"] = bins.edges
    for at, bins in enumerate(model.below.values()):
        arrays[f"below-{at}"] = bins.edges
    for at, counts in enumerate(model.counted.values()):
        arrays[f"counted-{at}"] = counts
    if model.panel is not None:
        arrays["panel"] = model.panel.codes
    for at, bins in enumerate(model.depths.values()):
        arrays[f"depths-{at}"] = bins.edges
    for at, codec in enumerate(model.timed.codecs):
        arrays |= {f"time-{at}-{part}": values for part, values in codec.state().arrays.items()}
    fitted = State() if model.model is None else model.model.state()
    arrays |= {f"model-{name}": values for name, values in fitted.arrays.items()}
    settings = {
        "schema": base64.b64encode(model.schema.serialize().to_pybytes()).decode(),
        "rows": model.rows,
        "reach": reach,
        "below": [asdict(key) for key in model.below],
        "counted": [asdict(key) for key in model.counted],
        "panel": None if model.panel is None else model.panel.columns,
        "depths": [asdict(key) for key in model.depths],
        "keys": {codec.name: dict(codec.state().settings) for codec in model.identity.keys},
        "identity": {
            "primary": model.identity.primary,
            "numbered": [asdict(item) for item in model.identity.numbered],
            "natural": model.identity.natural,
            "years": model.identity.years,
        },
        "times": {codec.name: codec.state().settings for codec in model.timed.codecs},
        "timed": {
            "relations": len(model.timed.relations.states()),
            "spreads": model.timed.spreads,
            "reach": model.timed.reach,
            "shifted": sorted(model.timed.shifted),
        },
        "timeline": None if model.timeline is None else asdict(model.timeline),
        "blocks": layout.blocks,
        "shown": model.shown,
        "columns": [
            {
                "name": column.name,
                "cells": column.cells,
                "ordered": column.ordered,
                "missing": column.missing,
            }
            for column in layout.columns
        ],
        "written": {name: texts.state() for name, texts in model.written.items()},
        "alike": [[asdict(key), names] for key, names in model.alike.items()],
        "determinants": [asdict(item) for item in model.determinants],
        "learned": model.model is not None,
        "kept": model.kept is not None,
    }
    columns = model.columns or Columns(pa.schema([]), (), {})
    codecs = {codec.cells.name: codec.state() for codec in columns.codecs}
    card = {"left_out": dict(model.left_out)}
    relations = (*model.relations.states(), *model.timed.relations.states())
    return Saved("boosted", State(settings, arrays), columns.schema, codecs, card, relations)


def _table_restored(
    name: str, saved: Saved, parents: Mapping[str, TableModel], folder: Path
) -> TableModel:
    settings, arrays = saved.state.settings, saved.state.arrays
    schema = pa.ipc.read_schema(pa.py_buffer(base64.b64decode(settings["schema"])))
    layout = _layout(settings, arrays["counts"])
    check_cells(layout.columns)
    reach: dict[ForeignKey, Reach] = {}
    roles: dict[str, list[ForeignKey]] = {"driver": [], "others": [], "upward": [], "late": []}
    for at, told in enumerate(settings["reach"]):
        key = _foreign_key(told["key"])
        roles[told["role"]].append(key)
        groups = None
        if told["each"] is not None:
            numbers = told["each"] if isinstance(told["each"], list) else [told["each"]]
            each, ranked, count = (*numbers, 0, 0)[:3]
            weights = arrays.get(f"weights-{at}", np.zeros(0))
            seen = _seen_cells(parents[key.parent])
            groups = Groups(arrays[f"centres-{at}"], seen, each, ranked, count, weights)
        trees = None
        if told["trees"] is not None:
            parts = {name: arrays[f"trees-{at}-{name}"] for name in ("levels", "counts")}
            trees = Trees.restore(told["trees"], parts)
        back = None if told["back"] is None else _foreign_key(told["back"])
        reach[key] = Reach(
            arrays[f"reach-{at}"], told["missing"], told["distinct"], groups, trees, back,
            told["home"], told["astray"], tuple(map(_foreign_key, told["apart"])),
            told.get("changes", 1.0),
        )  # fmt: skip
    links = Links(
        roles["driver"][0] if roles["driver"] else None,
        tuple(roles["others"]),
        tuple(roles["upward"]),
        tuple(roles["late"]),
    )
    columns = None
    if len(saved.schema):
        columns = Columns.restore(saved.schema, saved.codecs, saved.card["left_out"])
    prefix = "model-"
    own = {k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)}
    timeline = settings["timeline"]
    codecs = () if columns is None else columns.codecs
    times, timed = _times(settings, arrays, schema), {**_UNTIMED, **settings.get("timed", {})}
    early = len(saved.relations) - timed["relations"]
    late = Relations.restore(saved.relations[early:], (*codecs, *times))
    return TableModel(
        name=name,
        schema=schema,
        rows=settings["rows"],
        links=links,
        reach=reach,
        identity=_identity(settings, schema),
        timeline=timeline and Timeline(**{**timeline, "beside": tuple(timeline["beside"])}),
        columns=columns,
        layout=layout,
        below={
            _foreign_key(key): Bins(arrays[f"below-{at}"])
            for at, key in enumerate(settings["below"])
        },
        counted={
            _foreign_key(key): arrays[f"counted-{at}"]
            for at, key in enumerate(settings.get("counted", ()))
        },
        depths={
            _foreign_key(key): Bins(arrays[f"depths-{at}"])
            for at, key in enumerate(settings["depths"])
        },
        panel=Panel(tuple(settings["panel"]), arrays["panel"]) if settings.get("panel") else None,
        beside=tuple(Bins(arrays[at]) for at in ("beside-0", "beside-1") if at in arrays),
        model=Boosted.restore(State({}, own), layout.columns) if settings["learned"] else None,
        kept=_kept_rows(folder / f"{file_stem(name)}.arrow") if settings["kept"] else None,
        left_out=saved.card["left_out"],
        relations=Relations.restore(saved.relations[:early], codecs),
        alike={_foreign_key(key): tuple(names) for key, names in settings.get("alike", ())},
        determinants=tuple(map(Determinant.restore, settings.get("determinants", ()))),
        shown=tuple(settings.get("shown", TableModel.shown)),
        timed=Timed(times, late, timed["spreads"], frozenset(timed["shifted"]), timed["reach"]),
        written={
            name: WrittenTexts.restore(schema.field(name).type, told)
            for name, told in settings["written"].items()
        },
    )


def _identity(settings: Mapping[str, Any], schema: pa.Schema) -> Identity:
    told = settings["identity"]
    return Identity(
        tuple(told["primary"]),
        tuple(
            KeyCodec.restore(key, schema.field(key).type, CodecState("key", state))
            for key, state in settings["keys"].items()
        ),
        tuple(
            Numbering(item["column"], tuple(item["within"]), item["first"], item.get("last"))
            for item in told["numbered"]
        ),
        tuple(told["natural"]),
        tuple((date, year, *turn, 0)[:3] for date, year, *turn in told["years"]),
    )


def _times(
    settings: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], schema: pa.Schema
) -> tuple[NumberCodec, ...]:
    """Times that are made late, as they are in training."""
    found = []
    for at, (name, told) in enumerate(settings.get("times", {}).items()):
        prefix, written = f"time-{at}-", settings["written"].get(name)
        kind = schema.field(name).type
        kind = kind if written is None else WrittenTexts.restore(kind, written).form.type
        parts = {k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)}
        found.append(NumberCodec.restore(name, kind, CodecState("number", told, parts)))
    return tuple(found)


def _kept_rows(path: Path) -> pa.Table:
    with pa.memory_map(str(path)) as source:
        return read_arrow(source)


def _layout(settings: Mapping[str, Any], counts: NDArray[np.int64]) -> Layout:
    ends = np.cumsum([told["cells"] for told in settings["columns"]], dtype=int)
    parts = np.split(counts, ends[:-1]) if len(ends) else []
    columns = tuple(
        CellColumn(told["name"], part, ordered=told["ordered"], missing=told["missing"])
        for told, part in zip(settings["columns"], parts, strict=True)
    )
    blocks = {block: (start, end) for block, (start, end) in settings["blocks"].items()}
    return Layout(columns, blocks)


def _seen_cells(model: TableModel) -> tuple[CellColumn, ...]:
    """The columns that a table's children see."""
    if model.kept is None:
        return model.layout.seen(
            np.zeros((0, len(model.layout.columns)), np.int32), model.shown
        ).cells
    return () if model.columns is None else tuple(codec.cells for codec in model.columns.codecs)


def _role(key: ForeignKey, links: Links) -> str:
    if key == links.driver:
        return "driver"
    if key in links.late:
        return "late"
    return "others" if key in links.others else "upward"


def _joined(parts: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    return np.concatenate(parts) if parts else np.zeros(0, np.int64)
