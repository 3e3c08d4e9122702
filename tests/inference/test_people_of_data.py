"""People of a first spec are of the countries that the data tells."""

from __future__ import annotations

import re

import pyarrow as pa
import pyarrow.compute as pc
import pytest

import fabula as fb
from fabula.fakers.locales import load_locale

FIELDS = ("name", "city", "postcode", "phone", "country")
NAMES = {"de": "Germany", "fr": "France", "pl": "Poland"}


def people(*locales: str, n: int = 400) -> pa.Table:
    columns = {field: {"kind": "person", "field": field, "locale": locales} for field in FIELDS}
    return fb.generate({"tables": {"people": {"n": n, "columns": columns}}}, seed=1).to_arrow()


def towns_of(code: str) -> set[str]:
    return {place.city for place in load_locale(code).places}


def real_phones(code: str, rows: pa.Table) -> bool:
    """Whether telephone numbers are written as those of a country."""
    return all(re.fullmatch(load_locale(code).phone, text) for text in rows["phone"].to_pylist())


@pytest.mark.parametrize("in_english", [False, True])
def test_towns_phones_and_countries_of_a_row_agree(in_english):
    """Also where the data calls countries otherwise than their people do."""
    real = people("de", "de", "fr", "pl")
    called = {load_locale(code).country: NAMES[code] for code in NAMES}
    if in_english:
        labels = [called[str(each)] for each in real["country"].to_pylist()]
        real = real.set_column(4, "country", pa.array(labels))
    made = fb.generate(fb.infer(real), n=600, seed=2).to_arrow()
    labels = made["country"].cast(pa.string())
    for code, english in NAMES.items():
        label = english if in_english else load_locale(code).country
        rows = made.filter(pc.equal(labels, label))
        share = pc.mean(pc.equal(real["country"].cast(pa.string()), label).cast(pa.int8())).as_py()
        assert abs(len(rows) / 600 - share) < 0.08
        assert set(rows["city"].to_pylist()) <= towns_of(code)
        assert real_phones(code, rows)
    assert set(labels.to_pylist()) == set(real["country"].cast(pa.string()).to_pylist())


def test_names_tell_the_language_where_no_country_does():
    real = people("de").select(["name", "postcode", "phone"])
    found = fb.infer(real)
    columns = found.spec.tables["data"].columns
    assert columns["name"].locale == "de"
    assert "of de, by their names" in found.reasons["tables.data.columns.name"]


def test_countries_without_names_of_their_own_stay_as_they_are():
    """The countries keep their shares, and the people have the names of those that are known."""
    real = people("de", "fr", n=300)
    labels = real["country"].cast(pa.string()).combine_chunks()
    abroad = pa.array([at % 5 == 0 for at in range(300)])
    real = real.set_column(4, "country", pc.if_else(abroad, "Estland", labels))
    columns = fb.infer(real).spec.tables["data"].columns
    assert columns["country"].kind == "choice"
    assert set(columns["name"].locale) == {"de", "fr"}
