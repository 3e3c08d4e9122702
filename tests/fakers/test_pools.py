"""Provider pools: distinct, repeatable, and clear about what does not exist."""

from __future__ import annotations

import sys

import pytest

from fabula.errors import PrerequisiteError, SpecError
from fabula.fakers.pools import provider_pool


@pytest.mark.parametrize("name", ["address.city", "finance.company", "faker.iban", "faker.name"])
@pytest.mark.parametrize("locale", ["de", "en-US", "pt-br", "ja_JP"])
def test_a_pool_holds_distinct_values_and_repeats(name: str, locale: str) -> None:
    pool = provider_pool(name, locale, 50, seed=3)
    assert len(pool) == 50
    assert len(set(pool.to_pylist())) == 50
    assert pool.equals(provider_pool(name, locale, 50, seed=3))
    assert not pool.equals(provider_pool(name, locale, 50, seed=4))


def test_a_provider_with_few_values_gives_a_smaller_pool() -> None:
    pool = provider_pool("development.boolean", "en", 100, seed=1)
    assert sorted(pool.to_pylist()) == [False, True]


def test_values_keep_their_types() -> None:
    assert str(provider_pool("datetime.date", "en", 10, seed=1).type) == "date32[day]"
    assert str(provider_pool("numeric.integer_number", "en", 10, seed=1).type) == "int64"


@pytest.mark.parametrize(
    ("name", "locale", "hint"),
    [
        ("address.citty", "en", "did you mean `address.city`?"),
        ("internet.email", "en", "did you mean `person.email`?"),
        ("faker.ibann", "en", "did you mean `faker.iban`?"),
        ("address.city", "pt-bt", "did you mean `pt-br`?"),
        ("faker.name", "de-DEE", "did you mean `de_DE`?"),
        ("address.__init__", "en", None),
        ("person.reseed", "en", None),
        ("faker.seed_instance", "en", None),
        ("", "en", None),
    ],
)
def test_unknown_providers_and_locales_are_refused(
    name: str, locale: str, hint: str | None
) -> None:
    with pytest.raises(SpecError) as caught:
        provider_pool(name, locale, 5, seed=1)
    assert caught.value.code == "spec.provider"
    if hint:
        assert caught.value.hint == hint


def test_a_provider_that_needs_arguments_is_refused() -> None:
    with pytest.raises(SpecError, match="can't be called by its name alone"):
        provider_pool("choice.choice", "en", 5, seed=1)


def test_a_missing_faker_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faker", None)
    with pytest.raises(PrerequisiteError) as caught:
        provider_pool("faker.iban", "en", 5, seed=1)
    assert caught.value.hint == "pip install 'fabula[faker]'"
