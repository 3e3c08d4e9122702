"""Learned columns stand alongside keys, expressions and texts in one row."""

from __future__ import annotations

import json
import shutil

import pyarrow as pa
import pyarrow.compute as pc
import pytest

import fabula as fb
from fabula.errors import SpecError
from fabula.streams import BLOCK_ROWS
from tests.synthesizers.tables import shoppers


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    """A synthesizer's file."""
    path = tmp_path_factory.mktemp("fitted") / "shoppers.fabula"
    fb.fit(shoppers(1_500), seed=1).save(path)
    return str(path)


def spec(table, n=500):
    """A spec of one table."""
    return {"tables": {"rows": {"n": n, **table}}}


def test_learned_numbers_stand_beside_keys_and_expressions(fitted):
    """Columns of one file belong to the same drawn row."""
    columns = {
        "id": {"kind": "key"},
        "plan": {"kind": "learned", "file": fitted},
        "paid": {"kind": "learned", "file": fitted, "column": "spent"},
        "twice": {"kind": "expr", "sql": "paid * 2"},
        "words": {"kind": "template", "text": "{{ plan }} paid {{ paid }}"},
    }
    rows = fb.generate(spec({"columns": columns}, n=4_000)).to_arrow()
    assert rows["id"].to_pylist() == list(range(1, 4_001))
    free = pc.equal(rows["plan"].cast(pa.string()), "free")
    assert pc.mean(pc.equal(rows["paid"].filter(free), 0.0)).as_py() > 0.98
    assert pc.mean(pc.equal(rows["paid"].filter(pc.invert(free)), 0.0)).as_py() < 0.05


def test_a_file_that_moves_gives_the_same_rows(fitted, tmp_path):
    """The folder of a file does not enter the draw; two files of one name draw apart."""
    moved = shutil.copy(fitted, tmp_path)

    def rows(*files):
        columns = {
            f"age{place}": {"kind": "learned", "file": file, "column": "age"}
            for place, file in enumerate(files)
        }
        return fb.generate(spec({"columns": columns}, n=200)).to_arrow()

    both = rows(fitted, moved)
    assert rows(fitted)["age0"] == rows(moved)["age0"] == both["age0"]
    assert both["age0"] != both["age1"]


def test_a_whole_table_is_learned_but_for_its_own_columns(fitted):
    """A column of the spec takes the place of the file's; `given` holds in every row."""
    table = {
        "columns": {"id": {"kind": "uuid"}},
        "learned": {"file": fitted, "given": {"plan": "team"}},
    }
    rows = fb.generate(spec(table)).to_arrow()
    assert rows.column_names == ["id", "plan", "age", "spent", "active", "joined"]
    assert set(rows["plan"].to_pylist()) == {"team"}
    assert len(rows["id"][0].as_py()) == 36


def test_blocks_repeat_by_seed_and_workers_change_nothing(fitted):
    """Two blocks; a smaller run is the start of a larger one's streams."""
    table = {"learned": fitted}
    rows = fb.generate(spec(table, BLOCK_ROWS + 5), seed=3).to_arrow()
    assert fb.generate(spec(table, BLOCK_ROWS + 5), seed=3, workers=2).to_arrow().equals(rows)
    assert not fb.generate(spec(table, 5), seed=4).to_arrow().equals(rows.slice(0, 5))


def test_broken_rules_are_drawn_again(fitted):
    """Row checks of the table hold for learned columns, too."""
    table = {
        "learned": fitted,
        "checks": [{"kind": "row", "sql": "coalesce(age, 40) >= 30", "repair": "resample"}],
    }
    rows = fb.generate(spec(table)).to_arrow()
    assert rows.num_rows == 500
    assert pc.min(rows["age"]).as_py() >= 30


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"learned": "none.fabula"}, "there is no file `none.fabula`"),
        ({"columns": {"plam": {"kind": "learned", "file": "FITTED"}}}, "has no column `plam`"),
        ({"learned": {"file": "FITTED", "given": {"plam": 1}}}, "has no column `plam`"),
        ({"columns": {"x": {"kind": "learned", "file": __file__}}}, "is not a fitted synthesizer"),
        (
            {"columns": {"plan": {"kind": "learned", "file": "FITTED", "sha256": "0"}}},
            "is not the file whose hash is given",
        ),
        ({"columns": {}}, "say which `columns` it has"),
    ],
)
def test_what_is_not_there_is_told_before_anything_is_made(fitted, table, message):
    """Every problem of the plan, with its place."""
    filled = json.loads(json.dumps(table).replace("FITTED", fitted))
    with pytest.raises(SpecError, match=message):
        fb.plan(spec(filled))
