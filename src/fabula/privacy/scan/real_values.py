"""What a scan searches: the values of the sensitive columns of real tables, and their parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.errors import UsageError, did_you_mean
from fabula.io.arrays import array_of
from fabula.pii import find_in_table
from fabula.pii.lexicon import all_first, all_last, all_towns
from fabula.privacy.folding import CLASS, DIGIT, LEAST_EASTERN, are_eastern
from fabula.privacy.notes.dates import spelled_dates
from fabula.privacy.notes.details import TAIL, all_dialled
from fabula.privacy.notes.masking import BLOCK
from fabula.privacy.notes.names import Names, person_names
from fabula.privacy.notes.needles import Mention
from fabula.privacy.notes.ordinary import is_ordinary
from fabula.privacy.run_index import HashSet, LikelyHashes, RunIndex
from fabula.privacy.scan.chance import Codes
from fabula.privacy.scan.nested import plain_tables
from fabula.privacy.scan.unkeyed import UnkeyedHashes
from fabula.privacy.squeezed import Counts, Hashes, Squeezed, runs_of

SHARED = ("first_name", "last_name", "city", "postcode", "company", "coordinate")
"""Details that many people have: they tell someone only with the rest of a row."""

_EXACT = ("ip", "coordinates", "mac")
"""Values that their punctuation tells: `10.0.0.1` is not 10001."""

BEGINNING = "at the beginning of a longer one"
"""`s.brown` in `s.brown47`, which may be another person's."""

_LEAST, _LEAST_NAME, _LEAST_LOCAL, _CERTAIN = 6, 4, 10, 8
_TAILED = ("phone", "card", "account", "national_id")


@dataclass(frozen=True)
class Sought:
    """One sort of real values.

    Attributes:
        table: The real table.
        column: Its column.
        kind: The kind of detail.
        form: How the value is written, where not as it is.
    """

    table: str
    column: str
    kind: str
    form: str = ""


@dataclass(frozen=True)
class PersonWords:
    """First and last names of real people by their hashes."""

    first: HashSet
    last: HashSet
    likely: LikelyHashes
    pairs: Hashes
    alone: HashSet

    @staticmethod
    def together(first: Counts, last: Counts) -> Hashes:
        """One number for a first and a last name."""
        return (first.astype(np.uint64) << np.uint64(32)) | last.astype(np.uint64)


