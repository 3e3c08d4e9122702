"""Which personal detail a column contains, told by its values; one finder for every part of Fabula.

The distinct values of a column are looked at, as text or as whole numbers, however often each
occurs. Forms and check digits decide first, then words. A column's name only lowers what is asked
of values that already look right.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fabula.io.arrays import is_text, plain_type
from fabula.pii import wordings
from fabula.pii.dates import birth_dates, written_times
from fabula.pii.entries import DIGITS_OF_PLACES
from fabula.pii.few import found_in_few
from fabula.pii.forms import (
    CALLING,
    DIGITS,
    MIXED_PLATE,
    MOBILE,
    NEARLY_ALL,
    PHONE,
    PLATE,
    checked,
    formed,
    share,
)
from fabula.pii.kinds import DETECTORS, FEWEST, TITLES, Finding, found_as, named
from fabula.pii.others import found_by_others
from fabula.pii.places import DECIMAL, coordinate, paired_coordinates

SAMPLE = 400
"""Distinct values that are looked at, spread over all of them."""

FEWEST_WORDS = 8
"""Fewer differing values are held against stricter rules."""

MANY_LAST = 0.27
"""Known last names, where hardly any is a first name or a town, that tell a column of them."""


def find(values: pa.Array | pa.ChunkedArray, name: str = "") -> Finding | None:
    """The personal detail that a column contains, or None.

    Args:
        values: The column: texts, whole numbers (also as floats), dates.
        name: Its name, a weak hint.

    Examples:
        >>> find(pa.array([f"u{n}@mail.example" for n in range(9)]), "c1").kind
        'email'
        >>> find(pa.array(["red", "green", "blue"] * 9), "c2") is None
        True
    """
    kind = plain_type(values.type)
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return birth_dates(values, name)
    texts = sampled(values)
    if texts and (found := found_by_others(texts, name)):
        return found
    if written := written_times(texts):
        return birth_dates(written, name)
    if not texts or DECIMAL.fullmatch(texts[0]):  # fractions
        return coordinate(values, name)
    if len(texts) < FEWEST_WORDS:
        found = found_in_few(texts, name) if len(texts) > 1 else None
    else:
        found = _texts(texts, name) if is_text(kind) else _numbers(texts, name)
    return found or (_as_called(texts, name) if is_text(kind) and len(texts) > 2 else None)


def find_in_table(table: pa.Table) -> dict[str, Finding]:
    """The personal details of a table by column.

    Plain numbers of four to six digits are postcodes only alongside a street or a town, towns are
    personal only as a part of an address, and short codes are licence plates, and digits with a
    hyphen postcodes, only where their column says so or the table is about people.
    """
    found = {
        name: finding
        for name in table.column_names
        if (finding := find(table.column(name), name)) is not None
    }
    found |= paired_coordinates(table, found) | _other_parts(table, found)
    kinds = {finding.kind for finding in found.values()}
    if "street" in kinds:
        for name in table.column_names:
            if name not in found and (finding := _beside_street(table.column(name), name)):
                found[name] = finding
    elif not kinds & {"name", "postcode"}:
        found = {name: finding for name, finding in found.items() if finding.kind != "city"}
    if kinds & {"email", "phone"} and not kinds & {"name", "first_name", "last_name", "company"}:
        called = {name: _called_name(table.column(name), name) for name in table.column_names}
        found = {name: finding for name, finding in called.items() if finding} | found
    if not any(
        finding.direct and finding.kind not in ("plate", "postcode") for finding in found.values()
    ):
        found = {name: finding for name, finding in found.items()
                 if not _is_vague(finding.kind, table.column(name))
                 or named(finding.kind, name)}  # fmt: skip
    return found


def _other_parts(table: pa.Table, found: Mapping[str, Finding]) -> dict[str, Finding]:
    """Names in Chinese, Japanese or Korean that are one part: a column has the other.

    Two signs may be a whole name, a first or a last name.
    """
    parts: dict[str, Finding] = {}
    for part, other in (("first_name", "last_name"), ("last_name", "first_name")):
        beside = [name for name, finding in found.items() if finding.kind == other]
        whole = [name for name, finding in found.items() if finding.kind == "name"]
        if len(beside) != 1 or len(whole) != 1:
            continue
        words = sampled(table.column(whole[0]))
        if share(words, wordings.EASTERN_PART, whole=True) < NEARLY_ALL:
            continue
        rows = table.select([whole[0], beside[0]]).slice(0, SAMPLE).to_pydict().values()
        held = [str(one) in str(name) for name, one in zip(*rows, strict=True)]
        if sum(held) < len(held) / 2:
            told = f"are one part of names, of which `{beside[0]}` has the other"
            parts[whole[0]] = found_as(part, found[whole[0]].share, told)
    return parts


def _called_name(values: pa.ChunkedArray, name: str) -> Finding | None:
    """Names that no list holds, as the column says, in a table with e-mails or phone numbers."""
    if name.casefold() != "name" and not named("name", name):
        return None
    texts = sampled(values) if is_text(values.type) else []
    part = share(texts, wordings.NAME_FORM, whole=True) if texts else 0.0
    told = f"may be names of people, as `{name}` says"
    return found_as("name", part, told) if part >= NEARLY_ALL else None


def _is_vague(kind: str, values: pa.ChunkedArray) -> bool:
    """Whether the form is one of codes of anything: licence plates, and postcodes of digits."""
    digits = re.compile(DIGITS_OF_PLACES)
    return kind == "plate" or (
        kind == "postcode" and share(sampled(values), digits, whole=True) >= NEARLY_ALL
    )


_AROUND = string.whitespace + "'\"<>@"
"""Signs around values that do not belong to them, as in `'a@b.example'` and `@anna.b`."""


def sampled(values: pa.Array | pa.ChunkedArray) -> list[str]:
    """Distinct values as stripped texts in NFC, at most `SAMPLE`; none of floats and times."""
    kind = values.type
    if pa.types.is_dictionary(kind):
        chunks = values.chunks if isinstance(values, pa.ChunkedArray) else [values]
        labels = (chunk.dictionary for chunk in chunks)
        return sampled(pa.chunked_array(labels, kind.value_type))
    if pa.types.is_string_view(kind):
        return sampled(values.cast(pa.large_string()))
    if not (is_text(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        return []
    distinct = pc.unique(values).drop_null()
    if pa.types.is_floating(kind):
        numbers = distinct.to_numpy(zero_copy_only=False)
        if not len(numbers) or not np.isfinite(numbers).all() or (numbers % 1).any():
            return []
        if float(np.abs(numbers).max()) >= 2**53:
            return []
        distinct = distinct.cast(pa.int64())
    step = max(1, len(distinct) // SAMPLE)
    places = np.arange(0, len(distinct), step)[:SAMPLE]
    texts = distinct.take(pa.array(places)).to_pylist()
    plain = (unicodedata.normalize("NFC", str(value)).strip(_AROUND) for value in texts)
    return [text for text in plain if text]


def _texts(texts: Sequence[str], name: str) -> Finding | None:
    if (found := formed(texts) or checked(texts)) is not None:
        return found
    if share(texts, re.compile(r"\d{4}-\d\d-\d\d|\d{1,2}[./-]\d{1,2}[./-](19|20)?\d\d"),
                      whole=True) >= 0.5:  # fmt: skip
        return None  # dates
    part = share(texts, PHONE, whole=True)
    if part >= 0.5 and share(texts, re.compile(r"\D")) >= 0.25:  # some without a sign
        plain = [text for text in texts if not PHONE.fullmatch(text)]
        part += sum(re.fullmatch(r"\d{8,12}", text) is not None for text in plain) / len(texts)
    digits = [re.sub(r"\D", "", text) for text in texts]
    if (
        part >= NEARLY_ALL
        and min(map(len, digits)) >= 6
        and (_are_spread(digits) or named("phone", name))
    ):
        return found_as("phone", part, "have the form of a phone number")
    if share(texts, DIGITS, whole=True) >= NEARLY_ALL:
        return _dialled(texts, name)
    part = share(texts, PLATE, whole=True)
    if part >= NEARLY_ALL and len(texts) >= (FEWEST if named("plate", name) else 20):
        return found_as("plate", part, "have the form of a licence plate")
    if _are_mixed_plates(texts):
        return found_as("plate", NEARLY_ALL, "have one of many forms of licence plates")
    if len(texts) < FEWEST_WORDS or sum(map(len, texts)) > 80 * len(texts):
        return None
    return _wordings(texts, name)


def _as_called(texts: Sequence[str], name: str) -> Finding | None:
    """The kind that a column's name says outright, where its values have the form of it.

    No list holds every last name, and no form every phone number.
    """
    for kind, entry in DETECTORS.builtin().items():
        if entry.called and named(kind, name):
            part = share(texts, re.compile(entry.called), whole=True)
            if part >= NEARLY_ALL:
                return found_as(kind, part, f"may be {entry.title}, as `{name}` says")
    return None


def _are_mixed_plates(texts: Sequence[str]) -> bool:
    """Whether short codes have many forms and no beginning of their own, as codes of goods do."""
    if len(texts) < 20 or share(texts, MIXED_PLATE, whole=True) < 0.85:
        return False
    forms = {re.sub("[A-Z]", "A", re.sub(r"\d", "9", text)) for text in texts}
    return len(forms) >= 5 and len({text[0] for text in texts}) >= 8


def _weighed(kind: str, texts: Sequence[str], name: str, *, over: float = 0.0) -> Finding | None:
    """A kind whose share is enough and above `over`; a name that says the kind asks for less."""
    entry = DETECTORS[kind]
    part = entry.share_of(texts, name)
    least = entry.hinted if named(kind, name) else entry.least
    return found_as(kind, part, entry.told) if part >= least and part > over else None


def _wordings(texts: Sequence[str], name: str) -> Finding | None:
    """Kinds that are made of words."""
    if found := _weighed("street", texts, name):
        return found
    if share(texts, re.compile(r"\d")) > 0.2:
        return _weighed("username", texts, name)
    if found := _weighed("company", texts, name):
        return found
    single = not share(texts, re.compile(r"[\s,]"))  # as good a hint as a name, if many agree
    hint = "user" if len(texts) >= wordings.ENOUGH else name
    if single and (found := _weighed("username", texts, hint)):
        return found
    towns = wordings.town_share(texts)
    if found := _weighed("name", texts, name, over=towns):
        return found
    first, last = wordings.single_name_shares(texts)
    if towns >= 0.5 and towns >= max(first, last):
        return found_as("city", towns, "are known towns")
    least = 0.35 if named("name", name) else 0.5
    if last >= 2 * first and last >= 2 * towns and len(texts) >= wordings.ENOUGH:
        least = MANY_LAST  # lists hold the commonest of many thousands
    if max(first, last) >= least:
        kind = "first_name" if first >= last else "last_name"
        return found_as(kind, max(first, last), f"are known {TITLES[kind]}")
    return None


def _numbers(texts: Sequence[str], name: str) -> Finding | None:
    """Kinds that whole numbers can be."""
    return checked(texts) or _dialled(texts, name)


HOURS = re.compile(r"(19|20)\d\d(0[1-9]|1[0-2])([0-2]\d|3[01])([01]\d|2[0-3])")
"""Hours of days without signs between the parts: ten digits, as phone numbers have."""


def _dialled(texts: Sequence[str], name: str) -> Finding | None:
    """Phone numbers without punctuation: one country, spread as no running number is."""
    if not _are_spread(texts):
        return None
    if share(texts, HOURS, whole=True) >= NEARLY_ALL:
        return None
    part = max(share(texts, each, whole=True) for each in MOBILE)
    if part >= NEARLY_ALL and len(texts) >= wordings.ENOUGH:
        return found_as("phone", part, "have the digits of a mobile phone number")
    part = share(texts, CALLING, whole=True)
    if part < NEARLY_ALL:
        return None
    same = len({len(text) for text in texts}) <= 4
    lead = max(sum(text.startswith(at) for text in texts) for at in {t[:2] for t in texts})
    american = share(texts, re.compile(r"[2-9]\d\d[2-9]\d{6}"), whole=True)
    if same and (lead >= 0.8 * len(texts) or american >= NEARLY_ALL or named("phone", name)):
        return found_as("phone", part, "have the digits of a phone number")
    zeros = share(texts, re.compile(r"0[1-9]\d{7,10}"), whole=True)
    if zeros >= NEARLY_ALL:
        return found_as("phone", zeros, "have the digits of a phone number")
    return None


def _are_spread(digits: Sequence[str]) -> bool:
    """Whether last digits are spread, unlike those of rounded or running numbers."""
    endings = {text[-3:] for text in digits}
    ordered = sorted(int(text) for text in digits if text.isdecimal()) or [0]
    running = ordered[-1] - ordered[0] < 4 * len(ordered)
    return not running and len(endings) >= min(0.5 * len(digits), 100)


def _beside_street(values: pa.ChunkedArray, name: str) -> Finding | None:
    """A town, as its column says, or a postcode; whole numbers may be amounts or keys as well."""
    texts = sampled(values)
    if len(texts) < FEWEST:
        return None
    if is_text(values.type) and named("city", name):
        part = share(texts, re.compile(DETECTORS["last_name"].called), whole=True)
        return found_as("city", part, f"may be towns, as `{name}` says") if part >= 0.5 else None
    numbers = not is_text(values.type) and not named("postcode", name)
    if numbers and ("0" in texts or not _are_spread(texts) or _are_all_different(values)):
        return None
    form = re.compile(r"\d{4,6}|[A-Z0-9]{2,5}[ -]?[A-Z0-9]{2,4}")
    part = share(texts, form, whole=True)
    coded = min(part, share(texts, re.compile(r"\d"))) >= NEARLY_ALL
    lengths = len({len(text) for text in texts})
    if not coded or (lengths > 3 and not named("postcode", name)) or not _is_wide(texts):
        return None
    return found_as("postcode", part, "are short codes in a table of streets")


def _are_all_different(values: pa.ChunkedArray) -> bool:
    """Whether each of many values occurs once, which postcodes of many people do not."""
    return len(values) >= 1_000 and pc.count_distinct(values).as_py() == len(values)


def _is_wide(texts: Sequence[str]) -> bool:
    return len({text[:2] for text in texts}) >= min(4, len(texts) // 3)
