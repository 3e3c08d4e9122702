"""Real values that no synthetic row may hold: those of declared columns, and personal details.

Values are looked for as whole cells of their own column, whatever it holds, and as phrases in any
cell of any table: inside a longer text, whatever their case, numbers whatever their punctuation.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.evaluation.metrics.result import noise
from fabula.pii import Finding, find_in_table
from fabula.pii.kinds import TITLES
from fabula.relationships.common_types import kind_of, labelled, plain

MOST_WORDS = 6
"""Longer values are prose, not something that names a person."""

SHORTEST, FEWEST_DIGITS = 4, 5
"""Shorter texts, and numbers of fewer digits, occur in other columns by chance."""

SHARED = ("city", "birth_date", "postcode", "first_name", "last_name", "coordinate")
"""Details that many people have: one that recurs points at nobody."""

NAMESAKES = ("name", "company")
"""Details that two people or firms may have in common by chance."""

NAMED_OTHERWISE = 100
"""Further people who share no word of these names: two Smiths among thirty prove little."""

Texts: TypeAlias = Mapping[str, pa.ChunkedArray]

_WORDS = re.compile(r"[^\s,;:!?()\[\]{}<>\"]+")
_DIGITS = re.compile(r"\+?\d[\d\s().-]{5,}\d")


@dataclass(frozen=True)
class Secret:
    """Real values that must not occur in synthetic rows.

    Attributes:
        columns: The real column, or several whose values make one secret together.
        what: What they hold, in words; empty for a declared column.
        phrases: The values in the form in which they are looked for in any cell.
        cells: The values as whole cells of columns of the same names.
        only: The columns in which phrases are looked for; None for all columns of all tables.
        chance: The share of rows that hold one by chance; None if none may recur.
        held: How many held-back rows that share was seen in; 0 where it was computed.
    """

    columns: tuple[str, ...]
    what: str
    phrases: frozenset[str]
    cells: frozenset[str] = frozenset()
    only: frozenset[str] | None = None
    chance: float | None = None
    held: int = 0

    @property
    def told(self) -> str:
        """The columns in words."""
        return listed(self.columns) + (f" ({self.what})" if self.what else "")

    def allowed(self, rows: int) -> float:
        """The largest share of that many synthetic rows that chance explains."""
        if self.chance is None:
            return 0.0
        if self.held:
            return self.chance + noise(self.chance, rows, self.held)
        return self.chance + 3 * math.sqrt(self.chance / rows)


@dataclass(frozen=True)
class Hits:
    """Where secrets recur in a table.

    Attributes:
        rows: For each secret that recurs, by its place in the list, the rows that hold it.
        columns: For each, the columns that hold it, with the first row that does, from 1.
    """

    rows: dict[int, NDArray[np.bool_]] = field(default_factory=dict)
    columns: dict[int, dict[str, int]] = field(default_factory=dict)

    def told(self, secrets: Iterable[int]) -> str:
        """Where some of the secrets are, in words."""
        first: dict[str, int] = {}
        for at in secrets:
            for name, row in self.columns[at].items():
                first[name] = min(row, first.get(name, row))
        return ", ".join(f"{name} (first in row {row:,})" for name, row in first.items())


def declared(tables: Sequence[pa.Table], names: Sequence[str]) -> list[Secret]:
    """The columns that a caller names, whatever they hold.

    Args:
        tables: The real rows and the held-back ones.
        names: The columns; those that no table has are left out.
    """
    secrets = []
    for name in names:
        cells = frozenset[str]().union(*(_labels(table, (name,)) for table in tables))
        phrases = frozenset(phrase for cell in cells for phrase in phrases_of(cell, prose=True))
        secrets.append(Secret((name,), "", phrases, cells))
    return [secret for secret in secrets if secret.cells]


def personal(
    real: pa.Table, holdout: pa.Table | None, replaced: Collection[str] = ()
) -> tuple[list[Secret], frozenset[str]]:
    """The columns whose values tell, by themselves, who somebody is; and all with personal details.

    Args:
        real: The real rows, whose values tell what a column contains.
        holdout: The held-back rows. Their people are real, too.
        replaced: Columns whose names a model replaces by ones that are never real: chance explains
            none of them.
    """
    found = find_in_table(real)
    columns: dict[tuple[str, ...], str] = {
        (name,): finding.kind for name, finding in found.items() if finding.kind not in SHARED
    }
    columns |= dict.fromkeys(_split_names(found), "name")
    columns |= dict.fromkeys(_places(found, real.column_names), "coordinate")
    secrets = []
    for names, kind in columns.items():
        cells = _labels(real, names)
        cells |= frozenset() if holdout is None else _labels(holdout, names)
        chances: Mapping[str, float] = {}
        if kind in NAMESAKES and not set(names) <= set(replaced):
            chances = _namesakes(cells)
        secrets.append(_personal(names, kind, cells - chances.keys()))
        if chances:
            shared = _personal(names, kind, frozenset(chances))
            secrets.append(replace(shared, chance=sum(chances.values())))
    return secrets, frozenset(found)


def _personal(names: tuple[str, ...], kind: str, cells: frozenset[str]) -> Secret:
    """What is looked for of a column of personal details."""
    if kind == "coordinate":
        return Secret(names, TITLES[kind], frozenset(), cells, chance=_met_places(cells))
    # `apple` may be a firm or a fruit: one word means its owner in its own column alone
    phrases = frozenset(
        phrase
        for cell in cells
        for phrase in phrases_of(cell, prose=True)  # an address is none, however long
        if not phrase.isalpha()
    )
    turned = _turned(phrases) if kind == "name" else frozenset[str]()
    return Secret(names, TITLES[kind], phrases | turned, cells)


def varied(texts: Texts, halves: tuple[Texts, Texts], *, held_back: bool) -> list[Secret]:
    """Columns of short texts that differ from row to row, of which some may recur by chance.

    Args:
        texts: The real columns.
        halves: Those of real and of held-back rows, or of two halves of the real rows: what both
            share is chance.
        held_back: Whether rows were held back. Where two halves share nothing, nothing may recur,
            but for single words, which towns and first names are.
    """
    secrets, known = (
        [
            Secret((name,), "", _phrases(values), only=frozenset(part))
            for name, values in part.items()
        ]
        for part in (texts, halves[0])
    )
    rows = pa.table(dict(halves[1]))
    found = search(rows, known).rows
    shares = [float(found[at].mean()) if at in found else 0.0 for at in range(len(secrets))]
    return [
        secret
        if not share
        and not held_back
        and 2 * sum(map(str.isalpha, secret.phrases)) < len(secret.phrases)
        else replace(secret, chance=share, held=rows.num_rows)
        for secret, share in zip(secrets, shares, strict=True)
    ]


def search(table: pa.Table, own: Sequence[Secret], others: Sequence[Secret] = ()) -> Hits:
    """Look for secrets in every cell of a table.

    Args:
        table: The rows.
        own: The secrets of the real table of this name.
        others: Those of other tables, whose phrases are looked for, too.
    """
    secrets, hits = [*own, *others], Hits()
    anywhere = {
        phrase: at for at, item in enumerate(secrets) if not item.only for phrase in item.phrases
    }
    here = {phrase: at for at, item in enumerate(own) if item.only for phrase in item.phrases}
    there = frozenset[str]().union(*(item.only for item in own if item.only))
    together = [item.columns for item in own if len(item.columns) > 1 and not item.only]
    known = set(table.column_names)
    for names in [*((name,) for name in table.column_names), *together]:
        if not known.issuperset(names):
            continue
        phrases = here | anywhere if there.issuperset(names) else anywhere
        cells = {
            cell: at for at, item in enumerate(own) if item.columns == names for cell in item.cells
        }
        for rows, values in leaves(joined(table, names)):
            found, which = _hits_of(values, phrases, cells)
            found = found if rows is None else rows[found]
            for at in np.unique(which).tolist():
                held = hits.rows.setdefault(at, np.zeros(table.num_rows, dtype=bool))
                mine = found[which == at]
                held[mine] = True
                hits.columns.setdefault(at, {}).setdefault(listed(names), int(mine[0]) + 1)
    return hits


def leaves(column: pa.ChunkedArray) -> Iterator[tuple[NDArray[np.int64] | None, pa.ChunkedArray]]:
    """The plain values of a column, those inside lists and structures, too, with their rows.

    Rows of None are those of the column.
    """
    kind = column.type
    if pa.types.is_struct(kind):
        for at in range(kind.num_fields):
            yield from leaves(pc.struct_field(column, at))
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind):
        parents = pc.list_parent_indices(column.combine_chunks()).to_numpy(zero_copy_only=False)
        for rows, values in leaves(pc.list_flatten(column)):
            yield (parents if rows is None else parents[rows]), values
    elif kind_of(plain(column.slice(0, 0)).type) not in ("other", "null"):
        yield None, plain(column)


def joined(table: pa.Table, names: Sequence[str]) -> pa.ChunkedArray:
    """A column, or several as one text per row."""
    if len(names) == 1:
        return table.column(names[0])
    parts = [labelled(plain(table.column(name))) for name in names]
    return pc.binary_join_element_wise(*parts, pa.scalar(" ", pa.large_string()))


def phrases_of(value: str, *, prose: bool = False) -> Iterator[str]:
    """A value in the form in which it is looked for; prose has none unless it is asked for."""
    words = _normal(value)
    text = " ".join(words)
    if not (len(words) <= MOST_WORDS or prose) or len(text) < SHORTEST:
        return
    if not text.isdigit() or len(text) >= FEWEST_DIGITS:
        yield text
    digits = re.sub(r"\D", "", value)
    if len(digits) >= 7 and len(digits) >= len(text) / 2:
        yield from (digits, digits.lstrip("0"))


def listed(names: Sequence[str]) -> str:
    """Names as code, joined by commas."""
    return ", ".join(f"`{name}`" for name in names)


def _phrases(values: pa.ChunkedArray) -> frozenset[str]:
    """The phrases of a column of texts; prose has none."""
    known = values.unique().drop_null().to_pylist()
    return frozenset(phrase for value in known for phrase in phrases_of(value))


def _labels(table: pa.Table, names: Sequence[str]) -> frozenset[str]:
    """The differing values of a column, or of several together, as text."""
    if not set(names) <= set(table.column_names):
        return frozenset()
    parts = (
        labelled(pa.chunked_array([values.unique()])) for _, values in leaves(joined(table, names))
    )
    return frozenset(label for part in parts for label in part.drop_null().to_pylist())


def _hits_of(
    values: pa.ChunkedArray, phrases: Mapping[str, int], cells: Mapping[str, int]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The rows whose value is or holds a secret, and which one."""
    encoded = labelled(values).combine_chunks().dictionary_encode()
    labels = encoded.dictionary
    if kind_of(values.type) == "text":
        found = [_first(label, phrases, cells) for label in labels.to_pylist()]
    else:
        exact = {phrase: at for phrase, at in phrases.items() if phrase.isdigit()} | dict(cells)
        places = pc.index_in(labels, value_set=pa.array(list(exact), labels.type)).fill_null(-1)
        found = np.array([*exact.values(), -1])[places.to_numpy(zero_copy_only=False)].tolist()
    codes = encoded.indices.fill_null(len(labels)).to_numpy(zero_copy_only=False)
    which = np.array([*found, -1], dtype=np.int64)[codes]
    rows = np.flatnonzero(which >= 0)
    return rows, which[rows]


