"""The local page in a real browser: with the keyboard, on a phone, in the dark."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import fabula as fb
from fabula.testing import ChatServer
from fabula.web.server import View
from tests.render.browser import Browser, browser

CHROMIUM = shutil.which("chromium") or ""
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CHROMIUM, reason="Chromium is not installed"),
]
SHOP = Path(__file__).parents[2] / "src/fabula/templates/shop.yaml"
CONTRAST = """
(() => {
  const luminance = colour => {
    const parts = colour.match(/[\\d.]+/g).slice(0, 3).map(v => v / 255)
      .map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    return .2126 * parts[0] + .7152 * parts[1] + .0722 * parts[2]
  }
  const paper = element => {
    for (let at = element; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor
      if (!/, 0\\)$|transparent/.test(colour)) return colour
    }
    return getComputedStyle(document.body).backgroundColor
  }
  const worst = [...document.querySelectorAll('main *')]
    .filter(e => [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()))
    .map(e => {
      const [a, b] = [luminance(getComputedStyle(e).color), luminance(paper(e))].sort()
      return [(b + .05) / (a + .05), e.tagName + ' ' + e.textContent.trim().slice(0, 20)]
    }).filter(pair => pair[0] < 4.5)
  return JSON.stringify(worst)
})()
"""


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[View]:
    """The page over a run of the shop."""
    folder = tmp_path_factory.mktemp("view") / "run"
    fb.generate(SHOP, {"customers": 300}, output=folder)
    with fb.view(folder, open_browser=False) as page:
        yield page


async def go(tab: Browser, url: str, width: int = 1280, *, dark: bool = False) -> None:
    """Open an address and wait until it is there."""
    await tab.ask("Emulation.setDeviceMetricsOverride", width=width, height=900,
                  deviceScaleFactor=1, mobile=width < 600)  # fmt: skip
    scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
    await tab.ask("Emulation.setEmulatedMedia", features=[scheme])
    await tab.value("document.body.dataset.left = 1")
    await tab.ask("Page.navigate", url=url)
    await there(tab)


async def there(tab: Browser) -> None:
    """Wait for the page that a click leads to."""
    await tab.until("document.readyState === 'complete' && !document.body.dataset.left")


async def click(tab: Browser, selector: str) -> None:
    """Follow a link or press a button, and wait for the next page."""
    await tab.value("document.body.dataset.left = 1")
    await tab.value(f"document.querySelector({json.dumps(selector)}).click()")
    await there(tab)


async def test_a_user_filters_opens_a_row_and_follows_its_key(shown: View, tmp_path: Path) -> None:
    """Every step is a link or a form; the browser has nothing to complain of."""
    async with browser(CHROMIUM, tmp_path) as tab:
        await go(tab, shown.url)
        assert "token" not in await tab.value("location.href")
        await click(tab, "nav[aria-label=Tables] a:last-child")
        assert (await tab.value("document.title")).startswith("orders")
        await tab.value("document.querySelector('[name=column]').value = 'quantity'")
        await tab.value("document.querySelector('[name=operator]').value = 'at least'")
        await tab.value("document.querySelector('[name=value]').value = '3'")
        await click(tab, "form:not([role]) button")
        status = await tab.value("document.querySelector('[role=status]').textContent")
        cells = "[...document.querySelectorAll('tbody tr')].map(r => +r.cells[6].textContent)"
        assert min(await tab.value(cells)) >= 3
        await click(tab, "tbody tr:nth-child(2) a")
        await tab.value("document.querySelectorAll('details').forEach(d => d.open = true)")
        assert "random stream" in await tab.value("document.body.innerText")
        await click(tab, "dd small a")
        assert "1 row ·" in await tab.value("document.body.innerText")
        await click(tab, ".chips a")
        assert await tab.value("document.querySelector('[role=status]').textContent") != status
        assert tab.complaints == []


async def test_a_user_mends_a_spec_previews_it_and_watches_its_run(tmp_path: Path) -> None:
    """Problems appear while one types, beside their line; the run opens when it is done."""
    file = tmp_path / "work" / "shop.yaml"
    file.parent.mkdir()
    file.write_text(SHOP.read_text())
    with fb.view(file, open_browser=False) as page:
        async with browser(CHROMIUM, tmp_path / "profile") as tab:
            await go(tab, page.url)
            settled = "document.getElementById('editor').dataset.settled"
            await tab.until(settled)
            assert await tab.value("document.getElementById('verdict').className") == "chip pass"
            whole = await tab.value("document.getElementById('text').value")
            typed = "text => {const t = document.getElementById('text'); t.value = text;" \
                    "t.dispatchEvent(new Event('input'))}"  # fmt: skip
            wrong = json.dumps(whole.replace("kind: key", "kind: kee", 1))
            await tab.value(f"({typed})({wrong})")
            await tab.until(settled)
            assert await tab.value("document.getElementById('verdict').innerText") == "1 problem"
            line = 1 + whole[: whole.index("kind: key")].count("\n")
            assert await tab.value("document.querySelector('#gutter .bad').innerText") == str(line)
            told = f"document.querySelectorAll('#notes span')[{line - 1}].innerText"
            assert "kee" in await tab.value(told)
            await tab.value("document.querySelector('#problems button').click()")
            chosen = (
                "(t => t.value.slice(t.selectionStart, t.selectionEnd))(document.activeElement)"
            )
            assert "kee" in await tab.value(chosen)
            await tab.value(f"({typed})({json.dumps(whole + '# repaired')})")
            await tab.until(f"{settled} && !!document.querySelector('#verdict.pass')")
            await tab.value("document.getElementById('see').click()")
            await tab.until("document.querySelectorAll('#preview table').length")
            assert await tab.value("document.querySelectorAll('#preview tbody tr').length") > 20
            await tab.value("document.getElementById('n').value = 60000")
            await tab.value("document.getElementById('of').value = 'products'")
            await tab.value("document.getElementById('run').click()")
            await tab.until("location.pathname.startsWith('/job/')")
            await tab.until("!!document.querySelector('nav[aria-label=Tables]')")
            assert "60,000" in await tab.value("document.body.innerText")
            assert file.read_text().endswith("# repaired")
            assert tab.complaints == []


async def test_keys_are_completed_with_the_keyboard_alone(tmp_path: Path) -> None:
    """Typing lists what fits and changes nothing; arrows mark, Enter and Tab take."""
    file = tmp_path / "work" / "towns.yaml"
    file.parent.mkdir()
    text = "fabula: 1\ntables:\n  towns:\n    n: 5\n    columns:\n      size: {}\n"
    file.write_text(text)
    with fb.view(file, open_browser=False) as page:
        async with browser(CHROMIUM, tmp_path / "profile") as tab:
            for width in (1280, 390):
                file.write_text(text)
                await go(tab, page.url, width)
                await tab.value("""(t => {t.focus(); const at = t.value.indexOf("{") + 1
                    t.setSelectionRange(at, at)})(document.getElementById("text"))""")
                for letter in "ki":
                    await press(tab, letter)
                shown = "[...document.querySelectorAll('#choices:not([hidden]) b')]"
                await tab.until(f"{shown}.map(b => b.textContent).join() === 'kind'")
                box = "document.getElementById('choices').getBoundingClientRect()"
                assert await tab.value(f"{box}.right") <= width
                await press(tab, "Tab")
                await tab.until(f"{shown}.length > 20")
                for letter in "cho":
                    await press(tab, letter)
                await tab.until(f"{shown}.length === 1")
                await press(tab, "ArrowDown")
                active = "document.getElementById('text').getAttribute('aria-activedescendant')"
                assert await tab.value(active) == "choice-0"
                await press(tab, "Enter")
                await tab.value("document.getElementById('save').click()")
                await tab.until("document.getElementById('state').innerText === 'saved'")
                assert "size: {kind: choice}" in file.read_text()
                assert tab.complaints == []


async def test_a_user_reviews_rows_with_the_keyboard(tmp_path: Path) -> None:
    """A letter gives the verdict and leads on; what can't be taken is told and stays."""
    folder = tmp_path / "run"
    fb.generate(SHOP, {"customers": 30}, output=folder)
    with fb.view(folder, open_browser=False) as page:
        async with browser(CHROMIUM, tmp_path / "profile") as tab:
            await go(tab, page.url)
            base = await tab.value("location.href")
            await go(tab, base + "/review/customers")
            await tab.value("document.getElementById('reviewer').value = 'anna'")
            await tab.value("document.getElementById('n').value = 4")
            await tab.value("document.body.dataset.left = 1")
            await tab.value("document.querySelector('#begin button').click()")
            await there(tab)
            for key in ("a", "r"):
                await tab.value("document.body.dataset.left = 1")
                await press(tab, key)
                await there(tab)
            await press(tab, "f")
            await tab.until("document.getElementById('told').innerText.includes('says how')")
            await tab.value("document.querySelector('.fix[name=name]').value = 'Ada'")
            await tab.value("document.body.dataset.left = 1")
            await press(tab, "f")
            await there(tab)
            assert "1 left" in await tab.value("document.body.innerText")
            said = (
                "[...document.querySelectorAll('.strip a')].map(a => a.getAttribute('aria-label'))"
            )
            verdicts = [label.rpartition(": ")[2] for label in await tab.value(said)]
            assert verdicts[:3] == ["accept", "reject", "fix"]
            assert tab.complaints == []


