"""What a base install can do, and what it says of what it lacks: no extra's package is there."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

BASE = """
import importlib.metadata as metadata, re, sys
from importlib.machinery import PathFinder
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name as plain

needed, names = ["fabula"], set()
while needed:
    name = plain(needed.pop())
    if name not in names:
        names.add(name)
        for each in map(Requirement, metadata.requires(name) or ()):
            if not each.marker or each.marker.evaluate({"extra": ""}):
                needed.append(each.name)
installed = metadata.packages_distributions()
lacking = {top for top, homes in installed.items() if not names & {plain(home) for home in homes}}

class Base(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name.partition(".")[0] not in lacking:
            return super().find_spec(name, path, target)

sys.meta_path = [Base if finder is PathFinder else finder for finder in sys.meta_path]
"""
"""Hides every installed package that a base install lacks."""

PEOPLE = "customer_id key, name person.name, email person.email, plan choice free|pro, n normal"
COMMANDS = {
    f"generate '{PEOPLE}' -n 200 -o real.csv": 0,
    f"generate '{PEOPLE}' -n 200 --seed 1 -o made.csv": 0,
    "show real.csv": 0,
    "evaluate made.csv --real real.csv -o report.html": 0,
    "generalise real.csv --quasi plan -o coarse.csv": 0,
    "init --from real.csv -o real.yaml": 0,
    "pairs 'a → b' -n 3 --model fake": 0,
    "mask real.csv -o masked.csv": "mask",
    "fit real.csv -o model.fabula": "learned",
    "blend real.csv -o blended.csv": "learned",
    "generate real.yaml -o shop.sqlite": 0,
    "generate real.yaml -o shop.sqlite --append": 0,
    "show shop.sqlite": 0,
    "generate real.yaml -o shop.duckdb": 0,
    "evaluate shop.duckdb --real shop.sqlite": 0,
    "generate real.yaml -o shop.sql": 0,
    "generate real.yaml -o shop.xlsx": "excel",
    "generate real.yaml -o postgresql://localhost/shop": "databases",
    "init --from schema.sql -o sql.yaml": "databases",
    "balance real.csv --model fake": "texts",
    "preview 'x llm' -n 1": "local",
    "init --template tickets": 0,
    "init --prompt '10 rows of houses: id, size (m2), title'": 0,
    "preview tickets.yaml --model fake -n 3": 0,
}
"""What is typed, and its exit code, or the extra that it needs."""


def run(code: str, folder: Path) -> str:
    environment = {**os.environ, "FABULA_HOME": str(folder / "home")}
    done = subprocess.run(
        [sys.executable, "-c", BASE + code],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_every_verb_works_or_names_the_extra_that_it_needs(tmp_path: Path) -> None:
    (tmp_path / "schema.sql").write_text("CREATE TABLE a (id INTEGER PRIMARY KEY);")
    code = f"""
import contextlib, io, shlex
from fabula.cli.main import main
for command in {list(COMMANDS)!r}:
    told = io.StringIO()
    with contextlib.redirect_stdout(told), contextlib.redirect_stderr(told):
        code = main(shlex.split(command))
    print(repr((command, code, told.getvalue())))
"""
    for line in run(code, tmp_path).splitlines():
        command, code, told = ast.literal_eval(line)
        wanted = COMMANDS[command]
        if wanted == 0:
            assert code == 0, (command, told)
            if command.startswith(("init --template", "init --prompt")):
                assert ".yaml --model fake`" in told
            if command.startswith("evaluate made.csv"):
                assert "not measured: pip install 'fabula[learned]'." in told
        else:
            assert code == 3, (command, told)
            assert f"pip install 'fabula[{wanted}]'" in told, (command, told)


@pytest.mark.slow
def test_python_callers_are_told_the_extra_too(tmp_path: Path) -> None:
    code = """
import fabula as fb
try:
    fb.fit({"x": list(range(50))})
except fb.FabulaError as error:
    print(error.code, error.hint)
"""
    assert run(code, tmp_path).split() == [
        "prerequisite.extra",
        "pip",
        "install",
        "'fabula[learned]'",
    ]
