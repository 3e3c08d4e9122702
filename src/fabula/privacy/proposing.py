"""What to do with each column, proposed with a reason; what people ask for comes first."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from fabula.errors import SpecError, Violation, did_you_mean
from fabula.io.arrays import is_text, plain_type
from fabula.pii.kinds import BLURRED, TITLES, Finding
from fabula.privacy.actions import (
    ENCRYPTED,
    HASHED,
    PERIODS,
    ColumnAction,
    PersonColumns,
    TableMask,
    read_action,
)
from fabula.privacy.codes import shared_letters
from fabula.privacy.drafts import (
    EMAIL_WITHIN,
    Draft,
    drafts_of,
    form_of,
    has,
    is_code,
    is_date,
    is_free_text,
    is_opaque,
    people_as_rows,
    people_of,
    some_of,
    spaced,
    tag,
)
from fabula.privacy.others import joins_of, with_others
from fabula.synthesizers.pii.detect import likely_locales
from fabula.synthesizers.pii.gender_column import SexColumn

_WEAK = ("plate", "uuid", "company", "city")
"""Kinds that are personal only beside other details of people: codes of goods look like plates."""

_ADDRESS = {
    part: re.compile(rf"(?i)(^|[_.])({words})$")
    for part, words in {
        "city": "city|town|ort|stadt|ville|ciudad|città|village|municipality|gemeinde|suburb",
        "state": "state|province|region|county|bundesland|land_?kreis|canton",
        "country": "country|country_?(code|name)|land|pays|país|pais|nation|paese",
    }.items()
}
"""How columns are named that belong to an address."""

_FEW = 8
"""Values below which they alone don't tell what they are."""

_PERSONAL = re.compile(
    r"(?i)name|mail|phone|tel|fax|mobile|address|street|city|birth|born|dob|ssn|passport|iban|card"
)
_MOVED = ("coordinates", "coordinate")
NAMES = ("name", "first_name", "last_name")
"""Details that a person is called by."""


@dataclass(frozen=True)
class MaskPlan:
    """How the tables of a data set are masked.

    Attributes:
        tables: Each table by its name.
        locales: Whose names and places new people have.
        notes: What else people should know.
    """

    tables: Mapping[str, TableMask]
    locales: tuple[str, ...]
    notes: tuple[str, ...] = ()


Ask = Callable[[str, str], str]
"""How people ask for an action of a column, for hints."""


def as_option(column: str, action: str) -> str:
    """An action of a column as an option of the command line."""
    return f'`--column "{column}={action}"`'


def propose(
    samples: Mapping[str, pa.Table],
    *,
    person: str | Mapping[str, str] | None = None,
    columns: Mapping[str, str] | None = None,
    locales: Sequence[str] = (),
    finds_third_parties: bool = False,
    within: Mapping[str, str] | None = None,
    ask: Ask = as_option,
) -> MaskPlan:
    """Propose an action for each column of some tables.

    Args:
        samples: Rows of each table, with all of its columns; values of CSV are texts.
        person: The column that identifies the person, such as `customer_id`; or that of each table.
        columns: What people ask for, such as `{"city": "keep: confirmed"}`; names may begin with
            the table's.
        locales: Whose names new people have; by default, those of the names in the data.
        finds_third_parties: Whether there is a detector for notes.
        within: The table around each table that is a list in its rows.
        ask: How people ask for an action of a column, for hints.

    Raises:
        UsageError: There is no such action.
        SpecError: A column does not exist, a sensitive column is kept without being confirmed, or
            keys would not stay unique; all problems at once.
    """
    drafts = drafts_of(samples)
    asked, problems = _asked(drafts, columns or {})
    if isinstance(person, str) and not any(has(draft, person) for draft in drafts.values()):
        problems.append(_unknown(person, drafts))
    wanted = person if isinstance(person, Mapping) else dict.fromkeys(drafts, person)
    for name, column in wanted.items() if isinstance(person, Mapping) else ():
        if column and not has(drafts[name], column):
            unknown = _unknown(column, {name: drafts[name]})
            problems.append(replace(unknown, where=f"{name}:person"))
    people = people_of(drafts, wanted, within)
    keys = {
        drafts[name].target(who.columns[0]) for name, who in people.items() if who and who.is_key
    }
    personal = keys | {(n, key) for n, who in people.items() if who and (key := drafts[n].own_key)}
    tables = {}
    for name, draft in drafts.items():
        actions = {
            column: _completed(draft, column, asked.get((name, column)) or action)
            for column, action in _proposed(draft, people, personal).items()
        }
        actions = with_others(draft, actions, people[name], keys)
        problems += [*_named_by_people(draft), *_problems(draft, actions, ask)]
        problems += () if finds_third_parties else _unsearched(draft, actions, ask)
        tables[name] = TableMask(name, actions, people[name], key=draft.own_key)
    if problems:
        raise SpecError(problems)
    for name, joins in joins_of(drafts, tables).items():
        tables[name] = replace(tables[name], joins=joins)
    names = _names(drafts)
    chosen = tuple(locales) or (likely_locales("name", names) if len(names) else ("en",))
    few = [name for name, table in samples.items() if 0 < table.num_rows < _FEW]
    notes = [f"`{name}` has too few rows to tell what is personal by its values" for name in few]
    return MaskPlan(_with_sexes(tables, samples), chosen, tuple(notes))


