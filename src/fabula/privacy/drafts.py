"""What is known before a masking: personal details, keys, and the people of each row."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from fabula.io.arrays import plain_type
from fabula.io.written.columns import written_form
from fabula.io.written.time_forms import TimeForm
from fabula.pii.finding import SAMPLE, find_in_table
from fabula.pii.kinds import Finding, named
from fabula.pii.wordings import path_share
from fabula.privacy.actions import PersonColumns
from fabula.privacy.files.json_bytes import OUTER
from fabula.privacy.people import EMAIL
from fabula.privacy.texts import are_people
from fabula.relationships.key_names import named_as_key, singular
from fabula.relationships.keys import Keys
from fabula.relationships.stated import known_keys

_GENERIC = frozenset({"id", "key", "nr", "no", "number", "code", "name", "uuid"})
_STEM = re.compile(r"[\W_\d]+$")
_NAMES = ("name", "first_name", "last_name")
_SPOKEN = (*_NAMES, "email", "street", "address", "city", "company")
"""What people write of themselves: no key, even where it never repeats or another table has it."""
_OWN = frozenset({"email", "phone", "birth_date", "national_id", "username"})
_TEXT_WORDS, _LONG = 4, 40
_SOME = 2_000
_NEARLY_ALL = 0.95
"""The share of different values from which a column of codes distinguishes each row."""

SHARED = 2
"""Of how many rows or people a value is on average, from which it is nobody's own."""

_DETAIL = re.compile(r"(?i)[\W_]*((full|first|last|given|family|user|e)[\W_]*)?"
                     r"(name|mail|id|nr|no|key|number|company)$")  # fmt: skip


@dataclass(frozen=True, eq=False)
class Draft:
    """What is known about one table.

    Attributes:
        name: Its name.
        sample: Rows of it; values of CSV are texts.
        typed: The same rows with numbers as numbers.
        found: Its personal details by column.
        keys: The keys of all tables.
    """

    name: str
    sample: pa.Table
    typed: pa.Table
    found: Mapping[str, Finding]
    keys: Keys

    @property
    def has_people(self) -> bool:
        """Whether the rows are about people of their own, and not of those of another table."""
        kinds = {each.kind for column, each in self.found.items() if not self.is_shared(column)}
        named = kinds & {*_NAMES}
        return "email" in kinds or bool(named & {"last_name"}) or bool(named and kinds & _OWN)

    def is_shared(self, column: str) -> bool:
        """Whether a column is about people who recur in rows, as the doctors of visits do."""
        values, key = self.typed.column(column).drop_null(), self.keys.primary.get(self.name, ())
        if not len(values) or SHARED * len(pc.unique(values)) > len(values):
            return False
        own = {"", singular(self.name.lower().rpartition(".")[2]), *map(role_of, key)}
        return self.found[column].kind == "email" or role_of(column) not in own

    @property
    def is_personal(self) -> bool:
        """Whether a column is about people, whatever other columns contain."""
        return any(
            finding.direct and finding.kind not in ("plate", "uuid")
            for finding in self.found.values()
        )

    @property
    def own_key(self) -> str | None:
        """The column of the primary key, if it is one column of its own; days name nobody."""
        key = self.keys.primary.get(self.name, ())
        if len(key) != 1 or self.is_reference(key[0]) or is_date(self.sample.column(key[0])):
            return None
        return key[0]

    def identifies(self, column: str) -> bool:
        """Whether a column distinguishes rows: a key, or named like one, or differing codes."""
        if self.keys.primary.get(self.name) == (column,):
            return True
        finding = self.found.get(column)
        if finding is not None and finding.kind == "postcode" and named("postcode", column):
            return False
        values = self.typed.column(column)
        if (
            pa.types.is_floating(values.type)
            or is_date(self.sample.column(column))
            or values.null_count
            or len(values) < 2
        ):
            return False
        return is_code(values, column) and len(pc.unique(values)) == len(values)

    def columns_of(self, *kinds: str) -> tuple[str, ...]:
        """The columns of some kinds."""
        return tuple(name for name, each in self.found.items() if each.kind in kinds)

    def target(self, column: str) -> tuple[str, str]:
        """The table and column that a column's values are keys of; its own for all others."""
        place = (self.name, column)
        for _ in range(len(self.keys.foreign)):
            parents = [
                (key.parent, key.key[0])
                for key in self.keys.foreign
                if (key.child, *key.columns) == place and (key.parent, *key.key) != place
            ]
            if not parents:
                break
            place = parents[0]
        return self._namesake(column) if place == (self.name, column) else place

    def _namesake(self, column: str) -> tuple[str, str]:
        """The key of another table that has the column's name: samples may miss a reference."""
        if column.lower() in _GENERIC or self.keys.primary.get(self.name) == (column,):
            return self.name, column
        named = [
            (table, key[0])
            for table, key in self.keys.primary.items()
            if len(key) == 1 and key[0].lower() == column.lower() and table != self.name
        ]
        return named[0] if len(named) == 1 else (self.name, column)

    def is_reference(self, column: str) -> bool:
        """Whether values of a column are keys of another column."""
        return self.target(column) != (self.name, column)


