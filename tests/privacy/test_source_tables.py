"""`kind: source`: real files as tables of a spec, with new people in them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import fabula as fb
from fabula.cli.main import main
from fabula.errors import PrerequisiteError, SpecError
from fabula.io import pieces
from fabula.planning import sources as planned_sources
from fabula.spec.loading import parse_spec
from tests.privacy.conftest import ROWS, customers, orders

pytestmark = pytest.mark.usefixtures("files")
KEEP = {"balance": "keep", "sex": {"keep": "confirmed"}}


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a file of customers and one of their orders."""
    monkeypatch.chdir(tmp_path)
    pq.write_table(customers(), tmp_path / "customers.parquet")
    pq.write_table(orders(), tmp_path / "orders.parquet")
    return tmp_path


def _spec(**columns: Any) -> dict[str, Any]:
    source = {"kind": "source", "file": "customers.parquet", "person": "customer_id"}
    return {"tables": {"customers": {**source, "columns": {**KEEP, **columns}}}}


def test_people_are_new_and_kept_columns_types_and_order_are_those_of_the_file() -> None:
    made, real = fb.generate(_spec()).to_arrow(), customers()
    assert made.schema == real.schema.remove_metadata()
    assert made["balance"].equals(real["balance"])
    assert made["sex"].equals(real["sex"])
    for name in ("name", "email", "phone", "card", "customer_id"):
        assert not set(made[name].to_pylist()) & set(real[name].to_pylist())
    assert pc.count_distinct(made["customer_id"]).as_py() == ROWS


def test_a_spec_and_the_verb_give_the_same_people_for_the_same_key(key: Path) -> None:
    made = fb.generate(_spec(), key_file=key).to_arrow()
    asked = {"balance": "keep", "sex": "keep: confirmed"}
    masked = fb.mask(customers(), person="customer_id", columns=asked, key_file=key).table
    assert made.equals(masked.replace_schema_metadata(None))


def test_tables_of_the_spec_refer_to_people_of_the_file(key: Path) -> None:
    spec = _spec(points={"kind": "normal", "mean": 5})
    spec["tables"]["visits"] = {
        "n": 900,
        "columns": {
            "customer_id": {"kind": "reference", "to": "customers"},
            "twice": {"kind": "expr", "sql": "customer_id.balance * 2"},
        },
    }
    made = fb.generate(spec, key_file=key)
    people, visits = made["customers"], made["visits"]
    balance = dict(
        zip(people["customer_id"].to_pylist(), people["balance"].to_pylist(), strict=True)
    )
    for row in visits.to_pylist():
        assert row["twice"] == pytest.approx(2 * balance[row["customer_id"]])
    assert people.column_names[-1] == "points"


def test_people_agree_in_two_files(key: Path) -> None:
    spec = _spec()
    spec["tables"]["orders"] = {"kind": "source", "file": "orders.parquet"}
    made = fb.generate(spec, key_file=key)
    new = dict(
        zip(
            customers()["customer_id"].to_pylist(),
            made["customers"]["customer_id"].to_pylist(),
            strict=True,
        )
    )
    wanted = [new[number] for number in orders()["customer_id"].to_pylist()]
    assert made["orders"]["customer_id"].to_pylist() == wanted


def test_a_column_of_the_spec_takes_the_place_of_the_files_column() -> None:
    spec = _spec(
        name={"kind": "constant", "value": "nobody"},
        phone="drop",
        mail={"kind": "source", "column": "email"},
    )
    made = fb.generate(spec).to_arrow()
    names = [*customers().column_names, "mail"]
    assert made.column_names == [
        "mail" if name == "email" else name for name in names[:-1] if name != "phone"
    ]
    assert set(made["name"].to_pylist()) == {"nobody"}
    assert not set(made["mail"].to_pylist()) & set(customers()["email"].to_pylist())


@pytest.mark.slow
def test_fewer_rows_are_the_first_and_more_are_refused(key: Path) -> None:
    whole = fb.generate(_spec(), key_file=key).to_arrow()
    assert fb.generate(_spec(), 30, key_file=key).to_arrow().equals(whole.slice(0, 30))
    assert fb.preview(_spec(), 3).num_rows == 3
    with pytest.raises(SpecError, match="has 400 rows, and 401 are asked for"):
        fb.generate(_spec(), ROWS + 1)


def test_all_problems_are_told_with_their_lines_before_a_row_is_made() -> None:
    text = """
tables:
  customers:
    kind: source
    file: customers.parquet
    person: customer
    columns:
      name: keep
      customer_id: {generalise: 10}
"""
    with pytest.raises(SpecError) as caught:
        fb.plan(parse_spec(text, file="crm.yaml"))
    found = {(problem.code, problem.line) for problem in caught.value.violations}
    assert found == {
        ("mask.unknown-column", 6),
        ("mask.sensitive-kept", 8),
        ("mask.lossy-key", 9),
    }
    assert any("`name: {keep: confirmed}`" in (p.hint or "") for p in caught.value.violations)
    text = text.replace("    kind: source", "    source:").replace("\n    ", "\n      ")
    with pytest.raises(SpecError) as caught:
        fb.plan(parse_spec(text.replace("      source:", "    source:"), file="crm.yaml"))
    assert {problem.line for problem in caught.value.violations} == {6, 8, 9}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"file": "none.parquet"}, "none.parquet"),
        ({"sha256": "0" * 64}, "another file"),
        ({"per_parent": {"of": "x", "fixed": 1}}, "leave out `per_parent`"),
        ({"columns": {"name": "replcae"}}, "there is no action `replcae`"),
        ({"columns": {"name": {"kind": "source", "column": "nam"}}}, "has no column `nam`"),
        ({"columns": {"balance": {"kind": "source", "action": "redact", "unique": True}}},
         "different values of `balance` equal"),
    ],
)  # fmt: skip
def test_what_can_not_be_is_refused(change: dict[str, Any], told: str) -> None:
    table = {"kind": "source", "file": "customers.parquet", **change}
    with pytest.raises(SpecError, match=told):
        fb.plan({"tables": {"customers": table}})


