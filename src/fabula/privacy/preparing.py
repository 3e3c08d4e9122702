"""What a masking decides before its first row is written, from a first pass over all rows."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypedDict, TypeGuard

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from typing_extensions import Unpack

from fabula.errors import SpecError, Violation
from fabula.fakers.locales import load_locale
from fabula.io.arrays import whole_texts
from fabula.privacy.actions import ColumnAction
from fabula.privacy.drafts import drafts_of, people_of
from fabula.privacy.files.json_bytes import JsonSource
from fabula.privacy.files.sources import Source, sources_of
from fabula.privacy.first_pass import Known
from fabula.privacy.labels import full, naming_people
from fabula.privacy.national import DATED
from fabula.privacy.notes import Detector, Everyone, detector_called
from fabula.privacy.people import DRAWN, EMAIL, NewPeople
from fabula.privacy.prepared import Masking
from fabula.privacy.proposing import NAMES, Ask, as_option, propose
from fabula.privacy.secret import Secret
from fabula.privacy.texts import are_people
from fabula.render.amounts import percent
from fabula.types import TableLike


class MaskOptions(TypedDict, total=False):
    """What `mask` and `prepare` can be told, as `mask` explains it."""

    person: str | None
    columns: Mapping[str, str]
    locale: Sequence[str]
    key_file: str | os.PathLike[str] | None
    detector: Detector | str | None


def prepare(data: TableLike | Sequence[Path], **options: Unpack[MaskOptions]) -> Masking:
    """Look at data, and decide what a masking does to each column; nothing is written.

    Args:
        data: As for `mask`.
        **options: As for `mask`.

    Raises:
        FabulaError: As `mask`.
    """
    key_file = options.get("key_file")
    secret = Secret.find(Path(key_file) if key_file else None)
    sources, files, notes = sources_of(data)
    detector, person = options.get("detector"), options.get("person")
    if isinstance(detector, str):
        detector = detector_called(detector)
    within = {n: n.removesuffix(f".{s.level}") for n, s in sources.items() if _is_list(s)}
    sources = _with_outer(sources, within, person)
    samples = {name: source.sample() for name, source in sources.items()}
    plan = propose(
        samples,
        person=person,
        columns=options.get("columns") or {},
        locales=codes_of(options.get("locale") or ()),
        finds_third_parties=detector is not None,
        within=within,
    )
    plan = replace(plan, notes=(*notes, *plan.notes))
    masking = Masking(sources, files, plan, secret, NewPeople(secret, ()), detector=detector)
    return completed(masking, samples)


def _is_list(source: Source) -> TypeGuard[JsonSource]:
    return isinstance(source, JsonSource) and bool(source.level)


def _with_outer(
    sources: Mapping[str, Source], within: Mapping[str, str], person: str | None
) -> dict[str, Source]:
    """The sources; items of lists get the columns that identify the outer row's person."""
    roots = {name: sources[name].sample() for name in dict.fromkeys(within.values())}
    people = people_of(drafts_of(roots), dict.fromkeys(roots, person)) if roots else {}
    found: dict[str, Source] = {}
    for name, source in sources.items():
        around = people.get(within.get(name, ""))
        found[name] = (
            replace(source, outer=around.columns)
            if _is_list(source) and around is not None
            else source
        )
    return found


