"""Ways to install Fabula, and the action that runs it in a pipeline."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pytest

import fabula as fb
from fabula.spec.reading import read_data

ROOT = Path(__file__).parents[1]
UV = shutil.which("uv") or str(ROOT / ".cache" / "uv" / "bin" / "uv")
PLATFORMS = (
    "x86_64-unknown-linux-gnu",
    "aarch64-unknown-linux-gnu",
    "aarch64-apple-darwin",
    "x86_64-pc-windows-msvc",
)

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_the_conda_recipe_needs_what_the_project_needs() -> None:
    recipe = (ROOT / "packaging" / "conda" / "recipe.yaml").read_text(encoding="utf-8")
    needed = re.findall(r"^    - ([\w.-]+ >=\S+)$", recipe, re.MULTILINE)
    wanted = [each.replace(">=", " >=") for each in PROJECT["dependencies"]]
    names = {"duckdb": "python-duckdb"}  # as conda-forge calls it
    wanted = [f"{names.get(name, name)} {least}" for name, least in map(str.split, wanted)]
    assert needed == ["python " + PROJECT["requires-python"], *wanted]
    assert f'version: "{fb.__version__}"' in recipe


def test_the_image_has_extras_that_exist() -> None:
    found = re.search(r"^ARG EXTRAS=(\S+)$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert found
    assert {*found[1].split(",")} <= {*PROJECT["optional-dependencies"]}


@pytest.mark.parametrize(("gates", "code"), [("quality.shapes>=.5\n", 0), ("quality.shapes>=2", 1)])
def test_the_action_fails_its_job_where_a_gate_is_missed(
    gates: str, code: int, tmp_path: Path
) -> None:
    """Its shell commands, run as its runner does."""
    steps = read_data((ROOT / "action.yml").read_text(encoding="utf-8"))["runs"]["steps"]
    script = next(step["run"] for step in steps if "fabula evaluate" in step.get("run", ""))
    for name in ("made", "real"):
        pa.csv.write_csv(pa.table({"x": [n % 7 for n in range(200)]}), tmp_path / f"{name}.csv")
    given = {"SYNTHETIC": "made.csv", "REAL": "real.csv", "GATES": gates, "HOLDOUT": ""}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        cwd=tmp_path,
        env={**os.environ, **given, "REPORT": "report.html", "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
    assert (tmp_path / "report.html").is_file()


@pytest.mark.slow
@pytest.mark.skipif(not Path(UV).is_file(), reason="uv, which `make setup` brings, is not here")
@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13", "3.14"])
def test_all_extras_resolve_to_wheels(platform: str, python: str, tmp_path: Path) -> None:
    options = ["--extra", "all", "--only-binary", ":all:", "--quiet", "--output-file"]
    command = [UV, "pip", "compile", "pyproject.toml", *options, str(tmp_path / "all.txt")]
    done = subprocess.run(
        [*command, "--python-version", python, "--python-platform", platform],
        cwd=ROOT,
        env={**os.environ, "UV_SYSTEM_CERTS": "1", "UV_PYTHON_DOWNLOADS": "never"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
