"""Chromium without a window, asked over its own protocol."""

from __future__ import annotations

import json
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp


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
            answer = json.loads((await self._socket.receive()).data)
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
        while not await self.value(ready):
            pass


@asynccontextmanager
async def browser(program: str, home: Path) -> AsyncIterator[Browser]:
    """Start Chromium with an empty profile, and stop it."""
    flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0"]
    process = subprocess.Popen(
        [program, *flags, f"--user-data-dir={home}", "about:blank"],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stderr is not None
        line = next(line for line in process.stderr if "DevTools listening on" in line)
        place = line.rsplit("ws://", 1)[1].partition("/")[0]
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
        process.communicate()