def _first(label: str, phrases: Mapping[str, int], cells: Mapping[str, int]) -> int:
    if (at := cells.get(label)) is not None:
        return at
    return next((phrases[window] for window in _windows(label) if window in phrases), -1)


def _windows(text: str) -> Iterable[str]:
    """Every run of a few words of a text, the whole of it, and long numbers as digits alone."""
    words = _normal(text)
    for size in range(1, MOST_WORDS + 1):
        for start in range(len(words) - size + 1):
            yield " ".join(words[start : start + size])
    if len(words) > MOST_WORDS:
        yield " ".join(words)
    for number in _DIGITS.findall(text):
        yield re.sub(r"\D", "", number)


def _normal(text: str) -> list[str]:
    """A text's words in one case, without the punctuation around them."""
    return [word for raw in _WORDS.findall(text.casefold()) if (word := raw.strip(".'’-_/"))]


def _turned(phrases: Iterable[str]) -> frozenset[str]:
    """Names with the first word last, and with the last word first."""
    split = [words for phrase in phrases if len(words := phrase.split(" ")) > 1]
    return frozenset(
        " ".join(turned)
        for words in split
        for turned in (words[1:] + words[:1], words[-1:] + words[:-1])
    )


def _split_names(found: Mapping[str, Finding]) -> list[tuple[str, ...]]:
    """The column of first names with that of last names, if there is one of each."""
    pair = [
        [name for name, finding in found.items() if finding.kind == kind]
        for kind in ("first_name", "last_name")
    ]
    return [(pair[0][0], pair[1][0])] if all(len(names) == 1 for names in pair) else []


