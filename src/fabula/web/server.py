"""The server of the local page: 127.0.0.1 alone, a token, no outside request.

Only the page's own script may ask for something to be done, and only in the opened folder.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
import threading
import webbrowser
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from fabula.errors import FabulaError, PrerequisiteError, SpecError, UsageError
from fabula.render.pages import page, script
from fabula.types import Path as PathLike
from fabula.web import pages
from fabula.web.files import ShownFile
from fabula.web.places import Places, places_of

HOST = "127.0.0.1"
_NAMES = (HOST, "localhost")
_PATIENCE = 0.5
"""Seconds between two looks whether the program was interrupted."""
_SAFE = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_FOREIGN = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"
"""The policy of a page or a file that is shown as it is: it may do nothing, not even here."""
_MOST_BYTES = 4 << 20
"""Bytes of what a page may send."""
SCRIPT = "page.js"
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class View:
    """A page that is served until it is closed."""

    def __init__(self, places: Places, port: int = 0) -> None:
        self._places, self._token = places, secrets.token_urlsafe(24)
        self._wanted, self._failed = port, ""
        self._ready, self._stop, self._over = (threading.Event() for _ in range(3))
        self._thread = threading.Thread(target=self._run, name="fabula-view", daemon=True)
        self._thread.start()
        self._ready.wait()
        if self._failed:
            raise PrerequisiteError(
                f"port {port} can't be used: {self._failed}",
                code="view.port",
                hint="choose another one with `--port`, or leave it out",
            )

    @property
    def url(self) -> str:
        """The address to open; holds the token."""
        return f"http://{HOST}:{self.port}/?token={self._token}"

    def wait(self) -> None:
        """Serve until someone closes the page or interrupts the program."""
        while not self._over.wait(_PATIENCE):  # a `join` that is interrupted takes it for ended
            pass

    def close(self) -> None:
        """Stop serving."""
        self._stop.set()
        self._thread.join()

    def __repr__(self) -> str:
        return f"View({str(self._places.target)!r}) at {self.url}"

    def __enter__(self) -> View:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        finally:
            self._over.set()

    async def _serve(self) -> None:
        app = web.Application(middlewares=[self._guarded], client_max_size=_MOST_BYTES)
        app.router.add_get("/{path:.*}", self._answer)
        app.router.add_post("/{path:.*}", self._act)
        runner = web.AppRunner(app, access_log=None, handle_signals=False)
        try:
            await runner.setup()
            site = web.TCPSite(runner, HOST, self._wanted)
            await site.start()
            self.port = int(runner.addresses[0][1])
        except (OSError, OverflowError) as exc:
            self._failed = getattr(exc, "strerror", None) or str(exc)
            return
        finally:
            self._ready.set()
        while not self._stop.is_set():
            await asyncio.sleep(0.05)
        await runner.cleanup()
        await asyncio.to_thread(self._places.close)

    @property
    def _cookie(self) -> str:
        return f"fabula-{self.port}"

    @property
    def _guarded(self) -> Any:
        @web.middleware
        async def guard(request: web.Request, handler: _Handler) -> web.StreamResponse:
            response = self._refusal(request) or await handler(request)
            response.headers.update(_SAFE)
            return response

        return guard

    def _refusal(self, request: web.Request) -> web.Response | None:
        """What a request gets that is not the user's own."""
        if request.method not in ("GET", "HEAD", "POST"):
            return _plain(405, "the page has no such method")
        if request.headers.getall("Host", []) not in [[f"{n}:{self.port}"] for n in _NAMES]:
            return _plain(403, "the request names another host")
        fetch = request.headers.get("Sec-Fetch-Site", "none")
        navigates = request.headers.get("Sec-Fetch-Mode") == "navigate"
        if fetch not in ("none", "same-origin") and not navigates:
            return _plain(403, "the request comes from another page")
        if request.method == "POST" and not self._is_own(request):
            return _plain(403, "only the page itself may ask for that")
        given = request.query.get("token") if request.method != "POST" else None
        if given is not None and self._is_token(given):
            rest = urlencode([(n, v) for n, v in request.query.items() if n != "token"])
            target = request.path + (f"?{rest}" if rest else "")
            moved = web.Response(status=303, headers={"Location": target})
            moved.set_cookie(self._cookie, self._token, httponly=True, samesite="Lax", path="/")
            return moved
        if not self._is_token(request.cookies.get(self._cookie, "")):
            return _plain(403, "open the address that `fabula view` printed: it holds a token")
        return None

    def _is_own(self, request: web.Request) -> bool:
        """Whether a script of this very page sent it; no form of another page can."""
        origins = [f"http://{name}:{self.port}" for name in _NAMES]
        is_json = request.content_type == "application/json"
        return request.headers.get("Origin") in origins and is_json

    def _is_token(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self._token.encode())

    async def _act(self, request: web.Request) -> web.Response:
        try:
            given = await request.json()
        except web.HTTPRequestEntityTooLarge:
            return _plain(413, f"more than {_MOST_BYTES >> 20} MB were sent")
        except (ValueError, RecursionError):
            given = None
        if not isinstance(given, dict):
            return _plain(400, "no JSON object was sent")
        try:
            done = await asyncio.to_thread(pages.act, self._places, _parts(request), given)
        except FabulaError as error:
            told = [vars(each) for each in getattr(error, "violations", ())] or [error.to_dict()]
            status = 200 if isinstance(error, SpecError) else 409  # the user wrote it
            return web.json_response({"problems": told}, status=status)
        return web.json_response(dict(done))

    async def _answer(self, request: web.Request) -> web.Response:
        return await asyncio.to_thread(self._page, request)

    def _page(self, request: web.Request) -> web.Response:
        parts = _parts(request)
        if parts == [SCRIPT]:
            return web.Response(text=script(), content_type="text/javascript")
        as_json = bool(parts) and parts[-1].endswith(".json")
        if as_json:
            parts[-1] = parts[-1].removesuffix(".json")
        values = {**request.query, "where": request.query.getall("where", [])}
        try:
            answer = pages.answer(self._places, parts, values)
        except FabulaError as error:
            status = 404 if isinstance(error, UsageError) else 500
            if as_json:
                return web.json_response(error.to_dict(), status=status)
            text = page("view_error.html", message=error.message, hint=error.hint or "")
            return web.Response(text=text, status=status, content_type="text/html")
        if isinstance(answer, str):
            place, mark, rest = answer.partition("?")
            target = f"{place}{'.json' if as_json else ''}{mark}{rest}"
            return web.Response(status=302, headers={"Location": target})
        if answer.file is not None and not as_json:
            return _file(answer.file)
        body, content_type = answer.as_json() if as_json else answer.as_html()
        headers = {} if answer.template or as_json else {"Content-Security-Policy": _FOREIGN}
        return web.Response(text=body, content_type=content_type, headers=headers)


