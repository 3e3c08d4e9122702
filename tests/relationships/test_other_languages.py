"""Keys whose columns are named in another language than English, or say nothing by their names."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from fabula.relationships.column_names import name_words
from fabula.relationships.key_names import names_year
from fabula.relationships.keys import find_keys
from fabula.synthesizers.fitting import fit


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Geräte-Nr", ("gerate", "nr")),
        ("kundennr", ("kunden", "nr")),
        ("AÑO", ("ano",)),
        ("größe", ("grosse",)),
        ("Geschäftsjahr", ("geschafts", "jahr")),
        ("клиент_id", ("клиент", "id")),
        ("顧客", ("顧客",)),
    ],
)
def test_names_are_words_in_any_alphabet(name: str, words: tuple[str, ...]) -> None:
    """Accents are dropped, and ends of compounds are words of their own."""
    assert name_words(name) == words


@pytest.mark.parametrize(
    "name", ["Jahrgang", "saison", "Année", "año", "modelyear", "anno_fiscale"]
)
def test_years_are_named_in_several_languages(name: str) -> None:
    assert names_year(name)


def school() -> dict[str, pa.Table]:
    """Schools, pupils numbered in the classes of a school, and marks numbered for each pupil."""
    rng = np.random.default_rng(4)
    pupils = [
        (school, group, seat)
        for school in range(1, 31)
        for group in range(1, 2 + school % 3)
        for seat in range(1, rng.integers(4, 9))
    ]
    marks = [(*pupil, nth) for pupil in pupils for nth in range(1, 1 + rng.integers(0, 4))]
    parts = ("schule", "klasse", "platz")
    return {
        "schulen": pa.table({"schule": range(1, 31)}),
        "schueler": pa.table(dict(zip(parts, np.transpose(pupils), strict=True))),
        "noten": pa.table(dict(zip((*parts, "arbeit"), np.transpose(marks), strict=True))),
    }


def test_columns_that_number_rows_in_turn_are_parts_of_a_key() -> None:
    """No part but the first is named like a key: numbers without gaps in each group tell it."""
    keys = find_keys(school())
    assert keys.primary["schueler"] == ("schule", "klasse", "platz")
    assert keys.primary["noten"] == ("schule", "klasse", "platz", "arbeit")
    assert "noten.schule+klasse+platz" in {key.name for key in keys.foreign}
    made = fit(school(), seed=1, holdout=0).sample(seed=2)
    for name, key in keys.primary.items():
        assert made[name].group_by(list(key)).aggregate([]).num_rows == made[name].num_rows
    parents = set(zip(*(made["schueler"][part].to_pylist() for part in keys.primary["schueler"]),
                      strict=True))  # fmt: skip
    children = set(zip(*(made["noten"][part].to_pylist() for part in keys.primary["schueler"]),
                       strict=True))  # fmt: skip
    assert children <= parents


def test_a_table_points_at_itself_under_a_compound_name() -> None:
    """`oberkategorie` holds values of `kategorie_nr`: no orphan, no circle."""
    rng = np.random.default_rng(3)
    above = [None, *(f"K{rng.integers(1, at + 1):04d}" for at in range(1, 200))]
    table = pa.table(
        {"kategorie_nr": [f"K{at:04d}" for at in range(1, 201)], "oberkategorie": above}
    )
    made = fit(table, seed=1, holdout=0).sample(500, seed=2).to_pylist()
    above_of = {row["kategorie_nr"]: row["oberkategorie"] for row in made}
    assert set(above_of.values()) - {None} <= set(above_of)
    for start in above_of:
        seen, at = set(), start
        while at is not None:
            assert at not in seen
            seen.add(at)
            at = above_of[at]


def test_years_in_a_key_stay_by_any_name_but_that_of_an_identifier() -> None:
    """Vintages keep their years, and wines are harvested in them; customers get new numbers."""
    rng = np.random.default_rng(2)
    years = np.arange(1961, 2021)
    vintage = rng.choice(years, 300)
    day = (vintage - 1970).astype("M8[Y]").astype("M8[D]") + rng.integers(220, 290, 300)
    wines = {"wein": np.arange(1, 301), "herbst": vintage, "lese": day}
    tables = {
        "herbste": pa.table({"herbst": years, "sonne": rng.normal(1600, 90, 60).round()}),
        "weine": pa.table(wines),
    }
    made = fit(tables, seed=1, holdout=0).sample(seed=2)
    assert made["herbste"]["herbst"].to_pylist() == years.tolist()
    harvested = made["weine"]["lese"].to_numpy().astype("M8[Y]").astype(int) + 1970
    assert (harvested == made["weine"]["herbst"].to_numpy()).all()
    alone = fit(tables["herbste"], seed=1, holdout=0).sample(200, seed=2)["herbst"].to_numpy()
    assert alone.min() >= 1961
    assert alone.max() <= 2020
    numbers = pa.table({"kunde_nr": years, "sonne": rng.normal(1600, 90, 60).round()})
    assert fit(numbers, seed=1, holdout=0).sample(5, seed=2)["kunde_nr"][0].as_py() > 2020
