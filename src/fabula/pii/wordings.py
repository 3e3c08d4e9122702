"""Kinds of personal details that are made of words: names, companies, streets, accounts."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import cache
from itertools import permutations

from fabula.pii.forms import share
from fabula.pii.lexicon import all_first, all_last, lexicon, parts, rare_names


def _listed(text: str) -> frozenset[str]:
    return frozenset(text.split())


TITLES_OF_NAMES = _listed(
    "mr mrs ms miss mx dr prof rev sir dame herr frau dipl ing med phd md dds dvm jr sr ii iii iv"
    " m mme mlle monsieur madame sra srta don doña dott sig dhr mevr mag bc mgr univ ir drs pan"
    " pani hr fru mba eng bsc msc"
)
STOP = _listed(
    "the of and for with in to on at by from is are und die das für mit et les pour y los las e os"
    " or not no yes sales manager owner representative assistant marketing director agent order"
    " accounting administrator engineer support general vice president"
)
"""Words of titles, products and jobs, which no name has."""

NAME_FORM = re.compile(r"[^\W\d_](?:[^\W\d_]|[ .,'’()·-])+")
_COMPANY = re.compile(
    r"\b(gmbh|mbh|ag|kg|kgaa|ohg|gbr|ug|e\.?v\.?|ltd|limited|inc|incorporated|llc|llp|plc|corp|"
    r"corporation|company|s\.?a\.?|s\.?a\.?s\.?|s\.?a\.?r\.?l\.?|s\.?r\.?l\.?|s\.?p\.?a\.?|s\.?l\.?|"
    r"s\.?l\.?u\.?|s\.?n\.?c\.?|b\.?v\.?|n\.?v\.?|v\.?o\.?f\.?|oyj?|a/?s|aps|ab|hb|kft|zrt|s\.?r\.?o\.?|"
    r"sp\. ?z ?o\.? ?o|sp\. ?[jkp]|s/?a|"
    r"group|groep|holding|partners|associates|stiftung|ltda|eireli|coop|ооо|зао|оао|"
    r"ао|пао|ип|нпо|a\.ş|ltd\. şti)(?![\w])|& co\b|\band sons\b|& (sons|söhne|zonen)|\b(et|e|y|and)"
    r" (fils|filhos|hijos|figli|asociados|associati)\b|株式会社|有限会社|合同会社|有限公司|"
    r"(科技|网络|信息|传媒)|주식회사|유한회사|\(주\)|"
    r"^[^\W\d_]+, [^\W\d_]+ (and|e|y|und) [^\W\d_]+$",
    re.IGNORECASE,
)
_STREET_WORD = re.compile(
    r"\b(street|st|avenue|ave|road|rd|boulevard|blvd|lane|ln|drive|dr|court|ct|place|pl|square|sq|"
    r"way|terrace|parkway|pkwy|highway|hwy|circle|crescent|close|grove|mews|gardens|route|trail|"
    r"plaza|loop|run|ridge|hill|hills|crossing|crossroad|junction|island|islands|isle|passage|path|"
    r"pike|pine|point|park|view|village|ville|walk|manor|meadow|mill|mount|mountain|motorway|"
    r"overpass|bypass|alley|row|spur|station|stream|summit|track|turnpike|underpass|union|valley|"
    r"viaduct|vista|knoll|knolls|lake|land|landing|light|locks|lodge|mission|gateway|glen|green|"
    r"harbor|haven|heights|hollow|inlet|key|keys|extension|falls|ferry|field|fields|flat|flats|"
    r"ford|forest|forge|fork|fort|freeway|camp|canyon|cape|causeway|center|cliff|club|common|corner|"
    r"course|cove|creek|crest|curve|dale|dam|divide|estate|expressway|bridge|brook|burg|branch|"
    r"bluff|bend|beach|bayou|arcade|anex|rue|quai|allée|impasse|chemin|cours|rua|avenida|travessa|estação|estrada|passarela|vila|colônia|campo|trevo|parque|recanto|"
    r"rodovia|viela|jardim|condomínio|chácara|fazenda|morro|núcleo|pátio|quadra|residencial|vale|"
    r"vereda|aeroporto|conjunto|distrito|esplanada|favela|feira|ladeira|lagoa|lago|loteamento|área|"
    r"alameda|praça|largo|calle|paseo|plaza|camino|ronda|carrer|pasaje|glorieta|vial|cuesta|"
    r"acceso|urbanización|callejón|rambla|via|viale|piazza|corso|vicolo|borgo|strada|contrada|"
    r"rotonda|incrocio|stretto|canale|ulica|ul|al|aleja|plac|os|улица|ул|проспект|пр|пер|переулок|"
    r"бул|б-р|наб|ш|шоссе|алл|аллея|тупик|проезд|пл|въезд|спуск|съезд|sokak|sok|cadde|caddesi|cad|"
    r"mahallesi|mah|bulvarı|str|straat|laan|plein|nám|třída|utca|út|tér|apt|suite|dong|gil|box)\b|"
    r"(straße|strasse|str\.|gasse|weg|platz|allee|ring|damm|ufer|straat|laan|steeg|kade|singel|"
    r"plein|plantsoen|hof|pad|dijk|baan|gatan|vägen|gata|vegen|veien|vei|gränd|stigen|backen|torg|"
    r"vej|gade|katu|tie|polku|kuja|utca|stræde|allé)(?!\w)|[0-9０-９]+(丁目|番|号|弄|室)|(都|府|県|市|区|町|村|路|街|座).*\d"
    r"|(로|길|동)\s?\d",
    re.IGNORECASE,
)
_TOWN = re.compile(
    r"((New|North|South|East|West|Port|Lake|Saint|Sainte|San|Santa|Bad|Mont|Villa) ?)?[^\W\d_]+"
    r"(ville|ton|burgh?|mouth|chester|side|port|fort|land|view|berg|bury|shire|furt|haven|stad|town"
    r"|heim|dorf|hausen|ham|ford|field)|"
    r"(New|North|South|East|West|Port|Lake|Saint|Sainte|San|Santa|Bad) ?-?[^\W\d_]+"
    r"|[^\W\d_]+(-| )(sur|la|le|les|de|du|en|sous|im|am|an der)(-| )[^\W\d_]+"
)
"""The forms of towns in English, French and German."""

_LED_BY_STREET = re.compile(
    r"(rue|avenue|boulevard|chemin|impasse|place|calle|avenida|plaza|via|viale|piazza|rua)"
    r" [A-ZÀ-Þd]"
)
_US_ADDRESS = re.compile(r"^\d.*[\n,].*\b[A-Z]{2} \d{5}(-\d{4})?$", re.DOTALL)
_PROGRAM = re.compile(r";|/\d+\.\d")
"""What browsers and versions hold, and streets don't."""

