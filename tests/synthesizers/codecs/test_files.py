"""A file of text comes back with its times written as they were."""

from __future__ import annotations

import csv
import datetime as dt
import re

import numpy as np
import pyarrow as pa
import pytest

import fabula as fb
from fabula.io.tables import as_table
from fabula.io.write import write_table
from tests.spellings import FIRST, SPELLINGS

FORMS = {
    **SPELLINGS,
    "%H:%M": lambda t: f"{t:%H:%M}",
    "%H:%M:%S": lambda t: f"{t:%H:%M:%S}",
    "%Y-%m-%d %H:%M": lambda t: f"{t:%Y-%m-%d %H:%M}",
    "%Y-%m-%dT%H:%M:%S.%fZ": lambda t: f"{t:%Y-%m-%dT%H:%M:%S}.{t.microsecond // 1000:03}Z",
}


@pytest.mark.parametrize("form", list(FORMS))
def test_times_of_a_csv_file_come_back_as_they_were_written(tmp_path, form):
    """The model's file knows the form, too."""
    rng = np.random.default_rng(3)
    times = [FIRST + dt.timedelta(milliseconds=int(m)) for m in rng.integers(0, 10**10, 200)]
    path, out = tmp_path / "data.csv", tmp_path / "made.csv"
    path.write_text("at;n\n" + "".join(f"{FORMS[form](t)};{t.day}\n" for t in times) + ";5\n")
    fb.fit(path, model="copula", seed=1, holdout=0).save(tmp_path / "m.fabula")
    model = fb.load_synthesizer(tmp_path / "m.fabula")
    write_table(out, model.sample(100, seed=2), model.schema, "csv")
    with out.open(newline="") as file:
        texts = [row[0] for row in csv.reader(file)][1:]
    texts = [text for text in texts if text]
    assert len(texts) > 90
    assert {FORMS[form](dt.datetime.strptime(text, form)) for text in texts} == set(texts)


def test_times_of_several_files_come_back_as_they_were_written(tmp_path):
    """Also where parents have children."""
    shops = "".join(f"{at},0{at % 8}:30\n" for at in range(1, 31))
    visits = "".join(f"{at},{at % 30 + 1},2024-01-0{at % 9 + 1}T10:00:00Z\n" for at in range(200))
    (tmp_path / "shops.csv").write_text(f"shop_id,opens\n{shops}")
    (tmp_path / "visits.csv").write_text(f"visit_id,shop_id,at\n{visits}")
    made = fb.fit(tmp_path, seed=1).sample(scale=1.0, seed=2)
    for name, form in (("shops", r"0\d:30"), ("visits", r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ|,$")):
        write_table(tmp_path / f"{name}.out.csv", made[name], made[name].schema, "csv")
        texts = (tmp_path / f"{name}.out.csv").read_text().splitlines()[1:]
        assert all(re.search(form, line) for line in texts), texts[:3]


def test_readers_give_times_as_times(tmp_path):
    """The form is a note alongside the type, not another type."""
    path = tmp_path / "data.csv"
    path.write_text("at,day\n2024-01-05T10:00:00Z,10:30\n2024-01-06T11:00:00Z,11:45\n")
    table = as_table(path)
    assert table.schema.types == [pa.timestamp("s", "UTC"), pa.time32("s")]
