"""Keys that name what a small table lists, and short codes of other tables."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from fabula.synthesizers.codecs.keys import ANY_TEXT, KeyCodec
from fabula.synthesizers.fitting import fit
from fabula.synthesizers.multitable.database import fit_tables
from fabula.synthesizers.multitable.names import protected_counts
from fabula.synthesizers.synthesizer import load_synthesizer

CATEGORIES = ["Beverages", "Condiments", "Dairy Products", "Grains/Cereals", "Produce", "Seafood"]
COUNTRIES = {"DE": "Germany", "FR": "France", "US": "United States", "GB": "Britain", "ES": "Spain"}


def shop() -> dict[str, pa.Table]:
    """Products whose price depends on their category and whose weight on their country."""
    rng = np.random.default_rng(1)
    category = np.repeat(np.arange(6), [40, 80, 120, 160, 200, 300])
    country = rng.choice(5, 900, p=[0.4, 0.25, 0.2, 0.1, 0.05])
    price = np.exp(1 + 0.5 * category + rng.normal(0, 0.2, 900)).round(2)
    return {
        "categories": pa.table({
            "category": CATEGORIES, "about": [f"{at} shelves" for at in "abcdef"],
        }),
        "countries": pa.table({"code": list(COUNTRIES), "name": list(COUNTRIES.values())}),
        "products": pa.table({
            "product_id": np.arange(900) + 1,
            "category": np.array(CATEGORIES)[category],
            "country": np.array(list(COUNTRIES))[country],
            "price": price,
            "weight": (5 + 3 * country + rng.normal(0, 1, 900)).round(1),
        }),
    }  # fmt: skip


def means(table: pa.Table, by: str, of: str) -> dict[str, float]:
    """The mean of a column by the values of another."""
    found = table.group_by(by).aggregate([(of, "mean")]).to_pylist()
    return {row[by]: row[f"{of}_mean"] for row in found}


def named(countries: pa.Table) -> dict[str, str]:
    """The name of each code."""
    return dict(zip(*(countries[name].to_pylist() for name in ("code", "name")), strict=True))


def test_categories_and_country_codes_stay_what_they_are(tmp_path: Path) -> None:
    """Each has as many rows as in the real tables, its own name, and rows like the real ones."""
    real = shop()
    fitted = fit(real, seed=1)
    fitted.save(tmp_path / "shop")
    made = load_synthesizer(tmp_path / "shop").sample(1.0, seed=2)
    assert made["categories"]["category"].to_pylist() == CATEGORIES
    assert named(made["countries"]) == COUNTRIES
    for column in ("category", "country"):
        counts = [
            {row["values"]: row["counts"] for row in values.to_pylist()}
            for values in (each["products"][column].value_counts() for each in (real, made))
        ]  # fmt: skip
        assert counts[0] == counts[1]
    for by, of in (("category", "price"), ("country", "weight")):
        own, other = (means(each["products"], by, of) for each in (real, made))
        assert all(abs(other[key] / own[key] - 1) < 0.2 for key in own), (own, other)
    card = fitted.card()
    assert "category: part of the key: keeps its 6 real values" in card
    assert "name: real names, each beside its `code`" in card


def test_counts_of_few_rows_are_not_told() -> None:
    """Values of fewer rows than are protected all count as none; others keep their counts."""
    counts = protected_counts(np.array([40, 3, 10, 9, 0]), 10)
    assert counts.tolist() == [40, 0, 10, 0, 0]


def test_more_rows_do_not_repeat_a_kept_key() -> None:
    """Twice as many products have the same categories; half as many have some of them."""
    fitted = fit(shop(), seed=1, rounds=5)
    assert fitted.sample(2.0, seed=2)["categories"]["category"].to_pylist() == CATEGORIES
    few = fitted.sample(0.5, seed=2)
    assert set(few["products"]["category"].to_pylist()) <= set(
        few["categories"]["category"].to_pylist()
    )
    assert named(few["countries"]).items() <= COUNTRIES.items()


def test_keys_of_people_ids_and_sensitive_tables_are_made_anew() -> None:
    """A key that is a form of code, or stands in a table about people, is not kept."""
    real = shop()
    coded = [f"CAT-{at}" for at in range(11, 17)]
    place = pc.index_in(real["products"]["category"], pa.array(CATEGORIES))
    tables = {
        "categories": real["categories"].set_column(0, "category", pa.array(coded)),
        "products": real["products"].drop_columns("country").set_column(
            1, "category", pa.array(coded).take(place.combine_chunks())
        ),
    }  # fmt: skip
    made = fit_tables(tables, seed=1, rounds=5).sample(seed=2)
    assert set(made["categories"]["category"].to_pylist()).isdisjoint(coded)
    members = {"members": tables["categories"].set_column(0, "category", pa.array(CATEGORIES)),
               "products": real["products"].drop_columns("country")}  # fmt: skip
    keys = {"products.category": "members.category"}
    made = fit_tables(members, seed=1, rounds=5, keys=keys).sample(seed=2)
    assert set(made["members"]["category"].to_pylist()).isdisjoint(CATEGORIES)
    made = fit_tables(real, seed=1, rounds=5, sensitive=["categories.about"]).sample(seed=2)
    assert set(made["categories"]["category"].to_pylist()).isdisjoint(CATEGORIES)


def test_short_codes_keep_their_form_and_meet_no_real_one() -> None:
    """Carriers of two characters stay so; words of differing lengths have no form."""
    codes = ["9E", "AA", "B6", "F9", "DL", "UA", "WN", "OO"]
    key = KeyCodec.always("carrier", pa.array(codes))
    assert key.regex == "[0-9A-Z][0-9A-Z]"
    assert KeyCodec.always("word", pa.array(["red", "green", "blue"])).regex == ANY_TEXT
    assert KeyCodec.always("digit", pa.array(["A1", "A2", "B3"])).regex == r"[A-Z]\d"
    assert KeyCodec.always("letter", pa.array(list("ABCDEFGHIJ"))).regex == ANY_TEXT