class RealValues:
    """The values of real tables that must not occur in what is given away.

    Args:
        tables: The real tables by name.
        sensitive: Columns that are searched, whatever they hold; `table.column` or `column`.

    Raises:
        UsageError: There is no such column, or nothing in the tables is sensitive.
    """

    def __init__(self, tables: Mapping[str, pa.Table], sensitive: Sequence[str] = ()) -> None:
        tables = dict(plain_tables(tables))
        self.sought: list[Sought] = []
        self.index = RunIndex()
        self.own: dict[str, list[Mention]] = {}
        self.rows = {name: table.num_rows for name, table in tables.items()}
        self.columns = _sensitive(tables, sensitive)
        self._hashable: list[tuple[Sought, pa.Array]] = []
        self._labels: list[Counts] = []
        self._words: list[Counts] = []
        self._apart: list[NDArray[np.bool_]] = []
        self._longer: dict[int, int] = {}
        self.codes = Codes()
        names: list[tuple[Names, Names]] = []
        for (table, column), kind in self.columns.items():
            texts = texts_of(tables[table].column(column))
            self._add(Sought(table, column, kind), texts)
            self.own.setdefault(table, []).append(Mention(kind, texts, texts))
        for table, own in self.own.items():
            found = person_names(own)
            pairs = [pair for pair in zip(found[::2], found[1::2], strict=False)
                     if (pair[0].kind, pair[1].kind) == ("first_name", "last_name")]  # fmt: skip
            names += pairs
            for pair in pairs:
                self._add_joined(table, *pair)
        self.labels: Counts = np.concatenate([np.zeros(0, np.int64), *self._labels])
        self.words: Counts = np.concatenate([np.zeros(0, np.int64), *self._words])
        self.apart: NDArray[np.bool_] = np.concatenate([np.zeros(0, bool), *self._apart])
        self.longer: Counts = np.arange(len(self.sought))
        self.longer[list(self._longer)] = list(self._longer.values())
        self.people = _people(names)
        self.unkeyed = UnkeyedHashes([values for _, values in self._hashable])
        self.hashable = [sought for sought, _ in self._hashable]

    def mentions(self, table: str) -> Iterator[tuple[str, Mention]]:
        """The sensitive columns of a table, each with its values."""
        columns = [column for name, column in self.columns if name == table]
        yield from zip(columns, self.own[table], strict=True)

    def _add(self, sought: Sought, texts: pa.Array) -> None:
        distinct = pc.unique(texts).drop_null()
        distinct = distinct.filter(pc.not_equal(distinct, ""))
        kind = sought.kind
        if kind in ("birth_date", "date"):
            for form in spelled_dates(distinct):
                self._add_runs(sought, pa.array(form, pa.large_string()), 6)
            return
        if kind in SHARED:
            return
        self._hashable.append((sought, distinct))
        self._add_runs(sought, distinct, _LEAST_NAME if kind == "name" else _LEAST)
        if kind == "username" and sought in self.sought[-1:]:
            self._longer[len(self.sought) - 1] = len(self.sought)
            self.sought.append(replace(sought, form=BEGINNING))
        self._add_runs(replace(sought, form="reversed"), pc.utf8_reverse(distinct), _CERTAIN)
        if kind == "email":
            locals_ = pc.replace_substring_regex(distinct, "(?s)@.*", "")
            self._add_runs(replace(sought, form="local part"), locals_, _LEAST_LOCAL)
        if kind in _TAILED:
            self.sought.append(replace(sought, form="last digits"))
            digits = all_dialled(distinct)
            digits = digits.filter(pc.greater_equal(pc.utf8_length(digits), TAIL))
            self.codes.add_tails(len(self.sought) - 1, kind, digits)

    def _add_joined(self, table: str, first: Names, last: Names) -> None:
        """Add names of two columns as one word, last name first, in scripts without spaces."""
        column = next((c for (t, c), kind in self.columns.items()
                       if (t, kind) == (table, "last_name")), None)  # fmt: skip
        rows = are_eastern(last.runs.first) & (last.runs.lengths > 0) & (first.runs.lengths > 0)
        if column is not None and rows.any():
            empty = pa.scalar("", pa.large_string())
            both = (names.old.filter(array_of(rows)) for names in (last, first))
            joined = pc.unique(pc.binary_join_element_wise(*both, empty))
            sought = Sought(table, column, "name", "with the first name")
            self._add_runs(sought, joined, _LEAST_NAME)

    def _add_runs(self, sought: Sought, texts: pa.Array, least: int) -> None:
        """Add values of a sort in blocks that fit into the caches of a processor."""
        number = len(self.sought)
        for first in range(0, len(texts), BLOCK):
            self._add_block(sought, number, texts.slice(first, BLOCK), least)

    def _add_block(self, sought: Sought, number: int, texts: pa.Array, least: int) -> None:
        squeezed = Squeezed.of(texts)
        whole = squeezed.whole()
        words = squeezed.word_counts
        short_name = are_eastern(whole.first) & (sought.kind == "name" and least <= _LEAST_NAME)
        is_long = whole.lengths >= np.where(short_name, LEAST_EASTERN - 1, least)
        kept = is_long & ~is_ordinary(whole.hashes)
        if sought.kind == "name":
            kept &= words > 1
        rows = np.flatnonzero(kept)
        if not len(rows):
            return
        self.index.add(squeezed, rows)
        if number == len(self.sought):
            self.sought.append(sought)
        self._labels.append(np.full(len(rows), number))
        self.codes.add(number, sought.kind, squeezed, rows)
        short = whole.lengths < _CERTAIN
        if sought.kind == "name":  # John Stone is no Johnstone
            short[_known_words().find(whole.hashes)[0]] = True
            least_words = np.where(short, 2, 1)
        elif sought.kind in _EXACT:
            least_words = words
        elif sought.kind == "username":  # w.atkins is no Watkins
            known = np.zeros(len(words), bool)
            known[_known_words().find(whole.hashes)[0]] = True
            least_words = np.where(known, words, 1)
        else:
            letters = np.concatenate([[0], np.cumsum(squeezed.kinds & CLASS != DIGIT)])
            plain = letters[squeezed.row_ends[1:]] == letters[squeezed.row_ends[:-1]]
            least_words = np.where(short & plain, words, 1)
        self._words.append(least_words[rows])
        self._apart.append((short_name & (whole.lengths < LEAST_EASTERN))[rows])


