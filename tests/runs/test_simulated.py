"""Tables `kind: simulation`: rows of a model of agents among the other tables of a spec."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pytest

import fabula as fb
from fabula.errors import SpecError, UsageError
from fabula.simulation import World, conserved, money, state, when

MODEL = """
import fabula as fb
from fabula.simulation import World, conserved, money, when

kiosk = World("kiosk", start="2026-01-01", step="1d", steps=5, seed=1)
price = kiosk.parameter("price", 3)
people = kiosk.population("people", n=60, purse=conserved(money(20)))
sales = kiosk.event("sales", person=people, price=money(0), at=when)

@kiosk.every("1d", people)
def buy(a, now, draw):
    some = a[draw.chance(a, 0.3)]
    got = some.pay("purse", int(price * 100))
    sales.add(person=some[got], price=int(price * 100))
"""
COUNTED = f"""{MODEL}
@kiosk.every(5)
def told():
    with open("runs", "a") as file:
        file.write("run\\n")
"""
SPEC = """fabula: 1
name: kiosk
tables:
  people: {kind: simulation, file: kiosk.py}
  sales:
    kind: simulation
    file: kiosk.py
    columns:
      net: {kind: expr, sql: "round(price / 1.2, 2)"}
  reviews:
    per_parent: {of: sales, fixed: 2}
    columns:
      sale: {kind: reference, to: sales}
      stars: {kind: uniform, min: 1, max: 5, decimals: 0}
      paid: {kind: expr, sql: sale.price}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a model and its spec."""
    monkeypatch.chdir(tmp_path)
    Path("kiosk.py").write_text(MODEL, encoding="utf-8")
    Path("spec.yaml").write_text(SPEC, encoding="utf-8")
    return tmp_path


def spec_with(old: str, new: str) -> Path:
    """The spec with a change."""
    assert old in SPEC
    changed = Path("changed.yaml")
    changed.write_text(SPEC.replace(old, new), encoding="utf-8")
    return changed


def problems_of(spec: Path) -> list[tuple[str, str | None]]:
    """The messages of a spec's problems, and where they are."""
    with pytest.raises(SpecError) as raised:
        fb.plan(fb.load(spec, allow_code="kiosk.py"))
    return [(item.message, item.where) for item in raised.value.violations]


@pytest.mark.usefixtures("folder")
def test_a_models_file_runs_only_when_it_was_allowed() -> None:
    with pytest.raises(UsageError) as raised:
        fb.load("spec.yaml")
    assert raised.value.code == "usage.allow-code"
    assert fb.load("spec.yaml", allow_code="kiosk.py").tables["sales"].simulation is not None


@pytest.mark.usefixtures("folder")
def test_other_tables_refer_to_simulated_rows_and_use_their_values() -> None:
    made = fb.generate(fb.load("spec.yaml", allow_code="kiosk.py"), seed=4)
    alone = fb.simulate("kiosk.py", seed=4)
    sales = made.to_arrow("sales")
    assert sales.select(alone.to_arrow("sales").column_names).equals(alone.to_arrow("sales"))
    assert pc.all(pc.equal(sales["net"], 2.5)).as_py()
    record = made.manifest["spec"]["tables"]["sales"]["simulation"]
    assert (record["file"], record["held"]) == ("kiosk.py", "1 law held in each of 5 steps")
    reviews = made.to_arrow("reviews")
    assert reviews["sale"].to_pylist() == [n for n in sales["id"].to_pylist() for _ in "ab"]
    assert set(reviews["paid"].to_pylist()) == {3.0}


@pytest.mark.usefixtures("folder")
def test_n_sizes_populations_and_never_events() -> None:
    spec = fb.load("spec.yaml", allow_code="kiosk.py")
    made = fb.generate(spec, {"people": 10})
    assert made.to_arrow("people").num_rows == 10
    assert fb.plan(spec, {"people": 10})["sales"].rows == made.to_arrow("sales").num_rows
    with pytest.raises(UsageError, match="the rows of `sales` follow from the simulation"):
        fb.generate(spec, {"sales": 10})
    assert fb.generate(spec, {"people": 0}).to_arrow("reviews").num_rows == 0