def _asked(
    drafts: Mapping[str, Draft], columns: Mapping[str, str]
) -> tuple[dict[tuple[str, str], ColumnAction], list[Violation]]:
    """What people ask for, by table and column."""
    found, problems = {}, []
    for name, text in columns.items():
        action = read_action(text, name)
        places = [
            (draft.name, column)
            for draft in drafts.values()
            for column in draft.sample.column_names
            if name in (column, full := f"{draft.name}.{column}", full.partition(".")[2])
        ]
        if not places:
            problems.append(_unknown(name, drafts))
        found.update(dict.fromkeys(places, action))
    return found, problems


def _unknown(name: str, drafts: Mapping[str, Draft]) -> Violation:
    known = [column for draft in drafts.values() for column in draft.sample.column_names]
    known += [f"{draft.name}.{c}" for draft in drafts.values() for c in draft.sample.column_names]
    hint = did_you_mean(name, known) or f"the columns are {', '.join(known[: len(known) // 2])}"
    return Violation("mask.unknown-column", f"no table has the column `{name}`", name, hint)


def _proposed(
    draft: Draft, people: Mapping[str, PersonColumns | None], personal: set[tuple[str, str]]
) -> dict[str, ColumnAction]:
    """What is proposed for each column of a table."""
    made = {name: _action(draft, name, people, personal) for name in draft.sample.column_names}
    replaced = {action.detail for action in made.values() if action.action == "replace"}
    if replaced & {"street", "address", "postcode", "city"}:
        for name, action in made.items():
            part = next((p for p, words in _ADDRESS.items() if words.search(spaced(name))), "")
            if part and action.action == "keep" and is_text(draft.sample.column(name).type):
                if part == "country" and _are_codes_of_countries(draft.sample.column(name)):
                    part = "country_code"
                reason = f"the {part.replace('_', ' ')} of an address that is replaced"
                made[name] = ColumnAction("replace", part, reason=reason, kind=part)
    return made


def _are_codes_of_countries(values: pa.ChunkedArray) -> bool:
    return bool(pc.all(pc.match_substring_regex(some_of(values), r"^[A-Za-z]{2}$")).as_py())


