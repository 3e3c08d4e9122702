"""Notebooks in `examples/notebooks/`, run cell by cell in a real kernel, and what cells show."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest

NOTEBOOKS = sorted((Path(__file__).parents[2] / "examples" / "notebooks").glob("*.py"))
MARK = re.compile(r"^# %%( \[markdown\])?\n", re.MULTILINE)


def cells_of(script: str) -> list[Any]:
    """The cells of a script in the percent format."""
    _, *parts = MARK.split(script)
    return [
        nbformat.v4.new_markdown_cell(re.sub(r"^# ?", "", text, flags=re.MULTILINE))
        if kind
        else nbformat.v4.new_code_cell(text.strip())
        for kind, text in zip(parts[::2], parts[1::2], strict=True)
    ]


def run(cells: list[Any], folder: Path, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Execute cells in a new kernel that starts in a folder; gives the cells with their outputs."""
    monkeypatch.setenv("FABULA_HOME", str(folder / "home"))
    place = folder / "notebook.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), place)
    execute = Path(sys.executable).with_name("jupyter-execute")
    options = ["--inplace", "--allow-errors", "--timeout=300", "--KernelManager.transport=ipc"]
    subprocess.run([execute, *options, place.name], cwd=folder, check=True, capture_output=True)
    return list(nbformat.read(place, as_version=4).cells)


def outputs(cell: Any, kind: str) -> list[Any]:
    return [each for each in cell.get("outputs", ()) if each.output_type == kind]


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_cell_of_a_notebook_runs_and_shows_itself(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = run(cells_of(path.read_text(encoding="utf-8")), tmp_path, monkeypatch)
    failed = ["\n".join(error.traceback) for cell in cells for error in outputs(cell, "error")]
    assert not failed, failed[0]
    shown = [out for cell in cells for out in outputs(cell, "execute_result")]
    assert any("text/html" in out.data for out in shown)


PROBES = [
    "import fabula as fb, numpy as np\nfrom fabula.render import cells\ncells.PATIENCE = 0.0",
    "fb.generate('x normal mean:3 sd:1', n=200_000)",
    "fb.generate('x normal mean:3', n=200_000, progress=False)",
    "1 + 1\nfb.generate('name person.nam', n=3)",
    "made = np.random.default_rng(1).normal(size=(2, 400))\n"
    "real = dict(zip('ab', made))\nfb.infer(real)",
    "model = fb.fit(real, model='copula')",
    "made = model.sample(300)",
    "report = fb.evaluate(made, real=real)",
]


@pytest.mark.slow
def test_cells_show_progress_reasons_and_short_errors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also without `ipywidgets`, where DuckDB refuses every setting of its own bar."""
    cells = run([nbformat.v4.new_code_cell(text) for text in PROBES], tmp_path, monkeypatch)
    _, generated, silent, wrong, inferred, fitted, sampled, evaluated = cells
    told = [outputs(cell, "display_data") for cell in (generated, fitted, sampled, evaluated)]
    names = ["rows", "fit", "sample", "evaluate"]
    for name, found in zip(names, told, strict=True):
        assert f'aria-label="{name}"' in found[0].data["text/html"]
    assert re.search(r"200,000/200,000  \S+ s", told[0][0].data["text/plain"])
    assert not outputs(silent, "display_data")
    (error,) = outputs(wrong, "error")
    assert error.traceback[0] == "line 2: fb.generate('name person.nam', n=3)"
    assert "did you mean `name`" in error.traceback[-1]
    assert len(error.traceback) < 10
    (shown,) = outputs(inferred, "execute_result")
    assert "<th>why</th>" in shown.data["text/html"].replace(' class="say"', "")
