"""No column of related tables is missing: what is not learned stands in its form, and is told."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from fabula.synthesizers.multitable.database import RelationalSynthesizer, fit_tables
from tests.real_data import real_files, real_table

NOTES = ("asked for a table near the window", "paid late and wrote a long letter about the parcel")


def library() -> dict[str, pa.Table]:
    """Few shelves, employees and books with texts of all kinds."""
    rng = np.random.default_rng(3)
    day = dt.date(1970, 5, 3)
    shelves = ["Crime", "Poetry", "Old Maps", "Science", "Cooking & Wine", "Travel"]
    words = rng.permutation(["river", "stone", "winter", "glass", "harbour", "moon", "letter"])
    jobs = [f"{a} {b}" for a in ("Head", "Deputy", "Night") for b in ("Clerk", "Porter", "Cook")]
    stays = [f"{NOTES[at % 2]}, and stayed for {at} years in the house" for at in range(9)]
    titles = [" ".join(rng.choice(words, 3)).title() + f" {at}" for at in range(300)]
    notes = [f"{rng.choice(NOTES)}, {' '.join(rng.choice(words, 9))} {at}" for at in range(300)]
    return {
        "shelves": pa.table({
            "shelf_id": range(6),
            "label": shelves,
            "about": [f"what people read when they think of {name.lower()}" for name in shelves],
        }),
        "employees": pa.table({
            "employee_id": range(9),
            "title": jobs,
            "birth": [day + dt.timedelta(days=900 * at) for at in range(9)],
            "wage": [1_850.5 + 101 * at for at in range(9)],
            "trained": [True, False, True] * 3,
            "photo": [rng.bytes(300) for _ in range(9)],
            "notes": stays,
        }),
        "books": pa.table({
            "book_id": range(300),
            "shelf_id": rng.integers(0, 6, 300),
            "employee_id": rng.integers(0, 9, 300),
            "title": titles,
            "review": [None if at % 5 == 0 else text for at, text in enumerate(notes)],
            "pages": rng.integers(80, 700, 300),
        }),
    }  # fmt: skip


def test_texts_small_tables_and_binaries_come_back_in_their_form(tmp_path: Path) -> None:
    real = library()
    model = fit_tables(real, seed=1, rounds=5)
    model.save(tmp_path / "model")
    card = model.card()
    assert "left out" not in card
    made = model.sample(seed=2)
    again = RelationalSynthesizer.load(tmp_path / "model").sample(seed=2)
    for name, table in real.items():
        assert made[name].schema == table.schema
        assert again[name].equals(made[name])
    assert set(made["shelves"]["label"].to_pylist()) == set(real["shelves"]["label"].to_pylist())
    assert "label: real names, kept in another order: 6 rows" in card
    for table, column in (
        ("shelves", "about"), ("employees", "title"), ("employees", "photo"),
        ("employees", "notes"), ("books", "title"), ("books", "review"),
    ):  # fmt: skip
        known = {value for value in made[table][column].to_pylist() if value is not None}
        assert known.isdisjoint(real[table][column].to_pylist()), (table, column)
        assert f"  {column}: " in card
    lengths = [
        np.sort([len(text) for text in own["books"]["review"].to_pylist() if text])
        for own in (real, made)
    ]
    grid = np.unique(np.concatenate(lengths))
    shares = [np.searchsorted(own, grid, "right") / len(own) for own in lengths]
    assert np.abs(shares[0] - shares[1]).max() < 0.15  # 240 texts a side: 5 sigma is 0.25
    assert 30 <= made["books"]["review"].null_count <= 90  # 60 on average
    titles = made["books"]["title"].to_pylist()
    assert len(set(titles)) == len(titles)
    assert {len(title.split()) for title in titles} == {4}
    births = made["employees"]["birth"].to_pylist()
    assert all(1969 <= birth.year <= 1990 for birth in births)
    assert "birth: drawn evenly from" in card


def test_twice_as_many_rows_have_further_names_and_none_repeats() -> None:
    made = fit_tables(library(), seed=1, rounds=5).sample(2.0, seed=2)
    labels = made["shelves"]["label"].to_pylist()
    assert len(labels) == len(set(labels)) == 12


def test_names_of_people_and_sensitive_columns_are_never_kept() -> None:
    real = library()
    players = real["shelves"].rename_columns(["shelf_id", "label", "about"])
    tables = {"players": players, "books": real["books"]}
    model = fit_tables(tables, seed=1, rounds=5, keys={"books.shelf_id": "players.shelf_id"})
    made = model.sample(seed=2)["players"]["label"].to_pylist()
    assert set(made).isdisjoint(players["label"].to_pylist())
    model = fit_tables(real, seed=1, rounds=5, sensitive=["shelves.label"])
    made = model.sample(seed=2)["shelves"]
    labels = made["label"].to_pylist() if "label" in made.column_names else []
    assert set(labels).isdisjoint(players["label"].to_pylist())


@pytest.mark.slow
@pytest.mark.parametrize("name", ["chinook", "northwind"])
def test_every_column_of_public_databases_is_there(name: str) -> None:
    tables = {path.stem: real_table(str(path)) for path in real_files(f"relational/{name}")}
    made = fit_tables(tables, seed=1, rounds=5).sample(seed=2)
    for table, rows in tables.items():
        assert made[table].column_names == rows.column_names