def _action(
    draft: Draft,
    column: str,
    people: Mapping[str, PersonColumns | None],
    personal: set[tuple[str, str]],
) -> ColumnAction:
    person = people[draft.name]
    finding, values = draft.found.get(column), draft.sample.column(column)
    direct = finding is not None and finding.kind not in ("uuid", "phone", "coordinate")
    lossy = finding is not None and ColumnAction("replace", finding.made_as).is_lossy
    if draft.target(column) in personal and (lossy or not direct):
        return ColumnAction("replace", "key", reason="a key of people or of their rows", kind="key")
    dated = finding is not None and finding.made_as == "national_id"  # checked value by value
    is_someone = person is not None or (finding is not None and finding.kind in HASHED)
    if lossy and not dated and is_someone and draft.identifies(column):
        return ColumnAction("replace", "key", reason="a code that distinguishes rows", kind="code")
    nobody = person is None and not draft.is_personal
    if finding is not None and nobody and (finding.kind in _WEAK or _is_guess(finding)):
        told = f"{finding.reason}, in a table without people"
        return ColumnAction("keep", reason=told, confirmed=True)
    if finding is not None:
        kind, reason = finding.kind, finding.reason
        if kind in _MOVED:
            return ColumnAction("jitter", "1km", reason=reason, kind=kind)
        if kind == "birth_date":
            return ColumnAction("shift", reason=reason, kind=kind)
        return ColumnAction("replace", finding.made_as, reason=reason, kind=kind)
    if len(values) - values.null_count < _FEW and _PERSONAL.search(column):
        reason = "its name says personal details, and there are too few values to tell"
        return ColumnAction("redact", reason=reason, kind="untold")
    if is_opaque(values.type):
        return ColumnAction("redact", reason="nested values are not searched", kind="opaque")
    if is_free_text(values):
        return ColumnAction("redact", reason="free text, which may name people", kind="text")
    if person is not None and is_date(values):
        return ColumnAction("shift", reason="a date of the row's person")
    of_nobody = people.get(draft.target(column)[0]) is None  # whose table keeps its keys
    if person is not None and not of_nobody and is_code(draft.typed.column(column), column):
        return ColumnAction("replace", "key", reason="a code that distinguishes rows", kind="code")
    return ColumnAction("keep", reason="nothing personal was found")


def _is_guess(finding: Finding) -> bool:
    """Whether anything looks the same: fractions and dates that no name calls places or births."""
    return finding.kind in BLURRED and finding.share < 1


def _completed(draft: Draft, column: str, action: ColumnAction) -> ColumnAction:
    """An action with what the column's values tell: their kind, their form, their domain."""
    finding, values = draft.found.get(column), draft.sample.column(column)
    kind = action.kind or (finding.kind if finding else "")
    if not kind and is_opaque(values.type):
        kind = "opaque"
    elif not kind and is_free_text(values):
        kind = "text"
    detail = action.detail
    if action.action == "replace" and not detail:
        detail = "key" if draft.is_reference(column) else finding.made_as if finding else "code"
        detail = "code" if detail in (*_MOVED, "birth_date") else detail
    coded = detail in ("code", "key", "uuid")
    return replace(
        action,
        kind=kind,
        detail=detail,
        scheme=finding.scheme if finding and detail == "national_id" else "",
        form=form_of(values),
        fixed=shared_letters(some_of(draft.typed.column(column))) if coded else frozenset(),
        domain=tag(*draft.target(column)) if coded else detail,
    )


def _named_by_people(draft: Draft) -> Iterator[Violation]:
    """Columns, and fields of JSON, whose names are e-mails: no action changes names."""
    names = [n for n in draft.sample.column_names if re.search(EMAIL_WITHIN, n)]
    if names:
        more = f", as {len(names) - 1:,} more are" if len(names) > 1 else ""
        told = f"the name of a column of `{draft.name}` is an e-mail{more}: names stay as they are"
        hint = people_as_rows(draft, names)
        yield Violation("mask.personal-name", told, draft.name, hint)


