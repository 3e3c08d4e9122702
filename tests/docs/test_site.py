"""The documentation as a site, and its gallery of examples."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import ROOT
from tools.write_gallery import EXAMPLES, MODELS, PAGE, PICTURES, SECTIONS, page


def test_the_gallery_shows_every_example() -> None:
    """Refresh with `python -m tools.write_gallery`."""
    shown = {name for names in SECTIONS.values() for name in names}
    files = [*EXAMPLES.iterdir(), *MODELS.glob("*.py")]
    assert shown == {each.name for each in files if each.suffix in (".py", ".yaml")}
    assert {each.stem for each in PICTURES.glob("*.svg")} == {Path(name).stem for name in shown}
    assert PAGE.read_text(encoding="utf-8") == page()


@pytest.mark.slow
def test_the_site_is_whole_and_asks_for_nothing_from_outside(tmp_path: Path) -> None:
    """No link of the pages is broken, each page has a place in the menu, and search works."""
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "-d", str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    pages = {
        each.relative_to(ROOT / "docs").with_suffix("") for each in (ROOT / "docs").rglob("*.md")
    }
    menu = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert [str(each) for each in pages if f"{each}.md" not in menu] == []
    assert (tmp_path / "search" / "search_index.js").is_file()
    for html in tmp_path.rglob("*.html"):
        text = html.read_text(encoding="utf-8")
        loaded = re.findall(
            r'<(?:script|img|link rel="stylesheet")[^>]*?(?:src|href)="([^"]+)"', text
        )
        assert [each for each in loaded if each.startswith(("http", "//"))] == []


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("chromium"), reason="Chromium is not installed")
def test_search_works_from_the_disk(tmp_path: Path) -> None:
    """Where browsers start no worker; guides come before the reference, which has every word."""
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=20000"]
    address = f"{(tmp_path / 'index.html').as_uri()}?q=foreign%20key"
    shown = subprocess.run(
        ["chromium", *options, f"--user-data-dir={tmp_path / 'chromium'}", "--dump-dom", address],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    ).stdout
    assert re.search(r"\d+ matching documents", shown)
    found = re.findall(r'href="([^"]*)" class="md-search-result__link', shown)
    assert found
    assert "reference/" not in found[0]