def _parts(request: web.Request) -> list[str]:
    return [part for part in request.match_info["path"].split("/") if part]


def _file(file: ShownFile) -> web.Response:
    """A file that a row points at: of a type that its content tells, and unable to do anything."""
    headers = {"Content-Security-Policy": _FOREIGN, "Content-Disposition": file.disposition}
    return web.Response(body=file.content, content_type=file.content_type, headers=headers)


def _plain(status: int, text: str) -> web.Response:
    return web.Response(status=status, text=text)


def view(target: PathLike = ".", *, port: int = 0, open_browser: bool = True) -> View:
    r"""Open a page over a run, a folder of runs, a spec, data or a report, until it is closed.

    The page is served to this machine alone and asks for nothing from outside. It writes nothing
    but what its user saves, runs or reviews there, in the folder that was opened.

    Args:
        target: What to look at.
        port: The port on 127.0.0.1; 0 takes a free one.
        open_browser: Whether to open it in the browser.

    Raises:
        SourceError: There is nothing to show.
        PrerequisiteError: The port is taken.

    Examples:
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp()) / "towns.csv"
        >>> _ = file.write_text("town\nWien")
        >>> with view(file, open_browser=False) as shown:
        ...     shown.url.startswith("http://127.0.0.1:")
        True
    """
    shown = View(places_of(Path(target)), port)
    if open_browser:
        webbrowser.open(shown.url)
    return shown
