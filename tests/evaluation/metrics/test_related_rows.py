"""Rows that belong together, by key or by time, still do in good synthetic data."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from fabula.errors import UsageError
from fabula.evaluation.evaluate import evaluate
from fabula.evaluation.metrics.frames import prepare
from fabula.evaluation.metrics.related_tables import relational
from fabula.evaluation.metrics.result import MetricResult
from fabula.evaluation.metrics.sequences import sequences
from fabula.relationships.declared_keys import keys_of
from fabula.relationships.keys import ForeignKey
from tests.evaluation.metrics.people import people

Shop = dict[str, pa.Table]
SEQUENCE = ("customer_id", "placed")


def shop(seed: int, customers: int = 500) -> Shop:
    """Customers of whom a third never order; orders follow the customer and the last order."""
    rng = np.random.default_rng(seed)
    wealth = rng.normal(50, 10, customers)
    orders = np.where(rng.random(customers) < 0.3, 0, 1 + rng.poisson(4, customers))
    owner = np.repeat(np.arange(customers), orders)
    drift, state = np.zeros(len(owner)), np.zeros(len(owner), int)
    for at in range(1, len(owner)):
        if owner[at] == owner[at - 1]:
            drift[at] = 0.9 * drift[at - 1] + rng.normal()
            state[at] = state[at - 1] if rng.random() < 0.9 else 1 - state[at - 1]
    return {
        "customers": pa.table({"id": np.arange(customers) + 1, "wealth": wealth}),
        "orders": pa.table(
            {
                "order_id": np.arange(len(owner)) + 1,
                "customer_id": owner + 1,
                "placed": np.cumsum(rng.exponential(1, len(owner))),
                "total": wealth[owner] + rng.normal(0, 3, len(owner)),
                "drift": drift,
                "state": np.where(state, "open", "shut"),
            }
        ),
    }


def with_keys(made: Shop, keys: np.ndarray) -> Shop:
    orders = made["orders"]
    return {**made, "orders": orders.set_column(1, "customer_id", pa.array(keys))}


def measured(made: Shop, real: Shop) -> dict[str, MetricResult]:
    frames = {name: prepare(made[name], real[name]) for name in made}
    results = relational(made, real, frames, keys_of(real).foreign)["orders"]
    if SEQUENCE[0] in made["orders"].column_names:
        results += sequences(frames["orders"], *SEQUENCE)
    return {result.name: result for result in results}


RELATED = ("cardinality", "foreign_keys", "trends")
IN_TIME = ("lengths", "gaps", "autocorrelation", "transitions")


def test_another_sample_of_the_same_shop_keeps_its_relations_and_sequences() -> None:
    found = measured(shop(2), shop(1))
    assert [name for name in (*RELATED, *IN_TIME) if not found[name].passed] == []
    assert measured(shop(1), shop(1))["trends"].value == 1


def test_shuffled_keys_lose_what_parents_say_and_what_follows_what() -> None:
    made = shop(2)
    keys = np.random.default_rng(0).permutation(made["orders"]["customer_id"].to_numpy())
    found = measured(with_keys(made, keys), shop(1))
    assert found["cardinality"].passed
    assert [found[name].passed for name in IN_TIME[1:]] == [False] * 3
    assert found["trends"].passed is False
    assert found["trends"].value < 0.3
    assert found["trends"].baseline > 0.9
    assert found["trends"].details["worst"][0]["second"] == "total"


def test_keys_drawn_at_random_give_every_parent_children() -> None:
    made = shop(2)
    keys = np.random.default_rng(0).integers(1, 501, made["orders"].num_rows)
    found = measured(with_keys(made, keys), shop(1))
    assert found["cardinality"].passed is False
    assert found["lengths"].passed is False


def test_orphans_are_counted_and_named() -> None:
    made = shop(2)
    keys = made["orders"]["customer_id"].to_numpy().copy()
    keys[:20] = 9_999
    result = measured(with_keys(made, keys), shop(1))["foreign_keys"]
    assert result.value == pytest.approx(1 - 20 / len(keys))
    assert result.passed is False
    assert "`9999`" in result.sentence


def test_a_foreign_key_that_the_synthetic_table_lacks_is_said() -> None:
    made = shop(2)
    made["orders"] = made["orders"].drop_columns(["customer_id"])
    result = measured(made, shop(1))["cardinality"]
    assert result.value is None
    assert "has no column `customer_id`" in result.sentence


def test_relations_are_found_by_name_and_values() -> None:
    tables = shop(1)
    assert keys_of(tables).foreign == (
        ForeignKey("orders", ("customer_id",), "customers", ("id",)),
    )
    same = {**tables, "customers": tables["customers"].rename_columns(["customer_id", "wealth"])}
    assert keys_of(same).foreign == (
        ForeignKey("orders", ("customer_id",), "customers", ("customer_id",)),
    )
    strange = with_keys(tables, tables["orders"]["customer_id"].to_numpy() + 50_000)
    assert keys_of(strange).foreign == ()


def test_a_single_table_has_no_relations() -> None:
    report = evaluate(people(300, 1), real=people(300, 2), sections=["quality"])
    assert not {"cardinality", "foreign_keys", "lengths"} & {
        r.name for r in report.tables[0].results
    }


def test_a_gate_on_relations_judges_the_tables_that_have_parents() -> None:
    report = evaluate(
        shop(2), real=shop(1), gates=["quality.cardinality>=0.9"], sections=["quality"]
    )
    assert [(gate.table, gate.passed) for gate in report.gates] == [("orders", True)]


def test_keys_are_found_whatever_the_spelling() -> None:
    tables = {
        "Album": pa.table({"AlbumId": [1, 2], "ArtistId": [7, 7]}),
        "Artist": pa.table({"ArtistId": [7, 8], "Name": ["a", "b"]}),
    }
    assert keys_of(tables).foreign == (ForeignKey("Album", ("ArtistId",), "Artist", ("ArtistId",)),)


def lines_and_parts(seed: int, n: int = 600) -> Shop:
    """Order lines with a key of two columns, and parcels of them that tell their weight."""
    rng = np.random.default_rng(seed)
    order, line = np.arange(n) // 3 + 1, np.arange(n) % 3 + 1
    weight = rng.gamma(4, 2, n)
    at = rng.permutation(np.repeat(np.arange(n), rng.poisson(1.5, n)))
    return {
        "lines": pa.table({"order_id": order, "line_id": line, "weight": weight}),
        "parcels": pa.table(
            {
                "order_id": order[at],
                "line_id": line[at],
                "cost": weight[at] + rng.normal(0, 1, len(at)),
            }
        ),
    }


def test_a_key_of_two_columns_is_found_and_measured() -> None:
    real, made = lines_and_parts(1), lines_and_parts(2)
    wanted = ForeignKey("parcels", ("order_id", "line_id"), "lines", ("order_id", "line_id"))
    assert keys_of(real).foreign == (wanted,)

    def results(made: Shop) -> dict[str, MetricResult]:
        frames = {name: prepare(made[name], real[name]) for name in made}
        return {
            result.name: result
            for result in relational(made, real, frames, keys_of(real).foreign)["parcels"]
        }

    found = results(made)
    assert [found[name].passed for name in RELATED] == [True] * 3
    broken = made["parcels"].set_column(
        1, "line_id", pa.array(np.full(made["parcels"].num_rows, 9))
    )
    assert results({**made, "parcels": broken})["foreign_keys"].value == 0


def test_a_table_that_points_at_itself_is_a_relation() -> None:
    def staff(seed: int, n: int = 300) -> pa.Table:
        rng = np.random.default_rng(seed)
        boss = [None if at == 0 else int(rng.integers(at)) // 2 + 1 for at in range(n)]
        return pa.table({"employee_id": np.arange(n) + 1, "reports_to": boss, "pay": rng.random(n)})

    tables = {"employees": staff(1)}
    wanted = ForeignKey("employees", ("reports_to",), "employees", ("employee_id",))
    assert keys_of(tables).foreign == (wanted,)
    frames = {"employees": prepare(staff(2), staff(1))}
    found = relational({"employees": staff(2)}, tables, frames, keys_of(tables).foreign)[
        "employees"
    ]
    by_name = {result.name: result for result in found}
    assert by_name["foreign_keys"].value == 1
    assert by_name["cardinality"].passed
    assert by_name["trends"].value is None  # pay says nothing of the pay below


@pytest.mark.parametrize(
    "sequence", [("customer_id",), ("wealth", "placed"), ("customer_id", "state"), ("x", "placed")]
)
def test_what_is_no_sequence_is_refused(sequence: tuple[str, ...]) -> None:
    with pytest.raises(UsageError):
        evaluate(shop(2, 50), real=shop(1, 50), sections=["quality"], sequence=sequence)
