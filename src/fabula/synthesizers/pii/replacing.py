"""What stands in for the personal columns of one group of people."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fabula.fakers.locales import load_locale
from fabula.fakers.regex import compile_pattern
from fabula.inference.codes import literal
from fabula.io.arrays import is_text
from fabula.pii.national_ids import SCHEMES
from fabula.synthesizers.pii.areas import AreaColumn
from fabula.synthesizers.pii.codec import DetailCodec
from fabula.synthesizers.pii.countries import CountryColumn
from fabula.synthesizers.pii.detect import NUMBERED
from fabula.synthesizers.pii.districts import Districts
from fabula.synthesizers.pii.identities import ACCOUNTS, SINGLE, Crowd, lists_of, without
from fabula.synthesizers.pii.name_forms import TITLE, NameForm
from fabula.synthesizers.pii.persons import identifies_people, numbers_something
from fabula.synthesizers.pii.shapes import MOST_ATTEMPTS, Shapes, outlines
from fabula.synthesizers.pii.sieve import Sieve

_ANY_CODE = r"[A-Z]{2}\d{8}"
"""The shape of new codes where the real ones have none."""

_PLACES = re.compile(r"-?\d+(?P<first>\.\d+)?(?P<between>[^\d.]*?)-?\d+(?P<second>\.\d+)?")

_END = 2**31 - 1

_NETWORK = {
    False: r"10(\.(\d|[1-9]\d|1\d\d|2[0-4]\d|25[0-5])){3}",
    True: r"2001:db8(:[1-9a-f][0-9a-f]{3}){6}",
}
"""Addresses that no machine on the net has (RFC 1918, RFC 3849)."""


@dataclass(frozen=True)
class PersonalColumn:
    """A column that holds details.

    Attributes:
        name: The column's name.
        detail: What it holds.
        values: Its texts; blank ones are null.
        known: The differing ones.
        gap: The blank text that stands for a missing value, or None for a null.
        reason: What tells it by value; empty if the column's name did.
        scheme: Which national id it is.
        held: Its texts in rows that are not learned, none of which may come out either.
    """

    name: str
    detail: str
    values: pa.Array
    known: pa.Array
    gap: str | None
    reason: str = ""
    scheme: str = ""
    held: pa.Array | None = None

    @property
    def real(self) -> pa.Array:
        """The differing texts of all rows."""
        if self.held is None:
            return self.known
        return pc.unique(pa.chunked_array([self.known, self.held])).drop_null()


def crowd_of(
    group: list[PersonalColumn],
    owner: str,
    locales: tuple[str, ...],
    real: Mapping[str, pa.Array],
    where: tuple[CountryColumn | None, Districts | None],
) -> Crowd:
    """The people of a group; words that differ among all of them, differ among new ones."""
    country, districts = where
    lead = group[0]
    places = [part for part in ("city", "state") if part in {column.detail for column in group}]
    differing = [column.detail for column in group if len(column.known) == len(lead.known)]
    return Crowd.of(
        f"{owner} {lead.name}".strip(),
        lead.values,
        locales=locales,
        distinct=tuple(detail for detail in differing if detail not in NUMBERED),
        sieves=_sieves(group, real, locales),
        first_number=_first_number(group),
        place=places[0] if places and any(where) else "",
        abroad=0 if country is None else len(country.abroad),
        districts=districts,
    )


def area_of(
    group: list[PersonalColumn], table: pa.Table, replaced: Collection[str], protect: int
) -> AreaColumn | None:
    """The labels that tell how the postcodes of a group begin, where no town of it is replaced."""
    if any(column.detail == "city" for column in group):
        return None
    codes = (column.values for column in group if column.detail == "postcode")
    return next((AreaColumn.of(table, values, replaced, protect) for values in codes), None)


def has_places(group: list[PersonalColumn], locales: tuple[str, ...]) -> bool:
    """Whether postcodes go with a town or street, and are written as those of some locales."""
    known = {column.detail: column for column in group}
    if "postcode" not in known or not {"city", "street", "address"} & set(known):
        return False
    forms = (compile_pattern(place.postcodes).at(np.zeros(1, np.int64))[0].as_py()
             for code in locales for place in load_locale(code).places[:20])  # fmt: skip
    ours = pc.is_in(outlines(known["postcode"].known), value_set=outlines(pa.array(forms)))
    return bool(pc.mean(ours.cast(pa.int8())).as_py() >= MOST)


MOST = 0.75

BARRED = ("name", "company", "street", "address")
"""Fields of which no new value may be a real one."""

FEWEST_LEFT, VARIED = 12, 0.5
"""First or last names alone differ from real ones where each list keeps that many others, and the
lists of women and men together that many times as many as are real."""

_SPACE = pa.scalar(" ", pa.large_string())


def real_words(tables: Iterable[Sequence[PersonalColumn]]) -> dict[str, pa.Array]:
    """The real values of each field of `BARRED`, in the personal columns of some tables."""
    real: dict[str, list[pa.Array]] = {name: [] for name in BARRED}
    for columns in tables:
        known = {column.detail: column for column in reversed(columns)}
        for column in columns:
            if column.detail in real:
                real[column.detail].append(column.real)
        if not known.keys() >= set(SINGLE):
            continue
        first, last = (known[name] for name in SINGLE)
        for texts in ((first.values, last.values), (first.held, last.held)):
            if None not in texts:
                real["name"].append(pc.binary_join_element_wise(*texts, _SPACE))
    return {
        name: pc.unique(pa.chunked_array(texts, pa.large_string())).drop_null()
        for name, texts in real.items()
    }


def _sieves(
    group: list[PersonalColumn], real: Mapping[str, pa.Array], locales: tuple[str, ...]
) -> dict[str, Sieve]:
    """What keeps the words of a group from meeting real ones."""
    known = {column.detail: column for column in reversed(group)}
    fields = {*known, "name"} if known.keys() >= set(SINGLE) else known.keys()
    barred = {name: real[name] for name in BARRED if name in fields}
    if has_places(group, locales):
        barred["postcode"] = known["postcode"].real
    sieves = {
        name: Sieve.of(pc.replace_substring_regex(values, f"^{TITLE}", ""), words=True)
        for name, values in barred.items()
    }
    for name in SINGLE:
        if name in known:
            sieve = {name: Sieve.of(known[name].real, words=True)}
            left = [len(words) for code in locales
                    for words in lists_of(name, without(load_locale(code), sieve))]  # fmt: skip
            if min(left) >= FEWEST_LEFT and sum(left) >= VARIED * len(known[name].real):
                sieves |= sieve
    return sieves


def _first_number(group: list[PersonalColumn]) -> int:
    """The number of the first account: of more digits than any real one ends in."""
    most = 0
    for column in group:
        if column.detail in ACCOUNTS:
            ours = column.known
            if column.detail == "email":  # new ones are at a reserved domain
                ours = ours.filter(pc.match_substring(ours, "@example."))
            digits = pc.extract_regex(ours, r"(?P<end>[0-9]*)(?:@.*)?$").field("end")
            most = max(most, pc.max(pc.utf8_length(digits)).as_py() or 0)
    return 10 ** min(most, LONGEST_NUMBER) if most else 0


LONGEST_NUMBER = 17


def codec_of(
    column: PersonalColumn, kind: pa.DataType, crowd: Crowd, protect: int, *, placed: bool
) -> DetailCodec:
    """How new values of a column are made.

    Args:
        column: The column.
        kind: Its Arrow type.
        crowd: The people of its group.
        protect: Different values that show what a shape has in common.
        placed: Whether postcodes are those of the towns of the group's people.
    """
    filled = len(column.values) - column.values.null_count
    gaps = column.values.null_count
    own = placed and column.detail == "postcode" and is_text(kind)
    shapes = None if own else _shapes(column, crowd, protect)
    if shapes is not None and _filled(column, shapes) > HALF:  # no sign is kept as it is
        shapes = _shapes(column, crowd, len(column.values) + 1)
        if shapes is not None and _filled(column, shapes) > HALF:
            shapes = _longer(column, kind, shapes)
    sieve = _sieve(column, shapes)
    return DetailCodec(
        column.name,
        kind,
        column.detail,
        np.array([filled, gaps] if gaps else [filled], np.int64),
        crowd,
        NameForm.of(column.known, full=column.detail == "name"),
        shapes,
        column.gap,
        reason="; ".join([column.reason, *_doubts(column, crowd, shapes, sieve)]),
        scheme=column.scheme,
        sieve=sieve,
    )


def _longer(column: PersonalColumn, kind: pa.DataType, shapes: Shapes) -> Shapes:
    """Shapes of numbers of people or things, one digit longer than the real ones if these fit."""
    digits = pc.max(pc.utf8_length(column.known)).as_py()
    plain = pc.all(pc.match_substring_regex(column.known, r"^\d+$")).as_py()
    fits = is_text(kind) or 10 ** (digits + 1) < 2 ** (kind.bit_width - 1)
    named = identifies_people(column.name) or numbers_something(column.name)
    if not (plain and fits and named):
        return shapes
    return Shapes((rf"[1-9]\d{{{digits}}}",), (1,))


def _doubts(
    column: PersonalColumn, crowd: Crowd, shapes: Shapes | None, sieve: Sieve | None
) -> list[str]:
    """That new values may be real ones, where there are too few others."""
    if shapes is not None and _filled(column, shapes) > HALF:
        return ["new ones may be real ones, as there are few more codes of their form"]
    if sieve and shapes is not None and _filled(column, shapes) * MOST_ATTEMPTS > 1:
        return ["some new people share one, as there are few more codes of its form"]
    if column.detail in SINGLE and column.detail not in crowd.sieves:
        return ["new ones may be real ones, as there are few more names"]
    if shapes is None and (words := crowd.sieves.get(column.detail)):
        [drawn] = crowd.fields((column.detail,), np.arange(TRIED), 0)
        if words.stops(drawn).mean() > MET:
            return ["some new ones may be real ones, as most of the common names are"]
    return []


TRIED, MET = 500, 0.01
"""New values that are drawn to see how many may be real ones, and how many of them are none."""


HALF = 0.5
"""The share of a shape's codes that real ones take at most where new ones differ from them."""