_WORD_ALONE = re.compile(rf"(?:{_STREET_WORD.pattern})[ .-]*\d+", re.IGNORECASE)
_NUMBERED = re.compile(r"\d")
_USER = re.compile(r"(?=.*[^\W\d_])[^\WA-Z_]+([._-][^\WA-Z_]+){0,4}")

INITIAL = re.compile(r"^([^\W\d_a-z]\. ?){1,3}(\w+ ){0,3}[^\W\d_a-z][^\W\d_]+(?!.*\d)")
"""Initials before a name in a capital letter: *E. coli* is nobody."""
_INITIAL_BEHIND = re.compile(r"[^\W\d_]{2,}( [^\W\d_]{2,})? [^\W\d_a-z]\.?")
_EAST = re.compile(
    r"[\u3400-\u9fff\uac00-\ud7af々]{1,4}[ 　]?[\u3400-\u9fff\uac00-\ud7af々ぁ-んァ-ヶ]{1,4}"
)

EASTERN_PART = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af々]{1,3}")
"""A first or last name in a script without spaces."""


def company_share(texts: Sequence[str]) -> float:
    """The share of texts that name a company by its legal form."""
    return share(texts, _COMPANY)


_DECIMAL = re.compile(r"\d[.,]\d")
FEWEST_ALIKE = 10
"""Texts of each form where only their numbers differ."""


def street_share(texts: Sequence[str]) -> float:
    """The share of texts with a word for a street and a number; 0 where few have a number.

    Texts that differ in several numbers alone, such as `POINT (8.55 47.37)`, are not streets, nor
    is a number after that word alone, such as `Station 17`.
    """
    numbered = [
        text for text in texts
        if parts(text) and not _DECIMAL.search(text)
        and (_NUMBERED.search(text) or _LED_BY_STREET.match(text))
    ]  # fmt: skip
    forms = {re.sub(r"\d+", "0", text) for text in numbered}
    if len(numbered) >= FEWEST_ALIKE * len(forms) and all(form.count("0") > 1 for form in forms):
        return 0.0
    hits = [
        text for text in numbered
        if len(text) >= 6 and not _PROGRAM.search(text) and not _WORD_ALONE.fullmatch(text)
        and (_STREET_WORD.search(text) or _US_ADDRESS.search(text))
    ]  # fmt: skip
    return len(hits) / len(texts) if len(numbered) >= 0.6 * len(texts) else 0.0


def town_share(texts: Sequence[str]) -> float:
    """The share of texts that are towns of the language that knows most of them."""
    folded = [text.casefold().strip() for text in texts]
    known = max(sum(text in each.towns for text in folded) for each in lexicon()) / len(texts)
    if known >= 0.5:
        return known
    formed = share(texts, _TOWN, whole=True)
    if formed >= TOWNS:  # others may be single words, some of which are names as well
        formed = share(texts, re.compile(f"{_TOWN.pattern}|{_WORD}"), whole=True)
    return max(known, formed)


TOWNS = 0.3
"""The share of texts with the form of a town that tells a column of them."""

_WORD = r"[^\W\d_]+"


def user_share(texts: Sequence[str]) -> float:
    """The share of texts that are user names with a person's name in them."""
    if share(texts, _USER, whole=True) < 0.9 or share(texts, re.compile(r"\d|[._-]")) < 0.1:
        return 0.0
    return sum(any(map(_tells_user, re.split(r"[\W\d_]+", text))) for text in texts) / len(texts)


