"""Several related tables, learned and newly generated."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from fabula.errors import SourceError, UsageError
from fabula.relationships.keys import ForeignKey
from fabula.synthesizers.fitting import fit
from fabula.synthesizers.multitable.database import RelationalSynthesizer, fit_tables
from fabula.synthesizers.multitable.foreign_keys import row_links

DAY = 86_400_000_000


def shop() -> dict[str, pa.Table]:
    """Customers with orders in time order, products, and order lines with a composite key.

    Customers from the north order more, and buy snow boots; an order's amount follows the one
    before; employees have a boss.
    """
    rng = np.random.default_rng(5)
    north = rng.random(300) < 0.4
    counts = rng.poisson(np.where(north, 6, 2))
    owner = np.repeat(np.arange(300), counts)
    size = len(owner)
    amount = np.empty(size)
    placed = np.empty(size, dtype=np.int64)
    for row, customer in enumerate(owner):
        first = row == 0 or owner[row - 1] != customer
        amount[row] = rng.normal(50, 15) if first else 0.8 * amount[row - 1] + rng.normal(10, 3)
        gap = rng.integers(5, 15) * DAY
        placed[row] = (1_600_000_000_000_000 if first else placed[row - 1]) + gap
    boots = rng.random(60) < 0.5
    lines = [
        (order, product)
        for order, customer in enumerate(owner)
        for product in rng.choice(
            60, rng.integers(1, 4), replace=False, p=_taste(north[customer], boots)
        )
    ]
    return {
        "customers": pa.table(
            {"customer_id": np.arange(300) + 1, "region": np.where(north, "north", "south")}
        ),
        "orders": pa.table(
            {
                "order_id": np.arange(size) + 100,
                "customer_id": owner + 1,
                "placed": pa.array(placed, pa.timestamp("us")),
                "due": pa.array(placed + 7 * DAY, pa.timestamp("us")),
                "amount": np.round(amount, 2),
            }
        ),
        "products": pa.table(
            {
                "product_id": [f"P-{i:03d}" for i in range(60)],
                "kind": np.where(boots, "boots", "sandals"),
            }
        ),
        "order_lines": pa.table(
            {
                "order_id": [order + 100 for order, _ in lines],
                "product_id": [f"P-{product:03d}" for _, product in lines],
                "quantity": rng.poisson(1, len(lines)) + 1,
            }
        ),
        "employees": pa.table(
            {
                "employee_id": np.arange(40) + 1,
                "boss_id": pa.array([None, *(int(rng.integers(1, i + 1)) for i in range(1, 40))]),
                "pay": np.round(rng.normal(3000, 300, 40)),
            }
        ),
    }


def _taste(north: bool, boots: np.ndarray) -> np.ndarray:
    weights = np.where(boots == north, 6.0, 1.0)
    return weights / weights.sum()


@pytest.fixture(scope="module")
def real() -> dict[str, pa.Table]:
    """The shop's tables."""
    return shop()


@pytest.fixture(scope="module")
def model(real: dict[str, pa.Table]) -> RelationalSynthesizer:
    """What was learned of the shop."""
    return fit_tables(real, seed=1)


@pytest.fixture(scope="module")
def made(model: RelationalSynthesizer) -> dict[str, pa.Table]:
    """The shop newly generated."""
    return model.sample(seed=2)


def test_every_key_is_valid_and_children_are_as_many_as_in_the_real_tables(
    real: dict[str, pa.Table], model: RelationalSynthesizer, made: dict[str, pa.Table]
) -> None:
    """Foreign keys, composite keys, two parents, self-reference, cardinality."""
    assert {name: table.num_rows for name, table in made.items()} == {
        name: table.num_rows for name, table in real.items()
    }
    for name, key in model.keys.primary.items():
        table = made[name].select(list(key))
        assert table.group_by(list(key)).aggregate([]).num_rows == table.num_rows
        assert not any(column.null_count for column in table.columns)
    assert len(model.keys.foreign) == 4
    for key in model.keys.foreign:
        there, here = row_links(real, key), row_links(made, key)
        assert (there < 0).sum() == (here < 0).sum()
        assert distance(children(there, real, key), children(here, made, key)) < 0.1


