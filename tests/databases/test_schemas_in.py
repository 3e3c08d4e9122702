"""What a script or a database promises of its tables becomes a spec."""

from __future__ import annotations

import ipaddress
from pathlib import Path

import duckdb
import pytest

import fabula as fb
from fabula.databases.reading import read_schema
from fabula.errors import SourceError
from fabula.inference.infer import infer
from fabula.inference.schemas.conditions import conditions_of
from fabula.inference.schemas.schema import InferredSchema, spec_of
from fabula.spec.tables import DatasetSpec

SCHEMAS = Path(__file__).parent / "schemas"


def spec_from(sql: str, folder: Path) -> tuple[DatasetSpec, InferredSchema]:
    path = folder / "made.sql"
    path.write_text(sql, encoding="utf-8")
    drafted = spec_of(read_schema(str(path)))
    return drafted.spec, drafted


def test_a_script_of_the_shop_tells_what_each_table_became() -> None:
    told = repr(infer(str(SCHEMAS / "shop.sql")))
    assert told.startswith(
        "Read 6 tables, 7 foreign keys, 5 checks, 3 unique constraints (no rows were read)"
    )
    for line in (
        ["orders", "0–8 per customer", "guess: edit `per_parent`"],
        ["order_items", "key (order_id, product_id)", "pairs kept unique"],
        ["employees", "manager_id → employees", "self-reference, first level null"],
        ["orders.status", "values new, paid, shipped", "from CHECK"],
        ["products.sku", r"pattern [A-Z]{3}-\d{4}", "from CHECK"],
    ):
        assert any(
            [part.strip() for part in row.split("  ") if part] == line for row in told.split("\n")
        )


@pytest.mark.parametrize("name", ["shop", "nasty", "chinook", "northwind"])
def test_the_spec_of_a_schema_generates_rows_that_keep_its_checks(name: str) -> None:
    spec = infer(SCHEMAS / f"{name}.sql").spec
    data = fb.generate(spec, seed=3)
    assert data.checks.passed
    assert all(data[table].num_rows for table in spec.tables)


FACTS = [
    ("x int CHECK (x IN (1, 2, 3, 4)) CHECK (x > 2)", "x IN (3, 4)"),
    ("x int CHECK (x >= '-40'::integer AND x <= '-5'::integer)", "x BETWEEN -40 AND -5"),
    ("x money CHECK (x > '$5.00'::money)", "x > 5"),
    ("x timestamp CHECK (x >= '2024-03-01 12:00' AND x < '2024-03-01 18:00')",
     "x >= TIMESTAMP '2024-03-01 12:00' AND x < TIMESTAMP '2024-03-01 18:00'"),
    ("x timestamp CHECK (x > '2024-05-05 23:00' AND x <= '2024-05-06')",
     "x > TIMESTAMP '2024-05-05 23:00' AND x <= TIMESTAMP '2024-05-06'"),
    ("x time CHECK (x BETWEEN '08:00' AND '18:30')", "x BETWEEN TIME '08:00' AND TIME '18:30'"),
    ("a date, x date CHECK (x <= '2022-03-01'), CHECK (x > a)", "x <= DATE '2022-03-01' AND x > a"),
    ("a numeric(6, 2) CHECK (a >= 0), x numeric(4, 2), CHECK (x > a)", "x > a AND x < 100"),
    ("a int, b int, x int CHECK (x = a + b)", "x = a + b"),
    ("x varchar(6) CHECK (x NOT LIKE '%A%')", "NOT contains(x, 'A')"),
    ("x text CHECK (x ~ '[0-9]')", "regexp_matches(x, '[0-9]')"),
    ("x text CHECK (x ~ '^[[:upper:]]{2}[[:digit:]]+$') CHECK (length(x) = 5)",
     "regexp_full_match(x, '[A-Z]{2}[0-9]{3}')"),
    ("x text CHECK (x SIMILAR TO '(one|two)-_%')", "regexp_full_match(x, '(one|two)-.+')"),
    ("x text CHECK (x = lower(x)) CHECK (length(trim(x)) > 5)", "x = lower(x) AND length(x) > 5"),
    ("x text CHECK (x LIKE 'a\\_%')", "starts_with(x, 'a_')"),
    ("sku varchar(5), x char(3) CHECK (length(x) = 3)", "length(sku) <= 5 AND length(x) = 3"),
    ("x varchar(24) UNIQUE CHECK (x IS NULL OR x LIKE '%@%')", "contains(x, '@')"),
    ("x int[] CHECK (array_length(x, 1) = 3)", "len(x) = 3"),
    ("x text[] CHECK (x <@ ARRAY['p', 'q'])", "list_has_all(['p', 'q'], x)"),
    ("x date CHECK (x < CURRENT_DATE - interval '18 years')", "x < DATE '2009-01-01'"),
    ("x int CHECK (abs(x) <= 3)", "x BETWEEN -3 AND 3"),
    ("x int CHECK (x BETWEEN SYMMETRIC 9 AND 5)", "x BETWEEN 5 AND 9"),
    ("a int, b int, c int, CHECK (num_nonnulls(a, b, c) = 1)",
     "CAST(a IS NOT NULL AS INT) + CAST(b IS NOT NULL AS INT) + CAST(c IS NOT NULL AS INT) = 1"),
    ("x smallint CHECK (x IN (1, 2)), y char", "length(y) = 1"),
]  # fmt: skip


