"""Schemas of four shapes: after fit and sample no foreign key points nowhere and no key repeats."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from fabula.relationships.keys import ForeignKey, find_keys
from fabula.synthesizers.fitting import fit
from fabula.synthesizers.multitable.foreign_keys import row_links
from fabula.synthesizers.multitable.keyed import taken
from fabula.synthesizers.synthesizer import load_synthesizer
from fabula.synthesizers.trees import depths
from tests.real_data import real_tables

Tables = Mapping[str, pa.Table]


def composite() -> Tables:
    """Shops of several tenants: all keys hold the tenant, and an order's parts share it."""
    rng = np.random.default_rng(1)
    tenant = np.repeat(np.arange(1, 7), 20)
    number = np.tile(np.arange(1, 21), 6)
    at = rng.integers(0, 120, 600)
    item = tenant[at] * 100 + rng.integers(1, 9, 600)
    pairs = np.unique(np.column_stack([at, item]), axis=0)
    customer, item = pairs.T
    return {
        "tenants": pa.table({"tenant_id": np.arange(1, 7)}),
        "customers": pa.table({"tenant_id": tenant, "customer_no": number, "age": number + 20}),
        "products": pa.table(
            {
                "tenant_id": np.repeat(np.arange(1, 7), 8),
                "product_no": np.tile(np.arange(1, 9), 6),
                "price": rng.lognormal(3, 1, 48).round(2),
            }
        ),
        "purchases": pa.table(
            {
                "tenant_id": tenant[customer],
                "customer_no": number[customer],
                "product_no": item % 100,
                "pieces": rng.poisson(2, len(pairs)) + 1,
            }
        ),
    }


