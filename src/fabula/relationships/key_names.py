"""How clearly a column is named after the key of a table, in any habit of naming.

`customer_id`, `CustomerID`, `billing_customer_id`, `PATIENT`, `cust_no`, `shipVia` (of shippers),
`SupportRepId` (of employees), `manager_id` (of its own table).
"""

from __future__ import annotations

from collections.abc import Collection

from fabula.relationships.column_names import name_words

ENDINGS = (
    "id", "key", "code", "no", "uuid", "guid", "pk", "fk", "nr", "num", "number", "ref", "sk",
    "nummer", "numero", "kennung", "codigo", "codice",
)  # fmt: skip
"""Last words of columns that identify something."""

IDS = frozenset({"id", "uuid", "guid", "key", "pk", "fk", "sk"})
"""Those of them that nothing else is called by."""

EXACT, FULL, STEM, PART, ROLE, NOTHING = 5, 4, 3, 2, 1, 0
"""How clear a name is, from the key's own name down to a role that rows of the table can play."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_UPWARDS = _words(
    "parent manager boss reports supervisor mentor lead leader reply replies previous predecessor"
    " superior mother father sire dam referrer referred inviter invited original ancestor"
    " master superseded supersedes responds ober uber eltern vorgesetzter vater mutter chef parente"
    " superieur responsable pere mere padre madre jefe superiore"
)
_PLAIN = _words("dataset data table tbl tb dim fact list master info record entity")
"""Words of tables' names that say nothing of their rows."""

_YEARS = _words(
    "year season yr vintage jahr jahrgang saison annee millesime ano temporada anno stagione jaar"
    " seizoen rok ar"
)
_MEASURES = _words(
    "days hours minutes seconds count qty quantity amount cost price total weight size length width"
    " height age score rating rank position level share percent rate value units times date time"
    " order priority round points year month day distance altitude elevation depth speed duration"
    " income salary wage balance area population temperature pressure mileage"
)
"""Last words of columns that count or measure."""

_CLASSES = _words(
    "type status category kind class group zone location region area country county state city"
    " district genre level language locale currency grade rank colour color size unit role reason"
    " method mode channel code plan tier brand model segment phase stage"
)
"""Words of columns that name what a row is like, and not whose it is."""

_IE = {"movie": "movy", "cookie": "cooky", "calorie": "calory", "genie": "geny", "serie": "sery"}
"""Words whose plural in -ies is not that of a word in -y."""

_STAFF = _words(
    "rep representative agent salesperson seller manager boss supervisor clerk operator handler"
    " assignee assigned cashier teacher instructor responsible technician picker driver nurse"
    " head chair chairman director chief president captain coach dean principal lead deputy"
)
_BUYERS = _words(
    "buyer client purchaser payer guest subscriber shopper customer consignee tenant borrower"
)
_AUTHORS = _words(
    "author creator owner poster sender recipient receiver reviewer follower followee created"
    " updated modified approver approved requester from to by friend writer uploader reporter"
    " winner loser host"
)
_ROLES = (
    (_STAFF, _words("employee staff worker user person people member agent teacher personnel")),
    (_BUYERS, _words("customer client user person people account member guest")),
    (_AUTHORS, _words("user person people member account employee author profile player")),
    (_words("home away winner loser opponent host visitor guest"), _words("team club player")),
    (_words("origin destination dest source target from to"), _words("airport station stop place")),
    (_words("vendor shipper carrier manufacturer maker brand"), _words("supplier vendor company")),
)
"""Words for what rows do, and words of tables whose rows do it."""


def stem_of(table: str, prefix: Collection[str] = ()) -> tuple[str, ...]:
    """The words of a table's name in the singular, without those that say nothing of its rows.

    Args:
        table: The table's name.
        prefix: Words that all of the tables' names share.
    """
    words = [singular(word) for word in name_words(table)]
    told = [word for word in words if word not in _PLAIN and word not in prefix]
    return tuple(told or words)