@lru_cache(maxsize=1)
def _known_words() -> HashSet:
    """Names and towns that are one word."""
    return HashSet(runs_of(sorted(all_last() | all_first() | all_towns())).hashes)


def _sensitive(tables: Mapping[str, pa.Table], named: Sequence[str]) -> dict[tuple[str, str], str]:
    """The kinds of the sensitive columns by table and column."""
    found = {
        (name, column): finding.kind
        for name, table in tables.items()
        for column, finding in find_in_table(table).items()
    }
    everything = [(name, column) for name, table in tables.items() for column in table.column_names]
    for each in named:
        mine = [key for key in everything if each == key[1] or _is_in(each, ".".join(key))]
        if not mine:
            known = sorted({column for _, column in everything})
            raise UsageError(
                f"the real data has no column `{each}`",
                code="scan.no-column",
                hint=did_you_mean(each, known) or f"it has {', '.join(known[:20])}",
            )
        found |= {key: found.get(key, "value") for key in mine}
    if not found:
        raise UsageError(
            "nothing in the real data was recognised as a personal detail",
            code="scan.nothing-sensitive",
            hint="name the columns to search: `--sensitive name,email`",
        )
    return found


def _is_in(named: str, place: str) -> bool:
    """Whether a name stands for `table.column.field`, or for an object or list around it."""
    whole = "." in named and f"{place}.".startswith(f"{named}.")
    return whole or f".{named}." in f".{place.partition('.')[2]}."


def texts_of(values: pa.ChunkedArray) -> pa.Array:
    """Values as texts: whole numbers without a point."""
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    if pa.types.is_floating(values.type):
        values = pc.cast(values, pa.int64(), safe=False) if _is_whole(values) else values
    return values.cast(pa.large_string()).combine_chunks()


def _is_whole(values: pa.ChunkedArray) -> bool:
    return bool(pc.all(pc.equal(pc.floor(values), values)).as_py())


def _people(names: Sequence[tuple[Names, Names]]) -> PersonWords:
    """All first and last names, and which real people have together."""
    sides = []
    for side in (0, 1):
        runs = [pair[side].runs for pair in names]
        hashes = np.concatenate([np.zeros(0, np.uint64), *(run.hashes for run in runs)])
        lengths = np.concatenate([np.zeros(0, np.int64), *(run.lengths for run in runs)])
        sides.append((hashes, lengths))
    (first, first_size), (last, last_size) = sides
    known = (first_size > 1) & (last_size > 1)
    unique = [np.unique(hashes[known]) for hashes in (first, last)]
    numbers = [np.searchsorted(unique[0], first[known]), np.searchsorted(unique[1], last[known])]
    pairs = PersonWords.together(*numbers)
    single = np.concatenate([first[first_size > 2], last[last_size > 2]])
    likely = LikelyHashes(np.concatenate(unique))
    return PersonWords(HashSet(unique[0]), HashSet(unique[1]), likely, np.unique(pairs),
                       HashSet(np.unique(single[~is_ordinary(single)])))  # fmt: skip