def _places(found: Mapping[str, Finding], order: Sequence[str]) -> list[tuple[str, ...]]:
    """Neighbouring columns of latitudes and longitudes, by twos."""
    degrees = [name for name in order if name in found and found[name].kind == "coordinate"]
    return list(zip(degrees[::2], degrees[1::2], strict=False))


def _met_places(places: frozenset[str]) -> float:
    """The chance that a new place is a real one, at most: real ones lie close together.

    Places are counted on the grid of their decimals, in a tenth of the box around them.
    """
    degrees = [place.split(" ") for place in places]
    steps = 1.0
    for side in zip(*(each for each in degrees if len(each) == 2), strict=True):
        numbers = np.unique(np.array(side, float))
        if len(numbers) > 1:
            steps *= (numbers[-1] - numbers[0]) / max(np.diff(numbers).min(), 1e-9) + 1
    return min(1.0, 10 * len(places) / steps)


def _namesakes(names: frozenset[str]) -> dict[str, float]:
    """Names that somebody else may have by chance, and how likely each is.

    Names are taken for two independent parts, the rarest two words, and a part for as frequent as
    it is among the other people: what only one of them has is not expected to come again.
    """
    split = {name: set(_normal(name)) for name in names}
    counts = Counter(word for words in split.values() for word in words)
    others = len(split) - 1 + NAMED_OTHERWISE
    chances = {
        name: sorted((counts[word] - 1) / others for word in words)[:2]
        for name, words in split.items()
    }
    return {name: chance for name, pair in chances.items()
            if len(pair) == 2 and (chance := math.prod(pair))}  # fmt: skip
