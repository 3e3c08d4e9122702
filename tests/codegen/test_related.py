"""Several related tables from one program: links, totals, relations, and how each can fail."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

import pyarrow as pa
import pytest

import fabula as fb
from fabula.codegen.table_checks import gate
from fabula.codegen.targets import wanted_of
from fabula.errors import ProgramError
from fabula.spec.loading import parse_spec
from fabula.testing import ChatServer
from tests.codegen.builders import HEAD, fenced, made

SPEC = parse_spec("""
name: homes
tables:
  locations:
    n: 10
    columns:
      id: {kind: key}
      country: {kind: llm}
      city: {kind: llm, unique: true}
      number_of_houses: {kind: llm, type: int}
    checks:
      - {kind: aggregate, column: number_of_houses, of: houses}
      - {kind: count, of: houses, min: 1}
  types:
    n: 4
    columns:
      id: {kind: key}
      house_type: {kind: llm, unique: true}
      average_price: {kind: llm, type: float}
    checks:
      - {kind: aggregate, column: average_price, of: houses.price, function: mean, tolerance: 0.01}
  houses:
    n: 100
    columns:
      id: {kind: key}
      location_id: {kind: reference, to: locations}
      type_id: {kind: reference, to: types}
      size: {kind: llm, type: float, min: 10}
      rooms: {kind: llm, type: int}
      price: {kind: llm, type: float}
    checks:
      - {kind: correlation, columns: [rooms, size], method: spearman, at_least: 0.5}
      - {kind: correlation, columns: [size, price], method: spearman, at_least: 0.5}
""")

GOOD = (
    HEAD
    + """
ROWS = {"locations": 10, "types": 4, "houses": 100}
SEED = 3
rng = np.random.default_rng(SEED)
n = ROWS["houses"]
locations = pd.DataFrame({"id": np.arange(1, ROWS["locations"] + 1)})
locations["country"] = "Austria"
locations["city"] = [f"City {i}" for i in locations["id"]]
types = pd.DataFrame({"id": np.arange(1, ROWS["types"] + 1)})
types["house_type"] = [f"Type {i}" for i in types["id"]]
links = np.concatenate([locations["id"], rng.choice(locations["id"], n - len(locations))])
kinds = np.concatenate([types["id"], rng.choice(types["id"], n - len(types))])
rooms = rng.integers(1, 6, n)
size = 30.0 * rooms + rng.normal(20, 4, n)
houses = pd.DataFrame({"id": np.arange(1, n + 1), "location_id": links, "type_id": kinds})
houses["size"], houses["rooms"], houses["price"] = size, rooms, size * 3000 + rng.normal(0, 9000, n)
locations["number_of_houses"] = locations["id"].map(houses["location_id"].value_counts())
types["average_price"] = types["id"].map(houses.groupby("type_id")["price"].mean())
"""
)


def test_related_tables_come_with_schema_and_database(tmp_path):
    """Tables saved separately, schema, DDL and SQLite; links and keys hold."""
    with ChatServer(fenced(GOOD)) as server:
        data = made(server, SPEC, output=tmp_path / "out")
    assert {name: data.count(name) for name in data} == {"locations": 10, "types": 4, "houses": 100}
    assert len(server.calls) == 1
    asked = server.calls[0].prompt
    for word in ("number_of_houses", "`location_id` exists in `locations`"):
        assert word in asked
    with closing(sqlite3.connect(tmp_path / "out" / "data.sqlite")) as database:
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []
        assert database.execute("SELECT count(*) FROM houses").fetchone() == (100,)
        keys = database.execute("PRAGMA foreign_key_list(houses)").fetchall()
    assert {(key[2], key[3]) for key in keys} == {
        ("locations", "location_id"),
        ("types", "type_id"),
    }
    ddl = (tmp_path / "out" / "schema.sql").read_text(encoding="utf-8")
    assert ddl.index('"locations"') < ddl.index('"houses"')


def test_a_hundred_times_the_rows_keep_every_rule(tmp_path):
    """No model is asked; the same seed gives the same bytes."""
    with ChatServer(fenced(GOOD)) as server:
        made(server, SPEC, output=tmp_path / "out")
    many = fb.run_program(tmp_path / "out", 10_000, seed=7, output=tmp_path / "many")
    assert {name: many.count(name) for name in many} == {
        "locations": 1_000,
        "types": 400,
        "houses": 10_000,
    }
    assert many.checks.passed
    assert len(server.calls) == 1
    again = fb.run_program(
        tmp_path / "out" / "program.py",
        {"houses": 10_000, "types": 400, "locations": 1_000},
        seed=7,
        output=tmp_path / "again",
    )
    for name in many:
        files = [tmp_path / folder / f"{name}.parquet" for folder in ("many", "again")]
        assert files[0].read_bytes() == files[1].read_bytes()
    other = fb.run_program(tmp_path / "out", 10_000, seed=8)
    assert other["houses"] != again["houses"]


DEFECTS = (
    HEAD
    + """
