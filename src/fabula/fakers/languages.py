"""Which language a text is in, as far as its script and its commonest words show.

Light and honest: a text is called wrong only where its script is another one, or where the small
words of another known language are clearly more frequent in it. Short texts and languages that
are not listed stay undecided.
"""

from __future__ import annotations

import re

SCRIPTS = {
    "ru": r"[\u0400-\u04ff]",
    "uk": r"[\u0400-\u04ff]",
    "bg": r"[\u0400-\u04ff]",
    "el": r"[\u0370-\u03ff]",
    "zh": r"[\u4e00-\u9fff]",
    "ja": r"[\u3040-\u30ff\u4e00-\u9fff]",
    "ko": r"[\uac00-\ud7af]",
    "ar": r"[\u0600-\u06ff]",
    "fa": r"[\u0600-\u06ff]",
    "he": r"[\u0590-\u05ff]",
    "hi": r"[\u0900-\u097f]",
    "th": r"[\u0e00-\u0e7f]",
}
"""Letters of languages that are known by their script."""

_SMALL_WORDS = """
en: the of and to in is was for that with his her as by on are from at it this an be who which has
de: der die das und in den von zu mit ist des im auf für nicht ein eine als auch dem sich an er war
fr: le la les des et en du une un que est pour dans par sur il elle avec au qui sont ce pas aux
es: el la los las de y en que un una es por con para su se del al como más fue son lo pero
it: il la di e che un una in per è del con non della i le si da nel sono al dei come più
pt: o a os as de e que do da em um uma para com não dos no na por mais foi se ao seu
nl: de het een van en in is dat op te voor met zijn die niet aan er ook door was bij als om naar
sv: och att det som en på är av för med den till i har de inte om ett han var sig från vid men
da: og at det som en på er af for med den til i har de ikke om et han var sig fra ved men
no: og å det som en på er av for med den til i har de ikke om et han var seg fra ved men
fi: ja on ei se että oli hän mutta joka kun ovat myös tai kuin sekä niin mukaan jo vain ole sen
pl: i w na z do się nie jest to że o jak za po od przez jego są dla oraz który jako był ale
cs: a v na se je že do s z o k i to jako pro by za ve si po byl jeho od ale který
tr: ve bir bu için ile da de olarak olan çok daha gibi en sonra kadar ise ama her ne var
hu: a az és hogy nem is egy meg ez de volt csak már még mint el ki van vagy be
ro: și de la în a cu pe un o care din este nu că pentru mai au sunt fost prin lui
id: yang dan di dengan untuk dari pada ini itu adalah ke dalam tidak akan oleh juga sebagai
"""
_WORDS = {
    code: frozenset(words.split())
    for code, _, words in (line.partition(": ") for line in _SMALL_WORDS.strip().splitlines())
}
_NAMES = """
en english de german deutsch fr french français es spanish español it italian italiano
pt portuguese português nl dutch nederlands sv swedish svenska da danish dansk no norwegian norsk
fi finnish suomi pl polish polski cs czech čeština tr turkish türkçe hu hungarian magyar
ro romanian română id indonesian ru russian русский uk ukrainian bg bulgarian el greek zh chinese
ja japanese ko korean ar arabic fa persian he hebrew hi hindi th thai
"""
_SHORTEST = 8
"""Words that a text needs for its small words to say anything."""
_CLEARLY = 0.12
"""Share of words by which another language must be ahead."""


def language_code(name: str) -> str | None:
    """The two-letter code of a language's name or tag (`German`, `de-AT`); None if unknown."""
    word = name.strip().casefold().replace("_", "-").partition("-")[0]
    code = ""
    for each in _NAMES.split():
        code = each if len(each) == 2 and each.isascii() else code
        if word == each:
            return code
    return None


def is_known(language: str) -> bool:
    """Whether `is_written_in` can tell this language at all."""
    code = language_code(language)
    return code in SCRIPTS or code in _WORDS


def small_words(code: str) -> frozenset[str]:
    """The commonest words of a language; empty for one that is not listed."""
    return _WORDS.get(code, frozenset())


def is_written_in(text: str, language: str) -> bool | None:
    """Whether a text is in a language (`German`, `de`, `pt-BR`); None if that can't be told."""
    code = language_code(language)
    if code in SCRIPTS:
        return bool(re.search(SCRIPTS[code], text))
    words = re.findall(r"[^\W\d_]+", text.casefold())
    if code not in _WORDS or len(words) < _SHORTEST:
        return None
    shares = {each: sum(word in known for word in words) for each, known in _WORDS.items()}
    ahead = max(shares.values()) - shares[code]
    if ahead > _CLEARLY * len(words):
        return False
    return True if shares[code] else None