def test_children_fit_their_parents_and_siblings_follow_each_other(
    real: dict[str, pa.Table], made: dict[str, pa.Table]
) -> None:
    """Parent-child trends, also through grandparents, gaps and autocorrelation."""
    for look, neutral, kept in (
        (orders_by_region, 1.0, 0.4),
        (boots_by_region, 0.0, 0.5),
        (autocorrelation, 0.0, 0.8),
        (mean_gap, 0.0, 0.95),
    ):
        share = (look(made) - neutral) / (look(real) - neutral)
        assert kept < share < 2 - kept, look.__name__
    orders = made["orders"]
    apart = pc.subtract(orders["due"], orders["placed"]).cast(pa.int64()).to_numpy()
    assert np.abs(apart - 7 * DAY).max() <= DAY


def test_a_model_that_was_saved_makes_the_same_tables(
    model: RelationalSynthesizer, made: dict[str, pa.Table], tmp_path: Path
) -> None:
    """Save and load, no row of the real tables in the files."""
    model.save(tmp_path / "shop.fabula")
    again = RelationalSynthesizer.load(tmp_path / "shop.fabula").sample(seed=2)
    assert all(again[name].equals(made[name]) for name in made)
    assert {name: table.num_rows for name, table in model.sample(0.5, seed=2).items()} == {
        name: round(table.num_rows / 2) for name, table in made.items()
    }


def test_a_table_can_be_kept_as_it_is(real: dict[str, pa.Table], tmp_path: Path) -> None:
    """Reference data such as a list of products stays, and its numbers of children too."""
    fitted = fit_tables(real, keep=["products"], seed=1)
    fitted.save(tmp_path / "kept")
    made = RelationalSynthesizer.load(tmp_path / "kept").sample(seed=3)
    assert made["products"].equals(real["products"])
    key = ForeignKey("order_lines", ("product_id",), "products", ("product_id",))
    there = children(row_links(real, key), real, key)
    here = children(row_links(made, key), made, key)
    assert np.corrcoef(there, here)[0, 1] > 0.9


def test_wrong_keys_and_names_are_told(real: dict[str, pa.Table], tmp_path: Path) -> None:
    """Orphans, circles, unknown tables and columns, damaged files."""
    with pytest.raises(SourceError, match="`keep` names the table `prodcts`"):
        fit_tables(real, keep=["prodcts"])
    with pytest.raises(UsageError, match="has no column `buyer`"):
        fit_tables(real, keys={"orders.buyer": "customers.customer_id"})
    with pytest.raises(UsageError, match="is not the primary key"):
        fit_tables(real, keys={"orders.amount": "customers.region"})
    with pytest.raises(SourceError, match="are not a key of `customers`"):
        fit_tables(real, keys={"orders.order_id": "customers.customer_id"})
    circle = {
        "eggs": pa.table({"number": [1, 2], "colour": ["red", "blue"]}),
        "hens": pa.table({"number": [1, 2]}),
    }
    keys = {"eggs.number": "hens.number", "hens.number": "eggs.number"}
    with pytest.raises(SourceError, match="in a circle, by their primary keys: "):
        fit_tables(circle, keys=keys)
    (tmp_path / "database.json").write_text("{}", encoding="utf-8")
    with pytest.raises(SourceError, match="can't be read as a synthesizer"):
        RelationalSynthesizer.load(tmp_path)
    with pytest.raises(SourceError, match="there is no file"):
        RelationalSynthesizer.load(tmp_path / "none")


def children(rows: np.ndarray, tables: dict[str, pa.Table], key: ForeignKey) -> np.ndarray:
    return np.bincount(rows[rows >= 0], minlength=tables[key.parent].num_rows)


def distance(first: np.ndarray, second: np.ndarray) -> float:
    """Kolmogorov-Smirnov."""
    grid = np.union1d(first, second)
    shares = [np.searchsorted(np.sort(x), grid, "right") / len(x) for x in (first, second)]
    return float(np.abs(shares[0] - shares[1]).max())


