"""`fabula generalise`: the report, the file and wrong usage."""

from __future__ import annotations

import json

import pyarrow.parquet as pq

from tests.privacy.test_kanonymity import QUASI, patients


def test_it_prints_what_a_release_cost_and_writes_it(run):
    pq.write_table(patients(), "patients.parquet")
    wanted = ["generalise", "patients.parquet", "--quasi", ",".join(QUASI), "-k", "5"]
    ended = run(*wanted, "-o", "out.parquet")
    assert ended.code == 0
    assert "3,000 rows, none dropped" in ended.out
    assert "blank in rows by sex: F" in ended.out
    assert pq.read_table("out.parquet").num_rows == 3_000
    facts = json.loads(run(*wanted, "--format", "json").out)
    assert facts["after"]["k"] >= 5
    assert run("generalise", "patients.parquet", "--quasi", "agee").code == 2
