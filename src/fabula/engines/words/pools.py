"""Any value that Mimesis or Faker can make, as a pool of distinct values to draw from.

Their methods make one value a call, a thousand times too slow for a column. Called once for a
pool, they cost nothing: a column is indices into it. The pool's size bounds how many different
values a column shows.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa

from fabula.engines.words.joining import string_array
from fabula.errors import PrerequisiteError, SpecError, Violation, did_you_mean

_PATIENCE = 1_000
"""Calls in a row without a new value after which a pool counts as complete."""


def provider_pool(name: str, locale: str, size: int, seed: int) -> pa.Array[Any]:
    """Make a pool of distinct values.

    Args:
        name: A Mimesis method, such as `address.city`, or a Faker method, such as `faker.iban`.
        locale: A locale of that library, such as `de` or `pt-br`.
        size: The most values; fewer come back when the provider has no more.
        seed: The seed of the pool.

    Raises:
        SpecError: There is no such provider or locale, or it needs arguments.
        PrerequisiteError: A Faker method is asked for and Faker is not installed.
    """
    family, _, method = name.partition(".")
    make = _faker(method, locale, seed) if family == "faker" else _mimesis(name, locale, seed)
    return _array(list(_distinct(make, name, size)))


def _distinct(make: Callable[[], Any], name: str, size: int) -> Iterator[Any]:
    seen: set[str] = set()
    misses = 0
    while len(seen) < size and misses < _PATIENCE:
        try:
            value = make()
        except TypeError as error:
            message = f"the provider `{name}` can't be called without arguments: {error}"
            raise _unusable(message, None) from error
        key = repr(value)
        if key in seen:
            misses += 1
            continue
        misses = 0
        seen.add(key)
        yield value


def _array(values: list[Any]) -> pa.Array[Any]:
    """Values as Arrow holds them; what has no column type becomes JSON, else text."""
    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError):
        return string_array(
            value if isinstance(value, str) else json.dumps(value, default=str) for value in values
        )


def _mimesis(name: str, locale: str, seed: int) -> Callable[[], Any]:
    from mimesis import Generic
    from mimesis.locales import Locale

    code = locale.replace("_", "-").lower()
    known = [each.value for each in Locale]
    if code not in known:
        raise _unusable(f"Mimesis has no locale `{locale}`", _hint(code, known))
    generic = Generic(Locale(code), seed=seed)
    family, _, method = name.partition(".")
    providers = {each: getattr(generic, each) for each in _public(generic)}
    known = [f"{each}.{call}" for each, provider in providers.items() for call in _public(provider)]
    if name not in known:
        raise _unusable(f"there is no provider `{name}`", _hint(name, known))
    call: Callable[[], Any] = getattr(providers[family], method)
    return call


def _faker(method: str, locale: str, seed: int) -> Callable[[], Any]:
    try:
        from faker import Faker
        from faker.config import AVAILABLE_LOCALES
    except ImportError as error:
        raise PrerequisiteError.for_extra("faker", needed_by=f"`faker.{method}`") from error

    code = _faker_locale(locale, sorted(AVAILABLE_LOCALES))
    fake = Faker(code)
    fake.seed_instance(seed)
    known = _public(fake.factories[0])
    if method not in known:
        raise _unusable(
            f"there is no provider `faker.{method}`",
            _hint(f"faker.{method}", [f"faker.{each}" for each in known]),
        )
    call: Callable[[], Any] = getattr(fake, method)
    return call


def _faker_locale(locale: str, known: list[str]) -> str:
    """`de` and `de-DE` as Faker spells them: `de_DE`."""
    language, _, country = locale.replace("-", "_").partition("_")
    wanted = f"{language.lower()}_{(country or _COUNTRIES.get(language, language)).upper()}"
    if wanted not in known:
        raise _unusable(f"Faker has no locale `{locale}`", _hint(wanted, known))
    return wanted


_COUNTRIES = {
    "en": "US", "cs": "CZ", "da": "DK", "el": "GR", "fa": "IR", "he": "IL", "hi": "IN", "ja": "JP",
    "ko": "KR", "sl": "SI", "sv": "SE", "uk": "UA", "vi": "VN", "zh": "CN", "et": "EE", "ar": "SA",
}  # fmt: skip
"""Where a language is not written like its country."""


def _public(thing: object) -> list[str]:
    return [name for name in dir(thing) if not name.startswith("_")]


def _hint(name: str, known: list[str]) -> str | None:
    return did_you_mean(name, known)


def _unusable(message: str, hint: str | None) -> SpecError:
    return SpecError([Violation("spec.provider", message, hint=hint)])
