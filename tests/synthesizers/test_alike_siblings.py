"""What all children of a parent have alike, they have alike in every sample."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from faker import Faker

from fabula.synthesizers.fitting import fit
from fabula.synthesizers.multitable.alike import moved
from fabula.synthesizers.multitable.database import RelationalSynthesizer, fit_tables


def _several(table: pa.Table, key: str, columns: Iterable[str]) -> int:
    """Rows of parents whose children have several values in one of the columns."""
    parents = table.column(key).to_pylist()
    wrong = 0
    for column in columns:
        found: dict[object, set[object]] = {}
        for parent, value in zip(parents, table.column(column).to_pylist(), strict=True):
            found.setdefault(parent, set()).add(value)
        wrong += sum(len(values) > 1 for values in found.values())
    return wrong


def _orders() -> dict[str, pa.Table]:
    """Orders that repeat the town and level of their client, and the tax class of their article.

    No other table has these columns; the country follows from the town inside the row.
    """
    rng = np.random.default_rng(11)
    clients, articles, size = 90, 25, 900
    town, level = rng.integers(0, 6, clients), rng.gamma(2, 40, clients).round(2)
    tax = rng.choice(["full", "reduced"], articles, p=[0.7, 0.3])
    client, article = np.sort(rng.integers(0, clients, size)), rng.integers(0, articles, size)
    towns = np.array(["Aal", "Bree", "Crox", "Dorn", "Elst", "Fels"])
    return {
        "clients": pa.table(
            {"client_id": np.arange(clients), "age": rng.integers(20, 70, clients)}
        ),
        "articles": pa.table(
            {"article_id": np.arange(articles) + 500, "weight": rng.normal(5, 1, articles)}
        ),
        "orders": pa.table(
            {
                "order_id": np.arange(size) + 7_000,
                "client_id": client,
                "article_id": article + 500,
                "place": towns[town[client]],
                "land": np.array(["A", "B"])[town[client] % 2],
                "level": level[client],
                "tax": tax[article],
                "pieces": rng.integers(1, 9, size),
            }
        ),
    }


@pytest.mark.slow
def test_what_a_parent_s_children_have_alike_stays_so_in_samples(tmp_path: Path) -> None:
    """Labels and numbers, of the leading parent and of another one, saved and loaded."""
    model = fit_tables(_orders(), seed=1, rounds=10)
    card = model.card()
    assert "land, level, place: alike in all rows of one orders.client_id" in card
    assert "tax: alike in all rows of one orders.article_id" in card
    model.save(tmp_path / "model")
    for scale in (1.0, 2.0):
        made = model.sample(scale, seed=3)["orders"]
        assert _several(made, "client_id", ("place", "land", "level")) == 0
        assert _several(made, "article_id", ("tax",)) == 0
        assert _several(made, "place", ("land",)) == 0
        assert made.column("tax").unique().to_pylist() != ["full"]
        loaded = RelationalSynthesizer.load(tmp_path / "model").sample(scale, seed=3)
        assert loaded["orders"].equals(made)


def test_what_agrees_by_chance_is_not_kept_alike() -> None:
    real = _orders()
    rng = np.random.default_rng(4)
    orders = real["orders"].select(["order_id", "client_id", "article_id", "pieces"])
    rare = pa.array(np.where(rng.random(len(orders)) < 0.004, "odd", "usual"))
    model = fit_tables({**real, "orders": orders.append_column("note", rare)}, seed=1, rounds=5)
    assert "alike" not in model.card()


def test_children_change_parents_until_each_parent_has_one_label() -> None:
    """No label is lost, also one that no parent has most of."""
    rng = np.random.default_rng(2)
    parents, labels = rng.integers(0, 12, 500), rng.choice(4, 500, p=[0.7, 0.2, 0.09, 0.01])
    parents[:5] = -1
    found = moved(parents, labels, rng)
    assert (found[:5] == -1).all()
    pairs = np.unique(np.column_stack([found, labels])[5:], axis=0)
    assert len(np.unique(pairs[:, 0])) == len(pairs)
    assert set(pairs[:, 1]) == set(labels)


def test_all_orders_of_a_client_go_to_one_name_where_real_ones_do():
    """Some clients have their goods sent to another name, which no client has, always the same."""
    rng = np.random.default_rng(7)
    fake = Faker("en_US")
    fake.seed_instance(7)
    names = list(dict.fromkeys(f"{fake.company()} {fake.last_name()}" for _ in range(200)))[:120]
    buyer = rng.integers(0, 100, 1_000)
    sent = np.array([*names[:80], *names[100:120]])
    tables = {
        "clients": pa.table({"client_id": np.arange(100) + 1, "company_name": names[:100]}),
        "orders": pa.table({
            "order_id": np.arange(1_000) + 1, "client_id": buyer + 1, "ship_name": sent[buyer],
        }),
    }  # fmt: skip
    made = {name: table.to_pandas() for name, table in fit(tables, seed=1).sample().items()}
    both = made["orders"].merge(made["clients"], on="client_id")
    assert (both.groupby("client_id")["ship_name"].nunique() == 1).all()
    same = both["ship_name"] == both["company_name"]
    assert 0.6 < same.mean() < 0.95
    strangers = set(both["ship_name"][~same])
    assert len(strangers & set(both["company_name"])) < len(strangers) / 2
    assert not set(both["ship_name"]) & set(names)


def test_siblings_keep_the_other_parent_of_the_one_before_as_often_as_real_ones() -> None:
    """Tracks of an album have one genre, mostly; nothing but a name is known of genres."""
    rng = np.random.default_rng(4)
    albums, size, genres = 150, 1_500, 8
    album = np.sort(rng.integers(0, albums, size))
    main = rng.choice(genres, albums, p=np.arange(genres, 0, -1) / 36)[album]
    genre = np.where(rng.random(size) < 0.01, rng.integers(0, genres, size), main)
    medium, year = main // 3, rng.integers(1970, 2020, albums)
    tables = {
        "albums": pa.table({"album_id": np.arange(albums) + 1, "year": year}),
        "genres": pa.table({"genre_id": np.arange(genres) + 1, "code": [*"abcdefgh"]}),
        "media": pa.table({"medium_id": np.arange(3) + 1, "code": ["cd", "lp", "mc"]}),
        "tracks": pa.table({
            "track_id": np.arange(size) + 100,
            "album_id": album + 1,
            "genre_id": genre + 1,
            "medium_id": medium + 1,
            "seconds": (120 + 60 * main + rng.gamma(2, 20, size)).round(),
        }),
    }  # fmt: skip
    model = fit_tables(tables, seed=1, rounds=20)
    assert "medium_id: alike in all rows of one tracks.album_id" in model.card()
    made = model.sample(seed=2)["tracks"]
    assert _several(made, "album_id", ["medium_id"]) == 0

    def genres_of_albums(table: pa.Table) -> float:
        pairs = table.group_by(["album_id", "genre_id"]).aggregate([])
        return pairs.num_rows / table.column("album_id").unique().__len__()

    assert genres_of_albums(made) < genres_of_albums(tables["tracks"]) + 0.25
