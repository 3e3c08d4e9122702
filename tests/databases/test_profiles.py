"""A profile is made of aggregates alone, and the spec follows them."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

import fabula as fb
from fabula.cli.main import main
from fabula.databases.opening import database_at
from fabula.errors import UsageError
from fabula.inference.infer import infer
from fabula.inference.resolve import load
from fabula.inference.schemas.schema import InferredSchema

SCHEMA = (
    "CREATE TABLE users (id INTEGER PRIMARY KEY, city VARCHAR(20), kind VARCHAR(20) NOT NULL,"
    " age INTEGER CHECK (age >= 18), income DOUBLE PRECISION, joined DATE NOT NULL,"
    " plan VARCHAR(9) CHECK (plan IN ('free', 'pro', 'gold')), active BOOLEAN NOT NULL,"
    " email VARCHAR(40) NOT NULL UNIQUE)",
    "CREATE TABLE orders (id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL,"
    " total NUMERIC(8, 2) NOT NULL, FOREIGN KEY (user_id) REFERENCES users (id))",
)
RARE = "Hintertupfing"


@pytest.fixture(params=["sqlite", "duckdb", "pg", "maria"])
def filled(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database of 400 users, of which one is rare in every column, and 1,200 orders."""
    name = request.param
    files = {"sqlite": "a.sqlite", "duckdb": "a.duckdb"}
    if name in files:
        place = f"{name}:///{tmp_path / files[name]}"
    else:
        place = str(request.getfixturevalue(name))
    rng = random.Random(7)
    with database_at(place) as database:
        for sql in SCHEMA:
            database.run(sql)
        users = []
        for number in range(400):
            city = rng.choice(["'Wien'"] * 6 + ["'Graz'"] * 3 + ["NULL"])
            age, income, joined = rng.randint(20, 79), rng.lognormvariate(10, 0.6), "2021-03-14"
            kind, plan = rng.choice(["blue", "red"]), rng.choice(["free"] * 8 + ["pro"])
            if number == 17:
                city, age, kind, income, joined = f"'{RARE}'", 93, RARE, 1_234_567.0, "1987-06-05"
            active = "TRUE" if rng.random() < 0.8 else "FALSE"
            users.append(
                f"({number}, {city}, '{kind}', {age}, {income}, '{joined}', '{plan}', {active},"
                f" 'u{number}@example.org')"
            )
        database.run(f"INSERT INTO users VALUES {', '.join(users)}")
        orders = [f"({n}, {rng.randrange(400)}, {rng.randint(1, 900) / 10})" for n in range(1200)]
        database.run(f"INSERT INTO orders VALUES {', '.join(orders)}")
    return place


def test_sizes_shares_and_bounds_are_like_those_of_the_database(filled: str) -> None:
    drafted = infer(filled, profile=True)
    assert isinstance(drafted, InferredSchema)
    users, orders = drafted.spec.tables["users"], drafted.spec.tables["orders"]
    assert users.n == 400
    assert orders.per_parent is not None
    assert getattr(orders.per_parent.distribution, "mean", None) == 3.0
    assert "aggregates were read, and no rows" in repr(drafted)
    assert users.columns["city"].nulls == pytest.approx(0.1, abs=0.06)
    assert users.columns["age"].limits == (20, 95)
    assert getattr(users.columns["active"], "p", 0.0) == pytest.approx(0.8, abs=0.1)
    plan = users.columns["plan"]
    assert plan.allowed == ("free", "pro", "gold")
    assert getattr(plan, "weights", ())[0] == pytest.approx(0.89, abs=0.08)
    assert set(users.columns["kind"].allowed or ()) == {"blue", "red"}
    rows = fb.generate(drafted.spec, seed=1)
    assert rows.checks.passed
    incomes = sorted(rows["users"]["income"].drop_null().to_pylist())
    assert 15_000 < incomes[len(incomes) // 2] < 40_000


def test_no_rare_value_and_no_exact_extreme_is_in_the_file(filled: str) -> None:
    text = infer(filled, profile=True).to_yaml()
    assert "no value that fewer than 10 rows share" in text
    for secret in (RARE, "93", "1234567", "1987-06", "06-05", "@example"):
        assert secret not in text


@pytest.mark.slow
def test_learned_values_stand_between_the_keys_and_rules_of_the_schema(
    filled: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["init", "--from", filled, "--learn", "-o", "shop.yaml"]) == 0
    assert "rows were read, to learn from" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.glob("*.fabula")) == [
        "shop.orders.fabula",
        "shop.users.fabula",
    ]
    users = load(Path("shop.yaml")).tables["users"]
    kinds = {name: column.kind for name, column in users.columns.items()}
    assert (kinds["id"], kinds["email"], kinds["plan"]) == ("key", "person", "learned")
    assert "age >= 18" in str(users.checks).replace("`", "").replace('"', "")
    data = fb.generate("shop.yaml", seed=1)
    made = data["users"].to_pylist()
    assert len(made) == 400
    assert RARE not in {row["kind"] for row in made} | {row["city"] for row in made}
    free = sum(row["plan"] == "free" for row in made) / 400
    assert abs(free - 8 / 9) < 5 * (8 / 81 / 400 * 2) ** 0.5
    assert {row["user_id"] for row in data["orders"].to_pylist()} <= set(range(1, 401))
    capsys.readouterr()
    assert main(["init", "--from", filled, "--learn", "-o", "other.yaml"]) == 0
    assert main(["init", "--from", filled, "--learn", "-o", "other.yaml"]) == 2


def test_a_table_with_too_few_rows_keeps_its_profile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with database_at("small.sqlite") as database:
        database.run("CREATE TABLE towns (id INTEGER PRIMARY KEY, size REAL NOT NULL)")
        database.run("INSERT INTO towns VALUES (1, 2.5), (2, 3.5)")
    assert main(["init", "--from", "small.sqlite", "--learn", "-o", "towns.yaml"]) == 0
    assert "towns is not learned: " in capsys.readouterr().err
    assert fb.generate("towns.yaml")["towns"].num_rows == 2


def test_without_a_profile_no_count_is_asked(filled: str) -> None:
    assert infer(filled).spec.tables["users"].n == 100


def test_a_profile_needs_a_database(tmp_path: Path) -> None:
    (tmp_path / "a.sql").write_text("CREATE TABLE a (id int)", encoding="utf-8")
    with pytest.raises(UsageError, match="a profile needs a database"):
        infer(tmp_path / "a.sql", profile=True)
    with pytest.raises(UsageError, match="a profile needs a database"):
        infer({"a": [1, 2]}, profile=True)


def test_a_table_of_few_rows_tells_nothing_but_its_size(tmp_path: Path) -> None:
    place = f"sqlite:///{tmp_path / 'few.sqlite'}"
    with database_at(place) as database:
        database.run("CREATE TABLE a (id INTEGER PRIMARY KEY, n INTEGER NOT NULL)")
        database.run("INSERT INTO a VALUES (1, 41), (2, 43)")
    text = infer(place, profile=True).to_yaml()
    assert "n: 2" in text
    assert "41" not in text
    assert "43" not in text