rng = np.random.default_rng(1)
locations = pd.DataFrame({"id": range(1, 11), "country": "UK"})
locations["city"] = [f"City {i}" for i in range(10)]
locations["number_of_houses"] = rng.integers(300, 900, 10)
types = pd.DataFrame({"id": range(1, 5), "house_type": ["Flat", "House", "Flat", "Villa"]})
types["average_price"] = rng.uniform(5e5, 1e6, 4)
houses = pd.DataFrame({"id": range(1, 101)})
houses["location_id"] = rng.permutation(list(range(1, 11)) * 10)
houses["type_id"] = rng.permutation([1, 2, 3, 4] * 25)
houses["size"] = rng.uniform(40, 300, 100)
houses["rooms"] = rng.integers(1, 6, 100)
"""
)


def test_the_published_defects_are_all_listed():
    """Links ok; repeated type; wrong count; wrong mean; missing column; failed relations."""
    with ChatServer(lambda _: fenced(DEFECTS)) as server, pytest.raises(ProgramError) as caught:
        made(server, SPEC, rounds=0)
    results = {(item.table, item.name): item for item in caught.value.dataset.checks}
    failed = {key: item.message for key, item in results.items() if not item.passed}
    assert results["houses", "`location_id` exists in `locations`"].passed
    assert results["houses", "`type_id` exists in `types`"].passed
    assert "1 value occurs more than once: Flat (2 times)" in failed["types", "`house_type` unique"]
    count = failed["locations", "`number_of_houses` = count of `houses`"]
    assert "10 of 10 rows break the rule" in count
    assert "not 10" in count
    mean = failed["types", "`average_price` = mean of `houses.price`"]
    assert "can't be checked: `houses` has no column `price`" in mean
    assert failed["houses", "columns as asked"] == "columns: missing `price`"
    rooms = failed["houses", "correlation of `rooms` and `size` at least 0.5"]
    assert "spearman correlation of `rooms` and `size` is" in rooms
    assert ("houses", "correlation of `size` and `price` at least 0.5") in failed


def test_a_stated_mean_is_compared_with_the_rows():
    """`average_price` against the real mean, with both values told."""
    wrong = GOOD + 'types["average_price"] = 936_298.0\n'
    with ChatServer([fenced(wrong), fenced(GOOD)]) as server:
        made(server, SPEC)
    told = server.calls[1].texts[-1]
    assert "4 of 4 rows break the rule: `average_price` = mean of `houses.price`" in told
    assert "says 936298.0, not " in told


LINKS: dict[str, tuple[str, str]] = {
    "orphans": (
        'houses.loc[:2, "location_id"] = [77, 78, 79]\n',
        "houses: 3 of 100 values of `houses.location_id` don't exist in `locations.id`: 77, 78, 79",
    ),
    "another type": (
        'houses["location_id"] = houses["location_id"].astype(str)\n',
        "`houses.location_id` holds text and `locations.id` numbers: none of 100 values can match",
    ),
    "missing": (
        'houses["location_id"] = houses["location_id"].astype("Int64")\n'
        'houses.loc[0, "location_id"] = None\n',
        "houses: 1 of 100 rows break the rule: `location_id` never missing",
    ),
    "no children": (
        'houses["location_id"] = 1\n',
        "9 of 10 rows break the rule: each has at least 1 rows in `houses`: `id` 2 has 0",
    ),
    "a key twice": (
        'types.loc[1, "id"] = 1\n',
        "types: `id`: 1 value occurs more than once: 1 (2 times)",
    ),
    "a key missing": (
        'types["id"] = types["id"].astype("Int64")\ntypes.loc[1, "id"] = None\n',
        "types: 1 of 4 rows break the rule: `id` never missing",
    ),
    "a table missing": ("del types\n", "types: there is no table `types`"),
}


@pytest.mark.parametrize("case", LINKS.values(), ids=LINKS)
def test_broken_links_are_named_with_values_and_counts(case):
    """Orphan; str against int; null in a required key; parent without children; keys."""
    end, told = case
    replies = [fenced(GOOD + end), "no more"]
    with ChatServer(replies) as server, pytest.raises(ProgramError):
        made(server, SPEC, rounds=1)
    assert told in server.calls[1].texts[-1]


def gated(text: str, **tables: dict[str, list[Any]]) -> list[str]:
    """What the gates of a spec say against tables."""
    results = gate(wanted_of(parse_spec(text)), {k: pa.table(v) for k, v in tables.items()})
    return [f"{item.table}: {item.message}" for item in results.failed]


CIRCLE = """
tables:
  teams: {n: 3, columns: {id: {kind: key}, leader_id: {kind: reference, to: people, nulls: 0.1}}}
  people: {n: 3, columns: {id: {kind: key}, team_id: {kind: reference, to: teams}}}