def _problems(draft: Draft, actions: Mapping[str, ColumnAction], ask: Ask) -> Iterator[Violation]:
    """What is wrong with the actions of a table."""
    keys = {key.key[0] for key in draft.keys.foreign if key.parent == draft.name}
    keys |= {draft.own_key} if draft.own_key else set()
    for column, action in actions.items():
        where, kind = f"{draft.name}.{column}", action.kind
        values = draft.sample.column(column)
        if action.action == "keep" and kind and not action.confirmed:
            what = _TOLD.get(kind) or TITLES.get(kind, kind)
            yield Violation(
                "mask.sensitive-kept",
                f"`{where}` contains {what}, and is kept",
                where,
                f"{ask(where, 'keep: confirmed')} keeps it",
            )
        if column in keys and (action.is_lossy or action.action == "drop"):
            yield Violation(
                "mask.lossy-key",
                f"`{where}` is a key, and `{action.text}` makes different keys equal or loses them",
                where,
                f"{ask(where, 'replace: key')} keeps them distinct",
            )
        elif _makes_equal(action) and draft.identifies(column):
            yield Violation(
                "mask.lossy-key",
                f"`{where}` distinguishes rows, and `{action.text}` makes different values equal",
                where,
                f"{ask(where, 'replace: key')} keeps them distinct",
            )
        if action.action == "replace" and kind == "text" and action.detail == "code":
            yield Violation(
                "mask.prose",
                f"`{where}` contains free text, where `replace` would only change letters",
                where,
                f"{ask(where, 'notes: confirmed')} replaces what identifies people,"
                f" {ask(where, 'redact')} blanks all",
            )
        elif told := _misfit(action, values):
            yield Violation(
                "mask.wrong-type",
                f"`{where}` can't be treated by `{action.text}`: {told}",
                where,
                f"{ask(where, 'redact')} blanks it",
            )


def _makes_equal(action: ColumnAction) -> bool:
    """Whether `replace` may make values equal, and nothing looks whether it does."""
    checked = action.detail == "national_id"
    return action.action == "replace" and action.is_lossy and not checked


_TOLD = {
    "text": "free text",
    "key": "keys of people",
    "opaque": "nested values or bytes",
    "untold": "too few values to tell, below a name that says personal details",
}
"""What columns contain beside personal details."""


def _misfit(action: ColumnAction, values: pa.ChunkedArray) -> str:
    """Why an action does not suit the values of a column; empty if it does."""
    kind = plain_type(values.type)
    written = is_text(kind)
    number = pa.types.is_integer(kind) or pa.types.is_floating(kind)
    match action.action:
        case "shift" if not is_date(values):
            return "it has no dates in one form"
        case "generalise" if action.detail in PERIODS and not is_date(values):
            return "it has no dates in one form"
        case "generalise" if action.detail not in PERIODS and not (written or number):
            return f"it has values of type {kind}"
        case "jitter" if not (written or pa.types.is_floating(kind)):
            return f"it has values of type {kind}"
        case "notes" if not written:
            return f"it has values of type {kind}"
        case "replace" if not (written or pa.types.is_integer(kind)):
            return f"it has values of type {kind}"
        case "replace" if pa.types.is_integer(kind) and action.detail not in _OF_NUMBERS:
            return f"whole numbers become no {action.detail}"
    return ""


_OF_NUMBERS = (*ENCRYPTED, "postcode")


def _unsearched(draft: Draft, actions: Mapping[str, ColumnAction], ask: Ask) -> Iterator[Violation]:
    """Notes in which nothing finds the names of people whom no table knows."""
    for column, action in actions.items():
        if action.action == "notes" and not action.confirmed:
            where = f"{draft.name}.{column}"
            yield Violation(
                "mask.no-detector",
                f"names of people outside the tables stay in `{where}`: there is no detector",
                where,
                f"{ask(where, 'notes: confirmed')} accepts that, {ask(where, 'redact')} blanks all",
            )


def _names(drafts: Mapping[str, Draft]) -> pa.Array:
    """Names of all tables, for their languages."""
    parts = [
        some_of(draft.sample.column(column)).cast(pa.large_string())
        for draft in drafts.values()
        for column in draft.columns_of(*NAMES)
    ]
    return pc.unique(pa.concat_arrays([pa.array([], pa.large_string()), *parts]))


def _with_sexes(
    tables: Mapping[str, TableMask], samples: Mapping[str, pa.Table]
) -> dict[str, TableMask]:
    """The tables with the column of the person's sex, with which new names agree."""
    return {
        name: replace(table, sex=SexColumn.of(samples[name]) if table.person else None)
        for name, table in tables.items()
    }
