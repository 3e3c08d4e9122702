"""Which language a text is in, by its script and function words; unknown if neither tells."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

_WORD = re.compile(r"[^\W\d_]+")
_FEWEST = 2
"""Function words that tell a language."""

_WORDS = {
    "en": "the of and to in is that it for was with as his they at be this from have or by "
    "one had not but what all were when we there can an your which their if will each about "
    "how up out them then she many some so these would into has more her two like him see "
    "could no make than been its who did do does where why are you my",
    "de": "der die das und ist nicht ein eine einen einem einer zu den dem des mit auf für "
    "von sich auch es an als bei nach wie wird sind war haben hat ich sie wir ihr aber oder "
    "wenn noch nur durch kann um im am zum zur was wer wo warum welche welcher welches viele "
    "vom",
    "fr": "le la les de des du un une et est que qui dans pour pas sur au aux avec ce cette "
    "ces se par plus ne il elle ils elles nous vous je mais ou où sont était ont quel quelle "
    "quels combien comment pourquoi leur son sa ses en",
    "es": "el la los las de del un una unos y es que en por para con no se su sus al lo como "
    "más pero o este esta estos hay son fue muy qué cuál cuánto cuántos cómo dónde cuándo ya "
    "yo mi",
    "it": "il lo la i gli le di del della dei delle un una uno e è che non per con si da dal "
    "in nel nella al alla sono come più ma anche questo questa quale quanti quanto dove "
    "perché chi ha",
    "pt": "o os as de do da dos das um uma e é que não em no na nos nas por para com se ao à "
    "mais como mas foi são está ele ela você qual quantos quanto onde quando seu sua",
    "nl": "de het een en van is dat niet in op te voor met zijn die er aan ook als bij naar "
    "maar om door wordt worden heeft hebben ik je wij jullie hoe wat waar hoeveel welke dit "
    "deze uit nog",
    "sv": "och att det som en ett på är av för med den till inte om har de i jag du vi men "
    "var från hur vad många vilken vilka kan ska så när efter",
    "da": "og at det som en et på er af for med den til ikke om har de i jeg du vi men var "
    "fra hvor hvad mange hvilken hvilke kan skal så når efter",
    "fi": "ja on ei se että joka ovat oli mutta kun niin hän kuin myös tai ole mitä kuinka "
    "missä monta miten tämä jos sen sitä",
    "pl": "i w nie na się z że do jest to jak o po co ale za od czy przez ile dla są był "
    "była który która które jaki jaka gdzie kiedy ma",
    "cs": "a v se na je že s z do o to jak pro ale za od jsou byl byla který která které "
    "kolik kde kdy co nebo má ve",
    "tr": "ve bir bu da de için ile mi ne kadar çok olan olarak daha gibi ama veya kaç nasıl "
    "nerede hangi var ise değil",
    "ro": "și în de la cu pe nu un o este că din pentru sau mai care ce sunt dar câte cum "
    "unde când al ale lui",
    "hu": "a az és hogy nem is egy van volt meg de csak ez mint vagy ki mi hány hogyan hol "
    "mennyi melyik ha már még",
    "id": "yang dan di ini itu dengan untuk tidak dari dalam akan pada juga saya ke karena "
    "ada atau berapa bagaimana apa adalah",
}  # fmt: skip
_SCRIPTS = (
    ("ja", re.compile(r"[\u3040-\u30ff]")),
    ("ko", re.compile(r"[\uac00-\ud7af]")),
    ("zh", re.compile(r"[\u4e00-\u9fff]")),
    ("uk", re.compile(r"[іїєґ]", re.I)),
    ("ru", re.compile(r"[\u0400-\u04ff]")),
    ("el", re.compile(r"[\u0370-\u03ff]")),
    ("he", re.compile(r"[\u0590-\u05ff]")),
    ("ar", re.compile(r"[\u0600-\u06ff]")),
    ("hi", re.compile(r"[\u0900-\u097f]")),
    ("th", re.compile(r"[\u0e00-\u0e7f]")),
)
NAMES = {
    "en": "English", "de": "German", "fr": "French", "es": "Spanish", "it": "Italian",
    "pt": "Portuguese", "nl": "Dutch", "sv": "Swedish", "da": "Danish", "fi": "Finnish",
    "pl": "Polish", "cs": "Czech", "tr": "Turkish", "ro": "Romanian", "hu": "Hungarian",
    "id": "Indonesian", "ja": "Japanese", "ko": "Korean", "zh": "Chinese", "uk": "Ukrainian",
    "ru": "Russian", "el": "Greek", "he": "Hebrew", "ar": "Arabic", "hi": "Hindi", "th": "Thai",
}  # fmt: skip
"""The languages that can be told, by their codes."""
_KNOWN = {language: frozenset(words.split()) for language, words in _WORDS.items()}
_CODE = re.compile(r"[a-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*", re.I)


def language_of(text: str) -> str:
    """The code of a text's language; empty if it can't be told.

    Examples:
        >>> language_of("Wie viele Eier legt das Huhn in der Woche?")
        'de'
        >>> language_of("Oslo 1994")
        ''
    """
    letters = _WORD.findall(text.casefold())
    whole = sum(map(len, letters))
    for language, script in () if text.isascii() else _SCRIPTS:
        found = len(script.findall(text))
        if found and (language in ("ja", "uk") or 2 * found > whole):
            return language
    counts = Counter(
        {language: sum(map(known.__contains__, letters)) for language, known in _KNOWN.items()}
    )
    (first, most), (_, next_most) = counts.most_common(2)
    return first if most >= _FEWEST and most > next_most else ""


def usual_language(texts: Sequence[str]) -> str:
    """The language of most texts; empty if none can be told."""
    counts = Counter(filter(None, map(language_of, texts)))
    return counts.most_common(1)[0][0] if counts else ""


def code_of(language: str) -> str:
    """The code that a language's name or tag stands for: `de` for `German` and `de-AT`.

    Empty for a language that can't be told by this module.
    """
    by_name = {name.casefold(): code for code, name in NAMES.items()}
    plain = language.strip().casefold()
    code = by_name.get(plain, plain.replace("_", "-").partition("-")[0])
    return code if code in NAMES else ""


def name_of(language: str) -> str:
    """A language's name with its tag, for a prompt: `German (de-AT)`."""
    code = code_of(language)
    if not code or language.casefold() == NAMES[code].casefold():
        return language
    return f"{NAMES[code]} ({language})" if _CODE.fullmatch(language) else language
