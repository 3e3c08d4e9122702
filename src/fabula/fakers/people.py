"""People whose fields agree: name, sex, e-mail address, town, postcode and the rest of a row.

Every field of a row follows from a few attributes (sex, first_name, last_name, locality, …), and
each attribute has a random stream of its own, opened by name. Two columns that are drawn in
separate calls with the same streams therefore describe the same people.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import cached_property, lru_cache
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.errors import SpecError, Violation, did_you_mean
from fabula.fakers.births import Births
from fabula.fakers.draws import BySex, Draws, Index, OpenStream, frequency_table
from fabula.fakers.joining import Phrase, number_array
from fabula.fakers.locales import SEXES, Locale, load_locale
from fabula.fakers.names import Names
from fabula.fakers.places import Places
from fabula.fakers.regex import compile_pattern
from fabula.streams import name_key

COMPANY_POOL = 4_096
"""Companies that the rows of a locale share."""

_TITLE_SHIFT = -0.5
"""Five in six bear the first title of the list, where there are two."""

AS_OF = date(2026, 1, 1)
"""The day on which `age` is counted, unless said otherwise: fixed, so that runs repeat."""


class People:
    """People of one locale, or of several in equal shares.

    Args:
        locale: A code such as `en` or `pt-br`, or several; or locales with words of their own.
        ages: The lowest and the highest age, in whole years.
        as_of: The day on which the age is counted.

    Raises:
        SpecError: There is no such locale, or the ages are not a range.

    Examples:
        >>> from fabula.streams import stream
        >>> people = People("en")
        >>> rows = people.draw(lambda name: stream(1, "customers", name, 0), 3, ["name", "email"])
        >>> len(rows["name"])
        3
    """

    def __init__(
        self,
        locale: str | Sequence[str | Locale] = "en",
        *,
        ages: tuple[int, int] = (18, 90),
        as_of: date = AS_OF,
    ) -> None:
        codes = [locale] if isinstance(locale, str) else list(locale)
        if not codes:
            raise SpecError([Violation("spec.no-locale", "people need a locale", hint="[en]")])
        self._residents = [
            _residents(code) if isinstance(code, str) else _Residents(code) for code in codes
        ]
        self._births = Births(ages, as_of)

    def draw(
        self,
        open_stream: OpenStream,
        n: int,
        fields: Sequence[str],
        *,
        sexes: Index | None = None,
        homes: Index | None = None,
    ) -> dict[str, pa.Array[Any]]:
        """Draw fields of `n` people.

        Args:
            open_stream: Opens the random stream of an attribute by its name; called with the same
                name it must give the same stream.
            n: How many.
            fields: Names out of `FIELDS`.
            sexes: 0 (female), 1 (male) or -1 (open) for each row, if that is decided.
            homes: The place of each row's locale among several, or -1, if that is decided.

        Raises:
            SpecError: There is no such field.
        """
        draws = Draws(open_stream, n, sexes, homes)
        return {field: self.field(field, draws) for field in fields}

    def draw_unique(
        self,
        open_stream: OpenStream,
        row_index: NDArray[np.integer],
        field: Literal["email", "username"],
        *,
        sexes: Index | None = None,
        homes: Index | None = None,
    ) -> pa.StringArray:
        """Draw accounts that no two rows share.

        The row's number ends the user name and nothing before it holds a digit, so different
        numbers give different accounts without comparing rows.

        Args:
            open_stream: As for `draw`; the accounts hold the names that it gives.
            row_index: The number of each row in the whole table.
            field: `email` or `username`.
            sexes: As for `draw`.
            homes: As for `draw`.
        """
        return self.unique(field, Draws(open_stream, len(row_index), sexes, homes), row_index)

    def unique(
        self, field: Literal["email", "username"], draws: Draws, row_index: NDArray[np.integer]
    ) -> pa.StringArray:
        """Accounts that no two rows share, as `draw_unique` makes them."""
        unique = {"email": Names.unique_email, "username": Names.unique_username}[field]
        return self._mixed(
            [unique(each.names, draws, row_index) for each in self._residents], draws
        )

    def words(self, field: Literal["first_name", "last_name"]) -> list[str]:
        """The names that people may have, locale by locale."""
        return [word for each in self._residents for word in each.names.words(field)]

    def index(self, field: Literal["first_name", "last_name"], draws: Draws) -> Index:
        """The place of each row's name in `words`."""
        found = [each.names.index(field, draws) for each in self._residents]
        if len(found) == 1:
            return found[0]
        starts = np.cumsum([0, *(len(each.names.words(field)) for each in self._residents)])
        return np.choose(
            draws.home(len(found)), [one + start for one, start in zip(found, starts, strict=False)]
        )

    def field(self, field: str, draws: Draws) -> pa.Array[Any]:
        """One field of the people of some draws, as `draw` makes it."""
        if field not in FIELDS:
            message = f"a person has no field `{field}`"
            hint = did_you_mean(field, FIELDS) or f"the fields are {', '.join(FIELDS)}"
            raise SpecError([Violation("spec.unknown-field", message, hint=hint)])
        if field == "sex":
            return _SEXES.take(draws.sex())
        if field == "birth_date":
            return self._births.dates(draws)
        if field == "age":
            return self._births.ages(draws)
        make = _MAKERS[field]
        return self._mixed([make(each, draws) for each in self._residents], draws)

    def _mixed(self, columns: list[pa.StringArray], draws: Draws) -> pa.StringArray:
        """Each row's value from the column of the row's locale."""
        if len(columns) == 1:
            return columns[0]
        return pc.choose(number_array(draws.home(len(columns)).astype(np.int32)), *columns)