def _filled(column: PersonalColumn, shapes: Shapes) -> float:
    """The largest share of a shape's codes that real ones take."""
    return shapes.fullest(len(column.real))


RARELY_MET = 1e-6
"""Real codes that as many new ones meet by chance, at most, without a sieve."""


def _sieve(column: PersonalColumn, shapes: Shapes | None) -> Sieve | None:
    """What keeps codes from meeting real ones, unless they hardly can or can't but do."""
    if shapes is None or len(column.known) ** 2 < RARELY_MET * shapes.size:
        return None
    if _filled(column, shapes) > HALF:
        return None
    if not pc.any(pc.match_substring_regex(column.real, f"^({'|'.join(shapes.regexes)})$")).as_py():
        return None
    return Sieve.of(column.real, words=False)


def _shapes(column: PersonalColumn, crowd: Crowd, protect: int) -> Shapes | None:
    """The shapes of numbers and codes; None for what is made of words."""
    texts = column.known  # one person's number, however often it repeats, is not a pattern
    match column.detail:
        case "phone":
            return Shapes.of(texts, protect=protect) or Shapes.of_phones(crowd.locales)
        case "ip":
            new = pc.mean(pc.match_substring(column.known, ":").cast(pa.int8())).as_py() > 0.5
            return Shapes((_NETWORK[new],), (1,))
        case "postcode":
            return Shapes.of(texts, protect=protect)
        case "mac" | "uuid":
            return Shapes((_hexadecimal(texts[0].as_py()),), (1,))
        case "national_id" if _is_plain(column.known) and SCHEMES[column.scheme].valid:
            return Shapes((SCHEMES[column.scheme].plain_form,), (1,))
        case "coordinates":
            return Shapes((_coordinates(texts),), (1,))
        case "account":  # check digits come last, and make no number differ
            texts = pc.utf8_replace_slice(texts, start=2, stop=4, replacement="00")
        case "card":
            texts = pc.utf8_replace_slice(texts, start=-1, stop=_END, replacement="0")
        case detail if detail not in ("code", "plate", "national_id"):
            return None
    return Shapes.of(texts, protect=protect) or Shapes((_ANY_CODE,), (1,))


def _coordinates(texts: pa.Array) -> str:
    """A latitude and a longitude with as many decimals as most have, apart as in the first."""
    known = [found for text in texts.to_pylist() if (found := _PLACES.search(text))]
    between = literal(known[0]["between"]) if known else ", "
    ends = []
    for part in ("first", "second"):
        count = Counter(len(found[part] or ".") - 1 for found in known).most_common(1)
        decimals = count[0][0] if count else 4
        ends.append(rf"\.\d{{{decimals}}}" if decimals else "")
    return rf"-?[1-7]\d{ends[0]}{between}-?[1-9]\d{ends[1]}"


def _hexadecimal(text: str) -> str:
    """The form of a hexadecimal code: digits anywhere, punctuation and capitals as they are."""
    digit = "[0-9A-F]" if text != text.lower() else "[0-9a-f]"
    return "".join(digit if char.isalnum() else "\\." if char == "." else char for char in text)


def _is_plain(known: pa.Array) -> bool:
    return bool(pc.all(pc.match_substring_regex(known, "^[0-9A-Za-z]+$")).as_py())