_CODES = {"Enter": 13, "Tab": 9, "ArrowDown": 40, "Escape": 27}


async def press(tab: Browser, key: str) -> None:
    """Press a letter or Enter."""
    for kind in ("keyDown", "keyUp"):
        written = {"Enter": "\r"}.get(key, key if len(key) == 1 else "")
        await tab.ask("Input.dispatchKeyEvent", type=kind, key=key,
                      code=f"Key{key.upper()}" if len(key) == 1 else key,
                      windowsVirtualKeyCode=_CODES.get(key, ord(key.upper()[0])),
                      text=written if kind == "keyDown" else "")  # fmt: skip


async def test_a_user_follows_a_cell_to_its_prompt(tmp_path: Path) -> None:
    """The prompt and the reply of a text stand behind its cell, whatever they hold."""
    reply = "Dear <b>all</b>, <script>document.title = 'ran'</script> it rains."
    with ChatServer(lambda _: reply) as server:
        spec = f"""
fabula: 1
models: {{default: {{provider: openai-compatible, name: tiny, base_url: "{server.url}"}}}}
tables: {{notes: {{n: 3, columns: {{id: {{kind: key}},
  note: {{kind: text, prompt: "Write of the weather for <i>guest</i> {{{{ id }}}}."}}}}}}}}
"""
        fb.generate(spec, output=tmp_path / "run")
    with fb.view(tmp_path / "run", open_browser=False) as page:
        async with browser(CHROMIUM, tmp_path / "profile") as tab:
            await go(tab, page.url)
            await click(tab, "tbody tr:nth-child(2) a")
            summary = "document.querySelectorAll('summary')[1]"
            assert "prompt and reply" in await tab.value(f"{summary}.innerText")
            await tab.value(f"{summary}.focus()")
            await press(tab, "Enter")
            told = await tab.value("document.querySelector('.call').innerText")
            assert "Write of the weather for <i>guest</i> 2." in told
            assert reply in told
            assert "tiny" in told
            assert "ran" not in await tab.value("document.title")
            assert tab.complaints == []


