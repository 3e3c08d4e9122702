"""Takes the screenshot of the README: the report of an evaluation.

`python -m tools.write_screenshot` needs Chromium and `pip install 'fabula[learned,pandas]'`.
"""

from __future__ import annotations

import runpy
import subprocess
import tempfile
from contextlib import chdir
from pathlib import Path

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "docs" / "images" / "report.png"


def main() -> None:
    """Write `docs/images/report.png`."""
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        runpy.run_path(str(ROOT / "examples" / "learned.py"), run_name="__main__")
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
        profile, picture = f"--user-data-dir={folder}/profile", f"--screenshot={PICTURE}"
        page = Path("wines.html").resolve().as_uri()
        command = ["chromium", *options, "--window-size=1200,900", profile, picture, page]
        subprocess.run(command, check=True, capture_output=True, timeout=120)


if __name__ == "__main__":
    main()