def drafts_of(samples: Mapping[str, pa.Table]) -> dict[str, Draft]:
    """What is known about some tables by rows of each; values of CSV and JSON are texts."""
    numbers = {name: typed(table) for name, table in samples.items()}
    found = {name: find_in_table(table) for name, table in numbers.items()}
    coded = {
        name: table.drop_columns([c for c, each in found[name].items() if each.kind in _SPOKEN])
        for name, table in numbers.items()
    }
    keys = known_keys(coded)
    return {name: Draft(name, samples[name], numbers[name], found[name], keys) for name in samples}


def people_of(
    drafts: Mapping[str, Draft],
    wanted: Mapping[str, str | None],
    within: Mapping[str, str] | None = None,
) -> dict[str, PersonColumns | None]:
    """Which columns identify the person of each table's rows.

    Args:
        drafts: The tables.
        wanted: The column that people named for each table, with or without the table's name.
        within: The table around each table that is a list in its rows.
    """
    own = {name: _own(draft, wanted.get(name)) for name, draft in drafts.items()}
    found: dict[str, PersonColumns | None] = {}
    for name, draft in drafts.items():
        found[name] = own[name] or _referred(draft, own) or _by_details(draft)
        row = (within or {}).get(name, "")
        if (around := found.get(row)) is not None and own[name] is None and not draft.has_people:
            columns = tuple(OUTER + column for column in around.columns)
            found[name] = PersonColumns(columns, around.tags, f"a list in `{row}`")
    return found


def tag(table: str, column: str) -> str:
    """What the values of a key are: `customer_id`, or `customer.id` for a column called `id`."""
    plain = column.lower()
    if plain not in _GENERIC:
        return plain
    return f"{singular(_STEM.sub('', table.lower()) or table.lower())}.{plain}"


def role_of(column: str) -> str:
    """Whose detail a column is by its name: `doctor` of `doctor_name`, nothing of `name`."""
    return _DETAIL.sub("", spaced(column))


def spaced(column: str) -> str:
    """A column's name in small letters, its words apart."""
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", column.removeprefix(OUTER)).lower()


def typed(table: pa.Table) -> pa.Table:
    """A table of texts with numbers as numbers, for finders."""
    columns = {}
    for name in table.column_names:
        values = table.column(name)
        if is_text(values.type):
            known = pc.utf8_trim_whitespace(values.cast(pa.large_string()))
            known = pc.if_else(are_people(known, keys=True), known, pa.scalar(None, known.type))
            for form, kind in (
                (r"^-?(0|[1-9]\d{0,17})$", pa.int64()),
                (r"^-?\d+\.\d+$", pa.float64()),
                (r"^-?(0|[1-9]\d{0,14})(\.\d+)?$", pa.float64()),  # `5` among `73.44`
            ):
                if known.null_count < len(known) and _all(known, form):
                    values = known.cast(kind)
                    break
        columns[name] = values
    return pa.table(columns)


def form_of(values: pa.ChunkedArray) -> TimeForm | None:
    """How texts write dates; None if they contain something else."""
    if not is_text(values.type):
        return None
    some = some_of(values)
    written = written_form(some) if len(some) else None
    form = written.form if written else None
    return form if isinstance(form, TimeForm) and form.is_point else None


def is_date(values: pa.ChunkedArray) -> bool:
    """Whether values are dates or points in time, also as texts."""
    kind = values.type
    return bool(pa.types.is_date(kind) or pa.types.is_timestamp(kind)) or bool(form_of(values))


def is_free_text(values: pa.ChunkedArray) -> bool:
    """Whether values are sentences, hold e-mails among other text, or are paths with names."""
    if not is_text(values.type):
        return False
    some = some_of(values)
    if not len(some):
        return False
    if pc.any(pc.match_substring_regex(some, EMAIL_WITHIN)).as_py():
        return True
    if path_share(pc.unique(some)[:SAMPLE].to_pylist()) >= 0.5:
        return True
    words = pc.mean(pc.count_substring_regex(some, r"\p{L}\S*(\s|$)")).as_py()
    length = pc.mean(pc.utf8_length(some)).as_py()
    differing = len(pc.unique(some)) / len(some)
    return words >= _TEXT_WORDS and (differing > 0.5 or length > _LONG)


EMAIL_WITHIN = r"[\w.+-]+@[\w-]+\.[A-Za-z]{2}"
_WHOLE = r"(\d{1,3}(\.\d{3})+|\d{1,3}('\d{3})+|\d+)(,\d+)?|\d{1,3}(,\d{3})+(\.\d+)?|\d+\.\d+"
_AMOUNT = rf"^-?[€$£¥]? ?-?({_WHOLE})( ?[€$£¥%])?$"
"""An amount with a decimal comma, with commas between thousands, or with a currency."""


