"""Rules across tables: found where all rows keep them, kept by every sample."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest

import fabula as fb
from fabula.relationships.rules.links import parents_of
from fabula.synthesizers.multitable.database import RelationalSynthesizer, fit_tables
from tests.real_data import real_files, real_table
from tests.synthesizers.related_schemas import SCHEMAS, Tables, times


def counted(tables: Tables, query: str) -> int:
    """What a query counts in some tables."""
    with duckdb.connect() as connection:
        for name, table in tables.items():
            connection.register(name, table)
        found: tuple[int] | None = connection.execute(query).fetchone()
    assert found is not None
    return found[0]


@pytest.mark.slow
@pytest.mark.parametrize("schema", SCHEMAS)
def test_what_holds_across_real_tables_holds_in_every_sample(schema: str, tmp_path: Path) -> None:
    make, rules, keys = SCHEMAS[schema]
    real = make()
    model = fit_tables(real, keys=keys, seed=1, rounds=10)
    told = {item.rule.told for item in model.across.rules.kept}
    assert told >= set(rules), set(rules) - told
    for rule in rules:
        assert rule in model.card()
    model.save(tmp_path / "model")
    again = RelationalSynthesizer.load(tmp_path / "model")
    assert again.card() == model.card()
    for scale in (1.0, 2.5):
        made = model.sample(scale, seed=2)
        assert {name: table.schema for name, table in made.items()} == {
            name: real[name].select(table.column_names).schema for name, table in made.items()
        }
        for key in model.keys.foreign:
            filled = made[key.child].column(key.columns[0]).is_valid().to_numpy()
            assert (parents_of(made, key)[filled] >= 0).all()
        for rule, query in rules.items():
            assert counted(real, query) == 0, rule
            assert counted(made, query) == 0, rule
        loaded = again.sample(scale, seed=2)
        assert all(loaded[name].equals(made[name]) for name in made)


REAL_RULES = {
    "chinook": {
        "Invoice.BillingCity = Customer.City": "SELECT count(*) FROM Invoice i JOIN Customer c "
        "USING (CustomerId) WHERE i.BillingCity IS DISTINCT FROM c.City",
        "InvoiceLine.UnitPrice = Track.UnitPrice": "SELECT count(*) FROM InvoiceLine l "
        "JOIN Track t USING (TrackId) WHERE l.UnitPrice <> t.UnitPrice",
        "Invoice.Total = sum of InvoiceLine.UnitPrice": "SELECT count(*) FROM Invoice i WHERE "
        "Total <> (SELECT round(coalesce(sum(UnitPrice * Quantity), 0), 2) FROM InvoiceLine l "
        "WHERE l.InvoiceId = i.InvoiceId)",
    },
    "northwind": {
        "orders.shipCountry = customers.country": "SELECT count(*) FROM orders o "
        "JOIN customers c USING (customerID) WHERE o.shipCountry IS DISTINCT FROM c.country",
        "products.unitPrice = largest order_details.unitPrice": "SELECT count(*) FROM products p "
        "WHERE unitPrice <> (SELECT max(unitPrice) FROM order_details d "
        "WHERE d.productID = p.productID)",
    },
}


@pytest.mark.slow
@pytest.mark.parametrize("name", REAL_RULES)
def test_rules_across_public_databases_are_kept(name: str) -> None:
    tables = {path.stem: real_table(str(path)) for path in real_files(f"relational/{name}")}
    model = fit_tables(tables, seed=1, rounds=5)
    made = model.sample(seed=2)
    told = {item.rule.told for item in model.across.rules.kept}
    for rule, query in REAL_RULES[name].items():
        assert rule in told
        assert counted(tables, query) == counted(made, query) == 0, rule
    for key in model.keys.foreign:
        filled = made[key.child].column(key.columns[0]).is_valid().to_numpy()
        assert (parents_of(made, key)[filled] >= 0).all()


COUNTS = np.random.default_rng(7).poisson(2, 150)
JOB = np.repeat(np.arange(150), COUNTS)
START = 1_700_000_000_000_000 + np.random.default_rng(9).integers(0, 9_000, 150) * 3_600_000_000


def jobs(**columns: Any) -> Tables:
    """Jobs with tasks, and columns that are added to them."""
    tables: dict[str, dict[str, Any]] = {
        "jobs": {"job_id": np.arange(150), "size": np.random.default_rng(8).normal(5, 1, 150)},
        "tasks": {"task_id": np.arange(len(JOB)), "job_id": JOB},
    }
    for place, values in columns.items():
        table, column = place.split("__")
        tables[table][column] = values
    return {name: pa.table(own) for name, own in tables.items()}


def told_of(model: RelationalSynthesizer) -> set[str]:
    lines = model.card().splitlines()
    return {line for line in lines if line.startswith(("across tables", "no rule", "not kept"))}


def test_times_in_a_zone_stay_on_their_grid_after_their_parents() -> None:
    zone, quarter = pa.timestamp("ns", "Europe/Berlin"), 900_000_000
    later = np.random.default_rng(1).integers(0, 50, len(JOB)) * quarter
    tables = jobs(
        jobs__start=times(START).cast(zone), tasks__finish=times(START[JOB] + later).cast(zone)
    )
    made = fit_tables(tables, seed=1, rounds=5).sample(2.0, seed=2)
    assert made["tasks"].schema.field("finish").type == zone
    early = "SELECT count(*) FROM tasks JOIN jobs USING (job_id) WHERE finish < start"
    assert counted(made, early) == 0
    finish = made["tasks"].column("finish").cast(pa.int64()).to_numpy()
    assert len(np.unique(finish % (quarter * 1_000))) == 1


def test_a_time_is_never_before_the_latest_of_several_parents() -> None:
    rng = np.random.default_rng(3)
    hired = 1_700_000_000_000_000 + rng.integers(0, 9_000, 40) * 3_600_000_000
    worker = rng.integers(0, 40, len(JOB))
    tables = jobs(
        jobs__start=times(START),
        tasks__worker_id=worker,
        tasks__begun=times(np.maximum(START[JOB], hired[worker]) + 1_000_000),
    )
    tables["workers"] = pa.table({"worker_id": np.arange(40), "hired": times(hired)})
    made = fit_tables(tables, seed=1, rounds=5).sample(seed=2)
    late = "SELECT count(*) FROM tasks JOIN jobs USING (job_id) JOIN workers USING (worker_id) "
    assert counted(made, late + "WHERE begun < start OR begun < hired") == 0
    assert counted(made, late + "WHERE begun > greatest(start, hired) + INTERVAL 1 MINUTE") == 0


def test_a_rule_that_is_not_kept_is_told_with_its_reason() -> None:
    """A table that is kept as it is, and rows that break a rule."""
    cost = np.round(np.random.default_rng(2).uniform(1, 99, len(JOB)), 2)
    costs = np.round(np.bincount(JOB, cost, 150) + (np.arange(150) < 1), 2)
    tables = jobs(jobs__tasks=COUNTS, jobs__cost=costs, tasks__cost=cost)
    near = "no rule: jobs.cost = sum of tasks.cost, in 149 of 150 rows by job_id"
    count = "jobs.tasks = number of tasks, in all 150 rows by job_id"
    model = fit_tables(tables, seed=1, rounds=2)
    assert told_of(model) == {f"across tables {count}", near}
    kept = fit_tables(tables, keep=["jobs"], seed=1, rounds=2)
    assert told_of(kept) == {f"not kept: {count}: its table is kept as it is", near}
    assert not told_of(fit_tables(tables, exact=False, seed=1, rounds=2))


@pytest.mark.parametrize("broken", [5, 1])
def test_a_copy_with_exceptions_has_as_many_unless_they_are_of_few_parents(broken: int) -> None:
    rng = np.random.default_rng(2)
    job = np.sort(rng.integers(0, 150, 2_000))
    level = rng.integers(0, 4, 150)
    own = np.where(job % (150 // broken) == 1, (level[job] + 1) % 4, level[job])
    tables = {
        "jobs": pa.table({"job_id": np.arange(150), "level": [f"level {at}" for at in level]}),
        "tasks": pa.table({"task_id": np.arange(2_000), "job_id": job,
                           "level": [f"level {at}" for at in own]}),
    }  # fmt: skip
    odd = "SELECT count(*) FROM tasks JOIN jobs USING (job_id) WHERE tasks.level <> jobs.level"
    model = fit_tables(tables, seed=1, rounds=5, protect=3)
    (told,) = told_of(model)
    real, made = counted(tables, odd), counted(model.sample(seed=2), odd)
    if broken == 1:
        assert told.endswith("samples keep it in all, since the exceptions are of few parents")
        assert made == 0
    else:
        assert told.endswith("samples have as many exceptions")
        assert 0.5 * real < made <= real


def test_of_rules_in_a_circle_the_weakest_is_dropped_and_told() -> None:
    rng = np.random.default_rng(4)
    price = np.round(rng.uniform(1, 99, 40), 2)
    product = rng.integers(0, 40, 1200)
    quantity = rng.integers(1, 4, 1200)
    tables = {
        "products": pa.table({"product_id": np.arange(40) + 500, "price": price}),
        "lines": pa.table(
            {
                "line_id": np.arange(1200),
                "product_id": product + 500,
                "price": price[product],
                "quantity": quantity,
                "amount": np.round(price[product] * quantity, 2),
            }
        ),
    }
    model = fit_tables(tables, seed=1, rounds=2)
    assert told_of(model) == {
        "across tables lines.price = products.price, in all 1,200 rows by product_id",
        "not kept: products.price = smallest lines.amount, in all 40 rows by product_id:"
        " it would follow from itself",
    }
    made = model.sample(seed=1)
    query = (
        "SELECT count(*) FROM lines l JOIN products p USING (product_id) WHERE l.price <> p.price"
    )
    assert counted(made, query) == 0
    assert (
        counted(made, "SELECT count(*) FROM lines WHERE amount <> round(price * quantity, 2)") == 0
    )


@pytest.mark.parametrize("kind", [pa.int8(), pa.float32(), pa.decimal128(5, 1), pa.int64()])
def test_a_total_fits_its_column_in_every_type(kind: pa.DataType) -> None:
    hours = np.random.default_rng(5).integers(1, 9, len(JOB))
    total = pa.array(np.bincount(JOB, weights=hours, minlength=150)).cast(kind, safe=False)
    made = fit_tables(jobs(jobs__hours=total, tasks__hours=hours), seed=1, rounds=2).sample(3.0)
    query = (
        "SELECT count(*) FROM jobs j WHERE hours <> "
        "(SELECT coalesce(sum(hours), 0) FROM tasks t WHERE t.job_id = j.job_id)"
    )
    assert counted(made, query) == 0


def test_times_lead_others_though_some_are_mistyped_or_placeholders() -> None:
    """What is mistyped is told and not learned; a placeholder keeps its share."""
    rng = np.random.default_rng(5)
    placed = 1_700_000_000 // 60 * 60 + rng.integers(0, 400 * 1440, 300) * 60
    sent = placed + rng.integers(60, 4320, 300) * 60

    def texts(seconds: np.ndarray, **others: str) -> list[str]:
        written = np.datetime_as_string(seconds.astype("M8[s]"), "m").tolist()
        made = [f"{text[8:10]}/{text[5:7]}/{text[:4]} {text[11:]}" for text in written]
        return [others.get(f"row{at}", text) for at, text in enumerate(made)]

    open_ended = dict.fromkeys([f"row{at}" for at in range(0, 300, 4)], "31/12/9999 00:00")
    tables = {
        "orders": pa.table(
            {
                "order_id": np.arange(300),
                "placed": texts(placed, row7="31/02/2023 10:00"),
                "closed": texts(sent + 86_400, **open_ended),
            }
        ),
        "shipments": pa.table(
            {
                "shipment_id": np.arange(300),
                "order_id": np.arange(300),
                "sent": texts(sent, row9="10/13/2023 10:00", row20="24:61"),
            }
        ),
    }
    fitted = fit_tables(tables, seed=1)
    card = fitted.card()
    assert "orders.placed: mistyped, not times written as 25/01/2019 13:05: row 8" in card
    assert "shipments.sent: mistyped, not times written as 25/01/2019 13:05: rows 10, 21" in card
    assert "shipments.sent >= orders.placed, in all 297 rows" in card
    made = fitted.sample(seed=2)
    placeholder = np.asarray(made["orders"]["closed"]) == "31/12/9999 00:00"
    assert abs(placeholder.mean() - 0.25) < 5 * (0.25 * 0.75 / 300) ** 0.5
    connection = duckdb.connect()
    for name, table in made.items():
        connection.register(name, table)
    read = "strptime({}, '%d/%m/%Y %H:%M')".format
    found = connection.execute(
        f"SELECT count(*), count(*) FILTER ({read('sent')} BETWEEN {read('placed')}"
        f" AND {read('placed')} + INTERVAL 3 DAY) FROM shipments JOIN orders USING (order_id)"
    ).fetchone()
    assert found == (300, 300)


def test_a_label_goes_with_the_column_that_its_parent_decides() -> None:
    """An order's city lies in its country, which is that of its customer."""
    rng = np.random.default_rng(4)
    country = rng.integers(0, 4, 150)
    customer = np.repeat(np.arange(150), 5)
    city = country[customer] * 5 + rng.integers(0, 5, 750)
    names = np.array(["Peru", "Chad", "Oman", "Togo"])
    tables = {
        "customers": pa.table({"customer_id": np.arange(150), "country": names[country]}),
        "orders": pa.table(
            {
                "customer_id": customer,
                "town": np.char.add("town ", (city + 10).astype(str)),
                "country": names[country[customer]],
                "amount": rng.normal(size=750),
            }
        ),
    }
    fitted = fit_tables(tables, seed=1)
    assert "across tables orders.country = customers.country" in fitted.card()
    orders = fitted.sample(2.0, seed=2)["orders"]
    lies_in = dict(
        zip(*(tables["orders"][n].to_pylist() for n in ("town", "country")), strict=True)
    )
    made = zip(orders["town"].to_pylist(), orders["country"].to_pylist(), strict=True)
    assert all(lies_in[town] == there for town, there in made)


