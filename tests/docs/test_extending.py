"""The package of `docs/extending.md` is built, installed and used as the page says."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pytest

from tests.docs.pages import EXTENDING, commands_of, files_of

pytestmark = pytest.mark.slow

FABULA = [sys.executable, "-c", "import sys; from fabula.cli.main import main; sys.exit(main())"]
BUILD = "import sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))"


def run(command: list[str], folder: Path, site: Path) -> str:
    """Run a command with the installed package on the path; gives what it prints."""
    paths = os.pathsep.join([str(site), *sys.path])
    ended = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": paths, "FABULA_HOME": str(folder / "home")},
        check=False,
        text=True,
        capture_output=True,
    )
    assert ended.returncode == 0, f"{command}\n{ended.stdout}{ended.stderr}"
    return ended.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The page's files, and the folder that its built package is unpacked in, as pip does."""
    folder, site = tmp_path_factory.mktemp("page"), tmp_path_factory.mktemp("site")
    for name, text in files_of(EXTENDING).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    wheels = folder / "wheels"
    wheels.mkdir()
    run([sys.executable, "-c", BUILD, str(wheels)], folder / "fabula-birds", site)
    with zipfile.ZipFile(next(wheels.glob("*.whl"))) as wheel:
        wheel.extractall(site)
    return folder, site


def test_the_plug_ins_keep_the_contracts(installed: tuple[Path, Path]) -> None:
    folder, site = installed
    test = folder / "fabula-birds" / "tests" / "test_birds.py"
    program = f"import pathlib, runpy; run = runpy.run_path({str(test)!r})['test_contracts']"
    program += "; run(pathlib.Path())"
    run([sys.executable, "-c", program], folder, site)


def test_the_commands_of_the_page_print_what_it_shows(installed: tuple[Path, Path]) -> None:
    folder, site = installed
    for command, shown in commands_of(EXTENDING):
        printed = run([*FABULA, *command[1:]], folder, site)
        assert not shown or printed == shown, f"{command} prints\n{printed}"
    assert (folder / "birds.csv").read_text(encoding="utf-8").splitlines()[1:] == ['"wren"']
    rings = [
        set(pa.csv.read_csv(folder / name)["ring"].to_pylist())
        for name in ("rings.csv", "new-rings.csv")
    ]
    assert all(rings)
    assert not rings[0] & rings[1]


def test_a_broken_plug_in_is_said_and_breaks_nothing(installed: tuple[Path, Path]) -> None:
    folder, site = installed
    broken = folder / "broken"
    (broken / "broken-0.1.dist-info").mkdir(parents=True)
    info = broken / "broken-0.1.dist-info"
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 0.1\n")
    (info / "entry_points.txt").write_text("[fabula]\nbroken = no_such_module\n")
    both = Path(f"{site}{os.pathsep}{broken}")
    printed = run([*FABULA, "plugins"], folder, both)
    assert "!! broken (broken 0.1) could not be loaded: ModuleNotFoundError" in printed
    assert "  synthesizer  independent" in printed
    run([*FABULA, "plan", "age int 18..90", "-n", "5"], folder, both)
    program = (
        "import fabula as fb\n"
        "try: fb.fit({'a': [1] * 50}, model='sparrow')\n"
        "except fb.FabulaError as error: print(error.message)\n"
    )
    told = run([sys.executable, "-c", program], folder, both)
    assert "not loaded: the plug-in `broken`; `fabula plugins` says why" in told


HOMES = {
    "kind": "fabula.kinds",
    "check": "fabula.kinds.checks",
    "metric": "fabula.evaluation.metrics",
    "synthesizer": "fabula.synthesizers.entries",
    "provider": "fabula.llm.providers.entries",
    "file_format": "fabula.io.entries",
    "training_format": "fabula.training.entries",
}
"""The modules of the page's package, and the folders where built-in entries of their sort stand."""

AS_BUILT_IN = """
import importlib, sys
for home, folder in zip(sys.argv[1::2], sys.argv[2::2]):
    importlib.import_module(home).__path__.append(folder)
from fabula.extending import registers
for register in registers():
    own = {"logistic", "multiple", "quality.medians", "independent", "birds", "orc", "birdsong"}
    for name in sorted(own & set(register.builtin())):
        print(register.sort, name)
import fabula as fb
made = fb.generate("h logistic 5 2, k logistic", n=50, output="h.orc")
assert fb.infer("h.orc").spec.tables["h"].columns.keys() == {"h", "k"}
"""


def test_the_same_file_in_a_registers_folder_is_a_built_in_entry(
    installed: tuple[Path, Path], tmp_path: Path
) -> None:
    """A built-in entry is one more file: no other file of Fabula changes."""
    folder, _ = installed
    words = []
    package = folder / "fabula-birds" / "fabula_birds"
    texts = {home: (package / f"{stem}.py").read_text() for stem, home in HOMES.items()}
    kind, _, engine = texts["fabula.kinds"].partition("@family_of")  # built in, they are two files
    texts["fabula.kinds"] = kind.replace("AbstractFamily, column_kind, family_of", "column_kind")
    start = "import numpy as np\nfrom fabula.extending import AbstractFamily, family_of\n"
    texts["fabula.engines.kinds"] = f"{start}@family_of{engine}"
    for home, text in texts.items():
        (tmp_path / home).mkdir()
        (tmp_path / home / "logistic.py").write_text(text)
        words += [home, str(tmp_path / home)]
    printed = run([sys.executable, "-c", AS_BUILT_IN, *words], tmp_path, tmp_path)
    assert printed.splitlines() == [
        "column kind logistic",
        "check kind multiple",
        "metric quality.medians",
        "synthesizer independent",
        "provider birds",
        "file format orc",
        "training format birdsong",
    ]
