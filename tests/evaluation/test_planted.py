"""A real identifier in the synthetic rows is named, whatever its column is called."""

from __future__ import annotations

import random
import uuid
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pytest

import fabula as fb
from fabula.errors import UsageError
from fabula.evaluation.metrics.result import MetricResult

faker = pytest.importorskip("faker")
PEOPLE, ORDERS = 30, 900


def orders(seed: int) -> pa.Table:
    """900 orders of 30 people, under neutral names."""
    fake = faker.Faker("en_US")
    fake.seed_instance(seed)
    rng = np.random.default_rng(seed)
    who = rng.integers(0, PEOPLE, ORDERS)

    def told(values: list[str]) -> list[str]:
        return [values[person] for person in who]

    phones = 49_151_000_000_00 + rng.choice(10**8, PEOPLE, replace=False)
    return pa.table(
        {
            "c1": np.arange(ORDERS) + 1,
            "c2": told([fake.name() for _ in range(PEOPLE)]),
            "c3": told([fake.street_address() for _ in range(PEOPLE)]),
            "c4": phones[who],
            "c5": rng.gamma(2, 30, ORDERS).round(2),
            "c6": 100_000 + 977 * rng.permutation(1_000)[:PEOPLE][who],
        }
    )


REAL, MADE = orders(1), orders(2)


def planted(table: pa.Table, column: str, value: object, row: int = 17) -> pa.Table:
    values = table[column].to_pylist()
    values[row] = value
    return table.set_column(table.column_names.index(column), column, pa.array(values))


def search(made: pa.Table, sensitive: tuple[str, ...] = (), *, held: int = 180) -> MetricResult:
    report = fb.evaluate(
        made, real=REAL.slice(held), holdout=REAL.slice(0, held), sections=["privacy"],
        sensitive=sensitive, gates=["privacy.sensitive_values"],
    )  # fmt: skip
    [result] = [item for item in report.tables[0].results if item.name == "sensitive_values"]
    assert report.passed is (result.passed is not False)
    return result


@pytest.mark.parametrize("column", ["c2", "c3", "c4"])
def test_one_real_identifier_is_named_without_being_asked_for(column: str) -> None:
    """Names, streets, and phones as whole numbers; each person has some 30 orders."""
    assert search(MADE).passed
    result = search(planted(MADE, column, REAL[column][500].as_py()))
    assert result.passed is False
    assert result.value == pytest.approx(1 / ORDERS)
    assert f"real value of `{column}`" in result.sentence
    assert f"in `{column}` (first in row 18)" in result.sentence


def test_a_real_identifier_is_found_in_another_form_and_place() -> None:
    name, phone = REAL["c2"][500].as_py(), str(REAL["c4"][500].as_py())
    turned = f"{name.split()[-1].upper()}, {' '.join(name.split()[:-1])}"
    for column, value in (
        ("c2", turned),
        ("c3", f"care of {name}, 3rd floor"),
        ("c2", f"Anna Smith, +{phone[:2]} {phone[2:5]} {phone[5:]}"),
    ):
        assert search(planted(MADE, column, value)).passed is False, value
    held = REAL["c2"][5].as_py()
    assert search(planted(MADE, "c2", held)).passed is False


def test_all_recurring_identifiers_are_told_with_their_share() -> None:
    made = MADE.set_column(1, "c2", REAL["c2"])
    result = search(made)
    assert result.value == 1
    assert (
        "900 synthetic rows (100 %) hold a real value of `c2` (names of people)" in result.sentence
    )


@pytest.mark.parametrize("kind", ["int", "float", "date", "text", "list", "category"])
def test_a_sensitive_column_is_searched_whatever_it_holds(kind: str) -> None:
    def typed(table: pa.Table) -> pa.Table:
        values = {
            "int": table["c6"],
            "float": pa.array(table["c6"].to_numpy() + 0.5),
            "date": table["c6"].cast("int32").cast("date32"),
            "text": table["c6"].cast("string"),
            "list": pa.array([[value, -value] for value in table["c6"].to_pylist()]),
            "category": table["c6"].cast("string").dictionary_encode(),
        }
        return pa.table({"secret": values[kind], "amount": table["c5"]})

    real, made = (
        typed(REAL),
        typed(orders(2).set_column(5, "c6", pa.array(MADE["c1"].to_numpy() * 2))),
    )
    for rows, share in (
        (made, 0.0),
        (pa.concat_tables([made.slice(1), real.slice(0, 1)]), 1 / ORDERS),
    ):
        report = fb.evaluate(rows, real=real, sensitive=["secret"], sections=["privacy"])
        [found] = [item for item in report.tables[0].results if item.name == "sensitive_values"]
        assert found.value == pytest.approx(share)
        assert found.passed is (share == 0)


def test_a_sensitive_column_must_have_real_values() -> None:
    made = MADE.append_column("extra", MADE["c2"])
    with pytest.raises(UsageError, match="no column `extra`, only the synthetic data"):
        fb.evaluate(made, real=REAL, sensitive=["extra"])
    with pytest.raises(UsageError, match="without the real data"):
        fb.evaluate(MADE, sensitive=["c2"])
    dropped = MADE.drop(["c2"])
    report = fb.evaluate(
        planted(dropped, "c3", REAL["c2"][3].as_py()), real=REAL, sensitive=["c2"],
        sections=["privacy"],
    )  # fmt: skip
    assert report.scores["privacy.sensitive_values"] == pytest.approx(1 / ORDERS)