class _Residents:
    """What one locale gives to its people; each part is built when a field first needs it."""

    def __init__(self, locale: Locale) -> None:
        self.locale = locale

    @cached_property
    def names(self) -> Names:
        return Names(self.locale)

    @cached_property
    def places(self) -> Places:
        return Places(self.locale)

    @cached_property
    def titles(self) -> BySex[str]:
        return BySex(self.locale.titles, "title", _TITLE_SHIFT)

    @cached_property
    def jobs(self) -> Phrase:
        return Phrase([*self.locale.jobs[0], *self.locale.jobs[1]])

    @cached_property
    def companies(self) -> Phrase:
        return Phrase(_companies(self.locale))

    def phone(self, draws: Draws) -> pa.StringArray:
        return compile_pattern(self.locale.phone).draw(draws.open_stream("phone"), draws.n)

    def company(self, draws: Draws) -> pa.StringArray:
        return self.companies.take(draws.uniform("company", COMPANY_POOL))

    def job(self, draws: Draws) -> pa.StringArray:
        count = len(self.locale.jobs[0])
        return self.jobs.take(draws.uniform("job", count) + draws.sex() * count)

    def title(self, draws: Draws) -> pa.StringArray:
        return Phrase(self.titles.words).take(self.titles.index(draws))

    def nationality(self, draws: Draws) -> pa.StringArray:
        return Phrase(self.locale.nationality).take(draws.sex())


@lru_cache(maxsize=32)
def _residents(code: str) -> _Residents:
    """Shared by all columns of a locale: the dictionaries take a tenth of a second to build."""
    return _Residents(load_locale(code))


def _companies(locale: Locale) -> list[str]:
    """A fixed sample: surnames in the locale's forms of company names."""
    rng = np.random.Generator(np.random.SFC64(name_key(locale.code)))
    surnames = [name.text for name in locale.last[1]]
    rare = locale.rare_last and locale.rare_last[1:]
    table = frequency_table(len(surnames), locale.rank_shift, rare)
    owner, partner = table[rng.integers(0, len(table), (2, COMPANY_POOL))].tolist()
    forms = rng.integers(0, len(locale.company), COMPANY_POOL).tolist()
    names = [
        locale.company[form].format(last=surnames[one], other=surnames[other])
        for form, one, other in zip(forms, owner, partner, strict=True)
    ]
    return [name[0].upper() + name[1:] for name in names]  # `Van Dijk B.V.`


def _constant(text: str, draws: Draws) -> pa.StringArray:
    return Phrase([text]).take(np.zeros(draws.n, np.int32))


_MAKERS: Mapping[str, Callable[[_Residents, Draws], pa.StringArray]] = {
    "first_name": lambda who, draws: who.names.first_name(draws),
    "last_name": lambda who, draws: who.names.last_name(draws),
    "name": lambda who, draws: who.names.name(draws),
    "email": lambda who, draws: who.names.email(draws),
    "username": lambda who, draws: who.names.username(draws),
    "phone": lambda who, draws: who.phone(draws),
    "title": lambda who, draws: who.title(draws),
    "job": lambda who, draws: who.job(draws),
    "company": lambda who, draws: who.company(draws),
    "city": lambda who, draws: who.places.city(draws),
    "state": lambda who, draws: who.places.state(draws),
    "postcode": lambda who, draws: who.places.postcode(draws),
    "street": lambda who, draws: who.places.street(draws),
    "address": lambda who, draws: who.places.address(draws),
    "country": lambda who, draws: _constant(who.locale.country, draws),
    "country_code": lambda who, draws: _constant(who.locale.country_code, draws),
    "language": lambda who, draws: _constant(who.locale.language, draws),
    "nationality": lambda who, draws: who.nationality(draws),
}

FIELDS = ("sex", "birth_date", "age", *_MAKERS)
"""Every field of a person."""

_SEXES = Phrase(SEXES)
