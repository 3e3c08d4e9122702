"""How a text is to be written: style, bounds, language, words; as a wish and as a check."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from fabula.describing.facts import folded, is_in
from fabula.errors import UsageError, did_you_mean
from fabula.fakers.languages import is_written_in
from fabula.options import known_arguments

_WORD = re.compile(r"\w+(?:[’'-]\w+)*")
_OTHER_NAMES = {
    "min_length": "min_characters",
    "max_length": "max_characters",
    "min_chars": "min_characters",
    "max_chars": "max_characters",
    "must_words": "must",
    "must_not_words": "must_not",
}
_NO_LETTER = re.compile(r"[\W_]+|(?<=[a-z])(?=[A-Z])")
_LIMIT = re.compile(r"^(min|max)imal_|^(min|max)imum_")


@known_arguments
@dataclass(frozen=True)
class Preferences:
    """What is wished of a text; everything may be left out.

    Attributes:
        style: Any wish in words; it is told, not checked.
        language: A name or tag (`German`, `pt-BR`), checked where the text shows its language.
        min_words: Fewest words.
        max_words: Most words.
        min_characters: Fewest characters.
        max_characters: Most characters.
        must: Words and phrases that the text has to hold.
        must_not: Words and phrases that it may not hold.
    """

    style: str = ""
    language: str = ""
    min_words: int | None = None
    max_words: int | None = None
    min_characters: int | None = None
    max_characters: int | None = None
    must: tuple[str, ...] = ()
    must_not: tuple[str, ...] = ()

    def wishes(self) -> list[str]:
        """The preferences in words for a model."""
        told = [f"style: {self.style}"] if self.style else []
        told += [f"language: {self.language}"] if self.language else []
        for unit, low, high in self._bounds():
            if low is not None and high is not None:
                told.append(f"{low} to {high} {unit}")
            elif low is not None or high is not None:
                told.append(f"at {'most' if low is None else 'least'} {low or high} {unit}")
        told += [f"with the words {_listed(self.must)}"] if self.must else []
        told += [f"without the words {_listed(self.must_not)}"] if self.must_not else []
        return told

    def problems(self, text: str) -> list[str]:
        """What a text does not keep, in words for the model that wrote it."""
        found = []
        sizes = {"words": len(_WORD.findall(text)), "characters": len(text)}
        for unit, low, high in self._bounds():
            size = sizes[unit]
            if low is not None and size < low:
                found.append(f"the text has {size} {unit}; at least {low} are needed")
            if high is not None and size > high:
                found.append(f"the text has {size} {unit}; at most {high} are allowed")
        if self.language and is_written_in(text, self.language) is False:
            found.append(f"the text is not written in {self.language}")
        plain = folded(text)
        found += [
            f"the text does not contain `{word}`" for word in self.must if not is_in(word, plain)
        ]
        found += [
            f"the text must not contain `{word}`" for word in self.must_not if is_in(word, plain)
        ]
        return found

    def _bounds(self) -> list[tuple[str, int | None, int | None]]:
        return [
            ("words", self.min_words, self.max_words),
            ("characters", self.min_characters, self.max_characters),
        ]


PreferencesLike: TypeAlias = Preferences | Mapping[str, Any] | str | None
"""Preferences, a mapping with their names, a style in words, or nothing."""

_KNOWN = tuple(field.name for field in dataclasses.fields(Preferences))


def as_mapping(given: PreferencesLike) -> dict[str, Any]:
    """Preferences in any form as the mapping that a record shows; nothing is `{}`."""
    if given is None:
        return {}
    if isinstance(given, str):
        return {"style": given} if given.strip() else {}
    if isinstance(given, Preferences):
        return {name: value for name, value in vars(given).items() if value not in ("", None, ())}
    if not isinstance(given, Mapping):
        raise UsageError(
            f"preferences are a {type(given).__name__}, not a mapping",
            code="usage.preferences",
            hint='write `{"style": "gossip", "min_words": 40}`',
        )
    return dict(given)


def preferences_of(given: Mapping[str, Any]) -> Preferences:
    """The preferences that a mapping means.

    Raises:
        UsageError: A name is unknown, a bound is not a whole number, or bounds exclude all texts.
    """
    values: dict[str, Any] = {}
    for name, value in given.items():
        known = _known_name(str(name))
        if known not in _KNOWN:
            raise UsageError(
                f"there is no preference `{name}`",
                code="usage.preferences",
                hint=did_you_mean(str(name), [*_KNOWN, *_OTHER_NAMES])
                or f"there are {', '.join(_KNOWN)}; put any other wish into `style`",
            )
        if value is not None and value != "":
            values[known] = _value(known, value)
    made = Preferences(**values)
    for unit, low, high in made._bounds():
        if low is not None and high is not None and low > high:
            raise UsageError(
                f"no text has at least {low} and at most {high} {unit}", code="usage.preferences"
            )
    return made


def _known_name(name: str) -> str:
    """A preference in the spelling of its attribute: `minimal length` is `min_characters`."""
    plain = _NO_LETTER.sub("_", name.strip()).casefold().strip("_")
    plain = _LIMIT.sub(lambda limit: f"{limit[1] or limit[2]}_", plain)
    return _OTHER_NAMES.get(plain, plain)


def _value(name: str, value: Any) -> Any:
    if name in ("must", "must_not"):
        words = [value] if isinstance(value, str) else value
        if isinstance(words, Sequence) and all(isinstance(word, str) and word for word in words):
            return tuple(words)
        raise _wrong(name, value, "a list of words")
    if name in ("style", "language"):
        return str(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
        raise _wrong(name, value, "a whole number")
    if value < 0:
        raise _wrong(name, value, "0 or more")
    return int(value)


def _wrong(name: str, value: Any, wanted: str) -> UsageError:
    return UsageError(f"`{name}` is {value!r}, not {wanted}", code="usage.preferences")


def _listed(words: Sequence[str]) -> str:
    return ", ".join(f'"{word}"' for word in words)