def test_first_and_last_names_count_together() -> None:
    """Either alone is shared by many people."""

    def parts(table: pa.Table) -> pa.Table:
        fake = faker.Faker("en_US")
        fake.seed_instance(int(table["c4"][0].as_py()))
        people = [(fake.first_name(), fake.last_name()) for _ in range(300)]
        return pa.table({"a": [first for first, _ in people], "b": [last for _, last in people]})

    real, made = parts(REAL), parts(MADE)
    told = fb.evaluate(made, real=real, sections=["privacy"]).tables[0]
    both = fb.evaluate(
        pa.concat_tables([made, real.slice(0, 30)]), real=real, sections=["privacy"]
    ).tables[0]
    shares = [
        result.passed for table in (told, both) for result in table.results
        if result.name == "sensitive_values"
    ]  # fmt: skip
    assert shares == [True, False]


def clinic(seed: int) -> dict[str, pa.Table]:
    """Three tables with UUIDs as keys."""
    rng = random.Random(seed)

    def keys(count: int) -> list[str]:
        return [str(uuid.UUID(int=rng.getrandbits(128), version=4)) for _ in range(count)]

    patients, visits = keys(60), keys(150)
    return {
        "patients": pa.table({"Id": patients, "age": [rng.randint(1, 90) for _ in patients]}),
        "visits": pa.table({"Id": visits, "PATIENT": [rng.choice(patients) for _ in visits]}),
        "results": pa.table(
            {
                "visit": [rng.choice(visits) for _ in range(300)],
                "note": [rng.choice(["low", "high", "as before"]) for _ in range(300)],
            }
        ),
    }


def failing(made: Mapping[str, pa.Table], real: Mapping[str, pa.Table]) -> dict[str, str]:
    report = fb.evaluate(made, real=real, sections=["privacy"])
    return {
        table.name: result.sentence
        for table in report.tables
        for result in table.results
        if result.name == "sensitive_values" and result.passed is False
    }


def test_a_real_key_is_named_in_whichever_table_it_stands() -> None:
    real, made = clinic(1), clinic(2)
    assert failing(made, real) == {}
    patient, visit = real["patients"]["Id"][3].as_py(), real["visits"]["Id"][3].as_py()
    for table, column, value in (
        ("patients", "Id", patient),
        ("visits", "PATIENT", patient),
        ("results", "visit", visit),
        ("results", "note", f"as {patient.upper()} has it"),
    ):
        found = failing({**made, table: planted(made[table], column, value)}, real)
        assert list(found) == [table]
        assert f"in `{column}` (first in row 18)" in found[table]


def homes(seed: int, rows: int = 400) -> pa.Table:
    """Where people of one town live, and what they pay."""
    rng = np.random.default_rng(seed)
    return pa.table(
        {
            "c1": rng.normal(48.1, 0.05, rows).round(5),
            "c2": rng.normal(11.5, 0.05, rows).round(5),
            "rent": rng.gamma(5, 200, rows).round(2),
        }
    )


def test_a_real_place_is_named_and_new_places_of_the_same_town_are_not() -> None:
    real, made = homes(1), homes(2)
    for rows, passed in ((made, True), (pa.concat_tables([made.slice(1), real[:1]]), False)):
        report = fb.evaluate(rows, real=real, sections=["privacy"])
        [found] = [item for item in report.tables[0].results if item.name == "sensitive_values"]
        assert found.passed is passed, found.sentence
    assert "real value of `c1`, `c2` (latitudes or longitudes)" in found.sentence


def test_chance_explains_no_real_name_where_the_model_gives_none() -> None:
    """Two hundred people share common names by chance, which a model never draws."""
    fake = faker.Faker("en_US")
    fake.seed_instance(5)
    names = [f"{fake.first_name()} {fake.last_name()}" for _ in range(600)]
    rng = np.random.default_rng(5)
    real = pa.table({"c1": names, "paid": rng.gamma(2, 30, 600).round(2)})
    model = fb.fit(real, seed=1, rounds=5)
    made = model.sample(480, seed=1)
    for rows, passed in ((made, True), (planted(made, "c1", names[7]), False)):
        report = fb.evaluate(
            rows, real=real, holdout=model.holdout, model=model, sections=["privacy"]
        )
        [found] = [item for item in report.tables[0].results if item.name == "sensitive_values"]
        assert found.passed is passed, found.sentence


def test_chance_explains_the_names_alone_whose_parts_several_people_have() -> None:
    """A second Katie Thompson is nothing special where Katies and Thompsons are several."""
    fake = faker.Faker("en_US")
    fake.seed_instance(5)
    names = list({fake.unique.last_name(): fake.unique.first_name() for _ in range(40)}.items())
    real = pa.table(
        {
            "c1": [*(f"{first} {last}" for last, first in names), "Katie Brandt", "Anna Thompson",
                   "Katie Adler", "Bill Thompson",
                   "Katie Thompson"] * 20,
            "paid": np.random.default_rng(5).gamma(2, 30, 900).round(2),
        }
    )  # fmt: skip
    made = real.set_column(0, "c1", pa.array(["Maria Berg", "Nora Falk"] * 450))
    for name, passed in (("Katie Thompson", True), (" ".join(names[7][::-1]), False)):
        report = fb.evaluate(planted(made, "c1", name), real=real, sections=["privacy"])
        [found] = [item for item in report.tables[0].results if item.name == "sensitive_values"]
        assert found.passed is passed, found.sentence
        assert "in `c1` (first in row 18)" in found.sentence
