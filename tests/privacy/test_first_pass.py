"""What a masking knows of all rows before it draws new people."""

from __future__ import annotations

import pyarrow as pa
import pytest

from fabula.fakers.locales import load_locale
from fabula.privacy.actions import ColumnAction, TableMask
from fabula.privacy.first_pass import Known
from fabula.privacy.secret import Secret


@pytest.mark.slow
@pytest.mark.parametrize(
    ("real", "language", "spelling"),
    [
        ("Schröder", "en", "Schroeder"),
        ("Schroeder", "de", "Schröder"),
        ("Müller", "en", "Mueller"),
        ("MUELLER", "de", "Müller"),
        ("Mckinney", "en", "McKinney"),
        ("OBrien", "en", "O'brien"),
        ("o’BRIEN", "en", "O'brien"),
        ("van der Smith-Jones", "en", "Jones"),
        ("Weiss", "de", "Weiß"),
        ("Бои\u0306ко", "ru", "Бойко"),
        ("王", "zh", "王"),
    ],
)
def test_a_masking_without_a_kept_key_draws_a_real_name_in_no_spelling(
    real: str, language: str, spelling: str
) -> None:
    def last_names(key: int) -> set[str]:
        known = Known(Secret(bytes([key] * 32)), [language])
        table = TableMask("people", {"name": ColumnAction("replace", "last_name")})
        known.add(table, pa.table({"name": [real]}))
        (locale,), _ = known.locales()
        return {name.text for names in locale.last for name in names}

    assert spelling in {name.text for names in load_locale(language).last for name in names}
    assert not any(spelling in last_names(key) for key in range(6))


def test_the_names_of_a_short_list_give_way_to_those_of_other_languages() -> None:
    spanish = {name.text for names in load_locale("es").last for name in names}
    known = Known(Secret(bytes([7] * 32)), ["es"])
    table = TableMask("people", {"name": ColumnAction("replace", "last_name")})
    known.add(table, pa.table({"name": sorted(spanish)}))
    (locale,), notes = known.locales()
    drawn = {name.text for names in locale.last for name in names}
    assert len(drawn) > 100
    assert not drawn & spanish
    assert notes == [
        "the originals have nearly all last names (es); new ones are of other languages"
    ]