def _joined(tables: dict[str, pa.Table]) -> pa.Table:
    return tables["orders"].join(tables["customers"], "customer_id").sort_by("order_id")


def orders_by_region(tables: dict[str, pa.Table]) -> float:
    """Orders of a customer in the north, in relation to one in the south."""
    orders, people = (
        _joined(tables)["region"].to_pylist(),
        tables["customers"]["region"].to_pylist(),
    )
    north, south = (orders.count(region) / people.count(region) for region in ("north", "south"))
    return north / south


def boots_by_region(tables: dict[str, pa.Table]) -> float:
    """The share of boots in the north minus that in the south."""
    lines = tables["order_lines"].join(tables["products"], "product_id")
    lines = lines.join(_joined(tables).select(["order_id", "region"]), "order_id")
    boots = np.array(lines["kind"].to_pylist()) == "boots"
    north = np.array(lines["region"].to_pylist()) == "north"
    return float(boots[north].mean() - boots[~north].mean())


def _neighbours(tables: dict[str, pa.Table], column: str) -> tuple[np.ndarray, np.ndarray]:
    orders = tables["orders"].sort_by([("customer_id", "ascending"), ("placed", "ascending")])
    owner = orders["customer_id"].to_numpy()
    values = orders[column].cast(pa.float64() if column == "amount" else pa.int64()).to_numpy()
    same = owner[1:] == owner[:-1]
    return values[:-1][same].astype(float), values[1:][same].astype(float)


def autocorrelation(tables: dict[str, pa.Table]) -> float:
    """Of an order's amount with the one before."""
    return float(np.corrcoef(*_neighbours(tables, "amount"))[0, 1])


def mean_gap(tables: dict[str, pa.Table]) -> float:
    """Days between two orders of a customer."""
    before, after = _neighbours(tables, "placed")
    return float((after - before).mean() / DAY)


def test_rows_whose_key_no_parent_has_are_left_out_and_told(tmp_path: Path) -> None:
    """A few orphans don't cost the relation; the card says how many there were."""
    tables = {
        "customers": pa.table({"customer_id": np.arange(1, 101)}),
        "orders": pa.table(
            {
                "order_id": np.arange(200),
                "customer_id": np.r_[np.arange(1, 101), np.arange(1, 98), [900, 901, 902]],
            }
        ),
    }
    fitted = fit_tables(tables, seed=1)
    fitted.save(tmp_path / "few")
    assert "3 of 200 rows were not learned" in RelationalSynthesizer.load(tmp_path / "few").card()
    made = fitted.sample(seed=1)
    assert not (row_links(made, fitted.keys.foreign[0]) < 0).any()


def test_a_table_of_few_rows_with_a_time_is_made_with_its_keys() -> None:
    """Nothing is learned of two rows under a parent; the sample has them all the same."""
    tables = {
        "address": pa.table({"address_id": np.arange(1, 61)}),
        "store": pa.table(
            {
                "store_id": [1, 2],
                "address_id": [1, 2],
                "first_name": ["Ann", "Jon"],
                "opened": pa.array([0, DAY], pa.timestamp("us")),
            }
        ),
    }
    made = fit_tables(tables, seed=1).sample(seed=1)
    assert made["store"].num_rows == 2


def test_a_number_counts_the_rows_that_share_all_other_parts_of_the_key() -> None:
    """Stops are numbered for each driver in each race, though races lead the table."""
    pairs = [(race, driver) for race in range(30) for driver in range(4)]
    tables = {
        "races": pa.table({"race_id": np.arange(30)}),
        "drivers": pa.table({"driver_id": np.arange(4)}),
        "stops": pa.table(
            {
                "race_id": [race for race, _ in pairs for _ in range(2)],
                "driver_id": [driver for _, driver in pairs for _ in range(2)],
                "stop": [1, 2] * len(pairs),
            }
        ),
    }
    fitted = fit_tables(tables, seed=1)
    assert fitted.keys.primary["stops"] == ("race_id", "driver_id", "stop")
    stops = (
        fitted.sample(seed=1)["stops"]
        .group_by(["race_id", "driver_id"])
        .aggregate(
            [("stop", "min"), ("stop", "max"), ("stop", "count_distinct"), ("stop", "count")]
        )
    )
    assert set(stops["stop_min"].to_pylist()) == {1}
    for counted in ("stop_count_distinct", "stop_max"):
        assert stops[counted].to_pylist() == stops["stop_count"].to_pylist()