def stays() -> dict[str, pa.Table]:
    """Exams between the start and the end of a stay; letters before its end alone."""
    rng, day, second = np.random.default_rng(5), 86_400_000_000, 1_000_000
    start = 1_600_000_000_000_000 // day * day + rng.integers(0, 60_000_000, 250) * second
    end = start + rng.integers(3_600, 20 * 86_400, 250) * second
    whose, other = rng.integers(0, 250, 1_200), rng.integers(0, 250, 400)
    within = (rng.random(1_200) * (end - start)[whose]).astype(np.int64) // second * second
    return {
        "stays": pa.table({"stay_id": np.arange(250) + 1, "admitted": times(start),
                           "discharged": times(end)}),
        "exams": pa.table({"exam_id": np.arange(1_200) + 1, "stay_id": whose + 1,
                           "examined": times(start[whose] + within)}),
        "letters": pa.table({"letter_id": np.arange(400) + 1, "stay_id": other + 1,
                             "sent": times(end[other] - rng.integers(0, 10**8, 400) * second)}),
    }  # fmt: skip


def test_times_between_two_times_of_their_parent_stay_there(tmp_path: Path) -> None:
    model = fit_tables(stays(), seed=1)
    card = model.card()
    assert "across tables exams.examined <= stays.discharged" in card
    assert "not kept: letters.sent <= stays.discharged" in card
    model.save(tmp_path / "m")
    for made in (model.sample(), RelationalSynthesizer.load(tmp_path / "m").sample()):
        both = made["exams"].to_pandas().merge(made["stays"].to_pandas(), on="stay_id")
        assert (both["admitted"] <= both["examined"]).all()
        assert (both["examined"] <= both["discharged"]).all()


def test_init_keeps_the_order_of_times_in_a_row_and_between_two_of_the_parent() -> None:
    spec = fb.infer(stays())
    made = {name: table.to_pandas() for name, table in fb.generate(spec, seed=1).items()}
    assert (made["stays"]["admitted"] <= made["stays"]["discharged"]).all()
    both = made["exams"].merge(made["stays"], on="stay_id")
    assert (both["admitted"] <= both["examined"]).all()
    assert (both["examined"] <= both["discharged"]).all()
