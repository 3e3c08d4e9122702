"""What a masking must know of all rows before it writes one: real names, and whose e-mail is whose.

Only words that the lists of new people have are remembered, and of e-mails only keyed hashes, so
that memory does not grow with the rows of a table, but with its people.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.fakers.locales import Locale, Name, load_locale, with_names
from fabula.io.arrays import composed, whole_texts
from fabula.privacy.actions import Aliases, TableMask, own_columns
from fabula.privacy.notes.names import all_spaced_out
from fabula.privacy.people import EMAIL, KEY_BYTES, Keys, normal, person_keys
from fabula.privacy.real_names import RealNames
from fabula.privacy.real_words import RealWords
from fabula.privacy.rows import full_name, sexes_of
from fabula.privacy.secret import Secret
from fabula.privacy.texts import are_people, without_titles

_ALIAS, _ALIAS_BYTES = "alias", 16

_FEWEST = 12
"""Words that must be left in a list; a shorter list is used whole, and that is said."""

SHORT_LIST = "may be those of the originals"
"""What a note says of words that a list has too few of."""

_SPARE = ("it", "nl", "pt-br", "fr")
"""Locales with long lists of names."""

_NAMES, _ACCOUNTS = ("name", "first_name", "last_name"), ("username", "email")
_WORDED = (*_NAMES, "company", *_ACCOUNTS, "street", "address", "city")
_ENDS = r"^(?P<first>[^ ]+) (?:.* )?(?P<last>[^ ]+)$"
_SPLITS = [
    rf"^(?P<first>{first}) (?P<last>{last})$"
    for first, last in ((".+", "[^ ]+"), ("[^ ]+", ".+"), ("[^ ]+ [^ ]+", ".+"))
]
"""Full names of three words and more: `José Luis Fernández` has two first names."""


Item = TypeVar("Item")


@dataclass(eq=False)
class Known:
    """What the rows of all tables contain, as far as new people depend on it.

    Attributes:
        secret: The masking's key.
        codes: The locales of new people.
        joins: By what tables look up people of other tables: `email`, `name`.
        tells_sexes: Whether a table lacks the sex of people that another one has.
        aliases: E-mails and names, as keyed hashes, and the keys of their people.
        sexes: The keys of people, and their sexes.
        ambiguous: How many e-mails or names are those of several people, and tell nobody.
    """

    secret: Secret
    codes: Sequence[str]
    joins: frozenset[str] = frozenset()
    tells_sexes: bool = False
    aliases: dict[str, list[tuple[Keys, Keys]]] = field(default_factory=dict)
    sexes: list[tuple[Keys, NDArray[np.int64]]] = field(default_factory=list)
    ambiguous: dict[str, int] = field(default_factory=dict)

    def columns(self, table: TableMask) -> list[str]:
        """The columns of a table that must be read beforehand."""
        kinds = _NAMES if self.secret.kept else _WORDED
        wanted = [
            name
            for name, action in table.columns.items()
            if action.action == "replace" and action.detail in kinds
        ]
        if self.tells_sexes and table.sex and table.person:
            wanted += [table.person.columns[0], table.sex.name]
        told = [name for _, key, names in self._told(table) for name in (key, *names)]
        return list(dict.fromkeys([*wanted, *told]))

    def add(self, table: TableMask, block: pa.Table) -> None:
        """Take in some rows."""
        of = {
            kind: [
                n
                for n in block.column_names
                if n in table.columns and table.columns[n].detail == kind
            ]
            for kind in _WORDED
        }
        for column in of["name"]:
            self._add_names(pc.utf8_lower(without_titles(_known(block, column))))
        if of["first_name"] and of["last_name"]:
            parts = [
                pc.utf8_lower(whole_texts(block.column(of[kind][0])))
                for kind in ("first_name", "last_name")
            ]
            space = pa.scalar(" ", pa.large_string())
            self._add_names(pc.binary_join_element_wise(*parts, space).drop_null())
        if not self.secret.kept:
            for kind, column in ((kind, name) for kind, names in of.items() for name in names):
                texts, are_accounts = pc.unique(_known(block, column)), kind in _ACCOUNTS
                self.words.add(texts, accounts=are_accounts)
                if are_accounts:
                    self._real.add_accounts(texts)
        for kind, key, names in self._told(table):
            self._add_aliases(table, block, kind, key, names)
        sexes = sexes_of(table, {name: block.column(name) for name in block.column_names})
        if self.tells_sexes and sexes is not None and table.person:
            column, tag = table.person.columns[0], table.person.tags[0]
            keys = person_keys(self.secret, normal(whole_texts(block.column(column))), tag)
            self.sexes.append((keys, sexes))

    @property
    def taken(self) -> RealNames:
        """Full names that no new person gets, and without a kept key user names."""
        return self._real

    def locales(self) -> tuple[list[str | Locale], list[str]]:
        """The word lists of new people, and what is said about them.

        With a kept key they are whole, for a draw must not depend on the data. Else they lack the
        words of the originals, and half of all others: of a word that nobody has, nobody can tell
        whether it was left out for being an original.
        """
        if self.secret.kept:
            return list(self.codes), []
        notes: list[str] = []
        thinned = [self._thinned(load_locale(code), notes) for code in self.codes]
        return list(thinned), list(dict.fromkeys(notes))

    def finder(self, kind: str) -> Aliases | None:
        """Finds people by their e-mail or name; None if no table identifies whose is whose."""
        if kind not in self.aliases:
            return None
        known = np.concatenate([_joined(values) for values, _ in self.aliases[kind]])
        people = np.concatenate([_joined(people) for _, people in self.aliases[kind]])
        order = np.lexsort((people, known))
        known, people = known[order], people[order]
        differs = np.ones(len(known), bool)
        differs[1:] = (known[1:] != known[:-1]) | (people[1:] != people[:-1])
        known, people = known[differs], people[differs]
        own, starts, counts = np.unique(known, return_index=True, return_counts=True)
        self.ambiguous[kind] = int((counts > 1).sum())
        known, people = own[counts == 1], people[starts[counts == 1]]

        def find(texts: pa.Array, keys: Keys) -> Keys:
            wanted = _joined(self.secret.digests(texts, _ALIAS, _ALIAS_BYTES))
            at = np.minimum(np.searchsorted(known, wanted), max(len(known) - 1, 0))
            hit = known[at] == wanted if len(known) else np.zeros(len(wanted), bool)
            found = keys.copy()
            found[hit] = np.ascontiguousarray(people[at[hit]]).view(np.uint8).reshape(-1, KEY_BYTES)
            return found

        return find

    def sex_finder(self) -> Callable[[Keys], NDArray[np.int64]] | None:
        """Finds the sex of people by their keys; None if it isn't asked for."""
        if not self.sexes:
            return None
        keys, first = np.unique(
            np.concatenate([_joined(keys) for keys, _ in self.sexes]), return_index=True
        )
        sexes = np.concatenate([sexes for _, sexes in self.sexes])[first]

        def find(wanted: Keys) -> NDArray[np.int64]:
            one = _joined(wanted)
            at = np.minimum(np.searchsorted(keys, one), len(keys) - 1)
            return np.asarray(np.where(keys[at] == one, sexes[at], -1))

        return find

    @cached_property
    def _real(self) -> RealNames:
        return RealNames(_names([load_locale(code) for code in self.codes]))

    @cached_property
    def words(self) -> RealWords:
        """Words of real names and places that the lists have, too."""
        lists = [load_locale(code) for code in self.codes]
        places = [place.city for each in lists for place in each.places]
        names = _names([*lists, *self._spare])
        return RealWords({*names, *places, *(s for each in lists for s in each.streets)})

    @cached_property
    def _spare(self) -> list[Locale]:
        """Whose names are taken where those of a locale do not suffice."""
        return [load_locale(code) for code in _SPARE if code not in self.codes]

    def _add_names(self, names: pa.Array) -> None:
        """Remember full names whose parts are in the lists."""
        names = all_spaced_out(composed(names))
        longer = names.filter(pc.match_substring_regex(names, "^[^ ]+ [^ ]+ [^ ]"))
        for some, forms in ((names, [_ENDS]), (longer, _SPLITS)):
            for form in forms if len(some) else ():
                parts = pc.extract_regex(some, form)
                self._real.add(*(pc.struct_field(parts, part) for part in ("first", "last")))

    def _add_aliases(
        self, table: TableMask, block: pa.Table, kind: str, key: str, names: Sequence[str]
    ) -> None:
        known = are_people(block.column(key), keys=True)
        for name in names:
            known = pc.and_(known, are_people(block.column(name)))
        rows = block.filter(known)
        texts = [whole_texts(rows.column(name)) for name in names]
        values = normal(texts[0]) if kind == EMAIL else full_name(texts)
        tag = table.person.tags[0] if table.person else ""
        self.aliases.setdefault(kind, []).append(
            (
                self.secret.digests(values, _ALIAS, _ALIAS_BYTES),
                person_keys(self.secret, normal(whole_texts(rows.column(key))), tag),
            )
        )

    def _told(self, table: TableMask) -> Iterator[tuple[str, str, tuple[str, ...]]]:
        """What of `joins` a table tells of its people: the key's column, and that of the value."""
        for kind in sorted(self.joins):
            if table.person and table.person.is_key and (names := own_columns(table, kind)):
                yield kind, table.person.columns[0], names

    def _thinned(self, locale: Locale, notes: list[str]) -> Locale:
        spare = self._spare if _is_latin(locale) else []

        def named(
            kind: str, names_of: Callable[[Locale], tuple[Sequence[Name], Sequence[Name]]]
        ) -> list[Sequence[Name]]:
            what = f"{kind} names ({locale.code})"
            return [
                self._left(
                    what, names_of(locale)[sex], _readings, notes,
                    [name for other in spare for name in names_of(other)[sex]],
                )
                for sex in (0, 1)
            ]  # fmt: skip

        first, last = named("first", lambda each: each.first), named("last", lambda each: each.last)
        if locale.last[0] == locale.last[1]:
            last[1] = last[0]
        return with_names(
            locale,
            (first[0], first[1]),
            (last[0], last[1]),
            streets=self._left(f"streets ({locale.code})", locale.streets, lambda s: [s], notes),
            places=self._left(f"towns ({locale.code})", locale.places, lambda p: [p.city], notes),
        )

    def _left(
        self,
        what: str,
        items: Sequence[Item],
        texts: Callable[[Item], Sequence[str]],
        notes: list[str],
        spare: Sequence[Item] = (),
    ) -> Sequence[Item]:
        """About half of the items that share no word with the originals."""
        if not items:
            return items
        free = self._free(items, texts)
        if len(free) < _FEWEST and spare:
            free += self._free(spare, texts)
            notes.append(f"the originals have nearly all {what}; new ones are of other languages")
        drawn = self.secret.digests(pa.array([texts(item)[0] for item in free]), f"thin {what}", 1)
        left = [item for item, draw in zip(free, drawn[:, 0], strict=True) if draw % 2]
        if len(left) >= _FEWEST:
            return left
        if len(free) >= _FEWEST:
            return free
        notes.append(f"new {what} {SHORT_LIST}: the list has too few others")
        return items

    def _free(self, items: Sequence[Item], texts: Callable[[Item], Sequence[str]]) -> list[Item]:
        """The items that share no word with the originals."""
        named, readings = isinstance(items[0], Name), [texts(item) for item in items]
        shares = [self.words.are_in(each, whole=not named) for each in zip(*readings, strict=True)]
        return [items[row] for row in np.flatnonzero(~np.any(shares, axis=0)).tolist()]


def _names(lists: Sequence[Locale]) -> set[str]:
    """The first and last names of some lists, in their own letters and in those of ASCII."""
    names = {n for each in lists for pair in (each.first, each.last) for s in pair for n in s}
    return {text for name in names for text in (name.text, name.latin)}


def _is_latin(locale: Locale) -> bool:
    return unicodedata.name(locale.last[0][0].text[0]).startswith("LATIN")


def _readings(name: Name) -> Sequence[str]:
    return (name.text, name.latin)


def _known(block: pa.Table, column: str) -> pa.Array:
    texts = whole_texts(block.column(column))
    return texts.filter(are_people(texts))


def _joined(keys: Keys) -> NDArray[np.void]:
    """Keys as single values that can be sorted."""
    return np.ascontiguousarray(keys).view(f"S{keys.shape[1]}").reshape(-1)