@pytest.mark.slow
def test_an_address_is_a_file_elsewhere_and_no_password_stands_in_a_spec(
    files: Path, key: Path
) -> None:
    spec, local = _spec(), fb.generate(_spec(), key_file=key)
    spec["tables"]["customers"]["file"] = f"file://{files}/customers.parquet"
    made = fb.generate(spec, output=files / "out", key_file=key)
    assert made.to_arrow().equals(local.to_arrow())
    facts = json.loads((files / "out/manifest.json").read_text())["spec"]["tables"]["customers"]
    pq.write_table(customers().slice(1), files / "customers.parquet")
    spec["tables"]["customers"]["sha256"] = facts["source"]["sha256"]
    with pytest.raises(SpecError, match="another file"):
        fb.plan(spec)
    for address in ("s3://me:word@bucket/a.csv", "postgresql://host/db?password=word"):
        spec["tables"]["customers"]["file"] = address
        with pytest.raises(SpecError) as caught:
            fb.plan(spec)
        assert "word@" not in str(caught.value)
        assert "=word" not in str(caught.value)


def test_rows_that_do_not_fit_into_memory_make_the_same_table(
    key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = fb.generate(_spec(), key_file=key).to_arrow()
    monkeypatch.setattr(pieces, "LARGE", 10)
    planned_sources._read.cache_clear()
    assert fb.generate(_spec(), key_file=key).to_arrow().equals(small)


def test_a_column_of_a_file_needs_a_file() -> None:
    with pytest.raises(SpecError, match="the table names none"):
        fb.plan({"tables": {"t": {"n": 3, "columns": {"x": {"kind": "source"}}}}})


def test_the_manifest_says_what_was_done_and_holds_no_key(files: Path, key: Path) -> None:
    people = customers().set_column(8, "born", pa.array(["1980-02-03"] * (ROWS - 1) + ["soon"]))
    pq.write_table(people, files / "customers.parquet")
    fb.generate(_spec(), output=files / "out", key_file=key)
    text = (files / "out" / "manifest.json").read_text()
    card = json.loads(text)["masking"]
    assert card["promise"] == "keyed"
    assert card["tables"]["customers"]["columns"]["born"]["blanked"] == 1
    assert card["tables"]["customers"]["columns"]["sex"]["action"] == "keep"
    assert key.read_text().split()[1] not in text


@pytest.mark.slow
def test_a_run_goes_on_with_its_key_and_no_other(files: Path, key: Path) -> None:
    fb.generate(_spec(), output=files / "out", key_file=key)
    again = fb.generate(_spec(), output=files / "out", key_file=key)
    assert again.reused == ROWS
    with pytest.raises(fb.FabulaError, match="run of another spec"):
        fb.generate(_spec(), output=files / "out")


@pytest.mark.slow
def test_a_file_is_found_beside_the_spec_and_the_output_is_told(
    files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    inner = files / "specs"
    inner.mkdir()
    (files / "customers.parquet").rename(inner / "customers.parquet")
    (inner / "crm.json").write_text(json.dumps(_spec(note="drop") | {"name": "crm"}))
    assert main(["generate", "specs/crm.json", "-o", "out"]) == 2  # the file has no `note`
    (inner / "crm.json").write_text(json.dumps(_spec()))
    assert main(["generate", "specs/crm.json", "-o", "out"]) == 0
    told = capsys.readouterr().err
    assert "people by `customer_id`" in told
    assert "real: sex, balance" in told
    assert "one-off" in told


@pytest.mark.slow
def test_a_spec_with_the_fingerprint_of_a_lost_key_is_refused() -> None:
    settled = fb.plan(_spec()).spec
    source = settled.tables["customers"].source
    assert source is not None
    lost = source.model_copy(update={"key": "00" * 8})
    table = settled.tables["customers"].model_copy(update={"source": lost})
    from fabula.privacy.source_tables import masking_of

    with pytest.raises(PrerequisiteError, match="another key"):
        masking_of({"customers": table})


def test_national_ids_that_would_become_the_same_are_told_in_the_words_of_the_spec(
    files: Path,
) -> None:
    numbers = [
        f"{n % 28 + 1:02}0{n // 28 % 3 + 1}9{n // 84 % 2}-{2_000 + n // 168:04}"
        for n in range(4_000)
    ]
    pq.write_table(pa.table({"person_id": range(4_000), "cpr": numbers}), files / "p.parquet")
    column = {"kind": "source", "action": "replace: national_id"}
    table = {"kind": "source", "file": "p.parquet", "person": "person_id"}
    with pytest.raises(SpecError, match="new national ids") as caught:
        fb.generate({"tables": {"people": {**table, "columns": {"cpr": column}}}})
    assert "`cpr: {replace: code}`" in str(caught.value)
    assert caught.value.violations[0].where == "tables.people.columns.cpr"
    cured = {"kind": "source", "action": "replace: code"}
    made = fb.generate({"tables": {"people": {**table, "columns": {"cpr": cured}}}}).to_arrow()
    assert pc.count_distinct(made["cpr"]).as_py() == 4_000
