"""Names in ASCII."""

from __future__ import annotations

import pytest

from fabula.fakers.latin import to_ascii


@pytest.mark.parametrize(
    ("name", "ascii_name"),
    [
        ("O'Brien", "obrien"),
        ("van der Berg", "vanderberg"),
        ("José María", "josemaria"),
        ("Şahin Işık", "sahinisik"),
        ("İbrahim", "ibrahim"),
        ("Wałęsa", "walesa"),
        ("Großmann", "grossmann"),
        ("Ægir Ørsted", "aegirorsted"),
        ("Фёдоров", "fedorov"),
        ("Щукина", "shchukina"),
        ("영희", "yeonghui"),
        ("김", "gim"),
        ("王", ""),
    ],
)
def test_names_are_folded_to_lower_case_letters(name: str, ascii_name: str) -> None:
    assert to_ascii(name) == ascii_name


def test_a_locale_may_spell_letters_its_own_way() -> None:
    assert to_ascii("Müller", {"ü": "ue"}) == "mueller"
