"""`generalise`: what every group keeps, what stays, and what it costs."""

from __future__ import annotations

import csv
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import fabula as fb
from fabula.errors import SinkError, SourceError, UsageError
from fabula.io.tables import named_tables

QUASI = ["age", "sex", "postcode", "ward"]


def patients(rows: int = 3_000, seed: int = 5) -> pa.Table:
    """Patients whose age, sex, postcode and ward single many of them out."""
    rng = np.random.default_rng(seed)
    age = rng.integers(18, 95, rows)
    wards = np.array(["surgery", "heart", "eyes", "kidneys", "burns"])
    ill = rng.random(rows) < (age - 10) / 120
    return pa.table(
        {
            "id": pa.array(np.arange(rows)),
            "age": pa.array(age),
            "sex": pa.array(np.array(["F", "M"])[rng.integers(0, 2, rows)]),
            "postcode": pa.array([f"0{n:04}" for n in rng.integers(1000, 1080, rows)]),
            "ward": pa.array(wards[rng.choice(5, rows, p=[0.5, 0.3, 0.15, 0.045, 0.005])]),
            "diagnosis": pa.array(np.where(ill, "flu", "none")),
        }
    )


def _groups(table: pa.Table, columns: list[str] = QUASI) -> Counter[tuple[object, ...]]:
    return Counter(zip(*(table.column(name).to_pylist() for name in columns), strict=True))


@pytest.mark.parametrize("k", [2, 5, 20])
def test_every_group_has_k_rows_and_no_row_is_dropped(k: int) -> None:
    real = patients()
    made = fb.generalise(real, quasi=QUASI, k=k)
    groups = _groups(made.table)
    assert min(groups.values()) == made.after.k >= k
    assert sum(groups.values()) == real.num_rows
    assert made.after.k_wildcard >= made.after.k
    assert made.blank_share <= made.max_blank


def test_columns_that_are_not_quasi_identifiers_stay_in_their_order() -> None:
    real = patients()
    made = fb.generalise(real, quasi=QUASI).table
    assert made.select(["id", "diagnosis"]).equals(real.select(["id", "diagnosis"]))
    assert made.schema == real.schema


def test_blanks_as_wildcards_are_counted_over_all_pairs_of_rows() -> None:
    made = fb.generalise(patients(400), quasi=QUASI, k=4)
    rows = list(zip(*(made.table.column(name).to_pylist() for name in QUASI), strict=True))
    fitting = [
        sum(
            all(a is None or b is None or a == b for a, b in zip(row, other, strict=True))
            for other in rows
        )
        for row in rows
    ]
    assert min(fitting) == made.after.k_wildcard


def test_groups_hold_l_distinct_values_close_to_those_of_all_rows() -> None:
    real = patients()
    made = fb.generalise(real, quasi=QUASI, k=5, sensitive=["diagnosis"], l=2, t=0.35)
    table = made.table
    ill = Counter()
    for group, told in zip(
        zip(*(table.column(name).to_pylist() for name in QUASI), strict=True),
        table.column("diagnosis").to_pylist(),
        strict=True,
    ):
        ill[group] += told == "flu"
    groups = _groups(table)
    overall = sum(ill.values()) / real.num_rows
    assert all(0 < ill[group] < size for group, size in groups.items())
    distances = [abs(ill[group] / size - overall) for group, size in groups.items()]
    assert max(distances) == pytest.approx(made.after.t["diagnosis"])
    assert max(distances) <= 0.35


