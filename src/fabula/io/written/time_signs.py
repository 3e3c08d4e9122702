"""The signs of `strftime` that forms of times are made of."""

from __future__ import annotations

from collections.abc import Mapping

MONTHS: Mapping[str, str] = {
    "en": "January February March April May June July August September October November December",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre"
    " diciembre",
    "it": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre"
    " dicembre",
    "pl": "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października"
    " listopada grudnia",
    "pt": "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro"
    " dezembro",
    "ru": "января февраля марта апреля мая июня июля августа сентября октября ноября декабря",
}
"""Names of months as they are in dates."""
_MORE_MONTHS: Mapping[str, str] = {
    "nl": "januari februari maart april mei juni juli augustus september oktober november december",
    "sv": "januari februari mars april maj juni juli augusti september oktober november december",
    "da": "januar februar marts april maj juni juli august september oktober november december",
}
_SHORT_MONTHS: Mapping[str, str] = {
    "en": "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec",
    "de": "Jan Feb Mär Apr Mai Jun Jul Aug Sep Okt Nov Dez",
    "fr": "janv févr mars avr mai juin juil août sept oct nov déc",
    "es": "ene feb mar abr may jun jul ago sep oct nov dic",
    "it": "gen feb mar apr mag giu lug ago set ott nov dic",
    "pl": "sty lut mar kwi maj cze lip sie wrz paź lis gru",
    "pt": "jan fev mar abr mai jun jul ago set out nov dez",
    "ru": "янв фев мар апр мая июн июл авг сен окт ноя дек",
    "nl": "jan feb mrt apr mei jun jul aug sep okt nov dec",
    "sv": "jan feb mar apr maj jun jul aug sep okt nov dec",
}
_WEEKDAYS: Mapping[str, str] = {
    "en": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
    "de": "Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonntag",
    "fr": "lundi mardi mercredi jeudi vendredi samedi dimanche",
    "es": "lunes martes miércoles jueves viernes sábado domingo",
    "it": "lunedì martedì mercoledì giovedì venerdì sabato domenica",
    "pl": "poniedziałek wtorek środa czwartek piątek sobota niedziela",
    "nl": "maandag dinsdag woensdag donderdag vrijdag zaterdag zondag",
    "sv": "måndag tisdag onsdag torsdag fredag lördag söndag",
}
_SHORT_WEEKDAYS: Mapping[str, str] = {
    "en": "Mon Tue Wed Thu Fri Sat Sun",
    "de": "Mo Di Mi Do Fr Sa So",
    "fr": "lun mar mer jeu ven sam dim",
    "es": "lun mar mié jue vie sáb dom",
    "it": "lun mar mer gio ven sab dom",
    "nl": "ma di wo do vr za zo",
}


def _named(sign: str, words: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """A sign by itself in English, and with the language behind it in others: `B`, `B{de}`."""
    return {
        sign if language == "en" else f"{sign}{{{language}}}": tuple(names.split())
        for language, names in words.items()
    }


NAMES: Mapping[str, tuple[str, ...]] = {
    **_named("b", _SHORT_MONTHS),
    **_named("B", {**MONTHS, **_MORE_MONTHS}),
    **_named("a", _SHORT_WEEKDAYS),
    **_named("A", _WEEKDAYS),
    "p": ("AM", "PM"),
}
"""Signs that are words, by the number that each word stands for."""

WIDTHS: Mapping[str, tuple[int, int]] = {
    "Y": (4, 4), "y": (2, 2), "m": (1, 2), "d": (1, 2), "H": (1, 2), "I": (1, 2), "M": (2, 2),
    "S": (2, 2), "f": (1, 9), "j": (3, 3), "G": (4, 4), "V": (2, 2), "q": (1, 1), "h": (1, 1),
    "n": (2, 2), "N": (4, 4),
}  # fmt: skip
"""Digits of each sign, at least and at most.

Periods have signs of their own: a day of the year (`j`), an ISO week of its year (`V` of `G`), a
quarter (`q`), a half (`h`), and the year after the one before it, in two or four digits (`n`, `N`).
"""


def cased(name: str, flag: str) -> str:
    """A word in capitals, in small letters or with a first capital, as a flag says."""
    return {"^": name.upper(), "_": name.lower(), "+": name.capitalize()}.get(flag, name)