async def test_pages_where_something_is_done_fit_and_are_readable(tmp_path: Path) -> None:
    """The editor with a problem, a run that failed and the list of runs, in every form."""
    file = tmp_path / "work" / "shop.yaml"
    file.parent.mkdir()
    file.write_text(SHOP.read_text().replace("kind: key", "kind: kee", 1))
    with fb.view(file, open_browser=False) as page:
        async with browser(CHROMIUM, tmp_path / "profile") as tab:
            await go(tab, page.url)
            spec = await tab.value("location.href")
            await tab.until("!!document.querySelector('#verdict.fail')")
            await tab.value("document.getElementById('run').click()")
            await tab.until("document.querySelector('#job')?.dataset.state === 'failed'")
            job = await tab.value("location.href")
            for address in (spec, job, spec.partition("/spec")[0] + "/runs"):
                for width, dark in ((390, False), (390, True), (1280, False), (1280, True)):
                    await go(tab, address, width, dark=dark)
                    if address == spec:
                        await tab.until("!!document.querySelector('#verdict.fail')")
                    wide = await tab.value("document.documentElement.scrollWidth")
                    assert wide <= width, address
                    assert json.loads(await tab.value(CONTRAST)) == [], (address, dark)
            assert tab.complaints == []


async def test_the_page_fits_phones_and_is_readable_in_light_and_dark(
    shown: View, tmp_path: Path
) -> None:
    """No page is wider than the window, and all text has a contrast of at least 4.5."""
    async with browser(CHROMIUM, tmp_path) as tab:
        await go(tab, shown.url)
        base = await tab.value("location.href")
        await go(tab, f"{base}/columns/orders", 390)  # a drawing would be cut off there
        shown = "getComputedStyle(document.querySelector('figure.{}')).display"
        assert await tab.value(shown.format("drawn")) == "none"
        assert "customer_id → customers" in await tab.value("document.body.innerText")
        for path in ("", "/row/orders/5", "/columns/orders", "/rejects", "/spec", "/nothing",
                     "/review/orders"):  # fmt: skip
            for width, dark in ((390, False), (390, True), (1280, False), (1280, True)):
                await go(tab, base + path, width, dark=dark)
                assert await tab.value("document.documentElement.scrollWidth") <= width, path
                assert json.loads(await tab.value(CONTRAST)) == [], (path, dark)


async def test_the_keyboard_reaches_everything(shown: View, tmp_path: Path) -> None:
    """Tab goes through tabs, tables, forms, headers and rows, and the focus can be seen."""
    async with browser(CHROMIUM, tmp_path) as tab:
        await go(tab, shown.url)
        reached = set()
        for _ in range(40):
            for kind in ("keyDown", "keyUp"):
                await tab.ask("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab",
                              windowsVirtualKeyCode=9)  # fmt: skip
            reached.add(await tab.value("document.activeElement.tagName"))
            style = "getComputedStyle(document.activeElement).outlineStyle"
            if await tab.value("document.activeElement.tagName") in ("A", "BUTTON", "SELECT"):
                assert await tab.value(style) != "none"
        assert {"A", "INPUT", "SELECT", "BUTTON"} <= reached