def circle() -> Tables:
    """Departments have a head, who works there; employees have a department and a boss."""
    rng = np.random.default_rng(2)
    works = rng.permutation(np.repeat(np.arange(1, 16), 20))
    heads = [int(rng.choice(np.flatnonzero(works == at))) + 1 for at in range(1, 16)]
    bosses = [None, *(int(rng.integers(0, at // 3 + 1)) + 1 for at in range(1, 300))]
    return {
        "department": pa.table(
            {"id": np.arange(1, 16), "head": pa.array([None, *heads[1:]]), "floor": [1, 2, 3] * 5}
        ),
        "employee": pa.table(
            {
                "id": np.arange(1, 301),
                "department": works,
                "manager_id": pa.array(bosses),
                "pay": rng.normal(3000, 300, 300).round(),
            }
        ),
    }


def own_table() -> Tables:
    """Categories below each other, with 64-bit ids; top ones point at themselves."""
    rng = np.random.default_rng(3)
    ids = 1_790_000_000_000_000_684 + np.arange(200) * 4_194_065
    above = [at if at < 8 else int(rng.integers(0, at // 2)) for at in range(200)]
    categories = pa.table({"category_id": ids, "parent_id": ids[above]})
    return {"category": categories, "season": pa.table({"name": ["low", "high"] * 20})}


def named_like_tables() -> Tables:
    """Columns called like the table that they point at, with UUIDs."""
    rng = np.random.default_rng(4)
    keys = [
        [f"{at:08x}-0000-4000-8000-{rng.integers(2**47):012x}" for at in range(size)]
        for size in (60, 20)
    ]
    people, places = (np.array(part) for part in keys)
    return {
        "patients": pa.table({"Id": people, "BIRTHYEAR": rng.integers(1930, 2020, 60)}),
        "organizations": pa.table({"Id": places, "BEDS": rng.integers(10, 900, 20)}),
        "encounters": pa.table(
            {
                "PATIENT": people[rng.integers(0, 60, 400)],
                "ORGANIZATION": places[rng.integers(0, 20, 400)],
                "COST": rng.lognormal(5, 1, 400).round(2),
            }
        ),
    }


HEAD = ForeignKey("department", ("head",), "employee", ("id",))

SHAPES = {
    composite: (
        "customers.tenant_id → tenants.tenant_id",
        "products.tenant_id → tenants.tenant_id",
        "purchases.tenant_id → tenants.tenant_id",
        "purchases.tenant_id+customer_no → customers.tenant_id+customer_no",
        "purchases.tenant_id+product_no → products.tenant_id+product_no",
    ),
    circle: (
        "department.head → employee.id",
        "employee.department → department.id",
        "employee.manager_id → employee.id",
    ),
    own_table: ("category.parent_id → category.category_id",),
    named_like_tables: (
        "encounters.PATIENT → patients.Id",
        "encounters.ORGANIZATION → organizations.Id",
    ),
}


@pytest.mark.parametrize("make", SHAPES, ids=lambda make: make.__name__)
def test_keys_are_found_and_every_sample_keeps_them(
    make: Callable[[], Tables], tmp_path: Path
) -> None:
    """No orphan, no repeated key, no missing key that was never missing, no real identifier."""
    real = make()
    fitted = fit(dict(real), seed=1)
    assert {f"{key.name} → {key.target}" for key in fitted.keys.foreign} == set(SHAPES[make])
    fitted.save(tmp_path / "model")
    for scale in (1.0, 0.5, 2.0):
        made = load_synthesizer(tmp_path / "model").sample(scale, seed=2)
        assert all(made[name].num_rows >= 0.9 * scale * real[name].num_rows for name in real)
        for name, key in fitted.keys.primary.items():
            rows = made[name].select(list(key))
            assert rows.group_by(list(key)).aggregate([]).num_rows == rows.num_rows, name
        for key in fitted.keys.foreign:
            here, there = row_links(made, key) < 0, row_links(real, key) < 0
            assert abs(here.mean() - there.mean()) <= 1 / min(len(here), len(there)), key.name
        for key in fitted.keys.foreign:
            if len(key.key) == 1 and key.parent != "tenants":
                met = set(made[key.parent][key.key[0]].to_pylist())
                assert not met & set(real[key.parent][key.key[0]].to_pylist())


def test_heads_of_departments_work_there_and_the_card_tells_of_the_circle() -> None:
    """The key that closes a circle is chosen last, and leads back as often as the real one."""
    fitted = fit(dict(circle()), seed=1)
    assert "department.head → employee.id (closes a circle of tables" in fitted.card()
    made = fitted.sample(seed=3)
    department, employee = made["department"], made["employee"]
    works = taken(employee["department"], row_links(made, HEAD))
    assert works.drop_null().equals(department["id"].filter(department["head"].is_valid()))


@pytest.mark.parametrize("make", [circle, own_table], ids=lambda make: make.__name__)
def test_rows_of_one_table_form_a_forest_as_deep_and_with_as_many_roots(
    make: Callable[[], Tables],
) -> None:
    """Depths and roots are those of the real rows; a root that points at itself does so again."""
    real = dict(make())
    made = fit(real, seed=1).sample(seed=5)
    (key,) = (key for key in find_keys(real).foreign if key.child == key.parent)
    there, here = row_links(real, key), row_links(made, key)
    assert np.bincount(depths(here)).tolist() == np.bincount(depths(there)).tolist()
    loops = [(rows == np.arange(len(rows))).sum() for rows in (there, here)]
    assert loops[0] == loops[1]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "keys"), [("chinook", 11), ("northwind", 11)])
def test_keys_of_known_databases_are_found_and_kept(name: str, keys: int) -> None:
    """No orphan, no repeated key, and no real key where a key is one column."""
    real = real_tables(f"relational/{name}")
    fitted = fit(real, seed=1)
    made = fitted.sample(seed=2)
    assert len(fitted.keys.foreign) == keys
    for key in fitted.keys.foreign:
        here, there = row_links(made, key) < 0, row_links(real, key) < 0
        assert here.sum() == there.sum(), key.name
    for table, key in fitted.keys.primary.items():
        rows = made[table].select(list(key))
        assert rows.group_by(list(key)).aggregate([]).num_rows == rows.num_rows == len(real[table])
        if len(key) == 1:
            values = real[table].column(key[0])
            assert not pc.any(pc.is_in(made[table].column(key[0]), value_set=values)).as_py()


def test_two_composite_keys_that_share_a_column_are_both_kept() -> None:
    rng = np.random.default_rng(0)
    tenants, size = np.arange(1, 31), 1_500
    tenant = rng.integers(1, 31, size)
    tables = {
        "tenants": pa.table({"tenant_id": tenants, "plan": rng.choice(["basic", "pro"], 30)}),
        "addresses": pa.table({
            "tenant_id": np.repeat(tenants, 20), "address_no": np.tile(np.arange(1, 21), 30),
            "floor": rng.integers(0, 9, 600),
        }),
        "orders": pa.table({
            "order_id": np.arange(size), "tenant_id": tenant,
            "billing_address_no": rng.integers(1, 21, size),
            "shipping_address_no": rng.integers(1, 21, size), "amount": rng.normal(50, 9, size),
        }),
    }  # fmt: skip
    found = {key.name: key.target for key in find_keys(tables).foreign if key.child == "orders"}
    assert found == {
        "orders.tenant_id": "tenants.tenant_id",
        "orders.tenant_id+billing_address_no": "addresses.tenant_id+address_no",
        "orders.tenant_id+shipping_address_no": "addresses.tenant_id+address_no",
    }
    model = fit(tables, seed=1, rounds=5)
    made = model.sample(seed=2)
    for key in model.keys.foreign:
        assert (row_links(made, key) >= 0).all(), key.name
