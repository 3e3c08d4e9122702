"""Chromium without a window, asked over its own protocol."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

_WAIT = 300  # seconds, for a machine under load


class Browser:
    """One tab, and what it complained about."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket, self._asked = socket, 0
        self.complaints: list[str] = []

    async def ask(self, method: str, **values: Any) -> dict[str, Any]:
        """Send one command and wait for its answer."""
        self._asked += 1
        await self._socket.send_json({"id": self._asked, "method": method, "params": values})
        while True:
            answer = json.loads((await self._socket.receive(timeout=_WAIT)).data)
            if answer.get("method") == "Log.entryAdded":
                self.complaints.append(answer["params"]["entry"]["text"])
            if answer.get("id") == self._asked:
                if "navigated" in answer.get("error", {}).get("message", ""):
                    return await self.ask(method, **values)  # asked while a page went away
                assert "error" not in answer, answer
                return dict(answer["result"])

    async def value(self, script: str) -> Any:
        """What an expression is worth on the page."""
        answer = await self.ask("Runtime.evaluate", expression=script, returnByValue=True)
        return answer["result"].get("value")

    async def show(self, page: Path, width: int, *, dark: bool = False) -> None:
        """Open a page at a width, in light or dark, and wait until it is there."""
        await self.ask("Emulation.setDeviceMetricsOverride", width=width, height=900,
                       deviceScaleFactor=1, mobile=width < 600)  # fmt: skip
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await self.ask("Emulation.setEmulatedMedia", features=[scheme])
        await self.ask("Page.navigate", url=page.as_uri())
        address = json.dumps(page.as_uri())
        ready = f"document.readyState === 'complete' && location.href === {address}"
        await self.until(ready)

    async def until(self, script: str) -> None:
        """Wait until an expression is true on the page."""
        end = time.monotonic() + _WAIT
        while not await self.value(script):
            said = "document.body.innerText"
            assert time.monotonic() < end, f"{script} never held: {await self.value(said)}"
            await asyncio.sleep(0.02)


@asynccontextmanager
async def browser(program: str, home: Path) -> AsyncIterator[Browser]:
    """Start Chromium with an empty profile, and stop it."""
    home.mkdir(parents=True, exist_ok=True)
    log = home / "chromium.log"  # a pipe that nobody reads would stop it when full
    flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0"]
    with log.open("wb") as told:
        process = subprocess.Popen(
            [program, *flags, f"--user-data-dir={home}", "about:blank"],
            stdout=subprocess.DEVNULL, stderr=told,
        )  # fmt: skip
    try:
        place = await _listening(process, log)
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://{place}/json") as reply:
                tab = next(each for each in await reply.json() if each["type"] == "page")
            async with session.ws_connect(tab["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                opened = Browser(socket)
                for domain in ("Page", "Log", "Runtime"):
                    await opened.ask(f"{domain}.enable")
                yield opened
    finally:
        process.kill()
        process.wait()


async def _listening(process: subprocess.Popen[bytes], log: Path) -> str:
    """Host and port that Chromium answers at, once it has said so."""
    end = time.monotonic() + _WAIT
    while not (found := re.search(r"DevTools listening on ws://([^/]+)/", log.read_text())):
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < end, log.read_text()
        await asyncio.sleep(0.02)
    return found[1]