def test_a_key_of_several_columns_can_be_declared() -> None:
    """`payments.who+which=loans.user_id+loan_no`: names that tell nothing, joined by a plus."""
    users = [at // 2 for at in range(60)]
    tables = {
        "users": pa.table({"user_id": np.arange(30)}),
        "loans": pa.table({"user_id": users, "loan_no": [1, 2] * 30}),
        "payments": pa.table(
            {"payment_id": np.arange(60), "who": users[::-1], "which": [2, 1] * 30}
        ),
    }
    declared = {"payments.who+which": "loans.user_id+loan_no"}
    made = fit_tables(tables, keys=declared, seed=1).sample(seed=1)
    key = ForeignKey("payments", ("who", "which"), "loans", ("user_id", "loan_no"))
    assert not (row_links(made, key) < 0).any()
    with pytest.raises(UsageError, match=r"names 2 columns and `loans\.user_id` 1"):
        fit_tables(tables, keys={"payments.who+which": "loans.user_id"})


def test_gaps_of_times_are_learned_as_numbers_beside_addresses() -> None:
    """Days between two orders are not postcodes, though the table holds streets and postcodes."""
    rng = np.random.default_rng(1)
    owner = np.repeat(np.arange(60), 5)
    days = 15_000 + owner * 3 + np.tile(np.arange(5) * 40, 60) + rng.integers(0, 30, 300)
    tables = {
        "customers": pa.table({"customer_id": np.arange(60)}),
        "invoices": pa.table(
            {
                "invoice_id": np.arange(300),
                "customer_id": owner,
                "day": pa.array(days.astype("int32"), pa.date32()),
                "address": [f"{n} Elm Street" for n in rng.integers(1, 500, 300)],
                "postcode": [f"{n:05d}" for n in rng.integers(10_000, 99_999, 300)],
            }
        ),
    }
    made = fit_tables(tables, seed=1).sample(seed=1)["invoices"]
    found = pc.min_max(made["day"].cast(pa.int32()))
    assert found["min"].as_py() > days.min() - 200
    assert found["max"].as_py() < days.max() + 200


def test_ids_of_64_bits_stay_exact_in_a_frame_with_roots() -> None:
    """A foreign key with a gap passes through no float on its way back to pandas."""
    pd = pytest.importorskip("pandas")
    ids = 1_790_000_000_000_000_684 + np.arange(60) * 4_194_065
    bosses = pd.array([None, *ids[np.arange(59) // 3]], dtype="Int64")
    frame = pd.DataFrame({"employee_id": ids, "manager_id": bosses})
    made = fit({"employee": frame}, seed=1).sample(60, seed=1)
    assert made.dtypes.equals(frame.dtypes)
    assert made["manager_id"].dropna().isin(made["employee_id"]).all()


@pytest.mark.parametrize(("parents", "events"), [(5, 80), (40, 20)])
def test_times_of_entities_stay_within_the_years_that_were_learned(
    parents: int, events: int
) -> None:
    """Five starts are too few to be reproduced; gaps add up to no later time; days stay days."""
    rng = np.random.default_rng(0)
    count = parents * events
    days = np.datetime64("2021-01-01", "D") + rng.integers(0, 700, count)
    tables = {
        "people": pa.table({"id": np.arange(parents) + 1, "kind": ["a"] * parents}),
        "visits": pa.table(
            {
                "visit_id": np.arange(count) + 1,
                "person_id": np.repeat(np.arange(parents) + 1, events),
                "day": days.astype("M8[s]"),
                "minutes": rng.integers(5, 90, count),
            }
        ),
    }
    made = fit_tables(tables, seed=1).sample(seed=2)["visits"]["day"].to_numpy()
    assert days.min() <= made.min()
    assert made.max() <= days.max()
    assert (made == made.astype("M8[D]")).all()