def completed(masking: Masking, samples: Mapping[str, pa.Table], ask: Ask = as_option) -> Masking:
    """A masking that knows what its rows contain, as far as new people depend on it.

    Args:
        masking: What happens to which column, by which key; its people are still open.
        samples: Rows of each table.
        ask: How people ask for an action of a column, for hints.
    """
    secret, sources = masking.secret, masking.sources
    plan = naming_people(masking.plan, samples, sources)
    named = [
        t
        for t in plan.tables.values()
        if t.person and any(a.detail in NAMES for a in t.columns.values())
    ]
    tells_sexes = any(table.sex for table in named) and not all(table.sex for table in named)
    joins = frozenset().union(*(table.joins for table in plan.tables.values()))
    known = Known(secret, plan.locales, joins=joins, tells_sexes=tells_sexes)
    for name, source in sources.items():
        columns = known.columns(plan.tables[name])
        for block in source.tables(columns) if columns else ():
            known.add(plan.tables[name], block)
    finders = {kind: find for kind in sorted(joins) if (find := known.finder(kind))}
    tables = {
        name: replace(table, aliases={k: f for k, f in finders.items() if k in table.joins})
        for name, table in plan.tables.items()
    }
    actions = [a for table in plan.tables.values() for a in table.columns.values()]
    is_drawn = any(
        a.action == "notes" or a.detail in DRAWN for a in actions
    )  # else no list is read
    locales, said = known.locales() if is_drawn else (list(plan.locales), [])
    for kind, count in known.ambiguous.items():
        what = "e-mail" if kind == EMAIL else kind
        if count:
            several = f"1 {what} belongs" if count == 1 else f"{count:,} {what}s belong"
            said.append(f"{several} to several people, and can't tell whose row is whose")
    for name, table in plan.tables.items():
        if secret.kept and table.sex and table in named:
            told = f"first names of `{name}` agree with `{table.sex.name}`"
            said.append(f"{told}; files without that column give other names")
    # in one-off mode no word of a real name recurs, as long as the lists suffice
    taken = known.taken if is_drawn and (secret.kept or said) else None
    people = NewPeople(secret, locales, taken, known.sex_finder())
    if taken and secret.kept and (share := people.share_drawn_again()):
        told = f"about {percent(share)}" if share >= 0.001 else f"about 1 in {round(1 / share):,}"
        said.append(
            f"{told} of new names were those of real people, and are others instead: in a file with"
            " other people these can differ, under the same key"
        )
    noted = (*masking.notes, *plan.notes, *said)
    masking = replace(masking, plan=replace(plan, tables=tables), people=people, notes=noted)
    return _with_everyone(masking, ask)


def _with_everyone(masking: Masking, ask: Ask) -> Masking:
    """The masking with the identifiers of all people, where notes are searched for them.

    Raises:
        SpecError: People who differ would get the same national id, whose birth dates move with
            their people, by moving to the same birthday.
    """
    tables = masking.plan.tables
    with_notes = any(a.action == "notes" for t in tables.values() for a in t.columns.values())
    everyone = Everyone(single_names=not masking.secret.kept) if with_notes else None
    ids: dict[str, list[NDArray[np.uint64]]] = {}
    for name, source in masking.sources.items():
        masker = masking.masker(name)
        replaced = {
            column: action
            for column, action in masker.table.columns.items()
            if action.action == "replace"
            and (action.scheme in DATED or (everyone is not None and action.detail != "key"))
        }
        for block in source.tables(masker.needed) if replaced else ():
            made = masker.made(block, replaced)
            old = {column: whole_texts(block.column(column)) for column in replaced}
            new = {column: whole_texts(values) for column, values in made.items()}
            for column in (c for c, action in replaced.items() if action.scheme in DATED):
                pair = (old[column], new[column])
                hashes = [masking.secret.digests(each, "same id", 8).view("<u8") for each in pair]
                ids.setdefault(f"{name}.{column}", []).append(np.concatenate(hashes, axis=1))
            if everyone is not None:
                _add(everyone, replaced, old, new)
    problems = []
    for where, pairs in ids.items():
        known = np.unique(np.concatenate(pairs), axis=0)
        if lost := len(known) - len(np.unique(known[:, 1])):
            told = f"{lost:,} of {len(known):,} new national ids"
            message = f"{told} in `{where}` would be those of others"
            hint = f"{ask(where, 'replace: code')} keeps them distinct, without dates that agree"
            problems.append(Violation("mask.same-id", message, where, hint))
    if problems:
        raise SpecError(problems)
    return replace(masking, everyone=everyone)


def _add(
    everyone: Everyone,
    actions: Mapping[str, ColumnAction],
    old: Mapping[str, pa.Array],
    new: Mapping[str, pa.Array],
) -> None:
    """Add the identifiers of some rows."""
    names = {}
    for column, action in actions.items():
        real = are_people(old[column])
        everyone.add(action.detail, old[column].filter(real), new[column].filter(real))
        if not action.of:
            names[action.detail] = (old[column], new[column])
    if {"first_name", "last_name"} <= names.keys():
        parts = zip(names["first_name"], names["last_name"], strict=True)
        everyone.add("name", *(full(*pair) for pair in parts))


def codes_of(locales: Sequence[str]) -> tuple[str, ...]:
    """The codes of some locales."""
    codes = [locales] if isinstance(locales, str) else locales
    return tuple(load_locale(code).code for code in codes)
