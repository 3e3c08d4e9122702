"""Any value that Mimesis or Faker can make, as a pool of distinct values to draw from.

Their methods make one value per call, a thousand times too slow for a column. Called once for a
pool, they cost nothing: a column is indices into it. The pool's size bounds how many different
values a column shows.
"""

from __future__ import annotations

import inspect
import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pyarrow as pa

from fabula.errors import PrerequisiteError, SpecError, Violation, did_you_mean
from fabula.fakers.joining import string_array

_PATIENCE = 1_000
"""Calls in a row without a new value after which a pool counts as complete."""
_MOST_CHARACTERS, _LONG = 16 << 20, 2_000
"""Characters of all values of a pool whose values are longer than this."""
_SMALLER = "give the column a smaller `size`, or use another provider"
_SECONDS = 8.0
"""CPU seconds that the values of one pool may take; names take a tenth of one."""


def provider_pool(name: str, locale: str, size: int, seed: int) -> pa.Array[Any]:
    """Make a pool of distinct values.

    Args:
        name: A Mimesis method, such as `address.city`, or a Faker method, such as `faker.iban`.
        locale: A locale of that library, such as `de` or `pt-br`.
        size: The most values; fewer come back when the provider has no more.
        seed: The seed of the pool. It fixes the values, save for the few providers that read the
            clock.

    Raises:
        SpecError: There is no such provider or locale, or it needs arguments.
        PrerequisiteError: A Faker method is asked for and Faker is not installed.
    """
    family, _, method = name.partition(".")
    make = _faker(method, locale, seed) if family == "faker" else _mimesis(name, locale, seed)
    return _array(list(_distinct(make, name, size)))


def _distinct(make: Callable[[], Any], name: str, size: int) -> Iterator[Any]:
    seen: set[str] = set()
    misses = length = 0
    began = time.thread_time()
    while len(seen) < size and misses < _PATIENCE:
        try:
            value = make()
        except Exception as error:
            message = f"the provider `{name}` can't be called by its name alone: {error}"
            raise _unusable(message, None) from error
        key = repr(value)
        if key in seen:
            misses += 1
            continue
        misses = 0
        length += len(key)
        if length > max(_MOST_CHARACTERS, _LONG * len(seen)):
            message = f"{len(seen) + 1:,} values of `{name}` have {length:,} characters"
            raise _unusable(message, _SMALLER)
        if time.thread_time() - began > _SECONDS:
            message = f"{len(seen):,} of {size:,} values of `{name}` took {_SECONDS:g} s"
            raise _unusable(message, _SMALLER)
        seen.add(key)
        yield value


def _array(values: list[Any]) -> pa.Array[Any]:
    """Values as Arrow holds them; what fits no column type becomes JSON."""
    if all(isinstance(value, str) for value in values):
        return string_array(values)
    try:
        array = pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError):
        array = None
    if array is not None and not pa.types.is_nested(array.type):
        return array
    return string_array(
        value if isinstance(value, str) else json.dumps(value, default=str) for value in values
    )


def _mimesis(name: str, locale: str, seed: int) -> Callable[[], Any]:
    from mimesis import Generic
    from mimesis.locales import Locale
    from mimesis.providers.base import BaseDataProvider, BaseProvider

    language, country = _language_and_country(locale)
    code = f"{language}-{country}".lower()
    known = [each.value for each in Locale]
    if code not in known and country == _own_country(language):
        code = language
    if code not in known:
        raise _unusable(f"Mimesis has no locale `{locale}`", did_you_mean(code, known))
    generic = Generic(Locale(code), seed=seed)
    providers = {each: getattr(generic, each) for each in dir(generic)}
    methods: dict[str, Callable[[], Any]] = {
        f"{family}.{method}": getattr(provider, method)
        for family, provider in providers.items()
        if isinstance(provider, BaseProvider)
        for method in sorted({*dir(provider)} - {*dir(BaseDataProvider)})
        if not method.startswith("_") and inspect.ismethod(getattr(provider, method))
    }
    return _found(name, methods)


def _faker(method: str, locale: str, seed: int) -> Callable[[], Any]:
    try:
        from faker import Faker
        from faker.config import AVAILABLE_LOCALES
    except ImportError as error:
        raise PrerequisiteError.for_extra("faker", needed_by=f"`faker.{method}`") from error

    code = "_".join(_language_and_country(locale))
    known = sorted(AVAILABLE_LOCALES)
    if code not in known:
        raise _unusable(f"Faker has no locale `{locale}`", did_you_mean(code, known))
    fake = Faker(code)
    fake.seed_instance(seed)
    # Faker attaches the methods of its providers to the generator itself.
    attached = vars(fake.factories[0]).items()
    methods = {f"faker.{each}": call for each, call in attached if inspect.ismethod(call)}
    return _found(f"faker.{method}", methods)


def _found(name: str, methods: Mapping[str, Callable[[], Any]]) -> Callable[[], Any]:
    if name not in methods:
        elsewhere = [each for each in methods if each.endswith(f".{name.rpartition('.')[2]}")]
        hint = did_you_mean(name, elsewhere) or did_you_mean(name, methods)
        raise _unusable(f"there is no provider `{name}`", hint)
    return methods[name]


def _language_and_country(locale: str) -> tuple[str, str]:
    """`de`, `de-DE` and `de_de` are all German of Germany."""
    language, _, country = locale.replace("-", "_").lower().partition("_")
    return language, country.upper() or _own_country(language)


def _own_country(language: str) -> str:
    return _COUNTRIES.get(language, language.upper())


_COUNTRIES = {
    "en": "US", "cs": "CZ", "da": "DK", "el": "GR", "fa": "IR", "he": "IL", "hi": "IN", "ja": "JP",
    "ko": "KR", "sl": "SI", "sv": "SE", "uk": "UA", "vi": "VN", "zh": "CN", "et": "EE", "ar": "SA",
}  # fmt: skip
"""Where a language is not written like its country."""


def _unusable(message: str, hint: str | None) -> SpecError:
    return SpecError([Violation("spec.provider", message, hint=hint)])
