"""Every verb of the command line takes every form of data that is on disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from fabula.cli.main import main
from tests.test_forms import ON_DISK, Make

VERBS = {
    "init": ["init", "--from", "DATA", "-o", "spec.yaml"],
    "validate": ["validate", "homes: age int 18..67", "--data", "DATA"],
    "fit": ["fit", "DATA", "-o", "homes.fabula"],
    "evaluate": ["evaluate", "DATA", "--sections", "diversity"],
    "evaluate real": ["evaluate", "REAL", "--real", "DATA", "--sections", "diversity"],
    "extend": ["extend", "DATA", "-n", "2", "--model", "fake", "-o", "longer.csv"],
    "export": ["export", "DATA", "--user", "age", "--assistant", "text", "-o", "set.jsonl"],
    "review export": ["review", "export", "DATA", "-o", "sheet.csv"],
    "describe": ["describe", "DATA", "--columns", "age", "--model", "fake", "-o", "made.csv"],
    "extract": [
        "extract",
        "DATA",
        "--schema",
        "colour str",
        "--column",
        "text",
        "--model",
        "fake",
        "-o",
        "x.csv",
    ],
    "show": ["show", "DATA"],
}


@pytest.mark.parametrize("form", ON_DISK)
@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_takes_every_file_and_folder(
    verb: str, form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data: Make = ON_DISK[form]
    monkeypatch.chdir(tmp_path)
    places = {"DATA": str(data(tmp_path)), "REAL": "real.csv"}
    if "REAL" in VERBS[verb]:
        Path("real.csv").write_text("id,age,text\n1,18,a house\n2,19,a home\n")
    assert main([places.get(word, word) for word in VERBS[verb]]) == 0