def test_conditions_hold_in_every_row_whatever_their_columns_are(tmp_path: Path) -> None:
    script = "".join(
        f"CREATE TABLE t{number} (id serial PRIMARY KEY, {columns});"
        for number, (columns, _) in enumerate(FACTS)
    )
    spec, drafted = spec_from(script, tmp_path)
    assert len(drafted.notes) == 1, drafted.notes  # whose SQL it was read as
    data = fb.generate(spec, n=dict.fromkeys(spec.tables, 60), seed=3)
    broken = []
    with duckdb.connect() as memory:
        for number, (columns, holds) in enumerate(FACTS):
            memory.register("rows", data[f"t{number}"])
            if memory.execute(f"SELECT 1 FROM rows WHERE NOT ({holds})").fetchall():
                broken.append(columns)
    assert not broken


def test_tables_of_few_values_have_few_rows(tmp_path: Path) -> None:
    spec, _ = spec_from(
        "CREATE TABLE s (code text PRIMARY KEY CHECK (code IN ('a', 'b')));"
        "CREATE TABLE t (id serial PRIMARY KEY, up int UNIQUE REFERENCES t);",
        tmp_path,
    )
    data = fb.generate(spec)
    assert sorted(data["s"]["code"].to_pylist()) == ["a", "b"]
    assert data["t"].num_rows == 100


def test_tables_that_take_columns_of_another_one_have_them(tmp_path: Path) -> None:
    spec, drafted = spec_from(
        "CREATE TABLE p (id int PRIMARY KEY, a int NOT NULL CHECK (a > 5));"
        "CREATE TABLE c (b int) INHERITS (p);"
        "CREATE TABLE d (LIKE p INCLUDING ALL, e int);"
        "ALTER TABLE d ALTER COLUMN e SET NOT NULL;",
        tmp_path,
    )
    assert list(spec.tables["c"].columns) == ["id", "a", "b"]
    assert spec.tables["d"].primary_key == ("id",)
    assert not any("not understood" in note for note in drafted.notes)
    data = fb.generate(spec, seed=1)
    assert min(data[name]["a"].to_pylist()[0] for name in "cd") > 5
    assert not data["d"]["e"].null_count


def test_partitions_are_named_and_bits_of_mysql_are_numbers(tmp_path: Path) -> None:
    spec, drafted = spec_from(
        "CREATE TABLE `t` (`id` int NOT NULL, `b` bit(4) NOT NULL, `c` bit(1), `y` year NOT NULL"
        " CHECK (`y` >= 2030), PRIMARY KEY (`id`)) ENGINE=InnoDB\n"
        "/*!50100 PARTITION BY HASH (`id`) PARTITIONS 4 */;",
        tmp_path,
    )
    assert any("PARTITION BY HASH" in note for note in drafted.notes)
    row = fb.generate(spec, n=1)["t"].to_pylist()[0]
    assert 0 <= row["b"] < 16
    assert row["y"] >= 2030
    assert row["c"] in (True, False, None)