def path_share(texts: Sequence[str]) -> float:
    """The share of paths and URLs with a person's name in a part that few others have."""
    if len(texts) < ENOUGH or share(texts, re.compile("/")) < 0.9:
        return 0.0
    paths = [set(re.split(r"[/?&=#]", text.casefold())) for text in texts]
    counts = Counter(part for path in paths for part in path)
    own = [[part for part in path if counts[part] <= 0.2 * len(texts)] for path in paths]
    return sum(any(map(_names_user, parts_)) for parts_ in own) / len(texts)


def _names_user(part: str) -> bool:
    """Whether a part of a path is a first and a last name, or those as a user name."""
    words = [word for word in re.split(r"[\W\d_]+", part) if word]
    if len(words) == 1:
        word = words[0]
        return word not in all_first() and word not in all_last() and _tells_user(word)
    return len(words) <= 3 and any(
        one in each.first and other in each.last for each in lexicon()
        for one, other in permutations(words, 2)
    )  # fmt: skip


def _tells_user(word: str) -> bool:
    """Whether a word is a name, with an initial or not, or begins or ends with a first name."""
    first, last = all_first(), all_last()
    if len(word) >= 3 and (word in first or word in last):
        return True
    if len(word) >= 5 and (word[1:] in last or word[:-1] in last):
        return True
    halves = [(word[:at], word[at:]) for at in range(3, len(word) - 2)]
    if any(start in first and end in last for start, end in halves):
        return True
    telling = _rare_first()
    return any(len(half) >= 5 and half in telling for both in halves for half in both)


@cache
def _rare_first() -> frozenset[str]:
    """First names that are not words of everyday use."""
    return frozenset(all_first() & rare_names())


def full_name_share(texts: Sequence[str]) -> float:
    """The share of texts that are full names, as far as the words of one language tell."""
    if share(texts, _EAST, whole=True) >= 0.85:
        return _eastern_share(texts)
    if share(texts, NAME_FORM, whole=True) < 0.85:
        return 0.0
    initials = share(texts, INITIAL)
    if initials >= 0.85 and len({text[0] for text in texts}) >= 4:
        return initials
    behind = [text.split()[0].casefold() for text in texts if _INITIAL_BEHIND.fullmatch(text)]
    if len(behind) >= 0.85 * len(texts) and len({text.rstrip(".")[-1] for text in texts}) >= 4:
        return sum(word in all_first() for word in behind) / len(texts)
    split = [
        [word for word in parts(text) if word not in TITLES_OF_NAMES and len(word) > 1]
        for text in texts
    ]
    if sum(2 <= len(words) <= 6 for words in split) < 0.8 * len(split):
        return 0.0
    if sum(not STOP.isdisjoint(words) for words in split) > 0.15 * len(split):
        return 0.0
    if len({words[0] for words in split if words}) < 3:
        return 0.0
    best = max(sum(_is_full(words, each.first, each.last) for words in split) for each in lexicon())
    first = all_first()
    named = sum(any(part in first for word in words for part in (word, *word.split("-")))
                for words in split)  # fmt: skip
    return max(best, 0.75 * named if best >= 0.15 * len(split) else 0) / len(texts)


def _is_full(words: list[str], first: frozenset[str], last: frozenset[str]) -> bool:
    """Whether a first name and another word that is a last name, or ends as one, are there."""
    ends = [words[0], words[-1]] if words else []
    given = [w for w in words if w in first or w.split("-")[0] in first]
    if not given or len(words) < 2:
        return False
    others = list(words)
    others.remove(given[0])
    known = any(w in last or w.split("-")[0] in last for w in others)
    return known or ((ends[0] in given or ends[1] in given) and len(words) <= 3)


def _eastern_share(texts: Sequence[str]) -> float:
    surnames = [
        each.last for each in lexicon()
        if any("\u3400" <= name[:1] <= "\ud7af" for name in list(each.last)[:3])
    ]  # fmt: skip

    def surname(text: str, known: frozenset[str]) -> bool:
        plain = re.sub(r"\s", "", text)
        return 2 <= len(plain) <= 6 and any(plain[:size] in known for size in (3, 2, 1))

    return max(sum(surname(text, known) for text in texts) for known in surnames) / len(texts)


def single_name_shares(texts: Sequence[str]) -> tuple[float, float]:
    """The shares of texts that are first names, and last names, of one language each."""
    words = [text.strip().casefold() for text in texts]
    if sum(len(parts(word)) == 1 for word in words) < 0.85 * len(words):
        return 0.0, 0.0
    given = [word.split("-")[0] for word in words]
    first = max(sum(word in each.first for word in given) for each in lexicon())
    last = max(sum(word in each.last for word in words) for each in lexicon())
    if len(words) < ENOUGH:
        return first / len(words), last / len(words)
    all_given, all_family = all_first(), all_last()
    any_first = sum(word in all_given for word in given)
    any_last = sum(not all_family.isdisjoint(re.split(r"[- ]", word)) for word in words)
    return max(first, any_first) / len(words), max(last, any_last) / len(words)


ENOUGH = 20
"""Single names that are looked up in all languages at once."""
