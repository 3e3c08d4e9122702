"""Names of one locale, and accounts made of the same names."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.fakers.draws import SLOTS, BySex, Draws, Index
from fabula.fakers.joining import Phrase, Template, number_array, string_array
from fabula.fakers.locales import Locale

DOMAINS = (
    "@example.com", "@example.org", "@example.net",
    "@mail.example", "@post.example", "@inbox.example",
)  # fmt: skip
"""Set aside for documentation by RFC 2606: what is sent there reaches nobody."""

_FIRST_NAME_SHIFT = 20
_STYLES = ("{0}.", "{0}", "{0[0]}.", "{0}_")
"""What may precede the surname in an account."""
_NUMBERS = 1_000
_PLAIN_SLOTS = int(0.4 * SLOTS)
"""How many of all slots have no number after the name."""


class Names:
    """One locale's dictionaries of names."""

    def __init__(self, locale: Locale) -> None:
        self._first_names = BySex(
            locale.first, "first_name", _FIRST_NAME_SHIFT, rare=locale.rare_first
        )
        self._last_names = BySex(locale.last, "last_name", locale.rank_shift, rare=locale.rare_last)
        self._drawn = {"first_name": self._first_names, "last_name": self._last_names}
        first, last = self._first_names.words, self._last_names.words
        texts = {"first": self.words("first_name"), "last": self.words("last_name")}
        holders = [style.format(name.latin) for name in first for style in _STYLES]
        surnames = [name.latin for name in last]
        self._first = Phrase(texts["first"])
        self._last = Phrase(texts["last"])
        self._full = Template(locale.name, texts)
        self._holders = Phrase(holders, surnames)
        self._usernames = Phrase(holders, surnames, _NUMBER_TEXTS)
        self._emails = Phrase(holders, surnames, _ACCOUNT_TEXTS)

    def words(self, field: str) -> list[str]:
        """All first or last names."""
        return [name.text for name in self._drawn[field].words]

    def index(self, field: str, draws: Draws) -> Index:
        """The place of each row's first or last name in `words`."""
        return self._drawn[field].index(draws)

    def first_name(self, draws: Draws) -> pa.StringArray:
        """A given name that fits the row's sex."""
        return self._first.take(self._first_names.index(draws))

    def last_name(self, draws: Draws) -> pa.StringArray:
        """A surname, in the form for the row's sex."""
        return self._last.take(self._last_names.index(draws))

    def name(self, draws: Draws) -> pa.StringArray:
        """Both names in the locale's order."""
        index = {"first": self._first_names.index(draws), "last": self._last_names.index(draws)}
        return self._full.take(index)

    def username(self, draws: Draws) -> pa.StringArray:
        """What precedes the `@` of the row's e-mail address."""
        account = _ACCOUNT_TABLE[draws.slots("account")]
        return self._usernames.take(*self._holder_index(draws), account // len(DOMAINS))

    def email(self, draws: Draws) -> pa.StringArray:
        """An address that nobody receives, made of the row's names."""
        account = _ACCOUNT_TABLE[draws.slots("account")]
        return self._emails.take(*self._holder_index(draws), account)

    def unique_username(self, draws: Draws, row_index: NDArray[np.integer]) -> pa.StringArray:
        """A name, then the row's number: no name ends in a digit, so no two rows agree."""
        return self._numbered(draws, row_index)

    def unique_email(self, draws: Draws, row_index: NDArray[np.integer]) -> pa.StringArray:
        """The unique user name at a reserved domain."""
        domains = _DOMAINS.take(draws.slots("account") % len(DOMAINS))
        return self._numbered(draws, row_index, domains)

    def _numbered(
        self, draws: Draws, row_index: NDArray[np.integer], *tail: pa.StringArray
    ) -> pa.StringArray:
        holders = self._holders.take(*self._holder_index(draws))
        digits = number_array(row_index.astype(np.int64)).cast(pa.string())
        return pc.binary_join_element_wise(holders, digits, *tail, _NOTHING)

    def _holder_index(self, draws: Draws) -> tuple[Index, Index]:
        style = draws.slots("account_style") % len(_STYLES)
        return self._first_names.index(draws) * len(_STYLES) + style, self._last_names.index(draws)


def _account_table() -> NDArray[np.int32]:
    """The entry of `_ACCOUNT_TEXTS` for each slot: two in five without a number."""
    slot = np.arange(SLOTS)
    number = np.where(slot < _PLAIN_SLOTS, 0, 1 + slot * 7919 % (_NUMBERS - 1))
    return (number * len(DOMAINS) + slot % len(DOMAINS)).astype(np.int32)


_NUMBER_TEXTS = ["", *map(str, range(1, _NUMBERS))]
_ACCOUNT_TEXTS = [f"{number}{domain}" for number in _NUMBER_TEXTS for domain in DOMAINS]
_ACCOUNT_TABLE = _account_table()
_DOMAINS = Phrase(DOMAINS)
_NOTHING = string_array([""])[0]