def test_a_script_is_read_in_the_dialect_in_which_all_of_it_can_be_read(tmp_path: Path) -> None:
    _, drafted = spec_from(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a INT, b INT GENERATED ALWAYS AS (a * 2) VIRTUAL,"
        " n TEXT COLLATE NOCASE UNIQUE ON CONFLICT REPLACE, UNIQUE (b));",
        tmp_path,
    )
    assert drafted.schema.dialect == "sqlite"
    assert any("unique (b) is generated" in note for note in drafted.notes)
    assert drafted.spec.tables["t"].columns["a"].unique


def test_comments_become_descriptions() -> None:
    spec = infer(SCHEMAS / "shop.sql").spec
    assert spec.tables["customers"].prompt == "people who buy"
    assert (
        spec.tables["customers"].columns["signed_up"].description == "when the account was opened"
    )


@pytest.mark.parametrize(
    ("check", "facts"),
    [
        ("status IN ('new', 'paid')", {"values": ("new", "paid")}),
        (
            "(status)::text = ANY (ARRAY['new'::varchar, 'paid'::varchar]::text[])",
            {"values": ("new", "paid")},
        ),
        ("status = 'a' OR status = 'b'", {"values": ("a", "b")}),
        ("size BETWEEN 1 AND 9", {"low": 1, "high": 9}),
        ("size > 0 AND 9 >= size", {"low": 0, "above": True, "high": 9}),
        ("size IS NULL OR size >= 3", {"low": 3}),
        ("code ~ '^[A-Z]{3}$'", {"pattern": "[A-Z]{3}"}),
        ("length(code) >= 2 AND char_length(code) < 9", {"shortest": 2, "longest": 8}),
        ("code <> ''", {"shortest": 1}),
        ("jsonb_typeof(doc) = 'array'", {"json": "array"}),
    ],
)
def test_a_check_is_understood_in_the_form_that_people_and_servers_write(
    check: str, facts: dict[str, object]
) -> None:
    from sqlglot import parse_one

    found = conditions_of(
        (parse_one(check, read="postgres"),), dict.fromkeys(["status", "size", "code", "doc"])
    )
    ((_, known),) = found.facts.items()
    assert not found.others
    assert {name: value for name, value in vars(known).items() if name in facts} == facts


def test_what_no_kind_expresses_is_a_row_check(tmp_path: Path) -> None:
    spec, _ = spec_from("CREATE TABLE t (a int NOT NULL CHECK (a % 2 = 0), b int)", tmp_path)
    (check,) = spec.tables["t"].checks
    assert check.condition().strip("()\n ") == "a % 2 = 0"
    data = fb.generate(spec, n=200, seed=1)
    assert all(value % 2 == 0 for value in data["t"]["a"].to_pylist())


@pytest.mark.parametrize(
    ("condition", "kept"),
    [
        ("qty > 0 OR state = ANY (ARRAY['new', 'paid'])", "qty > 0 OR state IN ('new', 'paid')"),
        ("qty <> ALL (ARRAY[5, 6])", "NOT qty IN (5, 6)"),
        ("qty = ANY (codes)", None),
        ("born < now() - interval '18 years' OR qty > 3", None),
        ("qty > 3 OR random() < 2", None),
        ("qty > 3 OR current_setting('shop.mode') = 'test'", None),
    ],
)
def test_a_check_is_kept_if_a_spec_may_say_it_and_else_left_to_the_database(
    condition: str, kept: str | None, tmp_path: Path
) -> None:
    columns = "qty int NOT NULL, state text NOT NULL, born date NOT NULL, codes int[] NOT NULL"
    spec, drafted = spec_from(f"CREATE TABLE a ({columns}, CHECK ({condition}))", tmp_path)
    assert [getattr(check, "sql", "") for check in spec.tables["a"].checks] == [kept] * bool(kept)
    assert any("is left to the database" in note for note in drafted.notes) is (kept is None)
    assert fb.generate(spec, n=50)["a"].num_rows == 50


def test_a_condition_on_a_number_with_a_width_is_kept(tmp_path: Path) -> None:
    sql = "CREATE TABLE `a` (`n` int(11) NOT NULL, `m` int(11) NOT NULL, CHECK (`n` % 5 < `m`))"
    spec, _ = spec_from(f"{sql} ENGINE=InnoDB", tmp_path)
    assert len(spec.tables["a"].checks) == 1