def test_groups_of_one_sensitive_value_are_told() -> None:
    rows = 400
    table = pa.table({"age": [30, 60] * (rows // 2), "hiv": ["no", "yes"] * (rows // 2)})
    made = fb.generalise(table, quasi=["age"], sensitive=["hiv"])
    assert made.after.one_valued == 1.0
    assert "give a sensitive value away" in made.report()


def test_numbers_stay_numbers_and_become_multiples() -> None:
    made = fb.generalise(patients(), quasi=QUASI, k=20, importance={"postcode": 50, "ward": 50})
    ages = {age for age in made.table.column("age").to_pylist() if age is not None}
    widths = {high - low for low, high in pairwise(sorted(ages))}
    assert made.table.schema.field("age").type == pa.int64()
    assert min(widths) > 1


def test_an_important_column_loses_less_than_others() -> None:
    quasi = ["age", "postcode"]
    levels = [
        fb.generalise(patients(), quasi=quasi, importance={column: 20}).found.levels
        for column in quasi
    ]
    assert levels[0][0] < levels[1][0]
    assert levels[0][1] > levels[1][1]


def test_a_declared_hierarchy_is_climbed(tmp_path: Path) -> None:
    path = tmp_path / "wards.csv"
    path.write_text(
        "surgery;operating;*\nburns;operating;*\nheart;inner;*\nkidneys;inner;*\neyes;other;*\n"
    )
    made = fb.generalise(patients(), quasi=["ward"], k=100, hierarchies={"ward": path})
    assert set(made.table.column("ward").to_pylist()) <= {"operating", "inner", "other"}


def test_a_hierarchy_that_lacks_a_value_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "wards.csv"
    path.write_text("surgery;operating\nburns;operating\n")
    with pytest.raises(SourceError, match="lacks 3 values of `ward`, such as `eyes`"):
        fb.generalise(patients(), quasi=["ward"], hierarchies={"ward": path})


def test_dates_become_periods() -> None:
    rng = np.random.default_rng(3)
    born = np.datetime64("1950-01-01") + rng.integers(0, 18_000, 2_000)
    made = fb.generalise(pa.table({"born": pa.array(born)}), quasi=["born"], k=10)
    assert {day.day for day in made.table.column("born").to_pylist() if day} == {1}


def test_missing_values_are_a_group_of_their_own() -> None:
    ages = [30] * 50 + [None] * 3 + [40] * 50
    made = fb.generalise(pa.table({"age": pa.array(ages, pa.int64())}), quasi=["age"], k=5)
    assert min(_groups(made.table, ["age"]).values()) >= 5


def test_more_cells_than_allowed_are_blanked_with_a_warning() -> None:
    rows = [(letter, number) for letter in "abcdefghij" for number in range(10)]
    table = pa.table({"a": [r[0] for r in rows], "b": [str(r[1]) + "x" for r in rows]})
    made = fb.generalise(table, quasi=["a", "b"], k=5, max_blank=0.01)
    assert min(_groups(made.table, ["a", "b"]).values()) >= 5
    assert not made.found.within
    assert "1.0 % of the cells were allowed" in made.report()


def test_csv_columns_that_stay_are_copied_to_the_byte(tmp_path: Path) -> None:
    path, out = tmp_path / "in.csv", tmp_path / "out.csv"
    lines = ["note,age,name"]
    lines += [f'"said ""no"", twice", {20 + n % 50}.0 ,  n{n}' for n in range(300)]
    path.write_text("\r\n".join(lines) + "\r\n", newline="")
    fb.generalise(path, quasi=["age"], k=10, output=out)
    before, after = (list(csv.reader(p.read_text().splitlines())) for p in (path, out))
    assert [(row[0], row[2]) for row in after] == [(row[0], row[2]) for row in before]
    assert b"\r\n" in out.read_bytes()
    assert min(Counter(row[1] for row in after[1:]).values()) >= 10


def test_a_parquet_file_is_released_like_its_table(tmp_path: Path) -> None:
    real = patients()
    pq.write_table(real, tmp_path / "in.parquet", row_group_size=500)
    made = fb.generalise(tmp_path / "in.parquet", quasi=QUASI, output=tmp_path / "out.parquet")
    assert pq.read_table(tmp_path / "out.parquet").equals(made.table)
    assert made.table.equals(fb.generalise(real, quasi=QUASI).table)


def test_quasi_identifiers_are_proposed_with_reasons_and_keys_are_not() -> None:
    made = fb.generalise(patients())
    assert made.quasi == tuple(QUASI)
    assert all("outsiders may know it" in reason for reason in made.reasons.values())


def test_columns_that_single_rows_out_and_stay_are_pointed_out() -> None:
    real = patients()
    visits = pa.array(np.random.default_rng(1).integers(0, 200, real.num_rows))
    made = fb.generalise(real.append_column("visits", visits), quasi=["sex", "ward"])
    assert any(note.startswith("`visits` is unchanged") for note in made.notes)


def test_the_original_is_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "in.parquet"
    pq.write_table(patients(200), path)
    with pytest.raises(SinkError, match="is the original"):
        fb.generalise(path, quasi=["age"], output=path, overwrite=True)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"quasi": ["agee"]}, "there is no column `agee`"),
        ({"quasi": ["age"], "k": 1}, "`k` must be a whole number from 2"),
        ({"quasi": ["age"], "k": 5_000}, "do not keep k = 5000"),
        ({"quasi": ["age"], "l": 2}, "none is named"),
        ({"quasi": ["age"], "l": 3, "sensitive": ["diagnosis"]}, "do not keep k = 5, l = 3"),
        ({"quasi": ["age"], "sensitive": ["age"], "l": 2}, "both a quasi-identifier and sensitive"),
        ({"quasi": ["age"], "max_blank": 3}, "`max_blank` must be a number from 0 to 1"),
        ({"quasi": ["age"], "importance": {"ward": 2}}, "`ward` is not a quasi-identifier"),
        ({"quasi": ["age"], "importance": {"age": 0}}, "must be a number above 0"),
        ({"quasi": ["age"], "target": "nothing"}, "there is no column `nothing`"),
    ],
)
def test_wrong_wishes_are_refused_in_words(options: dict[str, object], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        fb.generalise(patients(500), **options)  # type: ignore[arg-type]


def test_what_a_model_loses_lies_between_two_ends() -> None:
    rng = np.random.default_rng(0)
    real = patients(4_000)
    age = np.array(real.column("age").to_pylist())
    ill = np.where(rng.random(4_000) < 1 / (1 + np.exp((55 - age) / 6)), "yes", "no")
    made = fb.generalise(real.append_column("ill", pa.array(ill)), quasi=QUASI, target="ill")
    assert made.cost is not None
    assert made.cost.raw > 0.8
    assert made.cost.dropped < 0.75 < made.cost.released <= made.cost.raw + 0.03


def test_people_alike_in_what_is_sensitive_are_joined_by_few_others() -> None:
    """The young all earn little: some of them join one older group instead of losing all cells."""
    rng = np.random.default_rng(4)
    age = rng.choice([20, 30, 40, 50, 60, 70], 6_000, p=[0.25, 0.15, 0.15, 0.15, 0.15, 0.15])
    ward = rng.integers(0, 12, 6_000)
    rich = (rng.random(6_000) < 0.3) & (age > 20)
    people = pa.table({"age": age, "ward": ward, "rich": np.where(rich, "yes", "no")})
    made = fb.generalise(
        people, quasi=["age", "ward"], k=5, sensitive=["rich"], l=2, max_blank=0.25
    )  # fmt: skip
    assert made.after.l["rich"] >= 2
    assert made.after.k >= 5
    blank = [made.table.column(name).null_count for name in ("age", "ward")]
    young = int((age == 20).sum())
    assert young <= blank[0] < 3 * young
    assert blank[1] == 0


def test_rows_of_an_address_are_generalised_into_any_destination(tmp_path: Path) -> None:
    people = fb.preview("age int 18..90, sex choice F|M, spent lognormal 3", n=300, seed=1)
    people.write(tmp_path / "people.csv")
    place = f"file://{tmp_path}/people.csv"
    for output in (f"file://{tmp_path}/out", tmp_path / "out.sqlite", tmp_path / "out.csv"):
        made = fb.generalise(place, quasi=["age", "sex"], output=output)
        written = named_tables(str(output))
        (rows,) = written.values()
        assert rows["age"].to_pylist() == made.table["age"].to_pylist()