def singular(name: str) -> str:
    """`countries` as `country`, `boxes` as `box`, `orders` as `order`."""
    for ending, single in (("ies", "y"), ("sses", "ss"), ("xes", "x"), ("s", "")):
        if name.lower() in {f"{word}s" for word in _IE}:
            return name[:-1]
        if name.lower().endswith(ending) and not name.lower().endswith(("ss", "us", "is")):
            return name[: -len(ending)] + single
    return name


def named_as_key(column: str) -> bool:
    """Whether a column's last word is one of those that identify something."""
    return name_words(column)[-1:] in {(ending,) for ending in ENDINGS}


def measures_something(column: str) -> bool:
    """Whether a column is named like a count or a measure."""
    return bool(_MEASURES & set(name_words(column)[-1:]))


def names_class(column: str) -> bool:
    """Whether a column is called after what its row is like: a type, a place, a state."""
    return bool(_CLASSES & set(name_words(column)))


def names_year(column: str) -> bool:
    """Whether a column is named like a year or a season."""
    return bool(_YEARS & set(name_words(column)))


def names_own_key(column: str, stem: tuple[str, ...]) -> bool:
    """Whether a column is named like the key of its own table: `id`, `customer_id`."""
    words = name_words(column)
    if not words:
        return False
    content = words[:-1] if words[-1] in ENDINGS else words
    if not content:
        return True
    return words[-1] in ENDINGS and _alike_all(content, stem[-len(content) :])


def likeness(column: str, stem: tuple[str, ...], key: str, *, own: bool) -> int:
    """How clearly a column is named after the key of a table.

    Args:
        column: The column that may point.
        stem: The words of the table that it may point at.
        key: The key's name.
        own: Whether that is the column's own table.
    """
    words, there = name_words(column), name_words(key)
    if not words:
        return NOTHING
    specific = [word for word in there if word not in ENDINGS and word != "name"]
    if own:
        content = words[:-1] if words[-1] in ENDINGS else words
        upwards = bool(_UPWARDS & set(words))
        prefixed = len(content) > len(stem) and _alike_all(content[-len(stem) :], stem)
        compound = any(_ends(word, part) for word in content for part in (*stem, *specific))
        return FULL if upwards or prefixed or compound else NOTHING
    if words == there and specific:
        return EXACT
    ended = words[-1] in ENDINGS
    content = words[:-1] if ended else words
    for named, score in ((tuple(specific), FULL), (stem, FULL), (stem[-1:], FULL)):
        if named and content and _alike_all(content[-len(named) :], named):
            return score if ended else STEM
        windows = range(len(content) - len(named) + 1) if named else ()
        if any(_alike_all(content[at : at + len(named)], named) for at in windows):
            return PART
    if any(_begins(word, part) for word in content for part in stem):
        return PART
    for doing, done in _ROLES:
        if doing & set(content) and done & set(stem):
            return ROLE
    return NOTHING


def _alike_all(words: tuple[str, ...], others: tuple[str, ...]) -> bool:
    return len(words) == len(others) and all(map(_alike, words, others))


def _alike(word: str, other: str) -> bool:
    """Whether two words are one, or the first shortens the second: `cust`, `dept`."""
    word = singular(word)
    if word == other or _IE.get(word, word) == _IE.get(other, other):
        return True
    if len(word) < 3 or word[0] != other[:1] or len(other) < len(word) + 2:
        return False
    letters = iter(other)
    return all(letter in letters for letter in word)


def _ends(word: str, other: str) -> bool:
    """Whether one word is the end of the other: `kategorie` and `oberkategorie`."""
    return len(other) >= 5 and word != other and word.endswith((other, singular(other)))


def _begins(word: str, other: str) -> bool:
    """Whether one word grew out of the other: `ship` and `shipper`."""
    short, long = sorted((singular(word), other), key=len)
    return len(short) >= 4 and long.startswith(short) and word not in _MEASURES