def test_a_check_that_only_the_database_can_run_is_named(tmp_path: Path) -> None:
    _, drafted = spec_from("CREATE TABLE t (a int CHECK (is_lucky(a)))", tmp_path)
    assert any("CHECK" in note and "left to the database" in note for note in drafted.notes)


def test_generated_columns_are_left_to_the_database(tmp_path: Path) -> None:
    spec, drafted = spec_from(
        "CREATE TABLE t (a int, b int GENERATED ALWAYS AS (a * 2) STORED)", tmp_path
    )
    assert list(spec.tables["t"].columns) == ["a"]
    assert "t.b is left to the database: generated" in drafted.notes


def test_triggers_and_exclusion_constraints_are_named_with_their_place() -> None:
    notes = infer(SCHEMAS / "nasty.sql").notes
    assert any("lines_stamp" in note and "nasty.sql:" in note for note in notes)
    assert any(note.startswith("bookings: EXCLUDE") for note in notes)


def test_a_table_that_cannot_be_read_is_an_error_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(SourceError) as caught:
        spec_from("CREATE TABLE a (id int);\nCREATE TABLE b (id int CHECK (> 3));", tmp_path)
    assert caught.value.where is not None
    assert caught.value.where.endswith("made.sql:2")


def test_a_script_without_tables_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="defines no table"):
        spec_from("SELECT 1;", tmp_path)


def test_tables_in_a_circle_of_deferrable_keys_can_be_generated(tmp_path: Path) -> None:
    spec, _ = spec_from(
        "CREATE TABLE a (id serial PRIMARY KEY, b_id int NOT NULL);"
        "CREATE TABLE b (id serial PRIMARY KEY, a_id int NOT NULL REFERENCES a DEFERRABLE);"
        "ALTER TABLE a ADD FOREIGN KEY (b_id) REFERENCES b (id) DEFERRABLE INITIALLY DEFERRED;",
        tmp_path,
    )
    data = fb.generate(spec, n={"a": 20, "b": 10})
    assert set(data["a"]["b_id"].to_pylist()) <= set(data["b"]["id"].to_pylist())


def test_a_table_whose_key_belongs_to_a_parent_has_at_most_one_row_of_it(tmp_path: Path) -> None:
    spec, _ = spec_from(
        "CREATE TABLE u (id serial PRIMARY KEY);"
        "CREATE TABLE p (u_id int PRIMARY KEY REFERENCES u (id), motto text);",
        tmp_path,
    )
    ids = fb.generate(spec, seed=2)["p"]["u_id"].to_pylist()
    assert len(set(ids)) == len(ids) > 0


@pytest.mark.parametrize(
    ("text", "dialect"),
    [
        (
            "CREATE TABLE `a` (`id` int NOT NULL AUTO_INCREMENT, PRIMARY KEY (`id`)) ENGINE=InnoDB",
            "mysql",
        ),
        ("CREATE TABLE [a] ([id] INTEGER PRIMARY KEY AUTOINCREMENT, x ANY) STRICT", "sqlite"),
        ("CREATE TABLE a (id serial PRIMARY KEY, doc jsonb)", "postgres"),
    ],
)
def test_the_dialect_of_a_script_follows_from_what_only_it_writes(
    text: str, dialect: str, tmp_path: Path
) -> None:
    path = tmp_path / "a.sql"
    path.write_text(text, encoding="utf-8")
    schema = read_schema(str(path))
    assert schema.dialect == dialect
    assert schema.tables["a"].columns["id"].identity


def test_types_of_mariadb_that_no_parser_knows_leave_the_table_readable(tmp_path: Path) -> None:
    spec, drafted = spec_from(
        "CREATE TABLE `a` (`id` int(10) unsigned NOT NULL AUTO_INCREMENT, `four` inet4 NOT NULL,"
        " `six` inet6 NOT NULL, `where` point DEFAULT NULL, `kind` set('x','y') NOT NULL,"
        " PRIMARY KEY (`id`)) ENGINE=InnoDB",
        tmp_path,
    )
    row = fb.generate(spec, n=1, seed=1)["a"].to_pylist()[0]
    assert ipaddress.ip_address(row["four"]).version == 4
    assert ipaddress.ip_address(row["six"]).version == 6
    assert any(note.startswith("a.where is left out") for note in drafted.notes)
