"""Every extra installs from wheels on each platform and Python that Fabula names."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
UV = shutil.which("uv") or str(ROOT / ".cache" / "uv" / "bin" / "uv")
PLATFORMS = (
    "x86_64-unknown-linux-gnu",
    "aarch64-unknown-linux-gnu",
    "aarch64-apple-darwin",
    "x86_64-pc-windows-msvc",
)


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