"""
TREE = """
tables:
  staff: {n: 5, columns: {id: {kind: key}, boss_id: {kind: reference, to: staff, nulls: 0.1}}}
"""
PAIRS = """
tables:
  rooms:
    n: 3
    primary_key: [house, number]
    columns: {house: {kind: llm, type: int}, number: {kind: llm, type: int}}
  beds:
    n: 2
    columns:
      id: {kind: key}
      house: {kind: reference, to: rooms.house}
      number: {kind: reference, to: rooms.number}
"""
LINK_TABLE = """
tables:
  tags: {n: 2, columns: {id: {kind: key}}}
  posts: {n: 2, columns: {id: {kind: key}}}
  post_tags:
    n: 3
    unique: [[post_id, tag_id]]
    columns: {post_id: {kind: reference, to: posts}, tag_id: {kind: reference, to: tags}}
"""


def test_circles_are_checked_both_ways():
    """Circular foreign keys."""
    good = {"teams": {"id": [1, 2, 3], "leader_id": [3, 1, None]}}
    assert gated(CIRCLE, **good, people={"id": [1, 2, 3], "team_id": [1, 2, 2]}) == []
    told = gated(
        CIRCLE,
        people={"id": [1, 2, 3], "team_id": [1, 2, 9]},
        teams={"id": [1, 2, 3], "leader_id": [8, 1, 2]},
    )
    assert told == [
        "teams: 1 of 3 values of `teams.leader_id` don't exist in `people.id`: 8",
        "people: 1 of 3 values of `people.team_id` don't exist in `teams.id`: 9",
    ]


def test_trees_have_no_loops():
    """Self-reference; a row above itself, alone or by way of others."""
    assert gated(TREE, staff={"id": [1, 2, 3, 4, 5], "boss_id": [None, 1, 1, 2, 4]}) == []
    told = gated(TREE, staff={"id": [1, 2, 3, 4, 5], "boss_id": [None, 3, 2, 2, 5]})
    assert told == [
        "staff: `boss_id` has loops: 4 of 5 rows are their own ancestors or descend from such "
        "rows: `id` 2, 3, 4, 5"
    ]


def test_keys_of_two_columns_are_looked_up_together():
    """Composite key; each value exists by itself, the pair does not."""
    rooms = {"house": [1, 1, 2], "number": [1, 2, 1]}
    assert gated(PAIRS, rooms=rooms, beds={"id": [1, 2], "house": [1, 2], "number": [2, 1]}) == []
    told = gated(PAIRS, rooms=rooms, beds={"id": [1, 2], "house": [1, 2], "number": [2, 2]})
    assert told == [
        "beds: 1 of 2 combinations of `house` and `number` don't exist in `rooms` "
        "(`house` and `number`): 2 / 2"
    ]
    told = gated(
        PAIRS,
        rooms={"house": [1, 1, 1], "number": [1, 2, 2]},
        beds={"id": [1, 2], "house": [1, 1], "number": [2, 1]},
    )
    assert told == ["rooms: `house` and `number`: 1 value occurs more than once: 1 / 2 (2 times)"]


def test_a_link_table_repeats_no_pair():
    """Many-to-many with a pair twice."""
    ids = {"tags": {"id": [1, 2]}, "posts": {"id": [1, 2]}}
    told = gated(LINK_TABLE, **ids, post_tags={"post_id": [1, 1, 2], "tag_id": [2, 2, 1]})
    assert told == [
        "post_tags: `post_id` and `tag_id`: 1 value occurs more than once: 1 / 2 (2 times)"
    ]


def test_numbers_of_children_follow_what_was_declared():
    """Minimum, maximum and mean of children for each parent."""
    spec = """
    tables:
      places: {n: 50, columns: {id: {kind: key}}}
      homes:
        per_parent: {of: places, poisson: 10, max: 30}
        columns: {id: {kind: key}, place_id: {kind: reference, to: places}}
    """
    places = {"id": list(range(1, 51))}
    good = [place for place in places["id"] for _ in range(8 + place % 5)]
    assert (
        gated(spec, places=places, homes={"id": [*range(1, len(good) + 1)], "place_id": good}) == []
    )
    few = [place for place in places["id"] for _ in range(2)]
    told = gated(spec, places=places, homes={"id": [*range(1, 101)], "place_id": few})
    assert told == ["places: `places` has 2 rows of `homes` on average, not about 10"]
    crowd = good + [1] * 40
    told = gated(spec, places=places, homes={"id": [*range(1, len(crowd) + 1)], "place_id": crowd})
    assert told == [
        "places: 1 of 50 rows break the rule: each has 0 to 30 rows in `homes`: `id` 1 has 49"
    ]


@pytest.mark.parametrize("orphans", ["drop", "resample"])
def test_orphans_are_repaired_only_where_that_is_asked_and_counted(orphans):
    """Explicit repair."""
    spec = parse_spec(
        LINK_TABLE.replace("n: 3", "n: 40").replace("    unique: [[post_id, tag_id]]\n", "")
    )
    code = HEAD + (
        "tags = pd.DataFrame({'id': [1, 2]})\nposts = pd.DataFrame({'id': [1, 2]})\n"
        "post_tags = pd.DataFrame({'post_id': [1, 2] * 20, 'tag_id': [1, 2, 2, 9] * 10})\n"
    )
    with ChatServer(lambda _: fenced(code)) as server:
        with pytest.raises(ProgramError):
            made(server, spec, rounds=0)
        data = made(server, spec, rounds=0, orphans=orphans)
    table = data.manifest["tables"]["post_tags"]
    (link,) = (item for item in data.checks if item.name == "`tag_id` exists in `tags`")
    assert (link.passed, link.repair, link.repaired) == (True, orphans, 10)
    assert set(data["post_tags"]["tag_id"].to_pylist()) == {1, 2}
    assert table["requested"] == table["written"] + table["rejected"] == 40
    assert table["rejected"] == (10 if orphans == "drop" else 0)


def test_numbers_beyond_the_integers_of_sqlite_are_kept_as_text(tmp_path):
    """Unsigned numbers of 64 bits."""
    code = HEAD + (
        "a = pd.DataFrame({'id': [1], 'n': np.array([2**64 - 1], dtype='uint64')})\n"
        "b = pd.DataFrame({'id': [1]})\n"
    )
    (tmp_path / "two.py").write_text(code, encoding="utf-8")
    fb.run_program(tmp_path / "two.py", output=tmp_path / "out")
    with closing(sqlite3.connect(tmp_path / "out" / "data.sqlite")) as database:
        assert database.execute("SELECT count(*) FROM a WHERE n > 1e19").fetchone() == (1,)


def test_bounds_of_a_text_count_its_characters_and_are_not_compared_with_it() -> None:
    spec = """
tables:
  t:
    n: 2
    columns:
      motto: {kind: llm, min: 3, max: 40}
      stars: {kind: llm, type: int, min: 1, max: 5}
      size: {kind: llm, type: [S, L]}
"""
    told = gated(spec, t={"motto": ["hold fast", "go on"], "stars": [9, 3], "size": ["S", "XL"]})
    assert len(told) == 2
    assert "`stars` 1 to 5" in told[0]
    assert "`size` is one of S, L" in told[1]