def is_code(values: pa.ChunkedArray, column: str) -> bool:
    """Whether values are codes of one row each, such as `A-00123`."""
    some = some_of(values)
    if len(some) < 2 or len(pc.unique(some)) < _NEARLY_ALL * len(some):
        return False
    if pa.types.is_integer(some.type):
        return named_as_key(column)
    if not pa.types.is_large_string(some.type):
        return False
    if _all(some, _AMOUNT) and pc.any(pc.match_substring_regex(some, r"[,€$£¥]")).as_py():
        return False
    coded = pc.match_substring_regex(some, r"^[^\s]*\d[^\s]*$")
    return bool(pc.mean(coded.cast(pa.int8())).as_py() >= _NEARLY_ALL)


def some_of(values: pa.ChunkedArray) -> pa.Array:
    """Known values, spread over all."""
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    known = values.drop_null()
    if is_text(known.type):
        known = known.cast(pa.large_string())
        known = known.filter(are_people(known))
    step = max(1, len(known) // _SOME)
    places = pa.array(range(0, len(known), step), pa.int64())
    whole = known.take(places).combine_chunks()
    return whole.chunk(0) if isinstance(whole, pa.ChunkedArray) else whole


def is_text(kind: pa.DataType) -> bool:
    """Whether values are texts, also as labels."""
    kind = plain_type(kind)
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def is_opaque(kind: pa.DataType) -> bool:
    """Whether values are nested or bytes, in which nothing is searched."""
    kind = plain_type(kind)
    return bool(
        pa.types.is_nested(kind)
        or pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_fixed_size_binary(kind)
    )


def has(draft: Draft, wanted: str) -> bool:
    """Whether a table has the column that a name, with or without a table's, stands for."""
    return bool(_called(draft, wanted))


def _called(draft: Draft, wanted: str) -> str | None:
    names = draft.sample.column_names
    own = wanted.removeprefix(f"{draft.name}.")
    return next((name for name in (wanted, own) if name in names), None)


def _own(draft: Draft, wanted: str | None) -> PersonColumns | None:
    """The key of a table's own people."""
    if wanted is not None and (column := _called(draft, wanted)):
        return _with_fallbacks(draft, column, "asked for")
    if wanted is not None and not draft.has_people:
        return None
    if draft.has_people and (key := draft.own_key):
        return _with_fallbacks(draft, key, f"`{key}` is the key of a table of people")
    return None


def _referred(draft: Draft, own: Mapping[str, PersonColumns | None]) -> PersonColumns | None:
    """A reference to another table's people."""
    for column in draft.sample.column_names:
        table, key = draft.target(column)
        person = own.get(table)
        if table != draft.name and person is not None and person.columns[0] == key:
            told = f"`{column}` is a key of `{table}`"
            return PersonColumns((column,), (person.tags[0],), told)
    return None


def _by_details(draft: Draft) -> PersonColumns | None:
    """An e-mail, or a name, that identifies the person."""
    if emails := draft.columns_of("email"):
        return _with_fallbacks(draft, emails[0], f"`{emails[0]}` tells people apart", EMAIL)
    if names := draft.columns_of("name"):
        return PersonColumns((names[0],), ("name",), f"no key or e-mail; `{names[0]}` tells people")
    return None


def _with_fallbacks(draft: Draft, column: str, reason: str, kind: str = "") -> PersonColumns:
    columns, tags = [column], [kind or tag(*draft.target(column))]
    for further, label in ((draft.columns_of("email"), EMAIL), (draft.columns_of("name"), "name")):
        if further and further[0] != column:
            columns.append(further[0])
            tags.append(label)
    return PersonColumns(tuple(columns), tuple(tags), reason)


def _all(known: pa.ChunkedArray, form: str) -> bool:
    return bool(pc.all(pc.match_substring_regex(known, form)).as_py())


def people_as_rows(draft: Draft, names: Sequence[str]) -> str:
    """The command that gives a file a header, or makes rows of fields that are called like people.

    Args:
        draft: What is known about the table.
        names: Its columns that are called like people.
    """
    file, columns = draft.name, draft.sample.column_names
    if len(names) == len(columns) > 1:
        rows = "[{'email': who, **(of if isinstance(of, dict) else {'value': of})}"
        people = f"json.load(open('{file}.json')).items()"
        work = f"import json; print(json.dumps({rows} for who, of in {people}]))"
        return f'python3 -c "{work}" > {file}-rows.json'
    header = ",".join(f"c{at + 1}" for at in range(len(columns)))
    return f"(echo {header}; cat {file}.csv) > {file}-named.csv"
