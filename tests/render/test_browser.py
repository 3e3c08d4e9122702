"""Pages in a real browser: they fit phones and desktops, follow dark mode, and break no policy."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from fabula import api
from fabula.evaluation.evaluate import evaluate
from fabula.reports.profile import profile
from fabula.reports.run_page import run_page
from tests.evaluation.metrics.people import people
from tests.render.browser import browser

CHROMIUM = shutil.which("chromium") or ""
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM, reason="Chromium is not installed"),
]
SHOP = Path(__file__).parents[2] / "src/fabula/templates/shop.yaml"


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A report of each sort, and a notebook's cell, as files."""
    folder = tmp_path_factory.mktemp("pages")
    report = evaluate(people(300, seed=2), real=people(300, seed=1), target="hired", gates=True)
    run = api.generate(SHOP, output=folder / "run")
    texts = {
        "evaluate": report.to_html(),
        "run": run_page(run, profile(folder / "run")),
        "cell": f"<!doctype html><body>{report._repr_html_()}{run._repr_html_()}",
    }
    for name, text in texts.items():
        (folder / f"{name}.html").write_text(text, encoding="utf-8")
    return [folder / f"{name}.html" for name in texts]


async def test_pages_fit_phones_and_desktops(pages: list[Path], tmp_path: Path) -> None:
    """Nothing is wider than the window, folds open or closed; the browser has no complaint."""
    async with browser(CHROMIUM, tmp_path) as tab:
        for page in pages[:2]:
            for width in (390, 1100):
                await tab.show(page, width)
                for _ in ("closed", "open"):
                    wide = await tab.value("document.documentElement.scrollWidth")
                    assert wide <= width, (page.name, width)
                    await tab.value("document.querySelectorAll('details').forEach(d => d.open = 1)")
        assert tab.complaints == []


async def test_pages_follow_dark_mode_and_their_switch(pages: list[Path], tmp_path: Path) -> None:
    """Both the machine's setting and the switch decide; a notebook says by itself."""
    paper = "getComputedStyle(document.body).backgroundColor"
    async with browser(CHROMIUM, tmp_path) as tab:
        for page in pages[:2]:
            seen = []
            for dark in (False, True):
                await tab.show(page, 1100, dark=dark)
                seen.append(await tab.value(paper))
                await tab.value("document.querySelector('#scheme').click()")
                seen.append(await tab.value(paper))
            light, switched, dark_, back = seen
            assert light == back != switched == dark_
        ink = "getComputedStyle(document.querySelector('div.fabula')).color"
        await tab.show(pages[2], 1100)
        light = await tab.value(ink)
        await tab.value("document.body.dataset.jpThemeLight = 'false'")
        assert await tab.value(ink) != light
