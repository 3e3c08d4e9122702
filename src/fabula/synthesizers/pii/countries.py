"""The column of a person's country, so that names, towns and phones agree."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from fabula.fakers.locales import known_locales, load_locale
from fabula.inference.guesses import words
from fabula.io.arrays import array_of, is_text, plain_type
from fabula.synthesizers.codecs.categories import are_regions, plain_values
from fabula.synthesizers.pii.districts import ABROAD

_CALLED = re.compile(r"(^|_)(country|nation|land|pays|pais|paese|kraj)(_?(code|name|iso))?$")
_CALLED_ALSO: Mapping[str, tuple[str, str]] = {
    "cs": ("420", "czech republic|czechia|tschechien|cze"),
    "de": ("49", "germany|allemagne|alemania|germania|niemcy|deu|ger"),
    "en": ("1", "usa|united states of america|u.s.a.|us|états-unis|vereinigte staaten"),
    "en-gb": ("44", "uk|great britain|england|scotland|wales|gbr|großbritannien"),
    "es": ("34", "spain|spanien|espagne|spagna|hiszpania|esp"),
    "fr": ("33", "frankreich|francia|francja|fra"),
    "it": ("39", "italy|italien|italie|włochy|ita"),
    "ja": ("81", "japan|japon|jpn"),
    "ko": ("82", "south korea|korea|republic of korea|kor"),
    "nl": ("31", "netherlands|the netherlands|holland|niederlande|pays-bas|nld"),
    "pl": ("48", "poland|polen|pologne|polonia|pol"),
    "pt-br": ("55", "brazil|brasilien|brésil|bra"),
    "ru": ("7", "russia|russian federation|russland|russie|rus"),
    "sv": ("46", "sweden|schweden|suède|suecia|swe"),
    "tr": ("90", "turkey|turkiye|türkei|turquie|tur"),
    "zh": ("86", "china|chine|cina|chiny|chn"),
}
"""The calling code of each locale's country, and what else the country is called."""

CALLING = (
    r"^\+(?:\d{1,3}([ (./-])|1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|[2-9]\d\d)"
)
"""The calling code that begins a telephone number (ITU-T E.164), with a sign after it if any."""


@dataclass(frozen=True)
class CountryColumn:
    """A column of countries.

    Attributes:
        name: Its name.
        locales: The locales of its countries, as far as they are known.
        labels: What each of these countries is called.
        abroad: Other labels of enough rows, whose countries have no locale, and an empty one that
            stands for all that are not told.
    """

    name: str
    locales: tuple[str, ...]
    labels: tuple[Sequence[str], ...]
    abroad: tuple[str, ...] = ()

    @classmethod
    def of(cls, table: pa.Table, least: int) -> CountryColumn | None:
        """The first such column of a table that has a known country, or None.

        Args:
            table: Training rows.
            least: Labels of fewer rows are not told, unless they are known countries.
        """
        for field in table.schema:
            if not _CALLED.search(words(field.name)) or not is_text(plain_type(field.type)):
                continue
            values = plain_values(table.column(field.name).combine_chunks())
            known = [text for text in pc.unique(values).to_pylist() if text]
            found = {
                code: labels
                for code in known_locales()
                if (labels := [text for text in known if text.casefold() in _names(code)])
            }
            if found:
                named = {label for labels in found.values() for label in labels}
                counted = values.value_counts()
                texts, rows = counted.field("values"), counted.field("counts").to_numpy()
                told = texts.filter(array_of((rows >= least) | are_regions(texts)))
                others = sorted({text for text in told.to_pylist() if text} - named)
                rest = [""] * (len(known) > len(named) or values.null_count > 0)
                return cls(field.name, tuple(found), tuple(found.values()), (*others, *rest))
        return None

    def homes(self, table: pa.Table, locales: Sequence[str]) -> NDArray[np.int64]:
        """The place in `locales` of each row's country, or one from `ABROAD` down."""
        texts = plain_values(table.column(self.name).combine_chunks()).cast(pa.large_string())
        others = pc.index_in(texts, value_set=pa.array(self.abroad, texts.type))
        rest = max(0, len(self.abroad) - 1)
        found = np.asarray(ABROAD - others.fill_null(rest).to_numpy(), np.int64)
        for code, labels in zip(self.locales, self.labels, strict=True):
            same = pc.is_in(texts, value_set=pa.array(labels, texts.type))
            if code in locales:
                found[same.to_numpy(zero_copy_only=False)] = list(locales).index(code)
        return found


def calling_codes(locales: Sequence[str]) -> list[str]:
    """The beginning of international telephone numbers of some locales' countries."""
    return [f"+{_CALLED_ALSO[code][0]}" if code in _CALLED_ALSO else "" for code in locales]


def _names(code: str) -> frozenset[str]:
    locale = load_locale(code)
    further = _CALLED_ALSO.get(code, ("", ""))[1].split("|")
    return frozenset({locale.country.casefold(), locale.country_code.casefold(), *further})
