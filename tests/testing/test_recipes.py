"""The recipes of the guide run with the real packages."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.schemas.django_project import DJANGO, SETTINGS

GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "testing.md"


@pytest.mark.slow
def test_the_test_case_of_the_guide_passes_in_a_project_of_django(tmp_path: Path) -> None:
    found = re.search(r"```py\n# library/tests\.py\n(.*?)```", GUIDE.read_text("utf-8"), re.S)
    assert found is not None
    for name, text in {
        "library/__init__.py": "",
        "library/models.py": DJANGO,
        "library/tests.py": found[1],
        "project/__init__.py": "",
        "project/settings.py": SETTINGS,
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    programs = Path(sys.executable).parent
    environment = {**os.environ, "FABULA_HOME": str(tmp_path / "home"), "PYTHONPATH": str(tmp_path)}
    for command in (
        [programs / "fabula", "init", "--from", "django:project.settings", "-o", "shop.yaml"],
        [programs / "django-admin", "test", "library", "--settings", "project.settings"],
    ):
        done = subprocess.run(
            [str(word) for word in command],
            cwd=tmp_path, capture_output=True, text=True, timeout=120, env=environment, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    assert "Ran 1 test" in done.stderr