@pytest.mark.slow
@pytest.mark.usefixtures("folder")
def test_a_preview_shows_the_first_rows_of_the_whole_run() -> None:
    spec = fb.load("spec.yaml", allow_code="kiosk.py")
    small, whole = fb.preview(spec, 3), fb.generate(spec)
    assert small.to_arrow("sales").equals(whole.to_arrow("sales").slice(0, 3))


def test_a_run_has_the_same_bytes_with_any_workers(folder: Path) -> None:
    spec = fb.load("spec.yaml", allow_code="kiosk.py")
    for name, workers in (("one", 1), ("three", 3)):
        fb.generate(spec, output=name, workers=workers, seed=2)
    for file in ("people", "sales", "reviews"):
        first, second = (folder / name / f"{file}.parquet" for name in ("one", "three"))
        assert first.read_bytes() == second.read_bytes()
    assert fb.generate(spec, output="one", seed=2).reused > 0


@pytest.mark.usefixtures("folder")
def test_what_one_table_says_of_the_run_holds_for_all() -> None:
    spec = fb.load(
        spec_with(
            "people: {kind: simulation, file: kiosk.py}",
            "people: {kind: simulation, file: kiosk.py, n: 30, days: 2, parameters: {price: 5}}",
        ),
        allow_code="kiosk.py",
    )
    sales = fb.generate(spec).to_arrow("sales")
    assert len(sales["at"].unique()) == 2
    assert {str(price) for price in sales["price"].to_pylist()} == {"5.00"}


@pytest.mark.usefixtures("folder")
def test_one_spec_runs_a_model_twice_by_name() -> None:
    dear = "kind: simulation, file: kiosk.py, table: sales, run: dear, parameters: {price: 15}"
    spec = spec_with("  sales:\n", f"  dear: {{{dear}}}\n  sales:\n")
    made = fb.generate(fb.load(spec, allow_code="kiosk.py"))
    assert 0 < made.to_arrow("dear").num_rows < made.to_arrow("sales").num_rows


BAD = [
    ("  sales:\n", "  sale:\n", "the model has no table `sale`", "tables.sale"),
    (
        "file: kiosk.py}",
        "file: kiosk.py, steps: 2, days: 2}",
        "give steps or days, not both",
        "tables.people",
    ),
    (
        "file: kiosk.py}",
        "file: kiosk.py, days: 0.3}",
        "0.3 days are not a whole number of steps",
        "tables.people",
    ),
    (
        "file: kiosk.py}",
        "file: kiosk.py, parameters: {prise: 2}}",
        "no parameter `prise`",
        "tables.people",
    ),
    (
        "file: kiosk.py\n",
        "file: kiosk.py\n    n: 4\n",
        "the rows of `sales` follow",
        "tables.sales.n",
    ),
    (
        "file: kiosk.py}\n  sales:\n    kind: simulation\n    file: kiosk.py\n",
        "file: kiosk.py, steps: 2}\n  sales:\n    kind: simulation\n    file: kiosk.py\n"
        "    steps: 3\n",
        "`steps` of `sales` is 3, and another table of the same run says 2",
        "tables.sales.steps",
    ),
    (
        "      net: {kind",
        "      who: {kind: simulation, column: persn}\n      net: {kind",
        "the model's table has no column `persn`",
        "tables.sales.columns.who",
    ),
    (
        "      stars: {kind",
        "      x: {kind: simulation}\n      stars: {kind",
        "the table names none",
        "tables.reviews.columns.x",
    ),
    (
        "      net: {kind",
        "      best: {kind: reference, to: reviews.sale}\n      net: {kind",
        "whose values may repeat",
        "tables.sales.columns.best.to",
    ),
]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(("old", "new", "message", "where"), BAD)
def test_a_spec_that_does_not_fit_its_model_is_refused_at_its_place(
    old: str, new: str, message: str, where: str
) -> None:
    found = problems_of(spec_with(old, new))
    assert any(message in text and place == where for text, place in found), found


@pytest.mark.usefixtures("folder")
def test_misspelled_keys_and_neighbouring_modules_are_explained() -> None:
    wrong = spec_with("file: kiosk.py}", "file: kiosk.py, stepps: 2}")
    with pytest.raises(SpecError, match="has no key `stepps`") as raised:
        fb.load(wrong, allow_code="kiosk.py")
    assert raised.value.violations[0].hint == "did you mean `steps`?"
    Path("other.py").write_text("x = 1\n", encoding="utf-8")
    Path("kiosk.py").write_text("import other\n" + MODEL, encoding="utf-8")
    with pytest.raises(SpecError, match="No module named 'other'") as raised:
        fb.plan(fb.load("spec.yaml", allow_code="kiosk.py"))
    assert "make it one file" in str(raised.value.violations[0].hint)


