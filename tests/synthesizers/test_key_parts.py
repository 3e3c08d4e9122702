"""Parts of keys that mean something, count rows, or identify what has no table of its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from fabula.synthesizers.fitting import fit
from fabula.synthesizers.multitable.foreign_keys import row_links
from fabula.synthesizers.multitable.identity import in_year, made_apart
from fabula.synthesizers.synthesizer import load_synthesizer

YEARS = np.arange(1950, 2010)


def races() -> dict[str, pa.Table]:
    """Seasons with numbered races on days of that year, and teams by year and code."""
    rng = np.random.default_rng(1)
    year = np.repeat(YEARS, rng.integers(6, 13, 60))
    first = np.r_[True, np.diff(year) != 0]
    place = np.arange(len(year)) - np.maximum.accumulate(np.where(first, np.arange(len(year)), 0))
    days = (year - 1970).astype("M8[Y]").astype("M8[D]") + 60 + place * 14
    teams = [(at, code) for at in YEARS for code in rng.choice(list("ABCDEFGH"), 5, replace=False)]
    return {
        "seasons": pa.table({"year": YEARS, "length": np.bincount(year - 1950)}),
        "races": pa.table(
            {"race_id": np.arange(len(year)) + 1, "year": year, "round": place + 1, "date": days}
        ),
        "teams": pa.table(
            {
                "year": [at for at, _ in teams],
                "team_code": [code for _, code in teams],
                "points": rng.poisson(30, 300),
            }
        ),
    }


def test_years_of_a_key_stay_years(tmp_path: Path) -> None:
    """Each real season comes once, races lie in their year and are counted, teams differ in it."""
    real = races()
    fitted = fit(real, seed=1)
    fitted.save(tmp_path / "races")
    made = load_synthesizer(tmp_path / "races").sample(seed=2)
    assert made["seasons"]["year"].to_pylist() == YEARS.tolist()
    assert pc.all(pc.equal(pc.year(made["races"]["date"]), made["races"]["year"])).as_py()
    rounds = made["races"].group_by("year").aggregate([("round", "max"), ("round", "count")])
    assert rounds["round_max"].to_pylist() == rounds["round_count"].to_pylist()
    teams = made["teams"].select(["year", "team_code"])
    assert teams.group_by(["year", "team_code"]).aggregate([]).num_rows == teams.num_rows >= 290
    assert set(teams["team_code"].to_pylist()) == set("ABCDEFGH")
    assert "a sample has no more rows than these" in fitted.card()
    assert fitted.sample(3.0, seed=1)["seasons"].num_rows == 60


def test_codes_of_a_group_differ_while_there_are_any() -> None:
    """What repeats takes a code that its group lacks; a row for which none is left goes."""
    rng = np.random.default_rng(1)
    groups, codes = np.repeat([0, 1, 2], [3, 5, 2]), np.zeros(10, np.int32)
    apart, keep = made_apart(groups, codes, 3, rng)
    assert keep.tolist() == [True] * 6 + [False] * 2 + [True] * 2
    pairs = list(zip(groups[keep].tolist(), apart[keep].tolist(), strict=True))
    assert len(set(pairs)) == 8


def test_a_date_moves_to_another_year() -> None:
    """The day and the time of day stay, but for 29 February."""
    leap = pa.chunked_array([pa.array(["2024-02-29T10:20:30", None]).cast(pa.timestamp("ms"))])
    moved = in_year(leap, pa.chunked_array([[2023, 2023]]))
    assert [str(value) for value in moved] == ["2023-02-28 10:20:30", "None"]


def test_an_entity_without_a_table_keeps_its_counts(tmp_path: Path) -> None:
    """As many users as in the real ratings, each with as many ratings, none with a real id."""
    rng = np.random.default_rng(1)
    counts = np.clip(rng.lognormal(3, 0.8, 80), 10, 150).astype(int)
    users = np.repeat(np.arange(80) * 7 + 1_000, counts)
    films = np.concatenate([rng.choice(200, count, replace=False) for count in counts])
    real = {
        "movies": pa.table({"movieId": np.arange(200)}),
        "ratings": pa.table(
            {"userId": users, "movieId": films, "stars": rng.integers(1, 6, len(users))}
        ),
        "tags": pa.table({"userId": np.unique(users)[:40].repeat(2), "tag": ["a", "b"] * 40}),
    }
    fitted = fit(real, seed=1)
    assert "80 different ratings.userId and tags.userId without a table" in fitted.card()
    fitted.save(tmp_path / "films")
    made = load_synthesizer(tmp_path / "films").sample(seed=2)
    assert set(made) == set(real)
    here = np.sort(made["ratings"]["userId"].value_counts().field("counts").to_numpy())
    assert np.abs(here / np.sort(counts) - 1).max() < 0.1
    tagging = made["tags"]["userId"].unique()
    assert pc.all(pc.is_in(tagging, value_set=made["ratings"]["userId"].unique())).as_py()
    assert len(tagging) == 40
    assert not set(made["ratings"]["userId"].to_pylist()) & set(users.tolist())


@pytest.mark.parametrize("first", [0, 1])
def test_lines_are_counted_within_their_order(first: int) -> None:
    """Also alongside a key of their own, and from the number that the real ones start with."""
    sizes = np.random.default_rng(1).integers(1, 6, 80)
    order = np.repeat(np.arange(80), sizes)
    place = np.arange(len(order)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    tables = {
        "orders": pa.table({"order_id": np.arange(80) + 1}),
        "lines": pa.table(
            {
                "line_id": np.arange(len(order)) + 1,
                "order_id": order + 1,
                "line_no": place + first,
                "price": np.where(place == 0, 100.0, 5.0),
            }
        ),
    }
    fitted = fit(tables, seed=1)
    assert "line_no: counts the rows of each order_id" in fitted.card()
    lines = fitted.sample(seed=2)["lines"]
    found = lines.group_by("order_id").aggregate(
        [("line_no", "min"), ("line_no", "max"), ("line_no", "count")]
    )
    assert set(found["line_no_min"].to_pylist()) == {first}
    assert pc.equal(
        pc.subtract(found["line_no_max"], found["line_no_count"]), first - 1
    ).to_pylist() == [True] * len(found)
    dear = lines.filter(pc.equal(lines["line_no"], first))["price"]
    assert pc.mean(dear).as_py() > 70
    assert not (row_links(fitted.sample(seed=3), fitted.keys.foreign[0]) < 0).any()


@pytest.mark.slow
@pytest.mark.parametrize(("first_month", "last_late"), [(1, 0), (8, 5)])
def test_a_season_in_a_key_tells_the_year_of_its_games(
    first_month: int, last_late: int, tmp_path: Path
) -> None:
    """Also where a season begins in August and ends in May of the year after it."""
    rng = np.random.default_rng(5)
    years = rng.integers(1990, 2020, 600)
    month = rng.integers(0, 10, 600) + first_month - 1
    days = ((years - 1970) * 12 + month).astype("M8[M]").astype("M8[D]") + rng.integers(0, 28, 600)
    named = np.array([f"{year}/{(year + 1) % 100:02d}" for year in range(1990, 2020)])
    real = {
        "season": pa.table({"season": named, "teams": rng.integers(16, 20, 30)}),
        "game": pa.table(
            {
                "game_id": np.arange(600) + 9_000,
                "season": named[years - 1990],
                "played": pa.array(days.astype("M8[D]")),
                "weekday": pa.array((days.astype(int) + 3) % 7),
            }
        ),
    }
    model = fit(real, seed=1, rounds=5)
    assert "on every row played: in the year of season" in model.card()
    model.save(tmp_path / "model")
    made = load_synthesizer(tmp_path / "model").sample(seed=2)["game"]
    assert made.num_rows == 600
    for row in made.to_pylist():
        assert row["played"].year - (row["played"].month <= last_late) == int(row["season"][:4])
        assert row["played"].weekday() == row["weekday"]


def test_users_called_so_keep_their_counts_without_a_table() -> None:
    rng = np.random.default_rng(6)
    users = np.repeat(np.arange(1, 61), rng.integers(20, 40, 60))
    films = rng.integers(0, 50, len(users))
    real = {
        "movies": pa.table({"movie_id": np.arange(50)}),
        "ratings": pa.table({"user": users, "movie_id": films, "stars": films % 5 + 1}),
    }
    made = fit(real, seed=1, rounds=5).sample(seed=1)["ratings"]
    counts = np.unique(made.column("user").to_numpy(), return_counts=True)[1]
    assert len(counts) == 60
    assert counts.min() >= 18
    assert counts.max() <= 42


@pytest.mark.slow
@pytest.mark.parametrize("kind", [pa.string(), pa.date32(), pa.timestamp("us")])
def test_days_in_keys_stay_days_and_are_told(kind, tmp_path):
    """A calendar keeps its days, and so does a key of a shop and a day that another table has."""
    rng = np.random.default_rng(2)
    days = pa.array(np.arange(18_000, 18_040, dtype=np.int32)).cast(pa.date32()).cast(kind)
    shops, each = np.arange(12) + 1, np.arange(480)
    sales = pa.table({"shop": shops[each // 40], "day": days.take(pa.array(each % 40))})
    tables = {
        "shops": pa.table({"shop": shops, "size": rng.choice(["s", "l"], 12)}),
        "calendar": pa.table({"day": days, "open": rng.choice(["yes", "no"], 40)}),
        "sales": sales.append_column("sum", pa.array(rng.normal(size=480))),
        "lines": sales.take(pa.array(rng.integers(0, 480, 900))).append_column(
            "pieces", pa.array(rng.poisson(3, 900))
        ),
    }
    model = fit(tables, seed=1, keys={"lines.shop+day": "sales.shop+day"})
    assert "day: part of the key: keeps its 40 real values" in model.card()
    model.save(tmp_path / "m")
    for made in (model.sample(), load_synthesizer(tmp_path / "m").sample()):
        assert made["calendar"]["day"].unique().sort().equals(days)
        pairs = [set(zip(*made[name].select(["shop", "day"]).to_pydict().values(), strict=True))
                 for name in ("sales", "lines")]  # fmt: skip
        assert len(pairs[0]) == made["sales"].num_rows
        assert pairs[1] <= pairs[0]
