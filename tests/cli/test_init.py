"""`fabula init`: templates and the schema alongside them."""

from __future__ import annotations

import json
from importlib.resources import files

import pytest

TEMPLATES = sorted(
    file.name.removesuffix(".yaml")
    for file in files("fabula").joinpath("templates").iterdir()
    if file.name.endswith(".yaml")
)


def test_templates_are_listed_with_what_they_are_about(run):
    """The ready-made specs for health, climate, fraud, billing, housing, shop and TVs."""
    listed = run("init")
    assert listed.code == 0
    assert [line.split()[0] for line in listed.out.splitlines()] == TEMPLATES
    wanted = {"patients", "climate", "fraud", "billing", "housing", "shop", "tvs"}
    assert wanted <= set(TEMPLATES)


@pytest.mark.parametrize("template", TEMPLATES)
def test_every_template_can_be_written_planned_and_previewed(run, tmp_path, template):
    """All shipped examples run as written, also with --dry-run."""
    path = tmp_path / "spec.yaml"
    ended = run("init", "--template", template, "-o", "spec.yaml")
    assert ended.code == 0, ended.err
    assert ended.err.startswith("Wrote `spec.yaml` — ")
    assert path.read_text().startswith("# yaml-language-server: $schema=./fabula.schema.json\n")
    assert "tables" in json.loads((tmp_path / "fabula.schema.json").read_text())["properties"]
    assert run("generate", "spec.yaml", "--dry-run").code == 0
    shown = run("preview", "spec.yaml", "-n", "5", "--model", "fake")
    assert shown.code == 0, shown.err


def test_the_first_minute_needs_no_model_and_no_key(run):
    """The first journey: init, preview, generate, show."""
    written = run("init", "--template", "shop", "--overwrite")
    assert "no model or key needed\nhint: see some rows with `fabula preview shop.yaml`" in (
        written.err
    )
    assert run("preview", "shop.yaml", "-n", "2").code == 0
    made = run("generate", "shop.yaml", "-n", "customers=100", "-o", "out/")
    assert made.code == 0, made.err
    assert "rejected 0" in made.err
    assert "customers · 100 rows" in run("show", "out/").out


def test_a_file_is_not_replaced_unasked(run, shop):
    """An existing spec is refused with exit 2; --overwrite replaces it."""
    before = shop.read_text()
    ended = run("init", "--template", "shop")
    assert ended.code == 2
    assert "error[sink.exists]" in ended.err
    assert shop.read_text() == before
    assert run("init", "--template", "shop", "--overwrite").code == 0
    assert shop.read_text() != before


def test_what_can_not_be_started_from_is_said(run):
    """An unknown template, and ways that are not there yet."""
    assert "did you mean `shop`?" in run("init", "--template", "shpo").err
    assert "error[source.missing]" in run("init", "--from", "x.csv").err
    both = run("init", "--from", "x.csv", "--template", "shop")
    assert (both.code, "give one of" in both.err) == (2, True)
    assert run("init", "--prompt", "a shop").code == 2


def test_a_spec_can_be_guessed_from_data(run, tmp_path):
    """The guess is a file to edit, coherent as it is, with a reason behind each line."""
    (tmp_path / "trips.csv").write_text(
        "id,city,km\n"
        + "".join(f"{n},{'Wien' if n % 3 else 'Graz'},{n / 7:.2f}\n" for n in range(1, 90))
    )
    ended = run("init", "--from", "trips.csv")
    assert ended.code == 0, ended.err
    assert ended.err.startswith("trips: 3 columns (")
    assert "Wrote `trips.yaml`; nothing left this machine" in ended.err
    assert "  # " in (tmp_path / "trips.yaml").read_text(encoding="utf-8")
    assert run("preview", "trips.yaml", "-n", "3").code == 0
    assert run("init", "--from", "trips.csv").code == 2


def test_a_spec_can_be_written_from_a_sentence(run, tmp_path):
    """The columns that a sentence lists, as a file to edit."""
    ended = run("init", "--prompt", "10 rows of houses: id, size (m2), price", "-o", "houses.yaml")
    assert ended.code == 0, ended.err
    assert "Wrote `houses.yaml` — 1 table, text by a language model" in ended.err
    assert "size (m2)" in (tmp_path / "houses.yaml").read_text(encoding="utf-8")
    assert run("preview", "houses.yaml", "--model", "fake", "-n", "2").code == 0


def test_a_spec_is_printed_and_no_verb_writes_a_file_called_by_a_dash(run, tmp_path):
    """A spec goes through a pipe; files and runs do not."""
    (tmp_path / "d.csv").write_text("a,b\n" + "".join(f"{n},x{n}\n" for n in range(30)))
    made = run("init", "--from", "d.csv", "-o", "-")
    assert made.code == 0
    assert "tables:" in made.out
    assert "Printed the spec" in made.err
    assert "`-o NAME.yaml`" in made.err
    for verb in (("fit", "d.csv"), ("mask", "d.csv"), ("pairs", "a -> b", "--model", "fake")):
        ended = run(*verb, "-o", "-")
        assert ended.code == 2, verb
        assert "writes files, not to stdout" in ended.err
    assert not (tmp_path / "-").exists()
