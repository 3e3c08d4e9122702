"""What is known about each row's person, old and new, for the search in notes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from fabula.io.arrays import whole_texts
from fabula.privacy.actions import ENCRYPTED, ColumnAction
from fabula.privacy.codes import Codes
from fabula.privacy.hashed import hashed
from fabula.privacy.notes import Mention
from fabula.privacy.notes.names import all_spaced_out
from fabula.privacy.people import EMAIL, NewPeople, normal, person_keys
from fabula.privacy.secret import Secret
from fabula.privacy.texts import initials, with_initials, without_titles

_LEFT_OUT = ("city", "state", "postcode", "country", "country_code", "job", "company", "key")
"""Details that many people share, or that are common numbers."""

Detail = Callable[[str, str], pa.Array]


def mentions(
    actions: Mapping[str, ColumnAction],
    old: Mapping[str, pa.Array],
    new: Mapping[str, pa.Array],
    detail: Detail,
) -> Iterator[Mention]:
    """The details of each row's person.

    Args:
        actions: What happens to the columns.
        old: The columns before.
        new: Those that change, afterwards.
        detail: A detail of the new people of a column, by the names of both.
    """
    for column, values in new.items():
        action = actions[column]
        before = old[column]

        def mine(kind: str, column: str = column) -> pa.Array:
            return detail(kind, column)

        if action.kind == "birth_date" and action.action == "shift":
            yield Mention("birth_date", _days(before, action), _days(values, action))
        elif action.action == "replace" and action.detail == "name":
            plain = without_titles(before)
            spaced = all_spaced_out(plain)
            first = pc.replace_substring_regex(spaced, r"\s*\S+$", "")
            last = pc.replace_substring_regex(spaced, r"^.*\s", "")
            first = pc.if_else(pc.equal(first, ""), pa.scalar(None, pa.large_string()), first)
            first, last = (  # places end before the dot of an initial
                pc.replace_substring_regex(each, r"^(\p{Lu})\.$", r"\1") for each in (first, last)
            )
            yield Mention("first_name", first, initials(mine("first_name"), first))
            yield Mention("last_name", last, initials(mine("last_name"), last))
            yield Mention("name", plain, with_initials(mine("name"), plain, mine))
        elif action.action == "replace" and action.detail not in _LEFT_OUT:
            yield Mention(action.detail, whole_texts(before), whole_texts(values))


def inventor(secret: Secret, people: NewPeople) -> Callable[[str, Sequence[str]], Sequence[str]]:
    """Writes values for details of people whom no table knows, by the old value.

    Args:
        secret: The masking's key.
        people: The new people.
    """

    def invent(kind: str, values: Sequence[str]) -> Sequence[str]:
        texts = pa.array(values, pa.large_string())
        if kind in ("email", "name", "first_name", "last_name", "username"):
            keys = person_keys(secret, normal(texts), EMAIL if kind == "email" else kind)
            made = people.at(keys).field(kind)
        elif kind in ("ip", "url", "mac", "uuid"):
            made = hashed(secret, texts, kind, kind)
        elif kind in ENCRYPTED:
            made = Codes(secret, kind, kind).encrypt(texts)
        else:
            made = pa.array([f"[{kind}]"] * len(texts))
        return [str(text) for text in made.to_pylist()]

    return invent


def _days(values: pa.Array, action: ColumnAction) -> pa.Array:
    """Dates as ISO texts."""
    if action.form is not None:
        values = action.form.read(whole_texts(values))
    return values.cast(pa.date32()).cast(pa.large_string())