@pytest.mark.slow
@pytest.mark.usefixtures("folder")
def test_tables_that_wait_for_each_other_are_a_cycle() -> None:
    changed = SPEC.replace(
        "      net: {kind", "      best: {kind: reference, to: reviews}\n      net: {kind"
    ).replace("      sale: {kind", "      nr: {kind: key}\n      sale: {kind")
    Path("changed.yaml").write_text(changed, encoding="utf-8")
    assert any(
        "sales" in text and "reviews" in text for text, _ in problems_of(Path("changed.yaml"))
    )


@pytest.mark.usefixtures("folder")
def test_files_outside_the_specs_folder_and_broken_models_are_refused() -> None:
    for file, message in (
        ("../kiosk.py", "in the spec's folder or below"),
        ("kisk.py", "there is no"),
    ):
        with pytest.raises(SpecError, match=message):
            fb.load(spec_with("file: kiosk.py}", f"file: {file}}}"), allow_code="kiosk.py")
    Path("kiosk.py").write_text(MODEL.replace("0.3", "1 / 0"), encoding="utf-8")
    with pytest.raises(SpecError, match="division by zero") as raised:
        fb.plan(fb.load("spec.yaml", allow_code="kiosk.py"))
    assert raised.value.violations[0].line is not None


def test_in_python_a_table_takes_the_world_itself() -> None:
    world = World("w", steps=3)
    people = world.population("people", n=5, purse=conserved(money(9)), seen=state(0))
    world.event("visits", person=people, at=when)
    spec: dict[str, Any] = {"tables": {"people": {"kind": "simulation", "file": world}}}
    assert fb.generate(spec).to_arrow("people").column_names[-2:] == ["purse_end", "seen_end"]
    assert "object at" not in str(fb.generate(spec).manifest["spec"])
    with pytest.raises(SpecError, match="takes the `World` itself"):
        fb.generate({"tables": {"people": {"kind": "simulation", "file": "kiosk.py"}}})


@pytest.mark.usefixtures("folder")
def test_validating_a_spec_runs_no_step() -> None:
    Path("kiosk.py").write_text(MODEL.replace("0.3", "1 / 0"), encoding="utf-8")
    assert fb.validate(fb.load("spec.yaml", allow_code="kiosk.py")).passed


@pytest.mark.usefixtures("folder")
def test_a_model_filled_population_is_left_to_simulate() -> None:
    filled = MODEL.replace("n=60,", "n=60, motto=fb.col.llm(),")
    Path("kiosk.py").write_text(filled, encoding="utf-8")
    assert any(
        "a language model fills `people.motto`" in text
        for text, _ in problems_of(Path("spec.yaml"))
    )


@pytest.mark.slow
@pytest.mark.usefixtures("folder")
def test_planning_previewing_and_generating_run_an_unchanged_file_once() -> None:
    """Each run of the file leaves a line; a changed file, size or seed runs again."""
    Path("kiosk.py").write_text(COUNTED, encoding="utf-8")

    def runs() -> int:
        return len(Path("runs").read_text(encoding="utf-8").splitlines())

    spec = fb.load("spec.yaml", allow_code="kiosk.py")
    planned = fb.plan(spec)
    assert "kiosk.py ran for its rows" in planned.report()
    shown = fb.preview(spec)
    made = fb.generate(fb.load("spec.yaml", allow_code="kiosk.py"))
    assert runs() == 1
    assert shown.to_arrow("sales").to_pylist() == made.to_arrow("sales").to_pylist()[:10]
    fb.plan(spec, seed=2)
    fb.plan(spec, {"people": 30}, seed=2)
    assert runs() == 3
    Path("kiosk.py").write_text(COUNTED + "# changed\n", encoding="utf-8")
    fb.plan(fb.load("spec.yaml", allow_code="kiosk.py"), {"people": 30}, seed=2)
    assert runs() == 4
