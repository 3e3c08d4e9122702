"""A model knows the rows that it was fitted with, and `evaluate` warns where others are passed."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

import fabula as fb
from fabula.errors import SourceError, UsageError
from fabula.relationships.digests import Digest, digest
from fabula.synthesizers.synthesizer import Synthesizer
from tests.evaluation.metrics.people import people

WHOLE = people(300, seed=1)


@cache
def fitted() -> Synthesizer:
    model = fb.fit(WHOLE, model="copula", seed=4)
    assert isinstance(model, Synthesizer)
    return model


def warnings(**tables: pa.Table | None) -> list[str]:
    made = fitted().sample(200)
    report = fb.evaluate(made, model=fitted(), sections=["diversity"], **tables)
    [table] = report.tables
    for form in (report.to_html(), report.to_markdown(), report.to_json()):
        assert ("arning" in form) >= bool(table.warnings)
    return list(table.warnings)


def test_the_parts_of_a_fit_are_known_whatever_their_order_and_file(tmp_path: Path) -> None:
    order = np.random.default_rng(0).permutation(240)
    training, held = (
        fitted().training.take(order),
        fitted().holdout.select(WHOLE.schema.names[::-1]),
    )
    pyarrow.csv.write_csv(training, tmp_path / "training.csv")
    pyarrow.parquet.write_table(held, tmp_path / "held.parquet")
    fitted().save(tmp_path / "people.fabula")
    report = fb.evaluate(
        fitted().sample(200), real=tmp_path / "training.csv", holdout=tmp_path / "held.parquet",
        model=tmp_path / "people.fabula", sections=["diversity"],
    )  # fmt: skip
    assert report.tables[0].warnings == ()
    assert not warnings(real=WHOLE, holdout=fitted().holdout)
    assert not warnings(real=fitted().training)


@pytest.mark.parametrize(
    ("real", "holdout", "said"),
    [
        (lambda: WHOLE, lambda: None, "real table is all rows that the model was fitted with"),
        (lambda: fitted().holdout, lambda: fitted().training, "holdout is the rows that the model"),
        (lambda: fitted().training, lambda: people(60, seed=9), "as many rows (60), with other"),
        (lambda: people(500, seed=9), lambda: fitted().holdout, "500 rows, and those were 240"),
        (lambda: WHOLE.drop(["age"]), lambda: None, "real table lacks `age`"),
        (lambda: WHOLE.slice(0, 240), lambda: None, "as many rows (240), with other values"),
    ],
)
def test_rows_that_are_not_those_of_the_fit_are_named(real, holdout, said) -> None:  # type: ignore[no-untyped-def]
    assert said in " ".join(warnings(real=real(), holdout=holdout()))


def test_one_changed_value_is_another_digest() -> None:
    ages = WHOLE["age"].to_pylist()
    changed = WHOLE.set_column(2, "age", pa.array([ages[0] + 0.1, *ages[1:]]))
    assert digest(changed) != digest(WHOLE)
    swapped = WHOLE.set_column(2, "age", pa.array([ages[1], ages[0], *ages[2:]]))
    assert digest(swapped) != digest(WHOLE)
    assert Digest.from_dict(digest(WHOLE).to_dict()) == digest(WHOLE)
    assert digest(WHOLE.slice(0, 100)) + digest(WHOLE.slice(100)) == digest(WHOLE)


def test_a_private_model_keeps_no_digest_and_the_report_says_so(tmp_path: Path) -> None:
    """An exact number of the rows would break the guarantee."""
    table = WHOLE.select(["sex", "age"])
    model = fb.fit(table, epsilon=1.0, domain={"sex": ["f", "m"], "age": "18..90"})
    assert not model.card().digests
    model.save(tmp_path / "private.fabula")
    report = fb.evaluate(
        model.sample(100), real=table, model=tmp_path / "private.fabula", sections=["diversity"]
    )
    assert "keeps no digest" in report.tables[0].warnings[0]


def test_several_tables_are_known_by_their_names(tmp_path: Path) -> None:
    towns = pa.table({"town_id": range(30), "size": np.arange(30) % 7})
    homes = pa.table({"home_id": range(90), "town_id": np.arange(90) % 30})
    tables = {"towns": towns, "homes": homes}
    fb.fit(tables, rounds=5).save(tmp_path / "both.fabula")
    model = fb.load_synthesizer(tmp_path / "both.fabula")
    made = model.sample()
    report = fb.evaluate(made, real=tables, model=model, sections=["diversity"])
    assert [table.warnings for table in report.tables] == [(), ()]
    report = fb.evaluate(
        made, real={**tables, "homes": homes.slice(1)}, model=model, sections=["diversity"]
    )
    assert "89 rows, and those were 90" in report.tables[1].warnings[0]
    with pytest.raises(SourceError, match="learned one table"):
        fb.evaluate(made, real=tables, model=fitted())
    with pytest.raises(SourceError, match="did not learn the table `data`"):
        fb.evaluate(homes, real=homes, model=model)


def test_a_model_needs_real_rows_to_be_held_against() -> None:
    with pytest.raises(UsageError, match="none were given"):
        fb.evaluate(WHOLE, model=fitted())
    with pytest.raises(UsageError, match="not a fitted model"):
        fb.evaluate(WHOLE, real=WHOLE, model=WHOLE)  # type: ignore[arg-type]


def test_no_row_is_in_the_card() -> None:
    told = json.dumps(fitted().card().to_dict())
    assert set(fitted().card().digests) == {"training", "holdout"}
    assert not [value for value in WHOLE["name"].to_pylist() if value in told]
